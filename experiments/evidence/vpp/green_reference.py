"""Another way to the best dispatch with a green label: dynamic programming over energy and green share."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gridarium.agents.vpp.green_day import GreenDay
from gridarium.environment.arrays import Array
from gridarium.market.cleanness import cleanness_price_per_mwh

Places = NDArray[np.intp]
Flags = NDArray[np.bool_]

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
    up, down = _Moves.of(allowed & (gain > 0.0)), _Moves.of(allowed & (gain <= 0.0))
    filled = (gain[up.start, up.end] / energy[up.end])[:, None]
    green = discharge[down.start, down.end][:, None] * share
    to_go = np.full((n_energy, n_share), _NEVER)
    to_go[start] = np.where(share >= day.initial_share - 1e-12, 0.0, _NEVER)
    for t in reversed(range(day.n_period)):
        bill = _bill(day, t, charge, discharge)
        mixed = share + filled * (day.green_share[t] - share)
        charged = up.priced(bill) + _between(share, to_go, up.end, mixed)
        held = down.priced(bill) + to_go[down.end] - _paid(day, t, green)
        to_go = np.minimum(up.least(charged, n_energy), down.least(held, n_energy))
    return float(np.interp(day.initial_share, share, to_go[start]))


class _Moves(NamedTuple):
    """Pairs of points of energy of which a storage may go from one to the other within a period.

    Parameters
    ----------
    start, end : ndarray of int, shape (n_move,)
        Points before and after; those of one start follow each other.
    starts, first : ndarray of int, shape (n_start,)
        Points that a move starts from, and where the moves of each begin.
    """

    start: Places
    end: Places
    starts: Places
    first: Places

    @classmethod
    def of(cls, possible: Flags) -> _Moves:
        """The moves that are possible, by point before and after."""
        start, end = np.nonzero(possible)
        return cls(start, end, *np.unique(start, return_index=True))

    def priced(self, bill: Array) -> Array:
        """The bill of each move, shape (n_move, 1)."""
        return np.asarray(bill[self.start, self.end][:, None])

    def least(self, cost: Array, n_energy: int) -> Array:
        """The least cost of the moves from each point, shape (n_energy, n_share); inf without a move."""
        found = np.full((n_energy, cost.shape[1]), np.inf)
        if len(self.first):
            found[self.starts] = np.minimum.reduceat(cost, self.first, axis=0)
        return found


def _bill(day: GreenDay, t: int, charge: Array, discharge: Array) -> Array:
    """What the region's energy costs in a period, with wear and pull, money."""
    region = day.region
    net = region.load_mw[t] + charge - discharge
    price = np.where(net > 0.0, region.buy_price_per_mwh[t], region.sell_price_per_mwh[t])
    bill = (price * net + day.wear_cost_per_mwh * discharge) * region.period_h
    if day.pull is not None:
        apart = net - day.pull.target_mw[t]
        bill = bill + 0.5 * day.pull.per_mw2h * apart**2 * region.period_h
    return np.asarray(bill)


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


def _between(share: Array, to_go: Array, energy: Places, mixed: Array) -> Array:
    """Cost to go from points of energy, shape (n_move,), at the shares reached, (n_move, n_share)."""
    place = (mixed - share[0]) / (share[1] - share[0])
    left = np.clip(place.astype(np.int64), 0, len(share) - 2)
    part = np.clip(place - left, 0.0, 1.0)
    low, high = (to_go[energy[:, None], at] for at in (left, left + 1))
    # A point itself needs no neighbour, which may be one that nothing leads on from.
    between: Array = np.where(part < 1e-9, low, np.where(part > 1.0 - 1e-9, high, low + part * (high - low)))
    return between
