"""The TIES: commits and dispatches a bulk system, prices carbon, leads regional systems, and settles."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from gridarium.agents.base import on
from gridarium.agents.behaviour import Behaviour
from gridarium.agents.following import HeadCustomer
from gridarium.agents.rows import Rows
from gridarium.agents.told_loads import told_mw
from gridarium.agents.transmission.bulk_system import BulkPlan, BulkState
from gridarium.agents.transmission.called_feeders import CalledFeeders, ServedLook
from gridarium.agents.transmission.carbon_negotiation import CarbonNegotiation
from gridarium.agents.transmission.day_dispatch import CopperPlate
from gridarium.agents.transmission.emission_cap import EmissionCap
from gridarium.agents.transmission.exchange_negotiation import ExchangeNegotiation, ExchangeRules
from gridarium.agents.transmission.network_dispatch import NetworkShape
from gridarium.agents.transmission.real_time import DayInForce, Parties, RealTime, RenewalRules
from gridarium.agents.transmission.served_system import ServedSystem
from gridarium.agents.transmission.ties_day import TiesDay
from gridarium.agents.transmission.ties_negotiation import Before, Pricing, TiesNegotiation
from gridarium.agents.transmission.ties_orders import TiesOrders
from gridarium.agents.transmission.ties_planner import TiesPlanner
from gridarium.agents.transmission.ties_rows import TiesRows
from gridarium.agents.transmission.unit_negotiation import UnitNegotiation
from gridarium.environment.arrays import Array
from gridarium.environment.errors import UnheardError
from gridarium.environment.grids import Grid, Place, Site
from gridarium.environment.horizon import Horizon
from gridarium.market.accounts import CARBON, CARBON_MARKET, MAINTENANCE, WEAR
from gridarium.market.carbon_policy import shares_moved
from gridarium.market.feeder_services import FeederServices
from gridarium.market.messages.forecasts import ForecastRequest
from gridarium.market.messages.status import StorageStatus
from gridarium.market.messages.tariffs import TariffSignal
from gridarium.market.stackelberg import NegotiationRules

_TERMS_TIMEOUT_S = 600.0


@dataclass(frozen=True)
class TiesContract:
    """Whom a TIES deals with.

    Parameters
    ----------
    supplier : str
        Who supplies balancing energy at the head of its grid.
    followers : mapping of str to Place
        Who answers its signals, and where the load of each meets the grid.
    below : mapping of str to Grid
        Those of its followers who operate a grid that hangs on this one; the others can be told renewed
        prices within a day.
    services : mapping of str to FeederServices, optional
        Of those followers whose storage provider and prosumers it calls within a day; none by default.
    pool_fee_per_mwh : float, optional
        What it pays on energy that prosumers trade when called.
    """

    supplier: str
    followers: Mapping[str, Place]
    below: Mapping[str, Grid]
    services: Mapping[str, FeederServices] = field(default_factory=dict)
    pool_fee_per_mwh: float = 0.0


class Ties(HeadCustomer):
    """A leader that commits, dispatches for the loads it hears, prices their carbon, and asks again.

    - `days`: what it was told, planned and agreed, day by day

    Parameters
    ----------
    site : Site
    name : str
    shape : NetworkShape or CopperPlate
        Network, units and limits; units are named as within the grid.
    pricing : Pricing
    rules : NegotiationRules
        Of the first day; those of later days follow in steps of a day.
    contract : TiesContract
    renewal : RenewalRules
        When it plans anew within a day.
    exchange : ExchangeRules, optional
        Of exchange rounds; rounds of prices alone by default.
    cap : EmissionCap, optional
        Emission of a day that the level of all carbon prices is to bring about; none by default.
    behaviour : Behaviour, optional
    horizon : Horizon, optional
        Days and steps of its plan; settlement periods by default.
    side_searches : bool, optional
        Of its search for a commitment: see `BulkCommitter`.

    Notes
    -----
    Procedure D.2. Units are committed before the rounds, held in them, and reviewed after them. Within a day
    it is the operator of E.2, too: where the day leaves its plan (E18) it plans the rest anew with storages
    and prosumers on the feeders below (E24, E26), and calls these through the operators of the feeders.
    """

    kind = "ties"

    def __init__(
        self,
        site: Site,
        name: str,
        shape: NetworkShape | CopperPlate,
        pricing: Pricing,
        rules: NegotiationRules,
        contract: TiesContract,
        renewal: RenewalRules,
        exchange: ExchangeRules | None = None,
        cap: EmissionCap | None = None,
        behaviour: Behaviour | None = None,
        horizon: Horizon | None = None,
        side_searches: bool = True,
    ) -> None:
        super().__init__(site, name, contract.supplier, behaviour, horizon)
        self.shape, self.pricing, self.rules, self.contract = shape, pricing, rules, contract
        self._exchange, self._cap = exchange, cap
        system = shape.system
        served = ServedSystem.of(system, contract.services, contract.pool_fee_per_mwh)
        self.planner = TiesPlanner(
            self.world,
            self.name,
            shape,
            contract.followers,
            self.horizon,
            side_searches,
            served if contract.services else None,
        )
        self._called = CalledFeeders(served, contract.services, self.grid, self.horizon)
        orders = TiesOrders(system, self.grid.named)
        self._units = tuple(self.grid.named(unit.name) for unit in system.units)
        self._storages = tuple(self.grid.named(one.name) for one in system.storages)
        self._plants = tuple(self.grid.named(name) for name in system.renewables)
        renewed = tuple(name for name in contract.followers if name not in contract.below)
        parties = Parties(self._units, self._storages, self._plants, tuple(contract.followers), renewed)
        self._real_time = RealTime(self, parties, self.planner, orders, renewal, self._called)
        self.days: list[TiesDay] = []
        self._leading: TiesNegotiation
        self.storage_status: dict[tuple[str, int], StorageStatus] = {}

    @property
    def called_for_per_mwh(self) -> Array:
        """What the answers heard last call for: all its prices in one row, money/MWh."""
        return self._leading.called_for_per_mwh

    @property
    def served_looks(self) -> Sequence[ServedLook]:
        """Its dispatches with services of feeders, each with what it knew."""
        return tuple(self._called.looks)

    # The story of its days.

    def process(self) -> Generator[Any, Any, None]:
        """Each day: ask for forecasts, commit, negotiate, review, send out schedules; look at each period."""
        clock = self.world.clock
        clock.process(self._real_time.process())
        for number in range(self.horizon.n_day):
            rules = self.rules.later(number * self.horizon.day_s)
            yield clock.wait_until(max(clock.now_s, rules.opens_s))
            self.behaviour.begin_day(self, number)
            today = TiesDay(number, self.horizon, rules)
            self.days.append(today)
            yield from self._gather(today)
            self.answer_forecasts()
            asked, today.terms = yield from self.next_terms(number, clock.now_s + _TERMS_TIMEOUT_S)
            self.planner.commit(today)
            negotiation = self._leading = self._negotiation(today)
            tries = 1 if self._exchange is None else self._exchange.commitments
            yield from UnitNegotiation(self, today, self.planner, negotiation).process(tries, self._cap)
            yield from self._announce(today)
            self.tell_plan(asked, today.terms)
            yield from self._real_time.begin(today, negotiation)

    def _gather(self, today: TiesDay) -> Generator[Any, Any, None]:
        """Ask everybody what there will be; without all answers nothing can be planned."""
        members = [*self._units, *self._storages, *self._plants, *self.contract.followers]
        question = self.ask_until(
            self.rules, today.rules.closes_s, dict.fromkeys(members, ForecastRequest(today.number))
        )
        silent = yield from question.answered()
        if silent:
            raise UnheardError(self.name, "no forecast from", silent)
        told, fit = question.replies, self.horizon.fit
        today.available_mw = {name: fit(told[name].available_mw) for name in self._plants}
        loads = {name: told[name].load_mw for name in self.contract.followers}
        today.base_mw = {name: told_mw(self.horizon, name, load) for name, load in loads.items()}
        today.flexibility_mw = {name: told[name].flexibility_mw for name in self.contract.followers}
        today.loads_mw = dict(today.base_mw)
        units = [told[name] for name in self._units]
        today.unit_hours = np.array([unit.available for unit in units]) > 0.5
        before = self.days[-2] if today.number else None
        today.state = (
            BulkState(
                np.array([unit.on for unit in units]),
                np.array([unit.gross_mw for unit in units]),
                np.array([unit.hours_in_state for unit in units]),
                np.array([told[name].e_mwh for name in self._storages]),
                np.array([unit.tank_tco2 for unit in units]),
            )
            if before is None
            else self.planner.state_after(before, self._real_time.plan_of(before.number))
        )

    def _negotiation(self, today: TiesDay) -> TiesNegotiation:
        """What leads the rounds of a day, with what is known of the day before."""
        known = Before(None, np.zeros(len(today.base_mw)))
        if today.number:
            last = self.days[-2]
            known = Before(last.personal_tco2, shares_moved(last.base.sum(axis=1), last.loads.sum(axis=1)))
        pricing, rules = self.pricing, self._exchange
        if rules is None:
            return CarbonNegotiation(self, today, self.planner, pricing, known)
        replicas = {name: grid.replicas for name, grid in self.contract.below.items()}
        return ExchangeNegotiation(self, today, self.planner, pricing, known, rules, replicas)

    def _announce(self, today: TiesDay) -> Generator[Any, Any, None]:
        """Send the final signals; whoever missed the last round answers now, and the dispatch follows."""
        today.signals = {name: replace(one, final=True) for name, one in today.signals.items()}
        before = today.answered_mw = today.loads
        question = self.ask_until(self.rules, today.rules.closes_s, today.signals)
        yield from question.answered()
        today.hear(question.replies)
        if not np.array_equal(before, today.loads):
            self.planner.dispatch(today)

    # What it hears.

    @on(StorageStatus)
    def take_storage_status(self, status: StorageStatus, sender: str) -> None:
        """Keep what a storage reports."""
        self.storage_status[sender, status.period] = status

    # What it is to its own supplier.

    def head_forecast_mw(self, day: int) -> Array | None:
        """Nothing: what passes its head is balancing energy that it does not foresee."""
        return np.zeros(self.horizon.n_step) if day < len(self.days) else None

    def terms_of_day(self, day: int) -> TariffSignal:
        """What balancing energy costs."""
        return self.days[day].terms

    def head_plan_mw(self, day: int) -> Array:
        """Imports of the plan less what it spills."""
        plan = self.days[day].plan
        return plan.import_mw - plan.spill_mw

    def plan_of(self, day: int) -> BulkPlan:
        """The plan in force on a day, in settlement periods."""
        return self._real_time.plan_of(day)

    def in_force(self, day: int) -> DayInForce:
        """What a day runs by, in settlement periods."""
        return self._real_time.in_force(day)

    # What it settles.

    def settle(self, period: int) -> None:
        """Pay for balancing energy and wear; after a day's last period for the carbon of the day (D4)."""
        self.pay_head(period, self.grid.states[period].exchange_mw)
        world, ledger = self.world, self.world.ledger
        wear = self.wear_money(slice(period, period + 1))
        if wear:
            ledger.book(world.clock.now_s, self.name, MAINTENANCE, wear, WEAR, period)
        if not self.horizon.is_last(period):
            return
        day, _ = self.horizon.place(period)
        cost = self.shape.system.carbon.cost_money(self._real_time.emission_tco2(self.horizon.periods(day)))
        if cost:
            ledger.book(world.clock.now_s, self.name, CARBON_MARKET, cost, CARBON, period)

    def wear_money(self, periods: slice) -> float:
        """Wear of its storages by what their meters show (D3)."""
        meters = self.world.feed_in_meters
        priced = zip(self._storages, self.shape.system.wear_cost_per_mwh, strict=True)
        return sum(price * float(meters[name][periods].sum()) for name, price in priced) * self.world.period_h

    # What it tells of itself.

    def rows(self) -> Iterator[Rows]:
        """What passed its head, and what it has posted, negotiated, planned and shared."""
        yield from super().rows()
        plans = [self.plan_of(day.number) for day in self.days]
        moved = self._real_time.moved_mw
        yield from TiesRows(
            self.grid, self.days, plans, self.horizon, moved, self._carbon_in_price_per_mwh
        ).rows()
        yield from self._called.rows()

    def _carbon_in_price_per_mwh(self, day: TiesDay) -> Array:
        """What of a day's price of energy is its own carbon, at the factor of the dispatch."""
        factor = day.plan.factor_tco2_per_mwh
        if self.pricing.energy != "marginal-with-carbon":
            return np.zeros_like(factor)
        return self.shape.system.carbon.marginal_per_tco2(day.own_tco2) * factor
