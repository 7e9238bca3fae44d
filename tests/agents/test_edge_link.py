"""Storages and an edge controller: reports, corrections after a response, a standby that takes over."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from gridarium.agents.base import GridAgent, on
from gridarium.agents.devices.edge_link import EdgeLinkTerms
from gridarium.agents.devices.incidents import fails
from gridarium.agents.storage.standby_storage import StandbyStorage
from gridarium.agents.storage.storage_owner import StorageOwner
from gridarium.environment.arrays import series
from gridarium.environment.clock import Clock
from gridarium.environment.grids import Grid, Site
from gridarium.environment.storage import StorageRatings
from gridarium.environment.world import World
from gridarium.market.messages.commands import Receipt, StorageCommand
from gridarium.market.messages.edge import (
    Active,
    Correction,
    EdgeEnrolment,
    StandDown,
    Takeover,
    Telemetry,
)
from gridarium.market.messages.status import StorageStatus
from small_cases import two_buses

HOUR_S = 3600.0
RATINGS = StorageRatings("one", 0.5, 1.0, 0.1, 0.9, 0.5, 0.92, 0.95, 0.6)


class Edge(GridAgent):
    """Hears everything; answers enrolments from a time on."""

    def __init__(self, world: World, answers_from_s: float = 0.0) -> None:
        super().__init__(world.grid.head, "edge")
        self.heard: list[tuple[str, Any]] = []
        self.answers_from_s = answers_from_s

    @on(Telemetry, Active, StorageStatus)
    def hear(self, told: Any, sender: str) -> None:
        self.heard.append((sender, told))

    @on(EdgeEnrolment)
    def enrol(self, told: EdgeEnrolment, sender: str) -> Receipt | None:
        self.heard.append((sender, told))
        return Receipt() if self.world.clock.now_s >= self.answers_from_s else None

    def of(self, kind: type, sender: str) -> list[Any]:
        return [told for who, told in self.heard if who == sender and isinstance(told, kind)]

    def at(self, at_s: float, recipient: str, payload: Any) -> None:
        self.world.clock.env.timeout(at_s).callbacks.append(lambda _: self.send(recipient, payload))


class Place:
    """A unit, one that stands by for it, and an edge, for two hours."""

    def __init__(self, answers_from_s: float = 0.0) -> None:
        clock = Clock(pd.Timestamp("2026-01-15T00:00:00+08:00"), HOUR_S)
        grid = Grid(two_buses(), np.full(2, 0.6))
        self.world = World(grid, clock, 2, 0.0, settles_after_s=HOUR_S)
        self.edge, site = Edge(self.world, answers_from_s), Site(grid, 1)
        terms = EdgeLinkTerms("edge", 30.0, 0.2)
        self.one = StorageOwner(site, "one", RATINGS, "edge", edge=terms)
        self.spare = StandbyStorage(
            site, "spare", replace(RATINGS, name="spare"), replace(terms, covers=("one",))
        )
        self.command = StorageCommand(1, 0, series([0.0, 0.3]), series([0.2, 0.0]), series([0.1, 0.0]))
        self.one.storage.take_command(self.command, "edge")

    def run(self) -> None:
        while self.world.running:
            self.world.step()


def test_units_enrol_and_report_every_half_minute() -> None:
    place = Place(answers_from_s=100.0)
    place.run()
    # The first four of these went without an answer: one for each half minute.
    assert len(place.edge.of(EdgeEnrolment, "one")) == 5
    (spare, *_) = place.edge.of(EdgeEnrolment, "spare")
    assert spare == EdgeEnrolment(0.5, 0.6, 0.1, 0.9, 0.92, 0.95, 0.2, ("one",))
    told = place.edge.of(Telemetry, "one")
    assert [one.time_s for one in told] == [30.0 * k for k in range(240)]
    assert [(one.p_mw, one.q_mvar) for one in told] == [(0.2, 0.1)] * 120 + [(-0.3, 0.0)] * 120
    inside = 0.5 - 0.2 / 0.95 * np.arange(120) / 120
    assert [one.e_mwh for one in told[:120]] == pytest.approx(inside, abs=1e-12)
    assert all(np.isnan(one.temperature_c) and one.breaker_closed for one in told)


def test_a_failed_unit_tells_nothing_and_one_that_isolates_itself_tells_at_once() -> None:
    place = Place()
    fails(place.world.clock, place.one.storage.breaker, 1000.0, 6000.0)
    breaker = place.spare.storage.breaker
    place.world.clock.env.timeout(500.5).callbacks.append(lambda _: breaker.open("overheating"))
    place.world.clock.env.timeout(700.5).callbacks.append(lambda _: breaker.release("overheating"))
    place.run()
    times_s = [one.time_s for one in place.edge.of(Telemetry, "one")]
    assert [at for at in times_s if 990.0 <= at <= 7020.0] == [990.0, 7000.0, 7020.0]
    # The status of the hour that ended meanwhile is missing, too.
    assert [one.period for one in place.edge.of(StorageStatus, "one")] == [2]
    closed = {one.time_s: one.breaker_closed for one in place.edge.of(Telemetry, "spare")}
    assert [closed[at] for at in (480.0, 500.5, 510.0, 690.0, 700.5)] == [True, False, False, False, True]


def test_a_standby_does_what_the_failed_unit_was_told_until_that_is_back() -> None:
    place = Place()
    fails(place.world.clock, place.one.storage.breaker, 1800.0, 3600.0)
    place.edge.at(1800.1, "spare", Takeover("one", place.command, 1800.1))
    place.edge.at(1800.1, "spare", Takeover("another", place.command, 1800.1))
    place.edge.at(5400.0, "spare", StandDown("another", 5400.0))
    place.edge.at(6300.0, "spare", StandDown("one", 6300.0))
    place.run()
    assert place.edge.of(Active, "spare") == [Active("one", 1800.1 + 0.2)]
    share = (3600.0 - 1800.3) / 3600.0
    assert place.spare.storage.discharge_mw == pytest.approx([0.2 * share, 0.0])
    assert place.spare.storage.charge_mw == pytest.approx([0.0, 0.3 * 0.75])
    # Both together gave what was told but for the 0.3 s of the failover.
    given = place.spare.storage.discharge_mw[0] + place.one.storage.discharge_mw[0]
    assert given == pytest.approx(0.2 * (1.0 - 0.3 / 3600.0))
    (dispatch, storages) = place.spare.rows()
    assert (dispatch.table, storages.table) == ("dispatch", "storages")


def test_a_release_that_comes_before_the_response_leaves_it_idle() -> None:
    place = Place()
    place.edge.at(100.0, "spare", Takeover("one", place.command, 100.0))
    place.edge.at(100.1, "spare", StandDown("one", 100.1))
    fails(place.world.clock, place.spare.storage.breaker, 300.0, 10.0)
    place.edge.at(305.0, "spare", Takeover("one", place.command, 305.0))
    place.run()
    assert place.edge.of(Active, "spare") == []
    assert place.spare.storage.discharge_mw.tolist() == [0.0, 0.0]


def test_corrections_act_after_the_response_of_a_unit() -> None:
    place = Place()
    place.edge.at(1000.0, "one", Correction(1000.0, -0.1, 0.2, 1900.0))
    seen: list[tuple[float, float]] = []
    for at_s in (1000.1, 1000.3, 1899.0, 1901.0):
        place.world.clock.env.timeout(at_s).callbacks.append(lambda _: seen.append(place.one.storage.power))
    place.run()
    assert seen == [(0.2, 0.1), pytest.approx((0.1, 0.3)), pytest.approx((0.1, 0.3)), (0.2, 0.1)]


def test_a_cut_link_ends_nothing() -> None:
    place = Place()
    place.world.bus.add_outage("edge", 0.0, 7201.0)
    place.edge.at(1000.0, "one", Correction(1000.0, -0.1, 0.2, 1900.0))
    fails(place.world.clock, place.one.storage.breaker, 1800.0, 600.0)
    place.run()
    assert place.edge.heard == []
    assert place.one.storage.discharge_mw[0] == pytest.approx(0.2 * 5 / 6)


def test_what_was_overtaken_on_its_way_counts_no_more() -> None:
    place = Place()
    place.edge.at(1000.0, "one", Correction(999.9, 0.1, 0.0, 1900.0))
    place.edge.at(1001.0, "one", Correction(999.0, -0.1, 0.0, 1900.0))
    place.edge.at(2000.0, "spare", StandDown("one", 1999.0))
    place.edge.at(2001.0, "spare", Takeover("one", place.command, 1998.0))
    seen: list[tuple[float, float]] = []
    place.world.clock.env.timeout(1500.0).callbacks.append(lambda _: seen.append(place.one.storage.power))
    place.run()
    assert seen == [pytest.approx((0.3, 0.1))]
    assert place.edge.of(Active, "spare") == []
