"""What a prosumer buys from others to charge its battery, and at which price it did so last."""

from __future__ import annotations

import numpy as np

from gridarium.environment.arrays import Array, Flags


class Charging:
    """Purchases for the battery: so much a day, in equal parts over the periods in which it buys at all.

    - `request`: what to ask for in a period
    - `book`: what was bought for the battery in a period
    - `held_mwh`: content that waits until the day's trade is over
    - `price_per_mwh`: of the last such purchase, 0 before the first

    Parameters
    ----------
    total_mwh : float
        Of each day.
    efficiency : float
        Of charging.
    trades : ndarray of bool, shape (n_period,)
        Periods in which prosumers trade.
    buys : ndarray of bool, shape (n_period,)
        Those in which this one needs energy.
    per_day : int
        Periods of a day.

    Notes
    -----
    E10: ``sum_t p_l,t = gamma (B_max - B_0)`` over the trading window, nothing outside it; the price of the
    last purchase is the lowest at which the prosumer sells.
    """

    def __init__(self, total_mwh: float, efficiency: float, trades: Flags, buys: Flags, per_day: int) -> None:
        self._total_mwh, self._efficiency, self._per_day = total_mwh, efficiency, per_day
        self._trades, self._buys = trades, trades & buys
        self._left = _still_to_come(self._buys, per_day)
        self._asked_mwh = np.zeros(len(trades))
        self.bought_mwh = np.zeros(len(trades))
        self.price_per_mwh = 0.0
        self._next = 0

    def request(self, period: int, room_mwh: float) -> float:
        """What to buy for the battery in a period, MWh at the meter, within its room there."""
        if not self._buys[period] or self._total_mwh == 0.0:
            return 0.0
        first = period - period % self._per_day
        # What is being bought right now is not metered yet.
        bought = self.bought_mwh[first : self._next].sum()
        bought += self._asked_mwh[max(first, self._next) : period].sum()
        wanted = max(0.0, self._total_mwh - float(bought)) / self._left[period]
        self._asked_mwh[period] = max(0.0, min(wanted, room_mwh))
        return float(self._asked_mwh[period])

    def book(self, period: int, bought_mwh: float, price_per_mwh: float) -> None:
        """Note what a metered period brought for the battery, and what all of its purchases cost."""
        self._next = period + 1
        self.bought_mwh[period] = bought_mwh
        if bought_mwh > 0.0:
            self.price_per_mwh = price_per_mwh

    def held_mwh(self, period: int) -> float:
        """Content of the battery that was bought today, as long as others may be bought from."""
        if not self._trades[period]:
            return 0.0
        first = period - period % self._per_day
        return self._efficiency * float(self.bought_mwh[first:period].sum())


def _still_to_come(buys: Flags, per_day: int) -> Array:
    """How many periods of the day with purchases are left, this one included; shape (n_period,)."""
    left = np.ones(len(buys))
    for first in range(0, len(buys), per_day):
        day = buys[first : first + per_day]
        left[first : first + per_day] = np.cumsum(day[::-1])[::-1]
    return np.maximum(left, 1.0)
