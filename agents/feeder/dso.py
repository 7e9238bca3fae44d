"""The distribution system operator: leads the negotiation, dispatches the feeder, settles the day."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from gridarium.agents.base import GridAgent, on
from gridarium.agents.behaviour import Behaviour, HeardLoads
from gridarium.agents.feeder.accounts import DayAccounts, DayAhead
from gridarium.agents.feeder.carbon_pool import CarbonPool
from gridarium.agents.feeder.connection import Connection
from gridarium.agents.feeder.dispatch import Dispatch, DispatchDay, Dispatcher, dispatch_form
from gridarium.agents.feeder.dispatch_problem import DispatchShape
from gridarium.agents.feeder.price_setting import BestResponse, PriceSetter, Step
from gridarium.agents.optimisation import LocalProblem
from gridarium.agents.questions import Question
from gridarium.environment.arrays import Array, series
from gridarium.environment.errors import MessageError
from gridarium.environment.world import World
from gridarium.market.messages.commands import PoolSchedule, RenewableSetpoint, StorageCommand
from gridarium.market.messages.forecasts import ForecastRequest
from gridarium.market.messages.status import StorageStatus
from gridarium.market.messages.tariffs import CarbonOffer, MarketConditions, TariffSignal
from gridarium.market.stackelberg import Ending, NegotiationRules, Round
from gridarium.market.supply import Situation
from gridarium.market.tariffs import Offer, Tariff


class Dso(GridAgent):
    """A leader that posts a tariff, listens, dispatches for the loads it hears, and posts again.

    Parameters
    ----------
    world : World
    name : str
    shape : DispatchShape
        Feeder, units and limits.
    tariff : Tariff
    rules : NegotiationRules
    connections : mapping of str to Connection
        Its consumers by name.
    market : str
        Name of the upstream market.
    carbon_in_cost : bool
        Whether carbon is priced in its dispatch.
    behaviour : Behaviour, optional
    setter : PriceSetter, optional
        How it gets from answers to the next price; the damped best response by default.

    Notes
    -----
    The agent version of the procedure C.2: publish, listen, dispatch, compare, publish again.
    """

    def __init__(
        self,
        world: World,
        name: str,
        shape: DispatchShape,
        tariff: Tariff,
        rules: NegotiationRules,
        connections: Mapping[str, Connection],
        market: str,
        carbon_in_cost: bool,
        behaviour: Behaviour | None = None,
        setter: PriceSetter | None = None,
    ) -> None:
        super().__init__(world, name, behaviour)
        self.shape, self.tariff, self.rules = shape, tariff, rules
        self.setter: PriceSetter = setter or BestResponse(rules.damping)
        self.rounds: list[Round] = []
        self.plan: DayAhead
        self.signal: TariffSignal
        self.accounts: DayAccounts
        self.connections, self._market, self._carbon_in_cost = connections, market, carbon_in_cost
        problem = world.shared(shape, lambda: LocalProblem(dispatch_form(shape)))
        self._dispatcher = Dispatcher(name, shape, problem)
        self._conditions: MarketConditions
        self._available: dict[str, Array] = {}
        self._initial_mwh: dict[str, float] = {}
        self._base: dict[str, Array] = {}
        self._loads: dict[str, Array] = {}
        self._round = 0
        self._heard_round = 0
        self._planned_last = False
        self._pool = CarbonPool(world, name, shape.storages, tariff.pool)
        self.storage_status: dict[tuple[str, int], StorageStatus] = {}

    # The story of a day.

    def process(self) -> Generator[Any, Any, None]:
        """Ask for forecasts, negotiate the tariff, announce it, then send out schedules."""
        yield self.world.clock.wait_until(self.rules.opens_s)
        yield from self._gather()
        yield from self._negotiate()
        yield from self._announce()
        yield from self._commit()

    def _gather(self) -> Generator[Any, Any, None]:
        asked = [
            self._market,
            *(unit.name for unit in self.shape.renewables),
            *(unit.name for unit in self.shape.storages),
            *self.connections,
        ]
        question = self._ask_until(self.rules.closes_s, dict.fromkeys(asked, ForecastRequest(0)))
        silent = yield from question.answered()
        if silent:
            raise MessageError(
                f"agent {self.name}: no forecast from {', '.join(sorted(silent))} before the gate closed"
            )
        told = question.replies
        self._conditions = told[self._market]
        self._available = {unit.name: told[unit.name].available_mw for unit in self.shape.renewables}
        self._initial_mwh = {unit.name: told[unit.name].e_mwh for unit in self.shape.storages}
        self._base = {name: told[name].load_mw for name in self.connections}
        self._loads = dict(self._base)

    def _negotiate(self) -> Generator[Any, Any, None]:
        self.plan = self._plan_day()
        price = self.setter.first(self.plan, self._base)
        ended: Ending = ""
        while not ended:
            step, ended = yield from self._post(price)
            if not ended:
                price = self.behaviour.choose(self, self.signal, step.price_per_mwh)
        best = self.setter.settle(price)
        if best is not price or not self._planned_last:
            # Time is up in the middle of a search: the plan must belong to the price that is announced.
            yield from self._post(best, ended)

    def _post(self, price: Array, ended: Ending = "") -> Generator[Any, Any, tuple[Step, Ending]]:
        """One round: publish, listen, dispatch, think."""
        self._round += 1
        before = self._total_load()
        self.signal = self._signal(price, self.plan.offer)
        rules, follower = self.rules, self.connections
        question = self.ask(dict.fromkeys(follower, self.signal), rules.reply_timeout_s, rules.resend_after_s)
        silent = yield from question.answered()
        self._hear_plans(question)
        planned: DayAhead | None = None
        if ended or not self.setter.may_be_refused:
            planned = self._plan_day()
        elif self.setter.needs_dispatch:
            planned = self.plan_for(self._perceived())
        step = self.setter.revise(price, self._loads, silent, planned)
        self.plan, self._planned_last = planned or self.plan, planned is not None
        now = self.world.clock.now_s
        # A leader that still goes by the forecasts has heard nobody.
        missing = len(silent) if self._heard_round else len(follower)
        ended = ended or rules.ending(self._round, now, step.price_distance_per_mwh, missing)
        self.rounds.append(
            Round(
                self._round,
                now,
                step.price_distance_per_mwh,
                float(np.abs(self._total_load() - before).max()),
                len(follower) - len(silent),
                len(silent),
                planned.dispatch.rounds if planned else 0,
                self.profit_money(price, planned) if planned else float("nan"),
                ended,
            )
        )
        return step, ended

    def _announce(self) -> Generator[Any, Any, None]:
        """Send the final tariff; whoever missed the last round answers now, and the dispatch follows."""
        self.signal = replace(self.signal, final=True)
        before = self._total_load()
        question = self._ask_until(self.rules.closes_s, dict.fromkeys(self.connections, self.signal))
        yield from question.answered()
        self._hear_plans(question)
        if not np.array_equal(self._total_load(), before):
            self.plan = self._plan_day()

    def _commit(self) -> Generator[Any, Any, None]:
        """Send the schedules; they are repeated until they are received or the day begins."""
        plan = self.plan
        self.accounts = DayAccounts(
            self.world,
            self.name,
            self.tariff,
            self._dispatcher,
            plan,
            self.signal.price_per_mwh,
            tuple(self.connections),
        )
        orders: dict[str, Any] = {}
        for row, unit in enumerate(self.shape.storages):
            orders[unit.name] = StorageCommand(
                issue=1,
                period=0,
                charge_mw=series(plan.dispatch.charge_mw[row]),
                discharge_mw=series(plan.dispatch.discharge_mw[row]),
                q_mvar=series(plan.dispatch.storage_mvar[row]),
                pool=PoolSchedule(
                    series(plan.pool.inflow_t_per_h[row]),
                    series(plan.pool.outflow_t_per_h[row]),
                    float(plan.pool.first_tco2[row]),
                ),
            )
        for row, plant in enumerate(self.shape.renewables):
            orders[plant.name] = RenewableSetpoint(
                issue=1,
                period=0,
                p_mw=series(plan.dispatch.renewable_mw[row]),
                q_mvar=series(plan.dispatch.renewable_mvar[row]),
            )
        yield from self._ask_until(self.world.delivery_s, orders).answered()

    def _ask_until(self, end_s: float, payloads: Mapping[str, Any]) -> Question:
        """A question that is open until all have answered or a time comes, and at least for one timeout."""
        left = max(self.rules.reply_timeout_s, end_s - self.world.clock.now_s)
        return self.ask(payloads, left, self.rules.resend_after_s)

    def _hear_plans(self, question: Question) -> None:
        """Take the loads that consumers have planned; who stayed silent is taken to keep to the last one."""
        self._loads |= {name: plan.load_mw for name, plan in question.replies.items()}

    # What it hears.

    @on(StorageStatus)
    def take_storage_status(self, status: StorageStatus, sender: str) -> None:
        """Keep what a storage reports."""
        self.storage_status[sender, status.period] = status

    # What it decides.

    def _total_load(self) -> Array:
        return np.asarray(sum(self._loads.values()))

    def plan_for(self, loads_mw: Mapping[str, Array]) -> DayAhead | None:
        """What it would plan if each consumer drew a load; None where these loads cannot be supplied."""
        day = self._day(loads_mw)
        dispatch = self._dispatcher.attempt(day)
        return None if dispatch is None else self._planned(dispatch, day, loads_mw)

    def profit_money(self, price: Array, plan: DayAhead) -> float:
        """What it would earn with a price and a plan, money per day: sales less the net cost of supply."""
        sales = float(price @ plan.situation.load_mw) * self.world.period_h
        return sales - plan.net_cost_money(self.tariff.trades_carbon and self._carbon_in_cost)

    def _plan_day(self) -> DayAhead:
        """Dispatch, carbon pool and tariff for the loads last heard, as perceived."""
        heard = self._perceived()
        day = self._day(heard)
        return self._planned(self._dispatcher.solve(day), day, heard)

    def _perceived(self) -> Mapping[str, Array]:
        perceived = self.behaviour.perceive(self, HeardLoads(self._round, dict(self._loads)))
        self._heard_round = perceived.round
        heard: Mapping[str, Array] = perceived.load_mw
        return heard

    def _day(self, heard: Mapping[str, Array]) -> DispatchDay:
        """What is to be dispatched for some loads."""
        shape = self.shape
        p_mw = np.zeros((shape.feeder.n_bus, self.world.n_period))
        q_mvar = np.zeros_like(p_mw)
        for name, load in heard.items():
            connection = self.connections[name]
            p_mw += np.outer(connection.p_share, load)
            q_mvar += np.outer(connection.p_share * connection.q_per_p, load)
        available = [self._available[unit.name] for unit in shape.renewables]
        return DispatchDay(
            self._conditions,
            p_mw,
            q_mvar,
            np.array(available).reshape(len(available), self.world.n_period),
            np.array([self._initial_mwh[unit.name] for unit in shape.storages]),
            self._carbon_in_cost,
        )

    def _planned(self, dispatch: Dispatch, day: DispatchDay, heard: Mapping[str, Array]) -> DayAhead:
        """Carbon pool and tariff that go with a dispatch."""
        conditions, load = self._conditions, np.asarray(sum(heard.values()))
        supply = self._dispatcher.supply(dispatch, conditions)
        pool = self._pool.allocate(dispatch, supply, load, conditions.quota_tco2_per_mwh)
        situation = Situation(
            conditions=conditions,
            supply=supply,
            load_mw=load,
            base_mw=np.asarray(sum(self._base.values())),
            charge_mw=dispatch.charge_mw.sum(axis=0),
            available_mw=day.available_mw.sum(axis=0),
            pool_in_t_per_h=pool.inflow_t_per_h.sum(axis=0),
            pool_out_t_per_h=pool.outflow_t_per_h.sum(axis=0),
            period_h=self.world.period_h,
        )
        return DayAhead(dispatch, pool, self.tariff.offer(situation), situation)

    def _signal(self, price: Array, offer: Offer) -> TariffSignal:
        return TariffSignal(
            self._round,
            series(price),
            series(offer.factor_tco2_per_mwh),
            self._conditions.tou_price_per_mwh,
        )

    # What it does in a period.

    def operate(self, period: int) -> None:
        """Run the turbines as dispatched."""
        sites = dict(self.shape.sites)
        for row, unit in enumerate(self.shape.turbines):
            self.world.injections.supply(
                sites[unit.name],
                float(self.plan.dispatch.turbine_mw[row, period]),
                float(self.plan.dispatch.turbine_mvar[row, period]),
                unit.emission_tco2_per_mwh,
            )

    def settle(self, period: int) -> None:
        """Book the period as it was metered, and offer its carbon reduction."""
        reduction = self.accounts.settle(period)
        if self.tariff.trades_carbon:
            self.send(self._market, CarbonOffer(period, reduction))
