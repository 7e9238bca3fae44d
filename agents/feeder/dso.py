"""The distribution system operator: follows its supplier, leads its consumers, dispatches, settles."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from gridarium.agents.base import on
from gridarium.agents.behaviour import Behaviour, HeardLoads
from gridarium.agents.feeder.accounts import DayAccounts, DayAhead, Parties
from gridarium.agents.feeder.contract import DsoContract
from gridarium.agents.feeder.day_planner import DayPlanner
from gridarium.agents.feeder.dispatch_problem import DispatchShape
from gridarium.agents.feeder.dso_day import DsoDay
from gridarium.agents.feeder.dso_rows import DsoRows
from gridarium.agents.feeder.price_setting import BestResponse, PriceSetter, Step
from gridarium.agents.following import HeadCustomer
from gridarium.agents.questions import Question
from gridarium.agents.rows import Rows
from gridarium.environment.arrays import Array, series
from gridarium.environment.errors import MessageError
from gridarium.environment.grids import Site
from gridarium.environment.horizon import Horizon
from gridarium.market.messages.commands import PoolSchedule, RenewableSetpoint, StorageCommand
from gridarium.market.messages.forecasts import ForecastRequest
from gridarium.market.messages.status import StorageStatus
from gridarium.market.messages.tariffs import CarbonOffer, MarketConditions, TariffSignal
from gridarium.market.stackelberg import Ending, NegotiationRules, Round
from gridarium.market.tariffs import Tariff, TariffOffer


class Dso(HeadCustomer):
    """A leader that posts a tariff, listens, dispatches for the loads it hears, and posts again.

    - `days`: what it was told, planned and agreed, day by day; `today` is the one it has come to last

    Parameters
    ----------
    site : Site
    name : str
    shape : DispatchShape
        Feeder, units and limits; units are named as within the grid.
    tariff : Tariff
    rules : NegotiationRules
        Of the first day; those of later days follow in steps of a day.
    contract : DsoContract
    carbon_in_cost : bool
        Whether carbon is priced in its dispatch.
    behaviour : Behaviour, optional
    make_setter : callable, optional
        Makes what gets from answers to the next price, for each day; the damped best response by default.
    horizon : Horizon, optional
        Days and steps of its plan; settlement periods by default.

    Notes
    -----
    The agent version of the procedure C.2: publish, listen, dispatch, compare, publish again. It goes
    through it for each of its supplier's signals, and settles with its followers after the final one.
    """

    kind = "dso"

    def __init__(
        self,
        site: Site,
        name: str,
        shape: DispatchShape,
        tariff: Tariff,
        rules: NegotiationRules,
        contract: DsoContract,
        carbon_in_cost: bool,
        behaviour: Behaviour | None = None,
        make_setter: Callable[[int], PriceSetter] | None = None,
        horizon: Horizon | None = None,
    ) -> None:
        super().__init__(site, name, contract.supplier, behaviour, horizon)
        self.shape, self.tariff, self.rules, self.contract = shape, tariff, rules, contract
        self.connections = contract.places
        self._make_setter = make_setter or (lambda day: BestResponse(rules.damping))
        self._planner = DayPlanner(
            self.world, self.name, shape, tariff, contract.places, self.horizon, carbon_in_cost
        )
        self.days: list[DsoDay] = []
        self.storage_status: dict[tuple[str, int], StorageStatus] = {}

    @property
    def today(self) -> DsoDay:
        """The day that it has come to last."""
        return self.days[-1]

    # The story of its days.

    def process(self) -> Generator[Any, Any, None]:
        """Each day: ask for forecasts, negotiate under each of the supplier's signals, send out schedules."""
        for number in range(self.horizon.n_day):
            opens_s = self.rules.opens_s + number * self.horizon.day_s
            yield self.world.clock.wait_until(max(self.world.clock.now_s, opens_s))
            self.behaviour.begin_day(self, number)
            self.days.append(DsoDay(number, self._make_setter(number)))
            yield from self._gather()
            self.answer_forecasts()
            while not self.today.committed:
                yield from self._follow()
            yield from self._commit()

    def _gather(self) -> Generator[Any, Any, None]:
        today, local = self.today, [*self._units(self.shape.renewables), *self._units(self.shape.storages)]
        asked = [self.contract.carbon_market, *local, *self.connections]
        question = self._ask_until(self._closes_s(), dict.fromkeys(asked, ForecastRequest(today.number)))
        silent = yield from question.answered()
        if silent:
            raise MessageError(
                f"agent {self.name}: no forecast from {', '.join(sorted(silent))} before the gate closed"
            )
        told = question.replies
        today.carbon = told[self.contract.carbon_market]
        today.available_mw = {name: told[name].available_mw for name in self._units(self.shape.renewables)}
        today.initial_mwh = {name: told[name].e_mwh for name in self._units(self.shape.storages)}
        today.base_mw = {name: self.horizon.fit(told[name].load_mw) for name in self.connections}
        today.loads_mw = dict(today.base_mw)

    def _follow(self) -> Generator[Any, Any, None]:
        """Wait for the supplier's next signal, negotiate under it, and tell the supplier the plan."""
        today = self.today
        asked, terms = yield from self.next_terms(today.number, self._closes_s())
        today.terms, today.conditions = terms, self._conditions(terms)
        yield from self._negotiate()
        if terms.final:
            yield from self._announce()
            today.committed = True
        self.tell_plan(asked, terms)

    def _negotiate(self) -> Generator[Any, Any, None]:
        today, setter = self.today, self.today.setter
        today.plan = self._plan_day()
        price = setter.first(today.plan, today.base_mw)
        first_round = today.round
        ended: Ending = ""
        while not ended:
            step, ended = yield from self._post(price, first_round)
            if not ended:
                price = self.behaviour.choose(self, today.signal, step.price_per_mwh)
        best = setter.settle(price)
        if best is not price or not today.planned_last:
            # Time is up in the middle of a search: the plan must belong to the price that is announced.
            yield from self._post(best, first_round, ended)

    def _post(
        self, price: Array, first_round: int, ended: Ending = ""
    ) -> Generator[Any, Any, tuple[Step, Ending]]:
        """One round: publish, listen, dispatch, think."""
        today, rules, followers = self.today, self.rules, self.connections
        today.round, before = today.round + 1, today.total_mw
        today.signal = self._signal(today.round, price, today.plan.offer)
        question = self.ask(
            dict.fromkeys(followers, today.signal), rules.reply_timeout_s, rules.resend_after_s
        )
        silent = yield from question.answered()
        self._hear(question)
        planned: DayAhead | None = None
        if ended or not today.setter.may_be_refused:
            planned = self._plan_day()
        elif today.setter.needs_dispatch:
            planned = self.plan_for(self._perceived())
        step = today.setter.revise(price, today.loads_mw, silent, planned)
        today.plan, today.planned_last = planned or today.plan, planned is not None
        now = self.world.clock.now_s
        # A leader that still goes by the forecasts has heard nobody.
        missing = len(silent) if today.heard_round else len(followers)
        ended = ended or rules.ending(
            today.round - first_round,
            now - today.number * self.horizon.day_s,
            step.price_distance_per_mwh,
            missing,
        )
        today.rounds.append(
            Round(
                today.round,
                now,
                step.price_distance_per_mwh,
                float(np.abs(today.total_mw - before).max()),
                len(followers) - len(silent),
                len(silent),
                planned.dispatch.rounds if planned else 0,
                self.profit_money(price, planned) if planned else float("nan"),
                ended,
            )
        )
        return step, ended

    def _announce(self) -> Generator[Any, Any, None]:
        """Send the final tariff; whoever missed the last round answers now, and the dispatch follows."""
        today = self.today
        today.signal = replace(today.signal, final=True)
        before = today.total_mw
        question = self._ask_until(self._closes_s(), dict.fromkeys(self.connections, today.signal))
        yield from question.answered()
        self._hear(question)
        if not np.array_equal(today.total_mw, before):
            today.plan = self._plan_day()

    def _commit(self) -> Generator[Any, Any, None]:
        """Send the schedules; they are repeated until they are received or the day begins."""
        today, plan = self.today, self.today.plan
        today.accounts = self._open_accounts()
        orders: dict[str, Any] = {}
        first, hold = self.horizon.periods(today.number).start, self._held
        for row, name in enumerate(self._units(self.shape.storages)):
            orders[name] = StorageCommand(
                issue=1,
                period=first,
                charge_mw=hold(plan.dispatch.charge_mw[row]),
                discharge_mw=hold(plan.dispatch.discharge_mw[row]),
                q_mvar=hold(plan.dispatch.storage_mvar[row]),
                pool=PoolSchedule(
                    hold(plan.pool.inflow_t_per_h[row]),
                    hold(plan.pool.outflow_t_per_h[row]),
                    float(plan.pool.first_tco2[row]),
                ),
            )
        for row, name in enumerate(self._units(self.shape.renewables)):
            orders[name] = RenewableSetpoint(
                issue=1,
                period=first,
                p_mw=hold(plan.dispatch.renewable_mw[row]),
                q_mvar=hold(plan.dispatch.renewable_mvar[row]),
            )
        begins_s = self.world.delivery_s + today.number * self.horizon.day_s
        yield from self._ask_until(begins_s, orders).answered()

    def _open_accounts(self) -> DayAccounts:
        today, contract = self.today, self.contract
        consumers = tuple(name for name in self.connections if name not in contract.below)
        parties = Parties(self.name, contract.supplier, contract.carbon_market, consumers, contract.below)
        return DayAccounts(
            self.grid,
            parties,
            self.tariff,
            self._planner.dispatcher,
            today.plan,
            today.signal.price_per_mwh,
            self.told_price_per_mwh(today.terms),
            self.told_export_per_mwh(today.terms),
            self.horizon,
            today.number,
        )

    def _ask_until(self, end_s: float, payloads: Mapping[str, Any]) -> Question:
        """A question that is open until all have answered or a time comes, and at least for one timeout."""
        left = max(self.rules.reply_timeout_s, end_s - self.world.clock.now_s)
        return self.ask(payloads, left, self.rules.resend_after_s)

    def _hear(self, question: Question) -> None:
        fit = self.horizon.fit
        self.today.hear(
            {
                name: replace(
                    plan,
                    load_mw=fit(plan.load_mw),
                    load_mvar=None if plan.load_mvar is None else fit(plan.load_mvar),
                )
                for name, plan in question.replies.items()
            }
        )

    def _closes_s(self) -> float:
        """When the gate of today closes, s."""
        return self.rules.closes_s + self.today.number * self.horizon.day_s

    def _held(self, values: Array) -> Array:
        """A series of a day in steps as one of its settlement periods, for a message."""
        return series(self.horizon.by_period(values))

    def _units(self, units: Any) -> list[str]:
        """Names in the world of units of the shape."""
        return [self.grid.named(unit.name) for unit in units]

    # What it hears.

    @on(StorageStatus)
    def take_storage_status(self, status: StorageStatus, sender: str) -> None:
        """Keep what a storage reports."""
        self.storage_status[sender, status.period] = status

    # What it tells its supplier.

    def head_forecast_mw(self, day: int) -> Array | None:
        """Base loads less what renewables could deliver, within the limits of exchange."""
        if day >= len(self.days) or not self.days[day].is_known:
            return None
        known = self.days[day]
        net = sum(known.base_mw.values()) - sum(known.available_mw.values(), np.zeros(self.horizon.n_step))
        return np.clip(net, -self.shape.export_limit_mw, self.shape.import_limit_mw)

    def terms_of_day(self, day: int) -> TariffSignal:
        """The signal under which the day was settled."""
        return self.days[day].terms

    def head_plan_mw(self, day: int) -> Array:
        """What the dispatch buys less what it sells."""
        dispatch = self.days[day].plan.dispatch
        return dispatch.buy_mw - dispatch.sell_mw

    def head_plan_mvar(self, day: int) -> Array:
        """What the dispatch takes."""
        return self.days[day].plan.dispatch.grid_mvar

    # What it decides.

    def plan_for(self, loads_mw: Mapping[str, Array]) -> DayAhead | None:
        """What it would plan today if each follower drew a load; None where these cannot be supplied."""
        return self._planner.attempt(self.today, loads_mw)

    def profit_money(self, price: Array, plan: DayAhead) -> float:
        """What it would earn with a price and a plan, money per day: sales less the net cost of supply."""
        return self._planner.profit_money(price, plan)

    def _plan_day(self) -> DayAhead:
        """Dispatch, carbon pool and tariff for the loads last heard, as perceived."""
        return self._planner.plan(self.today, self._perceived())

    def _perceived(self) -> Mapping[str, Array]:
        today = self.today
        perceived = self.behaviour.perceive(self, HeardLoads(today.round, dict(today.loads_mw)))
        today.heard_round = perceived.round
        heard: Mapping[str, Array] = perceived.load_mw
        return heard

    def _conditions(self, terms: TariffSignal) -> MarketConditions:
        """Contract, supplier's terms and carbon market of today, in the steps of the plan."""
        fit, today, exported = self.horizon.fit, self.today, terms.export_price_per_mwh
        wholesale = series(fit(terms.price_per_mwh))
        return MarketConditions(
            tou_price_per_mwh=series(self.horizon.of_day(self.contract.tou_price_per_mwh, today.number)),
            wholesale_price_per_mwh=wholesale,
            export_price_per_mwh=series(np.zeros_like(wholesale) if exported is None else fit(exported)),
            grid_factor_tco2_per_mwh=series(fit(terms.factor_tco2_per_mwh)),
            carbon_price_per_tco2=today.carbon.price_per_tco2,
            quota_tco2_per_mwh=today.carbon.quota_tco2_per_mwh,
        )

    def _signal(self, round_: int, price: Array, offer: TariffOffer) -> TariffSignal:
        today = self.today
        return TariffSignal(
            round_,
            series(price),
            series(offer.factor_tco2_per_mwh),
            today.conditions.tou_price_per_mwh,
            day=today.number,
        )

    # What it does in a period.

    def operate(self, period: int) -> None:
        """Run the turbines as dispatched."""
        sites, (day, step) = dict(self.shape.sites), self.horizon.place(period)
        dispatch = self.days[day].plan.dispatch
        for row, unit in enumerate(self.shape.turbines):
            Site(self.grid, sites[unit.name]).supply(
                float(dispatch.turbine_mw[row, step]),
                float(dispatch.turbine_mvar[row, step]),
                unit.emission_tco2_per_mwh,
            )

    def settle(self, period: int) -> None:
        """Book the period as it was metered, and offer its carbon reduction."""
        reduction = self.days[self.horizon.place(period)[0]].accounts.settle(period)
        if self.tariff.trades_carbon:
            self.send(self.contract.carbon_market, CarbonOffer(period, reduction))

    # What it tells of itself.

    def rows(self) -> Iterator[Rows]:
        """What passed its head, and what it has posted, negotiated, planned, sold and settled."""
        yield from super().rows()
        own = DsoRows(self.grid, self.name, self.shape, self.contract, self.horizon, self.days)
        yield from own.rows()
