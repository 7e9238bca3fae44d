"""What a DSO does in the rounds of a negotiation: dispatch for the loads it hears, price, signal."""

from __future__ import annotations

from collections.abc import Collection, Generator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from gridarium.agents.base import GridAgent
from gridarium.agents.behaviour import HeardLoads
from gridarium.agents.feeder.accounts import DayAhead
from gridarium.agents.feeder.day_planner import DayPlanner
from gridarium.agents.feeder.dso_day import DsoDay, PriceJudgement
from gridarium.agents.leading import lead
from gridarium.environment.arrays import Array, series
from gridarium.market.messages.tariffs import LoadPlan, TariffSignal
from gridarium.market.tariffs import told_to

REVISION_LIMIT = 2
"""How often a commitment is revised in a day, each time with a negotiation of its own."""

NEAR_TARGET = (3e-2, 1e-2, 3e-3)
"""Distances from the target of exchange rounds, relative to the load, at each of which units are reviewed."""


class TariffNegotiation:
    """Leads the followers of a DSO through a day: a `Setter` of tariff signals, answered by load plans.

    Under each of the supplier's signals it goes on from what was heard before.

    - `plan`, `attempt`: dispatch, carbon pool and tariff for the loads last heard, as perceived

    Parameters
    ----------
    leader : GridAgent
        Its behaviour perceives the loads, and chooses the price that is posted next.
    today : DsoDay
        Keeps loads, plan and signal.
    planner : DayPlanner
    shares : mapping of str to ndarray, shape (n_bus,)
        Whom it leads, and how what each draws spreads over the buses.
    """

    def __init__(
        self, leader: GridAgent, today: DsoDay, planner: DayPlanner, shares: Mapping[str, Array]
    ) -> None:
        self._leader, self._today, self._planner, self._shares = leader, today, planner, shares
        self._round = self._heard_round = 0
        self._posted = self._wanted = np.empty(0)
        self._planned = False

    # What it posts.

    def first(self, round_: int) -> Mapping[str, TariffSignal]:
        """The first price, from what is known already."""
        today = self._today
        today.plan = self.plan()
        bench = self._planner.bench(today)
        return self._post(round_, today.setter.first(today.plan, today.base_mw, bench))

    def revise(self, round_: int) -> Mapping[str, TariffSignal]:
        """The price that the leader picks, knowing the one that the answers lead it to."""
        price: Array = self._leader.behaviour.choose(self._leader, self._today.signal, self._wanted)
        return self._post(round_, price)

    def settle(self, round_: int) -> Mapping[str, TariffSignal] | None:
        """The price to announce, unless it was posted last and planned for."""
        best = self._today.setter.settle(self._posted)
        # Where time is up in the middle of a search the plan must still belong to the announced price.
        return None if best is self._posted and self._planned else self._post(round_, best)

    def _post(self, round_: int, price: Array) -> Mapping[str, TariffSignal]:
        today = self._today
        self._round, self._posted = round_, price
        today.signal = TariffSignal(
            round_,
            series(price),
            series(today.plan.offer.told_factor_tco2_per_mwh),
            today.conditions.tou_price_per_mwh,
            day=today.number,
        )
        return told_signals(today.signal, self._shares, today.owners_mw)

    # What it makes of the answers.

    def judge(
        self, round_: int, answers: Mapping[str, LoadPlan], silent: frozenset[str], closing: bool
    ) -> PriceJudgement:
        """Dispatch for the answers, if they are worth it, and see which price they call for."""
        today, before = self._today, self._today.total_mw
        today.hear(answers)
        planned = self.plan() if closing else today.setter.plan(self)
        stale = self._heard_round != round_
        step = today.setter.revise(self._posted, today.loads_mw, silent, planned, stale)
        self._wanted, self._planned = step.price_per_mwh, planned is not None
        today.plan = planned or today.plan
        return PriceJudgement(
            step.price_distance_per_mwh,
            # A leader that still goes by the forecasts has heard nobody.
            len(silent) if self._heard_round else len(self._shares),
            step.stuck,
            float(np.abs(today.total_mw - before).max()),
            planned.dispatch.rounds if planned else 0,
            self._planner.profit_money(self._posted, planned) if planned else float("nan"),
        )

    def plan(self) -> DayAhead:
        """The plan for the loads last heard.

        Raises
        ------
        InfeasibleError
            If they cannot be supplied.
        """
        return self._planner.plan(self._today, self.perceived_mw)

    def review(self, commits: bool) -> bool:
        """Hold units and positions of the tap changer against the best ones for the loads last heard.

        Positions are held while prices are negotiated, as the commitment is: dispatches of one round and the
        next then differ by the loads alone. Returns whether others are taken now.
        """
        today, planner = self._today, self._planner
        today.review = planner.reviewed(today, today.loads_mw)
        if commits and today.review.pays:
            today.commitment = today.review.best
        moved = planner.review_taps(today, today.loads_mw, takes=commits)
        return moved or (commits and today.review.pays)

    def attempt(self) -> DayAhead | None:
        """The plan for the loads last heard, or None where they cannot be supplied."""
        return self._planner.attempt(self._today, self.perceived_mw)

    @property
    def perceived_mw(self) -> Mapping[str, Array]:
        """The loads last heard, as the leader's behaviour perceives them."""
        loads = HeardLoads(self._round, dict(self._today.loads_mw))
        perceived: HeardLoads = self._leader.behaviour.perceive(self._leader, loads)
        self._heard_round = perceived.round
        return perceived.load_mw


def told_signals(
    posted: TariffSignal, shares: Mapping[str, Array], traders: Collection[str] = ()
) -> dict[str, TariffSignal]:
    """What each follower is told of a posted signal: the same, or its own of one that is posted by bus.

    Parameters
    ----------
    posted : TariffSignal
    shares : mapping of str to ndarray, shape (n_bus,)
        How what each draws spreads over the buses.
    traders : collection of str
        Owners of storages among them: a price by bus is one for users, and they keep to the plain tariff.
    """
    if posted.price_per_mwh.ndim == 1:
        return dict.fromkeys(shares, posted)
    return {
        name: replace(
            posted,
            price_per_mwh=(
                posted.reference_price_per_mwh
                if name in traders
                else series(told_to(share, posted.price_per_mwh))
            ),
            factor_tco2_per_mwh=series(told_to(share, posted.factor_tco2_per_mwh)),
        )
        for name, share in shares.items()
    }


def revise_units(
    leader: GridAgent, today: DsoDay, negotiation: TariffNegotiation
) -> Generator[Any, Any, None]:
    """Review the commitment after the rounds under a signal: in exchange rounds, else after the final one."""
    if today.terms.pull is not None:
        yield from _while_pulled(leader, today, negotiation)
    elif today.terms.final:
        yield from _at_last(leader, today, negotiation)


def _at_last(leader: GridAgent, today: DsoDay, negotiation: TariffNegotiation) -> Generator[Any, Any, None]:
    """Review the commitment at the loads heard, and negotiate again under a better one; twice at most."""
    for number in range(REVISION_LIMIT + 1):
        in_time = leader.world.clock.now_s < today.rules.closes_s
        if not negotiation.review(commits=in_time and number < REVISION_LIMIT):
            return
        today.revisions += 1
        if today.setter.foresees:
            # A leader that foresees answers starts from the base loads, whose price it knows.
            today.loads_mw = dict(today.base_mw)
        led = yield from lead(leader, negotiation, today.rules, len(today.rounds))
        today.rounds += led.rounds


def _while_pulled(
    leader: GridAgent, today: DsoDay, negotiation: TariffNegotiation
) -> Generator[Any, Any, None]:
    """Review the commitment within exchange rounds, each time that the target has come nearer.

    What is answered is always planned with the units that are held then, and what was agreed stays: the
    supplier hears of other units in a round, and goes on until it is at rest with them. The final signal asks
    what the last round has asked, so that units are held at it, and only held against the best ones.
    """
    pull = today.conditions.pull
    assert pull is not None, "no target to come near to"
    if today.terms.final:
        negotiation.review(commits=False)
        return
    dispatch = today.plan.dispatch
    taken_mw = dispatch.buy_mw - dispatch.sell_mw
    apart = float(np.linalg.norm(taken_mw - pull.target_mw)) / max(float(np.linalg.norm(taken_mw)), 1e-9)
    if today.looks == len(NEAR_TARGET) or apart > NEAR_TARGET[today.looks]:
        return
    while today.looks < len(NEAR_TARGET) and apart <= NEAR_TARGET[today.looks]:
        today.looks += 1
    if today.revisions < REVISION_LIMIT and negotiation.review(commits=True):
        today.revisions += 1
        led = yield from lead(leader, negotiation, today.rules, len(today.rounds))
        today.rounds += led.rounds
