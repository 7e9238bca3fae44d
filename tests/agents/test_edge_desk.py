"""The operator's side of an edge controller: schedules for it, and news from it in the cloud's queue."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from gridarium.agents.base import GridAgent
from gridarium.agents.feeder.edge_desk import EdgeTerms, open_desk
from gridarium.environment.arrays import series
from gridarium.environment.links import LinkQuality
from gridarium.environment.world import World
from gridarium.market.messages.commands import CompensatorSetpoint, StorageCommand
from gridarium.market.messages.edge import UnitOutage, UnitReturned

OUT = UnitOutage("one", 10.0, "failure", "spare", 0.3)


def test_news_is_dealt_with_once_and_before_plans_that_wait(make_world: Callable[..., World]) -> None:
    world = make_world(quality=LinkQuality(duplication=1.0))
    operator, edge = GridAgent(world.grid.head, "dso"), GridAgent(world.grid.head, "edge")
    desk = open_desk(operator, EdgeTerms("edge", 2.0))
    assert desk is not None
    told, done = list[Any](), list[Any]()
    desk.whenever(lambda news: told.append((world.clock.now_s, news)))
    orders = {
        "one": StorageCommand(1, 3, series([0.0]), series([0.1])),
        "svc": CompensatorSetpoint(1, 3, series([0.2])),
    }

    def plan() -> Any:
        done.append((yield from desk.copied(0, orders)))
        done.append(world.clock.now_s)

    for _ in range(2):
        world.clock.process(plan())
    world.clock.run_until(1.0)
    world.clock.process(edge.ask({"dso": OUT}, 10.0, 5.0).answered())
    world.clock.run_until(20.0)
    # The plan that has begun is finished, the one that waits is not before the news.
    assert told == [(4.0, OUT)]
    assert done[1::2] == [2.0, 6.0]
    schedule = done[0]["edge"]
    assert done[0]["svc"] is orders["svc"]
    assert (schedule.first_period, dict(schedule.schedules)) == (3, {"one": orders["one"]})
    assert desk.out == {"one": OUT}
    world.clock.process(edge.ask({"dso": UnitReturned("one", 15.0, 0.3)}, 10.0, 5.0).answered())
    world.clock.run_until(30.0)
    assert desk.out == {}
    (rows,) = desk.rows(lambda name: name, 3600.0)
    assert rows.values["cause"] == ["failure", "returned"]
    heard_s, done_s = (np.asarray(rows.values[name]) for name in ("heard_s", "done_s"))
    assert done_s - heard_s == pytest.approx([3.0, 2.0])


def test_there_is_no_desk_without_an_edge(make_world: Callable[..., World]) -> None:
    assert open_desk(GridAgent(make_world().grid.head, "dso"), None) is None
