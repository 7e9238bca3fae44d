"""Rounds of a TIES in which followers take prices: dispatch for the loads it hears, price, post, again."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from gridarium.agents.base import GridAgent
from gridarium.agents.feeder.acceleration import Heard, ProgressWatch
from gridarium.agents.feeder.enclosure import LARGE, Enclosure
from gridarium.agents.transmission.ties_day import CarbonJudgement, TiesDay
from gridarium.agents.transmission.ties_negotiation import Before, Posted, Pricing, TiesNegotiation
from gridarium.agents.transmission.ties_planner import TiesPlanner
from gridarium.environment.arrays import Array
from gridarium.market.messages.tariffs import LoadPlan, TariffSignal

CAUTIOUS = 0.4
"""Share of the usual damping that is taken once rounds bring no progress."""


class CarbonNegotiation(TiesNegotiation):
    """The paper's rounds: signals go part of the way to those that the answers call for.

    Where they come no nearer to rest the steps are made smaller; where they then still go round among signals
    that differ by much, they close in on those at which answers jump.

    Parameters
    ----------
    leader, today, planner, pricing, before
        As of any negotiation.

    Notes
    -----
    Procedure D.2. The leader answers loads by a dispatch and a formula: this is a best-response fixed point,
    not a Stackelberg leader's choice.
    """

    def __init__(
        self, leader: GridAgent, today: TiesDay, planner: TiesPlanner, pricing: Pricing, before: Before
    ) -> None:
        super().__init__(leader, today, planner, pricing, before)
        self._damping = self._full_damping = today.rules.damping
        self._watch = self._new_watch()
        self._enclosure: Enclosure | None = None

    def first(self, round_: int) -> Mapping[str, TariffSignal]:
        """The first signals, from the loads known so far."""
        self._begin()
        self._damping, self._enclosure = self._full_damping, None
        self._watch, self._today.cycle_size = self._new_watch(), float("nan")
        self._planner.dispatch(self._today)
        self._posted = self._scale = self._called_for()
        return self._post(round_, self._posted)

    def revise(self, round_: int) -> Mapping[str, TariffSignal]:
        """The signals that the leader picks, knowing those that the answers call for."""
        self._round_of_game += 1
        step = self._posted.towards(self._wanted, self._damping)
        if self._enclosure is not None:
            step = self._posted.of_shares(self._enclosure.next_price(), self._scale)
        return self._post(round_, self._chosen(round_, step))

    def judge(
        self, round_: int, answers: Mapping[str, LoadPlan], silent: frozenset[str], closing: bool
    ) -> CarbonJudgement:
        """Dispatch for the answers, and see which signals they call for."""
        today, before = self._today, self._today.loads
        self._hear(round_, answers)
        self._planner.dispatch(today)
        self._share()
        self._wanted = self._called_for()
        heard = Heard(self._posted.relative_to(self._scale), self._wanted.relative_to(self._scale))
        load_change = float(np.abs(today.loads - before).max() / np.abs(before).max())
        stuck = self._is_stuck(heard)
        return CarbonJudgement(
            max(load_change, heard.distance_per_mwh),
            len(silent),
            stuck,
            load_change,
            heard.distance_per_mwh,
            self._damping,
            today.emission_tco2,
            today.plan.cost_money,
        )

    def _new_watch(self) -> ProgressWatch:
        return ProgressWatch(self._damping, self._today.rules.patience)

    def _is_stuck(self, heard: Heard) -> bool:
        """Whether nothing is left to try: smaller steps, and closing in where signals differ by much."""
        if self._enclosure is not None:
            return self._is_at_jump(self._enclosure, heard)
        self._watch.note(heard)
        if not self._watch.stuck:
            return False
        if self._damping == self._full_damping:
            self._damping = CAUTIOUS * self._full_damping
            self._watch = self._new_watch()
            return False
        self._today.cycle_size = float(self._watch.spread_per_mwh.max())
        if self._today.cycle_size <= LARGE:
            return True
        self._enclosure = Enclosure(self._watch.since, self._damping, self._today.rules.tolerance)
        return False

    def _is_at_jump(self, enclosure: Enclosure, heard: Heard) -> bool:
        """Whether answers to signals next to each other call for more and for less, or it is given up."""
        enclosure.note(heard)
        if enclosure.around is None:
            return enclosure.is_over
        self._today.cycle_size = float(enclosure.spread_per_mwh.max())
        return True

    def _called_for(self) -> Posted:
        """Price of energy, carbon factor and carbon price that a dispatch and the policy call for."""
        plan = self._today.plan
        return self._priced(self._energy(), plan.factor_tco2_per_mwh, plan.green_share)

    def _energy(self) -> Array:
        """The tariff; or what a further MWh costs, less the carbon that it is charged for apart (W.1)."""
        if self._pricing.energy == "tou":
            return self._tou
        today, system = self._today, self._planner.system
        own = system.carbon.marginal_per_tco2(today.own_tco2)
        return today.plan.price_per_mwh - own * today.plan.factor_tco2_per_mwh
