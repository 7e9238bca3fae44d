"""Shares of a whole that may be nothing."""

from __future__ import annotations

import math

import pytest

from gridarium.experiments.evidence.shares import LEAST_MONEY, ratio, share_of


@pytest.mark.parametrize(("whole", "share"), [(200.0, 0.01), (-200.0, 0.01), (0.5, 2.0), (0.0, 2.0)])
def test_a_share_is_one_of_the_size_of_the_whole_and_never_of_nothing(whole: float, share: float) -> None:
    assert share_of(2.0, whole, LEAST_MONEY) == pytest.approx(share)


def test_noise_of_a_solver_is_no_share_of_nothing() -> None:
    assert share_of(1e-9, 0.0, LEAST_MONEY) == pytest.approx(1e-9)


def test_a_ratio_to_nothing_says_nothing() -> None:
    assert math.isnan(ratio(1.0, 0.0))
    assert math.isnan(ratio(0.0, 0.0))
    assert ratio(-1.0, 4.0) == -0.25
