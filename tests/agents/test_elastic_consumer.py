"""Elastic consumers: answers, bounded answers, and where they stand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from gridarium.agents.base import GridAgent, on
from gridarium.agents.bounded.choice import Habit
from gridarium.agents.feeder.elastic_consumer import ElasticConsumer, ElasticDemand
from gridarium.environment.arrays import series
from gridarium.environment.grids import Site
from gridarium.environment.world import World
from gridarium.market.elasticity import Elasticity, ResponseBounds
from gridarium.market.messages.forecasts import ForecastRequest, LoadForecast
from gridarium.market.messages.tariffs import LoadPlan, TariffSignal

MakeWorld = Callable[..., World]
BASE = np.array([1.0, 1.5, 2.0])
REFERENCE = np.array([500.0, 600.0, 400.0])
NEEDS = ElasticDemand(BASE, Elasticity(-0.2, 0.12, 1.0), ResponseBounds(0.2), 300.0)


class Leader(GridAgent):
    """Hears answers."""

    def __init__(self, world: World) -> None:
        super().__init__(world.grid.head, "leader")
        self.heard: list[Any] = []

    @on(LoadPlan, LoadForecast)
    def hear(self, told: Any, sender: str) -> None:
        self.heard.append(told)


def signal(price: Any, round_: int = 1) -> TariffSignal:
    return TariffSignal(round_, series(price), series(np.zeros(3)), series(REFERENCE))


def test_answers_by_message_with_its_load(make_world: MakeWorld) -> None:
    world = make_world()
    leader = Leader(world)
    consumer = ElasticConsumer(world.grid.spread(), "homes", "homes", NEEDS, "leader")
    for payload in (ForecastRequest(0), signal([500.0, 660.0, 400.0])):
        leader.send("homes", payload)
        world.clock.run_until(world.clock.now_s + 1.0)
    forecast, plan = leader.heard
    assert forecast.load_mw == pytest.approx(BASE)
    assert plan.load_mw == pytest.approx(BASE * [1.012, 0.98, 1.012])
    assert consumer.today.regret_money(signal([500.0, 660.0, 400.0])) == pytest.approx(0.0)


def test_value_is_what_leaving_the_rule_loses(make_world: MakeWorld) -> None:
    consumer = ElasticConsumer(make_world().grid.spread(), "homes", "homes", NEEDS, "leader")
    told = signal(REFERENCE)
    # 0.1 MW beside the rule in the first hour: half of 0.1 MW times 500 / (0.2 * 1.0) * 0.1 MW.
    assert consumer.value_money(BASE + np.array([0.1, 0.0, 0.0]), told) == pytest.approx(-0.5 * 0.01 * 2500.0)
    assert consumer.value_money(consumer.best_response(told), told) == 0.0


def test_feasible_loads(make_world: MakeWorld) -> None:
    needs = ElasticDemand(BASE, Elasticity(-0.2, 0.12, 1.0), ResponseBounds(0.2, 0.1))
    plans = ElasticConsumer(make_world().grid.spread(), "homes", "homes", needs, "leader").plans
    # 0.9 of 4.5 MWh could go by the hours, 0.45 MWh may by the day: the cheapest hour is filled up again.
    assert plans.cheapest(np.array([3.0, 2.0, 1.0])) == pytest.approx([0.8, 1.2, 2.05])
    assert plans.nearest(np.array([1.1, 9.0, 1.9])) == pytest.approx([1.1, 1.8, 1.9])
    assert plans.between(BASE, 1.1 * BASE, 0.5) == pytest.approx(1.05 * BASE)


def test_behaviours_of_choice_apply(make_world: MakeWorld) -> None:
    consumer = ElasticConsumer(
        make_world().grid.spread(), "homes", "homes", NEEDS, "leader", Habit(usual_weight=0.5)
    )
    consumer.respond(signal([500.0, 660.0, 400.0]), "leader")
    assert consumer.plan_mw == pytest.approx(BASE * [1.006, 0.99, 1.006])
    assert consumer.value_money(consumer.plan_mw, signal([500.0, 660.0, 400.0])) < 0.0


def test_consumer_at_a_bus_draws_the_reactive_power_of_its_load(make_world: MakeWorld) -> None:
    grid = make_world().grid
    (site, share), *others = grid.load_sites()
    assert share + sum(part for _, part in others) == pytest.approx(1.0)
    drawn = Site(grid, site.bus, 0.4)
    drawn.draw("homes", 2.0)
    assert grid.injections.drawn_mw[site.bus] == 2.0
    assert grid.injections.q_mvar[site.bus] == pytest.approx(-0.8)
