"""Certificates of money and of the pool of model E: zero sums, fees, prices, gains, welfare."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from gridarium.environment.errors import LedgerError
from gridarium.experiments.net_zero.build_pool import utility_of
from gridarium.experiments.net_zero.metrics import Tables
from gridarium.experiments.records import Reading
from gridarium.market.accounts import LINE_ENERGY, LINE_FEE
from gridarium.market.ladder import LadderTariff

if TYPE_CHECKING:
    from gridarium.experiments.net_zero.build import Built
    from gridarium.experiments.net_zero.schema import NetZeroScenario

_CENT = 1e-6
_LOSS, _USUAL_LOSS = {"nash": 0.05, "alternating": 0.05}, 0.35
"""Share of welfare that may be lost: little where both sides declare, more where they only name prices."""


def money(built: Built, tables: Tables) -> Iterator[Reading]:
    """Zero sums of the ledger, as a whole and at each instant."""
    ledger = tables["ledger"]
    try:
        built.world.ledger.verify()
        broken = 0.0
    except LedgerError:
        broken = 1.0
    yield Reading(
        "money balance", abs(float(ledger["amount_money"].sum())) + broken, _CENT, "money", True,
        "sum of all bookings, each made twice; 1 is added if the chain of entries is broken",
    )  # fmt: skip
    if len(ledger):
        by_time = ledger.groupby("time")["amount_money"].sum().abs().max()
        yield Reading(
            "money each minute", float(by_time), _CENT, "money", True,
            "largest sum of the bookings of a minute",
        )  # fmt: skip


def pool(scenario: NetZeroScenario, built: Built, tables: Tables) -> Iterator[Reading]:
    """Payments, fees, prices, gains and welfare of the pool."""
    trades, ledger = tables["trades"], tables["ledger"]
    paid = float((trades["price_per_mwh"] * trades["delivered_mwh"]).sum())
    booked = ledger[(ledger["purpose"] == LINE_ENERGY) & (ledger["amount_money"] > 0.0)]["amount_money"].sum()
    yield Reading(
        "payments", abs(paid - float(booked)), _CENT, "money", True,
        "payments of the ledger against price times energy delivered of all minutes (E8)",
    )  # fmt: skip
    fees = _fees_money(built, trades)
    booked = ledger[(ledger["purpose"] == LINE_FEE) & (ledger["amount_money"] > 0.0)]["amount_money"].sum()
    wrong = max(
        float(np.abs(fees - trades["fee_money"]).max()), abs(float(trades["fee_money"].sum() - booked))
    )
    yield Reading(
        "line fees", wrong, _CENT, "money", True,
        "fees of trades against the ladder (E7), and their sum against the ledger",
    )  # fmt: skip
    low = scenario.active_trading.band_low_price_per_mwh if scenario.active_trading else 0.0
    high = scenario.real_time_market.price_per_mwh
    price = trades["price_per_mwh"]
    yield Reading(
        "price band", max(0.0, low - float(price.min()), float(price.max()) - high), _CENT, "money/MWh", True,
        "how far a price leaves the band up to the real-time price (E10)",
    )  # fmt: skip
    yield from _gains(scenario, trades)
    yield from _welfare(tables["pool"], scenario.active_trading.rule if scenario.active_trading else "")


def _fees_money(built: Built, trades: pd.DataFrame) -> pd.Series[float]:
    """Fee of every trade by the terms of its day."""
    leases = {lease.day: lease.terms for lease in built.provider.leases} if built.provider else {}
    per_day, named = round(24.0 / built.world.period_h), built.grid.named
    rates: dict[tuple[int, str, str], float] = {}
    for day, terms in leases.items():
        ladder = LadderTariff(terms.base_fee_per_km_mwh, terms.interval_km, terms.growth)
        for seller, buyer in trades[["seller", "buyer"]].drop_duplicates().itertuples(index=False):
            rates[day, seller, buyer] = ladder.cost(built.lines.distance_km(named(seller), named(buyer)))
    keys = zip(trades["period"] // per_day, trades["seller"], trades["buyer"], strict=True)
    return pd.Series([rates[key] for key in keys], index=trades.index) * trades["sent_mwh"]


def _gains(scenario: NetZeroScenario, trades: pd.DataFrame) -> Iterator[Reading]:
    exact = not any(one.behaviour for one in scenario.prosumers.values())
    reserved = trades["seller"].map(
        {name: one.reservation_price_per_mwh for name, one in scenario.prosumers.items()}
    )
    paid = trades["price_per_mwh"] * trades["delivered_mwh"]
    seller = paid - trades["fee_money"] - reserved.astype(float) * trades["sent_mwh"]
    minutes = trades.assign(paid=paid).groupby(["buyer", "time"], sort=False)[["delivered_mwh", "paid"]].sum()
    utilities = {name: utility_of(one.utility) for name, one in scenario.prosumers.items()}
    buyer = [
        utilities[name].value(float(volume)) - float(amount)
        for (name, _), volume, amount in minutes.itertuples()
    ]
    lost = max(0.0, -float(seller.min()), -min(buyer, default=0.0))
    yield Reading(
        "mutual gain", lost, _CENT, "money", exact,
        "most that a seller loses in a trade, or a buyer in a minute (E8, E9)",
    )  # fmt: skip


def _welfare(table: pd.DataFrame, rule: str) -> Iterator[Reading]:
    reached, bound = float(table["welfare_money"].sum()), float(table["welfare_bound_money"].sum())
    scale = max(bound, 1e-9)
    beyond = float((table["welfare_money"] - table["welfare_bound_money"]).max())
    yield Reading(
        "matching bound", max(0.0, beyond) / scale, 1e-6, "", True,
        "most by which the welfare of a quarter exceeds that of the best matching, relative to the whole; "
        "must not",
    )  # fmt: skip
    yield Reading(
        "welfare lost", max(0.0, 1.0 - reached / scale), _LOSS.get(rule, _USUAL_LOSS), "", False,
        "share of the welfare of the best matching of every minute that bargaining leaves unused",
    )  # fmt: skip
