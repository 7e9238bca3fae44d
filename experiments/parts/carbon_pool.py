"""A pool in which regional systems answer for their carbon together."""

from __future__ import annotations

from collections.abc import Iterator

from gridarium.environment.errors import Fault
from gridarium.experiments.parts.carbon_policy import CARBON_POLICY, collector_of
from gridarium.experiments.parts.part import GridBuild, GridScenario, Part
from gridarium.experiments.parts.regions import POOL_AGENT, REGIONS, region_names
from gridarium.experiments.schema.fields import MoneyAmount, Section


class CarbonPool(Section):
    """A pool that regional systems join and leave: its members' tonnes go to the cheapest of their steps."""

    fee_money: MoneyAmount = 0.0
    """What membership costs a day."""


def _build(build: GridBuild) -> None:
    section = CARBON_POOL.of(build.scenario)
    if section is None:
        return
    from gridarium.agents.region.carbon_pool import CarbonPool as Agent

    candidates = build.named(region_names(REGIONS.of(build.scenario)))
    collector = collector_of(build)
    Agent(build.grid.head, POOL_AGENT, candidates, collector, section.fee_money, build.horizon)


def _has_ladders(scenario: GridScenario) -> Iterator[Fault]:
    """Yield a pool that has nothing to share, or more candidates than its shares can be worked out for."""
    from gridarium.market.coalition import MOST_PLAYERS

    if CARBON_POOL.of(scenario) is None:
        return
    if CARBON_POLICY.of(scenario).scheme == "none":
        yield Fault("carbon_pool", "given", "must be left out where carbon_policy.scheme is none")
    if len(region_names(REGIONS.of(scenario))) > MOST_PLAYERS:
        allowed = f"must be left out with more than {MOST_PLAYERS} regions: shares are exact"
        yield Fault("carbon_pool", "given", allowed)


CARBON_POOL: Part[CarbonPool | None] = Part(
    field="carbon_pool",
    annotation=CarbonPool | None,
    default=None,
    meaning="A pool in which regional systems answer for their carbon together; null for none.",
    under=("ties",),
    build=_build,
    checks=((frozenset({"carbon_pool", "carbon_policy", "regions"}), _has_ladders),),
    names=lambda section: () if section is None else (POOL_AGENT,),
)
