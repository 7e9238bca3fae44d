"""A leader that anticipates: it learns its followers by posting prices, and optimises on what it learnt."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from gridarium.agents.leader.full_information import SearchEffort, full_information_optimum
from gridarium.agents.leader.price_polish import polish, restore
from gridarium.agents.leader.problem import LeaderProblem, SupplyCut
from gridarium.agents.leader.response_estimate import EXACT, ResponseEstimate
from gridarium.environment.arrays import Array
from gridarium.environment.errors import MessageError, SolverLimitError, TimeLimitError
from gridarium.market.price_limits import sizes

logger = logging.getLogger(__name__)

Purpose = Literal["reference", "slope", "limits", "optimum", "correction", "remeasure", "fallback"]

SLOPE_PROBE = 0.002
"""Price change of the probe for the slope, relative to the reference price; small enough to meet no limit."""

QUICK = SearchEffort(relative_gap=5e-4, round_limit=1, node_limit=1)
"""Searches that end at the root node, within seconds."""

_GROUPS = 3
_CORRECTIONS = 6
_CAUTION = 1e-7
"""Share of the caps that is left for errors of the followers' own solvers."""


@dataclass(frozen=True)
class Anticipation:
    """How an anticipating leader goes about it.

    Parameters
    ----------
    round_limit : int
        Most prices that it posts.
    limit_probes : int
        Probes, up to 6, that drive a third of the periods to their limits each.
    effort : SearchEffort
        For each optimum on the learnt model.
    gain_tolerance : float
        Foreseen gain over the best price seen, relative, below which it stops.
    search_limit : int
        Global searches between two changes of the followers; after these it only climbs from the best price.
    """

    round_limit: int = 40
    limit_probes: int = 6
    effort: SearchEffort = QUICK
    gain_tolerance: float = 1e-5
    search_limit: int = 4


@dataclass(frozen=True)
class PricedRound:
    """One price and what came of it.

    Parameters
    ----------
    round : int
        From 1.
    purpose : str
        Why this price was posted.
    price_per_mwh : ndarray, shape (n_period,)
    profit_money : float
        True profit with the loads that answered.
    foreseen_money : float
        Profit as the model had it.
    surprise_mw : float
        Largest distance of a follower's load from the one foreseen.
    keeps_limits : bool
        Whether band and caps hold with the loads that answered.
    forgotten : int
        Followers whose earlier answers contradicted this one.
    """

    round: int
    purpose: Purpose
    price_per_mwh: Array
    profit_money: float
    foreseen_money: float
    surprise_mw: float
    keeps_limits: bool
    forgotten: int


class AnticipatingLeader:
    """Proposes prices and learns from the loads that answer; knows nothing else of its followers.

    Parameters
    ----------
    task : LeaderProblem
        Its followers carry only what the leader was told: their base loads. Slopes and limits are not read.
    options : Anticipation, optional

    Notes
    -----
    Reference price (base load), a small ripple (slopes), thirds of the day pushed to both ends of the band
    (limits); then the optimum of the learnt model is posted, observed and corrected until the model
    foresees no further gain. The best price seen, with its true profit, is kept. Where answers
    contradict earlier ones these are forgotten and the probes repeated; a follower that goes on contradicting
    itself is met by steps from the best price towards the model's optimum that halve when they fail.
    """

    def __init__(self, task: LeaderProblem, options: Anticipation | None = None) -> None:
        self.options = options or Anticipation()
        self.estimates = [
            ResponseEstimate(follower.reference_price_per_mwh, follower.base_mw)
            for follower in task.followers
        ]
        self.rounds: list[PricedRound] = []
        self._searches, self._delivered = 0, True
        self.best: PricedRound | None = None
        self._task = task
        self._story = self._tell()
        self._next: tuple[Purpose, Array] | None = next(self._story)

    @property
    def finished(self) -> bool:
        """Whether there is nothing more to post."""
        return self._next is None or len(self.rounds) >= self.options.round_limit

    def propose(self) -> Array:
        """The price to post next, money/MWh, shape (n_period,); the best one seen once finished."""
        if self.finished or self._next is None:
            return self._best().price_per_mwh
        return self._next[1]

    @property
    def probing(self) -> bool:
        """Whether the proposed price is there to learn from, and no candidate; its cost need not be known."""
        return self._next is not None and self._next[0] in ("slope", "limits")

    def observe(self, loads_mw: Array, supply: SupplyCut | None = None, deliverable: bool = True) -> None:
        """Take the answers to the proposed price.

        Parameters
        ----------
        loads_mw : ndarray, shape (n_follower, n_period)
        supply : SupplyCut, optional
            Tangent of the true cost of supply at these loads; without it the cost in the task counts.
        deliverable : bool
            Whether these loads could be supplied and their cost is known; if not, the price is no candidate.

        Raises
        ------
        MessageError
            If the story has ended.
        """
        if self._next is None:
            raise MessageError("leader: loads came although no price was posted any more")
        purpose, price = self._next
        foreseen = self._foreseen_money(price)
        if supply is not None:
            self._task = replace(self._task, supply=(*self._task.supply, supply))
        surprise = float(np.abs(self._learnt().loads(price) - loads_mw).max())
        forgotten = 0
        for estimate, load in zip(self.estimates, loads_mw, strict=True):
            before = estimate.contradictions
            estimate.observe(price, load)
            forgotten += estimate.contradictions > before
        profit, keeps = self._earned(price, loads_mw)
        keeps = keeps and deliverable
        self.rounds.append(
            PricedRound(len(self.rounds) + 1, purpose, price, profit, foreseen, surprise, keeps, forgotten)
        )
        self._delivered = deliverable
        self._keep_best()
        self._next = next(self._story, None)

    # The story of a negotiation.

    def _tell(self) -> Iterator[tuple[Purpose, Array]]:
        yield from self._probe()
        yield from self._improve()

    def _probe(self) -> Iterator[tuple[Purpose, Array]]:
        """Prices that reveal base loads, slopes and limits."""
        reference, limits = self._task.reference_price_per_mwh, self._task.limits
        periods = np.arange(self._task.n_period)
        yield "reference", reference
        ripple = np.cos(2.399963 * (periods + 1.0))  # the golden angle: no two periods alike
        size, part = sizes(reference), SLOPE_PROBE * ripple
        yield "slope", np.where(size > np.abs(reference), reference + size * part, reference * (1.0 + part))
        ends = (limits.low_price_per_mwh, limits.high_price_per_mwh)
        for probe in range(self.options.limit_probes):
            inside, outside = ends if probe < _GROUPS else ends[::-1]
            yield "limits", np.where(periods % _GROUPS == probe % _GROUPS, inside, outside)

    def _improve(self) -> Iterator[tuple[Purpose, Array]]:
        """Optimise, post, observe, correct."""
        restarts = 0
        while True:
            target = self._optimum()
            if not self._promises_gain(target):
                return
            yield "optimum", target
            if self._foresaw() and self._foresaw_profit():
                return
            stuck = not self._delivered
            for _ in range(_CORRECTIONS):
                if self.rounds[-1].forgotten or self._foresaw():
                    break
                target = self._corrected(target)
                yield "correction", target
            if stuck and not self.rounds[-1].forgotten:
                return
            if self.rounds[-1].forgotten:
                restarts += 1
                if restarts > 2:
                    yield from self._fall_back()
                    return
                yield from self._start_again()

    def _start_again(self) -> Iterator[tuple[Purpose, Array]]:
        """Somebody has changed: probe again, and measure again what the best price is worth now."""
        best, self.best, self._searches = self.best, None, 0
        yield from self._probe()
        if best is not None:
            yield "remeasure", best.price_per_mwh

    def _fall_back(self) -> Iterator[tuple[Purpose, Array]]:
        """Steps from the best price seen towards the model's optimum; half as long after each failure."""
        step = 1.0
        while step > 0.02:
            before = self._best()
            target = self._climbed(before.price_per_mwh)
            start = before.price_per_mwh
            yield "fallback", start + step * (target - start)
            if self._best() is before:
                step *= 0.5

    # What it thinks.

    def _learnt(self) -> LeaderProblem:
        return self._task.with_followers([estimate.estimate.model for estimate in self.estimates])

    def _foreseen_money(self, price: Array) -> float:
        """Profit of a price as the model has it."""
        return self._learnt().profit(price)

    def _earned(self, price: Array, loads_mw: Array) -> tuple[float, bool]:
        """Profit of a price with the loads that answered, and whether it keeps its limits with them."""
        return self._task.profit(price, loads_mw), self._task.allows(price, loads_mw)

    def _cautious(self) -> LeaderProblem:
        """The learnt problem with caps a trifle tighter than they are."""
        learnt, limits = self._learnt(), self._task.limits
        if limits.bill_cap_money is not None:
            limits = replace(limits, bill_cap_money=(1.0 - _CAUTION) * limits.bill_cap_money)
        bills = tuple((1.0 - _CAUTION) * cap for cap in learnt.follower_bill_caps_money)
        return replace(learnt, limits=limits, follower_bill_caps_money=bills)

    def _optimum(self) -> Array:
        """The optimum of the learnt model: by a global search, later from the best price seen."""
        problem = self._cautious()
        self._searches += 1
        if self._searches <= self.options.search_limit:
            try:
                start = self._best().price_per_mwh
                return full_information_optimum(problem, self.options.effort, start).price_per_mwh
            except TimeLimitError:
                raise
            except SolverLimitError:
                logger.debug("the search on the learnt model ended without a price, climbing instead")
        return self._climbed(self._best().price_per_mwh)

    def _climbed(self, price: Array) -> Array:
        """The price to which the learnt model leads from a price."""
        return polish(self._cautious(), price).price_per_mwh

    def _corrected(self, target: Array) -> Array:
        """The next try after a target that was not as foreseen."""
        if not self._delivered:
            # The feeder could not take it: half of the way back; a uniform shift of the price moves no load.
            halfway = 0.5 * (target + self._best().price_per_mwh)
            return restore(self._cautious(), halfway)
        return self._climbed(target)

    def _promises_gain(self, price: Array) -> bool:
        if self.best is None:
            return True
        reached = self.best.profit_money
        return self._foreseen_money(price) > reached + self.options.gain_tolerance * abs(reached)

    def _foresaw(self) -> bool:
        """Whether the last answer was as the model had it, and the price kept its limits."""
        return self.rounds[-1].surprise_mw <= self._surprise_limit_mw and self.rounds[-1].keeps_limits

    def _foresaw_profit(self) -> bool:
        last = self.rounds[-1]
        room = self.options.gain_tolerance * abs(last.profit_money)
        return abs(last.profit_money - last.foreseen_money) <= room

    @property
    def _surprise_limit_mw(self) -> float:
        return 100.0 * EXACT * max(estimate.scale_mw for estimate in self.estimates)

    def _keep_best(self) -> None:
        last = self.rounds[-1]
        if last.keeps_limits and (self.best is None or last.profit_money > self.best.profit_money):
            self.best = last

    def _best(self) -> PricedRound:
        """The best round; the first one, at the reference price, where none has kept the limits."""
        return self.best or self.rounds[0]


class InformedLeader(AnticipatingLeader):
    """The benchmark: the same leader with everyone's data, that has only the cost of supply left to learn.

    Parameters
    ----------
    task : LeaderProblem
        With the true followers.
    options : Anticipation, optional
    """

    def _probe(self) -> Iterator[tuple[Purpose, Array]]:
        yield "reference", self._task.reference_price_per_mwh

    def _learnt(self) -> LeaderProblem:
        return self._task
