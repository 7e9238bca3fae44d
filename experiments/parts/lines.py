"""Private lines between prosumers, which a storage provider leases to them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from gridarium.experiments.parts.part import GridScenario, Part
from gridarium.experiments.schema.fields import Conflict, Duration, Name, PositiveAmount, Range, Section

if TYPE_CHECKING:
    from gridarium.environment.grids import Grid
    from gridarium.environment.private_lines import PrivateLines

LESSOR = "esp"
"""Name of the agent that leases the lines, if there is one; the fees go to that account in any case."""

Length = Annotated[float, Range(0, 1e5)]


class LineOutage(Section):
    """A time in which a line carries nothing."""

    line: Annotated[list[Name], Field(min_length=2, max_length=2)]
    """The two prosumers that it joins: of a class of several, its members."""
    start_s: Duration
    """Start after the start of the delivery day, s."""
    end_s: Duration
    """End after the start of the delivery day, s."""

    def conflicts(self) -> Iterator[Conflict]:
        """Yield an outage that ends before it starts."""
        if self.end_s <= self.start_s:
            yield Conflict("end_s", self.end_s, f"must be above start_s = {self.start_s:g} s")


class Lines(Section):
    """Private lines between prosumers."""

    distance_km: dict[Name, dict[Name, Length]]
    """Length of the line from one class of prosumers to another, km; one order of the two is enough."""
    within_km: Length = 5.0
    """Length of the line between two members of a class of several, km."""
    capacity_mw: PositiveAmount = 4.32
    """Most that a line carries, MW."""
    loss_per_km: Annotated[float, Range(0, 0.1)] = 0.0
    """Share of the energy sent that is lost on each km."""
    outages: list[LineOutage] = Field(default_factory=list)
    """Times in which single lines carry nothing."""


def private_lines(scenario: GridScenario, grid: Grid) -> PrivateLines:
    """The lines of a grid with their outages, one object for all who use them."""
    return grid.world.shared(("private lines", grid.name), lambda: _made(scenario, grid))


def _made(scenario: GridScenario, grid: Grid) -> PrivateLines:
    from gridarium.environment.private_lines import PrivateLines

    section = LINES.of(scenario)
    if section is None:
        return PrivateLines({})
    lengths = {
        (grid.named(one), grid.named(other)): km
        for one, row in section.distance_km.items()
        for other, km in row.items()
    }
    lines = PrivateLines(lengths, section.capacity_mw, section.loss_per_km, section.within_km)
    for outage in section.outages:
        one, other = map(grid.named, outage.line)
        opens_s = grid.world.delivery_s
        lines.add_outage(one, other, opens_s + outage.start_s, opens_s + outage.end_s)
    return lines


LINES: Part[Lines | None] = Part(
    field="lines",
    annotation=Lines | None,
    default=None,
    meaning="Private lines of prosumers; null for none.",
    under=("prosumers",),
)
