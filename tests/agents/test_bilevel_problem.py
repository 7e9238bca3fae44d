"""The single-level MILP: its bound, its caps, and what refining the pieces does."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from gridarium.agents.leader.bilevel_problem import solve_relaxed
from gridarium.agents.leader.full_information import SearchEffort, full_information_optimum
from gridarium.agents.leader.price_polish import polish, restore
from gridarium.agents.leader.problem import LeaderProblem, SupplyCut
from gridarium.agents.leader.response_curve import margin_ends, neutral_bounds, response_curves
from gridarium.environment.errors import InfeasibleError
from gridarium.experiments.benchmarks.leader_instances import random_instance
from gridarium.market.price_limits import PriceLimits

QUICK = (3, 5, 9, 15, 17)
"""Seeds with one follower: a tenth of a second each."""


def random_prices(problem: LeaderProblem, count: int) -> list[np.ndarray]:
    random = np.random.default_rng(1)
    limits = problem.limits
    return [random.uniform(limits.low_price_per_mwh, limits.high_price_per_mwh) for _ in range(count)]


def test_curves_hold_every_true_response() -> None:
    problem = random_instance(0)
    curves = response_curves(problem)
    for price in random_prices(problem, 50):
        for k, follower in enumerate(problem.followers):
            neutral = follower.neutral_price(price)
            least, most = neutral_bounds(problem, follower)
            assert least - 1e-9 <= neutral <= most + 1e-9
            low, high = margin_ends(problem, follower, (least, most))
            margin = follower.reference_price_per_mwh - price - neutral
            assert np.all((margin >= low - 1e-9) & (margin <= high + 1e-9))
            for t, curve in enumerate(curves[k]):
                chord = np.interp(margin[t], curve.margin, curve.forgone)
                true = margin[t] * follower.load(price)[t]
                piece = int(np.clip(np.searchsorted(curve.margin, margin[t]) - 1, 0, curve.n_piece - 1))
                assert -1e-7 <= chord - true <= curve.error[piece] + 1e-7
                assert np.interp(margin[t], curve.margin, curve.shift) == pytest.approx(
                    follower.shift(price)[t], abs=1e-9
                )


@pytest.mark.parametrize("seed", QUICK)
def test_bound_holds_and_meets_the_profit(seed: int) -> None:
    problem = random_instance(seed)
    found = full_information_optimum(problem)
    assert problem.allows(found.price_per_mwh)
    assert found.profit_money == pytest.approx(problem.profit(found.price_per_mwh), rel=1e-12)
    assert found.profit_money <= found.bound_money * (1.0 + 1e-6)
    assert found.gap <= 5e-4
    for price in random_prices(problem, 20):
        allowed = restore(problem, price)
        assert problem.allows(allowed)
        assert polish(problem, allowed).profit_money <= found.bound_money * (1.0 + 1e-6)


def test_each_bill_is_capped() -> None:
    problem = random_instance(19, each_bill_capped=True)
    found = full_information_optimum(problem, SearchEffort(2e-3, 2))
    bills = problem.loads(found.price_per_mwh) @ found.price_per_mwh
    assert np.all(bills <= np.array(problem.follower_bill_caps_money) * (1.0 + 1e-8))
    assert found.gap <= 5e-3
    # One cap for all is a weaker limit.
    together = full_information_optimum(random_instance(19))
    assert found.profit_money <= together.bound_money


def test_finer_pieces_lower_the_bound() -> None:
    problem = random_instance(3)
    coarse = solve_relaxed(problem, response_curves(problem), 1e-6, 1000)
    fine = solve_relaxed(problem, response_curves(problem, [coarse.margin_per_mwh]), 1e-6, 1000)
    assert fine.bound_money <= coarse.bound_money + 0.02


def test_without_caps_the_leader_climbs_to_the_end_of_its_band() -> None:
    """With one multiplier for all, revenue grows with the level of the price until the band stops it."""
    problem = random_instance(5)
    free = replace(problem, limits=replace(problem.limits, bill_cap_money=None))
    found = full_information_optimum(free)
    room = free.limits.high_price_per_mwh - found.price_per_mwh
    assert float(room.min()) == pytest.approx(0.0, abs=1e-3)
    assert found.profit_money > full_information_optimum(problem).profit_money


def test_mean_price_and_discounts_can_be_capped() -> None:
    problem = random_instance(17)
    mean = float(problem.reference_price_per_mwh @ problem.base_mw / problem.base_mw.sum())
    limits = problem.limits
    capped = replace(
        problem,
        limits=PriceLimits(
            limits.low_price_per_mwh,
            limits.high_price_per_mwh,
            average_cap_per_mwh=mean,
            discount_cap_money=200.0,
        ),
    )
    found = full_information_optimum(capped)
    excess = capped.excess(found.price_per_mwh)
    assert excess["average"] <= 1e-6 * mean
    assert excess["discount"] <= 1e-3
    assert found.profit_money <= found.bound_money * (1.0 + 1e-6)
    assert found.gap <= 5e-4


def test_convex_cost_of_supply_enters_by_its_tangents() -> None:
    """Two tangents that meet at the base load: dearer beyond it than below."""
    problem = random_instance(17)
    marginal = problem.supply[0].marginal_cost_per_mwh
    base = problem.base_mw
    steeper = marginal * np.where(marginal < np.median(marginal), 1.5, 1.0)
    second = SupplyCut(float((marginal - steeper) @ base), steeper)
    convex = replace(problem, supply=(*problem.supply, second))
    assert convex.cost(base[None]) == pytest.approx(problem.cost(base[None]))
    found = full_information_optimum(convex)
    assert found.gap <= 5e-4
    assert found.profit_money <= full_information_optimum(problem).profit_money * (1.0 + 1e-6)


def test_caps_that_no_price_keeps_are_named() -> None:
    problem = random_instance(5)
    starved = replace(problem, limits=replace(problem.limits, bill_cap_money=1.0))
    with pytest.raises(InfeasibleError, match="caps"):
        full_information_optimum(starved)
