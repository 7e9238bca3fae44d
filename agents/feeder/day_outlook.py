"""What a DSO works out of a day before it negotiates, from dispatches at the base loads."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from gridarium.agents.feeder.absorbed_surplus import AbsorbedSurplus
from gridarium.agents.feeder.carbon_pool import PoolDay, wanted_transfer
from gridarium.agents.feeder.dispatch import Dispatch, DispatchDay, Dispatcher
from gridarium.agents.feeder.planned_carbon import PlannedCarbon
from gridarium.environment.arrays import Array
from gridarium.market.tariffs import Tariff

_PROBE = 0.01
"""Rise of the carbon price by which marginal emissions are found, relative to that price."""


@dataclass(frozen=True)
class DayOutlook:
    """What is known of a day before its first round, and held during its rounds.

    Parameters
    ----------
    wanted_transfer_t_per_h : ndarray, shape (n_period,)
        Net flow out of the virtual carbon pools that serves the leader best.
    surplus : AbsorbedSurplus or None
        None where the tariff credits no surplus.
    pool : PoolDay
        What the virtual carbon pools begin and shall end with.
    carbon_before : PlannedCarbon, optional
        Of the final plan of the day before: what storages hold as the day begins.
    """

    wanted_transfer_t_per_h: Array
    surplus: AbsorbedSurplus | None
    pool: PoolDay
    carbon_before: PlannedCarbon | None = None


def best_transfer(
    dispatcher: Dispatcher, day: DispatchDay, base: Dispatch, base_mw: Array, tariff: Tariff
) -> Array:
    """Net flow of liability out of managed pools that serves the leader best, tCO2/h, shape (n_period,).

    Parameters
    ----------
    dispatcher : Dispatcher
    day : DispatchDay
        At base loads.
    base : Dispatch
        Of that day.
    base_mw : ndarray, shape (n_period,)
    tariff : Tariff
    """
    market = day.conditions
    priced = market.priced_at(dispatcher.supply(base, market).bought_t_per_h)
    carbon_price = priced.carbon_price_per_tco2
    if not np.any(tariff.adjustment * carbon_price):
        # Where the price does not follow the factor, no transfer is better than another.
        return np.zeros_like(base_mw)
    return wanted_transfer(sales_margin(dispatcher, day, base, tariff, carbon_price), base_mw, market)


def sales_margin(
    dispatcher: Dispatcher,
    day: DispatchDay,
    base: Dispatch,
    tariff: Tariff,
    carbon_price_per_tco2: Array,
) -> Array:
    """What one more MWh of load adds to the leader's objective, money/MWh, shape (n_period,).

    Parameters
    ----------
    dispatcher : Dispatcher
    day : DispatchDay
        At the loads where the margin is taken.
    base : Dispatch
        Of that day.
    tariff : Tariff
    carbon_price_per_tco2 : ndarray, shape (n_period,)
        Of the tariff, above 0 in some period.

    Notes
    -----
    With the carbon that the pool keeps over the day, C9 under C7 is
    ``sum TOU P - cost + (kappa - 1) lam (Em - ebar D)``, and its slope
    ``TOU - (nodal price - lam_d m) + (kappa - 1) lam m``, less what is the same in all periods. The nodal
    price holds the carbon price lam_d that is in the cost of the dispatch, and m is the marginal emission:
    the slope of the nodal price over that carbon price, for the least cost at a carbon price grows with it
    by the emission. At kappa = 1 no carbon is left in it. Who passes on a ladder earns nothing from a carbon
    market: the slope is ``TOU - nodal price + kappa lam m``, with the ladder in the nodal price.
    """
    market, carbon_price = day.conditions, carbon_price_per_tco2
    counted = day.counted_carbon_per_tco2
    price = load_price(base, day)
    probe = _PROBE * np.where(carbon_price > 0.0, carbon_price, carbon_price.max())
    ladder = market.ladder if day.carbon_in_cost else None
    dearer = replace(
        day,
        conditions=replace(market, carbon_price_per_tco2=counted + probe, ladder=ladder),
        carbon_in_cost=True,
    )
    emission = (load_price(dispatcher.solve(dearer), day) - price) / probe
    paid_on = 0.0 if market.passes_ladder else 1.0
    left = counted + (tariff.adjustment - paid_on) * carbon_price
    return market.tou_price_per_mwh - price + left * emission


def load_price(dispatch: Dispatch, day: DispatchDay) -> Array:
    """Nodal price of all load together, money/MWh, shape (n_period,); 0 without load."""
    cost = (day.load_p_mw * dispatch.price_per_mwh + day.load_q_mvar * dispatch.price_per_mvarh).sum(axis=0)
    load = day.load_p_mw.sum(axis=0)
    return np.asarray(np.divide(cost, load, out=np.zeros_like(load), where=load > 0.0))
