"""Steps of a price towards rest, on maps whose fixed point is known in closed form."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from price_rounds import NO_BENCH, SILENT, Answer, negotiated, plan_for

from gridarium.agents.feeder.acceleration import Acceleration, Heard, ProgressWatch
from gridarium.agents.feeder.best_response import BestResponse
from gridarium.environment.arrays import Array
from gridarium.market.stackelberg import PATIENCE


def linear(slopes: Any, rest: Array) -> Answer:
    matrix = np.asarray(slopes)
    return lambda price: rest + matrix @ (price - rest)


def test_without_a_memory_every_step_is_the_damped_one() -> None:
    random = np.random.default_rng(1)
    acceleration = Acceleration(0.3, 0)
    for _ in range(5):
        posted, called_for = random.normal(size=(2, 4))
        step = acceleration.step(Heard(posted, called_for))
        np.testing.assert_array_equal(step, posted + 0.3 * (called_for - posted))


@pytest.mark.parametrize("slope", [-0.5, -4.0, -30.0, 0.5, 3.0])
def test_a_linear_answer_however_steep_is_met_in_a_few_rounds(slope: float) -> None:
    random, rest = np.random.default_rng(2), np.array([500.0, 620.0, 710.0])
    turned, _ = np.linalg.qr(random.normal(size=(3, 3)))
    answer = linear(slope * turned @ np.diag([1.0, 0.6, 0.2]) @ turned.T, rest)
    posted, rested = negotiated(BestResponse(0.5, 5), answer, rest + random.normal(size=3) * 10.0)
    assert rested
    assert posted[-1] == pytest.approx(rest, abs=1e-6)
    assert len(posted) <= 20
    # Each step stays within twice the distance.
    for before, after in pairwise(posted):
        distance = np.abs(answer(before) - before).max()
        assert np.abs(after - before).max() <= 2.0 * distance * (1.0 + 1e-9)


def test_where_damped_steps_circle_a_memory_finds_rest() -> None:
    # The gain at which a damping of 0.5 turns from settling to circling is 3; saturation keeps it bounded.
    rest = np.array([600.0])

    def answer(price: Array) -> Array:
        return rest - 40.0 * np.tanh(4.0 * (price - rest) / 40.0)

    damped, settled = negotiated(BestResponse(0.5, 0), answer, rest + 16.0)
    assert not settled
    assert PATIENCE < len(damped) <= 2 * PATIENCE
    circling = BestResponse(0.5, 0)
    negotiated(circling, answer, rest + 16.0)
    assert circling.cycle is not None
    # In the cycle the posted price and the one called for lie on opposite sides of rest, equally far.
    far = circling.cycle.size_per_mwh / 2.0
    assert far == pytest.approx(40.0 * np.tanh(4.0 * abs(damped[-1] - rest) / 40.0), rel=0.05)
    posted, settled = negotiated(BestResponse(0.5, 5), answer, rest + 16.0)
    assert settled
    assert posted[-1] == pytest.approx(rest, abs=1e-6)


def test_between_two_marginal_units_it_gives_up_at_the_best_price_and_tells_the_size() -> None:
    def answer(price: Array) -> Array:
        """Up to 335 a dear unit is marginal, above it a cheap one: no price calls for itself."""
        return np.where(price <= 335.0, 359.0, 311.0)

    leader = BestResponse(0.5, 5)
    posted, settled = negotiated(leader, answer, np.array([343.0]))
    assert not settled
    assert leader.cycle is not None
    best = leader.cycle.best_per_mwh
    distances = [float(np.abs(answer(price) - price).max()) for price in posted]
    assert leader.distance(best, plan_for(answer(best))) == min(distances)
    # However near to 335 its prices come, what they call for is 48 apart.
    assert leader.cycle.size_per_mwh == pytest.approx(48.0)
    assert leader.settle(posted[-1]) is best
    # Two more tries in shorter steps, each with a window of its own.
    assert len(posted) >= 3 * PATIENCE


def test_under_new_terms_nothing_learned_before_holds() -> None:
    rest = np.array([600.0, 640.0])
    leader = BestResponse(0.5, 5)
    first, _ = negotiated(leader, linear(-3.0 * np.eye(2), rest), rest + np.array([5.0, -3.0]))
    again, _ = negotiated(leader, linear(-3.0 * np.eye(2), rest), rest + np.array([5.0, -3.0]))
    np.testing.assert_array_equal(first, again)
    stuck = BestResponse(0.5, 5)
    negotiated(stuck, lambda price: np.where(price <= 335.0, 359.0, 311.0), np.array([343.0]))
    assert stuck.cycle is not None
    _, settled = negotiated(stuck, linear([[-3.0]], np.array([600.0])), np.array([605.0]))
    assert settled
    assert stuck.cycle is None


def test_a_round_with_silent_followers_teaches_nothing() -> None:
    rest = np.array([600.0, 640.0])
    answer = linear([[-3.0, 0.5], [0.2, -1.0]], rest)
    whole, broken = BestResponse(0.5, 5), BestResponse(0.5, 5)
    prices = [rest + 5.0, rest + np.array([1.0, -4.0])]
    for leader in (whole, broken):
        leader.first(plan_for(prices[0]), {}, NO_BENCH)
        leader.revise(prices[0], {}, SILENT, plan_for(answer(prices[0])), False)
    # The load that is taken for granted calls for something else than the true one.
    for silent, stale in ((frozenset({"one"}), False), (SILENT, True)):
        step = broken.revise(rest - 20.0, {}, silent, plan_for(rest + 70.0), stale)
        np.testing.assert_array_equal(step.price_per_mwh, rest - 20.0 + 0.5 * 90.0)
    heard = [
        leader.revise(prices[1], {}, SILENT, plan_for(answer(prices[1])), False) for leader in (whole, broken)
    ]
    np.testing.assert_array_equal(heard[0].price_per_mwh, heard[1].price_per_mwh)


def test_a_price_that_is_posted_again_is_no_round_without_progress() -> None:
    watch = ProgressWatch(0.5)
    for posted in np.repeat(np.arange(600.0, 600.0 + PATIENCE), 5):
        watch.note(Heard(np.array([posted]), np.array([posted + 1.0])))
        assert not watch.stuck
    watch.note(Heard(np.array([500.0]), np.array([501.0])))
    assert watch.stuck
    assert watch.best is not None
    assert watch.best.posted == 600.0


def test_short_steps_are_given_more_rounds() -> None:
    # Each takes a hundredth of the way to a price that stays: slow, but no cycle.
    posted, settled = negotiated(
        BestResponse(0.01, 0), lambda price: np.array([600.0]), np.array([700.0]), 900, 0.1
    )
    assert settled
    assert posted[-1] == pytest.approx([600.0], abs=0.1)
