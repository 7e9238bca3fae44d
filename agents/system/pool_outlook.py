"""What an operator expects of the prosumers: deficits that it must serve, and how much of them they trade."""

from __future__ import annotations

import numpy as np

from gridarium.environment.arrays import Array
from gridarium.market.messages.leasing import Nomination, PoolOffer


class PoolOutlook:
    """Nominations so far, and the share of the possible trade that came about.

    Parameters
    ----------
    n_period, day_length : int
    period_h : float
    nominators : int
        How many prosumers nominate, or 1 for a desk.
    memory : float
        Weight of the past in the share of trade, in [0, 1).

    Notes
    -----
    The volume expected of a period is the share times the smaller one of surpluses and deficits. The share
    is traded over possible energy of the periods metered, smoothed exponentially; before any it is 0. A
    desk that knows better tells the volume itself.
    """

    def __init__(
        self, n_period: int, day_length: int, period_h: float, nominators: int, memory: float
    ) -> None:
        self._day_length, self._period_h = day_length, period_h
        self._nominators, self._memory = nominators, memory
        self._heard: dict[int, dict[str, Nomination | PoolOffer]] = {}
        self._last: dict[str, Nomination | PoolOffer] = {}
        self._share = 0.0
        self.deficit_mw, self.surplus_mw = np.full(n_period, np.nan), np.full(n_period, np.nan)
        self._told_mw = np.full(n_period, np.nan)

    def note(self, told: Nomination | PoolOffer, sender: str) -> None:
        """Keep what a prosumer or the desk tells of a period; the last word counts.

        Who is not heard of a period is taken to go on as told for an earlier one.
        """
        heard = self._heard.setdefault(told.period, {})
        heard[sender] = self._last[sender] = told
        # Sums must not depend on who spoke first.
        words = [heard.get(name, self._last[name]) for name in sorted(self._last)]
        self.deficit_mw[told.period] = sum(word.deficit_mw for word in words)
        self.surplus_mw[told.period] = sum(word.surplus_mw for word in words)
        if isinstance(told, PoolOffer):
            self._told_mw[told.period] = told.expected_mw

    def is_complete(self, period: int) -> bool:
        """Whether everybody has told about a period."""
        return len(self._heard.get(period, ())) >= self._nominators

    def learn(self, period: int, traded_mwh: float) -> None:
        """Update the share of trade with what was metered in a period."""
        possible = float(min(self.deficit_mw[period], self.surplus_mw[period])) * self._period_h
        if possible > 0.0:
            share = min(1.0, traded_mwh / possible)
            self._share = self._memory * self._share + (1.0 - self._memory) * share

    def deficits_mw(self, periods: range) -> Array:
        """Deficits expected, MW, shape (n,): as nominated, else as a day ago, else the last one nominated."""
        return self._outlook(self.deficit_mw, periods)

    def volumes_mw(self, periods: range) -> Array:
        """Trade expected, MW, shape (n,)."""
        possible = np.minimum(self.deficits_mw(periods), self._outlook(self.surplus_mw, periods))
        told = self._told_mw[periods.start : periods.stop]
        return np.where(np.isnan(told), self._share * possible, np.minimum(told, possible))

    def _outlook(self, series_mw: Array, periods: range) -> Array:
        known = series_mw[~np.isnan(series_mw)]
        last = float(known[-1]) if len(known) else 0.0
        values = series_mw[periods.start : periods.stop].copy()
        before = periods.start - self._day_length
        if before >= 0:
            yesterday = series_mw[before : before + len(periods)]
            values = np.where(np.isnan(values), yesterday, values)
        return np.where(np.isnan(values), last, values)
