"""Loads of a system: one that does not respond, and those that shift on command."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from gridarium.environment.errors import Fault
from gridarium.experiments.parts.part import GridBuild, GridScenario, Part
from gridarium.experiments.schema.behaviours import Behaviour, misplaced
from gridarium.experiments.schema.fields import (
    Conflict,
    MoneyAmount,
    Name,
    Probability,
    Range,
    Section,
    Share,
)
from gridarium.experiments.schema.populations import behaviour_of

_AGENT = "load"


class SystemLoad(Section):
    """The load of the system; the flexible loads are a part of it."""

    column: Name = "load_mw"
    """Profile column with the whole load before any response, MW."""
    error_bound: Probability = 0.0
    """Largest relative error of the forecast of the part that does not respond; flexible loads tell theirs
    as it will be, so that a larger part of them leaves less to be uncertain."""
    error_persistence: Probability = 0.9
    """Autocorrelation of the error from one period to the next."""


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


def _build_load(build: GridBuild) -> None:
    """The part of the load that does not respond; its error is drawn for the whole horizon."""
    load, grid = LOAD.of(build.scenario), build.grid
    if load is None:
        return
    from gridarium.agents.devices.system_load import SystemLoad as Agent
    from gridarium.environment.forecast_error import ForecastError

    rest = 1.0 - sum(section.share for section in FLEXIBLE_LOADS.of(build.scenario).values())
    forecast = rest * build.column(load.column)
    error = ForecastError(load.error_bound, load.error_persistence)
    actual = error.actual(forecast, grid.world.streams.stream(f"{grid.named(_AGENT)}/error"))
    Agent(grid.head, _AGENT, forecast, actual)


def _build_flexible(build: GridBuild) -> None:
    load, grid = LOAD.of(build.scenario), build.grid
    if load is None:
        return
    from gridarium.agents.devices.flexible_load import FlexibleLoad as Agent
    from gridarium.agents.devices.flexible_load import FlexibleProfile

    for name, section in FLEXIBLE_LOADS.of(build.scenario).items():
        base = section.share * build.column(load.column)
        demand = FlexibleProfile(
            base, section.lowest_share * base, section.highest_share * base, section.compensation_per_mwh
        )
        behaviour = behaviour_of(grid.named(name), section.behaviour, grid.world.streams)
        Agent(grid.head, name, demand, build.leader, behaviour)


def _system_has_load(scenario: GridScenario) -> Iterator[Fault]:
    if LOAD.hangs_on(scenario) and LOAD.of(scenario) is None:
        yield Fault("load", None, "must be given where there is an operator")


def _shares_fit(scenario: GridScenario) -> Iterator[Fault]:
    loads = FLEXIBLE_LOADS.of(scenario)
    total = sum(load.share for load in loads.values())
    if total > 1.0 + 1e-9:
        shares = {name: load.share for name, load in loads.items()}
        yield Fault("flexible_loads", shares, f"shares must sum to at most 1, they sum to {total:g}")


LOAD: Part[SystemLoad | None] = Part(
    field="load",
    annotation=SystemLoad | None,
    default=None,
    meaning="The load of a system; null for none.",
    under=("operator",),
    build=_build_load,
    checks=((frozenset({"operator", "load"}), _system_has_load),),
    columns=lambda load: () if load is None else (load.column,),
    names=lambda section: () if section is None else (_AGENT,),
)
FLEXIBLE_LOADS: Part[dict[str, FlexibleLoad]] = Part(
    field="flexible_loads",
    annotation=dict[Name, FlexibleLoad],
    default={},
    meaning="Parts of the load of a system that shift on command.",
    under=("operator",),
    build=_build_flexible,
    checks=((frozenset({"flexible_loads"}), _shares_fit),),
)
