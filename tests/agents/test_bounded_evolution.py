"""The evolution strategy: what it learns of an optimum known in closed form, and what it never looks at."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from typing import Any, NoReturn

import numpy as np
import pytest
from quadratic_follower import QuadraticFollower, told

from gridarium.agents.bounded.evolution import EvolutionStrategy, PolicySearch, policy_features
from gridarium.agents.bounded.learning import Exp3, PlanLearner, RothErev
from gridarium.environment.arrays import Array, series
from gridarium.environment.errors import ScenarioError
from gridarium.experiments.scenario import load_scenario
from gridarium.market.carbon_price import PersonalLadder

BASE = np.array([1.0, 1.5, 2.0, 1.2])
PRICES = np.array([40.0, 60.0, 90.0, 50.0])
Learner = EvolutionStrategy | PlanLearner


class Untouchable:
    """A plan that must not be looked at."""

    def __getattribute__(self, name: str) -> NoReturn:
        raise AssertionError(f"a behaviour has looked at {name} of the plan")


def loads(behaviour: Learner, rounds: int, seed: int = 1, plan: Any = None) -> list[Array]:
    follower: Any = QuadraticFollower(BASE, 200.0, seed)
    behaviour.begin_day(follower, 0)
    return [behaviour.choose(follower, told(k, PRICES), plan) for k in range(1, rounds + 1)]


def gain_share(load_mw: Array, prices: Array = PRICES) -> float:
    """Of what the optimum gains."""
    follower, signal = QuadraticFollower(BASE, 200.0), told(1, prices)
    gain = follower.value_money(load_mw, signal) - follower.value_money(BASE, signal)
    return gain / follower.best_gain_money(signal)


def test_the_closed_form_of_the_follower_is_its_optimum() -> None:
    follower, signal = QuadraticFollower(BASE, 200.0), told(1, PRICES)
    best = follower.optimum_mw(signal)
    assert gain_share(best) == pytest.approx(1.0)
    near = best + np.random.default_rng(2).normal(0.0, 0.01, (50, 4))
    assert max(gain_share(follower.nearest(load)) for load in near) < 1.0


@pytest.mark.parametrize("seed", range(3))
def test_it_finds_an_optimum_that_is_known_in_closed_form(seed: int) -> None:
    behaviour = EvolutionStrategy(population=8, harmonics=1, explore_rounds=400, least_step=0.0)
    chosen = loads(behaviour, 401, seed)
    optimum = QuadraticFollower(BASE, 200.0).optimum_mw(told(1, PRICES))
    assert gain_share(chosen[0]) < 0.5
    assert gain_share(chosen[-1]) > 0.98
    assert chosen[-1] == pytest.approx(optimum, abs=0.15 * float(np.abs(optimum - BASE).max()))


def test_a_policy_answers_prices_that_it_has_never_heard() -> None:
    behaviour = EvolutionStrategy(population=8, harmonics=0, explore_rounds=600, least_step=0.0)
    follower: Any = QuadraticFollower(BASE, 200.0)
    random = np.random.default_rng(5)
    for k in range(1, 601):
        behaviour.choose(follower, told(k, 60.0 + random.normal(0.0, 15.0, 4)), None)
    unheard = [60.0 + random.normal(0.0, 15.0, 4) for _ in range(20)]
    learnt = [behaviour.choose(follower, told(700, prices, final=True), None) for prices in unheard]
    # A load in proportion to its base cannot follow a price to the same MW in all steps.
    assert np.mean([gain_share(load, prices) for load, prices in zip(learnt, unheard, strict=True)]) > 0.75


@pytest.mark.parametrize(
    "behaviour",
    [
        lambda: EvolutionStrategy(population=4),
        lambda: RothErev(plans=5, knows_best=False),
        lambda: Exp3(plans=5, knows_best=False),
    ],
)
def test_the_best_response_is_never_looked_at(behaviour: Any) -> None:
    blind = loads(behaviour(), 60, plan=Untouchable())
    garbage = loads(behaviour(), 60, plan=np.full(4, np.nan))
    assert [load.tobytes() for load in blind] == [load.tobytes() for load in garbage]


def test_the_same_seed_gives_the_same_bytes_and_the_numbers_of_others_stay() -> None:
    before = np.random.get_state()[1].tolist()  # noqa: NPY002
    first, again, other = (
        np.array(loads(EvolutionStrategy(population=6), 40, seed)).tobytes() for seed in (1, 1, 2)
    )
    assert first == again != other
    assert np.random.get_state()[1].tolist() == before  # noqa: NPY002


def test_it_explores_in_so_many_rounds_of_a_day_and_goes_on_the_next_day() -> None:
    behaviour = EvolutionStrategy(population=4, explore_rounds=10)
    follower: Any = QuadraticFollower(BASE, 200.0)
    days = []
    for day in range(2):
        behaviour.begin_day(follower, day)
        days.append([behaviour.choose(follower, told(k, PRICES), None) for k in range(1, 14)])
    for chosen in days:
        assert len({load.tobytes() for load in chosen}) == 11
        assert {load.tobytes() for load in chosen[10:]} == {chosen[10].tobytes()}
    # Of ten tries a generation of four is half done: it is finished on the next day.
    assert gain_share(days[1][-1]) != gain_share(days[0][-1])


def test_it_does_not_explore_on_a_final_word_nor_with_steps_below_the_least() -> None:
    follower: Any = QuadraticFollower(BASE, 200.0)
    fine = EvolutionStrategy(population=4, initial_step=0.001, least_step=0.002)
    assert fine.choose(follower, told(1, PRICES), None) == pytest.approx(BASE, abs=1e-12)
    wide = EvolutionStrategy(population=4)
    assert wide.choose(follower, told(1, PRICES, final=True), None) == pytest.approx(BASE, abs=1e-12)
    assert np.abs(wide.choose(follower, told(2, PRICES), None) - BASE).max() > 1e-3
    settling = EvolutionStrategy(population=8, harmonics=0, least_step=0.01, explore_rounds=1000)
    chosen = loads(settling, 1000)
    assert settling.searches[0].step <= 0.01
    assert len(settling.explored) < 1000
    assert chosen[-1].tobytes() == chosen[-2].tobytes()


def test_features_by_hand() -> None:
    ladder = PersonalLadder(series([20.0, 20.0, 40.0, 40.0]), 1.0, 0.0, 1, series(np.zeros(4)))
    factor = series([0.5, 0.5, 0.5, 0.25])
    signal = replace(told(1, [30.0, 50.0, 50.0, 70.0]), factor_tco2_per_mwh=factor, ladder=ladder)
    found = policy_features(signal, np.array([2.0, 2.0, 3.0, 1.0]), 6.0, 1)
    # Carbon costs 10, 10, 20, 10 per MWh, 12.5 on average; hours 0, 6, 12, 18.
    expected = [
        [1, -0.4, -0.2, 0, 1, 0],
        [1, 0, -0.2, 0, 0, 1],
        [1, 0, 0.6, 0.5, -1, 0],
        [1, 0.4, -0.2, -0.5, 0, -1],
    ]
    assert found == pytest.approx(np.array(expected), abs=1e-12)
    bare = policy_features(told(1, np.zeros(4)), BASE, 6.0, 0)
    assert bare.shape == (4, 4)
    assert not bare[:, 1:3].any()


def test_a_search_descends_a_quadratic_function() -> None:
    best = np.array([0.3, -0.2, 0.1])
    search = PolicySearch(3, 6, 0.05, np.random.default_rng(4))
    for _ in range(600):
        search.note(-float((search.candidate - best) ** 2 @ [1.0, 10.0, 100.0]))
    assert search.centre == pytest.approx(best, abs=1e-3)
    assert search.step < 0.005


def test_a_population_of_one_has_nobody_to_be_compared_with() -> None:
    with pytest.raises(ScenarioError, match=r"population: got 1; must be 0 or a whole number in \[2, 1000\]"):
        EvolutionStrategy(population=1)


def test_without_the_library_a_population_is_a_fault_that_names_the_extra(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "cma" else found(name))
    assert EvolutionStrategy().population == 0
    with pytest.raises(ScenarioError, match=r"population: got 8; .*pip install gridarium\[learning\]"):
        EvolutionStrategy(population=8)
    place = "grids.bulk.regions.commercial.behaviour"
    with pytest.raises(ScenarioError) as caught:
        load_scenario("ries-small", [f"{place}=[{{evolution-strategy: {{population: 8}}}}]"])
    assert {fault.place for fault in caught.value.faults} == {f"{place}.0.population"}
    load_scenario("ries-small", [f"{place}=[{{evolution-strategy: {{population: 0}}}}]"])
