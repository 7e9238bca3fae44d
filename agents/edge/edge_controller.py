"""The edge controller of a feeder: urgent tasks at once, within a period, without the operator."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from gridarium.agents.base import GridAgent, on
from gridarium.agents.edge.failover import Failovers
from gridarium.agents.edge.heartbeat import Heartbeat, Heartbeats
from gridarium.agents.edge.known_units import KnownUnit
from gridarium.agents.edge.task_queue import EdgeQueue, Flood, Priority, TaskTimes, delay_bounds_s
from gridarium.agents.edge.voltage_keeping import VoltageKeeping, VoltageRules
from gridarium.agents.rows import Rows
from gridarium.environment.grids import Site
from gridarium.market.messages.commands import Receipt, StorageCommand
from gridarium.market.messages.edge import (
    Active,
    EdgeEnrolment,
    FeederSchedule,
    OutageCause,
    Telemetry,
    UnitOutage,
    UnitReturned,
    VoltageReading,
)

REPORT_TIMEOUT_S, REPORT_AGAIN_S = 3600.0, 5.0
"""How long the operator is told of a unit, and how often, until it has heard, s."""


@dataclass(frozen=True)
class EdgeRules:
    """How an edge controller works.

    Parameters
    ----------
    times : TaskTimes
    frames_per_s : float
        What one of its links can carry.
    burst : int
        Most honest frames that one sender has under way at once.
    telemetry_s : float
        How often units report.
    heartbeat_s : float
        Time from one beat of a unit to the next, s.
    missed_beats : int
        Beats that must stay away before a unit counts as failed.
    voltage : VoltageRules
    """

    times: TaskTimes
    frames_per_s: float
    burst: int
    telemetry_s: float
    heartbeat_s: float
    missed_beats: int
    voltage: VoltageRules


class EdgeController(GridAgent):
    """Watches the units of a feeder, hands over what a failed one was told, and keeps voltages in the band.

    Frames are checked in turn by port and then queue as tasks; what is urgent interrupts what is not.

    - `queue`, `units`, `failovers`, `voltages`: its parts
    - `beat`: by a unit, whose heartbeats come or stay away from now on

    Parameters
    ----------
    site : Site
        The head of its feeder.
    name : str
    operator : str
        Who hears of outages.
    buses : mapping of str to int
        Bus index of each unit that may enrol, by name in the world.
    rules : EdgeRules
    watched : sequence of str
        Units that send heartbeats.
    """

    kind = "edge"

    def __init__(
        self,
        site: Site,
        name: str,
        operator: str,
        buses: Mapping[str, int],
        rules: EdgeRules,
        watched: Sequence[str] = (),
    ) -> None:
        super().__init__(site, name)
        self._operator, self._rules, self._watched = operator, rules, watched
        self._places = frozenset(buses)
        self.queue = EdgeQueue(self.world.clock, rules.times)
        self.units: dict[str, KnownUnit] = {}
        self.failovers = Failovers(self.world.clock, self.units, self.send)
        self.voltages = VoltageKeeping(
            self.grid.feeder, buses, self.units, rules.voltage, self.send, self._latency_s
        )
        self._beats: dict[str, Heartbeats] = {}
        self._before_enrolment: dict[str, list[tuple[int, StorageCommand]]] = {}
        self.world.bus.watch(self.name, self._turn_away)

    def process(self) -> None:
        """Expect heartbeats of all units that send them."""
        for unit in self._watched:
            self._beats[unit] = self._expected(unit)

    def _expected(self, unit: str) -> Heartbeats:
        """Heartbeats of a unit as they come over its link."""
        rules, clock = self._rules, self.world.clock
        quality = self.world.bus.quality(unit, self.name)
        urgent = partial(self.queue.run, Priority.URGENT)
        return Heartbeats(
            clock,
            Heartbeat(rules.heartbeat_s, rules.missed_beats, quality),
            self.stream(f"heartbeats of {self.grid.local(unit)}"),
            lambda: urgent(partial(self._miss, unit, clock.now_s)),
            lambda: urgent(partial(self._hear_again, unit)),
        )

    def beat(self, unit: str, goes_on: bool) -> None:
        """Hear beats of a unit from now on, or none: each one is not simulated by itself."""
        self._beats[unit].beat(goes_on)

    def _latency_s(self, unit: str) -> float:
        """Longest time that a message to a unit takes, s."""
        quality = self.world.bus.quality(self.name, unit)
        return quality.latency_s + quality.latency_jitter_s

    # What it hears: a frame, which is checked, and then a task.

    def _queued(self, sender: str, priority: Priority, task: Callable[[], None]) -> None:
        self.queue.arrive(sender, priority, task)

    def _turn_away(self, sender: str) -> None:
        """A frame that brings no message costs a check all the same."""
        self.queue.arrive(sender, None, lambda: None)

    @on(EdgeEnrolment)
    def take_enrolment(self, enrolment: EdgeEnrolment, sender: str) -> None:
        """Know a unit from now on; who has no place on the feeder is none."""
        asked = self.asked

        def enrol() -> None:
            if sender not in self._places:
                return
            if sender not in self.units:
                self.units[sender] = KnownUnit(enrolment)
                for day, told in self._before_enrolment.pop(sender, ()):
                    self.units[sender].tell(day, told)
            if asked.number is not None:
                self.reply(asked, Receipt())

        self._queued(sender, Priority.ROUTINE, enrol)

    @on(FeederSchedule)
    def take_schedule(self, schedule: FeederSchedule, sender: str) -> None:
        """Keep what units were told."""
        asked = self.asked

        def keep() -> None:
            for name, command in schedule.schedules.items():
                if name in self.units:
                    self.units[name].tell(schedule.day, command)
                else:
                    self._before_enrolment.setdefault(name, []).append((schedule.day, command))
            if asked.number is not None:
                self.reply(asked, Receipt())

        self._queued(sender, Priority.ROUTINE, keep)

    @on(Telemetry)
    def take_telemetry(self, telemetry: Telemetry, sender: str) -> None:
        """Keep what a unit measures; one that has opened its breaker itself is out."""
        isolated = not telemetry.breaker_closed
        known = self.units.get(sender)
        urgent = known is not None and isolated != (known.outage == "overheating")
        task = partial(self._keep, telemetry, sender)
        self._queued(sender, Priority.URGENT if urgent else Priority.ROUTINE, task)

    @on(VoltageReading)
    def take_reading(self, reading: VoltageReading, sender: str) -> None:
        """Correct the voltages, if they need it."""
        self._queued(sender, Priority.URGENT, partial(self._correct, reading))

    @on(Active)
    def take_active(self, active: Active, sender: str) -> None:
        """Take note that a standby unit delivers."""
        self._queued(sender, Priority.ROUTINE, partial(self.failovers.hear, active, sender))

    # What it does.

    def _keep(self, telemetry: Telemetry, sender: str) -> None:
        unit = self.units.get(sender)
        if unit is None:
            return
        unit.hear(telemetry)
        if not telemetry.breaker_closed and unit.outage is None:
            self._begin_outage(sender, "overheating", telemetry.time_s, telemetry.time_s)
        elif telemetry.breaker_closed and unit.outage == "overheating":
            self._end_outage(sender)

    def _miss(self, unit: str, missed_s: float) -> None:
        """Nothing was heard of a unit for too long."""
        if unit in self.units and self.units[unit].outage is None:
            # When it really failed is for the record only.
            failed_s = self._beats[unit].silences[-1].from_s
            self._begin_outage(unit, "failure", failed_s, missed_s)

    def _hear_again(self, unit: str) -> None:
        if unit in self.units and self.units[unit].outage == "failure":
            self._end_outage(unit)

    def _begin_outage(self, name: str, cause: OutageCause, failed_s: float, detected_s: float) -> None:
        unit = self.units[name]
        unit.outage = cause
        standby = self.failovers.begin(name, cause, failed_s, detected_s, self.world.running_period)
        self._record(name, f"outage: {cause}")
        if standby is not None:
            self._record(standby, f"takeover: {name}")
        self._report(UnitOutage(name, detected_s, cause, standby, unit.last_mwh))

    def _end_outage(self, name: str) -> None:
        unit = self.units[name]
        unit.outage = None
        self.failovers.end(name)
        self._record(name, "returned")
        self._report(UnitReturned(name, self.world.clock.now_s, unit.last_mwh))

    def _record(self, unit: str, what: str) -> None:
        """Raise an alarm in the records of a unit."""
        world = self.world
        world.records.write(world.clock.now_s, self.name, unit, what, world.running_period)

    def _report(self, news: UnitOutage | UnitReturned) -> None:
        """Tell the operator, again and again until it has heard."""
        question = self.ask({self._operator: news}, REPORT_TIMEOUT_S, REPORT_AGAIN_S)
        self.world.clock.process(question.answered())

    def _correct(self, reading: VoltageReading) -> None:
        world = self.world
        if (period := world.running_period) is not None:
            ends_s = world.delivery_s + (period + 1) * world.clock.period_s
            hunted = self.voltages.hunted
            self.voltages.read(reading, world.clock.now_s, period, ends_s)
            if self.voltages.hunted > hunted:
                self._record(self.name, "corrections hunt")

    # What it tells.

    def rows(self) -> Iterator[Rows]:
        """Failovers, and the delays of urgent frames by port against the bound."""
        latency_s = max((one.heartbeat.quality.latency_s for one in self._beats.values()), default=0.0)
        begins_s = self.world.delivery_s
        yield from self.failovers.rows(self._rules.telemetry_s, latency_s, self.grid.local, begins_s)
        yield from self._queue_rows()

    def _queue_rows(self) -> Iterator[Rows]:
        queue = self.queue
        bounds_s = self.bounds_s
        names, ports = list(queue.ports), list(queue.ports.values())
        yield Rows(
            "edge_ports",
            {
                "port": [self.grid.local(name) for name in names],
                "frames": np.array([port.frames for port in ports]),
                "refused": np.array([port.refused for port in ports]),
                "urgent": np.array([port.urgent for port in ports]),
                "longest_s": np.array([port.longest_s for port in ports]),
                "false_alarms_per_h": np.array([self._false_alarms_per_h(name) for name in names]),
                "bound_s": np.full(len(ports), bounds_s[0]),
                "flooded_bound_s": np.full(len(ports), bounds_s[1]),
            },
            by="row",
        )

    @property
    def bounds_s(self) -> tuple[float, float]:
        """Longest delay of an urgent frame on a quiet link, and with all links flooded, s."""
        times, ports = self._rules.times, self.queue.ports
        floods = [
            Flood(self._rules.frames_per_s, times.check_s + (0.0 if self._checks(port) else times.urgent_s))
            for port in ports
        ]
        return delay_bounds_s(times, len(ports), self._rules.burst, len(self._beats), floods)

    def _checks(self, port: str) -> bool:
        """Whether what is forged or repeated on a link is found out."""
        return self.world.bus.is_secured(port, self.name)

    def _false_alarms_per_h(self, name: str) -> float:
        """Expected alarms by lost beats alone, which are not drawn; nan where no beats are sent."""
        beats = self._beats.get(name)
        return float("nan") if beats is None else beats.heartbeat.false_alarms_per_h
