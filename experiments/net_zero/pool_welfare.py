"""How well the pool did: the best matching of every minute as an upper bound of its welfare."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gridarium.environment.clock import DAY_S, HOUR_S, MINUTE_S
from gridarium.experiments.net_zero.build_pool import utility_of
from gridarium.market.ladder import LadderTariff
from gridarium.market.line_lease import LeaseTerms
from gridarium.market.matching import Pool, pool_welfare, stacked
from gridarium.market.records import Array

if TYPE_CHECKING:
    from gridarium.experiments.net_zero.build import Built


def welfare_bound_usd(built: Built, by_minute: Array) -> Array:
    """Upper bound of the welfare of each period, shape (n_period,).

    Parameters
    ----------
    built : Built
    by_minute : ndarray, shape (n_prosumer, n_period, 2, n_minute)
        What each prosumer could sell and what it needed in each minute, MWh.

    Notes
    -----
    What batteries give is taken as the prosumers had planned it.
    """
    world, bound = built.world, np.zeros(built.world.n_period)
    if built.scenario.active_trading is None or not built.prosumers:
        return bound
    per_day = round(DAY_S / world.clock.period_s)
    for lease in built.provider.leases if built.provider else ():
        costs = _costs(built, lease.terms)
        days = range(lease.day * per_day, min((lease.day + 1) * per_day, world.n_period))
        slots = [(period, minute) for period in days for minute in range(by_minute.shape[3])]
        pools = [_pool(built, costs, by_minute[:, period, :, minute]) for period, minute in slots]
        by_slot = pool_welfare(stacked(pools)).welfare_by_slot_usd
        np.add.at(bound, [period for period, _ in slots], by_slot)
    return bound


def _costs(built: Built, terms: LeaseTerms) -> Array:
    """Cost of a MWh sent from each prosumer to each other, fee and reservation; inf without a line."""
    names = [one.name for one in built.prosumers]
    fee = LadderTariff(terms.base_usd_per_km_mwh, terms.interval_km, terms.growth)
    costs = np.full((len(names), len(names)), np.inf)
    for row, seller in enumerate(names):
        reserved = built.scenario.prosumers[seller].reservation_usd_per_mwh
        for column, buyer in enumerate(names):
            line = built.lines.between(seller, buyer)
            if line is not None:
                costs[row, column] = fee.cost(line.distance_km) + reserved
    return costs


def _pool(built: Built, costs: Array, possible: Array) -> Pool:
    """Sellers and buyers of a minute; `possible` has the shape (n_prosumer, 2)."""
    names = [one.name for one in built.prosumers]
    sellers, buyers = np.flatnonzero(possible[:, 0] > 0.0), np.flatnonzero(possible[:, 1] > 0.0)
    lines = built.scenario.lines
    capacity = lines.capacity_mw * MINUTE_S / HOUR_S if lines else 0.0
    loss = np.zeros((len(sellers), len(buyers)))
    for row, seller in enumerate(sellers):
        for column, buyer in enumerate(buyers):
            line = built.lines.between(names[seller], names[buyer])
            loss[row, column] = line.loss if line is not None else 0.0
    return Pool.of_matrices(
        costs[np.ix_(sellers, buyers)],
        possible[sellers, 0],
        [utility_of(built.scenario.prosumers[names[buyer]].utility) for buyer in buyers],
        possible[buyers, 1],
        capacity,
        loss,
    )
