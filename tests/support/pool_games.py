"""A pool and its owners beside an operator that knows values of coalitions from a table, not a dispatch."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from gridarium.agents.base import GridAgent
from gridarium.agents.feeder.records_audit import RecordsAuditor
from gridarium.agents.storage.join_rules import ExactJoin, JoinRule
from gridarium.agents.storage.pool_membership import OwnerTerms
from gridarium.agents.storage.stand_alone import Regime
from gridarium.agents.storage.storage_owner import StorageOwner
from gridarium.agents.storage.storage_pool import PoolRules, StoragePool
from gridarium.environment.arrays import series
from gridarium.environment.clock import Clock
from gridarium.environment.grids import Grid, Site
from gridarium.environment.horizon import Horizon
from gridarium.environment.message_bus import LinkQuality
from gridarium.environment.security.authority import Authority
from gridarium.environment.storage import StorageRatings
from gridarium.environment.world import World
from gridarium.market.messages.forecasts import ScheduleRequest
from gridarium.market.messages.status import StorageStatus
from gridarium.market.messages.storage_pools import CoalitionValues, MembersRequest
from gridarium.market.pool_settlement import settle_pool_value
from small_cases import two_buses

Value = Callable[[frozenset[str]], float]
PRICE = series([1.0] + [2.0] * 3)
"""Of a day of four steps of 6 h, money/MWh."""


class TableOperator(GridAgent):
    """Asks the pool for its members each day and tells it what a table says of coalitions.

    With an authority owners live on their own schedules, and are told each day what the records are.
    """

    kind = "dso"

    def __init__(
        self,
        site: Site,
        horizon: Horizon,
        owners: Sequence[str],
        value: Value,
        authority: Authority | None = None,
    ) -> None:
        super().__init__(site, "dso")
        self._auditor = RecordsAuditor(self, tuple(owners), authority) if authority else None
        self._horizon, self._owners, self._value = horizon, owners, value
        self.told: dict[int, Any] = {}

    def process(self) -> Generator[Any, Any, None]:
        for day in range(self._horizon.n_day):
            opens_s = 10.0 + day * self._horizon.day_s
            yield self.world.clock.wait_until(max(self.world.clock.now_s, opens_s))
            question = self.ask({"pool": MembersRequest(day)}, 3600.0, 60.0)
            yield from question.answered()
            self.told[day] = question.replies["pool"]
            schedules = dict.fromkeys(self._owners, ScheduleRequest(day, PRICE, self._auditor is not None))
            yield from self.ask(schedules, 60.0, 10.0).answered()

    def settle(self, period: int) -> None:
        if not self._horizon.is_last(period):
            return
        told = self.told[self._horizon.place(period)[0]]
        values = [self._of(told.owners, row) for row in told.coalitions]
        saved = self._of(told.owners, told.members)
        now_s = self.world.clock.now_s
        settle_pool_value(self.world.ledger, now_s, period, self.name, "pool", saved)
        self.send("pool", CoalitionValues(told.day, told.owners, told.coalitions, series(values)))
        if self._auditor is not None:
            self.world.outlast(self.world.clock.process(self._auditor.tell_head(told.day)))

    def _of(self, owners: Sequence[str], flags: Iterable[bool]) -> float:
        return self._value(frozenset(name for name, inside in zip(owners, flags, strict=True) if inside))

    def handlers(self) -> dict[type, Callable[[Any, str], Any]]:
        return {StorageStatus: lambda payload, sender: None}


def play(
    value: Value,
    capacity_mwh: Mapping[str, float],
    rules: PoolRules,
    *,
    n_day: int = 20,
    joining: Callable[[str], JoinRule] = lambda name: ExactJoin(),
    begins: Callable[[str], bool] = lambda name: True,
    effort_money: Mapping[str, float] | None = None,
    regime: Regime | None = None,
    groups: bool = False,
    seed: int = 1,
    quality: LinkQuality | None = None,
    audited: bool = False,
) -> StoragePool:
    """Run a pool for some days of four steps; its operator goes by a table."""
    clock = Clock(pd.Timestamp("2026-01-14T23:00:00+08:00"), 6 * 3600.0)
    world = World(Grid(two_buses(), np.full(4 * n_day, 0.6)), clock, 4 * n_day, 3600.0, seed, quality)
    horizon, site = Horizon.of(world), Site(world.grid, 1)
    authority = Authority("dso, records", world.streams, 86400.0) if audited else None
    pool = StoragePool(world.grid.head, "pool", tuple(capacity_mwh), "dso", rules, horizon)
    for name, e_mwh in capacity_mwh.items():
        terms = OwnerTerms(
            "pool",
            effort_money=(effort_money or {}).get(name, 0.0),
            begins=begins(name),
            rule=joining(name),
            split=rules.split if groups else None,
            auditor_key=authority.public_key if authority else None,
        )
        ratings = StorageRatings(name, e_mwh, e_mwh, 0.1, 0.9, 0.5, 1.0, 1.0, e_mwh)
        StorageOwner(site, name, ratings, "dso", horizon, regime=regime, pool=terms)
    TableOperator(world.grid.head, horizon, tuple(capacity_mwh), value, authority)
    while world.running:
        world.step()
    return pool


def memberships(pool: StoragePool) -> list[str]:
    """Who was a member on each day, as one word a day."""
    return ["".join(sorted(day.members)) for day in pool.days]
