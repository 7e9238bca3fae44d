"""What a cycle leaves open at a jump is judged by the nearest mixture of the answers around it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest

from gridarium.agents.feeder.dso_day import DsoDay
from gridarium.agents.feeder.price_setting import Cycle
from gridarium.environment.arrays import Array
from gridarium.experiments.evidence.feeder.equilibrium_certificates import called_for_per_mwh

LAST = np.array([90.0, -20.0])


def day(posted: Array, cycle: Cycle | None) -> DsoDay:
    made = SimpleNamespace(
        setter=SimpleNamespace(cycle=cycle),
        signal=SimpleNamespace(price_per_mwh=posted),
        plan=SimpleNamespace(offer=SimpleNamespace(price_per_mwh=LAST)),
    )
    return cast("DsoDay", made)


@pytest.mark.parametrize("scale", [1.0, 1e3])
def test_a_mixture_of_both_sides_is_called_for_at_a_jump(scale: float) -> None:
    sides = scale * np.array([[23.6, -25.8], [-25.8, 28.0], [40.0, 40.0]])
    between = 0.3 * sides[0] + 0.7 * sides[1]
    found = called_for_per_mwh(day(between, Cycle(between, np.zeros(2), sides)))
    assert found == pytest.approx(between, abs=1e-3 * scale)


def test_a_price_beside_all_answers_keeps_its_distance() -> None:
    sides = np.array([[10.0, 0.0], [20.0, 0.0]])
    found = called_for_per_mwh(day(np.array([14.0, 7.0]), Cycle(sides[0], np.zeros(2), sides)))
    assert found == pytest.approx([14.0, 0.0], abs=1e-2)


@pytest.mark.parametrize("cycle", [None, Cycle(LAST, LAST)], ids=["rest", "no jump"])
def test_else_it_is_what_the_last_answers_call_for(cycle: Cycle | None) -> None:
    assert called_for_per_mwh(day(np.array([1.0, 2.0]), cycle)) is LAST
