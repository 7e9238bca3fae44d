"""What storages can do, and storages with their state."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from gridarium.environment.arrays import Array
from gridarium.environment.errors import StorageError

TOLERANCE = 1e-6
"""Solver noise that is forgiven, in MW, MWh or units of the attribute."""


@dataclass(frozen=True, slots=True)
class StorageRatings:
    """What a storage can do; immutable, so it may be sent in a message.

    Parameters
    ----------
    name : str
        Name of the storage in error messages and tables.
    p_max_mw : float
        Largest charge and discharge power at the grid terminals, MW.
    e_max_mwh : float
        Energy inside when full, MWh.
    soc_min, soc_max, soc_initial : float
        State of charge as a share of e_max_mwh; 0 <= soc_min <= soc_initial <= soc_max <= 1.
    efficiency_charge, efficiency_discharge : float
        One-way efficiencies in (0, 1].
    s_max_mva : float
        Apparent power of the inverter, MVA.

    Raises
    ------
    StorageError
        If a value is out of its range.

    Notes
    -----
    Powers are measured at the grid terminals, energies inside the storage. With period length dt, charging
    adds ``efficiency_charge * p_charge_mw * dt`` and discharging removes
    ``p_discharge_mw * dt / efficiency_discharge``.
    """

    name: str
    p_max_mw: float
    e_max_mwh: float
    soc_min: float
    soc_max: float
    soc_initial: float
    efficiency_charge: float
    efficiency_discharge: float
    s_max_mva: float

    def __post_init__(self) -> None:
        for name, unit in (("p_max_mw", "MW"), ("e_max_mwh", "MWh"), ("s_max_mva", "MVA")):
            value = getattr(self, name)
            if not 0.0 < value < math.inf:
                raise StorageError(f"storage {self.name}: {name} must be in (0, inf) {unit}, got {value}")
        for name in ("efficiency_charge", "efficiency_discharge"):
            value = getattr(self, name)
            if not 0.0 < value <= 1.0:
                raise StorageError(f"storage {self.name}: {name} must be in (0, 1], got {value}")
        if not 0.0 <= self.soc_min <= self.soc_initial <= self.soc_max <= 1.0:
            band = f"soc_min {self.soc_min}, soc_initial {self.soc_initial}, soc_max {self.soc_max}"
            raise StorageError(f"storage {self.name}: states of charge must rise within [0, 1], got {band}")

    @property
    def efficiencies(self) -> tuple[float, float]:
        """One-way efficiencies of charge and discharge."""
        return self.efficiency_charge, self.efficiency_discharge

    @property
    def band_mwh(self) -> tuple[float, float]:
        """Least and most energy inside, MWh."""
        return self.soc_min * self.e_max_mwh, self.soc_max * self.e_max_mwh

    def resized(self, change: Callable[[float], float]) -> StorageRatings:
        """The same storage of another size: power, energy and inverter changed alike."""
        return replace(
            self,
            p_max_mw=change(self.p_max_mw),
            e_max_mwh=change(self.e_max_mwh),
            s_max_mva=change(self.s_max_mva),
        )

    def powers_mw(self, e_mwh: Array, initial_mwh: float, period_h: float) -> tuple[Array, Array]:
        """Charge and discharge that lead through states of charge, MW, shape (n_period,) each.

        Interior points leave some watts in the direction that is not used and just beyond the limits;
        over a day they would add up to a schedule that the storage refuses.

        Parameters
        ----------
        e_mwh : ndarray, shape (n_period,)
            Energy inside at the end of each period; cut off at the band.
        initial_mwh : float
        period_h : float
        """
        gained_mw = np.diff(np.clip(e_mwh, *self.band_mwh), prepend=initial_mwh) / period_h
        return (
            np.maximum(gained_mw, 0.0) / self.efficiency_charge,
            np.maximum(-gained_mw, 0.0) * self.efficiency_discharge,
        )


class StorageFlow(NamedTuple):
    """Energy that entered and left the inside of a storage in one period, MWh; never negative."""

    e_in_mwh: float
    e_out_mwh: float


def through_mwh(flow: StorageFlow, before_mwh: float) -> float:
    """Energy that was charged and given back within a period, where more left than was there before, MWh."""
    through = flow.e_out_mwh - before_mwh
    return through if through > TOLERANCE else 0.0


class StorageUnit:
    """A storage and its state.

    Parameters
    ----------
    ratings : StorageRatings
        What it can do.

    Attributes
    ----------
    e_mwh : float
        Energy inside at the end of the last period, MWh.
    throughput_mwh : float
        Energy that has entered and left the inside so far, MWh.
    """

    def __init__(self, ratings: StorageRatings) -> None:
        self.ratings = ratings
        self.e_mwh = ratings.soc_initial * ratings.e_max_mwh
        self.throughput_mwh = 0.0
        self._n_steps = 0

    @property
    def soc(self) -> float:
        """State of charge, a share of e_max_mwh."""
        return self.e_mwh / self.ratings.e_max_mwh

    @property
    def cycles(self) -> float:
        """Equivalent full cycles so far: throughput over twice the rated energy."""
        return self.throughput_mwh / (2.0 * self.ratings.e_max_mwh)

    def step(
        self, p_charge_mw: float, p_discharge_mw: float, period_h: float, period: int | None = None
    ) -> StorageFlow:
        """Charge or discharge for one period.

        Parameters
        ----------
        p_charge_mw, p_discharge_mw : float
            Powers at the grid terminals, MW; at most one of them differs from zero.
        period_h : float
            Length of the period, h.
        period : int, optional
            Number of the period in error messages; the count of steps so far if left out.

        Returns
        -------
        StorageFlow
            Energies inside the storage, which an `AttributeTank` takes.

        Raises
        ------
        StorageError
            If a limit is broken by more than `TOLERANCE`; the state stays as it was.

        Notes
        -----
        Equation A20: ``E_t = E_{t-1} + eta_ch P_ch dt - P_dis dt / eta_dis``, within
        ``[soc_min, soc_max] * e_max`` [1]_. Violations within the tolerance are cut off at the limit.

        References
        ----------
        .. [1] Processes 2025, 13(11), 3749
        """
        ratings = self.ratings
        place = f"storage {ratings.name}, period {self._n_steps if period is None else period}"
        if not 0.0 < period_h < math.inf:
            raise StorageError(f"{place}: period_h must be in (0, inf) h, got {period_h} h")
        p_charge_mw = within(place, "p_charge_mw", p_charge_mw, 0.0, ratings.p_max_mw, "MW")
        p_discharge_mw = within(place, "p_discharge_mw", p_discharge_mw, 0.0, ratings.p_max_mw, "MW")
        if min(p_charge_mw, p_discharge_mw) > TOLERANCE:
            both = f"p_charge_mw {p_charge_mw} MW and p_discharge_mw {p_discharge_mw} MW"
            raise StorageError(f"{place}: one direction at a time is allowed, got {both}")
        flow = StorageFlow(
            ratings.efficiency_charge * p_charge_mw * period_h,
            p_discharge_mw * period_h / ratings.efficiency_discharge,
        )
        e_mwh = self.e_mwh + flow.e_in_mwh - flow.e_out_mwh
        self.e_mwh = within(place, "e_mwh", e_mwh, *ratings.band_mwh, "MWh")
        self.throughput_mwh += flow.e_in_mwh + flow.e_out_mwh
        self._n_steps += 1
        return flow


def within(place: str, name: str, value: float, low: float, high: float, unit: str) -> float:
    """Cut a value off at its range.

    Raises
    ------
    StorageError
        If it is beyond by more than `TOLERANCE`, or no finite number.
    """
    if not low - TOLERANCE <= value <= high + TOLERANCE or math.isinf(value):
        raise StorageError(f"{place}: {name} must be in [{low:.9g}, {high:.9g}] {unit}, got {value:.9g}")
    return min(max(value, low), high)
