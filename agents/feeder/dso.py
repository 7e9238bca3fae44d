"""The distribution system operator: follows its supplier, leads its consumers, dispatches, settles."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping
from copy import copy
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from gridarium.agents.base import on
from gridarium.agents.behaviour import Behaviour
from gridarium.agents.feeder.accounts import DayAccounts, DayAhead, DayDues
from gridarium.agents.feeder.best_response import BestResponse
from gridarium.agents.feeder.carbon_pool import CarbonPoolPlan, PoolTerms
from gridarium.agents.feeder.contract import DsoContract
from gridarium.agents.feeder.day_gathering import gather_day
from gridarium.agents.feeder.day_planner import DayPlanner
from gridarium.agents.feeder.dispatch_orders import orders_of_day
from gridarium.agents.feeder.dispatch_problem import DispatchShape
from gridarium.agents.feeder.dso_day import DsoDay
from gridarium.agents.feeder.dso_rows import DsoRows
from gridarium.agents.feeder.edge_desk import open_desk
from gridarium.agents.feeder.hedging import HedgeTerms
from gridarium.agents.feeder.outage_dispatch import OutageDispatch
from gridarium.agents.feeder.pooled_storages import PooledStorages
from gridarium.agents.feeder.price_setting import PriceSetter
from gridarium.agents.feeder.service_relay import ServiceRelay
from gridarium.agents.feeder.set_points import SetPoints, Trial
from gridarium.agents.feeder.tariff_negotiation import (
    TariffNegotiation,
    revise_units,
    told_signals,
)
from gridarium.agents.following import HeadCustomer
from gridarium.agents.leading import lead
from gridarium.agents.rows import Rows
from gridarium.environment.arrays import Array
from gridarium.environment.grids import Site
from gridarium.environment.horizon import Horizon
from gridarium.market.messages.status import StorageStatus
from gridarium.market.messages.tariffs import CarbonOffer, TariffSignal
from gridarium.market.stackelberg import NegotiationRules
from gridarium.market.tariffs import Tariff


class Dso(HeadCustomer):
    """A leader that posts a tariff, listens, dispatches for the loads it hears, and posts again.

    - `pooled`, `outages`, `services`: its sides of pool, edge controller and services, where there are any
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
        Makes what gets from answers to the next price, for each day; the best response by default.
    horizon : Horizon, optional
        Days and steps of its plan; settlement periods by default.
    pool_terms : PoolTerms, optional
        Of its managed carbon pools.
    hedge_terms : HedgeTerms, optional
        How it plans storages for what it does not know; by the forecast alone by default.

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
        pool_terms: PoolTerms | None = None,
        hedge_terms: HedgeTerms | None = None,
    ) -> None:
        super().__init__(site, name, contract.supplier, behaviour, horizon)
        self.shape, self.tariff, self.rules, self.contract = shape, tariff, rules, contract
        self.connections = contract.places
        self._make_setter = make_setter or (lambda day: BestResponse.by(rules))
        self._planner = DayPlanner(
            self.world,
            self.name,
            shape,
            tariff,
            contract.loads,
            self.horizon,
            carbon_in_cost,
            pool_terms or PoolTerms(),
            contract.own_storages,
        )
        self._ask_until = partial(self.ask_until, rules)
        terms, own = contract.storage_pool, contract.own_storages
        self.pooled = PooledStorages(self, own, self._planner, terms, self._ask_until) if terms else None
        self._hedge_terms = hedge_terms
        self.days: list[DsoDay] = []
        self.storage_status: dict[tuple[str, int], StorageStatus] = {}
        self.services = ServiceRelay.at(self, self.days, self._planner, contract.services)
        self.outages = OutageDispatch.at(open_desk(self, contract.edge), self, self._planner, self._ask_until)

    @property
    def today(self) -> DsoDay:
        """The day that it has come to last."""
        return self.days[-1]

    # The story of its days.

    def process(self) -> Generator[Any, Any, None]:
        """Each day: ask for forecasts, negotiate under each of the supplier's signals, send out schedules."""
        for number in range(self.horizon.n_day):
            rules = self.rules.later(number * self.horizon.day_s)
            yield self.world.clock.wait_until(max(self.world.clock.now_s, rules.opens_s))
            self.behaviour.begin_day(self, number)
            today = DsoDay(number, self.horizon, rules, self._make_setter(number))
            self.days.append(today)
            yield from gather_day(
                self, self.contract, self.shape, self.pooled, today, self._ask_until, self._hedge_terms
            )
            self.answer_forecasts()
            negotiation = TariffNegotiation(self, today, self._planner, self._hearers())
            while not today.committed:
                yield from self._follow(today, negotiation)
            yield from self._commit(today)

    def _follow(self, today: DsoDay, negotiation: TariffNegotiation) -> Generator[Any, Any, None]:
        """Wait for the supplier's next signal, negotiate under it, and tell the supplier the plan."""
        asked, terms = yield from self.next_terms(today.number, today.rules.closes_s)
        today.take_terms(terms, self.contract, self.grid.replicas, self.name)
        if today.commitment is None:
            negotiation.review(commits=True)
        today.outlook = self._planner.look_ahead(today, self.days[-2] if today.number else None)
        led = yield from lead(self, negotiation, today.rules, len(today.rounds))
        today.rounds += led.rounds
        yield from revise_units(self, today, negotiation)
        if terms.final:
            yield from self._announce(today, negotiation)
            if self._hedge_terms:
                self._planner.hedge(today, self._hedge_terms)
            today.committed = True
        self.tell_plan(asked, terms)

    def _announce(self, today: DsoDay, negotiation: TariffNegotiation) -> Generator[Any, Any, None]:
        """Send the final tariff; whoever missed the last round answers now, and the dispatch follows."""
        today.signal, before = replace(today.signal, final=True), (today.total_mw, today.own_mw)
        told = told_signals(today.signal, self._hearers(), today.owners_mw)
        question = self._ask_until(today.rules.closes_s, told)
        yield from question.answered()
        today.hear(question.replies)
        if not all(map(np.array_equal, (today.total_mw, today.own_mw), before)):
            today.plan = negotiation.plan()
            negotiation.review(commits=False)

    def _commit(self, today: DsoDay) -> Generator[Any, Any, None]:
        """Send the schedules; they are repeated until they are received or the day begins."""
        today.accounts = DayAccounts(
            self.grid,
            self.name,
            self.contract,
            self.tariff,
            self._planner.dispatcher,
            today.plan,
            today.signal,
            self.horizon,
            self._hearers(),
            DayDues(
                tuple(today.owners_mw),
                self.pooled.owed_money(today) if self.pooled else today.owed_money(today.own),
                today.curtailment,
                today.terms if self.contract.carbon_market is None else None,
            ),
        )
        orders = orders_of_day(today, self.shape, self.horizon, self.grid.named)
        if self.pooled:
            self.pooled.record(orders)
        told = orders if self.outages is None else (yield from self.outages.copied(today, orders))
        begins_s = self.world.delivery_s + today.number * self.horizon.day_s
        yield from self._ask_until(begins_s, told).answered()

    def _hearers(self) -> dict[str, Array]:
        """Whoever answers its tariff, and how what each draws spreads over the buses, shape (n_bus,)."""
        shares = {name: place.p_share for name, place in self.connections.items()}
        return shares | self.today.owners_shares(self.shape.feeder.n_bus)

    # What it hears.

    @on(StorageStatus)
    def take_storage_status(self, status: StorageStatus, sender: str) -> None:
        """Keep what a storage reports."""
        self.storage_status[sender, status.period] = status

    # What it tells its supplier.

    def head_forecast_mw(self, day: int) -> Array | None:
        """Base loads and owners' storages less what renewables could deliver, within limits of exchange."""
        if day >= len(self.days) or not self.days[day].is_known:
            return None
        known = self.days[day]
        available = sum(known.available_mw.values(), np.zeros(self.horizon.n_step))
        net: Array = sum(known.base_mw.values()) + known.own_mw.sum(axis=0) - available
        return np.clip(net, -self.shape.export_limit_mw, self.shape.import_limit_mw)

    def known_deviation_mw(self, period: int) -> float:
        """What prosumers lack beyond what was planned for them, before they trade."""
        day = self.days[self.horizon.place(period)[0]]
        return self.services.deviation_mw(period, day) if self.services else 0.0

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

    @property
    def called_for_per_mwh(self) -> Array:
        """The price that the loads heard last call for, money/MWh, shape (n_step,) or (n_bus, n_step)."""
        return self.today.plan.offer.price_per_mwh

    def plan_for(self, loads_mw: Mapping[str, Array], pool: CarbonPoolPlan | None = None) -> DayAhead | None:
        """What it would plan today for loads, and for flows of the pools if given; None without supply."""
        return self._planner.attempt(self.today, {**loads_mw, **self.today.served_mw}, pool)

    def plan_with(self, owners_mw: Mapping[str, Array]) -> tuple[DayAhead, float]:
        """What it would plan today for other schedules of owners, and how many MWh of these it would change.

        Raises
        ------
        InfeasibleError
            If the loads cannot be supplied however storages are moved.
        """
        other = copy(self.today)
        other.owners_mw, other.redispatched_mw = dict(owners_mw), None
        planned = self._planner.plan(other, other.loads_mw)
        return planned, float(np.abs(other.own_mw - other.wanted_mw).sum()) * self.horizon.step_h

    def try_out(self, loads_mw: Mapping[str, Array], points: SetPoints) -> Trial | None:
        """The dispatch nearest to set points today for some loads; None where these cannot be supplied."""
        return self._planner.try_out(self.today, {**loads_mw, **self.today.served_mw}, points)

    def profit_money(self, price: Array, plan: DayAhead) -> float:
        """What it would earn with a price and a plan, money per day: sales less the net cost of supply."""
        return self._planner.profit_money(price, plan)

    # What it does in a period.

    def settle(self, period: int) -> None:
        """Book the period as it was metered, and offer its carbon reduction."""
        self.pay_head(period, self.grid.states[period].exchange_mw)
        day = self.days[self.horizon.place(period)[0]]
        if self.services:
            self.services.settle(period, *self.told_prices_per_mwh(period))
        reduction = day.accounts.settle(period)
        if self.tariff.trades_carbon and self.contract.carbon_market is not None:
            self.send(self.contract.carbon_market, CarbonOffer(period, reduction))
        if self.pooled is not None and self.horizon.is_last(period):
            self.pooled.settle(day, period)

    # What it tells of itself.

    def rows(self) -> Iterator[Rows]:
        """What passed its head, and what it has posted, negotiated, planned, sold and settled."""
        yield from super().rows()
        yield from self.outages.rows() if self.outages else ()
        yield from self.services.rows() if self.services else ()
        yield from DsoRows(
            self.grid, self.name, self.shape, self.contract, self.horizon, self.days, self._hearers()
        ).rows()
