"""A scenario file of several grids: each a section like a scenario of its own, with a place in the tree."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, field_serializer

from gridarium.experiments.parts.house import all_parts
from gridarium.experiments.parts.part import GridScenario
from gridarium.experiments.reading.plain_yaml import Tree
from gridarium.experiments.reading.profiles import has_dates
from gridarium.experiments.schema.fields import BusLabel, Conflict, Currency, Name, Range, Section
from gridarium.experiments.schema.scenario import Scenario, broken_days

COMMON = frozenset(
    {
        "title",
        "description",
        "papers",
        "currency",
        "exchange_rates",
        "seed",
        "start",
        "period_h",
        "communication",
    }
)
"""Fields that all grids of a scenario share."""


class GridPlace(Section):
    """Where a grid stands, how often, and in which currency and steps its section thinks."""

    under: Name | None = None
    """Name of the grid above; null for one whose head an exogenous market supplies."""
    at: BusLabel | None = None
    """Bus of the grid above; null is that grid's own head."""
    replicas: Annotated[int, Range(1, 10_000)] = 1
    """How many equal grids stand behind that place; this one stands for all of them."""
    currency: Currency | None = None
    """Currency of the money in the section and its profiles; null is the world's."""
    step_h: Annotated[float, Range(1 / 60, 1)] | None = None
    """Step of its plans and profiles, h, a multiple of the settlement period; null is that period."""

    def conflicts(self) -> Iterator[Conflict]:
        """Yield what belongs to a place above where there is none."""
        if self.under is None and self.at is not None:
            yield Conflict("at", self.at, "must be left out where `under` names no grid")
        if self.under is None and self.replicas > 1:
            yield Conflict("replicas", self.replicas, "must be 1 where `under` names no grid")


@dataclass(frozen=True)
class GridEntry:
    """One grid of a scenario.

    Parameters
    ----------
    place : GridPlace
    scenario : GridScenario
        What its section would be as a scenario of its own.
    """

    place: GridPlace
    scenario: GridScenario

    @property
    def tree(self) -> Tree:
        """The section as it stands in a file, with every default written out."""
        own = self.scenario.model_dump(mode="json", exclude=set(COMMON | {"horizon_h"}))
        for section, fields in unused_fields(self.place).items():
            if section in own:
                own[section] = {key: value for key, value in own[section].items() if key not in fields}
        return self.place.model_dump(mode="json") | own


def unused_fields(place: GridPlace) -> Mapping[str, frozenset[str]]:
    """Fields of sections that have no effect where another grid stands above."""
    return {} if place.under is None else {part.field: part.at_root for part in all_parts() if part.at_root}


class StackedScenario(Scenario):
    """One case of a study of several grids, with every default filled in."""

    horizon_h: Annotated[int, Range(1, 8784)] = 24
    """Hours of delivery, up to a day or whole days; the profiles are cut off or repeated."""
    grids: dict[Name, Any] = Field(default_factory=dict)
    """Each grid: its place, and its section like the scenario of one grid."""

    def conflicts(self) -> Iterator[Conflict]:
        """Yield a horizon that ends within a day after the first."""
        yield from broken_days(self.horizon_h)

    @field_serializer("grids")
    def _trees(self, grids: Mapping[str, GridEntry]) -> Tree:
        return {name: entry.tree for name, entry in grids.items()}

    @property
    def begins(self) -> datetime:
        """When the first delivery day begins: at `start`, or with the first profiles that have dates."""
        if self.start is not None:
            return self.start
        scenarios: list[GridScenario] = [entry.scenario for entry in self.grids.values()]
        return next(filter(has_dates, scenarios), scenarios[0]).begins

    @property
    def files(self) -> tuple[Path, ...]:
        """Files that the scenario reads."""
        return tuple(file for entry in self.grids.values() for file in entry.scenario.files)


def entries_of(case: Scenario) -> Mapping[str, GridEntry]:
    """Every grid of a case by its name; "" is the name of one that is alone."""
    if isinstance(case, StackedScenario):
        return case.grids
    assert isinstance(case, GridScenario)
    return {"": GridEntry(GridPlace(), case)}
