"""From a checked scenario to a world full of agents."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
import pandas as pd

from gridarium.agents.base import GridAgent
from gridarium.environment.arrays import Array, series
from gridarium.environment.clock import HOUR_S, Clock
from gridarium.environment.grids import Grid
from gridarium.environment.horizon import Horizon
from gridarium.environment.network import Feeder
from gridarium.environment.profiles import Profiles
from gridarium.environment.world import World
from gridarium.experiments.checking.grid_tree import GridPlace, StackedScenario, entries_of
from gridarium.experiments.names.formatting import is_money
from gridarium.experiments.parts.negotiation import NEGOTIATION
from gridarium.experiments.parts.network import NETWORK, build_feeder
from gridarium.experiments.parts.part import GridBuild, GridScenario
from gridarium.experiments.parts.supply import head_factor_tco2_per_mwh
from gridarium.experiments.reading.profiles import profiles_of
from gridarium.experiments.running.communication_build import link_quality, set_up_links
from gridarium.experiments.schema.scenario import Scenario

AgentT = TypeVar("AgentT", bound=GridAgent)


@dataclass(frozen=True)
class BuiltWorld:
    """A world that is ready to step.

    Parameters
    ----------
    world : World
    sections : mapping of str to GridScenario
        What the scenario says of each grid, by its name, in the currency of the world; "" is the name of a
        grid that is alone.
    """

    world: World
    sections: Mapping[str, GridScenario]

    def of(self, kind: type[AgentT]) -> tuple[AgentT, ...]:
        """All agents of a class, in the order in which they were made."""
        return tuple(agent for agent in self.world.agents if isinstance(agent, kind))

    def one(self, kind: type[AgentT]) -> AgentT:
        """The agent of a class of which there is only one."""
        (agent,) = self.of(kind)
        return agent


@dataclass(frozen=True)
class _Section:
    """What a scenario says of one grid, in the currency of the world."""

    place: GridPlace
    scenario: GridScenario
    profiles: Profiles


@dataclass(frozen=True)
class StandIn:
    """What stands in the world in place of a grid that is not there: one bus, and whoever is put on it.

    Parameters
    ----------
    fill : callable
        Puts its agents on it, given the grid, the name in it of who operates it, and that of its supplier in
        the world.
    head_factor_tco2_per_mwh : ndarray, shape (n_period,), optional
        Carbon factor of what comes in at its head, which an exogenous market supplies then.
    """

    fill: Callable[[Grid, Horizon, str, str], None]
    head_factor_tco2_per_mwh: Array | None = None


@dataclass(frozen=True)
class Alone:
    """One grid of a case without the others.

    Parameters
    ----------
    grid : str
    stand_ins : mapping of str to StandIn
        In place of the grid above and of those right below it.
    """

    grid: str
    stand_ins: Mapping[str, StandIn]


def build(case: Scenario, alone: Alone | None = None) -> BuiltWorld:
    """Make the world of one case.

    Parameters
    ----------
    case : Scenario
    alone : Alone, optional
        A single grid of it instead, between stand-ins.

    Raises
    ------
    InputError
        If a network, profiles or a name turn out unusable; carries all faults found.
    """
    sections = {name: _section(case, name) for name in _from_roots(case)}
    stand_ins = {} if alone is None else alone.stand_ins
    kept = [name for name in sections if alone is None or name == alone.grid or name in stand_ins]
    n_period = _n_period(case, sections)
    grids: dict[str, Grid] = {}
    for name in kept:
        grids[name] = (
            _stand_in(name, sections[name], stand_ins[name], grids)
            if name in stand_ins
            else _grid(case, name, sections[name], n_period, grids)
        )
    world = _world(case, sections, tuple(grids.values()), n_period)
    for name, grid in grids.items():
        if name in stand_ins:
            horizon = Horizon.of(world, sections[name].place.step_h)
            supplier = _operator(grid.above.grid, sections) if grid.above else ""
            stand_ins[name].fill(grid, horizon, grid.local(_operator(grid, sections)), supplier)
        else:
            _fill(grid, sections[name], grids, sections)
    set_up_links(world, case, _operator_of_all(grids, sections))
    return BuiltWorld(world, {name: sections[name].scenario for name in kept})


def _stand_in(name: str, section: _Section, stand_in: StandIn, grids: Mapping[str, Grid]) -> Grid:
    factor, place = stand_in.head_factor_tco2_per_mwh, section.place
    if factor is not None:
        return Grid(Feeder.copper_plate(), factor, name=name)
    assert place.under is not None
    above = grids[place.under]
    site = above.head if place.at is None else above.site(place.at)
    return Grid(Feeder.copper_plate(), name=name, above=site, replicas=place.replicas)


def _from_roots(case: Scenario) -> list[str]:
    """Names of the grids so that each comes after the one above it, otherwise in the order of the file."""
    entries = entries_of(case)

    def depth(name: str) -> int:
        above = entries[name].place.under
        return 0 if above is None else 1 + depth(above)

    return sorted(entries, key=depth)


def _section(case: Scenario, name: str) -> _Section:
    entry = entries_of(case)[name]
    rate = case.rate_of(entry.place.currency)
    scenario = entry.scenario.at_rate(rate)
    profiles = profiles_of(scenario)
    columns = {
        column: series(rate * values) if is_money(column) else values
        for column, values in profiles.columns.items()
    }
    return _Section(entry.place, scenario, replace(profiles, columns=columns))


def _n_period(case: Scenario, sections: Mapping[str, _Section]) -> int:
    """Settlement periods of the world; as many as a grid alone has rows, if nothing else is said."""
    if isinstance(case, StackedScenario):
        return round(case.horizon_h / case.period_h)
    (section,) = sections.values()
    hours = section.scenario.horizon_h
    return len(section.profiles.index) if hours is None else round(hours / case.period_h)


def _grid(case: Scenario, name: str, section: _Section, n_period: int, grids: Mapping[str, Grid]) -> Grid:
    scenario, place = section.scenario, section.place
    has_feeder = NETWORK.hangs_on(scenario)
    feeder = build_feeder(NETWORK.of(scenario)) if has_feeder else Feeder.copper_plate()
    if place.under is not None:
        above = grids[place.under]
        # A stand-in has a single bus.
        site = above.head if place.at is None or above.feeder.n_bus == 1 else above.site(place.at)
        return Grid(feeder, name=name, above=site, replicas=place.replicas)
    factor = head_factor_tco2_per_mwh(scenario, section.profiles)
    held = np.repeat(factor, round(scenario.period_h / case.period_h))
    return Grid(feeder, series(np.resize(held, n_period)), name=name)


def _opens_h(scenario: GridScenario) -> float:
    """How long before the first day the agents of a grid begin, h."""
    return (
        NEGOTIATION.of(scenario).opens_h_before if NEGOTIATION.hangs_on(scenario) else scenario.opens_h_before
    )


def _world(case: Scenario, sections: Mapping[str, _Section], grids: Sequence[Grid], n_period: int) -> World:
    """A world that begins when the first of its operators does."""
    opens_h = max(_opens_h(section.scenario) for section in sections.values())
    period_s = case.period_h * HOUR_S
    return World(
        grids,
        Clock(pd.Timestamp(case.begins) - pd.Timedelta(hours=opens_h), period_s),
        n_period,
        opens_h * HOUR_S,
        case.seed,
        link_quality(case.communication),
        settles_after_s=period_s,
    )


def _fill(grid: Grid, section: _Section, grids: Mapping[str, Grid], sections: Mapping[str, _Section]) -> None:
    """Make the agents of a grid."""
    scenario = section.scenario
    below = {_operator(one, sections): one for one in grid.below}
    build = GridBuild(
        scenario,
        grid,
        Horizon.of(grid.world, section.place.step_h),
        section.profiles,
        below,
        _operator(grid.above.grid, sections) if grid.above else "",
        {name: sections[one.name].scenario for name, one in below.items()},
    )
    for part in scenario.parts:
        if part.build is not None and part.hangs_on(scenario):
            part.build(build)


def _operator(grid: Grid, sections: Mapping[str, _Section]) -> str:
    """Name in the world of who operates a grid; the checks of the tree see to it that somebody does."""
    own = sections[grid.name].scenario.operator_name
    assert own is not None
    return grid.named(own)


def _operator_of_all(grids: Mapping[str, Grid], sections: Mapping[str, _Section]) -> str | None:
    """Name in the world of the operator of the grid above all others, the first of several such grids."""
    top = next(iter(grids))
    section = sections[top]
    own = section.scenario.operator_name
    return None if own is None else grids[top].named(own)
