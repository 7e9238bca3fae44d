"""Certificates of rounds within a minute: who may go on does, and what a buyer says of its need is so."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from gridarium.agents.prosumers.bargaining_rules import (
    ConcessionRule,
    DeclaredAlternatingRule,
    DeclaredNashRule,
)
from gridarium.agents.prosumers.prosumer import Prosumer
from gridarium.environment.clock import MINUTE_S
from gridarium.experiments.evidence.grid_evidence import GridEvidence, rows_of
from gridarium.experiments.evidence.prosumers.pool import seller_costs
from gridarium.experiments.evidence.prosumers.worth_of_energy import wanted_mwh
from gridarium.experiments.parts.prosumers import all_exact, prosumers_of
from gridarium.experiments.parts.trading import active_trading, bargaining_rule, trade_rules
from gridarium.experiments.results.records import Reading
from gridarium.market.messages.leasing import Accept, PriceOffer

_CRUMB_MWH, _ROUNDING = 1e-9, 1e-9
_PLACE = ["agent", "buyer", "time", "period", "round"]


def rounds(known: GridEvidence) -> Iterator[Reading]:
    """Offers after counter-offers, and words about needs; nothing where messages got lost."""
    said, bus = rows_of(known.tables, "offers", "prosumer"), known.world.bus
    if active_trading(known.scenario) is None or said.empty:
        return
    if bus.lost or bus.refused or bus.duplicated or not bus.intrusions().empty:
        return
    rule, exact = bargaining_rule(known.scenario), all_exact(known.scenario)
    if isinstance(rule, ConcessionRule | DeclaredNashRule | DeclaredAlternatingRule):
        yield Reading(
            "rounds played", _broken_off(known, said, isinstance(rule, ConcessionRule)), 0.0, "", exact,
            "bids that the seller had the energy, the rounds and a price for, and did not answer by another "
            "offer; or offers that nobody had bid for",
        )  # fmt: skip
    if isinstance(rule, ConcessionRule) and not any(one.reputation for one in known.of(Prosumer)):
        yield Reading(
            "limits told", float(_wrongly_limited(known)), 0.0, "", exact,
            "acceptances that name the need or the offer as what has limited them where it was the price, or "
            "the other way round; of the first one of a buyer in a minute",
        )  # fmt: skip


def _broken_off(known: GridEvidence, said: pd.DataFrame, concedes: bool) -> float:
    """Counter-offers without an offer in the round after, and offers of later rounds without one before."""
    rules = trade_rules(known.scenario)
    offers = said[said["move"] == "offer"]
    limits = offers.set_index(_PLACE)["volume_mwh"]
    bids = said[(said["move"] == "counter") & (said["round"] + 1 < rules.rounds)].copy()
    limit = limits.reindex(pd.MultiIndex.from_frame(bids[_PLACE])).to_numpy(dtype=float)
    bids["mwh"] = np.minimum(bids["volume_mwh"].to_numpy(dtype=float), limit)
    if not concedes and len(bids):
        cost = seller_costs(known, bids["agent"], bids["buyer"], bids["period"], bids["premium_per_mwh"])
        bids = bids[bids["price_per_mwh"].to_numpy(dtype=float) >= cost * (1.0 + _ROUNDING)]
    bids = bids[bids["mwh"] >= _CRUMB_MWH].assign(round=lambda rows: rows["round"] + 1)
    due = set(bids[_PLACE].itertuples(index=False, name=None))
    made = set(offers.loc[offers["round"] > 0, _PLACE].itertuples(index=False, name=None))
    # A price that is the cost but for a rounding may be refused or not.
    return float(len(due - made) + (len(made - due) if concedes else 0))


def _wrongly_limited(known: GridEvidence) -> int:
    """Of the first acceptance of each buyer in a minute, by its worth of energy and its need then."""
    rules, world, agents = trade_rules(known.scenario), known.world, known.of(Prosumer)
    market = rules.price_band_per_mwh[1] if rules.served_otherwise else None
    minutes = round(world.clock.period_s / MINUTE_S)
    of_name = {one.name: one for one in agents}
    sections, local = prosumers_of(known.scenario), known.grid.local
    offered: dict[tuple[str, str, float, int], float] = {}
    first, wrong = set[tuple[str, float]](), 0
    for one, _ in world.bus.words:
        told = one.payload
        if isinstance(told, PriceOffer) and one.recipient in of_name:
            offered[one.sender, one.recipient, told.minute_s, told.round] = told.limit_mwh
        elif isinstance(told, Accept) and one.sender in of_name:
            key = one.recipient, one.sender, told.minute_s, told.round
            if (one.sender, told.minute_s) in first or key not in offered:
                continue
            first.add((one.sender, told.minute_s))
            period, minute = divmod(round((told.minute_s - world.delivery_s) / MINUTE_S), minutes)
            most = min(offered[key], of_name[one.sender].possible(period)[1][minute])
            wanted = wanted_mwh(sections[local(one.sender)].utility, market, told.price_per_mwh)
            is_unsure = abs(wanted - most) <= _ROUNDING * most
            wrong += not is_unsure and told.limited != (wanted > most)
    return wrong
