"""A leader under C7 that learns its followers from the loads that answer its prices."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from gridarium.agents.leader.anticipation import AnticipatingLeader, Anticipation
from gridarium.agents.leader.follower_model import FollowerModel
from gridarium.agents.leader.tied_optimum import tied_optimum
from gridarium.agents.leader.tied_problem import TiedProblem
from gridarium.agents.leader.tied_sequence import TiedOptions, TiedOutcome, TiedSequence
from gridarium.agents.leader.tied_step import Directions, TiedAnswer
from gridarium.environment.arrays import Array

HEARD_UNTIED = 2e-8
"""What bills and their carbon may differ by for loads as heard, whose agents have solvers of their own."""

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

    Notes
    -----
    A probe needs no pool: it is there to learn from. What is kept has one for the loads that answered.
    """

    def __init__(
        self,
        problem: TiedProblem,
        random: np.random.Generator,
        options: Anticipation | None = None,
        tied_options: TiedOptions | None = None,
    ) -> None:
        self._problem, self._random, self._tied_options = problem, random, tied_options
        self._sequence = TiedSequence(problem, tied_options)
        self._intended: TiedOutcome | None = None
        super().__init__(problem.as_led(), options)

    def plan_for(self, price: Array, loads_mw: Array) -> TiedAnswer | None:
        """The best plan for heard loads, shape (n_follower, n_period); None where nothing supplies them."""
        return self._value(price, loads_mw.sum(axis=0))

    def _value(self, price: Array, load_mw: Array | None = None) -> TiedAnswer | None:
        """The best plan with power going the ways that were intended, or where that is not tied, the best."""
        ways = [None] if self._intended is None else [Directions.of(self._intended.plan), None]
        best = None
        for directions in ways:
            answer = self._sequence.value(price, directions, load_mw)
            if answer is not None and (best is None or answer.merit_money > best.merit_money):
                best = answer
            if best is not None and self._sequence.is_tied(best, HEARD_UNTIED):
                break
        return best

    # What it thinks.

    def _learnt_followers(self) -> list[FollowerModel]:
        models = [estimate.estimate.model for estimate in self.estimates]
        most = 1.0 - _LEFT_SHARE
        return [replace(one, most_down_mw=np.minimum(one.most_down_mw, most * one.base_mw)) for one in models]

    def _foreseen_money(self, price: Array) -> float:
        self._sequence.meet(self._learnt_followers())
        return self._money(self._value(price))[0]

    def _earned(self, price: Array, loads_mw: Array) -> tuple[float, bool]:
        return self._money(self.plan_for(price, loads_mw))

    def _money(self, answer: TiedAnswer | None) -> tuple[float, bool]:
        """Profit of a plan, and whether its price is tied."""
        if answer is None:
            return -np.inf, False
        return self._problem.profit(answer.plan), self._sequence.is_tied(answer, HEARD_UNTIED)

    def _optimum(self) -> Array:
        self._searches += 1
        near = self._best().price_per_mwh
        if self._searches > self.options.search_limit:
            return self._climbed(near)
        learnt = self._problem.with_followers(self._learnt_followers())
        found = tied_optimum(learnt, self._random, TIED_STARTS, self._tied_options, near)
        return self._intend(found.best)

    def _climbed(self, price: Array) -> Array:
        self._sequence.meet(self._learnt_followers())
        end = self._sequence.climb(price)
        return price if end is None else self._intend(end)

    def _corrected(self, target: Array) -> Array:
        if not self._delivered:
            target = 0.5 * (target + self._best().price_per_mwh)
        return self._climbed(target)

    def _intend(self, outcome: TiedOutcome) -> Array:
        self._intended = outcome
        return outcome.plan.price_per_mwh
