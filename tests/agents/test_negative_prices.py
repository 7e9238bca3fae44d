"""A leader before hours whose plain tariff is negative or next to nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from gridarium.agents.leader.follower_model import FollowerModel
from gridarium.agents.leader.price_polish import restore
from gridarium.agents.leader.problem import LeaderProblem, SupplyCut
from gridarium.environment.arrays import Array
from gridarium.market.price_limits import LimitRules

BASE_MW = np.array([2.0, 1.0, 3.0, 2.5])


def problem(reference: Array) -> LeaderProblem:
    """Two followers before a free price within shares of the tariff, and supply that costs nothing."""
    followers = tuple(
        FollowerModel.of(share * BASE_MW, reference, beta, 0.2) for share, beta in ((0.6, 60.0), (0.4, 120.0))
    )
    limits = LimitRules(average_share=1.0).at(reference, BASE_MW, 1.0)
    return LeaderProblem(reference, followers, limits, (SupplyCut(0.0, np.zeros((2, 4))),), 1.0)


@pytest.mark.parametrize("hour", [-1.0, 0.0, -200.0])
def test_the_reference_price_keeps_limits_and_bands_have_room_in_a_negative_hour(hour: float) -> None:
    reference = np.array([320.0, hour, 980.0, 680.0])
    task = problem(reference)
    assert task.allows(reference)
    assert (task.limits.low_price_per_mwh < reference).all()
    assert (task.limits.high_price_per_mwh > reference).all()
    found = restore(task, 1.3 * reference)
    assert task.allows(found)


def test_the_size_of_a_bill_is_that_of_all_hours_whatever_they_pay() -> None:
    """Hours that cancel out leave no scale of nothing, on which rounding would break a limit."""
    reference = np.array([300.0, -600.0, 0.0, 0.0])
    task = problem(reference)
    assert float(reference @ BASE_MW) == 0.0
    assert task.allows(reference + 1e-9)
    assert not task.allows(reference + 1.0)
    dearer = replace(task, limits=replace(task.limits, bill_cap_money=None, average_cap_per_mwh=None))
    assert dearer.allows(reference + 1.0)
