"""Units and limits of a network's own: generators and storages at the power of its file, voltages."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from gridarium.environment.network_rows import POWERS, UNITS, Tables, is_on, number


@dataclass(frozen=True, slots=True)
class OwnUnit:
    """A generator, storage or motor of a network at the power of its file.

    Parameters
    ----------
    name : str
        Element and index, such as ``sgen 3``.
    kind : str
        What its table calls it, such as ``PV``; "" where it does not.
    bus : int
        Index in the file.
    p_mw, q_mvar : float
        What it feeds in, scaling included; negative where it draws.
    """

    name: str
    kind: str
    bus: int
    p_mw: float
    q_mvar: float

    @property
    def generates(self) -> bool:
        """Whether it feeds active power in; what does not counts as a load."""
        return self.p_mw > 0.0


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
            kind = row.get("type")
            kind = kind if isinstance(kind, str) else ""
            yield OwnUnit(f"{element} {row['index']}", kind, int(row["bus"]), p_mw, q_mvar)


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
