from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm, wasserstein_distance

from gridarium.environment.errors import ProfileError
from gridarium.environment.forecast_error import ForecastError
from gridarium.environment.uncertainty import DemandIntervals, ScenarioSet, fast_forward, latin_hypercube

SEED = st.integers(0, 2**32 - 1)


@settings(max_examples=40, deadline=None)
@given(SEED, st.integers(3, 80), st.floats(0.0, 0.99), st.sampled_from([0.05, 0.15, 0.4]))
def test_every_step_has_one_error_in_each_stratum(
    seed: int, n_scenario: int, persistence: float, bound: float
) -> None:
    forecast = np.array([3.0, 0.0, 1.0, 2.0, 5.0])
    drawn = latin_hypercube(
        forecast, ForecastError(bound, persistence), n_scenario, np.random.default_rng(seed)
    )
    assert drawn.values.shape == (n_scenario, 5)
    assert drawn.weights == pytest.approx(np.full(n_scenario, 1.0 / n_scenario))
    assert not drawn.values[:, 1].any()
    errors = np.sort(drawn.values[:, [0, 2, 3, 4]] / forecast[[0, 2, 3, 4]] - 1.0, axis=0)
    assert np.abs(errors).max() <= bound * (1.0 + 1e-9)
    ends = np.clip(0.5 * bound * norm.ppf(np.arange(n_scenario + 1) / n_scenario), -bound, bound)
    assert (errors >= ends[:-1, None] - 1e-12).all()
    assert (errors <= ends[1:, None] + 1e-12).all()


@pytest.mark.parametrize("persistence", [0.0, 0.5, 0.9])
@pytest.mark.parametrize("n_scenario", [50, 200])
def test_neighbouring_steps_are_correlated_as_stated(n_scenario: int, persistence: float) -> None:
    error = ForecastError(0.15, persistence, spread=0.01)
    drawn = latin_hypercube(np.ones(24), error, n_scenario, np.random.default_rng(3)).values
    found = [np.corrcoef(drawn[:, step], drawn[:, step + 1])[0, 1] for step in range(23)]
    # Not the sampling error of random pairs, 1 / sqrt(n): noise is made uncorrelated in the sample.
    assert np.mean(found) == pytest.approx(persistence, abs=0.6 / n_scenario)
    assert found == pytest.approx([persistence] * 23, abs=5.0 / n_scenario)


def test_steps_further_apart_forget_as_a_process_of_first_order() -> None:
    error = ForecastError(0.15, 0.8, spread=0.01)
    random = np.random.default_rng(4)
    drawn = np.concatenate([latin_hypercube(np.ones(5), error, 100, random).values for _ in range(100)])
    for lag in range(2, 5):
        found = np.corrcoef(drawn[:, 0], drawn[:, lag])[0, 1]
        assert found == pytest.approx(0.8**lag, abs=4 / np.sqrt(len(drawn)))


def test_a_mean_over_scenarios_varies_far_less_than_over_random_paths() -> None:
    error, random = ForecastError(0.15, 0.9), np.random.default_rng(8)
    strata = [latin_hypercube(np.ones(24), error, 50, random).mean.mean() for _ in range(30)]
    paths = [np.mean([error.draw(24, random) for _ in range(50)]) for _ in range(30)]
    assert np.std(strata) < 0.1 * np.std(paths)


def test_nothing_is_above_what_is_installed() -> None:
    drawn = latin_hypercube(np.full(6, 2.0), ForecastError(0.15), 20, np.random.default_rng(0), most=2.1)
    assert drawn.values.max() == 2.1


def test_the_same_stream_draws_the_same() -> None:
    one, other = (
        latin_hypercube(np.ones(4), ForecastError(), 9, np.random.default_rng(5)).values for _ in range(2)
    )
    assert (one == other).all()


@pytest.mark.parametrize(
    ("values", "weights", "named"),
    [
        (np.ones(3), np.full(3, 1 / 3), "shapes"),
        (np.ones((3, 2)), np.ones(2) / 2, "shapes"),
        (np.ones((2, 2)), np.array([0.5, 0.6]), "sum to 1"),
        (np.ones((2, 2)), np.array([1.5, -0.5]), "negative"),
    ],
)
def test_a_set_that_is_none_is_refused(values: np.ndarray, weights: np.ndarray, named: str) -> None:
    with pytest.raises(ProfileError, match=named):
        ScenarioSet(values, weights)


def test_too_few_scenarios_are_refused() -> None:
    with pytest.raises(ProfileError, match=r"n_scenario: got 2; must be in \[3, inf\)"):
        latin_hypercube(np.ones(4), ForecastError(), 2, np.random.default_rng(0))


def test_reduction_picks_what_brute_force_picks_first_and_keeps_all_weight() -> None:
    random = np.random.default_rng(12)
    points, weights = random.normal(size=(9, 4)), random.dirichlet(np.ones(9))
    kept, left = fast_forward(points, weights, 1)
    far = [weights @ np.linalg.norm(points - points[one], axis=1) for one in range(9)]
    assert kept.tolist() == [int(np.argmin(far))]
    assert left == pytest.approx([1.0])
    kept, left = fast_forward(points, weights, 3)
    assert left.sum() == pytest.approx(1.0)
    best = min(_distance(points, weights, some) for some in itertools.combinations(range(9), 3))
    # A greedy choice, which need not be the best one.
    assert best <= _distance(points, weights, kept.tolist()) <= 1.25 * best
    whole, same = fast_forward(points, weights, 9)
    assert whole.tolist() == list(range(9))
    assert same == pytest.approx(weights)


def _distance(points: np.ndarray, weights: np.ndarray, kept: list[int] | tuple[int, ...]) -> float:
    away = np.linalg.norm(points[:, None] - points[list(kept)], axis=2)
    return float(weights @ away.min(axis=1))


def test_reduction_of_one_number_is_near_in_the_distance_of_wasserstein() -> None:
    random = np.random.default_rng(2)
    points = random.normal(size=(60, 1))
    kept, left = fast_forward(points, np.full(60, 1 / 60), 10)
    near = wasserstein_distance(points[:, 0], points[kept, 0], None, left)
    assert near == pytest.approx(_distance(points, np.full(60, 1 / 60), kept.tolist()), rel=1e-9)
    assert near < wasserstein_distance(points[:, 0], points[:10, 0])


@pytest.mark.parametrize("n_kept", [0, 4])
def test_more_than_there_are_cannot_be_kept(n_kept: int) -> None:
    with pytest.raises(ProfileError, match=rf"n_kept: got {n_kept}; must be in \[1, 3\]"):
        fast_forward(np.ones((3, 1)), np.full(3, 1 / 3), n_kept)


CLASSES = DemandIntervals(np.array([[4.0, 1.0], [3.0, 3.0], [2.0, 6.0]]), np.array([0.1, 0.08, 0.05]))


def test_corners_are_the_ends_of_all_classes() -> None:
    assert CLASSES.highest_mw == pytest.approx(np.array([[4.4, 1.1], [3.24, 3.24], [2.1, 6.3]]))
    assert CLASSES.lowest_mw == pytest.approx(np.array([[3.6, 0.9], [2.76, 2.76], [1.9, 5.7]]))


@settings(max_examples=60, deadline=None)
@given(SEED, st.integers(0, 3))
def test_the_worst_within_a_budget_is_that_of_brute_force(seed: int, budget: int) -> None:
    slope = np.random.default_rng(seed).normal(size=(3, 2))
    worst = CLASSES.worst_mw(slope, budget)
    assert (np.abs(worst - CLASSES.base_mw) <= CLASSES.deviation_mw + 1e-12).all()
    ends = itertools.product([-1.0, 0.0, 1.0], repeat=3)
    swings = [np.array(end) for end in ends if np.abs(end).sum() <= budget]
    for step in range(2):
        best = max(float(slope[:, step] @ (swing * CLASSES.deviation_mw[:, step])) for swing in swings)
        assert slope[:, step] @ (worst - CLASSES.base_mw)[:, step] == pytest.approx(best, abs=1e-12)


def test_a_part_of_a_budget_moves_one_class_in_part() -> None:
    worst = CLASSES.worst_mw(np.ones((3, 2)), 1.5)
    assert worst == pytest.approx(np.array([[4.4, 1.0], [3.12, 3.12], [2.0, 6.3]]))


def test_bad_intervals_are_refused() -> None:
    with pytest.raises(ProfileError, match=r"class 1: got 1.0; must be in \[0, 1\)"):
        DemandIntervals(np.ones((2, 3)), np.array([0.1, 1.0]))
    with pytest.raises(ProfileError, match=r"budget: got 4.0; must be in \[0, 3\]"):
        CLASSES.worst_mw(np.ones((3, 2)), 4.0)
