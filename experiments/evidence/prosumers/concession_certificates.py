"""Certificates of bargaining under private information, from what was offered and what nobody told.

Costs, utilities and needs are taken from the scenario and the meters, offers from their record; the formulas
are written out here once more, so that a fault in the agents' own cannot hide.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from gridarium.agents.prosumers.bargaining_rules import ConcessionRule
from gridarium.agents.prosumers.prosumer import Prosumer
from gridarium.agents.prosumers.trading import CRUMB_MWH, TradeRules
from gridarium.environment.clock import MINUTE_S
from gridarium.experiments.evidence.grid_evidence import GridEvidence, rows_of
from gridarium.experiments.evidence.prosumers.offers_in_minutes import minute_numbers
from gridarium.experiments.evidence.prosumers.pool import seller_costs
from gridarium.experiments.evidence.prosumers.worth_of_energy import wanted_mwh
from gridarium.experiments.parts.prosumers import all_exact, prosumers_of, worth_of
from gridarium.experiments.parts.trading import active_trading, bargaining_rule, trade_rules
from gridarium.experiments.results.records import Reading

_TOLERANCE = 1e-6
_PAIR = ["agent", "buyer", "time"]


def concessions(known: GridEvidence) -> Iterator[Reading]:
    """Whether offers, counter-offers and deals are what the rule of concession says; nothing under others."""
    said = rows_of(known.tables, "offers", "prosumer")
    if active_trading(known.scenario) is None or said.empty:
        return
    rule = bargaining_rule(known.scenario)
    if not isinstance(rule, ConcessionRule):
        return
    rules, rounds = trade_rules(known.scenario), _rounds(known, said)
    exact = all_exact(known.scenario)
    yield Reading(
        "deals within both limits", _outside_limits(rounds, rules), _TOLERANCE, "money/MWh", exact,
        "most by which a price agreed on is below the seller's cost, or above what the last MWh of the deal "
        "is worth to the buyer or the band allows",
    )  # fmt: skip
    yield Reading(
        "concessions one way", _backwards(rounds), _TOLERANCE, "money/MWh", exact,
        "most by which an ask rises, or a bid falls, from one round of a minute to the next",
    )  # fmt: skip
    yield Reading(
        "concessions as stated", _off_the_rule(rounds, rule, rules), _TOLERANCE, "money/MWh", exact,
        "how far an ask leaves what its opening, the cost and the rule give, or the bid that it accepts; or "
        "a bid exceeds what they give for the buyer's highest limit (Faratin, Sierra, Jennings 1998)",
    )  # fmt: skip
    yield Reading(
        "bids as stated", _off_bids(rounds, rule, rules), _TOLERANCE, "money/MWh",
        exact and _is_trusted(known),
        "how far a bid is from what the price last agreed on with the seller, the buyer's limit and the rule "
        "give, of buyers with one seller in the minute; where all was delivered",
    )  # fmt: skip
    yield Reading(
        "volumes as stated", _off_volumes(known, rounds, rules), 1e-9, "MWh", exact and _is_trusted(known),
        "largest difference of a volume that a buyer accepted or bid for, and what it wants at the price, of "
        "what was offered and what it needs; of buyers with one seller in the minute",
    )  # fmt: skip
    yield Reading(
        "deals where offers cross", _missed(known, rounds, rules), _TOLERANCE, "money/MWh", exact,
        "most that a buyer that needed more would have gained on a further MWh at an ask that it refused, "
        "or by which a bid exceeds the ask that it answers",
    )  # fmt: skip


def _rounds(known: GridEvidence, said: pd.DataFrame) -> pd.DataFrame:
    """One row for each offer with its answer (`move` is nan where there was none), and both sides' limits."""
    keys = [*_PAIR, "period", "round"]
    offers = said[said["move"] == "offer"].rename(columns={"price_per_mwh": "ask", "volume_mwh": "limit"})
    answers = said[said["move"] != "offer"].rename(columns={"price_per_mwh": "price", "volume_mwh": "volume"})
    rounds = offers[[*keys, "ask", "limit", "premium_per_mwh"]].merge(
        answers[[*keys, "move", "price", "volume"]], "left", keys, validate="one_to_one"
    )
    rounds = rounds.sort_values([*_PAIR, "round"], ignore_index=True)
    rounds["cost"] = seller_costs(
        known, rounds["agent"], rounds["buyer"], rounds["period"], rounds["premium_per_mwh"]
    )
    rounds["bid"] = rounds["price"].where((rounds["move"] == "counter") & (rounds["volume"] > 0.0))
    rounds["before"] = rounds.groupby(_PAIR, sort=False)["bid"].shift()
    utilities = {
        name: worth_of(known.scenario, one.utility) for name, one in prosumers_of(known.scenario).items()
    }
    rounds["first_mwh_worth"] = rounds["buyer"].map(lambda name: utilities[name].marginal(0.0))
    rounds["last_mwh_worth"] = [
        utilities[name].marginal(volume if move == "accept" else 0.0)
        for name, move, volume in rounds[["buyer", "move", "volume"]].itertuples(index=False)
    ]
    return rounds


def _outside_limits(rounds: pd.DataFrame, rules: TradeRules) -> float:
    low, high = rules.price_band_per_mwh
    deals = rounds[rounds["move"] == "accept"]
    below = np.maximum(deals["cost"], low) - deals["price"]
    above = deals["price"] - np.minimum(deals["last_mwh_worth"], high)
    return _most(below, above)


def _backwards(rounds: pd.DataFrame) -> float:
    asks = rounds.groupby(_PAIR, sort=False)["ask"].diff()
    return _most(asks, rounds["before"] - rounds["bid"])


def _off_the_rule(rounds: pd.DataFrame, rule: ConcessionRule, rules: TradeRules) -> float:
    """Asks against ``open - t^(1/beta) (open - limit)``, bids against the same towards the highest limit."""
    low, high = rules.price_band_per_mwh
    pairs = rounds.groupby(_PAIR, sort=False)
    number, last = rounds["round"].astype(float), rules.rounds - 1
    opening = pairs["ask"].transform("first")
    time = 2.0 * number / (2.0 * rules.rounds - 1.0)
    stated = opening - time ** (1.0 / rule.concession_ep) * (opening - np.maximum(rounds["cost"], low))
    wrong = (rounds["ask"] - np.fmax(stated, rounds["before"])).abs()
    first, limit = pairs["bid"].transform("first"), np.minimum(rounds["first_mwh_worth"], high)
    most = first + (number / max(last, 1)) ** (1.0 / rule.concession_ip) * (limit - first)
    return _most(wrong, rounds["bid"] - np.fmax(most, rounds["before"]))


def _is_trusted(known: GridEvidence) -> bool:
    """Whether all messages arrived, and all energy that was agreed on."""
    made, bus = rows_of(known.tables, "trades", "prosumer"), known.world.bus
    return not (bus.lost or bus.refused) and (made.empty or bool((made["outcome"] == "delivered").all()))


def _off_bids(rounds: pd.DataFrame, rule: ConcessionRule, rules: TradeRules) -> float:
    """Bids of each minute, from the first one on, towards what the first MWh is worth.

    Who deals with several sellers may have bought of one before it bids to the other.
    """
    low, high = rules.price_band_per_mwh
    alone = rounds.groupby(["buyer", "time"])["agent"].transform("nunique") == 1
    agreed, worst = dict[tuple[str, str], float](), 0.0
    exponent, steps = 1.0 / rule.concession_ip, max(rules.rounds - 1, 1)
    limits = np.minimum(rounds["first_mwh_worth"], high)
    ordered = rounds.assign(alone=alone, most=limits)
    said = ("agent", "buyer", "time", "round", "move", "price", "volume", "alone", "most")
    bid = opening = 0.0
    minute: tuple[str, str, object] | None = None
    answered = ordered[ordered["move"].notna()]
    by_pair = answered.sort_values(["time", "agent", "buyer", "round"], kind="stable")
    for agent, buyer, time, number, move, price, volume, alone_, most in zip(
        *(by_pair[name].tolist() for name in said), strict=True
    ):
        if minute != (agent, buyer, time):
            minute, bid = (agent, buyer, time), -np.inf
            opening = min(max(low, rule.opening_ip * agreed.get((agent, buyer), low)), max(most, low))
        gone = (number / steps) ** exponent if rules.rounds > 1 else 1.0
        bid = max(bid, opening + gone * (most - opening))
        if move == "accept":
            agreed[agent, buyer] = price
            worst = max(worst, price - min(bid, most)) if alone_ else worst
        elif alone_ and volume > 0.0:
            worst, bid = max(worst, abs(price - bid)), price
    return worst


def _off_volumes(known: GridEvidence, rounds: pd.DataFrame, rules: TradeRules) -> float:
    """Of rounds in which something was accepted or bid for."""
    market = rules.price_band_per_mwh[1] if rules.served_otherwise else None
    needs = {known.grid.local(one.name): one for one in known.of(Prosumer)}
    sections = prosumers_of(known.scenario)
    alone = rounds.groupby(["buyer", "time"])["agent"].transform("nunique") == 1
    said = rounds[alone & (rounds["volume"] > 0.0)]
    number = minute_numbers(known, pd.DatetimeIndex(said["time"]))
    minutes, worst = round(known.world.clock.period_s / MINUTE_S), 0.0
    columns = (said[name].tolist() for name in ("buyer", "price", "limit", "volume"))
    for minute, buyer, price, limit, volume in zip(number.tolist(), *columns, strict=True):
        need = needs[buyer].possible(minute // minutes)[1][minute % minutes]
        wanted = wanted_mwh(sections[buyer].utility, market, price)
        worst = max(worst, abs(volume - min(wanted, limit, need)))
    return worst


def _missed(known: GridEvidence, rounds: pd.DataFrame, rules: TradeRules) -> float:
    """Gain left on the table, by what each buyer has bought in the minute and still needed.

    Where messages were lost a buyer may believe that it has bought more, and a seller that has failed is
    worth less to it: of these only the bids are judged.
    """
    crossed = _most(rounds["bid"] - rounds["ask"])
    messages, trades = known.tables.get("messages"), rows_of(known.tables, "trades", "prosumer")
    if messages is not None and (messages["outcome"] == "lost").any():
        return crossed
    failed = set(trades.loc[trades["outcome"].isin(["short", "default"]), "seller"]) if len(trades) else set()
    refused = rounds[(rounds["move"] == "counter") & (rounds["volume"] <= 0.0)]
    refused = refused[~refused["agent"].isin(failed)]
    accepted = rounds[rounds["move"] == "accept"]
    bought = accepted.groupby(["buyer", "time"])["volume"].sum().to_dict()
    needs = {known.grid.local(one.name): one for one in known.of(Prosumer)}
    high, start = rules.price_band_per_mwh[1], known.world.clock.timestamp_at(known.world.delivery_s)
    minutes = round(known.world.clock.period_s / MINUTE_S)
    utilities = {
        name: worth_of(known.scenario, one.utility) for name, one in prosumers_of(known.scenario).items()
    }
    left = [crossed]
    for buyer, time, period, ask in refused[["buyer", "time", "period", "ask"]].itertuples(index=False):
        minute = round((time - start).total_seconds() / MINUTE_S) - period * minutes
        has = bought.get((buyer, time), 0.0)
        if needs[buyer].possible(period)[1][minute] - has > CRUMB_MWH:
            left.append(min(high, utilities[buyer].marginal(has)) - ask)
    return max(left)


def _most(*values: pd.Series[float]) -> float:
    """The largest of all values, at least 0."""
    return max(0.0, *(float(each.max()) for each in values if each.notna().any()), 0.0)
