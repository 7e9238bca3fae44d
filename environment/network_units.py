"""Units, loads and limits of a network's own: generators and storages at the power of its file, voltages."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from gridarium.environment.arrays import Array, series
from gridarium.environment.network_rows import LOADS, POWERS, UNITS, Tables, is_on, number


@dataclass(frozen=True, slots=True)
class OwnUnit:
    """A generator, storage or motor of a network at the power of its file.

    Parameters
    ----------
    name : str
        Element and index, such as ``sgen 3``.
    kind : str
        What its table calls it, such as ``PV``; "" where it does not.
    profile : str
        Name of the series that it follows, in a column `profile` of its table; "" without one.
    bus : int
        Index in the file.
    p_mw, q_mvar : float
        What it feeds in, scaling included; negative where it draws.
    """

    name: str
    kind: str
    profile: str
    bus: int
    p_mw: float
    q_mvar: float

    @property
    def generates(self) -> bool:
        """Whether it feeds active power in; what does not counts as a load."""
        return self.p_mw > 0.0


@dataclass(frozen=True, slots=True)
class OwnLoad:
    """A load of a network at the power of its file.

    Parameters
    ----------
    profile : str
        Name of the series that it follows, in a column `profile` of its table; "" without one.
    bus : int
        Index in the file.
    p_mw, q_mvar : float
        Scaling included.
    """

    profile: str
    bus: int
    p_mw: float
    q_mvar: float


@dataclass(frozen=True, eq=False)
class ProfiledLoads:
    """Loads of a feeder that follow one series.

    Parameters
    ----------
    profile : str
        Its name in the file of the network.
    p_load_mw, q_load_mvar : ndarray, shape (n_bus,)
        Nominal loads.
    """

    profile: str
    p_load_mw: Array
    q_load_mvar: Array

    def scaled(self, factor: float) -> ProfiledLoads:
        """The same loads of another size."""
        return ProfiledLoads(self.profile, series(self.p_load_mw * factor), series(self.q_load_mvar * factor))


def own_units(tables: Tables) -> Iterator[OwnUnit]:
    """Give the units in service at buses in service."""
    buses = {int(row["index"]) for row in tables["bus"] if is_on(row)}
    for element, sign in UNITS.items():
        columns = POWERS[element]
        half = len(columns) // 2
        for row in tables.get(element, ()):
            if not is_on(row) or int(row["bus"]) not in buses:
                continue
            factor = sign * number(row, "scaling", 1.0)
            p_mw, q_mvar = (
                factor * sum(number(row, column, 0.0) for column in part)
                for part in (columns[:half], columns[half:])
            )
            kind, profile = _word(row, "type"), _word(row, "profile")
            yield OwnUnit(f"{element} {row['index']}", kind, profile, int(row["bus"]), p_mw, q_mvar)


def voltage_limits(tables: Tables) -> tuple[float | None, float | None]:
    """Give the band that keeps the limits of all buses in service, p.u.; None where none has one.

    Buses of external grids do not count: their voltage is held.
    """
    held = {int(row["bus"]) for row in tables.get("ext_grid", ()) if is_on(row)}
    rows = [row for row in tables["bus"] if is_on(row) and int(row["index"]) not in held]
    lows, highs = (
        [value for row in rows if 0.0 < (value := number(row, column, math.nan)) < math.inf]
        for column in ("min_vm_pu", "max_vm_pu")
    )
    return max(lows, default=None), min(highs, default=None)


def own_loads(tables: Tables) -> Iterator[OwnLoad]:
    """Give the loads in service at buses in service; of a ward, what it draws at any voltage."""
    buses = {int(row["index"]) for row in tables["bus"] if is_on(row)}
    for element, columns in LOADS.items():
        half = len(columns) // 2
        for row in tables.get(element, ()):
            if not is_on(row) or int(row["bus"]) not in buses:
                continue
            p_mw, q_mvar = (
                number(row, "scaling", 1.0) * sum(number(row, column, 0.0) for column in part)
                for part in (columns[:half], columns[half:])
            )
            yield OwnLoad(_word(row, "profile"), int(row["bus"]), p_mw, q_mvar)


def by_profile(
    loads: Sequence[OwnLoad], position: Mapping[int, int], n_bus: int
) -> tuple[ProfiledLoads, ...]:
    """Sum loads by the series that they follow, and by bus.

    Parameters
    ----------
    loads : sequence of OwnLoad
    position : mapping of int to int
        Place in the feeder of each bus of the file.
    n_bus : int
        Of the feeder.

    Returns
    -------
    tuple of ProfiledLoads
        By name; loads without a series are left out.
    """
    sums = {name: np.zeros((2, n_bus)) for name in sorted({load.profile for load in loads} - {""})}
    for load in loads:
        if load.profile:
            sums[load.profile][:, position[load.bus]] += load.p_mw, load.q_mvar
    return tuple(ProfiledLoads(name, series(p_mw), series(q_mvar)) for name, (p_mw, q_mvar) in sums.items())


def _word(row: Mapping[str, object], column: str) -> str:
    """A cell with a word; "" where there is none."""
    value = row.get(column)
    return value if isinstance(value, str) else ""
