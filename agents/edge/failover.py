"""Takeovers by units that stand by: from missed beats to power on the grid."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from gridarium.agents.edge.heartbeat import polled_s
from gridarium.agents.edge.known_units import KnownUnit
from gridarium.agents.rows import Rows
from gridarium.environment.clock import Clock
from gridarium.market.messages.edge import Active, OutageCause, StandDown, Takeover

PATIENCE_S = 0.2
"""Beyond its response, after which a standby unit that was told to take over is told again, s."""


@dataclass(frozen=True, slots=True)
class Failover:
    """A unit that does not deliver any more, and who stood in for it.

    Parameters
    ----------
    unit : str
    cause : OutageCause
    failed_s : float
        When it failed, clock time, s; what follows is as well.
    detected_s : float
        When that was noticed.
    commanded_s : float
        When the standby unit was told.
    standby : str or None
        None where nobody stood by.
    active_s : float
        Since when the standby unit delivers; nan where it does not.
    back_s : float
        When the unit was heard of again; nan where it was not.
    """

    unit: str
    cause: OutageCause
    failed_s: float
    detected_s: float
    commanded_s: float
    standby: str | None
    active_s: float = math.nan
    back_s: float = math.nan

    @property
    def failover_s(self) -> float:
        """From the failure until the standby unit delivers, s; nan where none does."""
        return self.active_s - self.failed_s

    def polled_s(self, every_s: float, phase_s: float, latency_s: float) -> float:
        """The same had the failure been noticed by a poll at regular intervals, s."""
        noticed_s = polled_s(self.failed_s, every_s, phase_s, latency_s)
        return noticed_s - self.failed_s + self.active_s - self.detected_s


class Failovers:
    """Hands the schedule of a unit that is out to one that stands by for it.

    - `begin`, `hear`, `end`: a unit is out; its standby delivers; the unit is back
    - `all`: so far

    Parameters
    ----------
    clock : Clock
    units : mapping of str to KnownUnit
        By name; they enrol in time.
    send : callable
        Sends a message to a unit.
    """

    def __init__(
        self, clock: Clock, units: Mapping[str, KnownUnit], send: Callable[[str, Any], None]
    ) -> None:
        self._clock, self._units, self._send = clock, units, send
        self.all: list[Failover] = []
        self._open: dict[str, int] = {}

    def begin(
        self, name: str, cause: OutageCause, failed_s: float, detected_s: float, period: int | None
    ) -> str | None:
        """Let a standby unit do what a unit was told from a settlement period on; tells its name, if any."""
        rest, now_s = None if period is None else self._units[name].rest_from(period), self._clock.now_s
        standby = None if rest is None else self._ready_for(name)
        self._open[name] = len(self.all)
        self.all.append(Failover(name, cause, failed_s, detected_s, now_s, standby))
        if standby is not None and rest is not None:
            takeover = Takeover(name, rest, now_s)
            self._clock.process(self._insist(standby, takeover, self._open[name]))
        return standby

    def _insist(self, standby: str, takeover: Takeover, place: int) -> Generator[Any, Any, None]:
        """Tell a standby unit until it delivers, or is not needed any more; ever more seldom."""
        wait_s = self._units[standby].enrolment.response_s + PATIENCE_S
        while self._open.get(takeover.of) == place and math.isnan(self.all[place].active_s):
            self._send(standby, takeover)
            yield self._clock.timeout(wait_s)
            wait_s *= 2.0

    def hear(self, active: Active, sender: str) -> None:
        """Take note that a standby unit delivers."""
        place = self._open.get(active.of)
        if place is not None and self.all[place].standby == sender:
            self.all[place] = replace(self.all[place], active_s=active.time_s)

    def end(self, name: str) -> None:
        """Release whoever stood in for a unit that is back."""
        place = self._open.pop(name)
        one = self.all[place]
        if one.standby is not None:
            self._send(one.standby, StandDown(name, self._clock.now_s))
        self.all[place] = replace(one, back_s=self._clock.now_s)

    def _ready_for(self, name: str) -> str | None:
        """The first unit that stands by for another one and is neither out nor taken."""
        taken = {self.all[place].standby for place in self._open.values()}
        for other, unit in self._units.items():
            if name in unit.enrolment.covers and unit.outage is None and other not in taken:
                return other
        return None

    def rows(
        self, telemetry_s: float, latency_s: float, local: Callable[[str], str], begins_s: float
    ) -> Iterator[Rows]:
        """One for each failover, with what a poll as often as telemetry would have given.

        Parameters
        ----------
        telemetry_s, latency_s : float
        local : callable
            Gives the name of a unit within its grid.
        begins_s : float
            Clock time of the first settlement period, from which times are counted, s.
        """
        if not self.all:
            return
        phase = {
            name: unit.telemetry.time_s % telemetry_s
            for name, unit in self._units.items()
            if unit.telemetry is not None
        }
        yield Rows(
            "failovers",
            {
                "unit": [local(one.unit) for one in self.all],
                "cause": [one.cause for one in self.all],
                "standby": ["" if one.standby is None else local(one.standby) for one in self.all],
                "failed_s": np.array([one.failed_s - begins_s for one in self.all]),
                "detected_s": np.array([one.detected_s - begins_s for one in self.all]),
                "commanded_s": np.array([one.commanded_s - begins_s for one in self.all]),
                "active_s": np.array([one.active_s - begins_s for one in self.all]),
                "back_s": np.array([one.back_s - begins_s for one in self.all]),
                "failover_s": np.array([one.failover_s for one in self.all]),
                "polled_s": np.array(
                    [one.polled_s(telemetry_s, phase.get(one.unit, 0.0), latency_s) for one in self.all]
                ),
            },
            by="row",
        )
