"""The energy storage provider: a storage under command, and private lines that it leases to prosumers."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gridarium.agents.base import GridAgent
from gridarium.agents.devices.storage import StorageDevice
from gridarium.agents.devices.storage_carbon import StorageCarbon
from gridarium.agents.rows import Rows
from gridarium.agents.storage.lease_search import LeaseSearch
from gridarium.environment.arrays import Array
from gridarium.environment.clock import DAY_S
from gridarium.environment.grids import Site
from gridarium.environment.horizon import Horizon
from gridarium.environment.storage import StorageRatings
from gridarium.market.accounts import CHARGE, DISCHARGE, LINE_FEE, WEAR, WEAR_COMPENSATION
from gridarium.market.messages.leasing import LeaseTerms
from gridarium.market.settlement import StorageAccount, StorageRates, settle_storage

_SOURCES = {
    "line_fees_money": (LINE_FEE,),
    "energy_margin_money": (DISCHARGE, CHARGE),
    "compensation_money": (WEAR_COMPENSATION,),
    "degradation_money": (WEAR,),
}
"""Sources of its profit, positive to it, by the purposes that its account is booked under."""

TERMS_LEAD_S, TERMS_TIMEOUT_S, RESEND_AFTER_S = 600.0, 10.0, 1.0


@dataclass(frozen=True)
class LeaseDay:
    """Terms that the provider sent for a day, and line fees it has seen from the terms before, money."""

    day: int
    terms: LeaseTerms
    earned_before_money: float


class StorageProvider(GridAgent):
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
    traces_carbon : bool
        Whether it accounts for the carbon of the energy in its storage; else what it gives is free of carbon.

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
        traces_carbon: bool = False,
    ) -> None:
        super().__init__(site, name)
        self.horizon = Horizon.of(self.world)
        first_mwh = ratings.soc_initial * ratings.e_max_mwh
        carbon = StorageCarbon(name, first_mwh, self.horizon) if traces_carbon else None
        self.storage = StorageDevice(site, self.name, ratings, self.horizon, carbon)
        self.mount(self.storage)
        self._leader, self._rates = leader, rates
        self._search, self._lessees = search, tuple(lessees)
        self.leases: list[LeaseDay] = []

    def process(self) -> Generator[Any, Any, None] | None:
        """Send terms to the lessees before each day."""
        return self._lease(self._search) if self._search is not None and self._lessees else None

    def _lease(self, search: LeaseSearch) -> Generator[Any, Any, None]:
        clock, learned_money = self.world.clock, 0.0
        for day in range(self.horizon.n_day):
            sends_s = self.world.delivery_s + day * DAY_S - TERMS_LEAD_S
            yield clock.wait_until(max(clock.now_s, sends_s))
            earned = self._fees_money() - learned_money
            if day:
                search.learn(earned)
            learned_money += earned
            self.leases.append(LeaseDay(day, search.terms, earned))
            terms = dict.fromkeys(self._lessees, search.terms)
            yield from self.ask(terms, TERMS_TIMEOUT_S, RESEND_AFTER_S).answered()

    def operate(self, period: int) -> None:
        """Charge or discharge as commanded."""
        self.storage.operate(period)

    def settle(self, period: int) -> None:
        """Bill wear and energy, and write off the wear (E24)."""
        storage, hours = self.storage, self.world.period_h
        storage.settle(period)
        account = StorageAccount(
            time_s=self.world.clock.now_s,
            period=period,
            owner=self.name,
            operator=self._leader,
            moved_mwh=storage.flow.e_in_mwh + storage.flow.e_out_mwh,
            charged_mwh=float(storage.charge_mw[period]) * hours,
            discharged_mwh=float(storage.discharge_mw[period]) * hours,
            price_per_mwh=float(storage.price_per_mwh[period]),
            rates=self._rates,
        )
        settle_storage(self.world.ledger, account)

    def rows(self) -> Iterator[Rows]:
        """What the storage did, and what each day's terms and services earned."""
        yield from self.storage.rows()
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

    def _fees_money(self) -> float:
        """Line fees so far, as its account shows."""
        booked = self.world.ledger.by_period(self.name, self.world.n_period)
        return float(booked[LINE_FEE].sum()) if LINE_FEE in booked else 0.0
