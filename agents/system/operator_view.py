"""What a system operator knows of its system: forecasts of a day, and the last report of everybody."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from gridarium.agents.system.operation import Members, OperationRules
from gridarium.agents.system.pool_outlook import PoolOutlook
from gridarium.agents.system.power_system import PowerSystem, SystemForecast, SystemState
from gridarium.agents.system.system_costs import PeriodDecisions
from gridarium.agents.system.system_schedule import SystemSchedule
from gridarium.environment.arrays import Array, Flags, series
from gridarium.market.messages.forecasts import FlexibleOffer, LoadForecast, UnitAvailability
from gridarium.market.messages.status import (
    FlexibleStatus,
    LoadStatus,
    RenewableStatus,
    StorageStatus,
    UnitStatus,
)
from gridarium.market.messages.tariffs import LoadPlan

_UNIT = ("on", "gross_mw", "net_mw", "absorbed_tco2_per_h", "regenerated_tco2_per_h", "tank_tco2")


@dataclass(frozen=True)
class DayPlan:
    """The plan in force on a day and what it reckons with.

    Parameters
    ----------
    on : ndarray of bool, shape (n_period, n_unit)
        The commitment.
    schedule : SystemSchedule
    forecast : SystemForecast
        On which it is based.
    """

    on: Flags
    schedule: SystemSchedule
    forecast: SystemForecast


class OperatorView:
    """Keeps what others tell and puts it together for the operator's problems.

    Parameters
    ----------
    system : PowerSystem
    members : Members
    rules : OperationRules
    pool : PoolOutlook
    day_length : int
        Periods of a day.
    """

    def __init__(
        self, system: PowerSystem, members: Members, rules: OperationRules, pool: PoolOutlook, day_length: int
    ) -> None:
        self._system, self._members, self._rules = system, members, rules
        self._pool, self._day_length = pool, day_length
        self._day_ahead: dict[tuple[int, str], Any] = {}
        self._reports: dict[str, Any] = {}
        self._market_price: dict[int, Array] = {}

    def note_day_ahead(self, day: int, told: Mapping[str, Any]) -> None:
        """Keep forecasts, offers and availabilities of a day, by who tells them."""
        self._day_ahead |= {(day, name): answer for name, answer in told.items()}

    def note_market(self, day: int, price_per_mwh: Array) -> None:
        """Keep what the supplier of the head asks on a day, shape (n_period,)."""
        self._market_price[day] = price_per_mwh

    def note_plans(self, day: int, plans: Mapping[str, LoadPlan]) -> None:
        """Keep what operators of grids below plan to take on a day, in place of what they forecast."""
        n = self._day_length
        self._day_ahead |= {
            (day, name): LoadForecast(day, series(np.repeat(plan.load_mw, n // len(plan.load_mw))))
            for name, plan in plans.items()
        }

    def note_status(self, told: Mapping[str, Any]) -> None:
        """Keep reports, each in place of the one before."""
        self._reports |= told

    # The day before.

    def available_units(self, day: int) -> Flags:
        """Which units could run, shape (n_hour, n_unit)."""
        return np.array([self._availability(day, name).available for name in self._unit_names]).T > 0.5

    def first_state(self, day: int) -> tuple[SystemState, Array]:
        """State before the first day, and for how many hours each unit has been in it."""
        told = [self._availability(day, name) for name in self._unit_names]
        storage = self._system.storage
        state = SystemState(
            np.array([unit.on for unit in told], dtype=bool),
            np.array([unit.gross_mw for unit in told], dtype=float),
            np.array([unit.tank_tco2 for unit in told], dtype=float),
            self._day_ahead[day, storage.name].e_mwh if storage else 0.0,
            np.zeros(len(self._system.loads)),
        )
        return state, np.array([unit.hours_in_state for unit in told], dtype=float)

    def day_ahead(self, day: int) -> SystemForecast:
        """Forecast of a day as told the day before, by periods."""
        n = self._day_length
        offers = [self._day_ahead[day, load.name] for load in self._system.loads]
        periods = range(day * n, (day + 1) * n)
        fixed = sum((self._day_ahead[day, name].load_mw for name in self._members.drawn), np.zeros(n))
        wind = sum(
            (self._day_ahead[day, name].available_mw for name in self._members.wind_farms), np.zeros(n)
        )
        return SystemForecast(
            load_mw=np.asarray(fixed + self._pool.deficits_mw(periods)),
            wind_mw=np.asarray(wind),
            flexible_mw=_columns(offers, "base_mw", n),
            flexible_least_mw=_columns(offers, "lowest_mw", n),
            flexible_most_mw=_columns(offers, "highest_mw", n),
            market_price_per_mwh=self._market_price[day],
            pool_mw=self._pool.volumes_mw(periods),
            # What is not called is not paid for.
            pool_fee_per_mwh=np.full(n, self._rules.pool_fee_per_mwh if self._members.desk else 0.0),
        )

    def load_forecast_mw(self, day: int, name: str) -> Array:
        """Load of one who draws as told the day before, MW, shape (n_period,)."""
        told: LoadForecast = self._day_ahead[day, name]
        return told.load_mw

    # Each period.

    def forecast(self, period: int) -> SystemForecast:
        """Forecast of the day with what is known right before a period."""
        day, place = divmod(period, self._day_length)
        before = self.day_ahead(day)
        load, wind = before.load_mw.copy(), before.wind_mw.copy()
        load[place:] = self._pool.deficits_mw(range(period, (day + 1) * self._day_length))
        for name in self._members.drawn:
            load[place:] += self._rest(name, period, "load_mw")
        wind[place:] = 0.0
        for name in self._members.wind_farms:
            wind[place:] += self._rest(name, period, "available_mw")
        return replace(before, load_mw=load, wind_mw=wind)

    def wind_shares(self, period: int) -> dict[str, Array]:
        """Share of each farm in the wind expected for the rest of the day, shape (n_left,)."""
        each = {name: self._rest(name, period, "available_mw") for name in self._members.wind_farms}
        total = np.asarray(sum(each.values()))
        even = 1.0 / max(1, len(each))
        return {
            name: np.divide(mw, total, out=np.full_like(mw, even), where=total > 0.0)
            for name, mw in each.items()
        }

    def state(self, period: int) -> SystemState:
        """State right before a period as last reported."""
        storage = self._system.storage
        units = [self._status(name, UnitStatus) for name in self._unit_names]
        loads = [self._status(load.name, FlexibleStatus) for load in self._system.loads]
        starts_day = period % self._day_length == 0
        return SystemState(
            np.array([unit.on for unit in units], dtype=bool),
            np.array([unit.gross_mw for unit in units], dtype=float),
            np.array([unit.tank_tco2 for unit in units], dtype=float),
            self._status(storage.name, StorageStatus).e_mwh if storage else 0.0,
            np.array([0.0 if starts_day else load.owed_mwh for load in loads], dtype=float),
        )

    def units_mw(self) -> float:
        """Net power of all units as last reported, MW."""
        return float(sum(self._status(name, UnitStatus).net_mw for name in self._unit_names))

    def realised(self, period: int, planned: PeriodDecisions) -> PeriodDecisions:
        """A plan for a period with what its agents reported in its place."""

        def reports(names: Sequence[str]) -> list[Any]:
            """Reports of all of them on the period; nothing where one is missing."""
            told = [self._reports.get(name) for name in names]
            return told if all(each and each.period == period + 1 for each in told) else []

        done: dict[str, Any] = {}
        if units := reports(self._unit_names):
            done = {name: np.array([getattr(unit, name) for unit in units]) for name in _UNIT}
        if loads := reports([load.name for load in self._system.loads]):
            done["flexible_mw"] = np.array([load.drawn_mw for load in loads])
        if farms := reports(self._members.wind_farms):
            done["wind_mw"] = sum(farm.delivered_mw for farm in farms)
        for storage in reports([self._system.storage.name] if self._system.storage else []):
            done |= {name: getattr(storage, name) for name in ("charge_mw", "discharge_mw", "e_mwh")}
        return replace(planned, **done)

    # Parts.

    @property
    def _unit_names(self) -> tuple[str, ...]:
        return tuple(unit.name for unit in self._system.units)

    def _availability(self, day: int, name: str) -> UnitAvailability:
        answer: UnitAvailability = self._day_ahead[day, name]
        return answer

    def _status(self, name: str, kind: type) -> Any:
        """The last report of an agent; what it told the day before where it has not reported yet."""
        report = self._reports.get(name)
        if report is not None:
            return report
        told = self._day_ahead[0, name]
        if kind is UnitStatus:
            return UnitStatus(0, told.on, 0.0, told.gross_mw, 0.0, 0.0, told.tank_tco2)
        return (
            StorageStatus(0, 0.0, 0.0, told.e_mwh) if kind is StorageStatus else FlexibleStatus(0, 0.0, 0.0)
        )

    def _rest(self, name: str, period: int, field: str) -> Array:
        """What a load or wind farm expects of the rest of the day, as last told."""
        day, place = divmod(period, self._day_length)
        report: RenewableStatus | LoadStatus | None = self._reports.get(name)
        if report is not None and report.period // self._day_length == day:
            rest: Array = getattr(report, field)[period - report.period :]
            return rest
        told: Array = getattr(self._day_ahead[day, name], field)[place:]
        return told


def _columns(offers: list[FlexibleOffer], field: str, n_period: int) -> Array:
    """A series of each flexible load, shape (n_period, n_load)."""
    return np.array([getattr(offer, field) for offer in offers]).reshape(len(offers), n_period).T
