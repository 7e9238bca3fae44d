"""Leaders that anticipate: they search for the price that pays best once the followers have answered it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from gridarium.agents.feeder.accounts import DayAhead
from gridarium.agents.feeder.price_setting import Bench, Foresight, Intention, Planning, Step
from gridarium.agents.leader.anticipation import AnticipatingLeader, Anticipation, InformedLeader
from gridarium.agents.leader.follower_model import FollowerModel
from gridarium.agents.leader.problem import LeaderProblem, SupplyCut
from gridarium.environment.arrays import Array
from gridarium.environment.grids import Place
from gridarium.market.price_limits import LimitRules


class Anticipating:
    """Learns the followers from the loads that answer its prices, and nothing else.

    Parameters
    ----------
    connections : mapping of str to Site or SpreadSite
        Its followers by name.
    limits : LimitRules
        What it may post.
    carbon_market : bool
        Whether the carbon that is saved under the quota is sold.
    options : Anticipation, optional

    Notes
    -----
    The cost of supply is learnt too: each dispatch gives a tangent below the convex cost, by its nodal
    prices. C.1.4, C.1.5.
    """

    foresees, cycle = True, None

    def __init__(
        self,
        connections: Mapping[str, Place],
        limits: LimitRules,
        carbon_market: bool,
        options: Anticipation | None = None,
    ) -> None:
        self.connections, self.limits, self.carbon_market = connections, limits, carbon_market
        self.options = options or Anticipation()
        self.leader: AnticipatingLeader

    def first(self, plan: DayAhead, base_mw: Mapping[str, Array], bench: Bench) -> Array:
        """The reference price: its answers are the base loads."""
        loads = self._stacked(base_mw)
        self.leader = self._leader(self.task(plan, loads), self.options)
        return self.leader.propose()

    def plan(self, answers: Planning) -> DayAhead | None:
        """No plan for the answers to a probe; those that cannot be supplied are one more thing to learn."""
        return None if self.leader.probing else answers.attempt()

    def revise(
        self,
        posted: Array,
        loads_mw: Mapping[str, Array],
        silent: frozenset[str],
        plan: DayAhead | None,
        stale: bool,
    ) -> Step:
        """Learn from a complete round on its own price; after an incomplete one ask the same again."""
        leader = self.leader
        if silent:
            return Step(posted, np.inf)
        if not leader.finished and np.array_equal(posted, leader.propose()):
            loads = self._stacked(loads_mw)
            cut = None if plan is None else self._learnt_cost(plan, loads)
            leader.observe(loads, cut, deliverable=plan is not None)
            target = leader.propose()
            left = float(np.abs(target - posted).max())
            return Step(target, left if leader.finished or left > 0.0 else np.inf)
        target = leader.propose()
        return Step(target, float(np.abs(target - posted).max()))

    def settle(self, posted: Array) -> Array:
        """The best price seen."""
        best = self.leader.best
        price = self.leader.propose() if best is None else best.price_per_mwh
        return posted if np.array_equal(price, posted) else price

    def distance(self, posted: Array, plan: DayAhead | None) -> float:
        """Distance from the best price seen."""
        return float(np.abs(self.settle(posted) - posted).max())

    @property
    def intended(self) -> Intention | None:
        """Nothing but its price."""
        return None

    @property
    def foresight(self) -> Foresight:
        """How far the last answers were from those foreseen, and how often answers did not agree."""
        leader = self.leader
        return Foresight(
            leader.rounds[-1].surprise_mw if leader.rounds else np.nan,
            max(estimate.scale_mw for estimate in leader.estimates),
            sum(round_.forgotten for round_ in leader.rounds),
        )

    def task(self, plan: DayAhead, loads_mw: Array) -> LeaderProblem:
        """What it decides on, with all that it was told: base loads, limits, and the cost near some loads."""
        conditions, hours = plan.situation.conditions, plan.situation.period_h
        reference = conditions.tou_price_per_mwh
        return LeaderProblem(
            reference,
            self._followers(reference, loads_mw),
            self.limits.at(reference, loads_mw.sum(axis=0), hours),
            (self.supply_cut(plan, loads_mw),),
            hours,
        )

    def _learnt_cost(self, plan: DayAhead, loads_mw: Array) -> SupplyCut | None:
        """What the dispatch for some loads tells of the cost of supply."""
        return self.supply_cut(plan, loads_mw)

    def supply_cut(self, plan: DayAhead, loads_mw: Array) -> SupplyCut:
        """Tangent of the cost of supply, less carbon revenue, at loads of shape (n_follower, n_period)."""
        dispatch, hours = plan.dispatch, plan.situation.period_h
        marginal = np.array(
            [
                at.p_share @ dispatch.price_per_mwh + at.q_share @ dispatch.price_per_mvarh
                for at in self.connections.values()
            ]
        )
        if self.carbon_market:
            marginal = marginal - plan.carbon_worth_per_mwh
        cost = plan.net_cost_money(self.carbon_market)
        return SupplyCut(cost - float((marginal * loads_mw).sum()) * hours, marginal)

    def _leader(self, task: LeaderProblem, options: Anticipation) -> AnticipatingLeader:
        return AnticipatingLeader(task, options)

    def _followers(self, reference: Array, base_mw: Array) -> tuple[FollowerModel, ...]:
        unknown = np.full(len(reference), np.nan)
        return tuple(FollowerModel(base, reference, np.nan, unknown, unknown) for base in base_mw)

    def _stacked(self, loads_mw: Mapping[str, Array]) -> Array:
        return np.array([loads_mw[name] for name in self.connections])


class FullyInformed(Anticipating):
    """The benchmark: a leader who was given everyone's private data.

    Parameters
    ----------
    followers : callable
        The true followers, in the order of the connections, for a reference price, shape (n_period,).
    """

    def __init__(
        self,
        connections: Mapping[str, Place],
        limits: LimitRules,
        carbon_market: bool,
        followers: Callable[[Array], tuple[FollowerModel, ...]],
        options: Anticipation | None = None,
    ) -> None:
        super().__init__(connections, limits, carbon_market, options)
        self._true_followers = followers

    def _leader(self, task: LeaderProblem, options: Anticipation) -> AnticipatingLeader:
        return InformedLeader(task, options)

    def _followers(self, reference: Array, base_mw: Array) -> tuple[FollowerModel, ...]:
        return self._true_followers(reference)
