"""What a TIES does within a day: look at each period, and plan and price anew where the day has moved."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from gridarium.agents.base import GridAgent
from gridarium.agents.questions import Question
from gridarium.agents.transmission.bulk_system import BulkForecast, BulkPlan, BulkState
from gridarium.agents.transmission.called_feeders import CalledFeeders
from gridarium.agents.transmission.ties_day import TiesDay
from gridarium.agents.transmission.ties_negotiation import TiesNegotiation
from gridarium.agents.transmission.ties_orders import TiesOrders
from gridarium.agents.transmission.ties_planner import TiesPlanner
from gridarium.environment.arrays import Array, Flags
from gridarium.environment.thermal_unit import ThermalUnit
from gridarium.market.messages.status import StatusRequest


@dataclass(frozen=True)
class RenewalRules:
    """When a TIES plans anew within a day, and whom it tells.

    Parameters
    ----------
    trigger_mw : float
        Distance of renewable power, of the load, or of what prosumers that can be called are likely to trade
        from the plan beyond which the rest of the day is planned anew.
    lead_s : float
        How long before each period it looks at it, s.
    notice_h : float
        How long before a step followers must know its price, h: users are told in advance (D16).
    reply_timeout_s, resend_after_s : float
        How long answers are awaited, and after what silence a question is sent again.
    """

    trigger_mw: float = 5.0
    lead_s: float = 120.0
    notice_h: float = 1.0
    reply_timeout_s: float = 30.0
    resend_after_s: float = 5.0


@dataclass(frozen=True)
class Parties:
    """Whom a TIES deals with within a day, by their names in the world.

    Parameters
    ----------
    units, storages, plants : tuple of str
        Who follows its commands, in the order of its system.
    followers : tuple of str
        Who has told it a load.
    renewed : tuple of str
        Those of them who can answer renewed prices within a day.
    """

    units: tuple[str, ...]
    storages: tuple[str, ...]
    plants: tuple[str, ...]
    followers: tuple[str, ...]
    renewed: tuple[str, ...]

    @property
    def everybody(self) -> tuple[str, ...]:
        """All of them."""
        return (*self.units, *self.storages, *self.plants, *self.followers)


@dataclass
class DayInForce:
    """A day that runs; series in settlement periods of the day.

    Parameters
    ----------
    day : TiesDay
    negotiation : TiesNegotiation
        Prices anew by the rules of the day.
    forecast : BulkForecast
        What the plan goes by.
    plan : BulkPlan
        Rows of storages that are called come last.
    pool_mw : ndarray, shape (n_pool, n_period)
        What it reckons that prosumers trade when called.
    state : BulkState
        From which the rest of the day was planned last, as told.
    first : int
        The period of the day that it began with.
    """

    day: TiesDay
    negotiation: TiesNegotiation
    forecast: BulkForecast
    plan: BulkPlan
    pool_mw: Array
    state: BulkState
    first: int = 0
    moved_mw: dict[int, float] = field(default_factory=dict)


class RealTime:
    """The part of a TIES that looks at each settlement period.

    Parameters
    ----------
    ties : GridAgent
        Who asks, and commands.
    parties : Parties
    planner : TiesPlanner
    orders : TiesOrders
    rules : RenewalRules
    called : CalledFeeders
        Feeders that it calls, too.

    Notes
    -----
    Steps 3 and 4 of E.2: beyond the trigger (E18) the rest of the day is dispatched anew, services of feeders
    among its means. Under a plan that stays, prosumers are called for the balancing energy that they save
    (E26).
    """

    def __init__(
        self,
        ties: GridAgent,
        parties: Parties,
        planner: TiesPlanner,
        orders: TiesOrders,
        rules: RenewalRules,
        called: CalledFeeders,
    ) -> None:
        self._ties, self._parties, self._planner, self._called = ties, parties, planner, called
        self._orders, self._rules = orders, rules
        self._days: dict[int, DayInForce] = {}

    def plan_of(self, day: int) -> BulkPlan:
        """The plan in force on a day, in settlement periods."""
        return self._days[day].plan

    def in_force(self, day: int) -> DayInForce:
        """What a day runs by, and what its plan goes by."""
        return self._days[day]

    @property
    def moved_mw(self) -> Mapping[int, float]:
        """Largest distance from the plan in each settlement period of the run that was looked at."""
        horizon = self._planner.horizon
        return {
            horizon.periods(number).start + place: moved
            for number, day in self._days.items()
            for place, moved in day.moved_mw.items()
        }

    def emission_tco2(self, periods: slice) -> float:
        """Emission of all units by what their meters show: of the stack, where a part of it is captured."""
        world = self._ties.world

        def per_h(name: str, unit: ThermalUnit) -> float:
            if unit.capture is not None:
                return float(world.carbon_meters[name][periods].sum())
            return float(unit.emission_tco2_per_mwh * world.feed_in_meters[name][periods].sum())

        units = zip(self._parties.units, self._planner.system.units, strict=True)
        return sum(per_h(name, unit) for name, unit in units) * world.period_h

    def begin(self, today: TiesDay, negotiation: TiesNegotiation) -> Generator[Any, Any, None]:
        """Lay the plan of a day out in settlement periods, and send it until it is received or begun."""
        ties, horizon = self._ties, self._planner.horizon
        over = horizon.over_day
        forecast = BulkForecast(
            over(today.loads.sum(axis=0)),
            np.array([over(row) for row in today.available]).reshape(-1, horizon.day_length),
            over(horizon.fit(today.terms.price_per_mwh)),
            over(horizon.fit(today.terms.factor_tco2_per_mwh)),
            over(today.plan.loss_mw),
        )
        on = self._held_on(today)
        plan = self._planner.fine_order.solve(ties.name, forecast, on, today.state, 0)
        plan = self._called.resting(self._with_reactive(today, plan))
        nothing = self._called.nothing
        self._days[today.number] = DayInForce(today, negotiation, forecast, plan, nothing, today.state)
        begins_s = ties.world.delivery_s + today.number * horizon.day_s
        left_s = max(self._rules.reply_timeout_s, begins_s - ties.world.clock.now_s)
        orders = self._orders.rest_of_day(plan, horizon.periods(today.number).start, 0)
        yield from ties.ask(orders, left_s, self._rules.resend_after_s).answered()

    def process(self) -> Generator[Any, Any, None]:
        """Look at each settlement period shortly before it begins."""
        world, horizon = self._ties.world, self._planner.horizon
        for period in range(world.n_period):
            yield world.clock.wait_until(
                world.delivery_s + period * world.clock.period_s - self._rules.lead_s
            )
            number, _ = horizon.place(period)
            if number in self._days:
                yield from self._look_at(self._days[number], period)

    def _look_at(self, now: DayInForce, period: int) -> Generator[Any, Any, None]:
        """Hear how a period begins; where it has moved, plan the rest of the day, price it, plan again."""
        parties, horizon = self._parties, self._planner.horizon
        question = self._ask(dict.fromkeys(parties.everybody, StatusRequest(period)))
        hearing = self._ties.world.clock.process(self._hear_services(period)) if self._called else None
        silent = yield from question.answered()
        if hearing is not None:
            silent |= yield hearing
        if silent:
            # Who cannot be heard is taken to keep to the plan; the next period asks again.
            return
        place = period - horizon.periods(now.day.number).start
        told = question.replies
        loads = sum(told[name].load_mw for name in parties.followers)
        available = np.array([told[name].available_mw for name in parties.plants])
        available = available.reshape(len(parties.plants), len(loads))
        moved = max(
            float(np.abs(loads[0] - now.forecast.load_mw[place])),
            float(np.abs(available[:, 0].sum() - now.forecast.available_mw[:, place].sum())),
            self._called.moved_mw(period),
        )
        now.moved_mw[place] = moved
        if moved <= self._rules.trigger_mw:
            needed_mw = self._needed_mw(now, float(loads[0]), available[:, 0], place)
            yield from self._call_pools(now, needed_mw, period, place)
            return
        now.forecast = replace(
            now.forecast,
            load_mw=_with_rest(now.forecast.load_mw, loads, place),
            available_mw=_with_rest(now.forecast.available_mw, available, place),
        )
        state = self._state(now, told, period)
        self._dispatch(now, state, period, place)
        yield from self._renew_prices(now, state, period, place)
        orders = self._orders.rest_of_day(now.plan, period, place)
        calls = self._called.calls(now.plan, now.pool_mw[:, place], period)
        yield from self._ask(orders | calls).answered()

    def _hear_services(self, period: int) -> Generator[Any, Any, frozenset[str]]:
        """Ask feeders what storage and prosumers can do; returns who stayed silent."""
        question = self._ask(self._called.requests(period))
        silent = yield from question.answered()
        self._called.hear(question.replies)
        return silent

    def _needed_mw(self, now: DayInForce, load_mw: float, available_mw: Array, place: int) -> float:
        """Balancing energy that a period needs under the plan in force, if no prosumer trades."""
        plan, pool_mw = now.plan, float(now.pool_mw[:, place].sum())
        more = load_mw - float(now.forecast.load_mw[place])
        wanted = plan.renewable_mw[:, place]
        lacking = float(np.maximum(0.0, wanted - available_mw).sum())
        return float(plan.import_mw[place] - plan.spill_mw[place]) + pool_mw + more + lacking

    def _call_pools(
        self, now: DayInForce, needed_mw: float, period: int, place: int
    ) -> Generator[Any, Any, None]:
        """Call prosumers under a plan that stays, as far as that saves balancing energy that costs more.

        Nothing else gives way to them then: units and storages keep to their schedules.
        """
        if float(now.forecast.import_price_per_mwh[place]) <= self._called.pool_fee_per_mwh:
            needed_mw = 0.0
        traded = self._called.replacing_mw(needed_mw, period)
        calls = self._called.pool_calls(now.plan, traded, period)
        if calls:
            yield from self._ask(calls).answered()

    def _ask(self, payloads: Mapping[str, Any]) -> Question:
        return self._ties.ask(payloads, self._rules.reply_timeout_s, self._rules.resend_after_s)

    def _renew_prices(
        self, now: DayInForce, state: BulkState, period: int, place: int
    ) -> Generator[Any, Any, None]:
        """Tell followers who can still answer renewed prices of later steps; dispatch for their answers."""
        horizon, today, hearers = self._planner.horizon, now.day, self._parties.renewed
        first_s = place * self._ties.world.clock.period_s + self._rules.notice_h * 3600.0
        first_step = int(np.ceil(first_s / (horizon.step_h * 3600.0)))
        if first_step >= horizon.n_step or not hearers or not now.negotiation.is_priced:
            return
        factor, green = horizon.fit(now.plan.factor_tco2_per_mwh), horizon.fit(now.plan.green_share)
        signals = now.negotiation.renewed(factor, green, first_step, hearers)
        question = self._ask({name: signals[name] for name in hearers})
        yield from question.answered()
        before = today.loads.sum(axis=0)
        today.hear(question.replies)
        today.renewals += 1
        change = horizon.over_day(today.loads.sum(axis=0) - before)
        now.forecast = now.forecast.with_load(now.forecast.load_mw + change)
        self._dispatch(now, state, period, place)

    def _dispatch(self, now: DayInForce, state: BulkState, period: int, place: int) -> None:
        """Dispatch what is left of a day, and put that in force; what was before stays as it was."""
        forecast = self._called.forecast(now.forecast, period)
        inside = self._called.state(state, period)
        on = self._held_on(now.day)
        plan = self._planner.served_order.solve(self._ties.name, forecast, on, inside, place)
        self._called.keep(now.forecast, on, state, period, plan)
        plan, now.pool_mw = self._called.parted(plan)
        now.plan = now.plan.followed_by(self._with_reactive(now.day, plan), place)
        now.state, now.first = state, place

    def _held_on(self, today: TiesDay) -> Flags:
        """The commitment in settlement periods, shape (n_unit, n_period)."""
        over = self._planner.horizon.over_day
        return np.array([over(row.astype(float)) for row in today.on]) > 0.5

    def _with_reactive(self, today: TiesDay, plan: BulkPlan) -> BulkPlan:
        """A dispatch on one bus with the reactive power of the plan over the network."""
        over, network = self._planner.horizon.over_day, today.plan

        def held(values: Array) -> Array:
            return np.array([over(row) for row in values]).reshape(len(values), len(plan.loss_mw))

        return replace(
            plan,
            unit_mvar=held(network.unit_mvar),
            storage_mvar=held(network.storage_mvar),
            renewable_mvar=held(network.renewable_mvar),
        )

    def _state(self, now: DayInForce, told: Mapping[str, Any], period: int) -> BulkState:
        """Where the system stands, as told."""
        parties = self._parties
        units = [told[name] for name in parties.units]
        return BulkState(
            np.array([unit.on for unit in units]),
            np.array([unit.gross_mw for unit in units]),
            np.zeros(len(units)),
            np.array([told[name].e_mwh for name in parties.storages]),
            np.array([unit.tank_tco2 for unit in units]),
            self._emitted_tco2(now, period),
        )

    def _emitted_tco2(self, now: DayInForce, period: int) -> float:
        """Emission of the day before a period: as metered where that is over, else as planned."""
        horizon, world = self._planner.horizon, self._ties.world
        begun = horizon.periods(now.day.number).start
        done = max(begun, min(world.periods_done, period))
        planned_t_per_h = float(now.plan.own_t_per_h[done - begun : period - begun].sum())
        # Before its first period is over, a unit has no meter.
        metered = self.emission_tco2(slice(begun, done)) if done > begun else 0.0
        return metered + planned_t_per_h * horizon.period_h


def _with_rest(values: Array, rest: Array, place: int) -> Array:
    """A series of a day with other values from a period on, shape (..., n_period)."""
    return np.concatenate([values[..., :place], rest], axis=-1)
