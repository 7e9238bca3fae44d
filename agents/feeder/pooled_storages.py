"""A DSO's side of a pool of storages: whom it commands on a day, and what coalitions would have saved it."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from gridarium.agents.base import GridAgent
from gridarium.agents.feeder.coalition_values import CoalitionValuer, ValuedDay
from gridarium.agents.feeder.contract import PoolContract
from gridarium.agents.feeder.day_planner import DayPlanner
from gridarium.agents.feeder.dispatch import Openings
from gridarium.agents.feeder.dso_day import DsoDay
from gridarium.agents.feeder.own_storages import OwnStorages
from gridarium.agents.feeder.records_audit import RecordsAuditor
from gridarium.agents.questions import Question
from gridarium.agents.storage.pooled_orders import hear_members, record_orders
from gridarium.environment.arrays import Array, series
from gridarium.market.messages.commands import Command
from gridarium.market.messages.storage_pools import CoalitionValues, MembersRequest, PoolMembers
from gridarium.market.pool_settlement import settle_pool_value


class PooledStorages:
    """Asks the pool for its members, and audits days that are over.

    - `valuer`: values coalitions
    - `members`: what the pool has told, by day

    Parameters
    ----------
    dso : GridAgent
    own : OwnStorages
        All storages, in the order of the shape.
    planner : DayPlanner
    terms : PoolContract
    ask : callable
        Opens a question of the DSO that ends at a time, s, with what each is asked.
    """

    def __init__(
        self,
        dso: GridAgent,
        own: OwnStorages,
        planner: DayPlanner,
        terms: PoolContract,
        ask: Callable[[float, Mapping[str, Any]], Question],
    ) -> None:
        self._dso, self._own, self._planner, self._terms, self._ask = dso, own, planner, terms, ask
        self._names = [dso.grid.named(unit.name) for unit in own.units]
        self.valuer = CoalitionValuer(planner.dispatcher, planner.redispatch, own)
        self.members: dict[int, PoolMembers] = {}
        self._auditor: RecordsAuditor | None = None
        if terms.authority is not None:
            self._auditor = RecordsAuditor(dso, tuple(self._names), terms.authority)

    def gather(self, today: DsoDay) -> Generator[Any, Any, None]:
        """Learn who is a member on a day: commanded, the others left to their owners.

        Raises
        ------
        MessageError
            If the pool has not answered when the gate closes.
        """
        dso, own = self._dso, self._own
        question = self._ask(today.rules.closes_s, {self._terms.pool: MembersRequest(today.number)})
        told = yield from hear_members(dso, question, self._terms.pool)
        self.members[today.number] = told
        inside = dict(zip(told.owners, told.members.tolist(), strict=True))
        names = [unit.name for unit in own.units if not inside[dso.grid.named(unit.name)]]
        today.own = own.only(names)
        members = self._of_units(told, told.members)
        today.openings = Openings(
            members * self._of_units(told, told.moves), members * self._of_units(told, told.regulates)
        )

    def record(self, orders: Mapping[str, Command]) -> None:
        """Write what storages are told to do into the records, for each period that it is about."""
        record_orders(self._dso, orders)

    def valued_day(self, day: DsoDay) -> ValuedDay:
        """What the values of coalitions of a day start from."""
        told, baselines = self.members[day.number], day.baselines
        alone = np.array([day.horizon.fit(baselines[name].net_mw) for name in self._names])
        ageing = self._of_units(told, told.ageing_cost_per_mwh)
        planned = self._planner.without_own(day)
        return ValuedDay(
            # A pull of the supplier is nobody's money.
            replace(planned, conditions=replace(planned.conditions, pull=None)),
            alone if self._terms.outside == "stand-alone" else np.zeros_like(alone),
            self._of_units(told, told.moves) > 0.0,
            self._of_units(told, told.regulates) > 0.0,
            ageing if self._terms.counts_ageing else np.zeros_like(ageing),
        )

    def values_money(self, day: DsoDay) -> Array:
        """Values of the coalitions that the pool wants to know of a day, money, in its order."""
        told = self.members[day.number]
        place = [told.owners.index(name) for name in self._names]
        return self.valuer.values_money(self.valued_day(day), told.coalitions[:, place])

    def settle(self, day: DsoDay, period: int) -> None:
        """Value the coalitions that the pool wants to know, pay what its members have saved, and tell it."""
        told, dso = self.members[day.number], self._dso
        values = self.values_money(day)
        mine = (told.coalitions == told.members).all(axis=1)
        saved = float(values[mine][0]) if told.members.any() else 0.0
        world = dso.world
        settle_pool_value(world.ledger, world.clock.now_s, period, dso.name, self._terms.pool, saved)
        dso.send(self._terms.pool, CoalitionValues(day.number, told.owners, told.coalitions, series(values)))
        if self._auditor is not None:
            # It begins when everybody has settled the period, and all meters have written.
            world.outlast(world.clock.process(self._auditor.tell_head(day.number)))

    def owed_money(self, day: DsoDay) -> dict[str, float]:
        """What owners are to get for being commanded, or redispatched, on a day."""
        owed = day.owed_money(day.own)
        if self._terms.compensates:
            return owed
        return {name: money for name, money in owed.items() if name in day.owners_mw}

    def _of_units(self, told: PoolMembers, values: Any) -> Array:
        """Values in the order of the pool's owners in that of the shape."""
        place = [told.owners.index(name) for name in self._names]
        return np.asarray(values, dtype=float)[place]
