"""Compensators of reactive power on a feeder, which its operator dispatches."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

from gridarium.environment.errors import Fault
from gridarium.experiments.parts.leader import LEADER
from gridarium.experiments.parts.network import unit_sites
from gridarium.experiments.parts.part import GridBuild, GridScenario, Part
from gridarium.experiments.schema.fields import Conflict, Name, Range, Section

if TYPE_CHECKING:
    from gridarium.environment.voltage_control import Compensator as Ratings


class Compensator(Section):
    """A compensator such as an SVC."""

    q_min_mvar: Annotated[float, Range(-1e4, 1e4)]
    """Least that it gives, Mvar; negative where it draws."""
    q_max_mvar: Annotated[float, Range(-1e4, 1e4)]
    """Most that it gives, Mvar."""

    def conflicts(self) -> Iterator[Conflict]:
        """Yield an empty range."""
        if self.q_min_mvar >= self.q_max_mvar:
            allowed = f"must be below q_max_mvar = {self.q_max_mvar:g} Mvar"
            yield Conflict("q_min_mvar", self.q_min_mvar, allowed)


def compensator_ratings(scenario: GridScenario) -> tuple[Ratings, ...]:
    """Ratings of the compensators of a feeder."""
    from gridarium.environment.voltage_control import Compensator as Ratings

    units = COMPENSATORS.of(scenario).items()
    return tuple(Ratings(name, unit.q_min_mvar, unit.q_max_mvar) for name, unit in units)


def _build(build: GridBuild) -> None:
    from gridarium.agents.devices.compensator import CompensatorUnit

    sites = unit_sites(build)
    for ratings in compensator_ratings(build.scenario):
        CompensatorUnit(sites[ratings.name], ratings, build.horizon)


def _are_planned_with(scenario: GridScenario) -> Iterator[Fault]:
    """Yield a leader whose model of the feeder knows none."""
    leader = LEADER.of(scenario)
    if COMPENSATORS.of(scenario) and leader.searches:
        allowed = f"must be left out where leader.kind is {leader.kind}, whose model has none"
        yield Fault("compensators", "given", allowed)


COMPENSATORS: Part[dict[str, Compensator]] = Part(
    field="compensators",
    annotation=dict[Name, Compensator],
    default={},
    meaning="Compensators of reactive power on a feeder.",
    under=("dso",),
    build=_build,
    checks=((frozenset({"compensators", "leader"}), _are_planned_with),),
    has_sites=True,
)
