"""The four-dimensional carbon price: each factor by hand, and the ladder against its integral."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridarium.environment.errors import InputError
from gridarium.market.carbon_price import (
    Band,
    GameFactor,
    HistoryFactor,
    PersonalLadder,
    ShapleyFactor,
    SizeFactor,
    TimeFactor,
    moved_responsibility,
    shared_by_load,
)


def test_scarce_and_dirty_hours_are_dear_within_the_band() -> None:
    load, intensity = np.array([50.0, 100.0, 150.0]), np.array([0.2, 0.5, 0.8])
    assert TimeFactor(0.5, 0.0).of(load, intensity).tolist() == pytest.approx([0.75, 1.0, 1.25])
    assert TimeFactor(0.0, 0.5).of(load, intensity).tolist() == pytest.approx([0.7, 1.0, 1.3])
    assert TimeFactor(5.0, 5.0).of(load, intensity).tolist() == pytest.approx([0.5, 1.0, 1.5])
    assert TimeFactor().of(load, np.zeros(3)).tolist() == pytest.approx([0.75, 1.0, 1.25])


def test_the_game_factor_is_a_logistic_ramp() -> None:
    game = GameFactor(Band(0.6, 1.0), rate=2.0, turning_round=5.0)
    assert game.of(5) == pytest.approx(0.8)
    assert game.of(1) == pytest.approx(0.6 + 0.4 / (1.0 + math.exp(8.0)))
    assert game.of(50) == pytest.approx(1.0)


def test_who_emitted_more_yesterday_pays_more_and_who_is_large_less() -> None:
    assert HistoryFactor(0.5).of(np.array([80.0, 100.0, 120.0])).tolist() == pytest.approx([0.9, 1.0, 1.1])
    assert HistoryFactor(5.0).of(np.array([80.0, 100.0, 120.0])).tolist() == pytest.approx([0.8, 1.0, 1.2])
    assert HistoryFactor().of(np.zeros(2)).tolist() == [1.0, 1.0]
    sizes = SizeFactor(0.1).of(np.array([100.0, 100.0, 400.0]))
    assert sizes.tolist() == pytest.approx([2.0**0.1, 2.0**0.1, 2.0**-0.1])
    assert SizeFactor(0.2).of(np.array([100.0, 100.0, 400.0])).tolist() == pytest.approx([1.1, 1.1, 0.9])
    # Who draws nothing, or gives, is the smallest there can be.
    assert SizeFactor(0.1).of(np.array([1.0, 1.0, 0.0, -5.0]))[2:].tolist() == [1.1, 1.1]
    assert (
        SizeFactor().of(np.zeros(2)).tolist() == SizeFactor(0.0).of(np.array([0.0, 3.0])).tolist() == [1, 1]
    )


def test_the_shapley_factor_meets_the_papers_point_and_the_mean_pays_the_base_price() -> None:
    factors = ShapleyFactor(0.5).of(np.array([0.42, 1.0 / 3.0, 1.0 - 0.42 - 1.0 / 3.0]))
    assert factors[0] == pytest.approx(0.88, abs=0.005)
    assert factors[1] == pytest.approx(1.0)
    assert factors[2] > 1.0
    assert ShapleyFactor().of(np.zeros(3)).tolist() == [1.0, 1.0, 1.0]


def ladder(growth: float = 0.25, steps: int = 4) -> PersonalLadder:
    return PersonalLadder(np.array([40.0, 60.0]), 10.0, growth, steps, np.array([5.0, 0.0]))


@settings(deadline=None)
@given(carbon=st.floats(0.0, 80.0), growth=st.floats(0.0, 2.0), steps=st.integers(1, 6))
def test_the_cost_is_the_integral_of_the_price(carbon: float, growth: float, steps: int) -> None:
    own = ladder(growth, steps)
    grid = np.linspace(0.0, carbon, 401)
    middle = 0.5 * (grid[1:] + grid[:-1])
    price = np.array([own.marginal_per_tco2(np.array([each, each])) for each in middle])
    integral = price.sum(axis=0) * (carbon / 400)
    found = own.cost_per_h(np.array([carbon, carbon])) - own.cost_per_h(np.zeros(2))
    assert found == pytest.approx(integral, abs=1e-6 + 5e-3 * float(np.abs(integral).max()))


@settings(deadline=None)
@given(carbon=st.floats(0.0, 80.0), growth=st.floats(0.0, 2.0), steps=st.integers(1, 6))
def test_the_ramp_is_the_mean_price_of_a_window_one_step_wide(
    carbon: float, growth: float, steps: int
) -> None:
    own = ladder(growth, steps)
    ends = [own.cost_per_h(np.full(2, carbon + side * 5.0)) for side in (1.0, -1.0)]
    ramp = own.ramp_per_tco2(np.full(2, carbon))
    assert ramp == pytest.approx((ends[0] - ends[1]) / 10.0, rel=1e-9)
    one_of_ten = own.each_of(10).ramp_per_tco2(np.full(2, carbon / 10))
    assert one_of_ten == pytest.approx(ramp)


def test_below_the_quota_the_first_price_is_a_reward() -> None:
    assert ladder().cost_per_h(np.array([0.0, 0.0])).tolist() == [-200.0, 0.0]
    assert ladder().prices_per_tco2[:, 0].tolist() == [40.0, 50.0, 60.0, 70.0]
    assert ladder().thresholds_t_per_h.tolist() == [0.0, 10.0, 20.0, 30.0]


def test_carbon_is_shared_by_load_and_none_is_lost() -> None:
    source, load = np.array([[60.0, 10.0], [30.0, 0.0]]), np.array([[10.0, 0.0], [20.0, 5.0]])
    shared = shared_by_load(source, load)
    assert shared.sum(axis=1) == pytest.approx(source)
    assert shared[0, :, 0].tolist() == pytest.approx([20.0, 40.0])
    assert shared[0, :, 1].tolist() == pytest.approx([0.0, 10.0])


def test_responsibility_moves_to_those_who_did_not_lower_their_load() -> None:
    moved = moved_responsibility(np.array([0.5, 0.5]), np.array([20.0, 0.0]), np.array([100.0, 100.0]), 0.5)
    assert moved.tolist() == pytest.approx([0.45 / 0.95, 0.5 / 0.95])
    assert moved.sum() == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("make", "part"),
    [
        (lambda: Band(1.2, 0.8), "low: got 1.2"),
        (lambda: TimeFactor(load_weight=-1.0), "load_weight"),
        (lambda: GameFactor(rate=0.0), "rate"),
        (lambda: PersonalLadder(np.array([-1.0]), 0.0, -0.1, 0, np.array([-2.0])), "5 faults"),
        (lambda: moved_responsibility(np.ones(1), np.ones(1), np.ones(1), 1.5), "sensitivity"),
    ],
)
def test_numbers_out_of_range_are_refused(make: object, part: str) -> None:
    with pytest.raises(InputError, match=part):
        make()  # type: ignore[operator]
