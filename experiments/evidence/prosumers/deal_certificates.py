"""Certificates of what traders tell each other before a period: whether it is due, and when it is said."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gridarium.agents.prosumers.bargaining_rules import DeclaredAlternatingRule, DeclaredNashRule
from gridarium.agents.prosumers.prosumer import Prosumer
from gridarium.environment.clock import MINUTE_S
from gridarium.experiments.evidence.grid_evidence import GridEvidence
from gridarium.experiments.evidence.prosumers.buyer_replayed import Buying
from gridarium.experiments.evidence.prosumers.deals_replayed import Deals
from gridarium.experiments.evidence.prosumers.offers_in_minutes import part_kept
from gridarium.experiments.evidence.prosumers.word_times import off_times_s
from gridarium.experiments.parts.prosumers import all_exact, prosumers_of
from gridarium.experiments.parts.trading import active_trading, bargaining_rule, trade_rules
from gridarium.experiments.results.records import Reading

_ENERGY_MWH, _PRICE, _TIME_S = 1e-9, 1e-6, 1e-6
_PROMPT_S = 1.0
"""On links that take longer, answers may come when others have been given up."""


def deals(known: GridEvidence) -> Iterator[Reading]:
    """Bids, shares and what is given back; nothing without a record of words."""
    agents, words = known.of(Prosumer), known.world.bus.words
    if active_trading(known.scenario) is None or not agents or not words:
        return
    yield Reading(
        "words in time", off_times_s(known, agents), _TIME_S, "s", True,
        "largest difference of when traders first nominated, introduced, asked, confirmed or offered, and "
        "when they are to; or of when a minute began that was offered for",
    )  # fmt: skip
    if not _is_plain(known, agents):
        return
    found = Deals(known, {one.name: _buying(known, one) for one in agents})
    off, exact = found.off, all_exact(known.scenario)
    yield Reading(
        "bids as worth", off.bids, _ENERGY_MWH, "MWh", exact,
        "largest difference of what a buyer bid for in each minute, and what energy is worth to it at the "
        "price asked, within its need and beyond what it holds no dearer; or of what it would leave (E9)",
    )  # fmt: skip
    yield Reading(
        "grants told", max(off.grants, off.prices * _ENERGY_MWH / _PRICE), _ENERGY_MWH, "MWh", exact,
        "largest difference of a share that a seller told, and the one that it had found; a share that moved "
        "by more than a thousandth and was not told, or the other way round, counts whole",
    )  # fmt: skip
    yield Reading(
        "grants kept back", max(off.releases, off.confirmed), _ENERGY_MWH, "MWh", exact,
        "largest difference of what a buyer kept or confirmed of its shares, and what it needed and held "
        "worth the price, the dearest given back first; what was not said counts whole",
    )  # fmt: skip
    yield Reading(
        "grants in force", _off_granted_mwh(known, agents, found), _ENERGY_MWH, "MWh", exact,
        "largest difference of what a seller was to send in a period, and all shares told to buyers less "
        "what they had given back",
    )  # fmt: skip


def _is_plain(known: GridEvidence, agents: tuple[Prosumer, ...]) -> bool:
    """Whether nobody had reason to doubt anybody, and every word came once, at once."""
    bus = known.world.bus
    if bus.lost or bus.refused or bus.duplicated or not bus.intrusions().empty:
        return False
    if any(one.reputation for one in agents):
        return False
    names = {one.name for one in agents}
    return all(
        one.delivered_s - one.sent_s < _PROMPT_S
        for one, _ in bus.words
        if one.sender in names and one.recipient in names
    )


def _buying(known: GridEvidence, agent: Prosumer) -> Buying:
    rules, local = trade_rules(known.scenario), known.grid.local(agent.name)
    told = known.tables["prosumers"]
    own = told[told["agent"] == local].sort_values("period")
    needed = (own["deficit_told_mwh"] + own["charging_told_mwh"]).to_numpy(dtype=float)
    traded = np.where(rules.trades_at(known.world.times), needed, 0.0)
    per_minute = MINUTE_S / known.world.clock.period_s
    return Buying(
        prosumers_of(known.scenario)[local].utility,
        rules.price_band_per_mwh[1] if rules.served_otherwise else None,
        dict(enumerate((traded * per_minute).tolist())),
        isinstance(bargaining_rule(known.scenario), DeclaredNashRule | DeclaredAlternatingRule),
        rules.turns,
    )


def _off_granted_mwh(known: GridEvidence, agents: tuple[Prosumer, ...], found: Deals) -> float:
    rows, worst = known.tables["prosumers"], 0.0
    minutes = known.world.clock.period_s / MINUTE_S
    local = known.grid.local
    for seller in {one.name for one in agents}:
        own = rows[rows["agent"] == local(seller)]
        for period, told in zip(own["period"], own["granted_mwh"].astype(float), strict=True):
            standing = found.standing.get((seller, period), {})
            buyers = [local(one) for one in standing]
            kept = part_kept(known, [local(seller)] * len(buyers), buyers)
            volumes = np.array([one.volume_mwh for one in standing.values()])
            worst = max(worst, abs(told - minutes * float((volumes / kept).sum())))
    return worst
