"""What all bounded behaviours share: checked parameters, a role, one memory per agent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

from gridarium.agents.behaviour import Behaviour
from gridarium.environment.errors import Fault, ScenarioError
from gridarium.environment.parameters import Parameterised, allowed_values


@dataclass(frozen=True, eq=False)
class Bounded(Parameterised, Behaviour):
    """A behaviour whose parameters are frozen and checked; its defaults are the exact agent.

    - `roles`: whose behaviour it can be
    - `departs_by`: parameters that make it another than the exact agent; the rest only say how it departs

    Fields that are no parameters are what an instance remembers of its agent, so that each agent needs
    one of its own.

    Raises
    ------
    ScenarioError
        If a parameter is outside its range, or asks for what is not installed.
    """

    roles: ClassVar[frozenset[str]] = frozenset({"follower"})
    departs_by: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        own = type(self)
        faults = list(own.misfits({name: getattr(self, name) for name in allowed_values(own)}))
        if faults:
            raise ScenarioError(f"parameters of {own.__name__}", faults)

    @classmethod
    def misfits(cls, params: Mapping[str, object]) -> Iterator[Fault]:
        """Yield what is wrong with parameters, each within its range; some may be missing."""
        yield from ()
