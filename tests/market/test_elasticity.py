"""Elastic demand by hand, and its bounds against another solver."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize

from gridarium.environment.errors import InputError
from gridarium.market.elasticity import USER_CLASSES, Elasticity, ResponseBounds, relative_change


def test_matrix_by_hand() -> None:
    found = Elasticity(-0.2, 0.12, reach_h=1.0).matrix(4, 1.0)
    assert found == pytest.approx(
        np.array([
            [-0.2, 0.12, 0.0, 0.0],
            [0.06, -0.2, 0.06, 0.0],
            [0.0, 0.06, -0.2, 0.06],
            [0.0, 0.0, 0.12, -0.2],
        ])
    )  # fmt: skip


@pytest.mark.parametrize("name", USER_CLASSES)
@pytest.mark.parametrize(("n_step", "step_h"), [(24, 1.0), (96, 0.25)])
def test_each_row_sums_to_own_and_cross(name: str, n_step: int, step_h: float) -> None:
    known = USER_CLASSES[name]
    found = known.matrix(n_step, step_h)
    assert found.sum(axis=1) == pytest.approx(known.own + known.cross)
    reach = int(6.0 / step_h)
    assert np.count_nonzero(found[n_step // 2]) == 2 * reach + 1
    assert np.count_nonzero(found[0]) == reach + 1


def test_response_by_hand() -> None:
    # 10 % dearer in one hour: 2 % less there, 1.2 % more in the hour beside it, times half of its weight.
    change = relative_change(
        Elasticity(-0.2, 0.12, 1.0).matrix(3, 1.0),
        np.array([500.0, 660.0, 400.0]),
        np.array([500.0, 600.0, 400.0]),
    )
    assert change == pytest.approx([0.012, -0.02, 0.012])
    bounds = ResponseBounds(0.01)
    assert bounds.keep(np.array([1.0, 2.0, 3.0]), change) == pytest.approx([1.01, 1.98, 3.03])


def test_saved_energy_by_hand() -> None:
    # 3 of 6 MWh would be cut by a tenth, 0.3 MWh; 0.06 may: all but the hour at its bound rise by 4.8 %.
    base, change = np.array([1.0, 2.0, 3.0]), np.array([0.2, 0.0, -0.1])
    kept = ResponseBounds(0.2, 0.0).keep(base, change)
    assert kept == pytest.approx([1.2, 2.0 * 1.02, 3.0 * 0.92])
    assert kept.sum() == pytest.approx(6.0)
    assert ResponseBounds(0.2, 0.5).keep(base, change) == pytest.approx(base * (1.0 + change))


@pytest.mark.parametrize("seed", range(5))
def test_bounds_keep_the_nearest_load(seed: int) -> None:
    random = np.random.default_rng(seed)
    base, change = random.uniform(0.2, 3.0, 6), random.normal(-0.1, 0.15, 6)
    share, saving = 0.2, 0.02
    kept = ResponseBounds(share, saving).keep(base, change)
    solved = minimize(
        lambda x: 10.0 * float(base @ (x - change) ** 2), np.zeros(6),
        jac=lambda x: 20.0 * base * (x - change), bounds=[(-share, share)] * 6, method="SLSQP",
        constraints={"type": "ineq", "fun": lambda x: float(base @ x + saving * base.sum())},
        options={"ftol": 1e-14, "maxiter": 500},
    )  # fmt: skip
    assert kept == pytest.approx(base * (1.0 + solved.x), abs=1e-6)


def test_wrong_numbers_are_named() -> None:
    with pytest.raises(InputError, match=r"own: got 0\.1; must be below 0"):
        Elasticity(0.1, 0.0)
    with pytest.raises(InputError, match=r"saving_share: got 1\.5; must be in \[0, 1\]"):
        ResponseBounds(0.2, 1.5)
    with pytest.raises(InputError, match=r"reference_price_per_mwh, step 1: got 0\.0; must be above 0"):
        relative_change(np.eye(2), np.ones(2), np.array([1.0, 0.0]))
