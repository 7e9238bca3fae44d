"""Certificates of a game between a leader and its consumers: regret, kept plans, convergence."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import nnls

from gridarium.agents.feeder.accounts import sales_money
from gridarium.agents.feeder.dso import Dso
from gridarium.agents.feeder.dso_day import DsoDay
from gridarium.agents.feeder.load_follower import FollowerDay, FollowerDemand, LoadFollower
from gridarium.agents.feeder.tariff_negotiation import told_signals
from gridarium.environment.arrays import Array, series
from gridarium.experiments.evidence.feeder.feeder_certificates import foresee_exactly, has_rational_consumers
from gridarium.experiments.evidence.feeder.posted_prices import signals_told_to
from gridarium.experiments.evidence.grid_evidence import GridEvidence, rows_of
from gridarium.experiments.evidence.shares import LEAST_MONEY, share_of
from gridarium.experiments.parts.dso import DSO
from gridarium.experiments.parts.negotiation import NEGOTIATION
from gridarium.experiments.results.records import Reading
from gridarium.market.messages.tariffs import TariffSignal
from gridarium.market.price_limits import sizes

AnyFollower = LoadFollower[FollowerDemand, FollowerDay]
CYCLE_SIZE = 0.05
"""Share of the tariff below which a cycle is small."""
CYCLE_REGRET = 0.01
"""Share of a bill, or of the operator's cost, below which what a cycle leaves open is small."""
_PLAN_KEPT_MW = 1e-6
_SUM_WEIGHT = 1e3
"""Of the sum of shares in least squares, against a distance as large as the largest price."""


def followers(known: GridEvidence) -> Iterator[Reading]:
    """Whether consumers have done what is best for them, and what they said."""
    consumers = known.of(LoadFollower)
    if not consumers:
        return
    exact = has_rational_consumers(known)
    regrets = [regret for one in consumers for regret in _regret_shares(known, one)]
    yield Reading(
        "follower regret", max(regrets), 1e-6, "", exact,
        "most that a consumer could gain by re-solving against the final tariff, relative to its bill",
    )  # fmt: skip
    loads = rows_of(known.tables, "loads", "consumer")
    total = loads.groupby("period")[["p_metered_mw", "p_plan_mw"]].sum()
    yield Reading(
        "plan kept", float((total["p_metered_mw"] - total["p_plan_mw"]).abs().max()), _PLAN_KEPT_MW, "MW",
        exact and foresee_exactly(known), "largest difference of metered and planned load",
    )  # fmt: skip


def _regret_shares(known: GridEvidence, consumer: AnyFollower) -> Iterator[float]:
    """What a consumer could gain on each day by another plan, as a share of its bill."""
    for signal in signals_told_to(known, consumer):
        yield _regret_share(consumer, signal, signal.price_per_mwh)


def _regret_share(consumer: AnyFollower, signal: TariffSignal, paid_per_mwh: Array) -> float:
    """What it could gain under a signal by another plan than its own, as a share of the bill that it pays."""
    day = consumer.day(signal.day)
    bill = float(np.abs(paid_per_mwh * day.plan_mw).sum() * consumer.horizon.step_h)
    return share_of(day.regret_money(signal), bill, LEAST_MONEY)


def _turned_regret(consumer: AnyFollower, posted: TariffSignal, turned: TariffSignal) -> float:
    """Of a consumer under another posted signal than the one it pays, each as it is told to it."""
    share = {consumer.name: consumer.place.p_share}
    told, paid = (told_signals(signal, share)[consumer.name] for signal in (turned, posted))
    return _regret_share(consumer, told, paid.price_per_mwh)


def convergence(known: GridEvidence) -> Iterator[Reading]:
    """How far a negotiation was from rest when it ended, on the worst of its days, and among which prices."""
    days = rows_of(known.tables, "days", "dso")
    if days.empty:
        return
    cycles = [cycle for dso in known.of(Dso) for cycle in _cycles(known, dso)]
    tolerance = NEGOTIATION.of(known.scenario).price_tolerance_per_mwh
    unsettled = days[~(days["price_distance_per_mwh"] <= tolerance)]
    goes_round = len(unsettled) > 0 and bool((unsettled["ended"] == "cycle").all())
    forgiven = goes_round and all(cycle.is_small for cycle in cycles)
    hard = is_exact(known)
    worst = days.iloc[int(days["price_distance_per_mwh"].to_numpy().argmax())]
    rounds = "1 round" if worst["rounds"] == 1 else f"{worst['rounds']} rounds"
    yield Reading(
        "convergence", float(worst["price_distance_per_mwh"]), tolerance, "money/MWh",
        hard and not forgiven,
        "posted price against the one that the answers call for",
        f"ended after {rounds}: {worst['ended']}",
    )  # fmt: skip
    if not cycles:
        return
    largest = max(cycles, key=lambda cycle: cycle.size_share)
    yield Reading(
        "cycle size", largest.size_share, CYCLE_SIZE, "", hard,
        "how far prices differ among which the negotiation went round, or at a jump of answers those posted "
        "on both sides of it, relative to the tariff of the period; what counts as no distance is small",
        f"up to {largest.size_per_mwh:.4g} per MWh",
    )  # fmt: skip
    dearest = max(cycles, key=lambda cycle: max(cycle.leader_regret, cycle.follower_regret))
    yield Reading(
        "cycle regret", max(dearest.leader_regret, dearest.follower_regret), CYCLE_REGRET, "", hard,
        "what is at stake between the announced price and the one that its answers call for, or at a jump a "
        "mixture of the answers to prices next to it: for the operator the difference in sales, relative to "
        "its cost; for a consumer the gain of another plan, relative to its bill",
        f"operator {dearest.leader_regret:.3g}, consumers {dearest.follower_regret:.3g}",
    )  # fmt: skip


def is_exact(known: GridEvidence) -> bool:
    """Whether everybody in the game decides exactly; who does not may never come to rest."""
    section = DSO.of(known.scenario)
    return has_rational_consumers(known) and (section is None or not section.behaviour)


@dataclass(frozen=True)
class _CycleOutcome:
    """What a negotiation leaves open that ended in a cycle; all but the size in shares."""

    size_per_mwh: float
    size_share: float
    leader_regret: float
    follower_regret: float

    @property
    def is_small(self) -> bool:
        regret = max(self.leader_regret, self.follower_regret)
        return self.size_share <= CYCLE_SIZE and regret <= CYCLE_REGRET


def _cycles(known: GridEvidence, dso: Dso) -> Iterator[_CycleOutcome]:
    """The cycles in which days of an operator ended."""
    followers = [consumer for consumer in known.of(LoadFollower) if consumer.leader == dso.name]
    tolerance = NEGOTIATION.of(known.scenario).price_tolerance_per_mwh
    for day in dso.days:
        if day.setter.cycle is None:
            continue
        signal, called_for = day.signal, called_for_per_mwh(day)
        turned = replace(signal, price_per_mwh=series(called_for))
        moved_money = sales_money(np.abs(called_for - signal.price_per_mwh), day.plan)
        tariff = np.maximum(sizes(signal.reference_price_per_mwh), tolerance / CYCLE_SIZE)
        yield _CycleOutcome(
            day.setter.cycle.size_per_mwh,
            float((day.setter.cycle.spread_per_mwh / tariff).max()),
            share_of(moved_money, day.plan.dispatch.cost_money, LEAST_MONEY),
            max((_turned_regret(one, signal, turned) for one in followers), default=0.0),
        )


def called_for_per_mwh(day: DsoDay) -> Array:
    """What the last answers call for; where answers jump that mixture of both sides which comes nearest.

    By shares w of the answers: least squares of ``sum_k w_k c_k - p`` with w >= 0, their sum held at 1.
    """
    cycle, posted = day.setter.cycle, day.signal.price_per_mwh
    if cycle is None or cycle.around_per_mwh is None:
        return day.plan.offer.price_per_mwh
    called = cycle.around_per_mwh.reshape(len(cycle.around_per_mwh), -1)
    scale = max(float(np.abs(called).max()), 1.0)
    held = _SUM_WEIGHT * np.ones((1, len(called)))
    shares, _ = nnls(np.vstack([called.T / scale, held]), np.append(posted.ravel() / scale, _SUM_WEIGHT))
    return np.asarray((shares / shares.sum() @ called).reshape(posted.shape))
