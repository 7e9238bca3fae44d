"""Rounds of ADMM by arithmetic alone: regional systems all at once, no messages; and what they come to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gridarium.agents.region.region_fleet import FleetPlan, RegionFleet
from gridarium.agents.transmission.exchange_dispatch import ExchangeDispatch
from gridarium.agents.transmission.merit_order import MeritOrder
from gridarium.environment.arrays import Array, Flags
from gridarium.experiments.benchmarks.admm_instances import AdmmDay
from gridarium.market.active_set import ActiveRule, ActiveSet
from gridarium.market.admm import ExchangeAdmm
from gridarium.market.admm_rounds import (
    Answered,
    Posted,
    Residuals,
    default_penalty_per_mw2h,
)
from gridarium.market.admm_variants import Variant, VariantName, make_variant

TOLERANCE = 1e-4
MOST_ROUNDS = 300


@dataclass(frozen=True)
class Played:
    """What rounds have come to.

    Parameters
    ----------
    rounds : int
    converged : bool
        Whether both relative residuals are at most `TOLERANCE`.
    solves : int
        Of followers' problems.
    plan : FleetPlan
    posted : Posted
        That the plan answers, or its last part.
    """

    rounds: int
    converged: bool
    solves: int
    plan: FleetPlan
    posted: Posted


@dataclass(frozen=True)
class Faults:
    """What goes wrong on the way between the coordinator and its followers.

    Parameters
    ----------
    delays : sequence of int
        Rounds by which an answer may come late, drawn with equal chances.
    loss : float
        Probability that an answer is lost, and comes a round later.
    rule : str
        Whom a round asks.
    share : float
        Of the followers that are asked, unless all are.
    """

    delays: Sequence[int] = (0,)
    loss: float = 0.0
    rule: ActiveRule = "all"
    share: float = 0.5


class AdmmPlay:
    """A day, with its problems built once and warm.

    Parameters
    ----------
    day : AdmmDay
    """

    def __init__(self, day: AdmmDay) -> None:
        self.day = day
        self.fleet = RegionFleet(day.days)
        self.order = MeritOrder(day.bulk)
        self._dispatch = ExchangeDispatch(day.bulk)
        self._signals = self._dispatch.signals(day.forecast, day.on, day.state)

    def supply(self, heard_mw: Array, price_per_mwh: Array, pull_per_mw2h: float) -> Array:
        """The supplier's step, of which the price is all that the rounds need."""
        return self._dispatch.price("bench", self._signals, heard_mw, price_per_mwh, pull_per_mw2h)

    def start(self, penalty: float = 1.0) -> Posted:
        """Price and loads of a day without responses, with a multiple of the default penalties."""
        day = self.day
        price = self.order.solve("bench", day.forecast, day.on, day.state).price_per_mwh
        usual = default_penalty_per_mw2h(price, day.base_mw.sum(axis=0), day.share)
        return Posted(price, day.base_mw, penalty * usual)

    def answer(self, posted: Posted) -> FleetPlan:
        """What all followers answer."""
        return self.fleet.best(posted.price_per_mwh, posted.target_mw, posted.penalty_per_mw2h)

    def play(self, variant: VariantName = "anderson", penalty: float = 1.0) -> Played:
        """Rounds in step, to their end."""
        return self.rounds(self.start(penalty), make_variant(variant))

    def rounds(self, start: Posted, variant: Variant) -> Played:
        """Rounds in step from any start."""
        admm = ExchangeAdmm(self.supply, start, variant)
        distance = np.inf
        while distance > TOLERANCE and admm.rounds < MOST_ROUNDS:
            posted = admm.posted
            plan = self.answer(posted)
            distance = admm.hear(plan.net_mw).largest
        solves = admm.rounds * len(self.day.days)
        return Played(admm.rounds, distance <= TOLERANCE, solves, plan, posted)

    def play_with(self, faults: Faults, seed: int, variant: VariantName = "over-relaxed") -> Played:
        """Rounds in which answers come late, get lost, or are not asked for."""
        return _AsynchronousPlay(self, faults, np.random.default_rng(seed), variant).play()

    def cost_money(self, plan: FleetPlan) -> float:
        """What a plan costs everybody: supply, and what users bear."""
        return self.supply_money(plan.net_mw) + float(self.fleet.own_money(plan).sum())

    def supply_money(self, loads_mw: Array) -> float:
        """The least that loads cost to supply, shape (n_region, n_step)."""
        day = self.day
        forecast = day.forecast.with_load(loads_mw.sum(axis=0))
        return self.order.solve("bench", forecast, day.on, day.state).cost_money

    def bound_money(self, posted: Posted) -> float:
        """What the day costs everybody at least.

        Notes
        -----
        Weak duality at the price y of one more supplier's step: ``min_Z C(Z) - y Z`` is reached at its Z, of
        which y is a subgradient, and ``min_x f_r(x) + y x`` is what each follower does without a pull.
        """
        day, pull = self.day, posted.supply_penalty_per_mw2h
        forecast = day.forecast.with_load(posted.target_mw.sum(axis=0))
        step = self._dispatch.step("bench", forecast, day.on, day.state, posted.price_per_mwh, pull)
        price, hours = step.price_per_mwh, day.bulk.period_h
        free = self.fleet.best(price, posted.target_mw, np.zeros(len(day.days)))
        supplier = step.cost_money - hours * float(price @ step.taken_mw)
        followers = float(self.fleet.own_money(free).sum()) + hours * float((free.net_mw @ price).sum())
        return supplier + followers

    def gap_percent(self, played: Played) -> float:
        """What is missed at most, as a share of what responses save at most."""
        bound = self.bound_money(played.posted)
        saving = self.supply_money(self.day.base_mw) - bound
        return 100.0 * (self.cost_money(played.plan) - bound) / saving


class _AsynchronousPlay:
    """Rounds of a coordinator that does not wait for all."""

    def __init__(
        self, play: AdmmPlay, faults: Faults, random: np.random.Generator, variant: VariantName
    ) -> None:
        self._play, self._faults, self._random = play, faults, random
        self._admm = ExchangeAdmm(play.supply, play.start(), make_variant(variant))
        self._active = ActiveSet(faults.rule, faults.share, random)
        loads = play.day.base_mw.copy()
        self._answered = self._asked = Answered.of(self._admm.posted, loads)
        count = len(loads)
        self._due: Array = np.full(count, np.inf)
        self._has_answered: Flags = np.zeros(count, dtype=bool)
        self._solves = 0

    def play(self) -> Played:
        found = Residuals(np.inf, np.inf, 1.0, 1.0)
        for number in range(1, MOST_ROUNDS + 1):
            self._ask(number)
            heard = self._due <= number
            self._due[heard] = np.inf
            self._has_answered |= heard
            self._answered = self._answered.with_new(self._asked, heard)
            if heard.any():
                found = self._admm.hear_some(self._answered, heard)
            if found.largest <= TOLERANCE and self._has_answered.all():
                break
        plan = self._play.answer(self._admm.posted)
        return Played(number, number < MOST_ROUNDS, self._solves, plan, self._admm.posted)

    def _ask(self, number: int) -> None:
        """Ask some, and draw when each will be heard."""
        posted = self._admm.posted
        urgency = np.where(self._has_answered, self._answered.urgency(posted), np.inf)
        asked = self._active.choose(np.isinf(self._due), urgency)
        plan = self._play.answer(posted)
        self._asked = self._asked.with_new(Answered.of(posted, plan.net_mw), asked)
        count = int(asked.sum())
        late = self._random.choice(np.asarray(self._faults.delays), count)
        lost = self._random.uniform(size=count) < self._faults.loss
        self._due[asked] = number + late + lost
        self._solves += count
