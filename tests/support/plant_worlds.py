"""A virtual power plant, its pool and its owners beside an operator that posts what it is given."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from gridarium.agents.base import GridAgent, on
from gridarium.agents.devices.storage_label import LabelRule, LabelTerms
from gridarium.agents.devices.system_load import SystemLoad
from gridarium.agents.storage.pool_membership import OwnerTerms
from gridarium.agents.storage.stand_alone import Idle
from gridarium.agents.storage.storage_owner import StorageOwner
from gridarium.agents.storage.storage_pool import PoolRules, StoragePool
from gridarium.agents.vpp.books import PlantRegion
from gridarium.agents.vpp.fleet_start import PlantStorage
from gridarium.agents.vpp.planners import ByShares, VppPlanner
from gridarium.agents.vpp.plant import PlantContract, VirtualPowerPlant
from gridarium.environment.arrays import Array, series
from gridarium.environment.clock import Clock
from gridarium.environment.grids import Grid, Site
from gridarium.environment.horizon import Horizon
from gridarium.environment.message_bus import LinkQuality
from gridarium.environment.storage import StorageRatings
from gridarium.environment.world import World
from gridarium.market.accounts import REGION_PURCHASE, REGION_SALE
from gridarium.market.cleanness import Pricing, cleanness_price_per_mwh
from gridarium.market.green_certificates import GreenCertificates
from gridarium.market.messages.cleanness import (
    CleannessSignal,
    EnvironmentalReport,
    GreenDelivery,
    RegionPlans,
    RegionTerms,
)
from gridarium.market.messages.commands import Receipt
from gridarium.market.pool_settlement import settle_cleanness
from gridarium.market.pool_splits import Shapley, SplitRule
from gridarium.market.stackelberg import NegotiationRules
from gridarium.market.storage_pooling import ClassRules
from small_cases import two_buses

N_STEP, STEP_H = 6, 4.0
LOAD_MW = {"r1": np.array([0.4, 0.5, 0.9, 1.0, 0.9, 0.6]), "r2": np.array([0.3, 0.4, 0.6, 0.8, 0.9, 0.5])}
PRICE = {
    "r1": np.array([260.0, 260.0, 430.0, 700.0, 700.0, 430.0]),
    "r2": np.array([240.0, 260.0, 470.0, 600.0, 760.0, 430.0]),
}
GREEN_SHARE = np.array([0.3, 0.35, 0.55, 0.65, 0.45, 0.3])
INITIAL_PRICE = np.array([53.0, 52.0, 44.0, 36.0, 46.0, 53.0])
OWNERS = {"a1": ("r1", 0.6), "a2": ("r1", 1.2), "b1": ("r2", 0.5), "b2": ("r2", 1.0)}
"""Region and capacity of each, MWh."""


def ratings(name: str, e_mwh: float) -> StorageRatings:
    return StorageRatings(name, 0.25 * e_mwh, e_mwh, 0.1, 0.9, 0.5, 0.95, 0.95, 0.25 * e_mwh)


class PostingOperator(GridAgent):
    """Posts terms so many times a day, settles with the plant, and tells it what it has paid."""

    kind = "distribution_operator"

    def __init__(
        self, site: Site, horizon: Horizon, pricing: Pricing, load_share: float, rounds: int, days_ahead: int
    ) -> None:
        super().__init__(site, "operator")
        self._horizon, self._pricing, self._share = horizon, pricing, load_share
        self._rounds, self._days_ahead = rounds, days_ahead
        self.answers: list[tuple[CleannessSignal, RegionPlans]] = []
        self.final: dict[int, CleannessSignal] = {}
        self._certificates = GreenCertificates(self.world.records)
        self._handed: set[int] = set()
        self.paid = np.zeros((2, horizon.n_day))

    def process(self) -> Generator[Any, Any, None]:
        for day in range(self._horizon.n_day):
            yield self.world.clock.wait_until(max(self.world.clock.now_s, 10.0 + day * self._horizon.day_s))
            ahead = min(self._days_ahead, self._horizon.n_day - day)
            green = np.zeros((2, ahead * N_STEP))
            for number in range(1, self._rounds + 2):
                signal = self._signal(day, number, green, ahead)
                question = self.ask({"vpp": signal}, 100.0, 1.0)
                yield from question.answered()
                if (answer := question.replies.get("vpp")) is not None:
                    self.answers.append((signal, answer))
                    green = answer.green_discharge_mw
            self.final[day] = signal

    def _signal(self, day: int, number: int, green: Array, ahead: int) -> CleannessSignal:
        regions = []
        for row, name in enumerate(LOAD_MW):
            load, price = np.tile(LOAD_MW[name], ahead), np.tile(PRICE[name], ahead)
            initial = np.tile(INITIAL_PRICE, ahead)
            nodal = cleanness_price_per_mwh(self._pricing, initial, load, green[row])
            told = (
                self._share * load, price, 0.8 * price, initial, nodal,
                0.6 * (1.0 - green[row] / load), (1.0 - self._share) * load, np.zeros_like(load),
            )  # fmt: skip
            regions.append(RegionTerms(name, *map(series, told)))
        share, final = series(np.tile(GREEN_SHARE, ahead)), number > self._rounds
        return CleannessSignal(number, day, tuple(regions), share, self._pricing, final)

    @on(GreenDelivery)
    def take(self, delivery: GreenDelivery, sender: str) -> Receipt:
        day, step = self._horizon.place(delivery.period)
        if delivery.period not in self._handed:
            self._handed.add(delivery.period)
            for region, number in delivery.certificates:
                mwh, now_s = self._certificates.held_mwh(number, self.name), self.world.clock.now_s
                self._certificates.cancel(now_s, number, self.name, mwh)
                (terms,) = (one for one in self.final[day].regions if one.region == region)
                money = float(terms.nodal_price_per_mwh[step]) * mwh
                settle_cleanness(self.world.ledger, now_s, delivery.period, self.name, sender, money)
                self.paid[:, day] += money, mwh
            if self._horizon.is_last(delivery.period):
                self.send(sender, EnvironmentalReport(day, *self.paid[:, day].tolist()))
        return Receipt()

    def settle(self, period: int) -> None:
        step = self._horizon.place(period)[1]
        for region, load in LOAD_MW.items():
            owners = [name for name, (place, _) in OWNERS.items() if place == region]
            drawn, fed_in = (
                sum(float(meters[name][period]) for name in owners if name in meters)
                for meters in (self.world.meters, self.world.feed_in_meters)
            )
            net, price = self._share * load[step] + drawn - fed_in, float(PRICE[region][step])
            now_s, ledger = self.world.clock.now_s, self.world.ledger
            if net > 0.0:
                ledger.book(now_s, "vpp", self.name, net * price * STEP_H, REGION_PURCHASE, period)
            elif net < 0.0:
                ledger.book(now_s, self.name, "vpp", -net * 0.8 * price * STEP_H, REGION_SALE, period)


@dataclass
class PlantWorld:
    """What was made."""

    world: World
    plant: VirtualPowerPlant
    operator: PostingOperator
    pool: StoragePool
    owners: Mapping[str, StorageOwner]

    def run(self) -> PlantWorld:
        while self.world.running:
            self.world.step()
        return self

    def rows(self, table: str) -> list[Mapping[str, Any]]:
        return [dict(each.values) for each in self.plant.rows() if each.table == table]

    def labels(self, name: str) -> Mapping[str, Array]:
        label = self.owners[name].storage.label
        assert label is not None
        return label.columns

    def booked(self, account: str, purpose: str) -> float:
        table = self.world.ledger.table()
        own = table[(table["account"] == account) & (table["purpose"] == purpose)]
        return float(own["amount_money"].sum())


def plant_world(
    pricing: Pricing = "nodal",
    *,
    planner: VppPlanner | None = None,
    split: SplitRule | None = None,
    valuing: Any = "replanned",
    rule: LabelRule = "proportional",
    shares: Callable[[str], float] = lambda name: 0.3,
    members: Sequence[str] = tuple(OWNERS),
    load_share: float = 1.0,
    rounds: int = 2,
    n_day: int = 1,
    days_ahead: int = 1,
    wear_per_mwh: float = 10.0,
    quality: LinkQuality | None = None,
) -> PlantWorld:
    """Two regions with two owners each, on days of six steps."""
    clock, n = Clock(pd.Timestamp("2026-01-14T20:00:00+08:00"), STEP_H * 3600.0), N_STEP * n_day
    world = World(Grid(two_buses(), np.full(n, 0.6)), clock, n, 4.0 * 3600.0, 1, quality)
    horizon, site = Horizon.of(world), Site(world.grid, 1)
    rules = PoolRules(
        classes=ClassRules(score_min=0.0), split=split or Shapley(), sub_pools=1, compensated=False,
        reply_timeout_s=20.0,
    )  # fmt: skip
    pool = StoragePool(world.grid.head, "vpp-pool", tuple(OWNERS), "vpp", rules, horizon)
    owners = {
        name: StorageOwner(
            site, name, ratings(name, e_mwh), "vpp", horizon, wear_per_mwh, regime=Idle(),
            pool=OwnerTerms("vpp-pool", begins=name in members), label=LabelTerms(rule, shares(name)),
        )
        for name, (_, e_mwh) in OWNERS.items()
    }  # fmt: skip
    for name, load in LOAD_MW.items():
        drawn = np.tile(load, n_day)
        SystemLoad(site, name, drawn, drawn)
    contract = PlantContract(
        "operator",
        "vpp-pool",
        tuple(PlantRegion(name, name) for name in LOAD_MW),
        tuple(
            PlantStorage(name, region, ratings(name, e), wear_per_mwh) for name, (region, e) in OWNERS.items()
        ),
        load_share,
        0.3,
        planner or ByShares(),
        "shares",
        valuing,
    )
    timing = NegotiationRules(10.0, 3.0 * 3600.0, 0.01, 1.0, 0, 60, 20.0, 1.0)
    plant = VirtualPowerPlant(world.grid.head, "vpp", contract, timing, horizon)
    operator = PostingOperator(world.grid.head, horizon, pricing, load_share, rounds, days_ahead)
    return PlantWorld(world, plant, operator, pool, owners)
