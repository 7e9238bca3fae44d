"""An edge controller among units that answer it: takeovers, corrections, outages, and a thousand failures."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from gridarium.agents.base import GridAgent, on
from gridarium.agents.edge.edge_controller import EdgeController, EdgeRules
from gridarium.agents.edge.heartbeat import Heartbeat
from gridarium.agents.edge.task_queue import TaskTimes
from gridarium.agents.edge.voltage_keeping import MOST_CHANGES, VoltageRules
from gridarium.environment.arrays import series
from gridarium.environment.links import LinkQuality
from gridarium.environment.world import World
from gridarium.market.messages.commands import Receipt, StorageCommand
from gridarium.market.messages.edge import (
    Active,
    Correction,
    EdgeEnrolment,
    FeederSchedule,
    StandDown,
    Takeover,
    Telemetry,
    UnitOutage,
    UnitReturned,
    VoltageReading,
)

TIMES = TaskTimes(check_s=2e-5, urgent_s=2e-3, routine_s=5e-3)
RULES = EdgeRules(TIMES, 1000.0, 3, 30.0, 0.1, 2, VoltageRules((0.95, 1.05), 5e-4, 0.5))
MOBILE, WIRED = LinkQuality(0.005, 0.002), LinkQuality(0.010)


class Unit(GridAgent):
    """A unit that does what an edge asks of it, after its response."""

    def __init__(self, world: World, name: str, response_s: float, covers: tuple[str, ...] = ()) -> None:
        super().__init__(world.grid.site(2), name)
        self.enrolment = EdgeEnrolment(0.4, 0.5, 0.05, 0.55, 0.9, 0.9, response_s, covers)
        self.heard: list[Any] = []
        self.send("edge", self.enrolment)

    def report(self, e_mwh: float = 0.3, breaker_closed: bool = True) -> None:
        now_s = self.world.clock.now_s
        self.send("edge", Telemetry(now_s, 0.1, 0.0, e_mwh, float("nan"), breaker_closed))

    @on(Takeover)
    def take_over(self, takeover: Takeover, sender: str) -> None:
        self.heard.append(takeover)

        def active(event: Any) -> None:
            self.send("edge", Active(takeover.of, self.world.clock.now_s))

        self.world.clock.timeout(self.enrolment.response_s).callbacks.append(active)

    @on(Receipt)
    def take_receipt(self, receipt: Receipt, sender: str) -> None:
        """Of an enrolment."""

    @on(Correction, StandDown)
    def hear(self, message: Correction | StandDown, sender: str) -> None:
        self.heard.append(message)


class Operator(GridAgent):
    """Tells schedules, and hears of outages."""

    def __init__(self, world: World) -> None:
        super().__init__(world.grid.head, "operator")
        self.heard: list[Any] = []

    @on(UnitOutage, UnitReturned)
    def hear(self, message: Any, sender: str) -> Receipt:
        self.heard.append(message)
        return Receipt()

    @on(Receipt)
    def take_receipt(self, receipt: Receipt, sender: str) -> None:
        """Of a schedule."""


class Place:
    """A feeder of two buses with an operator, an edge and three units; one stands by for the others."""

    def __init__(self, world: World) -> None:
        self.world = world
        for unit in ("one", "two", "spare"):
            world.bus.set_link(unit, "edge", MOBILE)
            world.bus.set_link("edge", unit, WIRED)
        buses = dict.fromkeys(("one", "two", "spare"), 1)
        self.edge = EdgeController(world.grid.head, "edge", "operator", buses, RULES, tuple(buses))
        self.operator = Operator(world)
        self.one, self.two = Unit(world, "one", 0.2), Unit(world, "two", 0.3)
        self.spare = Unit(world, "spare", 0.2, ("one", "two"))
        self.edge.start()
        told = StorageCommand(
            1, 0, series([0.0, 0.1, 0.0]), series([0.2, 0.0, 0.3]), series([0.0, 0.05, 0.1])
        )
        self.operator.send("edge", FeederSchedule(0, 0, {"one": told, "two": told}))
        self.until(1.0)

    def until(self, time_s: float) -> None:
        self.world.clock.run_until(time_s)


@pytest.fixture
def place(make_world: Callable[..., World]) -> Place:
    return Place(make_world(3))


def test_a_standby_gets_the_rest_of_what_a_failed_unit_was_told(place: Place) -> None:
    place.one.report(0.42)
    place.until(3600.0 + 3700.0)
    place.edge.beat("one", False)
    place.until(7400.0)
    (takeover,) = place.spare.heard
    assert takeover.of == "one"
    assert takeover.command.period == 1
    assert takeover.command.charge_mw.tolist() == [0.1, 0.0]
    assert takeover.command.discharge_mw.tolist() == [0.0, 0.3]
    assert takeover.command.q_mvar.tolist() == [0.05, 0.1]
    outage = place.operator.heard[-1]
    assert (outage.unit, outage.cause, outage.standby, outage.e_mwh) == ("one", "failure", "spare", 0.42)
    assert 7300.0 < outage.time_s < 7300.3
    # It stands in for one unit at a time, and for nobody when it is out itself.
    place.edge.beat("two", False)
    place.until(7500.0)
    assert (place.operator.heard[-1].unit, place.operator.heard[-1].standby) == ("two", None)
    place.edge.beat("one", True)
    place.until(7600.0)
    assert place.spare.heard[-1].of == "one"
    assert isinstance(place.operator.heard[-1], UnitReturned)
    assert [one.standby for one in place.edge.failovers.all] == ["spare", None]


def test_a_beat_that_comes_in_time_is_no_failure(place: Place) -> None:
    place.edge.beat("one", False)
    place.until(1.01)
    place.edge.beat("one", True)
    place.until(10.0)
    assert place.spare.heard == []
    assert not any(isinstance(message, UnitOutage) for message in place.operator.heard)


def test_a_unit_that_isolates_itself_tells_so_and_is_stood_in_for(place: Place) -> None:
    place.until(3700.0)
    place.two.report(breaker_closed=False)
    place.until(3701.0)
    assert place.operator.heard[-1].cause == "overheating"
    assert place.spare.heard[-1].of == "two"
    place.two.report(breaker_closed=False)
    place.until(3702.0)
    assert len(place.edge.failovers.all) == 1
    place.two.report()
    place.until(3703.0)
    assert isinstance(place.operator.heard[-1], UnitReturned)
    assert place.spare.heard[-1].of == "two"


def test_a_thousand_failures_are_handed_over_within_half_a_second(place: Place) -> None:
    draws, time_s = np.random.default_rng(7), 3600.0
    for unit in (place.one, place.two):
        unit.report()
    for _ in range(1000):
        time_s += float(draws.uniform(1.5, 4.0))
        unit = str(draws.choice(["one", "two"]))
        place.until(time_s)
        place.edge.beat(unit, False)
        place.until(time_s + 1.0)
        place.edge.beat(unit, True)
    place.until(time_s + 10.0)
    found = place.edge.failovers.all
    took_s = np.array([one.failover_s for one in found])
    assert len(found) == 1000
    assert all(one.standby == "spare" for one in found)
    # Missed beats, the way to the edge, a check and a task, the way to the standby unit, its response.
    bound_s = Heartbeat(0.1, 2, MOBILE).longest_s + 2e-3 + 0.010 + 0.2
    assert took_s.max() <= bound_s < 0.5
    assert took_s.min() >= bound_s - 0.1 - 2 * 0.002 - 1e-6
    (rows, _) = place.edge.rows()
    polled_s = np.asarray(rows.values["polled_s"])
    assert rows.table == "failovers"
    assert polled_s.mean() == pytest.approx(15.0 + 0.215, abs=0.7)
    assert (polled_s > 0.5).mean() > 0.97


def test_fast_units_correct_what_a_sensor_reads_and_stop_when_it_needs_them_no_longer(place: Place) -> None:
    sensor = Operator.__new__(Operator)
    GridAgent.__init__(sensor, place.world.grid.head, "sensor")
    sensor.heard = []

    def read(vm_pu: float) -> None:
        now_s = place.world.clock.now_s
        sensor.send("edge", VoltageReading(now_s, ("1", "2"), series([1.0, vm_pu])))
        place.until(now_s + 1.0)

    for unit in (place.one, place.two):
        unit.report()
    place.until(3700.0)
    read(1.049)
    assert place.one.heard == place.two.heard == []
    # On a base of 1 MVA and x = 0.01 p.u. a Mvar moves 0.01 p.u.; both units have 0.5 MVA.
    read(1.0545)
    told = [unit.heard[-1] for unit in (place.one, place.two)]
    moved = sum(one.q_mvar for one in told)
    assert moved == pytest.approx(-0.5, abs=0.02)
    assert all(one.p_mw == 0.0 and one.until_s == 7200.0 for one in told)
    assert place.spare.heard == []
    read(1.0495)
    count = len(place.one.heard) + len(place.two.heard)
    assert count == 2
    # Without what they give it would stand in the band by itself.
    read(1.030)
    assert [unit.heard[-1].q_mvar for unit in (place.one, place.two)] == [0.0, 0.0]
    place.until(7300.0)
    read(1.2)
    assert place.edge.voltages.given_up == 1
    assert all(np.hypot(unit.heard[-1].p_mw, unit.heard[-1].q_mvar) > 0.3 for unit in (place.one, place.two))


def test_corrections_that_hunt_are_left_as_they_are_until_the_next_set_points(place: Place) -> None:
    sensor = GridAgent(place.world.grid.head, "sensor")
    place.one.report()
    place.until(3700.0)

    def read_wildly() -> list[Any]:
        """Whatever was done, the next reading says the opposite."""
        before = len(place.one.heard)
        for number in range(2 * MOST_CHANGES):
            now_s = place.world.clock.now_s
            vm_pu = 1.07 if number % 2 else 0.93
            sensor.send("edge", VoltageReading(now_s, ("1", "2"), series([1.0, vm_pu])))
            place.until(now_s + 1.0)
        return place.one.heard[before:]

    assert len(read_wildly()) == MOST_CHANGES
    assert place.edge.voltages.hunted == 1
    alarms = place.world.records.of("edge")
    assert [one.what for one in alarms] == ["corrections hunt"]
    place.until(7300.0)
    assert len(read_wildly()) == MOST_CHANGES


def test_who_has_no_place_on_the_feeder_is_no_unit_of_it(place: Place) -> None:
    Unit(place.world, "stranger", 0.1, ("one",))
    place.until(3700.0)
    assert set(place.edge.units) == {"one", "two", "spare"}
    place.edge.beat("one", False)
    place.until(3800.0)
    assert place.edge.failovers.all[0].standby == "spare"
    told = [(one.owner, one.what, one.period) for one in map(place.world.records.record, range(2))]
    assert told == [("one", "outage: failure", 0), ("spare", "takeover: one", 0)]
