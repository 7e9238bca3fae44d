"""Pulls of plants: equal parts of what the head's target is away from the flow of all plans."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from gridarium.experiments.evidence.vpp.pull_certificates import pulls


def value_of(targets_mw: tuple[float, float], weight: float = 4.0, moved_mw: float = 0.0) -> float:
    """Of one plant in two regions of one of ten grids, whose heads are to take 9 MW together and take 5."""
    pull = SimpleNamespace(target_mw=np.array([9.0]), per_mw2h=2.0)
    day = SimpleNamespace(number=0, terms=SimpleNamespace(pull=pull))
    horizon = SimpleNamespace(by_period=lambda own: own, fit=lambda own: own, periods=lambda _: slice(0, 1))
    operator = SimpleNamespace(days=[day], horizon=horizon, head_plan_mw=lambda _: np.array([0.5]))
    regions = pd.DataFrame(
        {
            "agent": "vpp", "region": ["a", "b"], "period": 0, "load_mw": [0.3, 0.2],
            "charge_plan_mw": [0.1, 0.0], "discharge_plan_mw": [0.0, 0.1], "pull_target_mw": targets_mw,
            "pull_per_mw2h": weight,
        }
    )  # fmt: skip
    rounds = pd.DataFrame(
        {
            "kind": "distribution_operator",
            "day": 0,
            "round": [1, 2, 3],
            "load_change_mw": [9.0, moved_mw, 0.0],
        }
    )
    known: Any = SimpleNamespace(
        of=lambda _: [operator],
        tables={"vpp_regions": regions, "rounds": rounds},
        grid=SimpleNamespace(replicas=10),
        scenario=SimpleNamespace(vpps={"vpp": SimpleNamespace()}),
    )
    (found,) = pulls(known)
    return found.value


def test_each_is_pulled_by_an_equal_part() -> None:
    assert value_of((0.6, 0.3)) == pytest.approx(0.0, abs=1e-12)
    assert value_of((0.6, 0.31)) == pytest.approx(0.01)
    assert value_of((0.3, 0.6)) == pytest.approx(0.3)
    assert value_of((0.6, 0.3), weight=2.0) == pytest.approx(2.0)


def test_what_plans_moved_since_is_no_fault_of_a_target() -> None:
    assert value_of((0.6, 0.31), moved_mw=0.004) == 0.0
    assert value_of((0.6, 0.31), moved_mw=0.002) == pytest.approx(0.004)
