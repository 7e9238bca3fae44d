"""Virtual power plants as a scenario has them: which loads and storages are theirs, and how they plan."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

from gridarium.experiments.names.registry import is_shipped, load
from gridarium.experiments.parts.part import GridScenario
from gridarium.experiments.parts.pool_section import Pool
from gridarium.experiments.schema.fields import (
    Conflict,
    Name,
    PositiveShare,
    Range,
    Registered,
    Section,
    Share,
)

_CELLS = 2


class Vpp(Section):
    """A virtual power plant: it buys for customers, and plans the storages that owners pool with it."""

    load_share: PositiveShare = 1.0
    """Part of the load of each region that it buys for; the parts of all plants sum to 1."""
    owners: list[Name] | None = None
    """Storages whose owners may pool with it; null for all, where there is one plant."""
    planner: Annotated[str, Registered("vpp-planners")] = "shares"
    """How it plans the storages of a region: a registered planner, or a path package.module:Class."""
    cells: Annotated[int, Range(1, 16)] = _CELLS
    """Of each factor, for the planner piecewise."""
    look_ahead_days: Annotated[int, Range(1, 2)] = 1
    """Days that it plans at once; the first one counts."""
    label_rule: Literal["proportional", "fifo", "load-generator"] = "proportional"
    """How storages tell green energy that leaves from what stays: by the mix of what is inside, the oldest
    first, or as much as there is. Plans go by the mix."""
    initial_green_share: Share = 0.3
    """Green share of what storages hold at the start."""
    coalition_values: Literal["replanned", "as-scheduled"] = "replanned"
    """Whether a coalition is worth what a plan made for it would save, or what its schedules save."""
    pool: Pool = Pool()
    """The platform by which its owners join and leave, and share what they are worth."""

    def conflicts(self) -> Iterator[Conflict]:
        """Yield cells without effect."""
        if self.cells != _CELLS and self.planner != "piecewise" and is_shipped("vpp-planners", self.planner):
            yield Conflict("cells", self.cells, f"must be left at {_CELLS} where planner is {self.planner}")
        if self.look_ahead_days > 1 and self.planner == "greedy":
            allowed = "must be 1 where planner is greedy, which ends each horizon as it began"
            yield Conflict("look_ahead_days", self.look_ahead_days, allowed)


def plants_of(scenario: GridScenario) -> Mapping[str, Vpp]:
    """Plants of a grid by name; none where there is nobody who pays for cleanness."""
    plants: Mapping[str, Vpp] = getattr(scenario, "vpps", {})
    return plants


def goes_on(plant: Vpp) -> bool:
    """Whether a plant can plan under a pull; of planners of others that shows in the run alone."""
    if not is_shipped("vpp-planners", plant.planner):
        return True
    return bool(getattr(load("vpp-planners", plant.planner), "goes_on", False))


def owners_of(plant: Vpp, storages: Mapping[str, object]) -> tuple[str, ...]:
    """Storages of a plant, in the order of the scenario."""
    return tuple(name for name in storages if plant.owners is None or name in plant.owners)


def plant_of(scenario: GridScenario, storage: str) -> str | None:
    """The plant with which the owner of a storage may pool; None where there is none."""
    found = (
        name for name, plant in plants_of(scenario).items() if plant.owners is None or storage in plant.owners
    )
    return next(found, None)


def platform_of(plant: str) -> str:
    """Name in its grid of the platform of a plant's pool."""
    return f"{plant}-pool"
