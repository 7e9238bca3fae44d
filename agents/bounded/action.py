"""Consumers and sellers that plan and then do something else: partial compliance, override, drop-out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gridarium.agents.bounded.common import Bounded
from gridarium.environment.errors import GridariumError
from gridarium.environment.parameters import number

if TYPE_CHECKING:
    from gridarium.agents.behaviour import Decider


@dataclass(frozen=True, eq=False)
class PartialCompliance(Bounded):
    """Carries out a part of each planned shift; exact at a compliance of 1.

    Parameters
    ----------
    compliance : float
        Share of the difference between plan and base load that is carried out.
    """

    roles = frozenset({"follower", "prosumer"})
    departs_by = ("compliance",)
    compliance: float = number(1.0, 0, 1)

    def act(self, agent: Decider, period: int, planned: float) -> float:
        """Fall back from the plan towards the base load."""
        return planned - (1.0 - self.compliance) * (planned - _base_mw(agent, period))


@dataclass(frozen=True, eq=False)
class Override(Bounded):
    """Switches its plan off by hand for single periods; exact at a probability of 0.

    Parameters
    ----------
    probability : float
        That a period is overridden.
    """

    roles = frozenset({"follower", "prosumer"})
    departs_by = ("probability",)
    probability: float = number(0.0, 0, 1)

    def act(self, agent: Decider, period: int, planned: float) -> float:
        """Draw the base load in a period that is overridden."""
        overridden = agent.stream("behaviour/action/override").random() < self.probability
        return _base_mw(agent, period) if overridden else planned


@dataclass(frozen=True, eq=False)
class DropOut(Bounded):
    """Leaves for the rest of the day; exact at a probability of 0.

    Parameters
    ----------
    probability : float
        Of leaving in a period, for those who are still in.
    """

    roles = frozenset({"follower", "prosumer"})
    departs_by = ("probability",)
    probability: float = number(0.0, 0, 1)
    left: list[int] = field(default_factory=list, init=False, repr=False)

    def act(self, agent: Decider, period: int, planned: float) -> float:
        """Draw the base load from the period on in which the agent leaves."""
        # Not at the top: parameters are checked without loading what a world needs.
        from gridarium.environment.horizon import Horizon

        leaves = agent.stream("behaviour/action/drop-out").random() < self.probability
        if leaves:
            self.left.append(period)
        days = Horizon.of(agent.world)
        is_out = bool(self.left) and days.place(self.left[-1])[0] == days.place(period)[0]
        return _base_mw(agent, period) if is_out else planned


def _base_mw(agent: Decider, period: int) -> float:
    """What the agent would draw if nobody asked it to shift.

    Raises
    ------
    GridariumError
        If it has no such load.
    """
    loads = getattr(agent, "loads_mw", {})
    if "base" not in loads:
        raise GridariumError(f"agent {agent.name}: its behaviour is for those who shift a base load")
    return float(loads["base"][period])
