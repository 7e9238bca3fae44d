"""Certificates of what trade was worth to prosumers, by the utilities of the scenario and the trades."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from gridarium.experiments.evidence.grid_evidence import GridEvidence, by_period, rows_of
from gridarium.experiments.evidence.prosumers.worth_of_energy import worth_money
from gridarium.experiments.parts.prosumers import all_exact, prosumers_of
from gridarium.experiments.parts.supply import REAL_TIME
from gridarium.experiments.parts.trading import trade_rules
from gridarium.experiments.results.records import Reading

_CENT = 1e-6


def gains(known: GridEvidence) -> Iterator[Reading]:
    """Income, payments, utility and worth of each prosumer in each period."""
    own = known.tables.get("prosumers")
    if own is None:
        return
    made = rows_of(known.tables, "trades", "prosumer")
    worst = max(_off_money(known, str(name), rows, made) for name, rows in own.groupby("agent", sort=False))
    yield Reading(
        "gains of prosumers", worst, _CENT, "money", True,
        "largest difference in a period of what a prosumer earned, paid, saved and what energy was worth to "
        "it, and the same by its trades, the real-time price and k ln(1 + p / p0) of each minute (E8, E9)",
    )  # fmt: skip
    told = rows_of(known.tables, "payoffs", "prosumer")
    told = told[told["item"] == "value of energy"]
    valued = own.groupby("agent")["value_money"].sum()[told["agent"]].to_numpy(dtype=float)
    apart = np.abs(told["amount_money"].to_numpy(dtype=float) - valued)
    yield Reading(
        "payoffs of prosumers", float(apart.max()), _CENT, "money", True,
        "largest difference of the value of energy among a prosumer's payoffs, and that of all its periods",
    )  # fmt: skip
    yield Reading(
        "worth of trust", _off_trust(known, own, made), _CENT, "money", all_exact(known.scenario),
        "largest difference in a period of what it was worth to a prosumer to buy from whom it did, and "
        "q2 / q1 times k of each minute in which a seller delivered, where all have always delivered (E9)",
    )  # fmt: skip


def _off_money(known: GridEvidence, name: str, rows: pd.DataFrame, made: pd.DataFrame) -> float:
    n, utility = known.world.n_period, prosumers_of(known.scenario)[name].utility
    rules, real_time = trade_rules(known.scenario), REAL_TIME.of(known.scenario).price_per_mwh
    due = {"saved_money": real_time * (rows["received_mwh"] - rows["for_battery_mwh"]).to_numpy(dtype=float)}
    if made.empty:
        due |= dict.fromkeys(("income_money", "payments_money", "utility_money", "value_money"), np.zeros(n))
    else:
        sold, bought = made[made["seller"] == name], made[made["buyer"] == name]
        minutes = bought.groupby("time", sort=True).agg({"delivered_mwh": "sum", "period": "first"})
        volume = minutes["delivered_mwh"].to_numpy(dtype=float)
        market = real_time if rules.served_otherwise else None
        for column, price in (("utility_money", None), ("value_money", market)):
            minutes[column] = worth_money(utility, volume, price)
            due[column] = by_period(minutes, column, n)
        for column, side in (("income_money", sold), ("payments_money", bought)):
            paid = side.assign(paid=side["price_per_mwh"] * side["delivered_mwh"])
            due[column] = by_period(paid, "paid", n)
        due["fees_money"] = by_period(sold, "fee_money", n)
        due["premiums_money"] = by_period(sold, "premium_money", n)
    return max(float(np.abs(rows[column].to_numpy(dtype=float) - one).max()) for column, one in due.items())


def _off_trust(known: GridEvidence, own: pd.DataFrame, made: pd.DataFrame) -> float:
    """Of runs in which all that was agreed arrived, so that each seller is trusted in full."""
    if len(made) and (made["outcome"] != "delivered").any():
        return 0.0
    n, worst = known.world.n_period, 0.0
    for name, rows in own.groupby("agent", sort=False):
        utility = prosumers_of(known.scenario)[str(name)].utility
        full = utility.reputation_weight / utility.payment_weight * utility.scale_money
        bought = made[made["buyer"] == name] if len(made) else made
        arrived = bought[bought["delivered_mwh"] > 0.0] if len(bought) else bought
        times = np.bincount(arrived["period"].astype(int), minlength=n) if len(arrived) else np.zeros(n)
        worst = max(worst, float(np.abs(rows["trust_money"].to_numpy(dtype=float) - full * times).max()))
    return worst
