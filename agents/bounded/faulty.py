"""Participants of a distributed solution that err: solvers stopped early, and answers that are no plans."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gridarium.agents.bounded.choice import planner
from gridarium.agents.bounded.common import Bounded
from gridarium.environment.parameters import count, number, word

if TYPE_CHECKING:
    from gridarium.agents.behaviour import Decider


@dataclass(frozen=True, eq=False)
class Inexact(Bounded):
    """Stops its solver early, short of the optimum; exact at a contraction of 0.

    Parameters
    ----------
    contraction : float
        Share of the distance from the optimum that an iteration leaves; at 1 it never moves.
    iterations : int
        Of each solve, which starts from the plan told last.

    Notes
    -----
    A solver that converges linearly: ``x_K - x* = contraction**K (x_0 - x*)``. Divided solutions bear errors
    whose sum is finite [1]_, as these are where the rounds come to rest.

    References
    ----------
    .. [1] J. Eckstein and D. Bertsekas, On the Douglas-Rachford splitting method and the proximal point
       algorithm for maximal monotone operators, 1992, doi:10.1007/BF01581204
    """

    departs_by = ("contraction",)
    contraction: float = number(0.0, 0, 1)
    iterations: int = count(1, 1, 10_000)

    def choose(self, agent: Decider, signal: Any, plan: Any) -> Any:
        """As much of the way to the optimum as the iterations go."""
        left = self.contraction**self.iterations
        if left == 0.0:
            return plan
        follower = planner(agent)
        return follower.plans.between(plan, follower.plan_mw, left)


@dataclass(frozen=True, eq=False)
class Byzantine(Bounded):
    """Answers something else than its plan in some rounds, and keeps to it; exact at a probability of 0.

    Parameters
    ----------
    probability : float
        Of a round.
    kind : {"random", "opposite", "exaggerated"}
        Whether it tells any feasible load, the opposite of its response, or more than its response.
    reach : float
        How many times its response the opposite or the exaggerated one is, before it is made feasible.

    Notes
    -----
    Faults that follow no rule that others could rely on [1]_; but loads are feasible, since they are drawn.

    References
    ----------
    .. [1] L. Lamport, R. Shostak and M. Pease, The Byzantine generals problem, 1982,
       doi:10.1145/357172.357176
    """

    departs_by = ("probability",)
    probability: float = number(0.0, 0, 1)
    kind: str = word("random", "opposite", "exaggerated")
    reach: float = number(2.0, 1, 100)

    def choose(self, agent: Decider, signal: Any, plan: Any) -> Any:
        """The plan, or what is told in its place."""
        random = agent.stream("behaviour/faulty/byzantine")
        if random.random() >= self.probability:
            return plan
        plans = planner(agent).plans
        base = plans.base_mw
        if self.kind == "random":
            return plans.nearest(2.0 * base * random.random(len(base)))
        towards = self.reach if self.kind == "exaggerated" else -self.reach
        return plans.nearest(base + towards * (plan - base))
