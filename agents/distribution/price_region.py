"""A region of a feeder with prices of its own, as those who have to do with it know it before any day."""

from __future__ import annotations

from dataclasses import dataclass

from gridarium.environment.arrays import Array, Index


@dataclass(frozen=True, slots=True, eq=False)
class PriceRegion:
    """Buses between which nothing is congested, and what energy costs there.

    Parameters
    ----------
    name : str
    buses : ndarray of int
        Indices, ascending.
    load : str
        Name in the world of the agent who draws the load.
    buy_price_per_mwh, sell_price_per_mwh : ndarray, shape (n_day * n_step,)
        Nodal prices of what is drawn there and fed back.
    """

    name: str
    buses: Index
    load: str
    buy_price_per_mwh: Array
    sell_price_per_mwh: Array
