"""The tap changer at the head of a feeder, which its operator moves through the day."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

from gridarium.environment.errors import Fault, NetworkError
from gridarium.experiments.parts.leader import LEADER
from gridarium.experiments.parts.network import NETWORK
from gridarium.experiments.parts.part import GridBuild, GridScenario, Part
from gridarium.experiments.schema.fields import Conflict, Range, Section

if TYPE_CHECKING:
    from gridarium.environment.voltage_control import TapChanger as Ratings

_AGENT = "tap_changer"


class TapChanger(Section):
    """An on-load tap changer at the substation: at position 0 its voltage is `network.slack_voltage_pu`."""

    first: Annotated[int, Range(-50, 50)] = -8
    """Lowest position."""
    last: Annotated[int, Range(-50, 50)] = 8
    """Highest position."""
    step_pu: Annotated[float, Range(0, 0.1, above_low=True)] = 0.0125
    """Change of the ratio from one position to the next, relative to that at position 0."""
    moves_per_day: Annotated[int, Range(0, 1000)] = 8
    """Most steps that it may go on a day, up and down together."""
    initial: Annotated[int, Range(-50, 50)] = 0
    """Position before the first period."""

    def conflicts(self) -> Iterator[Conflict]:
        """Yield positions in the wrong order, and ratios that could not be."""
        if self.first > self.last:
            yield Conflict("first", self.first, f"must be at most last = {self.last}")
        elif not self.first <= self.initial <= self.last:
            allowed = f"must be in [first, last] = [{self.first}, {self.last}]"
            yield Conflict("initial", self.initial, allowed)
        elif 1.0 + self.first * self.step_pu <= 0.0:
            allowed = f"must leave a ratio above 0 at steps of {self.step_pu:g} p.u."
            yield Conflict("first", self.first, allowed)


def tap_changer_ratings(scenario: GridScenario) -> Ratings | None:
    """Ratings of the tap changer of a feeder, if it has one."""
    from gridarium.environment.voltage_control import TapChanger as Ratings

    section = TAP_CHANGER.of(scenario)
    return None if section is None else Ratings(**section.model_dump(), name=_AGENT)


def _build(build: GridBuild) -> None:
    ratings = tap_changer_ratings(build.scenario)
    if ratings is None:
        return
    from gridarium.agents.devices.tap_changer import TapChangerUnit

    network = NETWORK.of(build.scenario)
    low, high = network.band_pu
    vm_pu = build.grid.feeder.slack_vm_pu * (1.0 + ratings.step_pu * ratings.initial)
    if not low <= vm_pu <= high:
        allowed = f"must leave the substation, here {vm_pu:g} p.u., in the band [{low:g}, {high:g}] p.u."
        raise NetworkError("scenario", [Fault("tap_changer.initial", ratings.initial, allowed)])
    TapChangerUnit(build.grid.head, ratings, build.horizon)


def _is_planned_with(scenario: GridScenario) -> Iterator[Fault]:
    """Yield a leader whose model of the feeder knows no positions."""
    leader = LEADER.of(scenario)
    if TAP_CHANGER.of(scenario) is not None and leader.searches:
        allowed = f"must be left out where leader.kind is {leader.kind}, whose model has a fixed head voltage"
        yield Fault("tap_changer", "given", allowed)


TAP_CHANGER: Part[TapChanger | None] = Part(
    field="tap_changer",
    annotation=TapChanger | None,
    default=None,
    meaning="The tap changer at the substation of a feeder; null for a fixed voltage.",
    under=("dso",),
    build=_build,
    checks=((frozenset({"tap_changer", "leader"}), _is_planned_with),),
    names=lambda section: () if section is None else (_AGENT,),
)
