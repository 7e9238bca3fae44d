"""Synthetic days of a load: what is drawn around a profile."""

from __future__ import annotations

import numpy as np
import pytest

from gridarium.environment.errors import ProfileError
from gridarium.environment.forecast_error import ForecastError
from gridarium.environment.load_record import DayPattern

PROFILE = np.array([[1.0, 2.0, 4.0]])


def test_weekends_by_hand() -> None:
    # Two weeks before a Thursday, the fourth day of the week.
    record = DayPattern(ForecastError(0.0), 0.5).draw(PROFILE, 14, 3, np.random.default_rng(1))
    share = record.days_mw[:, 0].tolist()
    assert share == [1.0, 1.0, 0.5, 0.5, 1.0, 1.0, 1.0, 1.0, 1.0, 0.5, 0.5, 1.0, 1.0, 1.0, 1.0]
    assert record.n_past == 14
    assert record.days_mw[0] == pytest.approx(PROFILE[0])


def test_days_of_a_longer_profile_repeat_backwards() -> None:
    profile = np.array([[1.0], [2.0], [3.0]])
    record = DayPattern(ForecastError(0.0)).draw(profile, 4, 0, np.random.default_rng(1))
    assert record.days_mw.ravel().tolist() == [3.0, 1.0, 2.0, 3.0, 1.0, 2.0, 3.0]


def test_deviations_are_bounded_and_remembered() -> None:
    record = DayPattern(ForecastError(0.1, 0.9)).draw(np.ones((1, 24)), 400, 0, np.random.default_rng(7))
    error = record.days_mw.ravel() - 1.0
    assert np.abs(error).max() <= 0.1 + 1e-12
    # Half of the bound, a little less for what is cut off.
    assert error.std() == pytest.approx(0.048, abs=0.003)
    assert np.corrcoef(error[1:], error[:-1])[0, 1] == pytest.approx(0.9, abs=0.02)


def test_wrong_share_is_named() -> None:
    with pytest.raises(ProfileError, match=r"weekend_share: got 0\.0; must be above 0"):
        DayPattern(ForecastError(), 0.0)
