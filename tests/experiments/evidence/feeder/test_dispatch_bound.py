"""A bound of a dispatch that lies above its cost is none."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from gridarium.experiments.evidence.feeder.feeder_certificates import dispatch_optimality


@pytest.mark.parametrize(
    ("bounds_money", "above"),
    [((90.0, 200.0), 0.0), ((100.0, 200.1), 0.1 / 1300.0), ((110.0, 150.0), 10 / 1300.0)],
)
def test_the_worst_day_counts(bounds_money: tuple[float, float], above: float) -> None:
    tables = {
        "days": pd.DataFrame(
            {"dispatch_cost_money": [100.0, 200.0], "dispatch_bound_money": list(bounds_money)}
        ),
        "signals": pd.DataFrame(
            {"kind": "dso", "price_per_mwh": [500.0, -500.0], "p_load_plan_mw": [2.0, 2.0]}
        ),
    }
    known: Any = SimpleNamespace(of=lambda _: [0], tables=tables, world=SimpleNamespace(period_h=0.5))
    found = {one.name: one for one in dispatch_optimality(known)}["bound of dispatch"]
    assert found.hard and found.value == pytest.approx(above, abs=1e-12)
    assert (found.value <= found.tolerance) == (above == 0.0)
