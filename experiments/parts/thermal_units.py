"""Thermal units of a system, with or without a capture plant."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

from gridarium.environment.errors import Fault
from gridarium.experiments.parts.carbon_market import CARBON_MARKET
from gridarium.experiments.parts.day_ahead_market import DAY_AHEAD_MARKET
from gridarium.experiments.parts.network import NETWORK, unit_sites
from gridarium.experiments.parts.part import GridBuild, GridScenario, Part
from gridarium.experiments.schema.fields import (
    Amount,
    Conflict,
    Flag,
    MoneyAmount,
    Name,
    PositiveAmount,
    PositiveShare,
    Range,
    Section,
    Share,
)

if TYPE_CHECKING:
    from gridarium.environment.thermal_unit import ThermalUnit as UnitRatings


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
    p_max_mw: Annotated[float, Range(0, 1e5, above_low=True)]
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


def unit_ratings(name: str, unit: ThermalUnit) -> UnitRatings:
    """Ratings of a unit and its capture plant."""
    from gridarium.environment.thermal_unit import CapturePlant
    from gridarium.environment.thermal_unit import ThermalUnit as UnitRatings

    plant = unit.capture
    capture = None
    if plant is not None:
        capture = CapturePlant(
            plant.efficiency,
            plant.energy_mwh_per_tco2,
            plant.fixed_mw,
            plant.tank_tco2,
            plant.tank_initial_share * plant.tank_tco2,
        )
    own = unit.model_dump(exclude={"capture", "ramp_mw_per_h"})
    ramp = unit.ramp_mw_per_h
    return UnitRatings(name=name, ramp_mw_per_h=ramp, ramp_down_mw_per_h=ramp, capture=capture, **own)


def _build(build: GridBuild) -> None:
    from gridarium.agents.devices.thermal_plant import ThermalPlant

    carbon = CARBON_MARKET.of(build.scenario)
    # A TIES answers for the carbon of its units itself.
    answers = CARBON_MARKET.hangs_on(build.scenario)
    reimbursed = not DAY_AHEAD_MARKET.is_given(build.scenario)
    for name, unit in THERMAL_UNITS.of(build.scenario).items():
        ratings = unit_ratings(build.grid.named(name), unit)
        site, price = build.grid.head, carbon.price_per_tco2 if answers else None
        if NETWORK.hangs_on(build.scenario):
            site = unit_sites(build)[name]
        allowance = carbon.allowance_tco2_per_mwh
        ThermalPlant(site, name, ratings, build.leader, price, allowance, reimbursed=reimbursed)


def _system_has_units(scenario: GridScenario) -> Iterator[Fault]:
    if THERMAL_UNITS.hangs_on(scenario) and not THERMAL_UNITS.is_given(scenario):
        yield Fault("thermal_units", {}, "must have a unit where there is an operator or a TIES")


THERMAL_UNITS: Part[dict[str, ThermalUnit]] = Part(
    field="thermal_units",
    annotation=dict[Name, ThermalUnit],
    default={},
    meaning="Thermal units of a system or of a TIES.",
    under=("operator", "ties"),
    build=_build,
    has_sites=True,
    checks=((frozenset({"operator", "thermal_units"}), _system_has_units),),
)
