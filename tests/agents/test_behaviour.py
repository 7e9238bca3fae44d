"""Bounded rationality: hooks act where they say, in the order they are named."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from gridarium.agents.base import GridAgent
from gridarium.agents.behaviour import Behaviour, Composed
from gridarium.agents.feeder.consumer import Consumer
from gridarium.agents.feeder.consumer_day import Demand
from gridarium.environment.arrays import series
from gridarium.environment.injections import Injections
from gridarium.environment.world import World
from gridarium.market.messages.tariffs import TariffSignal

MakeWorld = Callable[..., World]
HEARD = TariffSignal(1, series([620.0, 600.0, 610.0]), series([0.0] * 3), series([600.0] * 3))


class Scaled(Behaviour):
    """Multiplies and adds in every hook, so that order matters."""

    def __init__(self, factor: float, added: float) -> None:
        self.factor, self.added = factor, added

    def perceive(self, agent: GridAgent, signal: Any) -> Any:
        return replace(signal, price_per_mwh=self.factor * signal.price_per_mwh + self.added)

    def choose(self, agent: GridAgent, signal: Any, plan: Any) -> Any:
        return self.factor * plan + self.added

    def act(self, agent: GridAgent, period: int, planned: float) -> float:
        return self.factor * planned + self.added


class Inattentive(Behaviour):
    """Sees the reference price whatever is posted."""

    def perceive(self, agent: GridAgent, signal: Any) -> Any:
        return replace(signal, price_per_mwh=signal.reference_price_per_mwh)


class Halfhearted(Behaviour):
    def choose(self, agent: GridAgent, signal: Any, plan: Any) -> Any:
        return 0.5 * (plan + np.array([1.0, 1.5, 2.0]))


class Absent(Behaviour):
    """Leaves everything off in one period."""

    def act(self, agent: GridAgent, period: int, planned: float) -> float:
        return 0.0 if period == 1 else planned


class Noisy(Behaviour):
    def act(self, agent: GridAgent, period: int, planned: float) -> float:
        return planned + float(agent.stream("behaviour").normal(0.0, 0.1))


def consumer(world: World, behaviour: Behaviour | None, name: str = "homes") -> Consumer:
    demand = Demand(np.array([1.0, 1.5, 2.0]), 100.0, 0.2)
    made = Consumer(world.grid.spread(), name, "homes", demand, "leader", behaviour)
    if not world.meters.get("connected"):
        world.bus.connect("leader", lambda envelope: None)
        world.meters["connected"] = np.ones(1)
    return made


def metered(world: World, agent: Consumer) -> list[float]:
    loads = []
    for period in range(3):
        world.grid.injections = Injections(2)
        agent.operate(period)
        loads.append(world.grid.injections.metered_mw[agent.name])
    return loads


def test_hooks_compose_in_the_order_given() -> None:
    agent: Any = None
    both = Composed([Scaled(2.0, 1.0), Scaled(3.0, 10.0)])
    assert both.act(agent, 0, 5.0) == 3.0 * (2.0 * 5.0 + 1.0) + 10.0
    assert both.choose(agent, None, np.array([5.0])).tolist() == [43.0]
    assert both.perceive(agent, HEARD).price_per_mwh.tolist() == [
        3.0 * (2.0 * price + 1.0) + 10.0 for price in (620.0, 600.0, 610.0)
    ]
    assert Composed([]).act(agent, 0, 5.0) == 5.0
    assert Composed([]).perceive(agent, HEARD) is HEARD


class Diary(Behaviour):
    """Notes the days for which it gets ready, and what it perceives."""

    def __init__(self) -> None:
        self.entries: list[str] = []

    def begin_day(self, agent: GridAgent, day: int) -> None:
        self.entries.append(f"{agent.name} begins {day}")

    def perceive(self, agent: GridAgent, signal: Any) -> Any:
        self.entries.append(f"hears {signal.day}.{signal.round}")
        return signal


def test_each_day_begins_once_and_before_anything_of_it_is_perceived(make_world: MakeWorld) -> None:
    first, second = Diary(), Diary()
    world, values = make_world(48), series([600.0] * 24)
    demand = Demand(np.resize([1.0, 1.5, 2.0], 48), 100.0, 0.2)
    site = world.grid.spread()
    agent = Consumer(site, "homes", "homes", demand, "leader", Composed([first, second]))
    for day, round_ in ((0, 1), (0, 2), (0, 2), (1, 1), (1, 2)):
        agent.respond(TariffSignal(round_, values, values, values, day=day), "leader")
    expected = ["homes begins 0", "hears 0.1", "hears 0.2", "homes begins 1", "hears 1.1", "hears 1.2"]
    assert first.entries == second.entries == expected


@pytest.mark.parametrize("behaviour", [None, Behaviour(), Composed([]), Scaled(1.0, 0.0)])
def test_the_neutral_behaviour_is_the_exact_agent(make_world: MakeWorld, behaviour: Behaviour | None) -> None:
    world = make_world()
    agent = consumer(world, behaviour)
    agent.respond(HEARD, "leader")
    exact = agent.best_response(HEARD)
    assert agent.loads_mw["plan"].tolist() == exact.tolist()
    assert metered(world, agent) == exact.tolist()


def test_perceive_changes_what_is_optimised(make_world: MakeWorld) -> None:
    agent = consumer(make_world(), Inattentive())
    agent.respond(HEARD, "leader")
    assert agent.loads_mw["plan"] == pytest.approx([1.0, 1.5, 2.0], abs=3e-6)
    # 10 CNY/MWh from the mean at 100 CNY/MWh per MW: 0.1 MW each way, half of it lost is the regret.
    assert agent.today.regret_money(HEARD) == pytest.approx(0.5 * 100.0 * (0.1**2 + 0.1**2), abs=1e-3)


def test_choose_changes_the_plan(make_world: MakeWorld) -> None:
    world = make_world()
    agent = consumer(world, Halfhearted())
    agent.respond(HEARD, "leader")
    assert agent.loads_mw["plan"] == pytest.approx([0.95, 1.55, 2.0], abs=3e-6)
    assert metered(world, agent) == agent.loads_mw["plan"].tolist()


def test_act_changes_the_load_but_not_the_plan(make_world: MakeWorld) -> None:
    world = make_world()
    agent = consumer(world, Absent())
    agent.respond(HEARD, "leader")
    plan = agent.loads_mw["plan"]
    assert plan == pytest.approx([0.9, 1.6, 2.0], abs=3e-6)
    assert metered(world, agent) == [plan[0], 0.0, plan[2]]


def test_random_behaviour_draws_from_the_agents_own_stream(make_world: MakeWorld) -> None:
    def loads(seed: int, name: str) -> list[float]:
        world = make_world(seed=seed)
        agent = consumer(world, Noisy(), name)
        agent.respond(HEARD, "leader")
        return metered(world, agent)

    assert loads(1, "homes") == loads(1, "homes")
    assert loads(1, "homes") != loads(2, "homes")
    assert loads(1, "homes") != loads(1, "works")
