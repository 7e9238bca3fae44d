"""Choices among plans: closed forms, feasibility, and the exact plan at the limit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy import stats

from gridarium.agents.base import GridAgent
from gridarium.agents.behaviour import Behaviour, Composed
from gridarium.agents.bounded.choice import (
    Habit,
    LossAversion,
    QuantalChoice,
    Satisficing,
    bill_money,
    logit_probabilities,
    random_vertices,
)
from gridarium.agents.bounded.learning import Exp3, RothErev
from gridarium.agents.feeder.consumer import Consumer
from gridarium.agents.feeder.consumer_day import Demand
from gridarium.environment.arrays import series
from gridarium.environment.errors import GridariumError
from gridarium.environment.storage import StorageRatings
from gridarium.environment.world import World
from gridarium.market.messages.tariffs import TariffSignal

MakeWorld = Callable[..., World]
BASE = np.array([1.0, 1.5, 2.0, 1.2, 0.8, 1.6])
BATTERY = StorageRatings("home battery", 0.3, 0.5, 0.1, 0.9, 0.5, 0.92, 0.95, 0.3)
KINDS = {
    "plain": {},
    "limited": {"shiftable_mwh": 0.3},
    "battery": {"battery": BATTERY},
}
EXACT: list[Callable[[], Behaviour]] = [
    QuantalChoice,
    lambda: QuantalChoice(vertices=9, perturbations=9, redraw=True),
    Satisficing,
    Habit,
    LossAversion,
    lambda: LossAversion(against_usual=True),
    RothErev,
    lambda: Exp3(exploration=0.5),
]
BOUNDED: list[Callable[[], Behaviour]] = [
    lambda: QuantalChoice(temperature_share=0.01),
    lambda: QuantalChoice(temperature_share=0.1, redraw=True),
    lambda: Satisficing(aspiration_share=0.3),
    lambda: Satisficing(aspiration_share=0.0, vertices=8),
    lambda: Habit(last_weight=0.4, usual_weight=0.2),
    lambda: Habit(inertia_share=0.001),
    lambda: LossAversion(aversion=2.25),
    lambda: RothErev(plans=4),
    lambda: Exp3(plans=4),
]


def consumer(world: World, behaviour: Behaviour | None = None, name: str = "homes", **more: Any) -> Consumer:
    demand = Demand(BASE, 60.0, 0.2, **more)
    return Consumer(world.grid.spread(), name, "homes", demand, "leader", behaviour)


def world_of(make_world: MakeWorld, seed: int = 1) -> World:
    world = make_world(6, seed=seed)
    world.bus.connect("leader", lambda envelope: None)
    return world


def tariffs(count: int, seed: int = 3) -> list[TariffSignal]:
    generator, usual = np.random.default_rng(seed), series(np.full(6, 600.0))
    return [
        TariffSignal(round_, series(600.0 + generator.normal(0.0, 25.0, 6)), series(np.zeros(6)), usual)
        for round_ in range(1, count + 1)
    ]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("make", EXACT)
def test_the_limit_is_the_exact_plan_to_the_last_bit(
    make_world: MakeWorld, make: Callable[[], Behaviour], kind: str
) -> None:
    exact, limit = (consumer(world_of(make_world), behaviour, **KINDS[kind]) for behaviour in (None, make()))
    for signal in tariffs(4):
        for one in (exact, limit):
            one.respond(signal, "leader")
        assert limit.loads_mw["plan"].tobytes() == exact.loads_mw["plan"].tobytes()
        assert limit.today.regret_money(signal) == exact.today.regret_money(signal)


def check_feasible(agent: Consumer, load_mw: np.ndarray, kind: str) -> None:
    """Energy neutral, within flexibility, battery within its ratings and back where it began."""
    battery = agent.plans.battery_mw(load_mw)
    shift = load_mw - battery - BASE
    assert shift.sum() == pytest.approx(0.0, abs=1e-7)
    assert np.all(np.abs(shift) <= 0.2 * BASE + 1e-6)
    assert load_mw.max() <= 2.0 + 1e-6
    if kind == "limited":
        assert np.abs(shift).sum() / 2.0 <= 0.3 + 1e-6
    if kind != "battery":
        assert not battery.any()
        return
    assert np.abs(battery).max() <= 0.3 + 1e-6
    stored = np.where(battery > 0.0, 0.92 * battery, battery / 0.95)
    energy = 0.25 + np.cumsum(stored)
    assert energy.max() <= 0.45 + 1e-6
    assert energy.min() >= 0.05 - 1e-6
    assert energy[-1] == pytest.approx(0.25, abs=1e-6)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("make", BOUNDED)
def test_whatever_is_chosen_can_be_kept(
    make_world: MakeWorld, make: Callable[[], Behaviour], kind: str
) -> None:
    agent = consumer(world_of(make_world), make(), **KINDS[kind])
    for signal in tariffs(12):
        agent.respond(signal, "leader")
        check_feasible(agent, agent.loads_mw["plan"], kind)
        assert agent.today.regret_money(signal) >= -1e-6


@pytest.mark.parametrize("make", BOUNDED)
def test_choices_are_bounded_and_repeat_with_the_seed(
    make_world: MakeWorld, make: Callable[[], Behaviour]
) -> None:
    def plans(seed: int, behaviour: Behaviour | None) -> list[bytes]:
        agent, told = consumer(world_of(make_world, seed), behaviour), []
        for signal in tariffs(12):
            agent.respond(signal, "leader")
            told.append(agent.loads_mw["plan"].tobytes())
        return told

    assert plans(1, make()) == plans(1, make())
    assert plans(1, make()) != plans(1, None)


def test_vertices_are_corners_and_differ(make_world: MakeWorld) -> None:
    agent = consumer(world_of(make_world))
    agent.respond(tariffs(1)[0], "leader")
    corners = random_vertices(agent, 20)
    least, most = -0.2 * BASE, np.minimum(0.2 * BASE, 2.0 - BASE)
    for load in corners:
        check_feasible(agent, load, "plain")
        shift = load - BASE
        # Five of six shifts are at a limit; energy neutrality settles the sixth.
        inside = (shift > least + 1e-7) & (shift < most - 1e-7)
        assert inside.sum() <= 1
    assert len({load.round(6).tobytes() for load in corners}) > 5


def test_a_projection_leaves_a_feasible_load_where_it_is(make_world: MakeWorld) -> None:
    agent = consumer(world_of(make_world))
    agent.respond(tariffs(1)[0], "leader")
    (corner,) = random_vertices(agent, 1)
    inside = 0.5 * (corner + BASE)
    assert agent.plans.nearest(inside) == pytest.approx(inside, abs=1e-6)
    # Of a load that is too high everywhere only the shape is left: equal cuts until it is neutral.
    assert agent.plans.nearest(inside + 0.7) == pytest.approx(inside, abs=1e-5)


def test_logit_probabilities_are_the_closed_form() -> None:
    value = np.array([3.0, 1.0, -2.0])
    weights = np.exp(value / 1.7)
    assert logit_probabilities(value, 1.7) == pytest.approx(weights / weights.sum(), rel=1e-14)
    assert logit_probabilities(np.array([1e6, 0.0]), 1e-3).tolist() == [1.0, 0.0]


@pytest.mark.parametrize("redraw", [True, False], ids=["each signal", "each agent"])
def test_three_plans_are_chosen_with_logit_probabilities(make_world: MakeWorld, redraw: bool) -> None:
    world, (signal,) = world_of(make_world), tariffs(1)
    draws = 10_000 if redraw else 2_000
    share = 6e-3
    agent = consumer(world)
    best = agent.best_response(signal)
    (corner,) = random_vertices(agent, 1)
    plans = [best, BASE, corner]
    value = np.array([agent.value_money(load, signal) for load in plans])
    temperature = share * bill_money(agent, best, signal.price_per_mwh)
    expected = logit_probabilities(value, temperature)
    assert expected.min() > 0.05
    behaviour = QuantalChoice(temperature_share=share, vertices=1, perturbations=0, redraw=redraw)
    behaviour.corners.append(corner)
    chosen: Counter[bytes] = Counter()
    for number in range(draws):
        if not redraw:
            agent = consumer(world, name=f"home-{number}")
            behaviour = replace(behaviour)
            behaviour.corners.append(corner)
            agent.best_response(signal)
        chosen[np.asarray(behaviour.choose(agent, signal, best)).tobytes()] += 1
    observed = [chosen[load.tobytes()] for load in plans]
    assert sum(observed) == draws
    assert stats.chisquare(observed, draws * expected).pvalue > 0.01


def test_satisficing_keeps_a_plan_that_will_do_and_improves_one_that_will_not(make_world: MakeWorld) -> None:
    first, second = tariffs(2)
    near = replace(second, price_per_mwh=series(first.price_per_mwh + 0.1 * np.arange(6)))
    agent = consumer(world_of(make_world), Satisficing(aspiration_share=0.99, vertices=0, perturbations=0))
    agent.respond(first, "leader")
    told = agent.loads_mw["plan"]
    assert told.tobytes() == consumer(world_of(make_world)).best_response(first).tobytes()
    agent.respond(near, "leader")
    assert agent.loads_mw["plan"].tobytes() == told.tobytes()
    agent.respond(replace(second, round=3), "leader")
    assert agent.loads_mw["plan"] == pytest.approx(agent.best_response(second), abs=1e-9)


def test_habit_mixes_the_last_plan_and_the_usual_load(make_world: MakeWorld) -> None:
    first, second = tariffs(2)
    exact = consumer(world_of(make_world))
    agent = consumer(world_of(make_world), Habit(last_weight=0.25, usual_weight=0.5))
    last = BASE
    for signal in (first, second):
        agent.respond(signal, "leader")
        last = 0.5 * (0.75 * exact.best_response(signal) + 0.25 * last) + 0.5 * BASE
        assert agent.loads_mw["plan"] == pytest.approx(last, abs=1e-12)


def test_inertia_keeps_the_last_plan_until_a_change_pays(make_world: MakeWorld) -> None:
    (signal,) = tariffs(1)
    exact = consumer(world_of(make_world))
    best = exact.best_response(signal)
    gain = exact.value_money(best, signal) - exact.value_money(BASE, signal)
    share = gain / bill_money(exact, BASE, signal.price_per_mwh)
    for factor, expected in ((1.01, BASE), (0.99, best)):
        agent = consumer(world_of(make_world), Habit(inertia_share=factor * share))
        agent.respond(signal, "leader")
        assert agent.loads_mw["plan"].tobytes() == expected.tobytes()


def loss_averse_value(agent: Consumer, load: np.ndarray, signal: TariffSignal, aversion: float) -> float:
    bill, usual = (
        bill_money(agent, one, price)
        for one, price in ((load, signal.price_per_mwh), (BASE, signal.reference_price_per_mwh))
    )
    return agent.value_money(load, signal) - (aversion - 1.0) * max(0.0, bill - usual)


@pytest.mark.parametrize(("lift", "aversion"), [(-50.0, 2.25), (0.0, 2.25), (1.2, 1.3), (50.0, 2.25)])
def test_loss_aversion_maximises_what_it_says(make_world: MakeWorld, lift: float, aversion: float) -> None:
    (heard,) = tariffs(1)
    mean = heard.price_per_mwh @ BASE / BASE.sum()
    signal = replace(heard, price_per_mwh=series(heard.price_per_mwh - mean + 600.0 + lift))
    agent = consumer(world_of(make_world), LossAversion(aversion=aversion))
    agent.respond(signal, "leader")
    plan = agent.loads_mw["plan"]
    best = loss_averse_value(agent, plan, signal, aversion)
    generator = np.random.default_rng(0)
    for _ in range(300):
        other = agent.plans.nearest(plan + generator.normal(0.0, 10.0 ** generator.uniform(-4, -1), 6))
        assert loss_averse_value(agent, other, signal, aversion) <= best + 1e-4
    if lift < 0.0:
        assert plan.tobytes() == agent.best_response(signal).tobytes()


def test_loss_aversion_compares_with_the_last_bill(make_world: MakeWorld) -> None:
    (signal,) = tariffs(1)
    dear = replace(signal, round=2, price_per_mwh=series(signal.price_per_mwh + 40.0))
    last, usual = (LossAversion(aversion=3.0, against_usual=flag) for flag in (False, True))
    for behaviour in (last, usual):
        agent = consumer(world_of(make_world), behaviour)
        for heard in (signal, dear):
            agent.respond(heard, "leader")
    assert last.last_bill_money[0] == pytest.approx(
        bill_money(agent, agent.loads_mw["plan"], dear.price_per_mwh)
    )
    assert usual.last_bill_money == [600.0 * BASE.sum()]


def test_what_comes_first_in_a_list_chooses_first(make_world: MakeWorld) -> None:
    (signal,) = tariffs(1)
    exact = consumer(world_of(make_world))
    best = exact.best_response(signal)
    gain = exact.value_money(best, signal) - exact.value_money(BASE, signal)
    inertia = Habit(inertia_share=0.5 * gain / bill_money(exact, BASE, signal.price_per_mwh))
    half = Habit(usual_weight=0.5)
    # Half the change gains 3/4 of the whole, more than inertia holds back; a tenth gains 19/100.
    for first, second, expected in (
        (inertia, half, 0.5 * (best + BASE)),
        (half, inertia, 0.5 * (best + BASE)),
        (inertia, Habit(usual_weight=0.9), best + 0.9 * (BASE - best)),
        (Habit(usual_weight=0.9), inertia, BASE),
    ):
        agent = consumer(world_of(make_world), Composed([first, second]))
        agent.respond(signal, "leader")
        assert agent.loads_mw["plan"] == pytest.approx(expected, abs=1e-9)


def test_without_load_there_is_nothing_to_choose(make_world: MakeWorld) -> None:
    for make in BOUNDED:
        world = world_of(make_world)
        idle = Consumer(
            world.grid.spread(), "none", "homes", Demand(np.zeros(6), 60.0, 0.2), "leader", make()
        )
        for signal in tariffs(3):
            idle.respond(signal, "leader")
            assert not idle.loads_mw["plan"].any()


def test_agents_without_plans_are_told_so(make_world: MakeWorld) -> None:
    with pytest.raises(GridariumError, match="agent dso: its behaviour is for those who have load plans"):
        Habit(usual_weight=0.5).choose(GridAgent(make_world().grid.head, "dso"), tariffs(1)[0], BASE)


def test_choices_start_from_the_best_response_of_a_consumer_of_ones_own(make_world: MakeWorld) -> None:
    class Stoic(Consumer):
        def best_response(self, signal: TariffSignal) -> np.ndarray:
            return super().best_response(replace(signal, price_per_mwh=signal.reference_price_per_mwh))

    demand = Demand(BASE, 60.0, 0.2)
    stoic = Stoic(world_of(make_world).grid.spread(), "homes", "homes", demand, "leader")
    stoic.respond(tariffs(1)[0], "leader")
    assert stoic.loads_mw["plan"] == pytest.approx(BASE, abs=1e-5)
