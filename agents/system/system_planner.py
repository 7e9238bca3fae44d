"""Plans of a system operator: units for the hours of a day ahead, everything for what is left of a day."""

from __future__ import annotations

import logging
from dataclasses import fields, replace
from typing import NamedTuple

import numpy as np

from gridarium.agents.system.commitment_problem import CommitmentProblem, CommitmentShape
from gridarium.agents.system.operator_view import DayPlan, OperatorView
from gridarium.agents.system.perfect_information import PerfectInformation
from gridarium.agents.system.power_system import PowerSystem, SystemForecast, SystemState
from gridarium.agents.system.realtime_problem import RealTimePlan, RealTimeProblem, RealTimeShape
from gridarium.agents.system.system_costs import marginal_price, planned_factor
from gridarium.agents.system.system_schedule import SystemSchedule
from gridarium.environment.arrays import Array, Flags
from gridarium.environment.errors import InfeasibleError
from gridarium.environment.world import World

logger = logging.getLogger(__name__)


class AdoptedPlan(NamedTuple):
    """A plan for the rest of a day that was put in force, and the forecast of the day that it is for."""

    day: int
    plan: RealTimePlan
    forecast: SystemForecast


class SystemPlanner:
    """Plans the days of one operator, and knows the plan in force on each.

    - `plans`: by day
    - `adopted`: each plan that was put in force, in that order; kept where messages are
    - `price_per_mwh`: marginal price of each settlement period

    Parameters
    ----------
    world : World
        Shares the compiled problems.
    owner : str
        Named in errors.
    system : PowerSystem
    view : OperatorView
        For what has been told of the system.
    day_length : int
        Settlement periods of a day.
    """

    def __init__(
        self, world: World, owner: str, system: PowerSystem, view: OperatorView, day_length: int
    ) -> None:
        self._world, self._owner, self._system, self._view = world, owner, system, view
        self._day_length, self._per_hour = day_length, round(1.0 / world.period_h)
        commitment = CommitmentShape(system, round(day_length * world.period_h))
        real_time = RealTimeShape(system, day_length, world.period_h)
        self._commitment = world.shared(commitment, lambda: CommitmentProblem(commitment))
        self._real_time = world.shared(real_time, lambda: RealTimeProblem(real_time))
        self._hours_in_state: dict[int, Array] = {}
        self.plans: dict[int, DayPlan] = {}
        self.adopted: list[AdoptedPlan] = []
        self.price_per_mwh = np.zeros(world.n_period)

    def commit(self, day: int) -> None:
        """Commit units for the hours of a day, and lay the plan out in settlement periods.

        Raises
        ------
        InfeasibleError
            If no commitment can serve every period; it names what is short.
        """
        forecast, state = self._view.day_ahead(day), self._state_before(day)
        plan = self._planned(day, forecast, state)
        self._hours_in_state[day + 1] = self._hours_after(day, state.on, plan.on[:: self._per_hour])
        self._adopt(day, plan, forecast)

    def _planned(self, day: int, forecast: SystemForecast, state: SystemState) -> RealTimePlan:
        """Commit by the means of hours, or with every period in view where these do not tell enough."""
        hours, available = self._hours_in_state[day], self._view.available_units(day)
        hourly = forecast.coarsened(self._per_hour)
        try:
            on = self._commitment.solve(self._owner, hourly, state, hours, available).on
            running = np.repeat(on, self._per_hour, axis=0)
            return self._real_time.solve(self._owner, 0, running, state, forecast)
        except InfeasibleError as error:
            if self._per_hour == 1:
                raise
            # The mean of an hour may be served, or not, while its quarters are not, or are.
            shape, period_h = self._commitment.shape, self._world.period_h
            fine = self._world.shared(
                ("commitment by periods", shape), lambda: PerfectInformation(shape, period_h)
            )
            try:
                running = fine.solve(self._owner, forecast, state, hours, available).on
            except InfeasibleError:
                raise error from None
        return self._real_time.solve(self._owner, 0, running, state, forecast)

    def replan(self, period: int, forecast: SystemForecast) -> int:
        """Solve the real-time problem for the rest of the day; returns the number of solves that served.

        Where the commitment cannot be met any more the plan stays, and the market balances.
        """
        day, place = divmod(period, self._day_length)
        running, state = self.plans[day].on, self._view.state(period)
        try:
            plan = self._real_time.solve(self._owner, place, running, state, forecast)
        except InfeasibleError as error:
            logger.warning("period %d, the plan stays: %s", period, error)
            return 0
        self._adopt(day, plan, forecast)
        return 1

    def surplus_beside_wind_mw(self, period: int, load_mw: float) -> float:
        """Part of the deviation from the plan (E18) that is not due to the wind, MW.

        Output that units are short of their plan right now counts: nothing says that it will come back.
        """
        day, place = divmod(period, self._day_length)
        surplus = float(self.plans[day].forecast.load_mw[place]) - load_mw
        if period:
            earlier, last = divmod(period - 1, self._day_length)
            surplus += self._view.units_mw() - float(self.plans[earlier].schedule.net_mw[last].sum())
        return surplus

    def factor_tco2_per_mwh(self, day: int, bought_tco2_per_mwh: Array) -> Array:
        """Carbon factor of what the plan of a day supplies, with what is bought; shape (n_period,)."""
        plan = self.plans[day].schedule
        planned = [
            planned_factor(self._system, plan.at(place), float(bought))
            for place, bought in enumerate(bought_tco2_per_mwh)
        ]
        return np.array(planned)

    def _adopt(self, day: int, plan: RealTimePlan, forecast: SystemForecast) -> None:
        """Put a plan in force from its first period on, together with what it costs at the margin.

        What it would spill is left in the wind instead, which costs the same.
        """
        turned_down = np.minimum(plan.spill_mw, plan.wind_mw)
        plan = replace(plan, wind_mw=plan.wind_mw - turned_down, spill_mw=plan.spill_mw - turned_down)
        before = self.plans.get(day)
        schedule = plan if before is None else _joined(before.schedule, plan, plan.first)
        self.plans[day] = DayPlan(plan.on, schedule, forecast)
        if self._world.bus.record:
            self.adopted.append(AdoptedPlan(day, plan, forecast))
        for place in range(plan.first, self._day_length):
            wind, market = float(forecast.wind_mw[place]), float(forecast.market_price_per_mwh[place])
            price = marginal_price(self._system, plan.at(place), wind, market)
            self.price_per_mwh[day * self._day_length + place] = price

    def _state_before(self, day: int) -> SystemState:
        """State before a day: as told, or as the day before is planned to end."""
        if day == 0:
            state, self._hours_in_state[day] = self._view.first_state(day)
            return state
        last = self.plans[day - 1].schedule.at(self._day_length - 1)
        nothing_owed = np.zeros(len(self._system.loads))
        return SystemState(last.on, last.gross_mw, last.tank_tco2, last.e_mwh, nothing_owed)

    def _hours_after(self, day: int, was_on: Flags, hourly: Flags) -> Array:
        """For how many hours each unit will have been on or off when a day ends."""
        hours = self._hours_in_state[day]
        for running in hourly:
            hours = np.where(running == was_on, hours + 1.0, 1.0)
            was_on = running
        return hours


def _joined(before: SystemSchedule, since: SystemSchedule, first: int) -> SystemSchedule:
    """One schedule of a day up to a period, another one from it on."""
    parts = {
        field.name: np.concatenate([getattr(before, field.name)[:first], getattr(since, field.name)[first:]])
        for field in fields(SystemSchedule)
    }
    return SystemSchedule(**parts)
