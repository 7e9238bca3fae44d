"""The stepped cost of a day's carbon: the printed sum, its shape, its segments, and what it refuses."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridarium.environment.errors import InputError
from gridarium.market.quota_ladder import QuotaLadder

LADDERS = st.builds(
    QuotaLadder,
    quota_tco2=st.one_of(st.just(0.0), st.floats(1.0, 500.0)),
    base_price_per_tco2=st.floats(0.0, 100.0),
    interval_tco2=st.floats(5.0, 200.0),
    growth=st.floats(0.0, 1.5),
    steps=st.integers(1, 6),
    reward_steps=st.integers(0, 4),
)
TONNES = st.floats(0.0, 2000.0)


def printed(ladder: QuotaLadder, tonnes: float) -> float:
    """D4 as it is printed above the quota; below it, the intervals that are left over, one by one."""
    above, width, cost = tonnes - ladder.quota_tco2, ladder.interval_tco2, 0.0
    if above >= 0.0:
        for k in range(1, ladder.steps + 1):
            end = math.inf if k == ladder.steps else k * width
            price = ladder.base_price_per_tco2 * (1.0 + (k - 1) * ladder.growth)
            cost += price * max(0.0, min(above, end) - (k - 1) * width)
        return cost
    for k in range(1, ladder.reward_steps + 1):
        price = ladder.base_price_per_tco2 * max(0.0, 1.0 - (k - 1) * ladder.growth)
        cost -= price * max(0.0, min(-above, k * width) - (k - 1) * width)
    return cost


@given(LADDERS, TONNES)
def test_it_costs_what_is_printed(ladder: QuotaLadder, tonnes: float) -> None:
    assert ladder.cost_money(tonnes) == pytest.approx(printed(ladder, tonnes), rel=1e-9, abs=1e-6)


def test_it_is_known_by_hand() -> None:
    ladder = QuotaLadder(100.0, 20.0, interval_tco2=30.0, growth=0.5, steps=3, reward_steps=2)
    # Below: 30 t at 20, 30 t at 10, the rest for nothing. Above: 30 t at 20, 30 t at 30, then 40.
    tonnes = (0.0, 40.0, 55.0, 85.0, 100.0, 130.0, 160.0, 200.0)
    money = (-900.0, -900.0, -750.0, -300.0, 0.0, 600.0, 1500.0, 3100.0)
    assert [ladder.cost_money(at) for at in tonnes] == pytest.approx(money, abs=1e-9)
    assert [ladder.bought_tco2(at) for at in (80.0, 130.0)] == [-20.0, 30.0]


@given(LADDERS, TONNES, TONNES, st.floats(0.0, 1.0))
def test_it_is_convex_never_falls_and_passes_zero_at_the_quota(
    ladder: QuotaLadder, one: float, other: float, share: float
) -> None:
    chord = share * ladder.cost_money(one) + (1.0 - share) * ladder.cost_money(other)
    assert ladder.cost_money(share * one + (1.0 - share) * other) <= chord + 1e-6
    assert (ladder.cost_money(max(one, other)) - ladder.cost_money(min(one, other))) >= -1e-9
    assert ladder.cost_money(ladder.quota_tco2) == pytest.approx(0.0, abs=1e-9)


@given(LADDERS, TONNES)
def test_the_next_tonne_costs_what_the_margin_says(ladder: QuotaLadder, tonnes: float) -> None:
    ends = np.cumsum([segment.length_tco2 for segment in ladder.segments()])
    step = min(1e-3, 0.5 * float(np.min(ends[ends > tonnes] - tonnes)))
    rise = (ladder.cost_money(tonnes + step) - ladder.cost_money(tonnes)) / step
    assert ladder.marginal_per_tco2(tonnes) == pytest.approx(rise, rel=1e-4, abs=1e-4 + 3e-9 / step)


@given(LADDERS)
def test_segments_rise_and_a_day_without_emission_earns_the_whole_reward(ladder: QuotaLadder) -> None:
    segments = ladder.segments()
    prices = [segment.price_per_tco2 for segment in segments]
    assert prices == sorted(prices)
    assert all(segment.length_tco2 > 0.0 for segment in segments)
    assert math.isinf(segments[-1].length_tco2)
    assert sum(math.isinf(segment.length_tco2) for segment in segments) == 1
    assert ladder.at_zero_money == pytest.approx(printed(ladder, 0.0), rel=1e-9, abs=1e-9)
    assert ladder.at_zero_money == pytest.approx(ladder.cost_money(0.0), abs=1e-9)


def test_all_that_can_be_bought_is_a_limit() -> None:
    assert QuotaLadder(100.0, 20.0, 30.0, 0.5, purchase_limit_tco2=40.0).limit_tco2 == 140.0
    assert math.isinf(QuotaLadder(100.0, 20.0, 30.0, 0.5).limit_tco2)


@pytest.mark.parametrize(
    ("numbers", "named"),
    [
        ({"quota_tco2": -1.0}, ["quota_tco2"]),
        ({"quota_tco2": math.inf}, ["quota_tco2"]),
        ({"base_price_per_tco2": math.nan}, ["base_price_per_tco2"]),
        ({"interval_tco2": 0.0}, ["interval_tco2"]),
        ({"growth": -0.1}, ["growth"]),
        ({"steps": 0}, ["steps"]),
        ({"reward_steps": -1}, ["reward_steps"]),
        ({"purchase_limit_tco2": -5.0}, ["purchase_limit_tco2"]),
        ({"interval_tco2": -3.0, "growth": math.inf, "steps": 0}, ["interval_tco2", "growth", "steps"]),
    ],
)
def test_numbers_out_of_range_are_named_all_at_once(numbers: dict[str, float], named: list[str]) -> None:
    good = {"quota_tco2": 100.0, "base_price_per_tco2": 20.0, "interval_tco2": 30.0, "growth": 0.5}
    with pytest.raises(InputError) as refused:
        QuotaLadder(**(good | numbers))  # type: ignore[arg-type]
    assert all(name in str(refused.value) for name in named)
