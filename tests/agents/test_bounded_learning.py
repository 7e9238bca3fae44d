"""Roth-Erev and EXP3: updates worked out by hand, rewards, and what is learned in the end."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from gridarium.agents.bounded.learning import (
    Exp3,
    PlanLearner,
    RothErev,
    exp3_probabilities,
    exp3_update,
    roth_erev_update,
)
from gridarium.agents.feeder.consumer import Consumer
from gridarium.agents.feeder.consumer_day import Demand
from gridarium.environment.arrays import series
from gridarium.environment.world import World
from gridarium.market.messages.tariffs import TariffSignal

MakeWorld = Callable[..., World]
BASE = np.array([1.0, 1.5, 2.0])


def learning(make_world: MakeWorld, behaviour: PlanLearner, beta: float = 10.0) -> Consumer:
    world = make_world()
    world.bus.connect("leader", lambda envelope: None)
    demand = Demand(BASE, beta, 0.2)
    return Consumer(world.grid.spread(), "homes", "homes", demand, "leader", behaviour)


def tariff(round_: int) -> TariffSignal:
    return TariffSignal(round_, series([500.0, 600.0, 900.0]), series([0.0] * 3), series([600.0] * 3))


def test_roth_erev_by_hand() -> None:
    # 0.9 * (1, 2, 3), then 0.8 of 0.5 for the chosen one and 0.05 for each other.
    updated = roth_erev_update(np.array([1.0, 2.0, 3.0]), 1, 0.5, 0.1, 0.2)
    assert updated == pytest.approx([0.95, 2.2, 2.75], abs=1e-15)
    assert RothErev(plans=2).probabilities(updated) == pytest.approx(updated / 5.9)
    assert RothErev(plans=1, forgetting=1.0).probabilities(np.zeros(2)).tolist() == [0.5, 0.5]


def test_exp3_by_hand() -> None:
    weight = np.array([1.0, 3.0])
    assert exp3_probabilities(weight, 0.2) == pytest.approx([0.8 * 0.25 + 0.1, 0.8 * 0.75 + 0.1])
    # p of the first is 0.3: exp(0.2 * 0.6 / (0.3 * 2)) = exp(0.2), then divided by the largest.
    assert exp3_update(weight, 0, 0.6, 0.2) == pytest.approx([np.exp(0.2) / 3.0, 1.0], rel=1e-14)


def test_exp3_weights_stay_finite() -> None:
    weight = np.ones(2)
    for _ in range(20_000):
        weight = exp3_update(weight, 0, 1.0, 1.0)
    assert weight[0] == 1.0
    assert np.isfinite(weight).all()


def test_rewards_are_gains_over_the_usual_load(make_world: MakeWorld) -> None:
    behaviour = RothErev(plans=1, forgetting=0.0, experimentation=0.0, payoff_scale_share=0.1)
    agent = learning(make_world, behaviour)
    agent.respond(tariff(1), "leader")
    # The first choice is between the best plan and the usual load, which earns one half.
    best = agent.best_response(tariff(1))
    gain = agent.value_money(best, tariff(1)) - agent.value_money(BASE, tariff(1))
    reward = 0.5 + 0.5 * gain / (0.1 * float(tariff(1).price_per_mwh @ BASE))
    chose_best = agent.loads_mw["plan"].tobytes() == best.tobytes()
    expected = [1.0 + reward, 1.0] if chose_best else [1.0, 1.5]
    assert 0.5 < reward < 1.0
    assert behaviour.state["strength"] == pytest.approx(expected)


@pytest.mark.parametrize(
    "behaviour",
    [
        RothErev(plans=4, experimentation=0.01, payoff_scale_share=0.02),
        Exp3(plans=4, exploration=0.1, payoff_scale_share=0.02),
    ],
    ids=["roth-erev", "exp3"],
)
def test_the_plan_that_pays_best_is_learned(make_world: MakeWorld, behaviour: PlanLearner) -> None:
    agent = learning(make_world, behaviour)
    chosen = []
    for round_ in range(1, 1501):
        agent.respond(tariff(round_), "leader")
        chosen.append(agent.loads_mw["plan"].tobytes())
    loads = [agent.best_response(tariff(1)), *behaviour.arms]
    values = [agent.value_money(load, tariff(1)) for load in loads]
    assert len(loads) == 5
    near_best = {
        load.tobytes()
        for load, value in zip(loads, values, strict=True)
        if value > values[0] - 0.25 * (values[0] - values[1])
    }
    # The optimum comes back with other last digits; what counts is that inferior plans die out.
    inferior = {load.tobytes() for load in behaviour.arms} - near_best
    assert inferior
    late = sum(load in inferior for load in chosen[-500:])
    assert late / 500 < 0.5 * len(inferior) / 5


@pytest.mark.parametrize("kind", [RothErev, Exp3])
def test_who_does_not_know_the_best_plan_tries_feasible_others(
    make_world: MakeWorld, kind: type[PlanLearner]
) -> None:
    behaviour = kind(plans=6, knows_best=False)
    agent = learning(make_world, behaviour)
    chosen = set()
    for round_ in range(1, 200):
        agent.respond(tariff(round_), "leader")
        chosen.add(agent.loads_mw["plan"].tobytes())
    assert chosen == {load.tobytes() for load in behaviour.arms}
    assert behaviour.arms[0].tobytes() == BASE.tobytes()
    assert behaviour.state["strength"].shape == (6,)
    limit = 0.2 * BASE.max()
    for load in behaviour.arms:
        assert load.sum() == pytest.approx(BASE.sum(), abs=1e-6)
        assert np.abs(load - BASE).max() <= limit + 1e-6
    # The others lie between the usual load and corners, where some step is at its limit.
    shares = [float(np.abs(load - BASE).max()) / limit for load in behaviour.arms[1:]]
    assert len({round(share, 6) for share in shares}) == 5
    assert max(shares) < 1.0


@pytest.mark.parametrize("knows_best", [True, False])
def test_once_it_tries_no_more_it_keeps_to_the_strongest_plan_until_the_next_day(
    make_world: MakeWorld, knows_best: bool
) -> None:
    behaviour = Exp3(plans=5, knows_best=knows_best, explore_rounds=30)
    agent = learning(make_world, behaviour)
    for round_ in range(1, 31):
        agent.respond(tariff(round_), "leader")
    strength = behaviour.state["strength"].copy()
    for round_ in range(31, 41):
        agent.respond(tariff(round_), "leader")
        arms = [agent.best_response(tariff(round_)), *behaviour.arms] if knows_best else behaviour.arms
        assert agent.loads_mw["plan"] == pytest.approx(arms[int(np.argmax(strength))], abs=1e-9)
    assert behaviour.state["strength"].tolist() == strength.tolist()
    behaviour.begin_day(agent, 1)
    assert len(behaviour.explored) == 0
