"""Who lives in the worlds of a scenario: every kind of agent, where it stands, hears, and is made of."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from gridarium.agents.base import GridAgent
from gridarium.agents.behaviour import Behaviour, Composed
from gridarium.agents.guarded import Guarded
from gridarium.experiments.description.reach import Posed, Reach, reach_of


@dataclass
class Kind:
    """All agents of one class and kind in a world.

    Parameters
    ----------
    agent_class : type
    kind : str
        What they are in tables.
    names : dict of str to list of str
        Names of the agents by grid, "" for a grid that is alone.
    behaviours : dict of type to int
        How many of them depart from perfect rationality in which way.
    heard : dict of type to callable
        What handles the messages that they take.
    reaches : list of Reach
        What they are made of, of one in each grid.
    elsewhere : dict of str to dict
        Names by grid of those that only other cases have, by case.
    """

    agent_class: type[GridAgent]
    kind: str
    names: dict[str, list[str]] = field(default_factory=dict)
    behaviours: dict[type[Behaviour], int] = field(default_factory=dict)
    heard: dict[type, Callable[..., Any]] = field(default_factory=dict)
    reaches: list[Reach] = field(default_factory=list)
    elsewhere: dict[str, dict[str, list[str]]] = field(default_factory=dict)

    @property
    def key(self) -> tuple[type[GridAgent], str]:
        """What tells it from other kinds."""
        return self.agent_class, self.kind

    @property
    def count(self) -> int:
        """How many there are."""
        return sum(map(len, self.names.values()))

    @property
    def classes(self) -> tuple[type, ...]:
        """Classes of the agents and of the parts they hold."""
        return tuple(dict.fromkeys(one for reach in self.reaches for one in reach.classes))

    @property
    def problems(self) -> tuple[Posed, ...]:
        """Problems that they can pose themselves."""
        return tuple({one.module: one for reach in self.reaches for one in reach.problems}.values())

    @property
    def sent(self) -> tuple[str, ...]:
        """Types of messages that they may send."""
        return tuple(dict.fromkeys(name for reach in self.reaches for name in reach.messages))

    @property
    def streams(self) -> tuple[str, ...]:
        """What they may draw random numbers for."""
        return tuple(dict.fromkeys(name for reach in self.reaches for name in reach.streams))

    def take(self, agent: GridAgent) -> None:
        """Count an agent in."""
        if agent.grid.name not in self.names:
            self.reaches.append(reach_of(agent))
        self.names.setdefault(agent.grid.name, []).append(agent.grid.local(agent.name))
        for one in _bounded(agent.behaviour):
            self.behaviours[one] = self.behaviours.get(one, 0) + 1
        self.heard |= agent.hears


def kinds_of(agents: Iterable[object]) -> list[Kind]:
    """Sort the agents of a world by what they are, in the order in which they were made."""
    found: dict[tuple[type[GridAgent], str], Kind] = {}
    for agent in agents:
        if isinstance(agent, GridAgent):
            key = type(agent), agent.kind
            found.setdefault(key, Kind(*key)).take(agent)
    return list(found.values())


def with_others(described: list[Kind], others: Mapping[str, list[Kind]]) -> list[Kind]:
    """Add the kinds and agents that only other cases have, each under those cases."""
    found = {kind.key: kind for kind in described}
    for case, kinds in others.items():
        for kind in kinds:
            known = found.setdefault(kind.key, replace(kind, names={}, behaviours={}))
            known.heard |= kind.heard
            missing = {
                grid: [name for name in names if name not in known.names.get(grid, ())]
                for grid, names in kind.names.items()
            }
            if any(missing.values()):
                known.elsewhere[case] = {grid: names for grid, names in missing.items() if names}
    return list(found.values())


def _bounded(behaviour: Behaviour) -> Iterator[type[Behaviour]]:
    if isinstance(behaviour, Composed):
        for one in behaviour.behaviours:
            yield from _bounded(one)
    elif isinstance(behaviour, Guarded):
        yield type(behaviour.inner)
    elif type(behaviour) is not Behaviour:
        yield type(behaviour)
