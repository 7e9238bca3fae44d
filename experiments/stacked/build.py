"""From a checked scenario of several grids to one world full of agents."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from gridarium.agents.upstream import UpstreamMarket
from gridarium.environment.arrays import Array, series
from gridarium.environment.clock import HOUR_S, Clock
from gridarium.environment.grids import Grid
from gridarium.environment.horizon import Horizon
from gridarium.environment.network import Feeder
from gridarium.environment.profiles import Profiles, read_profiles
from gridarium.environment.world import World
from gridarium.experiments.adcef import build as feeders
from gridarium.experiments.formatting import is_money
from gridarium.experiments.net_zero import build as systems
from gridarium.experiments.net_zero.checks import OPERATOR as SYSTEM_OPERATOR
from gridarium.experiments.scenario_fields import in_currency
from gridarium.experiments.scenario_files import profile_path
from gridarium.experiments.world_parts import cut_off, link_quality

if TYPE_CHECKING:
    from gridarium.experiments.adcef.schema import AdcefScenario
    from gridarium.experiments.net_zero.schema import NetZeroScenario
    from gridarium.experiments.stacked.schema import GridEntry, StackedScenario

    GridScenario = AdcefScenario | NetZeroScenario

Part = feeders.Built | systems.Built
"""The agents of one grid."""


@dataclass(frozen=True)
class Built:
    """A world ready to step, and the agents of each grid by its name.

    Parameters
    ----------
    world : World
    parts : mapping of str to Built
    scenarios : mapping of str to Scenario
        Section of each grid as a scenario of its own, in the currency of the world.
    markets : mapping of str to UpstreamMarket
        Who supplies the grids that nothing stands above.
    """

    world: World
    parts: Mapping[str, Part]
    scenarios: Mapping[str, GridScenario]
    markets: Mapping[str, UpstreamMarket]

    @property
    def sections(self) -> Mapping[str, GridScenario]:
        """The scenario of each grid, by its name."""
        return self.scenarios


def build(case: StackedScenario) -> Built:
    """Make the world of one case.

    Raises
    ------
    InputError
        If a network, profiles or a name turn out unusable; carries all faults found.
    """
    entries = _from_roots(case.grids)
    scenarios: dict[str, GridScenario] = {}
    profiles: dict[str, Profiles] = {}
    for name, entry in entries.items():
        rate = case.rate_of(entry.place.currency)
        scenario: Any = in_currency(entry.scenario, rate)
        scenarios[name] = scenario
        profiles[name] = _converted(read_profiles(profile_path(scenario.profiles)), rate)
    grids = _grids(case, entries, scenarios, profiles)
    world = _world(case, scenarios, tuple(grids.values()))
    markets, parts = {}, {}
    for name, grid in grids.items():
        if grid.above is None:
            markets[name] = _market(scenarios[name], profiles[name], grid)
        supplier = _operator(grid.above.grid, scenarios) if grid.above else markets[name].name
        below = {_operator(one, scenarios): one for one in _below(grid, grids)}
        parts[name] = _agents(scenarios[name], profiles[name], grid, supplier, below, entries[name])
    cut_off(world, case)
    return Built(world, parts, scenarios, markets)


def _below(grid: Grid, grids: Mapping[str, Grid]) -> list[Grid]:
    """Grids that hang on one."""
    return [one for one in grids.values() if one.above is not None and one.above.grid is grid]


def _from_roots(grids: Mapping[str, GridEntry]) -> dict[str, GridEntry]:
    """Grids so that each comes after the one above it, otherwise in the order of the file."""

    def depth(name: str) -> int:
        above = grids[name].place.under
        return 0 if above is None else 1 + depth(above)

    return {name: grids[name] for name in sorted(grids, key=depth)}


def _converted(profiles: Profiles, rate: float) -> Profiles:
    """Profiles with their columns of money in the currency of the world."""
    columns = {
        name: series(rate * values) if is_money(name) else values for name, values in profiles.columns.items()
    }
    return replace(profiles, columns=columns)


def _grids(
    case: StackedScenario,
    entries: Mapping[str, GridEntry],
    scenarios: Mapping[str, GridScenario],
    profiles: Mapping[str, Profiles],
) -> dict[str, Grid]:
    n_period = round(case.horizon_h / case.period_h)
    grids: dict[str, Grid] = {}
    for name, entry in entries.items():
        scenario: Any = scenarios[name]
        is_system = scenario.model == "net-zero"
        feeder = Feeder.copper_plate() if is_system else feeders.build_feeder(scenario.network)
        if entry.place.under is None:
            factor = np.zeros(n_period) if is_system else _factor(scenario, profiles[name], case, n_period)
            grids[name] = Grid(feeder, factor, name=name)
            continue
        above = grids[entry.place.under]
        site = above.head if entry.place.at is None else above.site(entry.place.at)
        grids[name] = Grid(feeder, name=name, above=site, replicas=entry.place.replicas)
    return grids


def _factor(scenario: Any, profiles: Profiles, case: StackedScenario, n_period: int) -> Array:
    """Carbon factor of what an exogenous market supplies, by settlement period."""
    held = np.repeat(feeders.metered_factor(scenario, profiles), round(scenario.period_h / case.period_h))
    return series(np.resize(held, n_period))


def _world(case: StackedScenario, scenarios: Mapping[str, Any], grids: tuple[Grid, ...]) -> World:
    """A world that begins when the first of its operators does."""
    opens_h = max(
        one.opens_h_before if one.model == "net-zero" else one.negotiation.opens_h_before
        for one in scenarios.values()
    )
    period_s = case.period_h * HOUR_S
    return World(
        grids,
        Clock(pd.Timestamp(case.start) - pd.Timedelta(hours=opens_h), period_s),
        round(case.horizon_h / case.period_h),
        opens_h * HOUR_S,
        case.seed,
        link_quality(case.communication),
        settles_after_s=period_s,
    )


def _market(scenario: Any, profiles: Profiles, grid: Grid) -> UpstreamMarket:
    if scenario.model == "net-zero":
        return systems.real_time_market(scenario, grid)
    return feeders.upstream_market(scenario, profiles, grid, Horizon.of(grid.world, scenario.period_h))


def _operator(grid: Grid, scenarios: Mapping[str, GridScenario]) -> str:
    """Name of the agent that operates a grid."""
    is_system = scenarios[grid.name].model == "net-zero"
    return grid.named(SYSTEM_OPERATOR if is_system else feeders.OPERATOR)


def _agents(
    scenario: Any,
    profiles: Profiles,
    grid: Grid,
    supplier: str,
    below: Mapping[str, Grid],
    entry: GridEntry,
) -> Part:
    if scenario.model == "net-zero":
        return systems.build_agents(scenario, profiles, grid, supplier, tuple(below))
    horizon = Horizon.of(grid.world, entry.place.step_h)
    return feeders.build_agents(scenario, profiles, feeders.FeederPlace(grid, horizon, supplier, below))
