"""What a DSO works out of a day before it negotiates, from dispatches at the base loads."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from gridarium.agents.feeder.absorbed_surplus import AbsorbedSurplus
from gridarium.agents.feeder.carbon_pool import PoolDay
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


def sales_margin(dispatcher: Dispatcher, day: DispatchDay, base: Dispatch, tariff: Tariff) -> Array:
    """What one more MWh of load adds to the leader's objective, money/MWh, shape (n_period,).

    Parameters
    ----------
    dispatcher : Dispatcher
    day : DispatchDay
        At the loads where the margin is taken.
    base : Dispatch
        Of that day.
    tariff : Tariff

    Notes
    -----
    With the carbon that the pool keeps over the day, C9 under C7 is
    ``sum TOU P - cost + (kappa - 1) lam (Em - ebar D)``, and its slope
    ``TOU - (nodal price - lam_d m) + (kappa - 1) lam m``, less what is the same in all periods. The nodal
    price holds the carbon price lam_d that is in the cost of the dispatch, and m is the marginal emission:
    the slope of the nodal price over that carbon price, for the least cost at a carbon price grows with it
    by the emission. At kappa = 1 no carbon is left in it.
    """
    market = day.conditions
    carbon_price = market.carbon_price_per_tco2
    counted = carbon_price if day.carbon_in_cost else 0.0
    price = load_price(base, day)
    probe = _PROBE * carbon_price
    dearer = replace(
        day, conditions=replace(market, carbon_price_per_tco2=counted + probe), carbon_in_cost=True
    )
    emission = (load_price(dispatcher.solve(dearer), day) - price) / probe
    left = counted + (tariff.adjustment - 1.0) * carbon_price
    return market.tou_price_per_mwh - price + left * emission


def load_price(dispatch: Dispatch, day: DispatchDay) -> Array:
    """Nodal price of all load together, money/MWh, shape (n_period,); 0 without load."""
    cost = (day.load_p_mw * dispatch.price_per_mwh + day.load_q_mvar * dispatch.price_per_mvarh).sum(axis=0)
    load = day.load_p_mw.sum(axis=0)
    return np.asarray(np.divide(cost, load, out=np.zeros_like(load), where=load > 0.0))
