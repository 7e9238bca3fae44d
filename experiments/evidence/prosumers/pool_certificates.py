"""Certificates of prosumers and their pool: meters, fees, prices, gains, welfare."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from gridarium.environment.clock import day_length
from gridarium.experiments.evidence.grid_evidence import GridEvidence, rows_of
from gridarium.experiments.evidence.prosumers.pool import lease_terms, line_fee_per_mwh, line_km
from gridarium.experiments.names.registry import entries
from gridarium.experiments.parts.prosumers import all_exact, prosumers_of, worth_of
from gridarium.experiments.parts.supply import REAL_TIME
from gridarium.experiments.parts.trading import active_trading
from gridarium.experiments.results.records import Reading
from gridarium.market.accounts import LINE_ENERGY, LINE_FEE, POOL_CALL

_ROUNDING = 1e-6
_CENT = 1e-6
_LOSS, _USUAL_LOSS = {"declared-nash": 0.05, "declared-alternating": 0.05, "concession": 0.2}, 0.35
"""Share of welfare that may be lost: little where both sides declare, more where they bargain by offers or
only name prices."""

_NOTHING_MONEY = 1e-3


def prosumers(known: GridEvidence) -> Iterator[Reading]:
    """Balance and meters of each prosumer."""
    own = known.tables.get("prosumers")
    if own is None:
        return
    comes = own[["surplus_mwh", "received_mwh", "discharged_mwh", "drawn_mwh"]].sum(axis=1)
    goes = own[["deficit_mwh", "sold_mwh", "charged_mwh", "spilled_mwh"]].sum(axis=1)
    yield Reading(
        "prosumer balance", float(np.abs(comes - goes).max()), _ROUNDING, "MWh", True,
        "largest difference of what comes to a prosumer and what it uses, stores, sells or spills",
    )  # fmt: skip
    least = own[["received_mwh", "drawn_mwh", "sold_mwh", "spilled_mwh"]].to_numpy().min()
    yield Reading(
        "prosumer meters", max(0.0, -float(least)), _ROUNDING, "MWh", True,
        "how far a meter of a prosumer runs backwards",
    )  # fmt: skip


def trades(known: GridEvidence) -> Iterator[Reading]:
    """Payments, fees and prices of trades over leased lines."""
    made, ledger = rows_of(known.tables, "trades", "prosumer"), known.tables.get("ledger")
    if made.empty or ledger is None:
        return
    paid, booked = float((made["price_per_mwh"] * made["delivered_mwh"]).sum()), _booked(ledger, LINE_ENERGY)
    yield Reading(
        "payments", abs(paid - booked), _CENT, "money", True,
        "payments of the ledger against price times energy delivered of all minutes (E8)",
    )  # fmt: skip
    wrong = float(np.abs(_fees_money(known, made) - made["fee_money"]).max())
    unbooked = abs(float(made["fee_money"].sum()) - _booked(ledger, LINE_FEE))
    yield Reading(
        "line fees", max(wrong, unbooked), _CENT, "money", True,
        "fees of trades against the ladder (E7), and their sum against the ledger",
    )  # fmt: skip
    premiums = float(made["premium_money"].sum())
    yield Reading(
        "premiums of calls", abs(premiums - _booked(ledger, POOL_CALL)), _CENT, "money", True,
        "premiums of all minutes against what the ledger shows that operators have paid for calls (E26)",
    )  # fmt: skip
    trading = active_trading(known.scenario)
    low = trading.band_low_price_per_mwh if trading else 0.0
    high, price = REAL_TIME.of(known.scenario).price_per_mwh, made["price_per_mwh"]
    yield Reading(
        "price band", max(0.0, low - float(price.min()), float(price.max()) - high), _CENT, "money/MWh", True,
        "how far a price leaves the band up to the real-time price (E10)",
    )  # fmt: skip
    yield _mutual_gain(known, made)


def _booked(ledger: pd.DataFrame, purpose: str) -> float:
    return float(
        ledger[(ledger["purpose"] == purpose) & (ledger["amount_money"] > 0.0)]["amount_money"].sum()
    )


def _fees_money(known: GridEvidence, made: pd.DataFrame) -> pd.Series[float]:
    """Fee of every trade by the terms of its day."""
    per_day = day_length(known.world.n_period, known.world.clock.period_s)
    pairs = made[["seller", "buyer"]].drop_duplicates()
    rates: dict[tuple[int, str, str], float] = {}
    for day, terms in lease_terms(known).items():
        for seller, buyer in pairs.itertuples(index=False):
            rates[day, seller, buyer] = line_fee_per_mwh(terms, line_km(known, seller, buyer))
    keys = zip(made["period"] // per_day, made["seller"], made["buyer"], strict=True)
    return pd.Series([rates[key] for key in keys], index=made.index) * made["sent_mwh"]


def _mutual_gain(known: GridEvidence, made: pd.DataFrame) -> Reading:
    sections = prosumers_of(known.scenario)
    reserved = made["seller"].map({name: one.reservation_price_per_mwh for name, one in sections.items()})
    paid = made["price_per_mwh"] * made["delivered_mwh"]
    seller = paid + made["premium_money"] - made["fee_money"] - reserved.astype(float) * made["sent_mwh"]
    minutes = made.assign(paid=paid).groupby(["buyer", "time"], sort=False)[["delivered_mwh", "paid"]].sum()
    utilities = {name: worth_of(known.scenario, one.utility) for name, one in sections.items()}
    buyer = [
        utilities[name].value(float(volume)) - float(amount)
        for (name, _), volume, amount in minutes.itertuples()
    ]
    exact = all_exact(known.scenario)
    return Reading(
        "mutual gain", max(0.0, -float(seller.min()), -min(buyer, default=0.0)), _CENT, "money", exact,
        "most that a seller loses in a trade, or a buyer in a minute (E8, E9)",
    )  # fmt: skip


def _under(rule: str) -> str:
    """What the rule is, for those that are registered."""
    known = entries("bargaining-rules").get(rule)
    return f"; {rule}: {known.description}" if known is not None else ""


def welfare(known: GridEvidence) -> Iterator[Reading]:
    """Welfare of a pool, in which nobody may have traded, against the best matching."""
    trading, table = active_trading(known.scenario), known.tables.get("pool")
    if trading is None or table is None or table.empty:
        return
    rule = trading.rule
    reached, bound = float(table["welfare_money"].sum()), float(table["welfare_bound_money"].sum())
    scale = max(bound, _NOTHING_MONEY)
    beyond = float((table["welfare_money"] - table["welfare_bound_money"]).max())
    yield Reading(
        "matching bound", max(0.0, beyond) / scale, 1e-6, "", True,
        "most by which the welfare of a quarter exceeds that of the best matching, relative to the whole; "
        "must not",
    )  # fmt: skip
    yield Reading(
        "welfare lost", max(0.0, bound - reached) / scale, _LOSS.get(rule, _USUAL_LOSS), "", False,
        f"share of the welfare of the best matching of every minute that trade leaves unused{_under(rule)}",
    )  # fmt: skip
