"""Thermal units: ratings, fuel and carbon; a carbon-capture plant with a solvent tank beside some of them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from gridarium.environment.errors import StorageError, UnitError

TOLERANCE = 1e-6
"""Solver noise that is forgiven, in tCO2."""
SECONDS_PER_HOUR = 3600.0


@dataclass(frozen=True, slots=True)
class CapturePlant:
    """A carbon-capture plant behind a unit: absorber, stripper, and a tank of rich solvent between them.

    Parameters
    ----------
    efficiency : float
        Largest share of the flue gas that the absorber takes up, in (0, 1].
    energy_mwh_per_tco2 : float
        Energy of regeneration (sigma), spent when the solvent gives the carbon off.
    fixed_mw : float
        Consumption whenever the unit runs, MW.
    tank_tco2 : float
        Size of the solvent tank (S_max), tCO2; 0 ties regeneration to absorption.
    tank_initial_tco2 : float
        Content at the start of the day, and at its end.

    Raises
    ------
    UnitError
        If a value is out of its range.
    """

    efficiency: float
    energy_mwh_per_tco2: float
    fixed_mw: float
    tank_tco2: float
    tank_initial_tco2: float

    def __post_init__(self) -> None:
        if not 0.0 < self.efficiency <= 1.0:
            raise UnitError(f"capture plant: efficiency must be in (0, 1], got {self.efficiency}")
        for name, unit in (("energy_mwh_per_tco2", "MWh/tCO2"), ("fixed_mw", "MW"), ("tank_tco2", "tCO2")):
            _check("capture plant", name, getattr(self, name), 0.0, math.inf, unit)
        initial = self.tank_initial_tco2
        _check("capture plant", "tank_initial_tco2", initial, 0.0, self.tank_tco2, "tCO2")


@dataclass(frozen=True, slots=True)
class GeneratorRatings:
    """Output and fuel cost of any generator that burns something.

    Parameters
    ----------
    name : str
        Name in error messages and tables.
    p_min_mw, p_max_mw : float
        Band of gross power while it runs, MW.
    cost_quadratic_per_mw2h, cost_linear_per_mwh, cost_fixed_per_h : float
        a, b, c of the hourly fuel cost ``a P**2 + b P + c`` of gross power P.

    Raises
    ------
    UnitError
        If a value is out of its range.
    """

    name: str
    p_min_mw: float
    p_max_mw: float
    cost_quadratic_per_mw2h: float
    cost_linear_per_mwh: float
    cost_fixed_per_h: float

    def __post_init__(self) -> None:
        place = f"unit {self.name}"
        _check(place, "p_min_mw", self.p_min_mw, 0.0, self.p_max_mw, "MW")
        if not 0.0 < self.p_max_mw < math.inf:
            raise UnitError(f"{place}: p_max_mw must be in (0, inf) MW, got {self.p_max_mw}")
        for name, unit in (
            ("cost_quadratic_per_mw2h", "money/MW2h"),
            ("cost_linear_per_mwh", "money/MWh"),
            ("cost_fixed_per_h", "money/h"),
        ):
            _check(place, name, getattr(self, name), 0.0, math.inf, unit)

    def fuel_cost_per_h(self, gross_mw: Any, on: Any = 1.0) -> Any:
        """Fuel cost at this gross power, money/h: a number, an array or an expression of them (E20)."""
        linear = self.cost_linear_per_mwh * gross_mw
        return self.cost_quadratic_per_mw2h * gross_mw**2 + linear + self.cost_fixed_per_h * on

    def marginal_fuel_cost_per_mwh(self, gross_mw: float) -> float:
        """Fuel cost of one more MWh at this gross power."""
        return 2.0 * self.cost_quadratic_per_mw2h * gross_mw + self.cost_linear_per_mwh


@dataclass(frozen=True, slots=True)
class ThermalUnit(GeneratorRatings):
    """What a unit that is committed can do and what it costs; immutable, so it may be sent in a message.

    Parameters
    ----------
    start_stop_money : float
        Cost of each start and of each stop (tau), money.
    ramp_mw_per_h, ramp_down_mw_per_h : float
        Most that gross power may rise and fall in an hour, MW.
    min_up_h, min_down_h : int
        Least hours on and off.
    emission_tco2_per_mwh : float
        Carbon of gross energy, before capture.
    on_initially : bool
        Whether it runs before the first period, since long enough to be free of its minimum times.
    p_initial_mw : float
        Gross power before the first period; 0 while off.
    capture : CapturePlant, optional
    s_max_mva : float
        Apparent power of the generator, MVA; of no matter on a grid without reactive power.

    Raises
    ------
    UnitError
        If a value is out of its range.
    """

    start_stop_money: float
    ramp_mw_per_h: float
    ramp_down_mw_per_h: float
    min_up_h: int
    min_down_h: int
    emission_tco2_per_mwh: float
    on_initially: bool
    p_initial_mw: float
    capture: CapturePlant | None = None
    s_max_mva: float = math.inf

    def __post_init__(self) -> None:
        GeneratorRatings.__post_init__(self)  # a class with slots cannot ask for super()
        place = f"unit {self.name}"
        for name, unit in (("ramp_mw_per_h", "MW/h"), ("ramp_down_mw_per_h", "MW/h")):
            if not 0.0 < getattr(self, name) < math.inf:
                raise UnitError(f"{place}: {name} must be in (0, inf) {unit}, got {getattr(self, name)}")
        for name, unit in (
            ("start_stop_money", "money"),
            ("min_up_h", "h"),
            ("min_down_h", "h"),
            ("emission_tco2_per_mwh", "tCO2/MWh"),
        ):
            _check(place, name, getattr(self, name), 0.0, math.inf, unit)
        low, high = (self.p_min_mw, self.p_max_mw) if self.on_initially else (0.0, 0.0)
        _check(place, "p_initial_mw", self.p_initial_mw, low, high, "MW")
        if not self.s_max_mva >= self.p_max_mw:
            least = f"must be at least p_max_mw = {self.p_max_mw:g} MW"
            raise UnitError(f"{place}: s_max_mva {least}, got {self.s_max_mva} MVA")
        if self.capture is not None:
            # The plant never draws from the grid, not even at the unit's least output.
            _check(place, "fixed_mw of its capture plant", self.capture.fixed_mw, 0.0, self.p_min_mw, "MW")

    def start_limit_mw(self, period_h: float) -> float:
        """Most gross power in the period of its start: the least output, or what the ramp reaches, MW."""
        return min(self.p_max_mw, max(self.p_min_mw, self.ramp_mw_per_h * period_h))

    def stop_limit_mw(self, period_h: float) -> float:
        """Most gross power in the period before it stops, MW."""
        return min(self.p_max_mw, max(self.p_min_mw, self.ramp_down_mw_per_h * period_h))


def gas_turbine(
    name: str,
    p_min_mw: float,
    p_max_mw: float,
    cost_quadratic_per_mw2h: float,
    cost_linear_per_mwh: float,
    cost_fixed_per_h: float,
    s_max_mva: float,
    emission_tco2_per_mwh: float,
) -> ThermalUnit:
    """A unit that starts, stops and moves through its band at once and for nothing, off at first."""
    at_once = p_max_mw * SECONDS_PER_HOUR
    return ThermalUnit(
        name=name,
        p_min_mw=p_min_mw,
        p_max_mw=p_max_mw,
        cost_quadratic_per_mw2h=cost_quadratic_per_mw2h,
        cost_linear_per_mwh=cost_linear_per_mwh,
        cost_fixed_per_h=cost_fixed_per_h,
        start_stop_money=0.0,
        ramp_mw_per_h=at_once,
        ramp_down_mw_per_h=at_once,
        min_up_h=0,
        min_down_h=0,
        emission_tco2_per_mwh=emission_tco2_per_mwh,
        on_initially=False,
        p_initial_mw=0.0,
        s_max_mva=s_max_mva,
    )


class SolventTank:
    """The solvent tank of a capture plant and its state.

    Parameters
    ----------
    name : str
        Name in error messages.
    plant : CapturePlant

    Attributes
    ----------
    tco2 : float
        Carbon held in the rich solvent at the end of the last period, tCO2.
    """

    def __init__(self, name: str, plant: CapturePlant) -> None:
        self.name, self.plant = name, plant
        self.tco2 = plant.tank_initial_tco2

    def step(
        self,
        absorbed_tco2_per_h: float,
        regenerated_tco2_per_h: float,
        emitted_tco2_per_h: float,
        period_h: float,
        period: int | None = None,
    ) -> float:
        """Absorb and regenerate for one period; returns the energy of regeneration, MWh.

        Parameters
        ----------
        absorbed_tco2_per_h : float
            A, taken from the flue gas; at most the efficiency's share of what the unit emits.
        regenerated_tco2_per_h : float
            EB, given off by the solvent.
        emitted_tco2_per_h : float
            Gross emission of the unit, ``e PG``.
        period_h : float
        period : int, optional
            Number of the period in error messages.

        Raises
        ------
        StorageError
            If a limit is broken by more than `TOLERANCE`; the state stays as it was.

        Notes
        -----
        Equations E2 and E4: ``S_t = S_{t-1} + (A - EB) dt``, ``0 <= S <= S_max``, energy ``sigma EB dt``.
        """
        place = f"solvent tank {self.name}" + ("" if period is None else f", period {period}")
        if not 0.0 < period_h < math.inf:
            raise StorageError(f"{place}: period_h must be in (0, inf) h, got {period_h} h")
        most = self.plant.efficiency * emitted_tco2_per_h
        absorbed = _within(place, "absorbed_tco2_per_h", absorbed_tco2_per_h, most, "tCO2/h")
        regenerated = _within(place, "regenerated_tco2_per_h", regenerated_tco2_per_h, math.inf, "tCO2/h")
        level = self.tco2 + (absorbed - regenerated) * period_h
        self.tco2 = _within(place, "tco2", level, self.plant.tank_tco2, "tCO2")
        return self.plant.energy_mwh_per_tco2 * regenerated * period_h


def _check(place: str, name: str, value: float, low: float, high: float, unit: str) -> None:
    if not low <= value <= high or math.isinf(value):
        raise UnitError(f"{place}: {name} must be in [{low:.9g}, {high:.9g}] {unit}, got {value}")


def _within(place: str, name: str, value: float, high: float, unit: str) -> float:
    if not -TOLERANCE <= value <= high + TOLERANCE or math.isinf(value):
        raise StorageError(f"{place}: {name} must be in [0, {high:.9g}] {unit}, got {value:.9g}")
    return min(max(value, 0.0), high)
