"""A prosumer's own balance worked out anew: by minute from panels and load, by period with its battery.

Nothing of the prosumer is called: panels, load and battery come from the scenario, weather from the streams
of the world, what was sold and received from the trades. A battery is stated by what limits it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gridarium.environment.arrays import Array, Flags
from gridarium.experiments.evidence.seeded_draws import own_stream
from gridarium.experiments.parts.storage_section import Storage

_CORRELATION = 0.8
"""Of the weather of a minute with that of the minute before."""


@dataclass(frozen=True)
class BalanceCase:
    """What is known of a prosumer and its trade; arrays of shape (n_period,), energies at the meter, MWh.

    Parameters
    ----------
    net_mwh : ndarray
        Panels less load, mean of each period.
    by_minute_mwh : ndarray, shape (n_period, n_minute)
        The same, in each minute.
    battery : Storage, optional
        As in the scenario, of this prosumer.
    charging_ratio : float
        gamma of E10.
    trades : ndarray of bool
        Periods in which prosumers trade.
    per_day : int
        Periods of a day.
    period_h : float
    sold_mwh, received_mwh, for_battery_mwh : ndarray
        Put on lines, taken from them, and what of that was bought to charge.
    granted_mwh : ndarray
        What was to be sold as the period began.
    """

    net_mwh: Array
    by_minute_mwh: Array
    battery: Storage | None
    charging_ratio: float
    trades: Flags
    per_day: int
    period_h: float
    sold_mwh: Array
    received_mwh: Array
    for_battery_mwh: Array
    granted_mwh: Array


@dataclass
class BalanceFound:
    """What follows; arrays of shape (n_period,), MWh, and (n_period, n_minute) of what is possible.

    Parameters
    ----------
    surplus, deficit, charged, discharged, drawn, spilled, for_battery, e : ndarray
        As the columns of `prosumers`.
    surplus_told, deficit_told, charging_told : ndarray
        What it should have nominated.
    supply, need : ndarray
        What it could sell and what it needed in each minute.
    """

    surplus: Array
    deficit: Array
    charged: Array
    discharged: Array
    drawn: Array
    spilled: Array
    for_battery: Array
    e: Array
    surplus_told: Array
    deficit_told: Array
    charging_told: Array
    supply: Array
    need: Array


def weather(seed: int, name: str, n_period: int, n_minute: int, deviation: float) -> tuple[Array, Array]:
    """Factors of panels and of load in each minute, means of 1 in each period, shape (n_period, n_minute).

    A first-order autoregression of variance 1, drawn once more from the stream of the prosumer.
    """
    stream = own_stream(seed, f"{name}/fluctuation")
    found = []
    for _ in range(2):
        white, noise = stream.standard_normal(n_period * n_minute), np.empty(n_period * n_minute)
        before = 0.0
        for minute, value in enumerate(white.tolist()):
            before = _CORRELATION * before + (1.0 - _CORRELATION**2) ** 0.5 * value
            noise[minute] = before
        factor = np.maximum(0.0, 1.0 + deviation * noise).reshape(n_period, n_minute)
        mean = factor.mean(axis=1)
        mean[mean == 0.0] = 1.0
        factor[factor.sum(axis=1) == 0.0] = 1.0
        found.append(factor / mean[:, None])
    return found[0], found[1]


def needed_later(net_mwh: Array) -> Array:
    """What own deficits after each period take before a surplus has covered them, MWh, shape (n_period,).

    That is the largest sum of deficits less surpluses over any run of periods that begins right after it.
    """
    later = np.zeros(len(net_mwh))
    for period in range(len(net_mwh)):
        later[period] = max(0.0, *np.cumsum(-net_mwh[period + 1 :]), 0.0)
    return later


class _Battery:
    """A battery that gives what is in it above its first content, and takes what has room."""

    def __init__(self, case: BalanceCase) -> None:
        unit = case.battery
        assert unit is not None
        self.into, self.out = unit.efficiency_charge, unit.efficiency_discharge
        self.first, self.top = unit.soc_initial * unit.e_max_mwh, unit.soc_max * unit.e_max_mwh
        self.most = unit.p_max_mw * case.period_h
        self.content = self.first

    def above(self, content_mwh: float) -> float:
        return self.out * max(0.0, content_mwh - self.first)

    def room(self, content_mwh: float) -> float:
        return max(0.0, self.top - content_mwh) / self.into

    def exchange(self, given_mwh: float) -> float:
        """Take in what is given, or give where that is below 0, as far as it can; returns what it took."""
        if given_mwh >= 0.0:
            taken = min(given_mwh, self.most, self.room(self.content))
            self.content += self.into * taken
        else:
            taken = -min(-given_mwh, self.most, self.above(self.content))
            self.content += taken / self.out
        return taken


class _Days:
    """One period after the other of a case."""

    def __init__(self, case: BalanceCase) -> None:
        n_period, n_minute = case.by_minute_mwh.shape
        self.case, self.later = case, needed_later(case.net_mwh)
        self.battery = _Battery(case) if case.battery is not None else None
        self.buys = case.trades & (case.net_mwh < 0.0)
        self.asked = np.zeros(n_period)
        self.own = np.zeros(n_period)
        self.found = BalanceFound(
            *(np.zeros(n_period) for _ in range(11)), *(np.zeros((n_period, n_minute)) for _ in range(2))
        )

    def run(self) -> BalanceFound:
        for period in range(len(self.later)):
            self._nominate(period)
            self._open(period)
            self._close(period)
        return self.found

    def _plan(self, period: int, content_mwh: float, metered: int) -> tuple[float, float, float]:
        """What the battery gives to the own load and for sale, and what is bought for it (E10).

        Parameters
        ----------
        metered : int
            Periods of which what was bought is known.
        """
        case, battery = self.case, self.battery
        if battery is None:
            return 0.0, 0.0, 0.0
        missing = max(0.0, -case.net_mwh[period])
        first = period - period % case.per_day
        # What is being bought right now is not known yet.
        waits = battery.into * case.for_battery_mwh[first:metered].sum() if case.trades[period] else 0.0
        own = min(battery.above(content_mwh - waits), battery.most, missing)
        spare = 0.0
        if own >= missing:
            kept = own + self.later[period]
            spare = max(0.0, min(battery.most - own, battery.above(content_mwh) - kept))
        return own, spare, self._bought(period, min(battery.most, battery.room(content_mwh)), first, metered)

    def _bought(self, period: int, room_mwh: float, first: int, metered: int) -> float:
        """An equal part of what is still to be bought today for each period left that buys at all."""
        case, unit = self.case, self.case.battery
        assert unit is not None
        total = case.charging_ratio * unit.e_max_mwh * (unit.soc_max - unit.soc_initial)
        if total == 0.0 or not self.buys[period]:
            return 0.0
        so_far = case.for_battery_mwh[first:metered].sum() + self.asked[max(metered, first) : period].sum()
        left = np.count_nonzero(self.buys[period : first + case.per_day])
        self.asked[period] = max(0.0, min(max(0.0, total - so_far) / left, room_mwh))
        return float(self.asked[period])

    def _nominate(self, period: int) -> None:
        """What it expects shortly before a period, while the one before still runs."""
        case, battery, net = self.case, self.battery, self.case.net_mwh
        content, metered = 0.0, max(0, period - 1)
        if battery is not None:
            content = battery.content
            if period > 0:
                content = self._foreseen(battery, period - 1)
        own, spare, charging = self._plan(period, content, metered)
        if case.trades[period]:
            self.found.surplus_told[period] = max(0.0, net[period]) + spare
            self.found.charging_told[period] = charging
        self.found.deficit_told[period] = max(0.0, -net[period] - own)

    def _foreseen(self, battery: _Battery, running: int) -> float:
        """Content at the end of a period that runs, by what it was at its begin and what was granted."""
        begin = self.found.e[running - 1] if running else battery.first
        change = max(0.0, self.case.net_mwh[running]) - self.case.granted_mwh[running] - self.own[running]
        moved = battery.into * min(change, battery.most) if change > 0.0 else change / battery.out
        return float(np.clip(begin + moved, battery.first, battery.top))

    def _open(self, period: int) -> None:
        content = self.battery.content if self.battery is not None else 0.0
        n_minute = self.case.by_minute_mwh.shape[1]
        own, spare, charging = self._plan(period, content, period)
        net = self.case.by_minute_mwh[period]
        self.own[period] = own
        self.found.supply[period] = np.maximum(net, 0.0) + spare / n_minute
        self.found.need[period] = np.maximum(-net - own / n_minute, 0.0) + charging / n_minute

    def _close(self, period: int) -> None:
        """Surplus that nobody bought goes into the battery, what is missing comes out of it or is drawn."""
        case, found, net = self.case, self.found, self.case.by_minute_mwh[period]
        surplus, deficit = float(net.clip(min=0.0).sum()), float((-net).clip(min=0.0).sum())
        sold, received, own = case.sold_mwh[period], case.received_mwh[period], self.own[period]
        unsold, unserved = max(surplus - sold, 0.0), max(deficit - received, 0.0)
        put_in, taken_out = unsold + max(received - deficit, 0.0), max(sold - surplus, 0.0)
        wanted, through, moved = taken_out + min(unserved, own), 0.0, 0.0
        if self.battery is not None:
            through = min(put_in, wanted)
            moved = self.battery.exchange(put_in - wanted)
            found.e[period] = self.battery.content
        found.surplus[period], found.deficit[period] = surplus, deficit
        found.charged[period] = through + max(moved, 0.0)
        found.discharged[period] = through + max(-moved, 0.0)
        found.drawn[period] = max(0.0, unserved + taken_out - found.discharged[period])
        found.spilled[period] = put_in - found.charged[period] if self.battery is not None else put_in
        bought = self.asked[period] if self.battery is not None else 0.0
        found.for_battery[period] = min(bought, max(0.0, received - max(0.0, deficit - own)))


def balance(case: BalanceCase) -> BalanceFound:
    """Everything that follows from a case."""
    return _Days(case).run()
