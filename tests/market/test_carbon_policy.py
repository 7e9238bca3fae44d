"""What followers of no load, or who give, are told to answer for."""

from __future__ import annotations

import numpy as np
import pytest

from gridarium.environment.arrays import Array
from gridarium.market.carbon_policy import LEAST_MEAN_MW, CarbonPolicy, Standing, shares_moved


def test_who_draws_nothing_has_no_quota_and_the_steps_of_a_kilowatt() -> None:
    base = np.array([[4.0, 2.0], [0.0, 0.0], [-1.0, 3.0]])
    factor = np.full(2, 0.5)
    now = Standing(base, base, factor, factor, 1, None, np.zeros(3), np.zeros(3), 1.0)
    policy = CarbonPolicy("ladder", quota_tco2_per_mwh=0.25, interval_share=0.2)
    drawing, idle, giving = (one.ladder for one in policy.offers(now))
    assert drawing is not None and idle is not None and giving is not None
    assert drawing.quota_t_per_h.tolist() == [1.0, 0.5] and drawing.interval_t_per_h == 0.2 * 3.0 * 0.25
    assert idle.quota_t_per_h.tolist() == [0.0, 0.0]
    assert idle.interval_t_per_h == pytest.approx(0.2 * LEAST_MEAN_MW * 0.25)
    # Quota stands for what is drawn; hours in which it gives have none.
    assert giving.quota_t_per_h.tolist() == [0.0, 0.75] and giving.interval_t_per_h == 0.2 * 1.5 * 0.25


def test_who_has_no_base_load_has_no_share_to_lower() -> None:
    assert shares_moved([4.0, 0.0, -2.0], [3.0, 1.0, -3.0]).tolist() == [0.25, 0.0, 0.0]


def test_a_response_that_avoids_next_to_nothing_moves_no_price() -> None:
    base, factor = np.full((3, 2), 4.0), np.full(2, 0.5)

    def prices(abatement_tco2: list[float]) -> Array:
        avoided = np.array(abatement_tco2)
        now = Standing(base, base, factor, factor, 1, None, avoided, np.zeros(3), 0.5)
        ladders = [one.ladder for one in CarbonPolicy("full").offers(now)]
        return np.array([one.base_price_per_tco2[0] for one in ladders if one is not None])

    nothing = prices([0.0, 0.0, 0.0])
    # What rounding leaves of a dispatch, of one sign and of both.
    assert prices([3e-15, 1e-15, 0.0]) == pytest.approx(nothing, rel=1e-11)
    assert prices([5e-15, -4e-15, -1e-15]) == pytest.approx(nothing, rel=1e-11)
    # What is avoided counts in full from a thousandth of 2 t on, and values that cancel count by their size.
    assert prices([3e-3, 3e-3, 0.0]) / nothing == pytest.approx(np.exp(-0.5 * np.array([0.5, 0.5, -1.0])))
    assert prices([1.0, 0.1, -1.0]) / nothing == pytest.approx(
        np.exp(-0.5 * (np.array([1.0, 0.1, -1.0]) - 0.1 / 3) / 0.7)
    )
