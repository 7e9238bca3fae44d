"""Sequential convex programming of a leader under C7: from a price to the next better one, until none is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gridarium.agents.leader.follower_model import FollowerModel
from gridarium.agents.leader.tied_live_step import Directions, TiedAnswer
from gridarium.agents.leader.tied_problem import TiedProblem
from gridarium.agents.leader.tied_step import TiedStep
from gridarium.agents.leader.tied_supply import TiedPlan
from gridarium.environment.arrays import Array

ACCEPTED, TRUSTED = 0.1, 0.6
"""Shares of the promised gain: from which a step is taken, and from which the radius grows."""

UNTIED = 1e-8
"""What bills and their carbon may differ by, relative to gross sales, to count as tied."""


@dataclass(frozen=True)
class TiedOptions:
    """How a sequence moves and when it ends.

    Parameters
    ----------
    radius_per_mwh, most_radius_per_mwh, least_radius_per_mwh : float
        Trust region of prices: the first one, the largest, and that at which it ends, money/MWh.
    gain : float
        Promised gain, relative to gross sales, that counts as none.
    step_limit : int
    kicks : int
        Times that the price is moved at random, where the lines of one side of a kink hold a sequence up.
    kick_per_mwh : float
        Standard deviation of these, money/MWh.
    """

    radius_per_mwh: float = 20.0
    most_radius_per_mwh: float = 60.0
    least_radius_per_mwh: float = 0.02
    gain: float = 1e-8
    step_limit: int = 150
    kicks: int = 3
    kick_per_mwh: float = 3.0


@dataclass(frozen=True)
class TiedOutcome:
    """Where a sequence ends.

    Parameters
    ----------
    plan : TiedPlan
    profit_money : float
        With the true answers; minus infinity where the price is not tied.
    promised_money : float
        Gain that the last step still promised.
    bilinear_money : float
        Error of the lines in the last step that was taken.
    steps : int
        After the ways of power were fixed.
    """

    plan: TiedPlan
    profit_money: float
    promised_money: float
    bilinear_money: float
    steps: int


class TiedSequence:
    """Climbs from prices on one problem.

    Parameters
    ----------
    problem : TiedProblem
    options : TiedOptions, optional
    target : ndarray, shape (n_period,), optional
        See `TiedStep`.
    held : TiedPlan, optional
        What storages are to do.

    Notes
    -----
    The procedure C.2. The merit of a price is the same linear programme at the true answers, so that only
    what was promised by lines and is kept in truth counts as a gain.
    """

    def __init__(
        self,
        problem: TiedProblem,
        options: TiedOptions | None = None,
        target: Array | None = None,
        held: TiedPlan | None = None,
    ) -> None:
        self.options = options or TiedOptions()
        self._step = TiedStep(problem, target)
        self._held = held is not None
        if held is not None:
            self._step.hold(held)

    @property
    def problem(self) -> TiedProblem:
        """The leader's problem with the followers it stands before."""
        return self._step.problem

    def meet(self, followers: Sequence[FollowerModel]) -> None:
        """Stand before other followers, with the same supply."""
        self._step.meet(followers)

    def value(
        self, price: Array, directions: Directions | None = None, load_mw: Array | None = None
    ) -> TiedAnswer | None:
        """The best plan for the answers to a price; None where nothing supplies them.

        Parameters
        ----------
        price : ndarray, shape (n_period,)
        directions : Directions, optional
            Ways that power goes; those of the plan that pays best with both ways open when left out.
        load_mw : ndarray, shape (n_period,), optional
            Answers as they were heard; the followers' own when left out.
        """
        self._direct(directions)
        answer = self._step.at(price, load_mw)
        if answer is None or directions is not None or self._held:
            return answer
        return self.value(price, Directions.of(answer.plan), load_mw)

    def climb(self, start: Array, directions: Directions | None = None) -> TiedOutcome | None:
        """Where a sequence ends; None without supply.

        Parameters
        ----------
        start : ndarray, shape (n_period,)
        directions : Directions, optional
            Ways that power goes; without them those of the end of a sequence with both ways open.
        """
        if directions is None:
            self._direct(None)
            free = self._climb(start)
            if free is None:
                return None
            start, directions = free.answer.plan.price_per_mwh, Directions.of(free.answer.plan)
        self._direct(directions)
        end = self._climb(start)
        if end is None:
            return None
        return TiedOutcome(
            end.answer.plan,
            self.problem.profit(end.answer.plan) if self.is_tied(end.answer) else -np.inf,
            end.promised_money,
            end.bilinear_money,
            end.steps,
        )

    def kicked(self, best: TiedOutcome, random: np.random.Generator) -> TiedOutcome:
        """The best of an end and of those of sequences from prices moved at random."""
        for _ in range(self.options.kicks):
            kick = random.normal(0.0, self.options.kick_per_mwh, self.problem.n_period)
            again = self.climb(best.plan.price_per_mwh + kick)
            if again is not None and again.profit_money > best.profit_money:
                best = again
        return best

    def _direct(self, directions: Directions | None) -> None:
        if not self._held:
            self._step.direct(directions)

    def is_tied(self, answer: TiedAnswer) -> bool:
        """Whether a price is the one that the plan's factor makes."""
        return answer.untied_money <= UNTIED * self.problem.sales()

    def _climb(self, price: Array) -> _Climb | None:
        """Steps within a trust region until none promises anything."""
        options, step = self.options, self._step
        here = step.at(price)
        if here is None:
            return None
        radius, least = options.radius_per_mwh, options.gain * self.problem.sales()
        promised, bilinear, taken = 0.0, 0.0, 0
        while taken < options.step_limit and radius >= options.least_radius_per_mwh:
            step.anchor_at(here.plan.price_per_mwh)
            hoped = step.within(radius)
            taken += 1
            if hoped is None:
                break
            promised = hoped.merit_money - here.merit_money
            if promised <= least:
                break
            there = step.at(hoped.plan.price_per_mwh)
            gained = -np.inf if there is None else there.merit_money - here.merit_money
            if there is not None and gained >= ACCEPTED * promised:
                here, bilinear = there, abs(promised - gained)
                if gained >= TRUSTED * promised:
                    radius = min(2.0 * radius, options.most_radius_per_mwh)
            else:
                radius /= 3.0
        return _Climb(here, promised, bilinear, taken)


@dataclass(frozen=True)
class _Climb:
    answer: TiedAnswer
    promised_money: float
    bilinear_money: float
    steps: int
