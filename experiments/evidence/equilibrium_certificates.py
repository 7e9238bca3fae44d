"""Certificates of a game between a leader and its consumers: regret, kept plans, convergence."""

from __future__ import annotations

from collections.abc import Iterator

from gridarium.agents.feeder.consumer import Consumer
from gridarium.environment.arrays import series
from gridarium.experiments.evidence.feeder_certificates import has_rational_consumers
from gridarium.experiments.evidence.grid_evidence import GridEvidence, rows_of
from gridarium.experiments.parts.negotiation import NEGOTIATION
from gridarium.experiments.records import Reading
from gridarium.market.messages.tariffs import TariffSignal

_PLAN_KEPT_MW = 1e-6


def followers(known: GridEvidence) -> Iterator[Reading]:
    """Whether consumers have done what is best for them, and what they said."""
    consumers = known.of(Consumer)
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
        exact, "largest difference of metered and planned load",
    )  # fmt: skip


def _regret_shares(known: GridEvidence, consumer: Consumer) -> Iterator[float]:
    """What a consumer could gain on each day by another plan, as a share of its bill."""
    signals, horizon = known.tables["signals"], consumer.horizon
    posted = signals[signals["agent"] == known.grid.local(consumer.leader)]
    price, factor, reference = (
        posted[name].to_numpy(dtype=float)
        for name in ("price_per_mwh", "factor_planned_tco2_per_mwh", "tou_price_per_mwh")
    )
    for number in range(horizon.n_day):
        own, of_day = consumer.day(number), horizon.periods(number)
        signal = TariffSignal(
            round=1,
            price_per_mwh=series(horizon.fit(price[of_day])),
            factor_tco2_per_mwh=series(horizon.fit(factor[of_day])),
            reference_price_per_mwh=series(horizon.fit(reference[of_day])),
            final=True,
            day=number,
        )
        bill = float((signal.price_per_mwh * own.plan_mw).sum() * horizon.step_h)
        yield own.regret_money(signal) / max(abs(bill), 1e-9)


def convergence(known: GridEvidence) -> Iterator[Reading]:
    """How far a negotiation was from rest when it ended, on the worst of its days."""
    days = known.tables.get("days")
    if days is None:
        return
    worst = days.iloc[int(days["price_distance_per_mwh"].to_numpy().argmax())]
    rounds = "1 round" if worst["rounds"] == 1 else f"{worst['rounds']} rounds"
    yield Reading(
        "convergence", float(worst["price_distance_per_mwh"]),
        NEGOTIATION.of(known.scenario).price_tolerance_per_mwh, "money/MWh", False,
        "posted price against the one that the answers call for",
        f"ended after {rounds}: {worst['ended']}",
    )  # fmt: skip
