"""Prices at which answers jump, or lie on a steep line, are found from both sides."""

from __future__ import annotations

import numpy as np
import pytest
from price_rounds import NO_BENCH, SILENT, Answer, negotiated, plan_for

from gridarium.agents.feeder.acceleration import Heard
from gridarium.agents.feeder.best_response import BestResponse
from gridarium.agents.feeder.enclosure import MOST_ROUNDS, Enclosure
from gridarium.environment.arrays import Array

TOLERANCE = 0.01


def jumping(above: Array, below: Array, at: float) -> Answer:
    """Where the first price passes a place, all that is called for jumps."""
    return lambda price: above if price[0] > at else below


@pytest.mark.parametrize(
    ("above", "below"),
    [([-0.8, -0.8], [4.7, 4.7]), ([-25.8, 28.0], [23.6, -25.8])],
    ids=["alike", "against each other"],
)
def test_a_jump_is_enclosed_by_prices_that_hardly_differ(above: list[float], below: list[float]) -> None:
    answer = jumping(np.array(above), np.array(below), 0.123)
    leader = BestResponse(0.5, 5, TOLERANCE)
    posted, settled = negotiated(leader, answer, np.array(below))
    cycle = leader.cycle
    assert not settled and cycle is not None and cycle.around_per_mwh is not None
    assert cycle.size_per_mwh <= TOLERANCE
    assert cycle.best_per_mwh[0] == pytest.approx(0.123, abs=TOLERANCE)
    # Both sides are there, and what is announced is the one that calls for the least change.
    low, high = cycle.around_per_mwh.min(axis=0), cycle.around_per_mwh.max(axis=0)
    np.testing.assert_array_equal([low, high], np.sort([above, below], axis=0))
    apart = [np.abs(side - cycle.best_per_mwh).max() for side in (np.array(above), np.array(below))]
    assert np.abs(answer(cycle.best_per_mwh) - cycle.best_per_mwh).max() == pytest.approx(min(apart))
    assert len(posted) <= 60


def test_a_cycle_is_as_large_as_ever_for_who_knows_no_tolerance() -> None:
    leader = BestResponse(0.5, 5)
    negotiated(leader, jumping(np.array([-0.8]), np.array([4.7]), 0.0), np.array([4.7]))
    assert leader.cycle is not None
    assert leader.cycle.around_per_mwh is None
    assert leader.cycle.size_per_mwh > 1.0


def test_a_small_cycle_is_left_as_it_is() -> None:
    leader = BestResponse(0.5, 5, TOLERANCE)
    negotiated(leader, jumping(np.array([595.0]), np.array([605.0]), 600.0), np.array([590.0]))
    assert leader.cycle is not None
    assert leader.cycle.around_per_mwh is None


def enclosed(answer: Answer, start: Array) -> tuple[Enclosure, Array, int]:
    """Rounds of an enclosure by itself; it, the last price, and how many rounds."""
    first = [Heard(price, answer(price)) for price in (start, -start)]
    closing = Enclosure(first, 0.4, 1e-3)
    price = closing.next_price()
    for number in range(1, MOST_ROUNDS + 1):
        heard = Heard(price, answer(price))
        closing.note(heard)
        if heard.distance_per_mwh <= 1e-3 or closing.around is not None or closing.is_over:
            return closing, price, number
        price = closing.next_price()
    raise AssertionError


def test_a_steep_line_between_two_levels_is_met_where_it_crosses_rest() -> None:
    slope = -42.0

    def answer(price: Array) -> Array:
        return np.clip(slope * (price - 0.3), -0.4, 0.4)

    closing, price, rounds = enclosed(answer, np.array([1.0, 0.8]))
    assert answer(price) == pytest.approx(price, abs=1e-3)
    assert rounds < 15
    # At rest the same is posted again, and that is no jump.
    assert closing.around is None
    np.testing.assert_array_equal(closing.next_price(), price)


def test_rest_that_no_prices_enclose_is_given_up() -> None:
    closing, _, rounds = enclosed(lambda price: price + 1.0, np.array([1.0]))
    assert closing.is_over and rounds == MOST_ROUNDS
    assert closing.around is None


def test_under_other_terms_nothing_is_left_of_an_enclosure() -> None:
    leader = BestResponse(0.5, 5, TOLERANCE)
    negotiated(leader, jumping(np.array([-0.8]), np.array([4.7]), 0.0), np.array([4.7]))
    assert leader.cycle is not None
    start = leader.first(plan_for(np.array([3.0])), {}, NO_BENCH)
    assert leader.cycle is None
    step = leader.revise(start, {}, SILENT, plan_for(np.array([5.0])), False)
    assert step.price_per_mwh == pytest.approx([4.0])
