"""Certificate of the best matching of a pool: its welfare in minutes with one seller, by its dual problem."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from gridarium.agents.prosumers.prosumer import Prosumer
from gridarium.environment.arrays import Array
from gridarium.environment.clock import HOUR_S, MINUTE_S, day_length
from gridarium.experiments.evidence.grid_evidence import GridEvidence
from gridarium.experiments.evidence.prosumers.pool import lease_terms, line_fee_per_mwh, line_km
from gridarium.experiments.evidence.prosumers.sharing_reference import Claimant, value_of_supply
from gridarium.experiments.evidence.prosumers.worth_of_energy import wanted_mwh, worth_money
from gridarium.experiments.parts.lines import LINES
from gridarium.experiments.parts.prosumers import prosumers_of
from gridarium.experiments.parts.trading import active_trading, trade_rules
from gridarium.experiments.results.records import Reading

_CRUMB_MWH = 1e-12
_MOST_PROSUMERS = 10
_NOTHING_MONEY = 1e-3


def best_matching(known: GridEvidence) -> Iterator[Reading]:
    """The bound of a pool's welfare where one alone has something to sell; nothing for large pools."""
    agents, table = known.of(Prosumer), known.tables.get("pool")
    lines = LINES.of(known.scenario)
    if active_trading(known.scenario) is None or table is None or lines is None:
        return
    if not 1 < len(agents) <= _MOST_PROSUMERS or not lease_terms(known):
        return
    told = table["unlimited_bound_money"].to_numpy(dtype=float)
    meant = np.array([_welfare_money(known, agents, period) for period in range(len(told))])
    judged = ~np.isnan(meant)
    if judged.any():
        apart, scale = np.abs(told - meant)[judged], max(float(np.abs(told).max()), _NOTHING_MONEY)
        yield Reading(
            "best matching", float(apart.max()) / scale, 2e-3, "", True,
            "largest difference of the welfare of the best matching of a period, and what supply and buyers "
            "are worth at the price of the last MWh of each minute, where one alone sells, relative to the "
            "largest",
            f"{int(judged.sum())} of {len(told)} periods",
        )  # fmt: skip


def _welfare_money(known: GridEvidence, agents: tuple[Prosumer, ...], period: int) -> float:
    """Of all minutes of a period; nan where in one of them several sell."""
    supplies, needs = np.array([one.possible(period) for one in agents]).swapaxes(0, 1)
    total = 0.0
    for supply, need in zip(supplies.T, needs.T, strict=True):
        sellers = np.flatnonzero(supply > _CRUMB_MWH)
        if len(sellers) > 1:
            return float("nan")
        if len(sellers) == 1:
            total += _of_minute(known, agents, period, int(sellers[0]), float(supply[sellers[0]]), need)
    return total


def _of_minute(
    known: GridEvidence, agents: tuple[Prosumer, ...], period: int, seller: int, supply: float, need: Array
) -> float:
    """The best welfare, min over mu of ``mu supply + sum_l max_p V_l(p) - (c_l + mu / (1 - loss_l)) p``."""
    lines, sections, rules = (
        LINES.of(known.scenario),
        prosumers_of(known.scenario),
        trade_rules(known.scenario),
    )
    assert lines is not None
    terms = lease_terms(known)[period // day_length(known.world.n_period, known.world.clock.period_s)]
    market = rules.price_band_per_mwh[1] if rules.served_otherwise else None
    names = [known.grid.local(one.name) for one in agents]
    kept, claims, buyers = sections[names[seller]].reservation_price_per_mwh, list[Claimant](), list[str]()
    for place, name in enumerate(names):
        if place == seller or need[place] <= _CRUMB_MWH:
            continue
        km = line_km(known, names[seller], name)
        loss = lines.loss_per_km * km
        if loss >= 1.0:
            # Nothing arrives.
            continue
        cost = (line_fee_per_mwh(terms, km) + kept) / (1.0 - loss)
        carried = lines.capacity_mw * MINUTE_S / HOUR_S * (1.0 - loss)
        demand = partial(wanted_mwh, sections[name].utility, market)
        claims.append(Claimant(demand, cost, loss, min(float(need[place]), carried)))
        buyers.append(name)
    value = value_of_supply(claims, supply)
    best = value * supply
    for name, claim in zip(buyers, claims, strict=True):
        volume = claim.taken_mwh(value)
        gross = worth_money(sections[name].utility, np.array([volume]), market)
        best += float(gross[0]) - (claim.cost_per_mwh + value / (1.0 - claim.loss)) * volume
    return best
