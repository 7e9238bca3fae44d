"""Nodal prices that move with the price of supply."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd

from gridarium.experiments.evidence.vpp.price_certificates import _move_per_mwh


def test_the_mean_by_loads_is_what_the_supplier_asks() -> None:
    loads = {"a": [3.0, 0.0], "b": [1.0, 0.0]}
    regions = pd.DataFrame(
        [(name, period, mw) for name, series in loads.items() for period, mw in enumerate(series)],
        columns=["region", "period", "load_mw"],
    )
    heads = pd.DataFrame({"period": [1, 0], "price_per_mwh": [700.0, 300.0]})
    known: Any = SimpleNamespace(tables={"price_regions": regions, "heads": heads})
    price = np.array([[400.0, 400.0], [600.0, 600.0]])
    assert _move_per_mwh(known, ["a", "b"], price).tolist() == [-150.0, 200.0]
    assert _move_per_mwh(known, ["b", "a"], price).tolist() == [-250.0, 200.0]
