"""The only owner of time: seconds, calendar, settlement periods and gates on one SimPy environment."""

from __future__ import annotations

import math
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pandas as pd
import simpy

from gridarium.environment.errors import GridariumError

MINUTE_S = 60.0
QUARTER_S = 900.0
HOUR_S = 3600.0
DAY_S = 86400.0
LONGEST_DAY_S = 25.0 * HOUR_S
"""Of a day on which the clock is set back by an hour."""


def day_length(n_period: int, period_s: float) -> int:
    """Return the settlement periods of a day in a world of so many.

    24 h, or 25 h where the world is one day on which the clock is set back. A world of a day of 23 h, or of
    a part of a day, has fewer periods than that.

    >>> day_length(48, 3600.0), day_length(25, 3600.0), day_length(23, 3600.0)
    (24, 25, 24)
    """
    whole, longest = round(DAY_S / period_s), round(LONGEST_DAY_S / period_s)
    return n_period if whole < n_period <= longest else whole


class ClockError(GridariumError):
    """A time that lies in the past, or that is no time at all."""


@dataclass(frozen=True, slots=True)
class Gate:
    """The time span in which a market or a negotiation takes messages.

    Parameters
    ----------
    opens_s, closes_s : float
        Clock times, s; open in [opens_s, closes_s).

    Raises
    ------
    ClockError
        If the gate does not close after it opens.
    """

    opens_s: float
    closes_s: float

    def __post_init__(self) -> None:
        if not -math.inf < self.opens_s < self.closes_s < math.inf:
            raise ClockError(f"gate: closes_s must be in ({self.opens_s}, inf) s, got {self.closes_s} s")

    def is_open(self, t_s: float) -> bool:
        """Tell whether the gate is open at clock time `t_s`, s."""
        return self.opens_s <= t_s < self.closes_s


class Clock:
    """Simulated time, from seconds to the calendar.

    - `now_s`, `timestamp`, `timestamp_at`, `at`: the time, and the way to the calendar and back
    - `period_index`, `periods`: settlement periods and any other regular beat
    - `timeout`, `wait_until`: events that a process yields to let time pass
    - `process`, `run_until`: start behaviour and let the world run
    - `env`: the SimPy environment itself, for further kinds of events

    Parameters
    ----------
    start : pandas.Timestamp
        Calendar time of second 0, with a time zone.
    period_s : float
        Length of a settlement period, s.

    Raises
    ------
    ClockError
        If the start has no time zone or the period no positive length.

    Notes
    -----
    One unit of SimPy time is one second. Clock times are seconds that really elapsed: on the day on which
    daylight saving begins, local midnights are 23 h apart, and `timestamp` shows it.
    """

    def __init__(self, start: pd.Timestamp, period_s: float) -> None:
        if start.tzinfo is None:
            raise ClockError(f"clock: start must have a time zone, got {start}")
        if not 0.0 < period_s < math.inf:
            raise ClockError(f"clock: period_s must be in (0, inf) s, got {period_s} s")
        self.start = start
        self.period_s = float(period_s)
        self.env = simpy.Environment(initial_time=0.0)
        self._failed: Any = None

    @property
    def now_s(self) -> float:
        """Seconds since the start."""
        return float(self.env.now)

    @property
    def timestamp(self) -> pd.Timestamp:
        """Calendar time now, in the time zone of the start."""
        return self.timestamp_at(self.now_s)

    @property
    def period_index(self) -> int:
        """Number of the settlement period that runs now; 0 is the first."""
        # A boundary such as 3 * 0.1 s can fall short of itself by a rounding error.
        return math.floor(self.now_s / self.period_s + 1e-9)

    def timestamp_at(self, t_s: float) -> pd.Timestamp:
        """Return the calendar time of clock time `t_s`, s."""
        return self.start + pd.Timedelta(t_s, unit="s")

    def at(self, timestamp: pd.Timestamp) -> float:
        """Return the clock time, s, of a calendar time in any time zone.

        Raises
        ------
        ClockError
            If the timestamp has no time zone.
        """
        if timestamp.tzinfo is None:
            raise ClockError(f"clock: timestamp must have a time zone, got {timestamp}")
        return (timestamp - self.start) / pd.Timedelta(seconds=1)

    def periods(self, length_s: float) -> Iterator[simpy.Event]:
        """Yield an event for the start of each period, the one that starts right now included.

        A process writes ``for start in clock.periods(QUARTER_S): yield start``. Periods are counted from
        the start of the clock. Those that began while the process was busy are skipped.

        Raises
        ------
        ClockError
            If the length is not positive and finite.
        """
        if not 0.0 < length_s < math.inf:
            raise ClockError(f"clock: length_s must be in (0, inf) s, got {length_s} s")
        index = 0
        while True:
            index = max(index, math.ceil(self.now_s / length_s))
            yield self.wait_until(max(self.now_s, index * length_s))
            index += 1

    def timeout(self, delay_s: float) -> simpy.Event:
        """Return an event that happens after `delay_s` seconds.

        Raises
        ------
        ClockError
            If the delay is negative or not finite.
        """
        if not 0.0 <= delay_s < math.inf:
            raise ClockError(f"clock: delay_s must be in [0, inf) s, got {delay_s} s")
        return self.env.timeout(delay_s)

    def wait_until(self, t_s: float) -> simpy.Event:
        """Return an event that happens at clock time `t_s`, s, such as the closure of a gate.

        Raises
        ------
        ClockError
            If that time is past.
        """
        self._refuse_past(t_s)
        return self.env.timeout(t_s - self.now_s)

    def process(self, generator: Generator[simpy.Event, Any, Any]) -> simpy.Event:
        """Start a process; the event returned happens when it ends, with its return value.

        A failure that no other process waits for stops the run.
        """
        process = self.env.process(generator)
        process.callbacks.append(self._keep_failure)
        return process

    def run_until(self, t_s: float) -> None:
        """Let everything happen that is due before clock time `t_s`, s.

        What is due at `t_s` itself belongs to the next call.

        Raises
        ------
        ClockError
            If that time is past.
        Exception
            Whatever error a process or a receiver of messages left unhandled.
        """
        self._refuse_past(t_s)
        if t_s == self.now_s:
            return
        with self._original_errors():
            self.env.run(until=t_s)

    def run_until_event(self, event: simpy.Event) -> None:
        """Let everything happen up to an event, which must come; raises the errors of `run_until`."""
        with self._original_errors():
            self.env.run(until=event)

    def finish_instant(self) -> None:
        """Let everything happen that is due at this very moment, also what follows from it at once.

        Raises
        ------
        Exception
            Whatever error a process or a receiver of messages left unhandled.
        """
        with self._original_errors():
            while self.env.peek() <= self.env.now:
                self.env.step()

    @contextmanager
    def _original_errors(self) -> Iterator[None]:
        """Raise the failure of a process itself.

        SimPy raises a copy made from the failure's arguments. That breaks for errors whose constructor wants
        more than their message, hence the original takes its place.
        """
        try:
            yield
        finally:
            failed, self._failed = self._failed, None
            if failed is not None and not failed.defused:
                # Its own cause goes with it; SimPy's copy does not.
                raise failed.value from failed.value.__cause__

    def _keep_failure(self, process: Any) -> None:
        if not process.ok:
            self._failed = process

    def _refuse_past(self, t_s: float) -> None:
        if not self.now_s <= t_s < math.inf:
            raise ClockError(f"clock: t_s must be in [{self.now_s}, inf) s, got {t_s} s")
