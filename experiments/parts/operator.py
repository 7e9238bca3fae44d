"""The system operator, who commits units and corrects deviations."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from gridarium.environment.clock import HOUR_S
from gridarium.experiments.parts.carbon_market import CARBON_MARKET
from gridarium.experiments.parts.day_ahead_market import DAY_AHEAD_MARKET
from gridarium.experiments.parts.lines import LESSOR
from gridarium.experiments.parts.loads import FLEXIBLE_LOADS, LOAD
from gridarium.experiments.parts.part import GridBuild, Part
from gridarium.experiments.parts.prosumers import PROSUMERS
from gridarium.experiments.parts.provider import active_provider
from gridarium.experiments.parts.recorded_grids import RECORDED_GRIDS
from gridarium.experiments.parts.storage_section import storage_ratings
from gridarium.experiments.parts.supply import REAL_TIME
from gridarium.experiments.parts.thermal_units import THERMAL_UNITS, unit_ratings
from gridarium.experiments.parts.trading import TRADING
from gridarium.experiments.parts.wind_farms import WIND_FARMS
from gridarium.experiments.schema.behaviours import Behaviour, misplaced
from gridarium.experiments.schema.fields import Amount, Conflict, MoneyAmount, Range, Section, Share
from gridarium.experiments.schema.populations import behaviour_of

if TYPE_CHECKING:
    from gridarium.agents.system.operation import Members, OperationRules
    from gridarium.agents.system.power_system import PowerSystem

_AGENT = "operator"


class Operator(Section):
    """The system operator: commits units the day before, and corrects deviations every quarter."""

    lead_s: Annotated[float, Range(150, 220)] = 210.0
    """How long before each period the operator looks at the deviation, s."""
    trigger_mw: Amount = 2.0
    """Deviation above which the rest of the day is planned anew (eps), MW."""
    pool_fee_per_mwh: MoneyAmount = 10.0
    """What it pays on energy that the pool trades when called, money/MWh."""
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


def _build(build: GridBuild) -> None:
    section = OPERATOR.of(build.scenario)
    if section is None:
        return
    from gridarium.agents.system.system_operator import SystemOperator

    SystemOperator(
        build.grid.head,
        _AGENT,
        build.supplier,
        _power_system(build, section),
        _members(build),
        _rules(build, section),
        behaviour_of(build.leader, section.behaviour, build.grid.world.streams),
    )


def _power_system(build: GridBuild, section: Operator) -> PowerSystem:
    from gridarium.agents.system.power_system import FlexibleDemand, PowerSystem

    scenario, named = build.scenario, build.grid.named
    provider, carbon = active_provider(scenario), CARBON_MARKET.of(scenario)
    return PowerSystem(
        units=tuple(unit_ratings(named(name), unit) for name, unit in THERMAL_UNITS.of(scenario).items()),
        storage=storage_ratings(named(LESSOR), provider.storage) if provider else None,
        loads=tuple(
            FlexibleDemand(named(name), load.compensation_per_mwh)
            for name, load in FLEXIBLE_LOADS.of(scenario).items()
        ),
        wind_capacity_mw=sum(farm.capacity_mw for farm in WIND_FARMS.of(scenario).values()),
        carbon_price_per_tco2=carbon.price_per_tco2,
        allowance_tco2_per_mwh=carbon.allowance_tco2_per_mwh,
        wear_cost_per_mwh=provider.compensation_per_mwh if provider else 0.0,
        reserve_load_share=section.reserve_load_share,
        reserve_wind_share=section.reserve_wind_share,
        import_limit_mw=REAL_TIME.of(scenario).import_limit_mw,
    )


def _members(build: GridBuild) -> Members:
    from gridarium.agents.system.operation import Members

    scenario = build.scenario
    desks = build.named(TRADING.agents(scenario))
    recorded = build.named(RECORDED_GRIDS.agents(scenario))
    markets = build.named(DAY_AHEAD_MARKET.agents(scenario))
    return Members(
        wind_farms=build.named(WIND_FARMS.agents(scenario)),
        loads=build.named(LOAD.agents(scenario)),
        prosumers=build.named(PROSUMERS.agents(scenario)),
        desk=desks[0] if desks else None,
        below=(*build.below, *recorded),
        day_ahead_market=markets[0] if markets else None,
    )


def _rules(build: GridBuild, section: Operator) -> OperationRules:
    from gridarium.agents.system.operation import OperationRules

    return OperationRules(
        opens_s=build.grid.world.delivery_s - build.scenario.opens_h_before * HOUR_S,
        lead_s=section.lead_s,
        deviation_mw=section.trigger_mw,
        pool_fee_per_mwh=section.pool_fee_per_mwh,
    )


OPERATOR: Part[Operator | None] = Part(
    field="operator",
    annotation=Operator | None,
    default=None,
    meaning="The system operator; null for a grid without.",
    build=_build,
    names=lambda section: () if section is None else (_AGENT,),
    operates=True,
    in_quarters=True,
)
