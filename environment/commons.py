"""What everybody in a world has in common: time, messages, money, random numbers, meters."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

import mesa
import pandas as pd
import simpy

from gridarium.environment.arrays import Array
from gridarium.environment.clock import HOUR_S, Clock
from gridarium.environment.hash_chain import AppendOnly
from gridarium.environment.ledger import PAYMENTS, Ledger
from gridarium.environment.links import LinkQuality
from gridarium.environment.message_bus import MessageBus
from gridarium.environment.random_streams import RandomStreams
from gridarium.environment.records import RECORDS, Records

T = TypeVar("T")

_ROUNDING = 1e-9
"""Of a clock time, in periods: a period has begun when it begins."""


class Commons(mesa.Model):
    """A world as its agents and grids see it; who steps it knows the grids, too.

    - `clock`, `bus`: time, and the only way from agent to agent
    - `ledger`: money
    - `records`: what was allocated, and what was done
    - `streams`: random numbers by name
    - `meters`, `feed_in_meters`: what each agent has drawn and fed in in each period, MW
    - `carbon_meters`: what came out of the stack of each who feeds in, tCO2/h
    - `shared`: things that agents of one kind share, such as compiled problems
    - `periods_done`: settlement periods that are over

    Parameters
    ----------
    clock : Clock
        Its second 0 is the opening of the negotiations.
    n_period : int
        Settlement periods of the delivery day.
    delivery_s : float
        Clock time of the first period, s.
    seed : int
    quality : LinkQuality, optional
        Of the message bus.
    """

    def __init__(
        self,
        clock: Clock,
        n_period: int,
        delivery_s: float,
        seed: int = 0,
        quality: LinkQuality | None = None,
    ) -> None:
        super().__init__(rng=seed)
        self.clock, self.n_period, self.delivery_s = clock, n_period, delivery_s
        self.periods_done = 0
        self.streams = RandomStreams(seed)
        self.bus = MessageBus(clock, self.streams, quality)
        self.ledger, self.records = Ledger(clock.start), Records(clock.start)
        self._alarms: set[tuple[str, str, str, int | None]] = set()
        self.bus.when_refused(self._record_alarm)
        self.meters: dict[str, Array] = {}
        self.feed_in_meters: dict[str, Array] = {}
        self.carbon_meters: dict[str, Array] = {}
        self._shared: dict[Hashable, Any] = {}
        self._outlasted: list[simpy.Event] = []

    @property
    def period_h(self) -> float:
        """Length of a settlement period, h."""
        return self.clock.period_s / HOUR_S

    @property
    def running_period(self) -> int | None:
        """The settlement period that runs; None before the first one and after the last."""
        period = math.floor((self.clock.now_s - self.delivery_s) / self.clock.period_s + _ROUNDING)
        return period if 0 <= period < self.n_period else None

    @property
    def ledgers(self) -> dict[str, AppendOnly]:
        """All ledgers by the names of their tables."""
        return {PAYMENTS: self.ledger, RECORDS: self.records}

    @property
    def times(self) -> pd.DatetimeIndex:
        """Calendar time at which each settlement period starts."""
        step = pd.Timedelta(seconds=self.clock.period_s)
        return pd.date_range(self.clock.timestamp_at(self.delivery_s), periods=self.n_period, freq=step)

    @property
    def shared_things(self) -> tuple[Any, ...]:
        """Everything that agents share so far."""
        return tuple(self._shared.values())

    def _record_alarm(self, recipient: str, sender: str, reason: str) -> None:
        """Record that a frame was refused, once in a period for each link and reason: there are floods."""
        period = self.running_period
        if (recipient, sender, reason, period) not in self._alarms:
            self._alarms.add((recipient, sender, reason, period))
            what = f"refused: {reason}, in the name of {sender}"
            self.records.write(self.clock.now_s, recipient, recipient, what, period)

    def outlast(self, event: simpy.Event) -> None:
        """Let the run not end before something has happened, such as the end of a process."""
        self._outlasted = [one for one in self._outlasted if not one.processed] + [event]

    def shared(self, key: Hashable, make: Callable[[], T]) -> T:
        """The thing that is shared under a key, made by the first who asks."""
        if key not in self._shared:
            self._shared[key] = make()
        thing: T = self._shared[key]
        return thing
