"""Storage owners: schedule their storage against a tariff, or let the operator of a feeder command it."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import replace
from typing import Any

from gridarium.agents.base import on
from gridarium.agents.devices.edge_link import EdgeLink, EdgeLinkTerms
from gridarium.agents.devices.storage_label import LabelTerms, StorageLabel
from gridarium.agents.rows import Rows
from gridarium.agents.storage.own_records import OwnRecords
from gridarium.agents.storage.pool_membership import OwnerTerms, PoolMembership
from gridarium.agents.storage.schedules import ArbitragePlan, Ties
from gridarium.agents.storage.stand_alone import PriceArbitrage, Regime, StandAlone, StorageHome
from gridarium.agents.storage.storage_agent import StorageAgent
from gridarium.environment.arrays import Array, series
from gridarium.environment.grids import Site
from gridarium.environment.horizon import Horizon
from gridarium.environment.storage import StorageRatings
from gridarium.market.messages.forecasts import OwnSchedule, ScheduleRequest
from gridarium.market.messages.tariffs import LoadPlan, TariffSignal
from gridarium.market.settlement import settle_wear


class StorageOwner(StorageAgent):
    """Owns a storage, lives on the tariff or under commands, and accounts for the carbon in it.

    Who is told that it schedules itself does so against each tariff that it hears, trades all energy at that
    tariff, and bears the wear. Commands go before: the operator pays for what they cost the owner.

    Parameters
    ----------
    site : Site
    name : str
    ratings : StorageRatings
    leader : str
        Who hears of each period what was done and is left.
    horizon : Horizon, optional
        Its days and steps; settlement periods by default.
    wear_cost_per_mwh : float
        Cost of each MWh that is discharged.
    ties : {"spread", "earliest", "latest"}
        Which of several schedules of equal worth it would take.
    regime : Regime, optional
        What it does by itself; arbitrage by default.
    surplus_mw : ndarray, shape (n_day * n_step,), optional
        What its panels give beyond its load, for a regime that goes by that.
    pool : OwnerTerms, optional
        With a pool that it may join; None where there is none.
    edge : EdgeLinkTerms, optional
        With an edge controller; None where there is none.
    label : LabelTerms, optional
        How what is inside is labelled as green; None where nobody counts that.
    """

    kind = "storage"

    def __init__(
        self,
        site: Site,
        name: str,
        ratings: StorageRatings,
        leader: str,
        horizon: Horizon | None = None,
        wear_cost_per_mwh: float = 0.0,
        ties: Ties = "spread",
        regime: Regime | None = None,
        surplus_mw: Array | None = None,
        pool: OwnerTerms | None = None,
        edge: EdgeLinkTerms | None = None,
        label: LabelTerms | None = None,
    ) -> None:
        super().__init__(site, name, ratings, horizon)
        days, self.leader, self._wear_cost_per_mwh = self._days, leader, wear_cost_per_mwh
        self._heard: dict[int, int] = {}
        self.mount(self.storage)
        if label is not None:
            self.storage.label = StorageLabel(ratings, label, days)
            self.mount(self.storage.label)
        self._regime, self._surplus_mw = regime or PriceArbitrage(), surplus_mw
        self._home = StorageHome(
            self.world, self.name, ratings, wear_cost_per_mwh, days.n_step, days.step_h, ties
        )
        self._membership: PoolMembership | None = None
        self._records: OwnRecords | None = None
        if pool is not None:
            self._records = OwnRecords(self, self.storage, pool.pool, pool.auditor_key)
            self._membership = PoolMembership(self, ratings, pool, self.storage.arriving_mwh, self._records)
            self.mount(self._records)
            self.mount(self._membership)
        self._edge: EdgeLink | None = None
        if edge is not None:
            self._edge = EdgeLink(self, self.storage, edge)
            self.mount(self._edge)

    def process(self) -> Generator[Any, Any, None] | None:
        """Enrol with the edge controller and register with the pool, where there are any."""
        if self._edge is not None:
            self._edge.begin()
        return None if self._membership is None else self._membership.register()

    def _alone(self, day: int) -> StandAlone:
        """Its own way of scheduling a day."""
        own = self._surplus_mw
        surplus = None if own is None else self._days.of_day(own, day)
        return self._regime.begin(replace(self._home, surplus_mw=surplus))

    @on(ScheduleRequest)
    def tell_own_schedule(self, request: ScheduleRequest, sender: str) -> OwnSchedule:
        """Tell what it would do by itself on a day at a tariff, and what that would earn."""
        e_mwh = self.storage.arriving_mwh(request.day)
        own = self._alone(request.day).plan(request.price_per_mwh, e_mwh)
        if self._membership is not None:
            self._membership.alone_money = own.earnings_money
        if request.self_scheduled and request.day not in self._heard:
            self._heard[request.day] = 0
            self.storage.plan(request.day, own.charge_mw, own.discharge_mw)
        return OwnSchedule(
            request.day, e_mwh, series(own.charge_mw), series(own.discharge_mw), own.earnings_money
        )

    @on(TariffSignal)
    def respond(self, signal: TariffSignal, sender: str) -> LoadPlan:
        """Schedule the storage against a tariff, and tell what it will draw; overtaken ones move nothing."""
        alone = self._alone(signal.day)
        own = alone.plan(signal.price_per_mwh, self.storage.arriving_mwh(signal.day))
        if signal.round >= self._heard.get(signal.day, 0):
            self._heard[signal.day] = signal.round
            self.storage.plan(signal.day, own.charge_mw, own.discharge_mw)
        return LoadPlan(series(own.net_mw))

    def schedule(self, price_per_mwh: Array, e_mwh: float, ties: Ties) -> ArbitragePlan:
        """What it could do on the last day at a tariff, with some energy at first, by a rule of ties."""
        return self._alone(self._days.n_day - 1).plan(price_per_mwh, e_mwh, ties)

    def settle(self, period: int) -> None:
        """Book the carbon of the period, record what was done, pay for own wear, and report the state.

        A unit that is out of order reports nothing.
        """
        super().settle(period)
        if self._records is not None:
            self._records.record(period)
        if self._days.place(period)[0] in self._heard:
            discharged = float(self.storage.discharge_mw[period]) * self.world.period_h
            settle_wear(
                self.world.ledger,
                self.world.clock.now_s,
                period,
                self.name,
                self._wear_cost_per_mwh * discharged,
            )
        if not self.storage.breaker.is_silent:
            self.send(self.leader, self.storage.status(period + 1))

    def rows(self) -> Iterator[Rows]:
        """What the storage did and held, and what its owner found in the records."""
        yield from super().rows()
        if self._records is not None:
            yield from self._records.rows()
