"""How well the pool did: the best matching of every minute as an upper bound of its welfare."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gridarium.environment.arrays import Array
from gridarium.environment.clock import DAY_S
from gridarium.experiments.net_zero.build_pool import utility_of
from gridarium.market.ladder import LadderTariff
from gridarium.market.line_costs import LineCosts
from gridarium.market.matching import pool_welfare, stacked

if TYPE_CHECKING:
    from gridarium.experiments.net_zero.build import Built


def welfare_bound_money(built: Built, by_minute: Array) -> Array:
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
    names = [one.name for one in built.prosumers]
    private = [built.scenario.prosumers[built.grid.local(name)] for name in names]
    utilities = [utility_of(one.utility) for one in private]
    per_day = round(DAY_S / world.clock.period_s)
    for lease in built.provider.leases if built.provider else ():
        terms = lease.terms
        fee = LadderTariff(terms.base_fee_per_km_mwh, terms.interval_km, terms.growth)
        network = LineCosts.of(names, built.lines, fee, [one.reservation_price_per_mwh for one in private])
        days = range(lease.day * per_day, min((lease.day + 1) * per_day, world.n_period))
        slots = [(period, minute) for period in days for minute in range(by_minute.shape[3])]
        pools = [network.slot(by_minute[:, period, :, minute], utilities) for period, minute in slots]
        by_slot = pool_welfare(stacked(pools)).welfare_by_slot_money
        np.add.at(bound, [period for period, _ in slots], by_slot)
    return bound
