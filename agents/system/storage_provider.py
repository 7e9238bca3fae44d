"""The energy storage provider: a storage under command, and private lines that it leases to prosumers."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gridarium.agents.base import on
from gridarium.agents.devices.commanded import CommandedAgent
from gridarium.agents.rows import Rows
from gridarium.agents.system.lease_search import LeaseSearch
from gridarium.environment.arrays import Array
from gridarium.environment.clock import DAY_S
from gridarium.environment.grids import Site
from gridarium.environment.storage import StorageFlow, StorageRatings, StorageUnit
from gridarium.market.accounts import CHARGE, DISCHARGE, LINE_FEE, MAINTENANCE, WEAR, WEAR_COMPENSATION
from gridarium.market.messages.commands import Receipt, StorageCommand
from gridarium.market.messages.forecasts import ForecastRequest, StorageOffer
from gridarium.market.messages.leasing import LeaseTerms
from gridarium.market.messages.status import StatusRequest, StorageStatus

_SOURCES = {
    "line_fees_money": (LINE_FEE,),
    "energy_margin_money": (DISCHARGE, CHARGE),
    "compensation_money": (WEAR_COMPENSATION,),
    "degradation_money": (WEAR,),
}
"""Sources of its profit, positive to it, by the purposes that its account is booked under."""

TERMS_LEAD_S, TERMS_TIMEOUT_S, RESEND_AFTER_S = 600.0, 10.0, 1.0


@dataclass(frozen=True)
class ProviderProfit:
    """Where a storage provider's profit comes from, money.

    Parameters
    ----------
    compensation_money : float
        For wear, paid by the operator.
    energy_margin_money : float
        Energy sold less energy bought.
    line_fees_money : float
        Of the lines that it leases.
    degradation_money : float
        What wear costs it; counts against the others.
    """

    compensation_money: float
    energy_margin_money: float
    line_fees_money: float
    degradation_money: float

    @property
    def total_money(self) -> float:
        """Profit."""
        return (
            self.compensation_money + self.energy_margin_money + self.line_fees_money - self.degradation_money
        )


@dataclass(frozen=True)
class LeaseDay:
    """Terms that the provider sent for a day, and line fees it has seen from the terms before, money."""

    day: int
    terms: LeaseTerms
    earned_before_money: float


@dataclass(frozen=True)
class StorageRates:
    """What the operator pays for wear, and what wear costs the provider, money per MWh in or out inside."""

    compensation_per_mwh: float = 1.43
    degradation_cost_per_mwh: float = 1.43


class StorageProvider(CommandedAgent):
    """A provider that sells the use of its storage to the operator and that of its lines to prosumers.

    Parameters
    ----------
    site : Site
    name : str
    ratings : StorageRatings
    rates : StorageRates
    leader : str
        Who commands the storage, compensates its wear and trades its energy at the marginal price.
    search : LeaseSearch, optional
        Names the terms of each day; none are sent without one.
    lessees : sequence of str
        Prosumers that hear the terms.

    Notes
    -----
    E6, E7; compensation E24. Terms go out ten minutes before each day. What the lines have earned since
    the last time is what the search learns from.
    """

    kind = "storage_provider"

    def __init__(
        self,
        site: Site,
        name: str,
        ratings: StorageRatings,
        rates: StorageRates,
        leader: str,
        search: LeaseSearch | None = None,
        lessees: Sequence[str] = (),
    ) -> None:
        super().__init__(site, name)
        world = self.world
        self.leader, self.ratings, self.rates = leader, ratings, rates
        self._unit = StorageUnit(ratings)
        self._search, self._lessees = search, tuple(lessees)
        self._flow = StorageFlow(0.0, 0.0)
        n_period = world.n_period
        self._charge_mw, self._discharge_mw = np.zeros(n_period), np.zeros(n_period)
        self._price_per_mwh = np.zeros(n_period)
        self._booked = dict.fromkeys((WEAR_COMPENSATION, DISCHARGE, CHARGE, WEAR), 0.0)
        self._fees_learned_money = 0.0
        self.leases: list[LeaseDay] = []
        self.charge_mw, self.discharge_mw = np.zeros(n_period), np.zeros(n_period)
        self.e_mwh = np.full(n_period, self._unit.e_mwh)

    def process(self) -> Generator[Any, Any, None] | None:
        """Send terms to the lessees before each day."""
        return self._lease(self._search) if self._search is not None and self._lessees else None

    def _lease(self, search: LeaseSearch) -> Generator[Any, Any, None]:
        clock = self.world.clock
        for day in range(self.horizon.n_day):
            sends_s = self.world.delivery_s + day * DAY_S - TERMS_LEAD_S
            yield clock.wait_until(max(clock.now_s, sends_s))
            earned = self._fees_money() - self._fees_learned_money
            if day:
                search.learn(earned)
            self._fees_learned_money += earned
            self.leases.append(LeaseDay(day, search.terms, earned))
            terms = dict.fromkeys(self._lessees, search.terms)
            yield from self.ask(terms, TERMS_TIMEOUT_S, RESEND_AFTER_S).answered()

    # What it hears.

    @on(ForecastRequest)
    def tell_energy(self, request: ForecastRequest, sender: str) -> StorageOffer:
        """Tell what is inside."""
        return StorageOffer(request.day, self._unit.e_mwh)

    @on(StatusRequest)
    def tell_status(self, request: StatusRequest, sender: str) -> StorageStatus:
        """Tell what the storage does now and what will be inside as the period begins."""
        period = request.period
        done = (self.charge_mw[period - 1], self.discharge_mw[period - 1]) if period else (0.0, 0.0)
        return StorageStatus(period, float(done[0]), float(done[1]), self._unit.e_mwh)

    @on(StorageCommand)
    def take_command(self, command: StorageCommand, sender: str) -> Receipt:
        """Keep the plan for the rest of the day."""
        if (ahead := self.commands.take(command)) is not None:
            self._charge_mw[ahead], self._discharge_mw[ahead] = command.charge_mw, command.discharge_mw
            self._price_per_mwh[ahead] = 0.0 if command.price_per_mwh is None else command.price_per_mwh
        return Receipt()

    # What it does.

    def operate(self, period: int) -> None:
        """Charge or discharge as commanded, as far as energy and power allow."""
        charge, discharge = self._possible_mw(period)
        self._flow = self._unit.step(charge, discharge, self.world.period_h, period)
        self.charge_mw[period], self.discharge_mw[period] = charge, discharge
        self.e_mwh[period] = self._unit.e_mwh
        self.site.supply(discharge)
        self.site.charge(self.name, charge)

    def settle(self, period: int) -> None:
        """Bill wear and energy, and write off the wear (E24)."""
        hours, price = self.world.period_h, float(self._price_per_mwh[period])
        moved = self._flow.e_in_mwh + self._flow.e_out_mwh
        rates, leader = self.rates, self.leader
        for payer, payee, amount, purpose in (
            (leader, self.name, rates.compensation_per_mwh * moved, WEAR_COMPENSATION),
            (leader, self.name, price * float(self.discharge_mw[period]) * hours, DISCHARGE),
            (self.name, leader, price * float(self.charge_mw[period]) * hours, CHARGE),
            (self.name, MAINTENANCE, rates.degradation_cost_per_mwh * moved, WEAR),
        ):
            if amount:
                self.world.ledger.book(self.world.clock.now_s, payer, payee, amount, purpose, period)
                self._booked[purpose] += amount

    def rows(self) -> Iterator[Rows]:
        """What the storage did, and what each day's terms and services earned."""
        power = {"p_supply_mw": self.discharge_mw, "p_demand_mw": self.charge_mw}
        yield Rows("dispatch", {"bus": self.site.label, **power, "e_mwh": self.e_mwh})
        power = {"p_charge_mw": self.charge_mw, "p_discharge_mw": self.discharge_mw}
        yield Rows("storages", {**power, "e_mwh": self.e_mwh})
        yield Rows("leases", self._earned_by_day(), by="row")

    def _earned_by_day(self) -> dict[str, Array]:
        """Terms of each day, nan where none were sent, and what its account shows of the day by source."""
        n_day = self.horizon.n_day
        terms = {lease.day: lease.terms for lease in self.leases}
        unknown = LeaseTerms(np.nan, np.nan, np.nan)
        told = np.array([terms.get(day, unknown) for day in range(n_day)])
        columns = dict(zip(LeaseTerms._fields, told.T, strict=True))
        booked = self.world.ledger.by_period(self.name, self.world.n_period)
        days = np.arange(self.world.n_period) // self.horizon.day_length
        for source, purposes in _SOURCES.items():
            amounts = sum((booked[purpose] for purpose in purposes if purpose in booked), np.zeros(len(days)))
            columns[source] = np.bincount(days, amounts, n_day)
        return {"day": np.arange(n_day), **columns}

    @property
    def profit(self) -> ProviderProfit:
        """Profit so far, by source."""
        booked = self._booked
        margin = booked[DISCHARGE] - booked[CHARGE]
        return ProviderProfit(booked[WEAR_COMPENSATION], margin, self._fees_money(), booked[WEAR])

    def _fees_money(self) -> float:
        """Line fees so far: what its account holds beyond what it has booked itself."""
        booked = self._booked
        own = booked[WEAR_COMPENSATION] + booked[DISCHARGE] - booked[CHARGE] - booked[WEAR]
        return self.world.ledger.balance(self.name) - own

    def _possible_mw(self, period: int) -> tuple[float, float]:
        """The commanded power, cut off where the storage is full or empty; one direction at a time, MW."""
        ratings, hours = self.ratings, self.world.period_h
        least, most = ratings.band_mwh
        net = float(self._charge_mw[period] - self._discharge_mw[period])
        room = max(0.0, most - self._unit.e_mwh) / (ratings.efficiency_charge * hours)
        stock = max(0.0, self._unit.e_mwh - least) * ratings.efficiency_discharge / hours
        charge = min(max(0.0, net), ratings.p_max_mw, room)
        return charge, min(max(0.0, -net), ratings.p_max_mw, stock)
