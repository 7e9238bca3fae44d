"""What is metered when plans are carried out in part, overridden or given up."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from gridarium.agents.behaviour import Behaviour, Composed
from gridarium.agents.bounded.action import DropOut, Override, PartialCompliance
from gridarium.agents.feeder.consumer import Consumer
from gridarium.agents.feeder.consumer_day import Demand
from gridarium.environment.arrays import series
from gridarium.environment.clock import DAY_S
from gridarium.environment.injections import Injections
from gridarium.environment.world import World
from gridarium.market.messages.tariffs import TariffSignal

MakeWorld = Callable[..., World]
N = 400
BASE = 1.0 + 0.5 * np.sin(np.arange(N))


def metered(make_world: MakeWorld, behaviour: Behaviour, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Metered and planned load of a consumer, MW."""
    world = make_world(N, period_s=DAY_S / N, seed=seed)
    world.bus.connect("leader", lambda envelope: None)
    demand = Demand(BASE, 60.0, 0.2)
    agent = Consumer(world.grid.spread(), "homes", "homes", demand, "leader", behaviour)
    price = series(600.0 + 100.0 * np.cos(np.arange(N)))
    agent.respond(TariffSignal(1, price, series(np.zeros(N)), series(np.full(N, 600.0))), "leader")
    loads = []
    for period in range(N):
        world.grid.injections = Injections(2)
        agent.operate(period)
        loads.append(world.grid.injections.metered_mw["homes"])
    return np.array(loads), agent.loads_mw["plan"]


@pytest.mark.parametrize("behaviour", [PartialCompliance(), Override(), DropOut()])
def test_the_limit_does_what_was_planned_to_the_last_bit(make_world: MakeWorld, behaviour: Behaviour) -> None:
    load, plan = metered(make_world, behaviour)
    assert load.tobytes() == plan.tobytes()


def test_a_part_of_each_shift_is_carried_out(make_world: MakeWorld) -> None:
    load, plan = metered(make_world, PartialCompliance(compliance=0.25))
    assert load == pytest.approx(BASE + 0.25 * (plan - BASE), abs=1e-12)
    assert metered(make_world, PartialCompliance(compliance=0.0))[0] == pytest.approx(BASE, abs=1e-12)


def test_periods_are_overridden_as_often_as_it_says(make_world: MakeWorld) -> None:
    load, plan = metered(make_world, Override(probability=0.3))
    shifted = np.abs(plan - BASE) > 1e-9
    overridden = load == BASE
    assert np.all(overridden | (load == plan))
    assert overridden[shifted].mean() == pytest.approx(0.3, abs=4 * np.sqrt(0.21 / shifted.sum()))
    assert metered(make_world, Override(probability=1.0))[0].tobytes() == BASE.tobytes()


def test_who_drops_out_stays_out(make_world: MakeWorld) -> None:
    behaviour = DropOut(probability=0.02)
    load, plan = metered(make_world, behaviour)
    first = behaviour.left[0]
    assert load[:first].tobytes() == plan[:first].tobytes()
    assert load[first:].tobytes() == BASE[first:].tobytes()
    assert metered(make_world, DropOut(probability=1.0))[0].tobytes() == BASE.tobytes()
    # The period of leaving is geometric.
    firsts = []
    for seed in range(60):
        behaviour = DropOut(probability=0.1)
        metered(make_world, behaviour, seed)
        firsts.append(1 + behaviour.left[0])
    assert np.mean(firsts) == pytest.approx(10.0, abs=4 * np.sqrt(90.0 / 60))


def test_who_has_dropped_out_is_back_the_next_day(make_world: MakeWorld) -> None:
    world, behaviour = make_world(48), DropOut(probability=0.0)
    base = np.resize(BASE, 48)
    agent = Consumer(world.grid.spread(), "homes", "homes", Demand(base, 60.0, 0.2), "leader", behaviour)
    behaviour.left.append(5)
    done = [behaviour.act(agent, period, 9.0) for period in range(48)]
    assert done[5:24] == base[5:24].tolist()
    assert done[24:] == [9.0] * 24


def test_draws_belong_to_the_agent_and_the_seed(make_world: MakeWorld) -> None:
    one, again, other = (metered(make_world, Override(probability=0.5), seed)[0] for seed in (1, 1, 2))
    assert one.tobytes() == again.tobytes()
    assert one.tobytes() != other.tobytes()


def test_what_comes_first_in_a_list_acts_first(make_world: MakeWorld) -> None:
    half = PartialCompliance(compliance=0.5)
    overridden_last = metered(make_world, Composed([half, Override(probability=1.0)]))[0]
    overridden_first = metered(make_world, Composed([Override(probability=1.0), half]))[0]
    assert overridden_last.tobytes() == BASE.tobytes()
    assert overridden_first == pytest.approx(BASE, abs=1e-15)
