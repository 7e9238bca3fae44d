"""Where one grid has a price for each bus and another one has not."""

from __future__ import annotations

import numpy as np
import pandas as pd

from gridarium.experiments.evidence.feeder.feeder_metrics import surcharge
from gridarium.experiments.evidence.grid_evidence import has_prices_by_bus, tables_of_grid


def test_a_grid_beside_one_with_prices_by_bus_has_none_itself() -> None:
    buses = pd.DataFrame(
        {
            "grid": ["a", "a", "b"],
            "period": 0,
            "bus": ["1", "2", "1"],
            "price_posted_per_mwh": [5.0, 6.0, np.nan],
        }
    )
    tables = {"buses": buses}
    assert has_prices_by_bus(tables_of_grid(tables, "a"))
    assert not has_prices_by_bus(tables_of_grid(tables, "b"))
    assert not has_prices_by_bus({"buses": buses.drop(columns="price_posted_per_mwh")})
    assert not list(surcharge(tables_of_grid(tables, "b"), 1.0))
