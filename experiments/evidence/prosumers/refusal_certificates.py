"""Certificates of refusals: no buyer that had declared leaves an offer that it would gain by."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import numpy as np

from gridarium.agents.prosumers.bargaining_rules import DeclaredAlternatingRule, DeclaredNashRule
from gridarium.agents.prosumers.prosumer import Prosumer
from gridarium.environment.clock import MINUTE_S
from gridarium.experiments.evidence.grid_evidence import GridEvidence, rows_of
from gridarium.experiments.evidence.prosumers.worth_of_energy import worth_money
from gridarium.experiments.parts.prosumers import all_exact, prosumers_of
from gridarium.experiments.parts.trading import active_trading, bargaining_rule, trade_rules
from gridarium.experiments.results.records import Reading

_CENT = 1e-6


def refusals(known: GridEvidence) -> Iterator[Reading]:
    """What buyers would have gained by offers that they left; under rules by declarations alone."""
    offers = rows_of(known.tables, "offers", "prosumer")
    if active_trading(known.scenario) is None or offers.empty:
        return
    if isinstance(bargaining_rule(known.scenario), DeclaredNashRule | DeclaredAlternatingRule):
        yield Reading(
            "offers left", _lost_money(known), _CENT, "money", all_exact(known.scenario),
            "most that a buyer would have gained by energy that it was offered in a minute, needed then and "
            "left, by the scenario; the worth of trust left out (E9)",
        )  # fmt: skip


def _lost_money(known: GridEvidence) -> float:
    """Offer by offer: what was taken before, what was needed, and what the rest of it was worth."""
    start, rules = known.world.clock.timestamp_at(known.world.delivery_s), trade_rules(known.scenario)
    needs = {
        known.grid.local(one.name): np.array(
            [one.possible(period)[1] for period in range(known.world.n_period)]
        ).ravel()
        for one in known.of(Prosumer)
    }
    market = rules.price_band_per_mwh[1] if rules.served_otherwise else None
    taken, asked, worst = defaultdict[tuple[Any, ...], float](float), dict[tuple[Any, ...], Any](), 0.0
    for row in known.tables["offers"].to_dict("records"):
        buyer, price, volume = str(row["buyer"]), float(row["price_per_mwh"]), float(row["volume_mwh"])
        minute, said = (row["time"], buyer), (row["time"], buyer, row["agent"], row["round"])
        if row["move"] == "offer":
            asked[said] = price, volume
        elif row["move"] == "accept":
            taken[minute] += volume
        elif volume == 0.0 and said in asked:
            price, offered = asked[said]
            place, held = round((row["time"] - start).total_seconds() / MINUTE_S), taken[minute]
            wanted = min(offered, float(needs[buyer][place]) - held)
            if wanted > 0.0:
                utility = prosumers_of(known.scenario)[buyer].utility
                before, after = worth_money(utility, np.array([held, held + wanted]), market)
                worst = max(worst, float(after - before) - price * wanted)
    return worst
