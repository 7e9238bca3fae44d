"""Another way to the best dispatch with a green label: dynamic programming over energy and green share."""

from __future__ import annotations

import numpy as np

from gridarium.agents.vpp.green_day import GreenDay
from gridarium.environment.arrays import Array
from gridarium.market.cleanness import cleanness_price_per_mwh

_NEVER = 1e9


def grid_optimum(day: GreenDay, n_energy: int = 97, n_share: int = 81) -> float:
    """The least bill over schedules that pass through a grid of energies, money; a pull counts with it.

    Green shares lie between the points of theirs, where the cost to go is interpolated: the schedules are
    real ones, their bill is off by the error of interpolation.

    Parameters
    ----------
    day : GreenDay
        Its initial energy must be a point of the grid.
    n_energy, n_share : int
        Points of the band of energy, and of the range of green shares.
    """
    ratings, region = day.ratings, day.region
    energy = np.linspace(*ratings.band_mwh, n_energy)
    start = int(np.abs(energy - day.initial_mwh).argmin())
    share = np.linspace(
        min(float(day.green_share.min()), day.initial_share),
        max(float(day.green_share.max()), day.initial_share),
        n_share,
    )
    gain = energy[None, :] - energy[:, None]
    into, out = ratings.efficiencies
    charge = np.maximum(gain, 0.0) / into / region.period_h
    discharge = np.maximum(-gain, 0.0) * out / region.period_h
    allowed = np.maximum(charge, discharge) <= ratings.p_max_mw + 1e-9
    to_go = np.full((n_energy, n_share), _NEVER)
    to_go[start] = np.where(share >= day.initial_share - 1e-12, 0.0, _NEVER)
    for t in reversed(range(day.n_period)):
        net = region.load_mw[t] + charge - discharge
        price = np.where(net > 0.0, region.buy_price_per_mwh[t], region.sell_price_per_mwh[t])
        bill = (price * net + day.wear_cost_per_mwh * discharge) * region.period_h
        if day.pull is not None:
            apart = net - day.pull.target_mw[t]
            bill = bill + 0.5 * day.pull.per_mw2h * apart**2 * region.period_h
        bill = np.where(allowed, bill, _NEVER)
        best = np.empty_like(to_go)
        for e in range(n_energy):
            mixed = share + (np.maximum(gain[e], 0.0) / energy)[:, None] * (day.green_share[t] - share)
            ahead = _between(share, to_go, mixed)
            best[e] = (bill[e][:, None] + ahead - _paid(day, t, discharge[e][:, None] * share)).min(axis=0)
        to_go = best
    return float(np.interp(day.initial_share, share, to_go[start]))


def _paid(day: GreenDay, t: int, green_mw: Array) -> Array:
    """What green discharge is paid, money; what goes beyond what the region can use may not be."""
    region = day.region
    room = float(region.green_room_mw[t])
    used = np.minimum(green_mw, room)
    price = cleanness_price_per_mwh(
        day.pricing,
        region.green_price_per_mwh[t],
        region.whole_load_mw[t],
        used + region.foreign_green_mw[t],
    )
    return np.where(green_mw > room + 1e-9, -_NEVER, price * used * region.period_h)


def _between(share: Array, to_go: Array, mixed: Array) -> Array:
    """Cost to go, of the shape (n_energy, n_share) of the shares that are reached."""
    place = (mixed - share[0]) / (share[1] - share[0])
    left = np.clip(place.astype(np.int64), 0, len(share) - 2)
    part = np.clip(place - left, 0.0, 1.0)
    low, high = (np.take_along_axis(to_go, at, 1) for at in (left, left + 1))
    # A point itself needs no neighbour, which may be one that nothing leads on from.
    return np.where(part < 1e-9, low, np.where(part > 1.0 - 1e-9, high, low + part * (high - low)))
