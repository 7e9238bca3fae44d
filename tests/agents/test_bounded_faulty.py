"""Participants that err: how far an unfinished solver is off in closed form, and what Byzantine ones tell."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from quadratic_follower import QuadraticFollower, told

from gridarium.agents.bounded.faulty import Byzantine, Inexact

BASE = np.array([1.0, 1.5, 2.0, 1.2])
PRICES = np.array([40.0, 60.0, 90.0, 50.0])
SIGNAL = told(1, PRICES)


def follower(seed: int = 1) -> Any:
    return QuadraticFollower(BASE, 200.0, seed)


@pytest.mark.parametrize(("contraction", "iterations"), [(0.5, 1), (0.9, 3), (1.0, 7)])
def test_an_unfinished_solver_converges_linearly_over_the_rounds(contraction: float, iterations: int) -> None:
    agent, behaviour = follower(), Inexact(contraction=contraction, iterations=iterations)
    best = agent.optimum_mw(SIGNAL)
    for round_ in range(1, 9):
        agent.plan_mw = behaviour.choose(agent, SIGNAL, best)
        left = contraction ** (iterations * round_)
        assert agent.plan_mw - best == pytest.approx(left * (BASE - best), abs=1e-12)


@pytest.mark.parametrize("behaviour", [Inexact(), Inexact(contraction=0.5, iterations=10_000), Byzantine()])
def test_at_the_limit_the_plan_itself_is_told(behaviour: Inexact | Byzantine) -> None:
    plan = follower().optimum_mw(SIGNAL)
    assert behaviour.choose(follower(), SIGNAL, plan) is plan


def test_the_opposite_and_the_exaggerated_answer_by_hand() -> None:
    plan = follower().optimum_mw(SIGNAL)
    opposite = Byzantine(probability=1.0, kind="opposite", reach=1.0).choose(follower(), SIGNAL, plan)
    exaggerated = Byzantine(probability=1.0, kind="exaggerated", reach=3.0).choose(follower(), SIGNAL, plan)
    assert opposite == pytest.approx(2.0 * BASE - plan)
    assert exaggerated == pytest.approx(BASE + 3.0 * (plan - BASE))


def test_a_random_answer_is_feasible_and_tells_nothing_of_the_plan() -> None:
    answers = [
        Byzantine(probability=1.0).choose(follower(), SIGNAL, plan)
        for plan in (BASE, follower().optimum_mw(SIGNAL))
    ]
    assert answers[0].tobytes() == answers[1].tobytes()
    assert answers[0].sum() == pytest.approx(BASE.sum())
    assert np.abs(answers[0] - BASE).max() > 0.05


def test_it_errs_in_as_many_rounds_as_its_probability_says() -> None:
    agent, behaviour = follower(), Byzantine(probability=0.3, kind="opposite")
    plan = agent.optimum_mw(SIGNAL)
    erred = sum(behaviour.choose(agent, SIGNAL, plan) is not plan for _ in range(2000))
    # Four standard deviations of a binomial draw.
    assert erred == pytest.approx(600, abs=4 * np.sqrt(2000 * 0.3 * 0.7))
