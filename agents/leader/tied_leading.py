"""Leaders of a feeder with a price tied to its carbon factor: they choose units and pools with the price."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from gridarium.agents.feeder.accounts import DayAhead
from gridarium.agents.feeder.carbon_pool import CarbonPoolPlan
from gridarium.agents.feeder.price_setting import Bench, Intention, Planning, Step
from gridarium.agents.leader.anticipation import Anticipation
from gridarium.agents.leader.feeder_network import FeederNetwork, set_points
from gridarium.agents.leader.follower_model import FollowerModel
from gridarium.agents.leader.leading import Anticipating
from gridarium.agents.leader.tied_anticipation import InformedTiedLeader, TiedAnticipatingLeader
from gridarium.agents.leader.tied_problem import TiedProblem
from gridarium.agents.leader.tied_supply import TiedPlan, TiedSupply
from gridarium.environment.arrays import Array
from gridarium.environment.grids import Place
from gridarium.market.price_limits import LimitRules

TrueFollowers = Callable[[Array], tuple[FollowerModel, ...]]


@dataclass(frozen=True)
class TieRules:
    """How the tariff ties the price.

    Parameters
    ----------
    adjustment : float
        kappa.
    budget_balanced : bool
        Whether discounts may cost no more than the carbon revenue (C8).
    """

    adjustment: float
    budget_balanced: bool


class TiedAnticipating(Anticipating):
    """Learns the followers, and posts only what its own pools and units make the factor of.

    Parameters
    ----------
    connections : mapping of str to Site or SpreadSite
        Its followers by name.
    rules : TieRules
    random : numpy.random.Generator
    options : Anticipation, optional

    - `problem`: what it was told as the day began
    - `planned`: its plan for the answers heard last, in the end for the price that it announces; None where
      that is the one of least cost
    """

    def __init__(
        self,
        connections: Mapping[str, Place],
        rules: TieRules,
        random: np.random.Generator,
        options: Anticipation | None = None,
    ) -> None:
        super().__init__(connections, LimitRules(), True, options)
        self.rules, self._random = rules, random
        self.leader: TiedAnticipatingLeader
        self.problem: TiedProblem
        self.planned: TiedPlan | None = None
        self._best: TiedPlan | None = None

    def first(self, plan: DayAhead, base_mw: Mapping[str, Array], bench: Bench) -> Array:
        """The reference price: its answers are the base loads."""
        self.planned = self._best = None
        loads = self._stacked(base_mw)
        supply = _supply(plan, bench)
        network = FeederNetwork(bench, tuple(self.connections), supply)
        start = network.carry(network.least_cost(plan), loads)
        if start is not None:
            supply = replace(supply, losses=start.losses)
        market = plan.situation.conditions
        self.problem = TiedProblem(
            market.tou_price_per_mwh,
            self._followers(market.tou_price_per_mwh, loads),
            supply,
            market.flat_carbon_price_per_tco2,
            market.quota_tco2_per_mwh,
            self.rules.adjustment,
            plan.situation.period_h,
            self.rules.budget_balanced,
        )
        self.leader = self._tied_leader(network)
        return self.leader.propose()

    def _tied_leader(self, network: FeederNetwork) -> TiedAnticipatingLeader:
        return TiedAnticipatingLeader(self.problem, self._random, self.options, network=network)

    def plan(self, answers: Planning) -> DayAhead | None:
        """The plan that it intends for the answers; none for those to a probe."""
        leader = self.leader
        if leader.finished:
            self.planned = self._best
            return answers.attempt()
        if leader.probing:
            return None
        answer = leader.plan_for(leader.propose(), self._stacked(answers.perceived_mw))
        self.planned = None if answer is None else answer.plan
        return answers.attempt()

    @property
    def intended(self) -> Intention | None:
        """Units and pools of its plan."""
        return None if self.planned is None else intention(self.planned, self.problem)

    def revise(
        self,
        posted: Array,
        loads_mw: Mapping[str, Array],
        silent: frozenset[str],
        plan: DayAhead | None,
        stale: bool,
    ) -> Step:
        """Learn from a complete round on its own price; after an incomplete one ask the same again."""
        best = self._best_round
        step = super().revise(posted, loads_mw, silent, plan, stale)
        if self._best_round != best:
            self._best = self.planned
        return step

    @property
    def _best_round(self) -> int:
        return 0 if self.leader.best is None else self.leader.best.round

    def settle(self, posted: Array) -> Array:
        """The best price seen, and with it what was intended then."""
        self.planned = self._best
        return super().settle(posted)

    def _learnt_cost(self, plan: DayAhead, loads_mw: Array) -> None:
        """Nothing: this leader knows what its units cost."""


class TiedFullyInformed(TiedAnticipating):
    """The benchmark: a leader under C7 who was given everyone's private data.

    Parameters
    ----------
    connections : mapping of str to Site or SpreadSite
    rules : TieRules
    random : numpy.random.Generator
    followers : callable
        The true followers, in the order of the connections, for a reference price, shape (n_period,).
    options : Anticipation, optional
    """

    def __init__(
        self,
        connections: Mapping[str, Place],
        rules: TieRules,
        random: np.random.Generator,
        followers: TrueFollowers,
        options: Anticipation | None = None,
    ) -> None:
        super().__init__(connections, rules, random, options)
        self._true_followers = followers

    def _tied_leader(self, network: FeederNetwork) -> TiedAnticipatingLeader:
        return InformedTiedLeader(self.problem, self._random, self.options, network=network)

    def _followers(self, reference: Array, base_mw: Array) -> tuple[FollowerModel, ...]:
        return self._true_followers(reference)


def intention(plan: TiedPlan, problem: TiedProblem) -> Intention:
    """What a plan asks of units and pools."""
    pool = CarbonPoolPlan(plan.inflow_t_per_h, plan.outflow_t_per_h, problem.supply.first_tco2)
    return Intention(set_points(plan), pool)


def _supply(plan: DayAhead, bench: Bench) -> TiedSupply:
    """What a feeder may dispatch, before any losses."""
    market, shape = plan.situation.conditions, bench.shape
    wear = dict(shape.wear_cost_per_mwh)
    return TiedSupply(
        wholesale_price_per_mwh=market.wholesale_price_per_mwh,
        export_price_per_mwh=market.export_price_per_mwh,
        grid_factor_tco2_per_mwh=market.grid_factor_tco2_per_mwh,
        import_limit_mw=shape.import_limit_mw,
        export_limit_mw=shape.export_limit_mw,
        turbines=shape.turbines,
        running=bench.on > 0.5,
        available_mw=bench.available_mw,
        storages=shape.storages,
        initial_mwh=bench.initial_mwh,
        wear_cost_per_mwh=np.array([wear[unit.name] for unit in shape.storages]),
        first_tco2=plan.pool.first_tco2,
    )
