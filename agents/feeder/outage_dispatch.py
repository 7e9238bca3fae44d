"""How a DSO answers an outage: it dispatches the rest of the day anew, without the units that are out."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np

from gridarium.agents.feeder.contract import DsoContract
from gridarium.agents.feeder.day_planner import DayPlanner
from gridarium.agents.feeder.dispatch import Dispatch, DispatchDay, Dispatcher, Openings
from gridarium.agents.feeder.dispatch_orders import dispatch_orders
from gridarium.agents.feeder.dispatch_problem import DispatchShape
from gridarium.agents.feeder.dso_day import DsoDay
from gridarium.agents.feeder.edge_desk import EdgeDesk
from gridarium.agents.feeder.pooled_storages import PooledStorages
from gridarium.agents.feeder.rest_of_day import (
    content_after,
    joined,
    reachable_mwh,
    rest_of,
    rest_of_pools,
)
from gridarium.agents.feeder.standby_book import ComplexArray, StandbyBook
from gridarium.agents.questions import Question
from gridarium.agents.rows import Rows
from gridarium.environment.errors import SolveError
from gridarium.environment.grids import Grid
from gridarium.market.messages.commands import Command
from gridarium.market.messages.edge import UnitOutage, UnitReturned
from gridarium.market.messages.status import StorageStatus

_EARLIER_S = 60.0
"""How long before a day begins it is looked at whether all units are there, s."""


@dataclass(frozen=True)
class RestPlan:
    """A rest of a day that was dispatched anew.

    Parameters
    ----------
    day, first_step : int
        From which step of which day on.
    time_s : float
        When, clock time.
    out : tuple of str
        Units that were counted on no more.
    final_mwh : mapping of str to float
        What is to be in each storage as the day ends; of all that are dispatched.
    standby_mva : mapping of str to ndarray of complex, shape (n_left,)
        What units that stand in for others feed in, MW + j Mvar.
    dispatch : Dispatch or None
        Of the rest; None where none was found that keeps all limits, and what was told before holds.
    """

    day: int
    first_step: int
    time_s: float
    out: tuple[str, ...]
    final_mwh: Mapping[str, float]
    standby_mva: Mapping[str, ComplexArray]
    dispatch: Dispatch | None


class Dispatching(Protocol):
    """What it has to know of the DSO."""

    grid: Grid
    contract: DsoContract
    pooled: PooledStorages | None
    days: list[DsoDay]
    storage_status: dict[tuple[str, int], StorageStatus]


class OutageDispatch:
    """Plans and sends out the rest of a day whenever a unit is out, or back.

    What was planned the day before stays as it was: prices and dues follow from that. What is in force is in
    `DsoDay.in_force`.

    - `plans`: so far
    - `copied`: orders of a day that goes out, with a copy for the edge
    - `rows`: what was heard of, and planned anew

    Parameters
    ----------
    desk : EdgeDesk
        Where it hears of outages.
    dso : Dispatching
    planner : DayPlanner
    ask : callable
        Opens a question of the DSO that ends at a time, s, with what each is asked.
    """

    def __init__(
        self,
        desk: EdgeDesk,
        dso: Dispatching,
        planner: DayPlanner,
        ask: Callable[[float, Mapping[str, Any]], Question],
    ) -> None:
        self._desk, self._planner, self._ask = desk, planner, ask
        self._pooled, self._book = dso.pooled, StandbyBook(dso.contract.standbys)
        self._grid, self._days, self._status = dso.grid, dso.days, dso.storage_status
        self._issues: dict[int, int] = {}
        # By name: when something was told of a unit last, in settlement periods, and what was in it, MWh.
        self._news: dict[str, tuple[float, float]] = {}
        self.plans: list[RestPlan] = []
        desk.whenever(self._answer)

    @classmethod
    def at(
        cls,
        desk: EdgeDesk | None,
        dso: Dispatching,
        planner: DayPlanner,
        ask: Callable[[float, Mapping[str, Any]], Question],
    ) -> OutageDispatch | None:
        """That of a DSO with a desk; None without one."""
        return None if desk is None else cls(desk, dso, planner, ask)

    def copied(self, day: DsoDay, orders: Mapping[str, Command]) -> Generator[Any, Any, Mapping[str, Any]]:
        """Orders of a day, with a copy for the edge; if a unit is out as it begins, there are others then."""
        world = self._grid.world
        begins_s = world.delivery_s + day.number * day.horizon.day_s

        def look(event: Any) -> None:
            if self._desk.out:
                self._plan(day, 0)

        world.clock.timeout(max(0.0, begins_s - _EARLIER_S - world.clock.now_s)).callbacks.append(look)
        return (yield from self._desk.copied(day.number, orders))

    @property
    def _shape(self) -> DispatchShape:
        return self._planner.dispatcher.shape

    @property
    def _names(self) -> list[str]:
        """Storages of the dispatch, in its order."""
        return [self._grid.named(unit.name) for unit in self._shape.storages]

    def _answer(self, news: UnitOutage | UnitReturned) -> None:
        """Dispatch from the next step of the day that runs on; in its last one nothing is left to do."""
        world = self._grid.world
        at = (world.clock.now_s - world.delivery_s) / world.clock.period_s
        if not math.isnan(news.e_mwh):
            self._news[news.unit] = at, news.e_mwh
        if not 0.0 <= at < world.n_period:
            return
        number, step = self._days[0].horizon.place(math.floor(at + 1e-9))
        day = self._days[number]
        self._keep_book(news, day, at)
        if step + 1 < day.horizon.n_step and self._shape.storages:
            self._plan(day, step + 1)

    def _keep_book(self, news: UnitOutage | UnitReturned, day: DsoDay, at: float) -> None:
        """Take note of who stands in for whom."""
        if isinstance(news, UnitReturned):
            self._book.end(news.unit, at, day)
        elif news.standby is not None and news.unit in self._names and news.unit not in day.owners_mw:
            self._book.begin(news.unit, news.standby, day, self._names.index(news.unit), at)

    def _plan(self, day: DsoDay, first: int) -> None:
        """Dispatch a day from a step on, and send out what comes of it."""
        out = tuple(name for name in self._names if name in self._desk.out)
        shape = replace(self._shape, n_period=day.horizon.n_step - first, opens_storages=True, sets_ends=True)
        start, standby = self._start(day, first, out)
        dispatcher = Dispatcher(self._grid.world, self._planner.dispatcher.owner, shape)
        start, dispatch = _found(dispatcher, start)
        assert start.final_mwh is not None
        ends = zip(self._names, start.final_mwh.tolist(), strict=True)
        # Owners that schedule for themselves end as their own schedules do.
        final = {name: e_mwh for name, e_mwh in ends if name not in day.owners_mw}
        now_s = self._grid.world.clock.now_s
        self.plans.append(RestPlan(day.number, first, now_s, out, final, standby, dispatch))
        if dispatch is not None:
            day.revised = joined(day.in_force, dispatch, first)
            self._grid.world.clock.process(self._send(day, first, dispatch, shape))

    def _start(
        self, day: DsoDay, first: int, out: tuple[str, ...]
    ) -> tuple[DispatchDay, dict[str, ComplexArray]]:
        """What the dispatch of the rest starts from, and what standby units feed in meanwhile."""
        rest, horizon = rest_of(self._planner.without_own(day), first), day.horizon
        load_p, load_q = rest.load_p_mw.copy(), rest.load_q_mvar.copy()
        for row, (name, (_, bus)) in enumerate(zip(day.owners_mw, day.own.sites, strict=True)):
            if name not in self._desk.out:
                load_p[bus] += day.own_mw[row, first:]
        standby: dict[str, ComplexArray] = {}
        for name in out:
            found = self._book.fed_in(name, day, first)
            if found is not None and found[1] not in self._desk.out:
                bus, helper, standby[helper] = found
                load_p[bus] -= standby[helper].real
                load_q[bus] -= standby[helper].imag
        hours = (horizon.n_step - first) * horizon.step_h
        open_ = np.array([float(name not in out and name not in day.owners_mw) for name in self._names])
        initial = np.array([self._content_mwh(name, day, first) for name in self._names])
        wanted = np.array(list(day.initial_mwh.values()))
        units = zip(self._shape.storages, wanted.tolist(), initial.tolist(), strict=True)
        final = np.array([reachable_mwh(unit, end, now, hours) for unit, end, now in units])
        told = day.openings or Openings(np.ones(len(open_)), np.ones(len(open_)))
        openings = Openings(told.may_move * open_, told.may_regulate * open_)
        moves = openings.may_move > 0.0
        start = replace(
            rest,
            load_p_mw=load_p,
            load_q_mvar=load_q,
            initial_mwh=initial,
            final_mwh=np.where(moves, final, initial),
            openings=openings,
        )
        return start, standby

    def _content_mwh(self, name: str, day: DsoDay, first: int) -> float:
        """What is in a storage as a step begins, as was told last, and by what it is to do until then."""
        horizon, row, world = day.horizon, self._names.index(name), self._grid.world
        periods, unit = horizon.periods(day.number), self._shape.storages[row]
        until = periods.start + first * horizon.per_step
        told = {
            (float(at), self._status[name, at].e_mwh) for at in range(until + 1) if (name, at) in self._status
        }
        at, e_mwh = max(told, default=(-1.0, math.nan))
        if at < periods.start:
            at, e_mwh = periods.start, day.initial_mwh[name]
        if name in self._news and self._news[name][0] >= at:
            at, e_mwh = self._news[name]
        if name in self._desk.out:
            return float(np.clip(e_mwh, *unit.band_mwh))
        # Of the period in which something was told, what is left of it.
        left_h = np.clip(np.arange(periods.start, until) + 1.0 - at, 0.0, 1.0) * world.period_h
        charge, discharge = (
            horizon.by_period(power[row])[: until - periods.start]
            for power in (day.in_force.charge_mw, day.in_force.discharge_mw)
        )
        return content_after(unit, e_mwh, charge, discharge, left_h)

    def _send(
        self, day: DsoDay, first: int, dispatch: Dispatch, shape: DispatchShape
    ) -> Generator[Any, Any, None]:
        """Send the schedules of the rest; they are repeated until they are received or the day is over."""
        issue = self._issues[day.number] = self._issues.get(day.number, 1) + 1
        pool = rest_of_pools(day.plan.pool, first, day.horizon.step_h)
        plan = replace(day.plan, dispatch=dispatch, pool=pool)
        orders = dispatch_orders(
            plan, shape, day.horizon, day.number, self._grid.named, issue=issue, first_step=first
        )
        orders = {name: order for name, order in orders.items() if name not in day.owners_mw}
        if self._pooled is not None:
            self._pooled.record(orders)
        told = {**orders, **self._desk.schedules(day.number, orders)}
        ends_s = self._grid.world.delivery_s + (day.number + 1) * day.horizon.day_s
        yield from self._ask(ends_s, told).answered()

    def rows(self) -> Iterator[Rows]:
        """What the desk has heard, and a row for each rest that was planned."""
        local, begins_s = self._grid.local, self._grid.world.delivery_s
        yield from self._desk.rows(local, begins_s)
        if not self.plans:
            return
        yield Rows(
            "redispatches",
            {
                "day": [plan.day for plan in self.plans],
                "first_step": [plan.first_step for plan in self.plans],
                "time_s": [plan.time_s - begins_s for plan in self.plans],
                "out": ["+".join(map(local, plan.out)) for plan in self.plans],
                "standby": ["+".join(map(local, plan.standby_mva)) for plan in self.plans],
                "found": [float(plan.dispatch is not None) for plan in self.plans],
                "cost_money": [
                    math.nan if plan.dispatch is None else plan.dispatch.cost_money for plan in self.plans
                ],
            },
            by="row",
        )


def _found(dispatcher: Dispatcher, start: DispatchDay) -> tuple[DispatchDay, Dispatch | None]:
    """A dispatch and what it starts from: with the contents wanted at the end, or else those at first.

    A search that begins with nothing can miss the directions in which storages must move; one that has found
    a plan in which they need not has something to begin with.
    """
    still = replace(start, final_mwh=start.initial_mwh)
    kept: Dispatch | None = None
    for day in (start, still, start):
        try:
            found = dispatcher.attempt(day)
        except SolveError:
            # The solver has given up: as good as no plan, which is told.
            found = None
        if found is not None and day is start:
            return start, found
        kept = found or kept
    return (start, None) if kept is None else (still, kept)
