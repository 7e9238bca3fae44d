"""A prosumer's own plant, load and battery: what it can spare, what it needs, and what becomes of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from gridarium.agents.prosumers.charging import Charging
from gridarium.agents.prosumers.own_forecast import draw_without_trade
from gridarium.environment.arrays import Array, Flags
from gridarium.environment.errors import Fault, ScenarioError
from gridarium.environment.storage import StorageRatings, StorageUnit
from gridarium.market.utility import Utility

_MEMORY = 0.8
"""Correlation of the weather of one minute with that of the minute before."""


@dataclass(frozen=True)
class ProsumerData:
    """A prosumer's private data.

    Parameters
    ----------
    pv_mw, load_mw : ndarray, shape (n_period,)
        What its panels deliver and what it must be served with, mean of each period.
    utility : Utility
        Value of energy bought within a minute, over being served by the system.
    battery : StorageRatings, optional
    reservation_price_per_mwh : float
        Below which it does not sell, line fee apart; such as battery wear.
    fluctuation : float
        Standard deviation of panels and load from minute to minute, as a share of the mean; in [0, 1].
    charging_ratio : float
        gamma, share of the room above the battery's first content that is bought each day, in [0, 1].
    trust_money : float
        q2 k / q1 of E9: what full trust in a seller is worth in each minute, money, at least 0.

    Raises
    ------
    ScenarioError
        If the series differ in length or have negative values, or a number is out of its range.
    """

    pv_mw: Array
    load_mw: Array
    utility: Utility
    battery: StorageRatings | None = None
    reservation_price_per_mwh: float = 0.0
    fluctuation: float = 0.0
    charging_ratio: float = 0.0
    trust_money: float = 0.0

    def __post_init__(self) -> None:
        faults = [
            Fault(name, getattr(self, name), allowed)
            for name, good, allowed in (
                ("load_mw", self.load_mw.shape == self.pv_mw.shape, "must be as long as pv_mw"),
                ("pv_mw", bool(np.all(self.pv_mw >= 0.0)), "MW, must not be negative"),
                ("load_mw", bool(np.all(self.load_mw >= 0.0)), "MW, must not be negative"),
                ("reservation_price_per_mwh", self.reservation_price_per_mwh >= 0.0, "must not be negative"),
                ("fluctuation", 0.0 <= self.fluctuation <= 1.0, "must be in [0, 1]"),
                ("charging_ratio", 0.0 <= self.charging_ratio <= 1.0, "must be in [0, 1]"),
                (
                    "charging_ratio",
                    self.battery is not None or not self.charging_ratio,
                    "must be 0 without a battery",
                ),
                ("trust_money", self.trust_money >= 0.0, "must not be negative"),
            )
            if not good
        ]
        if faults:
            raise ScenarioError("prosumer", faults)


class Outlook(NamedTuple):
    """What a prosumer expects of a period, MWh.

    Parameters
    ----------
    surplus_mwh : float
        To sell.
    deficit_mwh : float
        That it must be served with, by others or by the system.
    charging_mwh : float
        That it would buy from others on top, for its battery.
    """

    surplus_mwh: float
    deficit_mwh: float
    charging_mwh: float = 0.0


class Metered(NamedTuple):
    """What a prosumer did in a period, MWh.

    surplus + received + discharged + drawn = deficit + sold + charged + spilled; surplus and deficit are
    sums over the minutes in which panels and load leave one or the other, drawn is what the system served;
    for_battery is the part of received that was bought to charge the battery.
    """

    surplus: float
    deficit: float
    sold: float
    received: float
    charged: float
    discharged: float
    drawn: float
    spilled: float
    for_battery: float = 0.0


class _BatteryPlan(NamedTuple):
    """Energy from the battery for the own deficit, to spare for sale, and to be bought for it, MWh."""

    own: float
    spare: float
    charging: float


class OwnBalance:
    """Panels, load and battery behind one meter.

    Energy above the initial content B_0 of the battery may be used or sold, energy below never is, so
    that the day can end as it began (E10). Own needs until the next surplus come before sales; what was
    bought for the battery serves them once the day's trade is over.

    Parameters
    ----------
    data : ProsumerData
    period_h : float
    n_minute : int
        Minutes of a period.
    stream : numpy.random.Generator
        Draws the fluctuation; all of it here, so that nothing else can shift it.
    trades : ndarray of bool, shape (n_period,), optional
        Periods in which prosumers trade; all if left out.
    per_day : int, optional
        Periods of a day; those of all days together if left out.
    """

    def __init__(
        self,
        data: ProsumerData,
        period_h: float,
        n_minute: int,
        stream: np.random.Generator,
        trades: Flags | None = None,
        per_day: int | None = None,
    ) -> None:
        self._period_h, self._n_minute = period_h, n_minute
        self._net_mwh = _net_by_minute(data, period_h, n_minute, stream)
        # The minutes keep the mean of the period, so that no rounding of a sum is needed.
        self._mean_mwh: list[float] = ((data.pv_mw - data.load_mw) * period_h).tolist()
        self._reserve_mwh = _reserve(self._mean_mwh)
        self._unit = StorageUnit(data.battery) if data.battery is not None else None
        self._first_mwh = self._unit.e_mwh if self._unit else 0.0
        self.e_mwh = np.full(len(self._mean_mwh), self._first_mwh)
        self.record: list[Metered] = []
        self._plans: list[_BatteryPlan] = []
        n_period = len(self._mean_mwh)
        ratings = self._unit.ratings if self._unit else None
        self._charging = Charging(
            data.charging_ratio * (ratings.band_mwh[1] - self._first_mwh) if ratings else 0.0,
            ratings.efficiency_charge if ratings else 1.0,
            np.ones(n_period, dtype=bool) if trades is None else trades,
            np.array(self._mean_mwh) < 0.0,
            per_day or n_period,
        )

    @property
    def charging_price_per_mwh(self) -> float:
        """What it paid last for energy that charged its battery; 0 before it did."""
        return self._charging.price_per_mwh

    def foreseen_mwh(self, periods: slice) -> Array:
        """What it expects to draw in some periods ahead without any trade, MWh, shape (n_period,)."""
        net = np.array(self._mean_mwh[len(self.record) : periods.stop])
        content, ratings = (self._unit.e_mwh, self._unit.ratings) if self._unit else (0.0, None)
        drawn = draw_without_trade(net, self._period_h, ratings, content, self._first_mwh)
        return drawn[periods.start - periods.stop :]

    def outlook(self, period: int, sold_now_mwh: float) -> Outlook:
        """What to expect of a period, shortly before it.

        Parameters
        ----------
        period : int
        sold_now_mwh : float
            What is being sold in the period before, which is not metered yet.
        """
        mean = self._mean_mwh[period]
        plan = self._battery_plan(period, self._expected_content(period - 1, sold_now_mwh))
        return Outlook(max(0.0, mean) + plan.spare, max(0.0, -mean - plan.own), plan.charging)

    def open(self, period: int) -> tuple[list[float], list[float]]:
        """What can be sold and what is needed in each minute, MWh, by the battery's true content."""
        content = self._unit.e_mwh if self._unit else 0.0
        self._plans.append(self._battery_plan(period, content))
        return self.possible(period)

    def possible(self, period: int) -> tuple[list[float], list[float]]:
        """What could be sold and was needed in each minute of a period that has begun, MWh."""
        own, spare, charging = (part / self._n_minute for part in self._plans[period])
        net = self._net_mwh[period].tolist()
        supplies = [(value if value > 0.0 else 0.0) + spare for value in net]
        needs = [(-value - own if -value > own else 0.0) + charging for value in net]
        return supplies, needs

    def close(self, period: int, sold_mwh: float, received_mwh: float, price_per_mwh: float = 0.0) -> Metered:
        """Balance a period: unsold surplus charges the battery, what is missing is drawn from the system.

        Parameters
        ----------
        period : int
        sold_mwh, received_mwh : float
            Put on lines, and taken from them.
        price_per_mwh : float
            Mean price of what was received.
        """
        net = self._net_mwh[period]
        surplus = float(net[net > 0.0].sum())
        deficit = float(-net[net < 0.0].sum())
        from_battery = max(0.0, sold_mwh - surplus)
        extra = max(0.0, received_mwh - deficit)
        rest, missing = max(0.0, surplus - sold_mwh) + extra, max(0.0, deficit - received_mwh)
        plan = self._plans[period]
        for_battery = min(plan.charging, max(0.0, received_mwh - max(0.0, deficit - plan.own)))
        self._charging.book(period, for_battery, price_per_mwh)
        charge = discharge = 0.0
        if self._unit is not None:
            charge, discharge = self._battery(period, rest, from_battery + min(missing, plan.own))
            self.e_mwh[period] = self._unit.e_mwh
        drawn = max(0.0, missing + from_battery - discharge)
        spilled = surplus + received_mwh + discharge + drawn - deficit - sold_mwh - charge
        metered = Metered(
            surplus, deficit, sold_mwh, received_mwh, charge, discharge, drawn, max(0.0, spilled), for_battery
        )
        self.record.append(metered)
        return metered

    def _battery(self, period: int, offered: float, wanted: float) -> tuple[float, float]:
        """Charge what is offered, discharge what is wanted, at the meter; returns both, MWh."""
        assert self._unit is not None
        unit, ratings = self._unit, self._unit.ratings
        most = ratings.p_max_mw * self._period_h
        through = min(offered, wanted)
        room = (ratings.band_mwh[1] - unit.e_mwh) / ratings.efficiency_charge
        charge = min(offered - through, most, max(0.0, room))
        discharge = min(wanted - through, most, self._above_first(unit.e_mwh))
        unit.step(charge / self._period_h, discharge / self._period_h, self._period_h, period)
        # What passes through within the period never rests in the battery.
        return charge + through, discharge + through

    def _above_first(self, content_mwh: float) -> float:
        """Energy that the battery can give without falling below its initial content, MWh at the meter."""
        if self._unit is None:
            return 0.0
        return max(0.0, content_mwh - self._first_mwh) * self._unit.ratings.efficiency_discharge

    def _battery_plan(self, period: int, content_mwh: float) -> _BatteryPlan:
        """What the battery gives and takes in a period."""
        if self._unit is None:
            return _BatteryPlan(0.0, 0.0, 0.0)
        ratings, deficit = self._unit.ratings, max(0.0, -self._mean_mwh[period])
        most = ratings.p_max_mw * self._period_h
        above = self._above_first(content_mwh)
        free = self._above_first(content_mwh - self._charging.held_mwh(period))
        own = min(free, most, deficit)
        # Who needs energy itself sells none.
        spare = min(most - own, above - own - self._reserve_mwh[period]) if own >= deficit else 0.0
        room = min(most, (ratings.band_mwh[1] - content_mwh) / ratings.efficiency_charge)
        return _BatteryPlan(own, max(0.0, spare), self._charging.request(period, room))

    def _expected_content(self, period: int, sold_mwh: float) -> float:
        """Content at the end of a running period, MWh."""
        if self._unit is None:
            return 0.0
        ratings, content = self._unit.ratings, self._unit.e_mwh
        if period < len(self.record):
            return content
        change = max(0.0, self._mean_mwh[period]) - sold_mwh - self._plans[period].own
        if change > 0.0:
            change = min(change, ratings.p_max_mw * self._period_h) * ratings.efficiency_charge
        else:
            change /= ratings.efficiency_discharge
        return min(max(content + change, self._first_mwh), ratings.band_mwh[1])


def _reserve(mean_mwh: Sequence[float]) -> list[float]:
    """Energy that own deficits after each period will need until surplus has covered them, MWh."""
    needed = 0.0
    reserve = []
    for mean in reversed(mean_mwh):
        reserve.append(needed)
        needed = max(0.0, needed - mean)
    return reserve[::-1]


def _net_by_minute(data: ProsumerData, period_h: float, n_minute: int, stream: np.random.Generator) -> Array:
    """Panels minus load in each minute, MWh, shape (n_period, n_minute); means as given."""
    n_period, minute_h = len(data.pv_mw), period_h / n_minute
    if data.fluctuation == 0.0:
        return np.broadcast_to(((data.pv_mw - data.load_mw) * minute_h)[:, None], (n_period, n_minute))
    factors = []
    for _ in range(2):
        noise = _red_noise(stream.standard_normal(n_period * n_minute)).reshape(n_period, n_minute)
        factor = np.maximum(0.0, 1.0 + data.fluctuation * noise)
        mean = factor.mean(axis=1, keepdims=True)
        factors.append(np.divide(factor, mean, out=np.ones_like(factor), where=mean > 0.0))
    pv, load = data.pv_mw[:, None] * factors[0], data.load_mw[:, None] * factors[1]
    return np.asarray((pv - load) * minute_h)


def _red_noise(white: Array) -> Array:
    """First-order autoregression with variance 1."""
    from scipy.signal import lfilter

    return np.asarray(lfilter([np.sqrt(1.0 - _MEMORY**2)], [1.0, -_MEMORY], white))
