"""The system operator: commits units the day before, and each period plans anew where reality departs."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from gridarium.agents.behaviour import Behaviour, Deviation
from gridarium.agents.following import refuse_head_terms
from gridarium.agents.questions import Asked
from gridarium.agents.rows import Rows
from gridarium.agents.system.day_ahead_declaration import declaration
from gridarium.agents.system.operation import Members, OperationRules, QuarterLook, QuarterRecord, commanded
from gridarium.agents.system.operator_books import OperatorBooks
from gridarium.agents.system.operator_inbox import DAY_AHEAD_TIMEOUT_S, OperatorInbox
from gridarium.agents.system.operator_orders import OperatorOrders
from gridarium.agents.system.operator_view import DayPlan
from gridarium.agents.system.power_system import PowerSystem
from gridarium.agents.system.system_planner import AdoptedPlan, SystemPlanner
from gridarium.environment.arrays import Array, series
from gridarium.environment.clock import DAY_S
from gridarium.environment.grids import Site
from gridarium.market.messages.commands import Command
from gridarium.market.messages.leasing import PoolCall
from gridarium.market.messages.tariffs import TariffSignal

_A_WATT_MW = 1e-6
TERMS_RESEND_S = 60.0
DECLARATION_RESEND_S = 60.0

_RECORDED = (
    "deviation_mw",
    "perceived_mw",
    "fired",
    "left_mw",
    "called_mw",
    "delivered_mw",
    "pool_short_money",
    "available_wind_mw",
    "load_mw",
    "price_per_mwh",
    "silent",
)
_SHORT = ("reserve_up_short_mw", "reserve_down_short_mw")
"""What is told of each quarter: of how it was looked at, and of what was realised."""


class SystemOperator(OperatorInbox):
    """An operator that runs a system of thermal units, wind, a storage, flexible loads and a prosumer pool.

    - `plans`, `price_per_mwh`: the plan in force on each day, and the marginal price of each period
    - `adopted`: all plans so far, where messages are kept
    - `terms`, `told`: what its supplier has told it of each day, and what it has told the grids below
    - `records`: one for each period that is over

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
    Procedure E.2: forecast, commitment for the hours of the next day, and before each period the trigger
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
        self._planner = SystemPlanner(world, self.name, system, self._view, self.day_length)
        self._orders = OperatorOrders(system, self._view)
        self._books = OperatorBooks(world, self.name, system, members, rules, self._view, self._pool)
        self.terms: dict[int, TariffSignal] = {}
        self.told: dict[int, TariffSignal] = {}
        self._looks: dict[int, QuarterLook] = {}

    @property
    def plans(self) -> Mapping[int, DayPlan]:
        """The plan in force on each day."""
        return self._planner.plans

    @property
    def adopted(self) -> Sequence[AdoptedPlan]:
        """Each plan that was put in force, in that order; none where messages are not kept."""
        return self._planner.adopted

    @property
    def price_per_mwh(self) -> Array:
        """The marginal price announced for each settlement period."""
        return self._planner.price_per_mwh

    @property
    def records(self) -> list[QuarterRecord]:
        """Periods that are over."""
        return self._books.records

    # The story of a day.

    def process(self) -> Generator[Any, Any, None]:
        """Commit the first day; look at each period, and commit each further day while there is time."""
        clock, n_period = self.world.clock, self.world.n_period
        yield clock.wait_until(self.rules.opens_s)
        yield from self._commit(0)
        for period in range(n_period + 1):
            yield clock.wait_until(self._looks_at_s(period))
            yield from self._look_at(period)
            tomorrow = period // self.day_length + 1
            is_open = self._commits_at_s(tomorrow) < self._looks_at_s(period + 1)
            if is_open and tomorrow not in self.plans and tomorrow * self.day_length < n_period:
                yield clock.wait_until(max(clock.now_s, self._commits_at_s(tomorrow)))
                yield from self._commit(tomorrow)

    def _looks_at_s(self, period: int) -> float:
        return self.world.delivery_s + period * self.world.clock.period_s - self.rules.lead_s

    def _commits_at_s(self, day: int) -> float:
        """The day-ahead round, or the last period of the day before where that would be too late."""
        latest = self._looks_at_s(day * self.day_length - 1)
        return min(self.rules.opens_s + day * DAY_S, latest)

    def _commit(self, day: int) -> Generator[Any, Any, None]:
        """Hear what there will be, plan, send the plan; tell those above and below of it."""
        asked = [*commanded(self.system), *self.members.wind_farms, *self.members.drawn]
        yield from self._hear_day_ahead(day, asked)
        question, self.terms[day] = yield from self.next_terms(
            day, self.world.clock.now_s + DAY_AHEAD_TIMEOUT_S
        )
        refuse_head_terms(self.name, self.terms[day], "of a whole system")
        self._view.note_market(day, self.told_price_per_mwh(self.terms[day]))
        yield from self._plan(day)
        if self.members.below:
            # It goes on looking at the periods of the day before meanwhile.
            self.world.clock.process(self._supply(day, question))
        else:
            self._tell_of_plan(day, question)

    def _supply(self, day: int, question: Asked) -> Generator[Any, Any, None]:
        """Tell the grids below price and carbon factor of a day; plan anew with what they will take."""
        self.told[day] = self._terms_of(day)
        left_s = self._looks_at_s(day * self.day_length) - self.world.clock.now_s
        told = self.ask(dict.fromkeys(self.members.below, self.told[day]), 0.9 * left_s, TERMS_RESEND_S)
        yield from told.answered()
        self._view.note_plans(day, told.replies)
        yield from self._plan(day)
        self._tell_of_plan(day, question)

    def _tell_of_plan(self, day: int, question: Asked) -> None:
        """Answer the supplier, and declare the plan to the market until it is received or the day begins."""
        self.tell_plan(question, self.terms[day])
        market, clock = self.members.day_ahead_market, self.world.clock
        if market is not None:
            declared = declaration(day, self.system, self.members, self.plans[day].schedule, self._view)
            left_s = self._looks_at_s(day * self.day_length) + self.rules.lead_s - clock.now_s
            clock.process(self.ask({market: declared}, left_s, DECLARATION_RESEND_S).answered())

    def _plan(self, day: int) -> Generator[Any, Any, None]:
        """Plan a day, and send the plan."""
        self._planner.commit(day)
        periods, schedule = self.horizon.periods(day), self.plans[day].schedule
        price = self.price_per_mwh[periods]
        yield from self._command(self._orders.whole_day(schedule, periods.start, 0, price))

    def _look_at(self, period: int) -> Generator[Any, Any, None]:
        """Hear how a period begins; plan anew if that is far from the plan; call the pool for the rest.

        After the last period it only hears how that one went.
        """
        over = period == self.world.n_period
        asked = [*commanded(self.system), *self.members.wind_farms]
        asked += [] if over else self.members.drawn
        silent = yield from self._hear_status(period, asked)
        if over:
            return
        yield from self._hear_pool(period)
        orders = dict[str, Any](self._decide(period, silent))
        if self.members.desk:
            called_mw = self._looks[period].called_mw
            orders[self.members.desk] = PoolCall(period, called_mw, self.rules.pool_fee_per_mwh)
        yield from self._command(orders)

    # What it decides.

    def _decide(self, period: int, silent: int) -> dict[str, Command]:
        """Plan anew or not, note the look, and return the commands."""
        day, place = divmod(period, self.day_length)
        forecast = self._view.forecast(period)
        wind, load = float(forecast.wind_mw[place]), float(forecast.load_mw[place])
        planned_with = float(self.plans[day].forecast.wind_mw[place])
        others = self._planner.surplus_beside_wind_mw(period, load)
        true = Deviation(period, wind - planned_with + others)
        perceived = self.behaviour.perceive(self, true)
        is_far = abs(perceived.mw) > self.rules.deviation_mw
        fires = bool(self.behaviour.choose(self, perceived, is_far))
        solves = self._planner.replan(period, forecast) if fires else 0
        schedule = self.plans[day].schedule
        plan = schedule.at(place)
        # What wind, pool and market have to yield; a new plan has taken everything else into account.
        needed = plan.wind_mw + plan.pool_mw + plan.market_mw - plan.spill_mw - (0.0 if solves else others)
        left = wind - needed
        expected = float(forecast.pool_mw[place])
        if self.members.desk:
            # Wind costs nothing, so that the pool is called for what it leaves.
            traded = plan.pool_mw if solves else min(expected, max(0.0, needed - wind))
            called = -traded
        else:
            # Nobody can be called: prosumers trade needed or not, and wind gives way to them.
            traded = plan.pool_mw if solves else min(expected, max(0.0, needed))
            called = 0.0
        self._looks[period] = QuarterLook(
            period, true.mw, perceived.mw, fires, left, called, wind, load, solves, silent
        )
        if solves:
            price = self.price_per_mwh[period : (day + 1) * self.day_length]
            return self._orders.rest_of_day(schedule, period, place, price)
        wanted, otherwise = min(max(0.0, needed - traded), wind), min(plan.wind_mw, wind)
        return self._orders.wind_only(schedule, period, place, wanted, otherwise)

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
        price = series(self.price_per_mwh[self.horizon.periods(day)])
        bought = self.told_factor_tco2_per_mwh(self.terms[day])
        factor = series(self._planner.factor_tco2_per_mwh(day, bought))
        return TariffSignal(1, price, factor, price, final=True, day=day)

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
        """Settle a period as metered, and record it."""
        day, place = divmod(period, self.day_length)
        exchange, asked = self.grid.states[period].exchange_mw, self.told_price_per_mwh(self.terms[day])
        # Less than a watt is rounding, and nobody's bill.
        taken_mw = exchange if abs(exchange) > _A_WATT_MW else 0.0
        self.pay_head(period, taken_mw)
        look, price = self._looks.pop(period), float(self.price_per_mwh[period])
        self._books.record(look, self.plans[day], price, taken_mw, float(asked[place]))
