"""What each position of a tap changer costs in each period, as far as relaxed dispatches tell."""

from __future__ import annotations

import numpy as np

from gridarium.agents.feeder.dispatch import DispatchDay, RelaxedDispatch
from gridarium.agents.feeder.dispatch_problem import DispatchShape
from gridarium.environment.arrays import Array, Flags, Index

_OUTSIDE_PRICE = 10.0
"""Cost of a period that would leave the band of voltages without redispatch, per p.u. squared, over that of
its energy: a price that makes a path feasible first, and cheap second."""
_USED_UP = 1e-3
"""Share of the travel of a day that may be left of one that is used up."""
_DEARER = 10.0
"""Factor on that price after a path that cannot supply the loads."""


class TapCosts:
    """Cost of each period at each position, money; where storages couple periods, above the relaxation's.

    - `cost_money`: of all periods and positions
    - `is_bound`: whether these bound the true costs from below
    - `learn`, `refuse`: what follows from the relaxed dispatch of a path, or from there being none

    Parameters
    ----------
    squared : ndarray, shape (n_position,)
        Squared voltage of the head at each position.
    free : RelaxedDispatch
        Whose ratio is free.
    lost_money, outside_money : ndarray, shape (n_position, n_period)
        Of losses, and of what would leave the band, at the relaxation's injections.
    apart : bool
        Whether nothing else couples periods.
    settles : bool
        Whether the relaxation has its ratios as they are best in each period: its travel is not used up.

    Notes
    -----
    At held injections squared voltages move with that of the head, and losses against it (A13). Every path
    that was looked at adds tangents: the cost is convex in the head's squared voltage. Where periods are
    apart, tangents begin at a period's own cost, so that the costs are outer approximations, exact where they
    were looked at: the cheapest path bounds all there are. Else the marginal value is taken to change evenly
    between the relaxation and the path.
    """

    def __init__(
        self,
        squared: Array,
        free: RelaxedDispatch,
        lost_money: Array,
        outside_money: Array,
        apart: bool,
        settles: bool,
    ) -> None:
        self._squared, self._apart = squared, apart
        self._free_squared, self._free_price = free.voltage_pu[0] ** 2, free.head_price_money
        self._lost_money, self._outside_money = lost_money, outside_money
        self._tangents: list[Array] = []
        self._excluded: Flags = np.zeros(lost_money.shape, dtype=np.bool_)
        self._last: Index | None = None
        first = free.period_money if apart else np.zeros_like(free.period_money)
        away = squared[:, None] - self._free_squared
        self._first = [first + self._free_price * away] if settles or not apart else []

    @classmethod
    def of(cls, shape: DispatchShape, relaxed: RelaxedDispatch, usable: Index, day: DispatchDay) -> TapCosts:
        """What the relaxation of a day, whose ratio is free, tells of usable positions."""
        assert shape.tap_changer is not None and day.head_band is not None
        feeder, (low, high) = shape.feeder, shape.voltage_band_pu
        squared = shape.tap_changer.head_vm_pu(usable, feeder.slack_vm_pu) ** 2
        lost_mw = (feeder.r_pu * feeder.base_mva) @ relaxed.current_pu**2
        worth = relaxed.cut.p_price_money[0] + shape.loss_price_per_mwh * shape.period_h
        voltage = relaxed.voltage_pu**2
        moved = squared[:, None] - voltage[0]
        outside = np.maximum(low**2 - (voltage.min(axis=0) + moved), 0.0)
        outside = outside + np.maximum(voltage.max(axis=0) + moved - high**2, 0.0)
        energy = np.abs(worth) * np.abs(day.load_p_mw).sum(axis=0)
        travel = float(np.abs(np.diff(voltage[0], prepend=day.head_band.before_pu**2)).sum())
        return cls(
            squared,
            relaxed,
            worth * lost_mw * (voltage[0] / squared[:, None] - 1.0),
            _OUTSIDE_PRICE * (energy + energy.mean()) * outside,
            apart=not shape.storages,
            settles=travel < (1.0 - _USED_UP) * day.head_band.travel_squared,
        )

    @property
    def is_bound(self) -> bool:
        """Whether no path costs less than by `cost_money`, to the accuracy of a solver."""
        return self._apart and bool(self._tangents) and not self._excluded.any()

    def cost_money(self) -> Array:
        """Shape (n_position, n_period): by tangents where a path was looked at, else by held injections."""
        if not self._tangents:
            return self._lost_money + self._outside_money
        cost = np.max([*self._first, *self._tangents], axis=0)
        return np.where(self._excluded, np.inf, cost)

    def learn(self, place: Index, look: RelaxedDispatch) -> None:
        """Add tangents at a path that was looked at, by its marginal values of the head's squared voltage."""
        at, price = self._squared[place], look.head_price_money
        if self._apart:
            value = look.period_money
        else:
            value = 0.5 * (self._free_price + price) * (at - self._free_squared)
        self._tangents.append(value + price * (self._squared[:, None] - at))
        self._last = place

    def refuse(self, place: Index) -> None:
        """Make what leaves the band dearer, or keep from where the path left the last one that could be."""
        if self._last is None:
            self._outside_money = _DEARER * self._outside_money
            return
        periods = np.flatnonzero(place != self._last)
        self._excluded[place[periods], periods] = True
