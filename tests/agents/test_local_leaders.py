"""Leaders that do not foresee, and the certificates that compare a leader with its best deviation."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from gridarium.agents.leader.certificates import leader_regret, loop_stability, outcome_spread
from gridarium.agents.leader.full_information import full_information_optimum
from gridarium.agents.leader.local_leaders import (
    best_response_leader,
    pattern_search_leader,
    trust_region_leader,
)
from gridarium.experiments.benchmarks.leader_instances import random_instance


@pytest.mark.parametrize("seed", [3, 5, 15])
def test_local_methods_stay_below_the_bound_and_within_limits(seed: int) -> None:
    problem = random_instance(seed)
    reference = problem.reference_price_per_mwh
    bound = full_information_optimum(problem).bound_money
    at_reference = problem.profit(reference)
    for outcome in (
        best_response_leader(problem, problem.loads, reference),
        trust_region_leader(problem, problem.loads, reference),
        pattern_search_leader(problem, problem.loads, [reference], np.random.default_rng(0), 400),
    ):
        assert problem.allows(outcome.best.price_per_mwh)
        assert at_reference <= outcome.best.profit_money <= bound * (1.0 + 1e-6)
        assert np.all(np.diff(outcome.path_money) >= 0.0)
        assert outcome.rounds == len(outcome.path_money)


def test_reference_price_answers_itself() -> None:
    """With the loads taken as given nothing is to be gained once the bill meets its cap."""
    problem = random_instance(0)
    outcome = best_response_leader(problem, problem.loads, problem.reference_price_per_mwh)
    assert outcome.rounds == 1
    assert outcome.best.price_per_mwh == pytest.approx(problem.reference_price_per_mwh)


def test_best_response_without_caps_climbs_to_the_band() -> None:
    problem = random_instance(3)
    free = replace(problem, limits=replace(problem.limits, bill_cap_money=None))
    outcome = best_response_leader(free, free.loads, free.reference_price_per_mwh, damping=1.0)
    posted = free.limits.high_price_per_mwh
    assert outcome.best.profit_money >= free.profit(posted) * (1.0 - 1e-9)


@pytest.mark.filterwarnings("error")
def test_a_cap_of_bills_at_no_energy_holds_no_price_back() -> None:
    problem = random_instance(3)
    capped = replace(problem, limits=replace(problem.limits, bill_cap_money=0.0))
    nothing = np.zeros_like(problem.loads(problem.reference_price_per_mwh))
    outcome = pattern_search_leader(
        capped, lambda price: nothing, [problem.reference_price_per_mwh], np.random.default_rng(0), 5
    )
    assert outcome.best.profit_money == 0.0
    assert np.all(np.isfinite(outcome.best.price_per_mwh))


def test_regret_finds_the_gain_that_is_there() -> None:
    problem = random_instance(17)
    best = full_information_optimum(problem)
    random = np.random.default_rng(0)
    poor = leader_regret(problem, problem.loads, problem.reference_price_per_mwh, random, 2, 400)
    missed = best.profit_money - problem.profit(problem.reference_price_per_mwh)
    assert (
        0.8 * missed
        <= poor.regret_money
        <= best.bound_money - problem.profit(problem.reference_price_per_mwh)
    )
    at_best = leader_regret(problem, problem.loads, best.price_per_mwh, random, 2, 400)
    assert at_best.regret_money <= best.bound_money - best.profit_money + 1e-6 * best.bound_money


def test_spread_of_outcomes() -> None:
    profit, price = outcome_spread([10.0, 12.0], [np.array([1.0, 5.0]), np.array([2.0, 2.0])])
    assert profit == pytest.approx(2.0)
    assert price == pytest.approx(3.0)


@pytest.mark.parametrize(("slope", "limit"), [(-3.0, 0.5), (-0.5, 1.0), (0.5, 1.0), (2.0, 0.0)])
def test_damping_limit_of_a_map_with_one_slope(slope: float, limit: float) -> None:
    """x <- x + w (slope x - x) settles where |1 - w (1 - slope)| < 1."""
    stability = loop_stability(lambda price: slope * price, np.ones(2))
    assert stability.spectral_radius == pytest.approx(abs(slope))
    assert stability.damping_limit == pytest.approx(limit, abs=1e-6)


def test_damping_limit_of_a_rotation() -> None:
    """Eigenvalues +-2i: settled below 2 / 5."""
    turn = np.array([[0.0, -2.0], [2.0, 0.0]])
    stability = loop_stability(lambda price: turn @ price, np.ones(2))
    assert stability.spectral_radius == pytest.approx(2.0)
    assert stability.damping_limit == pytest.approx(0.4, abs=1e-6)
