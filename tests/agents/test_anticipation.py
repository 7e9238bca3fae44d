"""The anticipating leader: what it learns, how close it comes, and followers that do not play fair."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from gridarium.agents.leader.anticipation import AnticipatingLeader, Anticipation, InformedLeader
from gridarium.agents.leader.follower_model import FollowerModel
from gridarium.agents.leader.full_information import full_information_optimum
from gridarium.agents.leader.problem import LeaderProblem, SupplyCut
from gridarium.agents.leader.response_estimate import ResponseEstimate
from gridarium.experiments.benchmarks.leader_instances import random_instance

Answers = Callable[[int, np.ndarray], np.ndarray]

QUICK = (3, 5, 9, 10, 15, 17)


def told(problem: LeaderProblem, exaggeration: float = 1.0) -> LeaderProblem:
    """What a leader is told: base loads; slopes and boxes are placeholders that it must not use."""
    return problem.with_followers(
        [
            FollowerModel(
                exaggeration * follower.base_mw,
                follower.reference_price_per_mwh,
                np.nan,
                np.full(problem.n_period, np.nan),
                np.full(problem.n_period, np.nan),
            )
            for follower in problem.followers
        ]
    )


def play(task: LeaderProblem, answers: Answers, options: Anticipation | None = None) -> AnticipatingLeader:
    leader = AnticipatingLeader(task, options)
    while not leader.finished:
        leader.observe(answers(len(leader.rounds) + 1, leader.propose()))
    return leader


@pytest.mark.parametrize("seed", QUICK)
def test_reaches_the_leader_that_knows_everything(seed: int) -> None:
    problem = random_instance(seed)
    leader = play(told(problem), lambda _, price: problem.loads(price))
    assert leader.best is not None
    assert problem.allows(leader.best.price_per_mwh)
    assert leader.best.profit_money == pytest.approx(problem.profit(leader.best.price_per_mwh), rel=1e-12)
    bound = full_information_optimum(problem).bound_money
    assert bound * (1.0 - 3e-3) <= leader.best.profit_money <= bound * (1.0 + 1e-6)
    assert len(leader.rounds) <= 40


def test_learns_slope_and_limits_from_prices_and_loads_alone() -> None:
    problem = random_instance(4)
    leader = play(told(problem), lambda _, price: problem.loads(price))
    for estimate, follower in zip(leader.estimates, problem.followers, strict=True):
        learnt, flags = estimate.estimate.model, estimate.estimate
        assert learnt.beta_per_mwh_per_mw == pytest.approx(follower.beta_per_mwh_per_mw, rel=1e-6)
        assert learnt.most_up_mw[flags.known_up] == pytest.approx(
            follower.most_up_mw[flags.known_up], abs=1e-9
        )
        assert learnt.most_down_mw[flags.known_down] == pytest.approx(
            follower.most_down_mw[flags.known_down], abs=1e-9
        )
        assert flags.known_up.sum() >= 12
    assert leader.rounds[-1].surprise_mw < 1e-9


def test_wrong_forecast_is_seen_through() -> None:
    problem = random_instance(3)
    leader = play(told(problem, 1.2), lambda _, price: problem.loads(price))
    assert leader.best is not None
    assert leader.estimates[0].base_mw == pytest.approx(problem.followers[0].base_mw)
    assert leader.best.profit_money >= (1.0 - 3e-3) * full_information_optimum(problem).profit_money


@pytest.mark.parametrize("when", [4, 9])
def test_follower_that_changes_mid_way_is_learnt_anew(when: int) -> None:
    problem = random_instance(3)
    first = problem.followers[0]
    changed = problem.with_followers(
        [
            replace(
                first,
                beta_per_mwh_per_mw=2.5 * first.beta_per_mwh_per_mw,
                most_up_mw=0.5 * first.most_up_mw,
                most_down_mw=0.7 * first.most_down_mw,
            )
        ]
    )
    leader = play(told(problem), lambda round_, price: (problem if round_ < when else changed).loads(price))
    assert leader.best is not None
    assert sum(round_.forgotten for round_ in leader.rounds) >= 1
    assert leader.best.round >= when
    assert leader.best.profit_money == pytest.approx(changed.profit(leader.best.price_per_mwh), rel=1e-12)
    assert leader.best.profit_money >= (1.0 - 3e-3) * full_information_optimum(changed).profit_money


def test_follower_that_misreports_at_random_does_no_harm() -> None:
    """Every answer belongs to another follower: the leader ends, and never below the reference price."""
    problem = random_instance(3)
    random = np.random.default_rng(7)
    follower = problem.followers[0]

    def lie(_: int, price: np.ndarray) -> np.ndarray:
        beta = follower.beta_per_mwh_per_mw * float(np.exp(random.normal(0.0, 0.5)))
        return replace(problem, followers=(replace(follower, beta_per_mwh_per_mw=beta),)).loads(price)

    leader = play(told(problem), lie)
    assert leader.best is not None
    assert leader.best.keeps_limits
    assert leader.best.profit_money >= leader.rounds[0].profit_money
    assert len(leader.rounds) <= 40
    # That its forecasts fail can be read off the rounds.
    assert sum(round_.forgotten for round_ in leader.rounds) >= 3
    assert max(round_.surprise_mw for round_ in leader.rounds[8:]) > 0.01


def test_keeps_the_best_price_seen() -> None:
    problem = random_instance(9)
    leader = play(told(problem), lambda _, price: problem.loads(price))
    assert leader.best is not None
    assert leader.best.profit_money == max(
        round_.profit_money for round_ in leader.rounds if round_.keeps_limits
    )
    assert leader.propose() is leader.best.price_per_mwh


def test_round_limit_ends_the_talk() -> None:
    problem = random_instance(9)
    leader = play(told(problem), lambda _, price: problem.loads(price), Anticipation(round_limit=3))
    assert len(leader.rounds) == 3
    assert leader.best is not None


def test_cost_of_supply_may_be_learnt_by_tangents() -> None:
    """The leader starts from a cost of nothing and is told a tangent of the true one with each answer."""
    problem = random_instance(17)
    cut = problem.supply[0]
    task = replace(told(problem), supply=(SupplyCut(0.0, np.zeros(problem.n_period)),))
    leader = AnticipatingLeader(task)
    while not leader.finished:
        leader.observe(problem.loads(leader.propose()), cut)
    assert leader.best is not None
    assert leader.best.profit_money >= (1.0 - 3e-3) * full_information_optimum(problem).profit_money


def test_two_answers_suffice_where_no_limit_is_met() -> None:
    reference = np.array([300.0, 500.0, 700.0, 900.0])
    base = np.array([1.0, 2.0, 3.0, 2.0])
    true = FollowerModel(base, reference, 80.0, 0.3 * base, 0.3 * base)
    estimate = ResponseEstimate(reference, base)
    for change in ([0.0, 0.0, 0.0, 0.0], [1.0, -2.0, 0.5, 3.0]):
        price = reference + np.array(change)
        estimate.observe(price, true.load(price))
    assert estimate.estimate.model.beta_per_mwh_per_mw == pytest.approx(80.0, rel=1e-9)
    assert estimate.estimate.error_mw < 1e-9


def test_informed_leader_needs_no_probes() -> None:
    problem = random_instance(15)
    leader = InformedLeader(problem)
    while not leader.finished:
        leader.observe(problem.loads(leader.propose()))
    assert leader.best is not None
    assert len(leader.rounds) <= 4
    assert leader.best.profit_money == pytest.approx(full_information_optimum(problem).profit_money, rel=5e-4)


def test_undeliverable_loads_are_no_candidate() -> None:
    """A feeder that takes no shift beyond 0.1 MW: the leader stays with what could be supplied."""
    problem = random_instance(15)
    base = problem.base_mw
    leader = AnticipatingLeader(told(problem), Anticipation(round_limit=16))
    while not leader.finished:
        loads = problem.loads(leader.propose())
        leader.observe(loads, deliverable=bool(np.abs(loads.sum(axis=0) - base).max() <= 0.1))
    assert leader.best is not None
    assert np.abs(problem.loads(leader.best.price_per_mwh).sum(axis=0) - base).max() <= 0.1
    assert leader.best.profit_money > leader.rounds[0].profit_money
