"""The benchmark of shares: its value function, and that errors are those of the rules."""

from __future__ import annotations

import numpy as np
import pytest

from gridarium.experiments.benchmarks.coalition import bench_coalition, pool_value


def test_values_are_those_of_the_formula_and_fall_off() -> None:
    value = pool_value(np.array([1.0, 2.0]), np.array([4.0, 0.0]))
    found = value(np.array([[False, False], [True, False], [False, True], [True, True]]))
    assert found[0] == 0.0
    assert found[2] == pytest.approx(1.2 * (1.0 - np.exp(-2.0 / 1.2)))
    assert found[1] + found[2] > found[3] > max(found[1], found[2])


def test_small_pools_are_exact_and_larger_ones_are_not_asked_for_tables() -> None:
    measured = bench_coalition(2, 3_000, sizes=(4, 20))
    assert 0.0 < measured["sampled_error_4"] < 0.05
    assert measured["owen_error_4"] < 0.5
    assert "shapley_s_20" not in measured
    assert measured["capacity_distance_20"] > measured["sampled_error_4"]
