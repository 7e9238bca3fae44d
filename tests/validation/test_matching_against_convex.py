"""The matching bound against a brute-force grid and against a general convex optimiser."""

import itertools

import numpy as np
import pytest
from scipy.optimize import minimize

from gridarium.market.matching import MatchingPool, pool_welfare
from gridarium.market.utility import LogUtility, QuadraticUtility


def random_pool(rng, n_ep, n_ip):
    utilities = [
        QuadraticUtility(rng.uniform(150, 350)) if rng.random() < 0.5 else LogUtility(rng.uniform(2, 9), 0.01)
        for _ in range(n_ip)
    ]
    return MatchingPool.of_matrices(
        rng.uniform(20, 150, (n_ep, n_ip)),
        rng.uniform(0.01, 0.08, n_ep),
        utilities,
        rng.uniform(0.01, 0.08, n_ip),
        line_mwh=0.04,
        loss=rng.uniform(0, 0.1, (n_ep, n_ip)),
    )


def welfare(pool, sent):
    delivered = [((1 - pool.loss) * sent)[pool.buyer == i].sum() for i in range(len(pool.utilities))]
    worth = sum(utility.value(p) for utility, p in zip(pool.utilities, delivered, strict=True))
    return worth - pool.cost_per_mwh @ sent


def slacks(pool, sent):
    """Supply and demand that are left, all at least 0 where a matching is allowed."""
    left = [pool.supply_mwh[j] - sent[pool.seller == j].sum() for j in range(len(pool.supply_mwh))]
    taken = (1 - pool.loss) * sent
    room = [pool.demand_max_mwh[i] - taken[pool.buyer == i].sum() for i in range(len(pool.utilities))]
    return np.array(left + room)


@pytest.mark.parametrize(("n_ep", "n_ip"), [(1, 2), (2, 1)])
def test_against_a_grid(n_ep, n_ip):
    rng = np.random.default_rng(5)
    for _ in range(6):
        pool = random_pool(rng, n_ep, n_ip)
        found = pool_welfare(pool, relative_error=1e-7, max_rounds=40)
        points = [np.linspace(0, 0.04, 81)] * len(pool.seller)
        allowed = [np.array(x) for x in itertools.product(*points) if slacks(pool, np.array(x)).min() >= 0]
        best = max(welfare(pool, x) for x in allowed)
        assert best <= found.welfare_money * (1 + 1e-9)
        # Half a step of the grid, 0.25 kWh, on each line at the largest difference of prices.
        assert found.welfare_money - best <= len(pool.seller) * 0.00025 * 400


def best_by_slsqp(pool):
    """Optimum of the convex problem itself; another start where the search gets stuck."""
    for start in (1.0, 0.5, 2.0, 0.1):
        # Volumes in kWh, so that all numbers are of one size.
        answer = minimize(
            lambda x: -welfare(pool, x / 1000),
            np.full(len(pool.seller), start),
            method="SLSQP",
            bounds=[(0, 40)] * len(pool.seller),
            constraints={"type": "ineq", "fun": lambda x: slacks(pool, x / 1000) * 1000},
            options={"ftol": 1e-14, "maxiter": 500},
        )
        if answer.success:
            break
    assert answer.success
    return answer


@pytest.mark.parametrize(("n_ep", "n_ip"), [(1, 1), (2, 2), (3, 2), (3, 4)])
def test_against_slsqp(n_ep, n_ip):
    rng = np.random.default_rng(6)
    for _ in range(8):
        pool = random_pool(rng, n_ep, n_ip)
        found = pool_welfare(pool, relative_error=1e-8, max_rounds=60)
        answer = best_by_slsqp(pool)
        assert found.welfare_money == pytest.approx(-answer.fun, rel=1e-6)
        assert found.achieved_money == pytest.approx(welfare(pool, found.sent_mwh), rel=1e-9)
        assert slacks(pool, found.sent_mwh).min() >= -1e-9


def test_coarse_tangents_still_bound_and_tell_their_error():
    rng = np.random.default_rng(7)
    for _ in range(10):
        pool = random_pool(rng, 4, 4)
        exact = pool_welfare(pool, relative_error=1e-9, max_rounds=60)
        for n_tangent in (2, 3, 5, 9):
            coarse = pool_welfare(pool, n_tangent=n_tangent, max_rounds=1)
            assert coarse.achieved_money <= exact.welfare_money * (1 + 1e-8)
            assert coarse.welfare_money >= exact.achieved_money * (1 - 1e-8)
            assert coarse.welfare_money - coarse.tangent_error_money == pytest.approx(coarse.achieved_money)
