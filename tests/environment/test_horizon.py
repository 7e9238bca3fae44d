"""Days and steps of planning over settlement periods."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridarium.environment.clock import Clock
from gridarium.environment.grids import Grid
from gridarium.environment.horizon import Horizon, HorizonError
from gridarium.environment.network import Feeder
from gridarium.environment.world import World

HOURS_OF_QUARTERS = Horizon(n_period=192, period_h=0.25, per_step=4, n_step=24)


def world(n_period: int, period_s: float) -> World:
    clock = Clock(pd.Timestamp("2026-01-15T00:00:00+08:00"), period_s)
    return World(Grid(Feeder.copper_plate(), np.full(n_period, 0.6)), clock, n_period, 0.0)


def test_places_of_periods() -> None:
    horizon = HOURS_OF_QUARTERS
    assert [horizon.place(period) for period in (0, 3, 4, 95, 96, 191)] == [
        (0, 0),
        (0, 0),
        (0, 1),
        (0, 23),
        (1, 0),
        (1, 23),
    ]
    assert (horizon.n_day, horizon.day_length, horizon.step_h, horizon.day_s) == (2, 96, 1.0, 86400.0)
    assert horizon.periods(1) == slice(96, 192)
    assert [period for period in range(192) if horizon.is_last(period)] == [95, 191]


@given(per_step=st.integers(1, 6), n_step=st.integers(1, 30), n_day=st.integers(1, 5))
def test_every_period_has_its_place_in_its_day(per_step: int, n_step: int, n_day: int) -> None:
    horizon = Horizon(per_step * n_step * n_day, 0.25, per_step, n_step)
    places = [horizon.place(period) for period in range(horizon.n_period)]
    assert places == [(day, step) for day in range(n_day) for step in range(n_step) for _ in range(per_step)]
    for day in range(n_day):
        of_day = horizon.periods(day)
        assert {place[0] for place in places[of_day]} == {day}
        assert horizon.is_last(of_day.stop - 1)


def test_horizons_of_worlds() -> None:
    assert Horizon.of(world(96, 900.0)) == Horizon(96, 0.25, 1, 96)
    assert Horizon.of(world(192, 900.0), 1.0) == HOURS_OF_QUARTERS
    assert Horizon.of(world(48, 3600.0), 1.0) == Horizon(48, 1.0, 1, 24)
    # A world of less than a day has one shorter day.
    short = Horizon.of(world(3, 3600.0))
    assert (short.n_day, short.n_step, short.day_s) == (1, 3, 3 * 3600.0)


@pytest.mark.parametrize("step_h", [0.0, 0.1, 0.3, -1.0])
def test_a_step_that_is_no_whole_number_of_periods(step_h: float) -> None:
    with pytest.raises(HorizonError, match=rf"multiple of the settlement period of 0\.25 h, got {step_h} h"):
        Horizon.of(world(96, 900.0), step_h)


@pytest.mark.parametrize(("n_period", "step_h"), [(30, None), (36, 1.0), (48, 5.0), (3, 2.0)])
def test_days_that_are_no_whole_number_of_steps(n_period: int, step_h: float | None) -> None:
    with pytest.raises(HorizonError, match=rf"{n_period} settlement periods must be whole days of"):
        Horizon.of(world(n_period, 3600.0), step_h)


def test_a_day_in_the_steps_of_somebody_else() -> None:
    horizon = HOURS_OF_QUARTERS
    quarters, hours = np.arange(96.0), np.arange(24.0)
    assert horizon.fit(quarters).tolist() == (4 * hours + 1.5).tolist()
    assert horizon.fit(hours) is hours
    assert horizon.fit(np.arange(12.0)).tolist() == np.repeat(np.arange(12.0), 2).tolist()
    for n in (5, 23, 25, 36):
        with pytest.raises(HorizonError, match=rf"a day of {n} steps does not fit one of 24"):
            horizon.fit(np.zeros(n))


def test_a_series_of_days() -> None:
    horizon = HOURS_OF_QUARTERS
    hours = np.arange(96.0).reshape(2, 48)
    assert horizon.of_day(hours, 1).tolist() == hours[:, 24:].tolist()
    assert horizon.by_period(hours).tolist() == np.repeat(hours, 4, axis=1).tolist()
    assert horizon.by_period(hours[0]).tolist() == np.repeat(hours[0], 4).tolist()


@given(st.lists(st.floats(-1e3, 1e3), min_size=24, max_size=24))
def test_what_is_held_over_the_periods_keeps_its_energy(hours: list[float]) -> None:
    held = HOURS_OF_QUARTERS.by_period(np.array(hours))
    assert held.sum() * 0.25 == pytest.approx(sum(hours), abs=1e-9)
    assert HOURS_OF_QUARTERS.fit(held) == pytest.approx(hours)
