"""When a storage would best charge and when discharge at given prices, negative ones too."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gridarium.environment.arrays import Array
from gridarium.environment.storage import StorageRatings

_N_LEVEL = 160
"""Steps of stored energy between its limits; directions, not amounts, are read off."""


def best_directions(
    unit: StorageRatings, initial_mwh: float, charge_price: Array, discharge_price: Array, period_h: float
) -> NDArray[np.int8]:
    """Whether it charges, period by period, in its cheapest day from and to the same energy.

    Parameters
    ----------
    unit : StorageRatings
    initial_mwh : float
        Energy at both ends of the day.
    charge_price, discharge_price : ndarray, shape (n_period,)
        What a MW costs that it draws for a period, and what a MW earns that it feeds in.
    period_h : float

    Returns
    -------
    ndarray of int8, shape (n_period,)
        1 where it charges, 0 where it discharges, -1 where it rests.

    Notes
    -----
    Dynamic programming over levels of stored energy: at a negative price the problem is not convex, for
    charging and discharging at once would pay (A20).
    """
    low, high = unit.band_mwh
    if high <= low:
        return np.full(len(charge_price), -1, dtype=np.int8)
    step = (high - low) / _N_LEVEL
    first = initial_mwh - step * np.floor((initial_mwh - low) / step)
    level = np.arange(first, high + 1e-9 * step, step)
    gained = level[None, :] - level[:, None]
    draw_mw = np.maximum(gained, 0.0) / (unit.efficiency_charge * period_h)
    feed_mw = np.maximum(-gained, 0.0) * unit.efficiency_discharge / period_h
    too_much = np.where(np.maximum(draw_mw, feed_mw) > unit.p_max_mw * (1.0 + 1e-9), np.inf, 0.0)
    home = int(np.abs(level - initial_mwh).argmin())
    cost = np.where(np.arange(len(level)) == home, 0.0, np.inf)
    came_from = []
    for to_draw, to_feed in zip(charge_price, discharge_price, strict=True):
        total = cost[:, None] + to_draw * draw_mw - to_feed * feed_mw + too_much
        came_from.append(total.argmin(axis=0))
        cost = total.min(axis=0)
    path = [home]
    for before in reversed(came_from):
        path.append(int(before[path[-1]]))
    change = np.diff(path[::-1])
    return np.where(change == 0, -1, change > 0).astype(np.int8)
