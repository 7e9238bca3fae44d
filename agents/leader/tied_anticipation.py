"""A leader under C7 that learns its followers from the loads that answer its prices."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from gridarium.agents.leader.anticipation import AnticipatingLeader, Anticipation, Purpose
from gridarium.agents.leader.follower_model import FollowerModel
from gridarium.agents.leader.problem import LeaderProblem
from gridarium.agents.leader.tied_live_step import Directions, TiedAnswer
from gridarium.agents.leader.tied_network import (
    Network,
    SettledPlan,
    hold_on_network,
    settle_on_network,
    value_on_network,
)
from gridarium.agents.leader.tied_optimum import TiedOptimum, tied_optimum
from gridarium.agents.leader.tied_problem import TiedProblem
from gridarium.agents.leader.tied_sequence import UNTIED, TiedOptions, TiedOutcome, TiedSequence
from gridarium.environment.arrays import Array
from gridarium.environment.errors import InfeasibleError

logger = logging.getLogger(__name__)

HEARD_WITHIN_PER_MWH = 5e-4
"""Distance from C7 that counts as none for loads as heard, which others' solvers work out, money/MWh."""

TIED_STARTS = 3
"""Starts of each search on a learnt model, besides the best price seen."""

_LEFT_SHARE = 0.05
"""Share of a base load that stays in a learnt model as long as no limit has been seen."""


class TiedAnticipatingLeader(AnticipatingLeader):
    """Probes, learns and optimises as a leader with a free price does, but keeps only prices that are tied.

    Parameters
    ----------
    problem : TiedProblem
        Its followers carry only what the leader was told: their base loads.
    random : numpy.random.Generator
        For the starts of its searches.
    options : Anticipation, optional
    tied_options : TiedOptions, optional
    network : Network, optional
        Where its plans are to be carried; one bus without it.

    - `optimum`: what its last search on the learnt model has found
    - `formula_on_network`: the formula's price and storages with all else as the network carries it

    Notes
    -----
    A probe needs no pool: it is there to learn from. What is kept has one for the loads that answered.
    """

    n_start = TIED_STARTS

    def __init__(
        self,
        problem: TiedProblem,
        random: np.random.Generator,
        options: Anticipation | None = None,
        tied_options: TiedOptions | None = None,
        network: Network | None = None,
    ) -> None:
        self._problem, self._random, self._tied_options = problem, random, tied_options
        self._sequence = TiedSequence(problem, tied_options)
        self._network = network
        self._intended: TiedOutcome | None = None
        self.optimum: TiedOptimum | None = None
        self.formula_on_network: SettledPlan | None = None
        super().__init__(problem.as_led(), options)

    @property
    def problem(self) -> TiedProblem:
        """What it decides on, with losses as the network showed them last."""
        return self._problem

    def plan_for(self, price: Array, loads_mw: Array) -> TiedAnswer | None:
        """The best plan for heard loads, shape (n_follower, n_period); None where nothing supplies them."""
        if self._network is None:
            return self._value(price, loads_mw.sum(axis=0))
        if self._intended is None:
            return None
        # On the network only what it carries counts: storages do as intended, all else follows.
        plan = replace(self._intended.plan, price_per_mwh=price)
        learnt = self._problem.with_followers(self._learnt_followers())
        return value_on_network(learnt, plan, loads_mw, self._network)

    def _value(self, price: Array, load_mw: Array | None = None) -> TiedAnswer | None:
        """The best plan with power going the ways that were intended, or where that is not tied, the best."""
        ways = [None] if self._intended is None else [Directions.of(self._intended.plan), None]
        best = None
        for directions in ways:
            answer = self._sequence.value(price, directions, load_mw)
            if answer is not None and (best is None or answer.merit_money > best.merit_money):
                best = answer
            if best is not None and self._is_tied(best):
                break
        return best

    # What it thinks.

    def _learnt_followers(self) -> list[FollowerModel]:
        models = [estimate.estimate.model for estimate in self.estimates]
        most = 1.0 - _LEFT_SHARE
        return [replace(one, most_down_mw=np.minimum(one.most_down_mw, most * one.base_mw)) for one in models]

    def _foreseen_money(self, price: Array) -> float:
        followers = self._learnt_followers()
        if self._network is not None:
            return self._money(self.plan_for(price, np.array([one.load(price) for one in followers])))[0]
        self._sequence.meet(followers)
        return self._money(self._value(price))[0]

    def _earned(self, price: Array, loads_mw: Array) -> tuple[float, bool]:
        return self._money(self.plan_for(price, loads_mw))

    def _money(self, answer: TiedAnswer | None) -> tuple[float, bool]:
        """Profit of a plan, and whether its price is tied."""
        if answer is None:
            return -np.inf, False
        return self._problem.profit(answer.plan), self._is_tied(answer)

    def _is_tied(self, answer: TiedAnswer) -> bool:
        problem, plan = self._problem, answer.plan
        kept = problem.budget_left(plan) >= -UNTIED * problem.sales()
        return kept and problem.tie_error_per_mwh(plan) <= HEARD_WITHIN_PER_MWH

    def _optimum(self) -> Array:
        self._searches += 1
        near = self._best().price_per_mwh
        if self._searches > self.options.search_limit:
            return self._climbed(near)
        learnt = self._problem.with_followers(self._learnt_followers())
        alone = self._network is None
        found = tied_optimum(learnt, self._random, self.n_start, self._tied_options, near, exact=alone)
        self.optimum = found
        formula = TiedOutcome(found.formula.tied, found.formula.tied_money, 0.0, 0.0, 0)
        return self._intend(found.best, formula)

    def _climbed(self, price: Array) -> Array:
        self._sequence.meet(self._learnt_followers())
        end = self._sequence.climb(price)
        return price if end is None else self._intend(end)

    def _corrected(self, target: Array) -> Array:
        if not self._delivered:
            target = 0.5 * (target + self._best().price_per_mwh)
        network, intended = self._network, self._intended
        if network is None or intended is None or not self._delivered:
            return self._climbed(target)
        # What units do stays as it is, so that only what was heard moves the price.
        learnt = self._problem.with_followers(self._learnt_followers())
        self._keep(self._settled(lambda: hold_on_network(learnt, intended, network, self._tied_options)))
        return self._intended.plan.price_per_mwh if self._intended else target

    def _intend(self, outcome: TiedOutcome, formula: TiedOutcome | None = None) -> Array:
        """Keep an outcome as the network has it, or the formula's where that pays more there."""
        self._intended = outcome
        network, learnt = self._network, self._problem.with_followers(self._learnt_followers())
        if network is not None:
            settled = self._settled(lambda: settle_on_network(learnt, outcome, network, self._tied_options))
            held = formula and self._settled(
                lambda: hold_on_network(learnt, formula, network, self._tied_options)
            )
            self.formula_on_network = held or None
            if held and (settled is None or held.outcome.profit_money > settled.outcome.profit_money):
                further = self._settled(
                    lambda: settle_on_network(held.problem, held.outcome, network, self._tied_options)
                )
                settled = further or held
            self._keep(settled)
        return self._intended.plan.price_per_mwh

    def _keep(self, settled: SettledPlan | None) -> None:
        """Intend a plan of the network, with its losses and limits from now on."""
        if settled is not None:
            self._intended = settled.outcome
            self._problem = replace(self._problem, supply=settled.problem.supply)
            self._sequence = TiedSequence(self._problem, self._tied_options)

    def _settled(self, bring: Callable[[], SettledPlan]) -> SettledPlan | None:
        """An outcome brought to the network; None where that cannot carry it."""
        try:
            return bring()
        except InfeasibleError as error:
            logger.debug("a price is left without a plan on the network: %s", error)
            return None


class InformedTiedLeader(TiedAnticipatingLeader):
    """The benchmark: the same leader with everyone's data, that has only the network left to learn.

    Parameters
    ----------
    problem : TiedProblem
        With the true followers.
    random : numpy.random.Generator
    options : Anticipation, optional
    tied_options : TiedOptions, optional
    network : Network, optional
    """

    n_start = 8

    def _probe(self) -> Iterator[tuple[Purpose, Array]]:
        yield "reference", self._problem.reference_price_per_mwh

    def _learnt(self) -> LeaderProblem:
        return self._task

    def _learnt_followers(self) -> list[FollowerModel]:
        return list(self._problem.followers)
