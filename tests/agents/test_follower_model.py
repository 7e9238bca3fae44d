"""The closed-form response against a QP solver, and the identity of C.1.5 that turns sales into duals."""

from __future__ import annotations

import numpy as np
import piqp
import pytest

from gridarium.agents.leader.follower_model import FollowerModel
from gridarium.experiments.benchmarks.leader_instances import random_instance


def followers() -> list[tuple[FollowerModel, np.ndarray]]:
    """Followers of random instances, each with a random price of the band."""
    random = np.random.default_rng(5)
    found = []
    for seed in range(12):
        problem = random_instance(seed)
        limits = problem.limits
        for follower in problem.followers:
            # From next to the reference price, where nobody is at a limit, to the ends of the band.
            width = float(random.choice([0.01, 0.2, 1.0]))
            price = problem.reference_price_per_mwh + width * (
                random.uniform(limits.low_price_per_mwh, limits.high_price_per_mwh)
                - problem.reference_price_per_mwh
            )
            found.append((follower, price))
    return found


def solved(follower: FollowerModel, price: np.ndarray) -> np.ndarray:
    """The shift by PIQP."""
    n = len(price)
    solver = piqp.DenseSolver()
    solver.settings.eps_abs, solver.settings.eps_rel = 1e-11, 1e-12
    scale = follower.beta_per_mwh_per_mw
    solver.setup(
        np.asfortranarray(np.eye(n)),
        (price - follower.reference_price_per_mwh) / scale,
        np.asfortranarray(np.ones((1, n))),
        np.zeros(1),
        None,
        None,
        None,
        -follower.most_down_mw,
        follower.most_up_mw,
    )
    assert solver.solve() == piqp.PIQP_SOLVED
    return np.array(solver.result.x)


def test_response_is_the_optimum_of_the_quadratic_programme() -> None:
    for follower, price in followers():
        assert follower.shift(price) == pytest.approx(solved(follower, price), abs=2e-6)
        assert float(follower.shift(price).sum()) == pytest.approx(0.0, abs=1e-9)


def test_sales_are_a_concave_quadratic_plus_linear_duals() -> None:
    """p P = alpha P - beta P^2 - nu P - up Pmax + lo Pmin in every period, summed with nu E."""
    for follower, price in followers():
        beta, base = follower.beta_per_mwh_per_mw, follower.base_mw
        load, neutral = follower.load(price), follower.neutral_price(price)
        alpha = follower.reference_price_per_mwh + beta * base
        rest = alpha - beta * load - price - neutral
        up, low = np.maximum(rest, 0.0), np.maximum(-rest, 0.0)
        # Complementarity, then the identity itself.
        assert up * (base + follower.most_up_mw - load) == pytest.approx(0.0, abs=1e-6)
        assert low * (load - base + follower.most_down_mw) == pytest.approx(0.0, abs=1e-6)
        identity = (
            alpha * load
            - beta * load**2
            - up * (base + follower.most_up_mw)
            + low * (base - follower.most_down_mw)
        ).sum() - neutral * base.sum()
        assert float(price @ load) == pytest.approx(float(identity), rel=1e-11)


def test_a_uniform_addition_moves_no_load() -> None:
    for follower, price in followers():
        assert follower.load(price + 17.0) == pytest.approx(follower.load(price), abs=1e-9)


def test_a_follower_without_flexibility_stays_at_its_base_load() -> None:
    base = np.array([1.0, 2.0, 3.0])
    still = FollowerModel(base, np.full(3, 500.0), 50.0, np.zeros(3), np.zeros(3))
    assert still.load(np.array([300.0, 700.0, 500.0])) == pytest.approx(base)
