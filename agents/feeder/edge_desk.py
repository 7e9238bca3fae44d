"""An operator's side of an edge controller: what it tells it, and what it hears in its cloud."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from gridarium.agents.base import GridAgent, Listener, on
from gridarium.agents.edge.task_queue import Priority, Processor
from gridarium.agents.rows import Rows
from gridarium.environment.clock import Clock
from gridarium.market.messages.commands import Command, Receipt, StorageCommand
from gridarium.market.messages.edge import FeederSchedule, UnitOutage, UnitReturned


@dataclass(frozen=True)
class EdgeTerms:
    """What an operator knows of the edge controller of its feeder.

    Parameters
    ----------
    edge : str
        Its name.
    task_s : float
        Time that the operator's cloud takes for a task, s.
    """

    edge: str
    task_s: float


@dataclass(frozen=True, slots=True)
class Report:
    """News of a unit, when it came, and when the task that it asks for was done; clock times, s."""

    news: UnitOutage | UnitReturned
    heard_s: float
    done_s: float


class EdgeDesk(Listener):
    """Passes on what storages are told, and queues what the edge reports; urgent tasks go first.

    - `copied`, `schedules`: what storages are told, for the edge
    - `processor`: of the cloud; it finishes what it has begun
    - `whenever`: let something be done about news
    - `out`, `reports`: the units that are out, with what was told of them, and all there was to hear

    Parameters
    ----------
    clock : Clock
    terms : EdgeTerms
    """

    def __init__(self, clock: Clock, terms: EdgeTerms) -> None:
        self._clock, self._terms = clock, terms
        self._heard: set[tuple[type, str, float]] = set()
        self._changed: list[Callable[[UnitOutage | UnitReturned], None]] = []
        self.processor = Processor(clock, interrupts=False)
        self.out: dict[str, UnitOutage] = {}
        self.reports: list[Report] = []

    def whenever(self, changed: Callable[[UnitOutage | UnitReturned], None]) -> None:
        """Have something called when a unit is out, or back, once its task has had its time."""
        self._changed.append(changed)

    def copied(self, day: int, orders: Mapping[str, Command]) -> Generator[Any, Any, Mapping[str, Any]]:
        """Orders of a day, with a copy for the edge of those of storages, once planning has had its time."""
        yield from self.processor.work(Priority.ROUTINE, self._terms.task_s)
        return {**orders, **self.schedules(day, orders)}

    def schedules(self, day: int, orders: Mapping[str, Command]) -> dict[str, FeederSchedule]:
        """What the edge is to know of orders of a day, those of storages; to whom."""
        told = {name: order for name, order in orders.items() if isinstance(order, StorageCommand)}
        if not told:
            return {}
        first = min(order.period for order in told.values())
        return {self._terms.edge: FeederSchedule(day, first, told)}

    @on(UnitOutage, UnitReturned)
    def hear(self, news: UnitOutage | UnitReturned, sender: str) -> Receipt:
        """Queue a task for news of a unit; a copy of news asks for nothing."""
        known = (type(news), news.unit, news.time_s)
        if known not in self._heard:
            self._heard.add(known)
            self._clock.process(self._act(news))
        return Receipt()

    def _act(self, news: UnitOutage | UnitReturned) -> Generator[Any, Any, None]:
        heard_s = self._clock.now_s
        yield from self.processor.work(Priority.URGENT, self._terms.task_s)
        self.reports.append(Report(news, heard_s, self._clock.now_s))
        if isinstance(news, UnitOutage):
            self.out[news.unit] = news
        else:
            self.out.pop(news.unit, None)
        for changed in self._changed:
            changed(news)

    def rows(self, local: Callable[[str], str], begins_s: float) -> Iterator[Rows]:
        """One for each report; times are counted from the first settlement period, s.

        Parameters
        ----------
        local : callable
            Gives the name of a unit within its grid.
        begins_s : float
            Clock time of the first settlement period, s.
        """
        if not self.reports:
            return
        news = [one.news for one in self.reports]
        outages = [one if isinstance(one, UnitOutage) else None for one in news]
        yield Rows(
            "outages",
            {
                "unit": [local(one.unit) for one in news],
                "cause": ["returned" if one is None else one.cause for one in outages],
                "standby": [local(one.standby) if one and one.standby else "" for one in outages],
                "e_mwh": np.array([one.e_mwh for one in news]),
                "since_s": np.array([one.time_s - begins_s for one in news]),
                "heard_s": np.array([one.heard_s - begins_s for one in self.reports]),
                "done_s": np.array([one.done_s - begins_s for one in self.reports]),
            },
            by="row",
        )


def open_desk(operator: GridAgent, terms: EdgeTerms | None) -> EdgeDesk | None:
    """A desk that an operator mounts; None where there is no edge."""
    if terms is None:
        return None
    desk = EdgeDesk(operator.world.clock, terms)
    operator.mount(desk)
    return desk
