"""An operator's side of an edge controller: what it tells it, and what it hears in its cloud."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from typing import Any

from gridarium.agents.base import Listener, on
from gridarium.agents.edge.task_queue import Priority, Processor
from gridarium.environment.clock import Clock
from gridarium.market.messages.commands import Command, StorageCommand
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


class EdgeDesk(Listener):
    """Passes on what storages are told, and queues what the edge reports; urgent tasks go first.

    - `schedules`: a copy for the edge of what storages are told
    - `processor`: of the cloud; it finishes what it has begun

    Parameters
    ----------
    clock : Clock
    terms : EdgeTerms
    changed : callable
        What is to be done when a unit is out, or back: another dispatch. Called once its task is done.
    """

    def __init__(
        self, clock: Clock, terms: EdgeTerms, changed: Callable[[UnitOutage | UnitReturned], None]
    ) -> None:
        self._clock, self._terms, self._changed = clock, terms, changed
        self.processor = Processor(clock, interrupts=False)

    def schedules(self, day: int, orders: Mapping[str, Command]) -> dict[str, FeederSchedule]:
        """What the edge is to know of orders of a day: those of storages, all from one period on; to whom."""
        told = {name: order for name, order in orders.items() if isinstance(order, StorageCommand)}
        if not told:
            return {}
        first = min(order.period for order in told.values())
        return {self._terms.edge: FeederSchedule(day, first, told)}

    def plan(self) -> Generator[Any, Any, None]:
        """Wait until a task of planning, which is routine, has had its time in the cloud."""
        yield from self.processor.work(Priority.ROUTINE, self._terms.task_s)

    @on(UnitOutage, UnitReturned)
    def hear(self, news: UnitOutage | UnitReturned, sender: str) -> None:
        """Queue a task for news of a unit."""
        self._clock.process(self._act(news))

    def _act(self, news: UnitOutage | UnitReturned) -> Generator[Any, Any, None]:
        yield from self.processor.work(Priority.URGENT, self._terms.task_s)
        self._changed(news)
