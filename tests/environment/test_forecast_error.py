from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridarium.environment.errors import ProfileError
from gridarium.environment.forecast_error import ForecastError


def test_moments_of_the_process_are_those_of_the_closed_form() -> None:
    error, n_path = ForecastError(0.15, 0.8, spread=0.06), 20_000
    random = np.random.default_rng(5)
    paths = np.array([error.process(6, random) for _ in range(n_path)])
    for period in range(6):
        # Four standard errors of mean and variance.
        assert abs(paths[:, period].mean()) < 4 * 0.06 / math.sqrt(n_path)
        assert abs(paths[:, period].var() / 0.06**2 - 1.0) < 4 * math.sqrt(2 / n_path)
    for lag in range(1, 6):
        correlation = np.corrcoef(paths[:, 0], paths[:, lag])[0, 1]
        assert abs(correlation - 0.8**lag) < 4 * (1 - 0.8 ** (2 * lag)) / math.sqrt(n_path)


def test_half_the_bound_is_the_default_spread_and_the_cut_moves_two_tails() -> None:
    random = np.random.default_rng(6)
    draws = np.array([ForecastError(0.15, 0.0).draw(1000, random) for _ in range(20)]).ravel()
    at_bound = np.isclose(np.abs(draws), 0.15).mean()
    assert at_bound == pytest.approx(math.erfc(2.0 / math.sqrt(2.0)), abs=4 * math.sqrt(0.0455 / draws.size))
    assert np.abs(draws).max() <= 0.15


def test_no_error_makes_the_forecast_come_true() -> None:
    forecast = np.array([10.0, 0.0, 5.0])
    actual = ForecastError(0.0).actual(forecast, np.random.default_rng(0))
    assert actual == pytest.approx(forecast, abs=0.0)


def test_actual_wind_stays_below_what_is_installed() -> None:
    actual = ForecastError(0.15).actual(np.full(500, 100.0), np.random.default_rng(1), most_mw=105.0)
    assert actual.max() == 105.0
    assert actual.min() >= 85.0


def test_expectation_is_the_mean_of_paths_with_the_same_present() -> None:
    error, forecast = ForecastError(0.5, 0.7, spread=0.05), np.full(4, 100.0)
    random = np.random.default_rng(9)
    paths = np.array([error.process(4, random) for _ in range(200_000)])
    near = paths[np.abs(paths[:, 1] - 0.06) < 0.004]
    expected = error.expected(forecast, 1, 106.0)
    assert expected[0] == 100.0
    assert expected[1] == 106.0
    allowed = 100 * 4 * 0.05 / math.sqrt(len(near)) + 0.05
    assert expected[2:] == pytest.approx(100 * (1 + near[:, 2:].mean(axis=0)), abs=allowed)
    assert expected[2:] == pytest.approx([104.2, 102.94])


def test_a_calm_forecast_says_nothing_about_the_rest() -> None:
    expected = ForecastError().expected(np.array([0.0, 50.0]), 0, 3.0)
    assert expected.tolist() == [3.0, 50.0]


@given(st.integers(0, 2**32 - 1))
def test_same_generator_same_path(seed: int) -> None:
    first, second = (ForecastError().draw(96, np.random.default_rng(seed)) for _ in range(2))
    assert np.array_equal(first, second)


@pytest.mark.parametrize(
    "bad", [{"bound": 1.0}, {"persistence": 1.0}, {"persistence": -0.1}, {"spread": -1.0}]
)
def test_impossible_processes_are_refused(bad: dict[str, float]) -> None:
    with pytest.raises(ProfileError, match=next(iter(bad))):
        ForecastError(**bad)
