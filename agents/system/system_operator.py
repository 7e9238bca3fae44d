"""The system operator: commits units the day before, and each quarter plans anew where reality departs."""

from __future__ import annotations

import logging
from collections.abc import Generator, Iterator
from dataclasses import asdict, replace
from typing import Any

import numpy as np

from gridarium.agents.behaviour import Behaviour, Deviation
from gridarium.agents.questions import Asked
from gridarium.agents.rows import Rows
from gridarium.agents.system.commitment_problem import CommitmentProblem, CommitmentShape
from gridarium.agents.system.operation import Members, OperationRules, QuarterLook, QuarterRecord, commanded
from gridarium.agents.system.operator_books import HeadTerms, OperatorBooks
from gridarium.agents.system.operator_inbox import DAY_AHEAD_TIMEOUT_S, OperatorInbox
from gridarium.agents.system.operator_orders import day_orders, joined, quarter_orders, wind_orders
from gridarium.agents.system.operator_view import DayPlan
from gridarium.agents.system.power_system import PowerSystem, SystemForecast, SystemState
from gridarium.agents.system.realtime_problem import RealTimePlan, RealTimeProblem, RealTimeShape
from gridarium.agents.system.system_costs import marginal_price, planned_factor
from gridarium.environment.arrays import Array, Flags, series
from gridarium.environment.clock import DAY_S
from gridarium.environment.errors import InfeasibleError
from gridarium.environment.grids import Site
from gridarium.market.messages.commands import Command
from gridarium.market.messages.leasing import LeftToPool
from gridarium.market.messages.tariffs import TariffSignal

logger = logging.getLogger(__name__)

_A_WATT_MW = 1e-6
TERMS_RESEND_S = 60.0

_RECORDED = (
    "deviation_mw",
    "perceived_mw",
    "fired",
    "left_mw",
    "called_mw",
    "available_wind_mw",
    "load_mw",
    "price_per_mwh",
    "silent",
)
_SHORT = ("reserve_up_short_mw", "reserve_down_short_mw")
"""What is told of each quarter: of how it was looked at, and of what was realised."""


class SystemOperator(OperatorInbox):
    """An operator that runs a system of thermal units, wind, a storage, flexible loads and a prosumer pool.

    - `plans`: the plan in force on each day
    - `price_per_mwh`: the marginal price announced for each quarter
    - `terms`, `told`: what its supplier has told it of each day, and what it has told the grids below
    - `records`: one for each quarter that is over

    Parameters
    ----------
    site : Site
        In a world of whole days, or of less than one.
    name : str
    supplier : str
        Who supplies the head of its grid: at the price of real-time energy, where nothing stands above.
    system : PowerSystem
        Its units, storage and flexible loads; agents of these names follow its commands.
    members : Members
        Everybody else it deals with.
    rules : OperationRules
    behaviour : Behaviour, optional
        Perceives a `Deviation`, and chooses whether to plan anew.

    Notes
    -----
    Procedure E.2: forecast, commitment for the hours of the next day, and before each quarter the trigger
    E18, the real-time problem E19 for the rest of the day, and a call to the pool for what is left.
    """

    kind = "operator"

    def __init__(
        self,
        site: Site,
        name: str,
        supplier: str,
        system: PowerSystem,
        members: Members,
        rules: OperationRules,
        behaviour: Behaviour | None = None,
    ) -> None:
        super().__init__(site, name, supplier, system, members, rules, behaviour)
        world = self.world
        self.plans: dict[int, DayPlan] = {}
        self.price_per_mwh = np.zeros(world.n_period)
        commitment = CommitmentShape(system, round(self.day_length * world.period_h))
        real_time = RealTimeShape(system, self.day_length, world.period_h)
        self._commitment = world.shared(commitment, lambda: CommitmentProblem(commitment))
        self._real_time = world.shared(real_time, lambda: RealTimeProblem(real_time))
        self._hours_in_state: dict[int, Array] = {}
        self._books = OperatorBooks(
            self.grid, self.name, supplier, system, members, rules, self._view, self._pool
        )
        self.terms: dict[int, TariffSignal] = {}
        self.told: dict[int, TariffSignal] = {}
        self._looks: dict[int, QuarterLook] = {}
        self._issue = 0

    @property
    def records(self) -> list[QuarterRecord]:
        """Quarters that are over."""
        return self._books.records

    # The story of a day.

    def process(self) -> Generator[Any, Any, None]:
        """Commit the first day; look at each quarter, and commit each further day while there is time."""
        clock, n_period = self.world.clock, self.world.n_period
        yield clock.wait_until(self.rules.opens_s)
        yield from self._commit(0)
        for quarter in range(n_period + 1):
            yield clock.wait_until(self._looks_at_s(quarter))
            yield from self._look_at(quarter)
            tomorrow = quarter // self.day_length + 1
            is_open = self._commits_at_s(tomorrow) < self._looks_at_s(quarter + 1)
            if is_open and tomorrow not in self.plans and tomorrow * self.day_length < n_period:
                yield clock.wait_until(max(clock.now_s, self._commits_at_s(tomorrow)))
                yield from self._commit(tomorrow)

    def _looks_at_s(self, quarter: int) -> float:
        return self.world.delivery_s + quarter * self.world.clock.period_s - self.rules.lead_s

    def _commits_at_s(self, day: int) -> float:
        """The day-ahead round, or the last quarter of the day before where that would be too late."""
        latest = self._looks_at_s(day * self.day_length - 1)
        return min(self.rules.opens_s + day * DAY_S, latest)

    def _commit(self, day: int) -> Generator[Any, Any, None]:
        """Hear what there will be, plan, send the plan; tell those above and below of it."""
        asked = [*commanded(self.system), *self.members.wind_farms, *self.members.drawn]
        yield from self._hear_day_ahead(day, asked)
        question, self.terms[day] = yield from self.next_terms(
            day, self.world.clock.now_s + DAY_AHEAD_TIMEOUT_S
        )
        self._view.note_market(day, self.told_price_per_mwh(self.terms[day]))
        yield from self._plan(day)
        if self.members.below:
            # It goes on looking at the quarters of the day before meanwhile.
            self.world.clock.process(self._supply(day, question))
        else:
            self.tell_plan(question, self.terms[day])

    def _supply(self, day: int, question: Asked) -> Generator[Any, Any, None]:
        """Tell the grids below price and carbon factor of a day; plan anew with what they will take."""
        self.told[day] = self._terms_of(day)
        left_s = self._looks_at_s(day * self.day_length) - self.world.clock.now_s
        told = self.ask(dict.fromkeys(self.members.below, self.told[day]), 0.9 * left_s, TERMS_RESEND_S)
        yield from told.answered()
        self._view.note_plans(day, told.replies)
        yield from self._plan(day)
        self.tell_plan(question, self.terms[day])

    def _plan(self, day: int) -> Generator[Any, Any, None]:
        """Commit units for the hours of a day, lay the plan out in quarters, send it."""
        forecast, state = self._view.day_ahead(day), self._state_before(day)
        per_hour = round(1.0 / self.world.period_h)
        hourly = forecast.coarsened(per_hour)
        available = self._view.available_units(day)
        commitment = self._commitment.solve(self.name, hourly, state, self._hours_in_state[day], available)
        self._hours_in_state[day + 1] = self._hours_after(day, state.on, commitment.on)
        running = np.repeat(commitment.on, per_hour, axis=0)
        self._adopt(day, self._real_time.solve(self.name, 0, running, state, forecast), forecast)
        yield from self._command(self._orders(day * self.day_length, True))

    def _look_at(self, quarter: int) -> Generator[Any, Any, None]:
        """Hear how a quarter begins; plan anew if that is far from the plan; call the pool for the rest.

        After the last quarter it only hears how that one went.
        """
        over = quarter == self.world.n_period
        asked = [*commanded(self.system), *self.members.wind_farms]
        asked += [] if over else self.members.drawn
        silent = yield from self._hear_status(quarter, asked)
        if over:
            return
        yield from self._hear_pool(quarter)
        orders = self._decide(quarter, silent)
        if self.members.desk:
            self.send(self.members.desk, LeftToPool(quarter, self._looks[quarter].called_mw))
        yield from self._command(orders)

    # What it decides.

    def _decide(self, quarter: int, silent: int) -> dict[str, Command]:
        """Plan anew or not, note the look, and return the commands."""
        day, place = divmod(quarter, self.day_length)
        forecast = self._view.forecast(quarter)
        wind, load = float(forecast.wind_mw[place]), float(forecast.load_mw[place])
        planned_with = float(self.plans[day].forecast.wind_mw[place])
        others = self._surplus_beside_wind_mw(quarter, load)
        true = Deviation(quarter, wind - planned_with + others)
        perceived = self.behaviour.perceive(self, true)
        is_far = abs(perceived.mw) > self.rules.deviation_mw
        fires = bool(self.behaviour.choose(self, perceived, is_far))
        solves = self._replan(quarter, forecast) if fires else 0
        plan = self.plans[day].schedule.at(place)
        # What wind, pool and market have to yield; a new plan has taken everything else into account.
        needed = plan.wind_mw + plan.pool_mw + plan.market_mw - plan.spill_mw - (0.0 if solves else others)
        left = wind - needed
        # Prosumers trade whether or not they are needed, hence wind gives way to them.
        called = plan.pool_mw if solves else min(float(forecast.pool_mw[place]), max(0.0, needed))
        self._looks[quarter] = QuarterLook(
            quarter, true.mw, perceived.mw, fires, left, called, wind, load, solves, silent
        )
        if solves:
            return self._orders(quarter, False)
        return self._wind_only(quarter, min(max(0.0, needed - called), wind), min(plan.wind_mw, wind))

    def _surplus_beside_wind_mw(self, quarter: int, load_mw: float) -> float:
        """Part of the deviation (E18) that is not due to the wind, MW.

        Output that units are short of their plan right now counts: nothing says that it will come back.
        """
        day, place = divmod(quarter, self.day_length)
        surplus = float(self.plans[day].forecast.load_mw[place]) - load_mw
        if quarter:
            earlier, last = divmod(quarter - 1, self.day_length)
            surplus += self._view.units_mw() - float(self.plans[earlier].schedule.net_mw[last].sum())
        return surplus

    def _replan(self, quarter: int, forecast: SystemForecast) -> int:
        """Solve the real-time problem for the rest of the day; returns the number of solves that served.

        Where the commitment cannot be met any more the plan stays, and the market balances.
        """
        day, place = divmod(quarter, self.day_length)
        running, state = self.plans[day].on, self._view.state(quarter)
        try:
            plan = self._real_time.solve(self.name, place, running, state, forecast)
        except InfeasibleError as error:
            logger.warning("quarter %d, the plan stays: %s", quarter, error)
            return 0
        self._adopt(day, plan, forecast)
        return 1

    def _adopt(self, day: int, plan: RealTimePlan, forecast: SystemForecast) -> None:
        """Put a plan in force from its first quarter on, together with what it costs at the margin.

        What it would spill is left in the wind instead, which costs the same.
        """
        turned_down = np.minimum(plan.spill_mw, plan.wind_mw)
        plan = replace(plan, wind_mw=plan.wind_mw - turned_down, spill_mw=plan.spill_mw - turned_down)
        before = self.plans.get(day)
        schedule = plan if before is None else joined(before.schedule, plan, plan.first)
        self.plans[day] = DayPlan(plan.on, schedule, forecast)
        for place in range(plan.first, self.day_length):
            wind, market = float(forecast.wind_mw[place]), float(forecast.market_price_per_mwh[place])
            price = marginal_price(self.system, plan.at(place), wind, market)
            self.price_per_mwh[day * self.day_length + place] = price

    def _orders(self, quarter: int, whole_day: bool) -> dict[str, Command]:
        """Commands that carry out the plan from a quarter on."""
        day, place = divmod(quarter, self.day_length)
        plan = self.plans[day].schedule
        self._issue += 1
        price = self.price_per_mwh[quarter : (day + 1) * self.day_length]
        make = day_orders if whole_day else quarter_orders
        orders = make(self.system, plan, self._issue, quarter, place, price)
        shares = self._view.wind_shares(quarter)
        return orders | wind_orders(shares, plan.wind_mw[place:], self._issue, quarter)

    def _wind_only(self, quarter: int, wanted_mw: float, otherwise_mw: float) -> dict[str, Command]:
        """Under an old plan wind farms are told what to leave out or add in this quarter, and nobody else."""
        if abs(wanted_mw - otherwise_mw) <= _A_WATT_MW or not self.members.wind_farms:
            return {}
        day, place = divmod(quarter, self.day_length)
        limit = self.plans[day].schedule.wind_mw[place:].copy()
        limit[0] = wanted_mw
        self._issue += 1
        return wind_orders(self._view.wind_shares(quarter), limit, self._issue, quarter)

    def _state_before(self, day: int) -> SystemState:
        """State before a day: as told, or as the day before is planned to end."""
        if day == 0:
            state, self._hours_in_state[day] = self._view.first_state(day)
            return state
        last = self.plans[day - 1].schedule.at(self.day_length - 1)
        nothing_owed = np.zeros(len(self.system.loads))
        return SystemState(last.on, last.gross_mw, last.tank_tco2, last.e_mwh, nothing_owed)

    def _hours_after(self, day: int, was_on: Flags, hourly: Flags) -> Array:
        """For how many hours each unit will have been on or off when a day ends."""
        hours = self._hours_in_state[day]
        for running in hourly:
            hours = np.where(running == was_on, hours + 1.0, 1.0)
            was_on = running
        return hours

    # What it is to those above and below.

    def head_forecast_mw(self, day: int) -> Array | None:
        """What the plan takes from the market; None before there is one."""
        return self.head_plan_mw(day) if day in self.plans else None

    def terms_of_day(self, day: int) -> TariffSignal:
        """What its supplier has told."""
        return self.terms[day]

    def head_plan_mw(self, day: int) -> Array:
        """What the plan takes from the market less what it spills."""
        plan = self.plans[day].schedule
        return plan.market_mw - plan.spill_mw

    def _terms_of(self, day: int) -> TariffSignal:
        """Marginal price and carbon factor of the plan of a day, by settlement period."""
        plan, factor = self.plans[day].schedule, self.horizon.over_day(self.terms[day].factor_tco2_per_mwh)
        price = series(self.price_per_mwh[self.horizon.periods(day)])
        planned = [planned_factor(self.system, plan.at(k), float(factor[k])) for k in range(self.day_length)]
        return TariffSignal(1, price, series(planned), price, final=True, day=day)

    # What it tells of itself.

    def rows(self) -> Iterator[Rows]:
        """What passed its head, its prices, and what it saw, decided and counted in each quarter."""
        yield from super().rows()
        signals = {"price_per_mwh": self.price_per_mwh, "wholesale_price_per_mwh": self.terms_price_per_mwh}
        if self.told:
            days = [self.told[day] for day in sorted(self.told)]
            below = np.concatenate([self.horizon.over_day(one.price_per_mwh) for one in days])
            signals |= {"price_below_per_mwh": below, "export_price_below_per_mwh": np.zeros_like(below)}
        yield Rows("signals", signals)
        quarters = [asdict(record) for record in self.records]
        told = [
            {name: quarter[name] for name in _RECORDED}
            | {name: quarter["realised"][name] for name in _SHORT}
            | quarter["costs"]
            for quarter in quarters
        ]
        yield Rows("quarters", {name: [quarter[name] for quarter in told] for name in told[0]})

    # What it settles.

    def settle(self, period: int) -> None:
        """Settle a quarter as metered, and record it."""
        day, place = divmod(period, self.day_length)
        price = float(self.price_per_mwh[period])
        terms = HeadTerms(
            float(self.told_price_per_mwh(self.terms[day])[place]),
            float(self.told_export_per_mwh(self.terms[day])[place]),
        )
        self._books.settle(self._looks.pop(period), self.plans[day], place, price, terms)
