"""What feeders below can do within a day, as they tell a TIES, and what it calls them for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from gridarium.agents.rows import Rows
from gridarium.agents.transmission.bulk_system import BulkForecast, BulkPlan, BulkState
from gridarium.agents.transmission.served_system import ServedSystem
from gridarium.environment.arrays import Array, Flags, series
from gridarium.environment.grids import Grid
from gridarium.environment.horizon import Horizon
from gridarium.market.feeder_services import FeederServices
from gridarium.market.messages.services import ServiceCall, ServiceRequest, ServiceStatus

HELD_H = 1.0
"""For how long what prosumers are likely to trade is taken to stay, where no day before is known, h."""
_A_WATT_MW = 1e-6


@dataclass(frozen=True)
class ServedLook:
    """A dispatch with services, kept for whoever asks what it would have cost without.

    Parameters
    ----------
    place : int
        The period of the day from which it plans.
    forecast : BulkForecast
    on : ndarray of bool, shape (n_unit, n_period)
    state : BulkState
        Of the system alone.
    off_target_mwh : float
        What storages that can be called are away from where they are to end.
    cost_money : float
    """

    place: int
    forecast: BulkForecast
    on: Flags
    state: BulkState
    off_target_mwh: float
    cost_money: float


class CalledFeeders:
    """Feeders whose storage provider and prosumers a TIES calls.

    - `requests`, `hear`: what it asks them before a period, and what they have told
    - `forecast`, `state`, `parted`: a problem with services, and its plan
    - `moved_mw`: distance of what prosumers would trade from what such a plan reckons with
    - `calls`, `pool_calls`: what it tells them
    - `looks`: dispatches with services so far

    Parameters
    ----------
    served : ServedSystem
        The bulk system with their services.
    services : mapping of str to FeederServices
        By the operator of the feeder.
    grid : Grid
        Of the TIES.
    horizon : Horizon
    """

    def __init__(
        self, served: ServedSystem, services: Mapping[str, FeederServices], grid: Grid, horizon: Horizon
    ) -> None:
        self._served, self._services, self._grid, self._horizon = served, services, grid, horizon
        self._issue = 0
        self.looks: list[ServedLook] = []
        self._reckoned_mw = np.zeros((len(served.pools), horizon.n_period))
        self._stores = [name for name, one in services.items() if one.storage is not None]
        self._told: dict[str, dict[int, ServiceStatus]] = {name: {} for name in services}
        n_period = horizon.n_period
        self._called = {
            name: {
                "charge_called_mw": np.zeros(n_period),
                "discharge_called_mw": np.zeros(n_period),
                "price_per_mwh": np.full(n_period, np.nan),
                "pool_called_mw": np.full(n_period, np.nan),
            }
            for name in services
        }

    def __bool__(self) -> bool:
        return bool(self._services)

    @property
    def pool_fee_per_mwh(self) -> float:
        """What it pays on energy that prosumers trade when called."""
        return self._served.pool_fee_per_mwh

    @property
    def nothing(self) -> Array:
        """No trade of a day, shape (n_pool, n_period)."""
        return np.zeros((len(self._served.pools), self._horizon.day_length))

    # What it hears.

    def requests(self, period: int) -> dict[str, ServiceRequest]:
        """What each is asked before a period."""
        return dict.fromkeys(self._services, ServiceRequest(period))

    def hear(self, told: Mapping[str, ServiceStatus]) -> None:
        """Keep what they have told."""
        for name, status in told.items():
            self._told[name][status.period] = status

    # What it plans with.

    def forecast(self, own: BulkForecast, period: int) -> BulkForecast:
        """What is expected of a day from a period on, with what prosumers are likely to trade.

        Of later periods as a day ago, else as told last for an hour, and nothing after that: prosumers who
        trade at noon need not have anything in the evening, and units are committed.
        """
        day, length = self._horizon.periods(self._horizon.place(period)[0]), self._horizon.day_length
        expected, held = self.nothing, period + round(HELD_H / self._horizon.period_h)
        for row, name in enumerate(self._served.pools):
            told = self._told[name]
            for one in range(period, day.stop):
                status = told.get(one) or told.get(one - length) or (told[period] if one < held else None)
                expected[row, one - day.start] = max(0.0, status.expected_mw) if status else 0.0
        self._reckoned_mw[:, period : day.stop] = expected[:, period - day.start :]
        return self._served.forecast(own, expected)

    def moved_mw(self, period: int) -> float:
        """By how much what prosumers are likely to trade differs from what was reckoned with, MW."""
        told = [self._told[name][period].expected_mw for name in self._served.pools]
        return abs(float(sum(told) - self._reckoned_mw[:, period].sum()))

    def state(self, own: BulkState, period: int) -> BulkState:
        """Where the system stands, with what is in the storages as a period begins."""
        inside = [self._told[name][period].e_mwh for name in self._stores]
        return self._served.state(own, np.array(inside, dtype=float))

    def resting(self, own: BulkPlan) -> BulkPlan:
        """A plan that has been made before any of them was heard."""
        return self._served.resting(own)

    def keep(self, forecast: BulkForecast, on: Flags, state: BulkState, period: int, plan: BulkPlan) -> None:
        """Keep a dispatch of the system, known alone, from a period on; nothing is kept without feeders."""
        if self:
            place = period - self._horizon.periods(self._horizon.place(period)[0]).start
            inside = {name: self._told[name][period].e_mwh for name in self._stores}
            off = sum(
                abs(inside[name] - one.storage.soc_initial * one.storage.e_max_mwh)
                for name, one in self._services.items()
                if one.storage is not None
            )
            self.looks.append(ServedLook(place, forecast, on, state, off, plan.cost_money))

    def parted(self, plan: BulkPlan) -> tuple[BulkPlan, Array]:
        """A plan without what prosumers trade, which nobody supplies, and that, shape (n_pool, n_period)."""
        n = self._served.n_plant
        traded = np.where(plan.renewable_mw[n:] > _A_WATT_MW, plan.renewable_mw[n:], 0.0)
        return replace(plan, renewable_mw=plan.renewable_mw[:n]), traded

    def replacing_mw(self, needed_mw: float, period: int) -> Array:
        """What pools trade in place of balancing energy that a period needs, shape (n_pool,), MW."""
        expected = np.array([self._told[name][period].expected_mw for name in self._served.pools])
        likely = float(expected.sum())
        if needed_mw <= _A_WATT_MW or likely <= _A_WATT_MW:
            return np.zeros(len(expected))
        return np.asarray(expected * min(1.0, needed_mw / likely))

    # What it calls for.

    def calls(self, plan: BulkPlan, pool_mw: Array, period: int) -> dict[str, ServiceCall]:
        """Calls of a new plan.

        Parameters
        ----------
        plan : BulkPlan
            Of the day, in settlement periods, with rows of the storages that can be called.
        pool_mw : ndarray, shape (n_pool,)
            What prosumers shall trade in the period.
        period : int
            The first settlement period that they are about, in the run.
        """
        return {name: self._call(name, plan, pool_mw, period) for name in self._services}

    def pool_calls(self, plan: BulkPlan, pool_mw: Array, period: int) -> dict[str, ServiceCall]:
        """Calls to those with prosumers, under a plan that stays; a call is about one period alone."""
        return {name: self._call(name, plan, pool_mw, period) for name in self._served.pools}

    def _call(self, name: str, plan: BulkPlan, pool_mw: Array, period: int) -> ServiceCall:
        self._issue += 1
        day, book = self._horizon.rest_of_day(period), self._called[name]
        left = period - self._horizon.periods(self._horizon.place(period)[0]).start
        charge, discharge = np.zeros((2, day.stop - period))
        if name in self._stores:
            row = len(plan.charge_mw) - len(self._stores) + self._stores.index(name)
            charge, discharge = plan.charge_mw[row, left:], plan.discharge_mw[row, left:]
        traded = 0.0
        if name in self._served.pools:
            traded = book["pool_called_mw"][period] = float(pool_mw[self._served.pools.index(name)])
        price = plan.price_per_mwh[left:]
        book["charge_called_mw"][day], book["discharge_called_mw"][day] = charge, discharge
        book["price_per_mwh"][day] = price
        return ServiceCall(
            self._issue,
            period,
            series(charge),
            series(discharge),
            series(price),
            -traded,
            self._served.pool_fee_per_mwh,
        )

    # What it tells.

    def rows(self) -> Iterator[Rows]:
        """What each has told, was called for, and has delivered as it told."""
        for name in self._services:
            told = self._told[name]
            heard = {
                f"{field}_told_mw": self._over(told, f"{field}_mw")
                for field in ("surplus", "deficit", "expected")
            }
            delivered = {
                f"{field}_delivered_mw": np.append(self._over(told, f"{field}_mw")[1:], np.nan)
                for field in ("charge", "discharge")
            }
            columns: dict[str, ArrayLike] = {"e_told_mwh": self._over(told, "e_mwh")}
            columns |= self._called[name] | delivered | heard
            columns["pool_fee_per_mwh"] = self._served.pool_fee_per_mwh
            yield Rows("services", columns, agent=self._grid.local(name), kind="follower")

    def _over(self, told: Mapping[int, ServiceStatus], field: str) -> Array:
        """What was told of each period of the run; nan where nothing was."""
        return np.array(
            [
                getattr(told[period], field) if period in told else np.nan
                for period in range(self._horizon.n_period)
            ]
        )
