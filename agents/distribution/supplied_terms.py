"""What a supplier's terms come to in the regions of a feeder: nodal prices, a price of carbon, and pulls."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from gridarium.agents.distribution.contract import OperatorContract
from gridarium.environment.arrays import Array, series
from gridarium.environment.errors import MessageError
from gridarium.environment.horizon import Horizon
from gridarium.market.messages.tariffs import Pull, TariffSignal

RegionPulls = Mapping[tuple[str, str], Pull]
"""By plant and region."""


def moved_prices(
    buy_price_per_mwh: Array, sell_price_per_mwh: Array, load_mw: Array, told_per_mwh: Array
) -> tuple[Array, Array]:
    """Nodal prices of a contract, moved with the price of supply, shape (n_region, n_step) each.

    Parameters
    ----------
    buy_price_per_mwh, sell_price_per_mwh : ndarray, shape (n_region, n_step)
        Of the contract.
    load_mw : ndarray, shape (n_region, n_step)
    told_per_mwh : ndarray, shape (n_step,)
        What the supplier asks.

    Notes
    -----
    A nodal price is that of the supply and what congestion adds. This is the price of the contract less the
    mean of all regions, weighted by load: what all loads pay is what they cost, storages at rest. What is fed
    back is paid as much less than what is drawn as the contract says.

    Examples
    --------
    >>> buy, sell = np.array([[400.0], [600.0]]), np.array([[320.0], [480.0]])
    >>> moved = moved_prices(buy, sell, np.array([[3.0], [1.0]]), np.array([300.0]))
    >>> [prices.ravel().tolist() for prices in moved]
    [[250.0, 450.0], [170.0, 330.0]]
    """
    total = load_mw.sum(axis=0)
    even = np.full_like(load_mw, 1.0 / len(load_mw))
    share = np.divide(load_mw, total, out=even, where=total > 0.0)
    move = told_per_mwh - (share * buy_price_per_mwh).sum(axis=0)
    return buy_price_per_mwh + move, sell_price_per_mwh + move


def ladder_price_per_tco2(
    customer: str, terms: TariffSignal, horizon: Horizon, replicas: int, taken_mw: Array
) -> Array:
    """What a supplier's ladder makes of a further tonne at the head, without jumps, shape (n_step,).

    Parameters
    ----------
    customer : str
        Named in errors.
    terms : TariffSignal
    horizon : Horizon
    replicas : int
        Equal grids to all of which the ladder is told.
    taken_mw : ndarray, shape (n_step,)
        Through the head of one of them; what is fed back carries nothing.

    Raises
    ------
    MessageError
        If the supplier tells no ladder.
    """
    if terms.ladder is None:
        raise MessageError(f"agent {customer}: its supplier tells no ladder to take a price of carbon from")
    ladder = terms.ladder.each_of(replicas).over(horizon.fit)
    carbon = horizon.fit(terms.factor_tco2_per_mwh) * np.maximum(taken_mw, 0.0)
    return ladder.ramp_per_tco2(np.maximum(carbon, 0.0))


def parted_pull(
    contract: OperatorContract,
    pull: Pull,
    load_mw: Array,
    drawn_mw: Mapping[str, Array],
    head_mw: Array,
) -> RegionPulls:
    """Pulls of each plant in each region where it has storages, of what it draws there, load and storages.

    Parameters
    ----------
    contract : OperatorContract
    pull : Pull
        Of the head of one grid.
    load_mw : ndarray, shape (n_region, n_step)
    drawn_mw : mapping of str to ndarray, shape (n_region, n_step)
        What the storages of each plant draw, as answered last.
    head_mw : ndarray, shape (n_step,)
        What passes the head then.

    Notes
    -----
    Jacobi rounds of exchange: each of n plans ``n rho / 2 (l_i - l_i' - (z - L') / n)^2`` with l' and L' of
    the plan before. The sum is never less than ``rho / 2 (L - z)^2`` and touches it there, so that each round
    lowers what is minimised together; losses stay as they were.
    """
    movers = [
        (name, row)
        for name, plant in contract.plants.items()
        for row, region in enumerate(contract.regions)
        if any(unit.region == region.name for unit in plant.storages.values())
    ]
    part = (pull.target_mw - head_mw) / max(len(movers), 1)
    return {
        (name, contract.regions[row].name): Pull(
            series(contract.plants[name].load_share * load_mw[row] + drawn_mw[name][row] + part),
            len(movers) * pull.per_mw2h,
        )
        for name, row in movers
    }
