"""Parts of a grid: sections of a scenario, each with how it becomes agents."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Generic, Self, TypeVar, cast

import numpy as np
from pydantic import PrivateAttr, SerializerFunctionWrapHandler, model_serializer

from gridarium.environment.arrays import Array, series
from gridarium.environment.errors import Fault
from gridarium.experiments.reading.profiles import begins
from gridarium.experiments.reading.scenario_files import profile_path
from gridarium.experiments.schema.fields import Conflict, Range, Source, in_currency
from gridarium.experiments.schema.scenario import Scenario, broken_days

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from gridarium.environment.grids import Grid, Place, Site
    from gridarium.environment.horizon import Horizon
    from gridarium.environment.profiles import Profiles

Value = TypeVar("Value")


class GridScenario(Scenario):
    """One grid with everything on it, and the run around it; each part adds a field of its own.

    - `parts`: what the fields beyond these are, in the order in which their agents are made
    """

    parts: ClassVar[tuple[Part[Any], ...]] = ()

    horizon_h: Annotated[int, Range(1, 8784)] | None = None
    """Hours of delivery, up to a day or whole days, for which profiles are cut off or repeated; null is as
    long as they are."""
    opens_h_before: Annotated[float, Range(0.5, 168)] = 2.0
    """When a system and its prosumers begin before the first day, h; its operator commits units at once."""
    profiles: Source = "adcef-ordinary"
    """A shipped set of profiles or the path of a CSV file."""
    power_scale: Annotated[float, Range(0, 1e4, above_low=True)] = 1.0
    """Factor on all powers of the profiles, so that a grid of another size can take their shapes."""
    _money_rate: float = PrivateAttr(default=1.0)

    def at_rate(self, rate: float) -> Self:
        """The same section with its money in another currency; `rate` units of that are one of its own."""
        converted = in_currency(self, rate)
        converted._money_rate = rate * self._money_rate
        return converted

    @property
    def money_rate(self) -> float:
        """What one unit of money of its profiles is in the currency of the section."""
        return self._money_rate

    def conflicts(self) -> Iterator[Conflict]:
        """Yield a horizon that ends within a day after the first."""
        yield from broken_days(self.horizon_h)

    @model_serializer(mode="wrap")
    def _with_effect(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out the sections of parts that have nothing to hang on."""
        tree: dict[str, Any] = write(self)
        idle = {part.field for part in self.parts if not part.hangs_on(self)}
        return {name: value for name, value in tree.items() if name not in idle}

    @property
    def begins(self) -> datetime:
        """When the first delivery day begins: at `start`, or with the profiles."""
        return begins(self)

    @property
    def operator_name(self) -> str | None:
        """Name in its grid of the agent that operates it; None for a grid that nobody operates."""
        names = (name for part in self.parts if part.operates for name in part.agents(self))
        return next(names, None)

    @property
    def agent_names(self) -> tuple[str, ...]:
        """Names in the grid of all agents, or groups of agents, that it makes."""
        return tuple(name for part in self.parts for name in part.agents(self))

    @property
    def files(self) -> tuple[Path, ...]:
        """Files that the scenario reads."""
        return (
            profile_path(self.profiles),
            *(path for part in self.parts if part.hangs_on(self) for path in part.files(part.of(self))),
        )

    @property
    def profile_columns(self) -> tuple[str, ...]:
        """Columns that the profiles must have."""
        found = (name for part in self.parts if part.hangs_on(self) for name in part.columns(part.of(self)))
        return tuple(dict.fromkeys(found))


Check = tuple[frozenset[str], Callable[[Any], Iterator[Fault]]]
"""A check between fields, with the fields that must be sound for it to make sense."""


def _nothing(section: Any) -> Iterable[Any]:
    return ()


def _keys(section: Any) -> Iterable[str]:
    return section if isinstance(section, Mapping) else ()


@dataclass(frozen=True, eq=False)
class Part(Generic[Value]):
    """A section of a scenario, what it means, and how it becomes agents.

    Parameters
    ----------
    field : str
        Its name in a scenario.
    annotation : type
        What may stand there, as pydantic reads it: a section, one of several, or a mapping of names to them.
    default : section, mapping or None
        What a scenario has that does not name it.
    meaning : str
        One sentence for the schema.
    under : tuple of str, optional
        Fields of which one must be given for this one to have an effect; none by default.
    build : callable, optional
        Puts its agents on a grid.
    checks : tuple, optional
        Between this field and others.
    columns, files : callable, optional
        Columns of the profiles, and files, that the section asks for.
    names : callable, optional
        Names of the agents, or of the groups of agents, that it makes: the keys of a mapping by default.
    has_sites : bool, optional
        Whether the members of its mapping stand at buses of their own.
    at_root : frozenset of str, optional
        Fields of its section that have an effect only where no other grid stands above.
    operates : bool, optional
        Whether its agent is the operator of the grid: pays at its head, and supplies the grids below.
    in_quarters : bool, optional
        Whether its agents count in settlement periods of a quarter of an hour.
    """

    field: str
    annotation: Any
    default: Value
    meaning: str
    under: tuple[str, ...] = ()
    build: Callable[[GridBuild], None] | None = None
    checks: tuple[Check, ...] = ()
    columns: Callable[[Value], Iterable[str]] = _nothing
    files: Callable[[Value], Iterable[Path]] = _nothing
    names: Callable[[Value], Iterable[str]] = _keys
    has_sites: bool = False
    at_root: frozenset[str] = frozenset()
    operates: bool = False
    in_quarters: bool = False

    @property
    def reads_profiles(self) -> bool:
        """Whether it asks for columns of the profiles."""
        return self.columns is not _nothing

    @property
    def makes_agents(self) -> bool:
        """Whether it can make any."""
        return isinstance(self.default, Mapping) or self.names is not _keys

    def of(self, scenario: GridScenario) -> Value:
        """What a scenario says."""
        return cast("Value", getattr(scenario, self.field))

    def is_given(self, scenario: GridScenario) -> bool:
        """Whether a scenario has one."""
        return bool(self.of(scenario))

    def hangs_on(self, scenario: GridScenario) -> bool:
        """Whether a scenario has something that this part belongs to."""
        return not self.under or any(getattr(scenario, name) for name in self.under)

    def agents(self, scenario: GridScenario) -> tuple[str, ...]:
        """Names in the grid of the agents, or groups of agents, that it makes of a scenario."""
        return tuple(self.names(self.of(scenario))) if self.hangs_on(scenario) else ()


@dataclass
class GridBuild:
    """A grid while its agents are made.

    Parameters
    ----------
    scenario : GridScenario
        In the currency of the world.
    grid : Grid
        In its world already.
    horizon : Horizon
        Days and steps of the plans of those who plan in steps.
    profiles : Profiles
        In the currency of the world.
    below : mapping of str to Grid
        Operators of the grids that hang on it, by name.
    supplier : str
        Who supplies its head.
    sections_below : mapping of str to GridScenario
        What the scenario says of the grids that hang on it, by their operators, in the currency of the world.
    followers : dict of str to Site or SpreadSite
        Who answers the signals of its operator, and where the load of each meets the grid; parts add theirs.
    curtailment_per_mwh : dict of str to float
        What followers get from the operator for each MWh below their base load; parts add theirs.
    served : dict of str to Site
        Who is served with what it lacks and answers no signals, and where it stands; parts add theirs.
    """

    scenario: GridScenario
    grid: Grid
    horizon: Horizon
    profiles: Profiles
    below: Mapping[str, Grid] = field(default_factory=dict)
    supplier: str = ""
    sections_below: Mapping[str, GridScenario] = field(default_factory=dict)
    followers: dict[str, Place] = field(default_factory=dict)
    curtailment_per_mwh: dict[str, float] = field(default_factory=dict)
    served: dict[str, Site] = field(default_factory=dict)

    @property
    def operator(self) -> str | None:
        """Name in the world of who operates the grid; None where nobody does."""
        own = self.scenario.operator_name
        return None if own is None else self.grid.named(own)

    @property
    def hears_the_pool(self) -> str | None:
        """Who is told what prosumers expect of a period: the operator, unless nobody asks that for it."""
        asked = self.scenario.operator_name != "dso" or self.grid.above is not None
        return self.operator if asked else None

    @property
    def leader(self) -> str:
        """Name in the world of who operates the grid, for agents of parts that hang on an operator."""
        assert self.operator is not None
        return self.operator

    def hear_grids_below(self) -> None:
        """Let the operators of grids below answer the signals of its own, where their heads are."""
        for name, hung in self.below.items():
            if hung.above is not None:
                self.followers[name] = hung.above

    def named(self, names: Iterable[str]) -> tuple[str, ...]:
        """Names in the world of agents of this grid."""
        return tuple(map(self.grid.named, names))

    def column(self, name: str) -> Array:
        """A column of the profiles over all days, cut off or repeated, shape (n_day * n_step,)."""
        scale = self.scenario.power_scale if name.endswith("_mw") else 1.0
        return self.over_days(scale * self.profiles.column(name))

    def by_period(self, name: str) -> Array:
        """A column over all days by settlement period, held over those of each step, shape (n_period,)."""
        return series(self.horizon.by_period(self.column(name)))

    def over_days(self, values: Array) -> Array:
        """A series over all days, cut off or repeated."""
        return series(np.resize(values, self.horizon.n_day * self.horizon.n_step))
