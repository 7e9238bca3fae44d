"""Sections of a scenario of model E on the system: units, wind, loads, and the operator's rules."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from gridarium.experiments.behaviour_schema import Behaviour, misplaced
from gridarium.experiments.scenario_fields import (
    Amount,
    Conflict,
    Flag,
    Money,
    MoneyAmount,
    Name,
    PositiveAmount,
    PositiveMoney,
    PositiveShare,
    Probability,
    Range,
    Section,
    Share,
)


class Capture(Section):
    """A carbon-capture plant behind a unit, with a tank of rich solvent."""

    efficiency: PositiveShare = 0.8
    """Largest share of the flue gas that the absorber takes up."""
    energy_mwh_per_tco2: Annotated[float, Range(0, 5)]
    """Energy of regeneration (sigma), MWh/tCO2."""
    fixed_mw: Amount
    """Consumption whenever the unit runs, MW."""
    tank_tco2: Amount
    """Size of the solvent tank, tCO2; 0 ties regeneration to absorption."""
    tank_initial_share: Share = 0.5
    """Content at the start and at the end of the day, share of the size."""


class ThermalUnit(Section):
    """A thermal unit with a quadratic fuel cost a P^2 + b P + c of gross power."""

    p_min_mw: Amount
    """Least gross power while it runs, MW."""
    p_max_mw: PositiveAmount
    """Most gross power, MW."""
    cost_quadratic_per_mw2h: MoneyAmount
    """a, money/(MW^2 h)."""
    cost_linear_per_mwh: MoneyAmount
    """b, money/MWh."""
    cost_fixed_per_h: MoneyAmount
    """c, money/h."""
    start_stop_money: MoneyAmount
    """Cost of each start and of each stop (tau), money."""
    ramp_mw_per_h: PositiveAmount
    """Most that gross power may rise or fall in an hour, MW/h."""
    min_up_h: Annotated[int, Range(0, 168)] = 1
    """Least time on, h."""
    min_down_h: Annotated[int, Range(0, 168)] = 1
    """Least time off, h."""
    emission_tco2_per_mwh: Annotated[float, Range(0, 3)]
    """Carbon of gross energy before capture (e), tCO2/MWh."""
    on_initially: Flag = True
    """Whether it runs before the first period."""
    p_initial_mw: Amount = 0.0
    """Gross power before the first period, MW; 0 while off."""
    capture: Capture | None = None
    """Its capture plant; null for none."""

    def conflicts(self) -> Iterator[Conflict]:
        """Yield powers in the wrong order."""
        low, high = self.p_min_mw, self.p_max_mw
        if low > high:
            yield Conflict("p_min_mw", low, f"must be at most p_max_mw = {high:g} MW")
        elif self.on_initially and not low <= self.p_initial_mw <= high:
            allowed = f"must be in [p_min_mw, p_max_mw] = [{low:g}, {high:g}] MW of a unit that runs"
            yield Conflict("p_initial_mw", self.p_initial_mw, allowed)
        elif not self.on_initially and self.p_initial_mw > 0.0:
            yield Conflict("p_initial_mw", self.p_initial_mw, "must be 0 MW of a unit that does not run")
        if self.capture is not None and self.capture.fixed_mw > low:
            yield Conflict(
                "capture.fixed_mw", self.capture.fixed_mw, f"must be at most p_min_mw = {low:g} MW"
            )


class WindFarm(Section):
    """A wind farm whose power departs from its forecast."""

    column: Name
    """Profile column with its forecast, MW."""
    capacity_mw: PositiveAmount
    """Installed power, MW."""
    error_bound: Probability = 0.15
    """Largest relative error of the forecast."""
    error_persistence: Probability = 0.9
    """Autocorrelation of the error from one period to the next."""


class SystemLoad(Section):
    """The load of the system; the flexible loads are a part of it."""

    column: Name = "load_mw"
    """Profile column with the whole load before any response, MW."""
    error_bound: Probability = 0.0
    """Largest relative error of its forecast."""
    error_persistence: Probability = 0.9
    """Autocorrelation of the error from one period to the next."""


class RecordedGrid(Section):
    """A grid below by what another run has recorded at its head; all columns are of one grid, MW."""

    forecast_column: Name
    """Profile column with the exchange that was told before the terms, MW."""
    plan_column: Name
    """Profile column with the exchange that was planned under them, MW."""
    metered_column: Name
    """Profile column with the exchange that came, MW."""
    factor_column: Name | None = None
    """Profile column with the carbon factor of what was fed back, tCO2/MWh; null for 0."""
    replicas: Annotated[int, Range(1, 10_000)] = 1
    """How many equal grids it stands for."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that the profiles must have."""
        own = (self.forecast_column, self.plan_column, self.metered_column)
        return (*own, *([self.factor_column] if self.factor_column else []))


class FlexibleLoad(Section):
    """A load that shifts in time on command, against compensation, at unchanged energy of the day."""

    share: Share
    """Share of the system's load."""
    lowest_share: Share = 0.7
    """Least it can draw, share of what it would."""
    highest_share: Annotated[float, Range(1, 10)] = 1.3
    """Most it can draw, share of what it would."""
    compensation_per_mwh: MoneyAmount
    """Due for each MWh by which it is moved, up or down (beta_m)."""
    behaviour: list[Behaviour] = Field(default_factory=list)
    """Elements of bounded rationality, in the order they act; empty is the exact load."""

    def conflicts(self) -> Iterator[Conflict]:
        """Yield behaviours that are made for others."""
        yield from misplaced(self.behaviour, "follower")


class Operator(Section):
    """The system operator: commits units the day before, and corrects deviations every quarter."""

    lead_s: Annotated[float, Range(105, 450)] = 120.0
    """How long before each period the operator looks at the deviation, s."""
    trigger_mw: Amount = 2.0
    """Deviation above which the rest of the day is planned anew (eps), MW."""
    pool_fee_per_mwh: MoneyAmount = 10.0
    """Mean line fee that it reckons with for energy traded in the pool, money/MWh."""
    reserve_load_share: Share = 0.05
    """Spinning reserve as a share of the load (mu11)."""
    reserve_wind_share: Share = 0.05
    """Spinning reserve as a share of installed wind power (mu22)."""
    benchmark_nodes: Annotated[int, Range(0, 10_000_000)] = 1000
    """Most nodes of the search for the day of perfect information to compare with; 0 leaves it out."""
    behaviour: list[Behaviour] = Field(default_factory=list)
    """Elements of bounded rationality, in the order they act; empty is the exact operator."""

    def conflicts(self) -> Iterator[Conflict]:
        """Yield behaviours that are made for others."""
        yield from misplaced(self.behaviour, "operator")


class RealTimeMarket(Section):
    """What energy costs that is bought in real time; what is left over earns nothing."""

    price_per_mwh: PositiveMoney = 300.0
    """Price of imports, and of what prosumers get from the system, money/MWh."""
    import_limit_mw: Amount = 500.0
    """Most that can be imported, MW."""


class CarbonMarket(Section):
    """Allowances for generation, and their price."""

    price_per_tco2: Annotated[float, Range(0, 1000), Money()] = 12.0
    """Price of allowances, money/tCO2."""
    allowance_tco2_per_mwh: Annotated[float, Range(0, 3)] = 0.7
    """Free allowance for gross energy (theta), tCO2/MWh."""
