"""Leaders on three periods against every price of a fine grid."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from gridarium.agents.leader.follower_model import FollowerModel
from gridarium.agents.leader.full_information import SearchEffort, full_information_optimum
from gridarium.agents.leader.problem import LeaderProblem
from gridarium.experiments.benchmarks.leader_instances import random_instance
from gridarium.experiments.benchmarks.leaders import play_anticipating

SEEDS = range(6)
_STEPS = 401


def brute_force(problem: LeaderProblem) -> float:
    """Best true profit over a grid of prices, then over a finer one around the best point.

    Two prices span the differences, which alone move the followers; the level is then as high as
    the bill cap and the band allow.
    """
    limits, reference = problem.limits, problem.reference_price_per_mwh
    reach = limits.high_price_per_mwh - limits.low_price_per_mwh
    centre, width = np.zeros(2), np.array([reach[1] + reach[0], reach[2] + reach[0]])
    best = -np.inf
    for _ in range(2):
        axes = [
            middle + np.linspace(-reach, reach, _STEPS) for middle, reach in zip(centre, width, strict=True)
        ]
        first, second = (axis.ravel() for axis in np.meshgrid(*axes))
        price = reference[:, None] + np.array([np.zeros_like(first), first, second])
        profit = level_profit(problem, price)
        place = int(profit.argmax())
        best, centre = max(best, float(profit[place])), np.array([first[place], second[place]])
        width = 4.0 * width / (_STEPS - 1)
    return best


def level_profit(problem: LeaderProblem, price: np.ndarray) -> np.ndarray:
    """Profit of prices, shape (3, n), each moved up as a whole as far as the limits allow."""
    limits, marginal = problem.limits, problem.supply[0].marginal_cost_per_mwh
    load = np.sum([response(follower, price) for follower in problem.followers], axis=0)
    assert limits.bill_cap_money is not None
    to_cap = (limits.bill_cap_money - (price * load).sum(axis=0)) / load.sum(axis=0)
    posted = price + np.minimum((limits.high_price_per_mwh[:, None] - price).min(axis=0), to_cap)
    inside = np.all(posted >= limits.low_price_per_mwh[:, None] - 1e-9, axis=0)
    return np.where(inside, ((posted - marginal[:, None]) * load).sum(axis=0), -np.inf)


def response(follower: FollowerModel, price: np.ndarray) -> np.ndarray:
    """Loads under prices of shape (3, n): bisection on the dual of energy neutrality."""
    low, high = np.full(price.shape[1], -5e3), np.full(price.shape[1], 5e3)
    for _ in range(45):
        middle = 0.5 * (low + high)
        wanted = follower.reference_price_per_mwh[:, None] - price - middle
        shift = np.clip(
            wanted / follower.beta_per_mwh_per_mw,
            -follower.most_down_mw[:, None],
            follower.most_up_mw[:, None],
        )
        too_much = shift.sum(axis=0) > 0.0
        low, high = np.where(too_much, middle, low), np.where(too_much, high, middle)
    return follower.base_mw[:, None] + shift


@pytest.mark.parametrize("seed", SEEDS)
def test_leaders_reach_the_best_price_of_the_grid(seed: int) -> None:
    problem = random_instance(seed, n_period=3, n_follower=1 + seed % 2)
    grid = brute_force(problem)
    informed = full_information_optimum(problem, SearchEffort(relative_gap=1e-5))
    assert informed.profit_money == pytest.approx(grid, rel=1e-3)
    assert informed.profit_money >= grid * (1.0 - 1e-4)
    assert grid <= informed.bound_money * (1.0 + 1e-6)
    price, rounds = play_anticipating(problem)
    assert problem.allows(price)
    assert problem.profit(price) == pytest.approx(grid, rel=1e-3)
    assert rounds <= 40


def test_grid_finds_what_can_be_read_off() -> None:
    """One follower that cannot move: the level is all there is to decide, and the bill is its cap."""
    problem = random_instance(1, n_period=3, n_follower=1)
    still = replace(problem.followers[0], most_down_mw=np.zeros(3), most_up_mw=np.zeros(3))
    problem = problem.with_followers([still])
    cost = float(problem.supply[0].marginal_cost_per_mwh @ still.base_mw)
    assert problem.limits.bill_cap_money is not None
    expected = problem.limits.bill_cap_money - cost
    assert full_information_optimum(problem).profit_money == pytest.approx(expected, rel=1e-6)
