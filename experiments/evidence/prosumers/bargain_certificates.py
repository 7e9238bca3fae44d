"""Certificates of declared bargains and posted prices: what each side gains, against what the rule says.

Costs and utilities are taken from the scenario, volumes and prices from the trades. Values of energy are
written out here once more, so that a fault in the agents' own cannot hide.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from gridarium.agents.prosumers.bargaining_rules import (
    DeclaredAlternatingRule,
    DeclaredNashRule,
    PostedRule,
)
from gridarium.environment.arrays import Array
from gridarium.experiments.evidence.grid_evidence import GridEvidence, rows_of
from gridarium.experiments.evidence.prosumers.pool import seller_costs
from gridarium.experiments.evidence.prosumers.worth_of_energy import worth_money
from gridarium.experiments.parts.prosumers import all_exact, prosumers_of
from gridarium.experiments.parts.trading import active_trading, bargaining_rule, trade_rules
from gridarium.experiments.results.records import Reading

_SHARE, _PRICE = 1e-6, 1e-6
_NO_GAIN_MONEY = 1e-9


def bargains(known: GridEvidence) -> Iterator[Reading]:
    """Whether trades are what the rule makes of both sides' utilities; nothing under rules of other kinds."""
    made = rows_of(known.tables, "trades", "prosumer")
    if active_trading(known.scenario) is None or made.empty:
        return
    # What was declared is kept where messages are.
    declared = rows_of(known.tables, "declarations", "prosumer")
    rule, exact = bargaining_rule(known.scenario), all_exact(known.scenario)
    low, high = trade_rules(known.scenario).price_band_per_mwh
    if isinstance(rule, PostedRule):
        posted = 0.5 * (low + high) if rule.price_per_mwh is None else rule.price_per_mwh
        stated = np.minimum(np.maximum(_costs(known, made), max(posted, low)), high)
        yield Reading(
            "posted price", float(np.abs(made["price_per_mwh"] - stated).max()), _PRICE, "money/MWh", exact,
            "how far a price is from the one that was posted, or from the seller's cost where that is higher",
        )  # fmt: skip
    elif isinstance(rule, DeclaredNashRule | DeclaredAlternatingRule) and known.world.bus.record:
        yield _undeclared(known, made, declared)
        if declared.empty:
            return
        gains = _gains(known, made, declared)
        wrong = _off_nash(gains) if isinstance(rule, DeclaredNashRule) else _off_turns(gains, rule)
        yield Reading(
            "split of gains", wrong, _SHARE, "", exact,
            "how far a seller's share of what both gain in a trade is from the one that the rule gives it at "
            "prices within the band, by costs and utilities of the scenario (E8, E9, E11)",
        )  # fmt: skip


def _undeclared(known: GridEvidence, made: pd.DataFrame, declared: pd.DataFrame) -> Reading:
    """Declarations of all that was traded."""
    keys = ["buyer", "seller", "period"]
    named = declared.rename(columns={"agent": "buyer"}).reindex(columns=keys)
    told = set(named.itertuples(index=False, name=None))
    missing = sum(one not in told for one in made[keys].itertuples(index=False, name=None))
    bus = known.world.bus
    return Reading(
        "trades declared", float(missing), 0.0, "",
        all_exact(known.scenario) and not (bus.lost or bus.refused),
        "trades of minutes for which the buyer had declared nothing to the seller before the period",
    )  # fmt: skip


def _costs(known: GridEvidence, made: pd.DataFrame) -> Array:
    """Cost of each seller, the premium that it was paid on what arrived taken off."""
    arrived = made["delivered_mwh"].where(made["delivered_mwh"] > 0.0)
    premium = (made["premium_money"] / arrived).fillna(0.0)
    return seller_costs(known, made["seller"], made["buyer"], made["period"], premium)


def _gains(known: GridEvidence, made: pd.DataFrame, declared: pd.DataFrame) -> pd.DataFrame:
    """Of each trade: the seller's share of what both gain, and its bounds by the band of prices.

    A share is above 1 where the buyer loses. Trades of no gain are left out.
    """
    keys = ["buyer", "seller", "period"]
    told = declared.rename(columns={"agent": "buyer"})[[*keys, "others_mwh", "reputation"]]
    rows = made.reset_index(drop=True).merge(told, "left", keys, validate="many_to_one")
    volume, others = rows["contracted_mwh"].to_numpy(), rows["others_mwh"].to_numpy()
    worth = rows["reputation"].to_numpy() * (
        _value_money(known, rows["buyer"], others + volume) - _value_money(known, rows["buyer"], others)
    )
    cost = _costs(known, rows) * volume
    gain = worth - cost
    low, high = trade_rules(known.scenario).price_band_per_mwh
    found = pd.DataFrame(
        {
            "share": (rows["price_per_mwh"] * volume - cost) / gain,
            "least": np.clip((low * volume - cost) / gain, 0.0, 1.0),
            "most": np.clip((high * volume - cost) / gain, 0.0, 1.0),
        }
    )
    kept: pd.DataFrame = found.loc[gain > _NO_GAIN_MONEY]
    return kept


def _value_money(known: GridEvidence, buyers: pd.Series[str], p_mwh: Array) -> Array:
    """Value of energy in a minute, over being served by the market for buyers that bear that in mind."""
    rules, found = trade_rules(known.scenario), np.empty(len(p_mwh))
    for name, section in prosumers_of(known.scenario).items():
        own = (buyers == name).to_numpy()
        market = rules.price_band_per_mwh[1] if rules.served_otherwise else None
        found[own] = worth_money(section.utility, p_mwh[own], market)
    return found


def _off_nash(gains: pd.DataFrame) -> float:
    """From the half, at which the product of both gains is largest, or from the bound nearest to it."""
    stated = np.clip(0.5, gains["least"], gains["most"])
    return float((gains["share"] - stated).abs().max()) if len(gains) else 0.0


def _off_turns(gains: pd.DataFrame, rule: DeclaredAlternatingRule) -> float:
    """From what the seller can keep of its first offer.

    Without a deadline nobody may gain by waiting for the own next offer; with one the last to offer takes
    all, and each before leaves the other what that is worth to it a round later.
    """
    least, most, share = (gains[name].to_numpy() for name in ("least", "most", "share"))

    def before(later: Array, seller_offers: bool) -> Array:
        if seller_offers:
            return np.asarray(np.minimum(most, 1.0 - rule.patience_ip * (1.0 - later)))
        return np.asarray(np.maximum(least, rule.patience_ep * later))

    if rule.deadline is None:
        stated = before(before(share, False), True)
    else:
        stated = most if rule.deadline % 2 == 1 else least
        for number in range(rule.deadline - 1, 0, -1):
            stated = before(stated, number % 2 == 1)
    return float(np.abs(share - stated).max()) if len(gains) else 0.0
