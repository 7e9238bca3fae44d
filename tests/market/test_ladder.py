"""The ladder is the five printed branches, continuous and convex, and an LP can use its steps."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linprog

from gridarium.environment.errors import InputError
from gridarium.market.ladder import LadderTariff

LADDERS = st.builds(
    LadderTariff,
    base=st.floats(0.01, 50),
    interval=st.floats(1, 100),
    growth=st.floats(0, 2),
    steps=st.integers(1, 8),
)


def printed(distance, base, interval, growth):
    """The five branches as they are printed, one by one."""
    if distance <= interval:
        return base * distance
    if distance <= 2 * interval:
        return base * (1 + growth) * (distance - interval) + base * interval
    if distance <= 3 * interval:
        return base * (1 + 2 * growth) * (distance - 2 * interval) + base * (2 + growth) * interval
    if distance <= 4 * interval:
        return base * (1 + 3 * growth) * (distance - 3 * interval) + base * (3 + 3 * growth) * interval
    return base * (1 + 4 * growth) * (distance - 4 * interval) + base * (4 + 6 * growth) * interval


@pytest.mark.parametrize(
    ("distance", "fee"), [(0, 0.0), (50, 50.0), (100, 112.5), (150, 187.5), (200, 275.0), (250, 375.0)]
)
def test_printed_fees(distance, fee):
    assert LadderTariff(1.0, 50.0, 0.25).cost(distance) == fee


@given(st.floats(0, 600), st.floats(0.01, 10), st.floats(1, 100), st.floats(0, 2))
def test_branches(distance, base, interval, growth):
    expected = printed(distance, base, interval, growth)
    assert LadderTariff(base, interval, growth).cost(distance) == pytest.approx(
        expected, rel=1e-12, abs=1e-12
    )


@given(LADDERS, st.floats(-50, 900), st.floats(-50, 900), st.floats(0, 1))
def test_convex_and_continuous(ladder, one, other, share):
    middle = share * one + (1 - share) * other
    chord = share * ladder.cost(one) + (1 - share) * ladder.cost(other)
    steepest = ladder.base * (1 + ladder.growth * (ladder.steps - 1))
    assert ladder.cost(middle) <= chord + 1e-9 * steepest * 1000
    assert abs(ladder.cost(one) - ladder.cost(other)) <= steepest * abs(one - other) * (1 + 1e-9) + 1e-9


@given(LADDERS, st.lists(st.floats(-20, 900), min_size=1, max_size=20))
def test_array_is_each_float(ladder, distances):
    array = np.array(distances)
    np.testing.assert_allclose(ladder.cost(array), [ladder.cost(x) for x in distances], rtol=1e-12)
    np.testing.assert_allclose(ladder.marginal(array), [ladder.marginal(x) for x in distances], rtol=1e-12)


def test_marginal_is_the_slope_between_kinks():
    ladder = LadderTariff(2.0, 50.0, 0.25)
    distances = np.array([10.0, 60.0, 140.0, 199.0, 900.0])
    slope = (ladder.cost(distances + 0.5) - ladder.cost(distances - 0.5)) / 1.0
    np.testing.assert_allclose(ladder.marginal(distances), slope)
    assert ladder.marginal(50.0) == 2.5


@pytest.mark.parametrize("distance", [0.0, 30.0, 50.0, 120.0, 333.0])
def test_segments_in_an_lp_give_the_cost_without_binaries(distance):
    ladder = LadderTariff(1.5, 50.0, 0.25)
    starts, slopes = zip(*ladder.segments(), strict=True)
    ends = [*starts[1:], np.inf]
    bounds = [(0, end - start) for start, end in zip(starts, ends, strict=True)]
    answer = linprog(slopes, A_eq=[np.ones(len(slopes))], b_eq=[distance], bounds=bounds)
    assert answer.fun == pytest.approx(ladder.cost(distance))


def test_all_faults_at_once():
    with pytest.raises(InputError) as caught:
        LadderTariff(base=-1.0, interval=0.0, growth=-0.1, steps=0)
    assert [fault.place for fault in caught.value.faults] == ["base", "interval", "growth", "steps"]
