from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from gridarium.environment.errors import InputError
from gridarium.market.risk import Attitude, tail_mean

SEED = st.integers(0, 2**32 - 1)


@settings(max_examples=60, deadline=None)
@given(SEED, st.integers(1, 12), st.floats(0.01, 1.0))
def test_the_tail_is_that_of_the_linear_programme(seed: int, n_scenario: int, tail_share: float) -> None:
    random = np.random.default_rng(seed)
    cost, weights = random.normal(100.0, 30.0, n_scenario), random.dirichlet(np.ones(n_scenario))
    # Variables eta, u: u >= C - eta.
    found = linprog(
        np.concatenate([[1.0], weights / tail_share]),
        A_ub=np.column_stack([-np.ones(n_scenario), -np.eye(n_scenario)]),
        b_ub=-cost,
        bounds=[(None, None)] + [(0, None)] * n_scenario,
    )
    assert tail_mean(cost, weights, tail_share) == pytest.approx(found.fun, rel=1e-7)


def test_attitudes_by_hand() -> None:
    cost, best = np.array([10.0, 40.0, 20.0]), np.array([8.0, 39.0, 10.0])
    weights = np.array([0.5, 0.1, 0.4])
    assert Attitude("expected").value_money(cost, weights, best) == pytest.approx(17.0)
    # A tenth at 40, another at 20.
    assert Attitude("cvar", 0.2).value_money(cost, weights, best) == pytest.approx(30.0)
    assert Attitude("cvar", 1.0).value_money(cost, weights, best) == pytest.approx(17.0)
    assert Attitude("min-max-regret").value_money(cost, weights, best) == pytest.approx(10.0)


@pytest.mark.parametrize("share", [0.0, 1.5])
def test_a_tail_that_is_none_is_refused(share: float) -> None:
    with pytest.raises(InputError, match=r"tail_share: got .*; must be in \(0, 1\]"):
        Attitude("cvar", share)
