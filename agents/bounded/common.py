"""What all bounded behaviours share: checked parameters, a role, one memory per agent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from gridarium.agents.behaviour import Behaviour
from gridarium.environment.parameters import Parameterised


@dataclass(frozen=True, eq=False)
class Bounded(Parameterised, Behaviour):
    """A behaviour whose parameters are frozen and checked; its defaults are the exact agent.

    Fields that are no parameters are what an instance remembers of its agent, so that each agent needs
    one of its own.
    """

    roles: ClassVar[frozenset[str]] = frozenset({"follower"})
