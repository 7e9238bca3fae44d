"""Certificates of nodal prices of a feeder in regions: by its profiles, moved with the price of supply."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from gridarium.agents.distribution.distribution_operator import DistributionOperator
from gridarium.environment.arrays import Array
from gridarium.experiments.evidence.grid_evidence import GridEvidence, rows_of
from gridarium.experiments.parts.price_regions import PRICE_REGIONS
from gridarium.experiments.reading.profiles import profiles_of
from gridarium.experiments.results.records import Reading

_SAME = 1e-6
_LEAST_MW = 1e-12


def regional_prices(known: GridEvidence) -> Iterator[Reading]:
    """Prices at which plants planned in each region, against profiles and what the supplier told last."""
    told, section = rows_of(known.tables, "vpp_regions", "vpp"), PRICE_REGIONS.of(known.scenario)
    operators = known.of(DistributionOperator)
    if told.empty or section is None or not operators:
        return
    (operator,) = operators
    n_day, n_step = operator.horizon.n_day, operator.horizon.n_step
    profiles, over = profiles_of(known.scenario), operator.horizon.by_period
    names = list(section.regions)
    buy = np.array(
        [over(profiles.column(one.price_column)[: n_day * n_step]) for one in section.regions.values()]
    )
    lost = np.array([[1.0 - one.sale_share] for one in section.regions.values()])
    sell = buy - lost * np.abs(buy)
    if known.above is not None:
        move = _move_per_mwh(known, names, buy)
        buy, sell = buy + move, sell + move
    apart = 0.0
    for (_, region), rows in told.groupby(["agent", "region"], sort=False):
        place = names.index(str(region))
        for column, own in (("buy_price_per_mwh", buy), ("sell_price_per_mwh", sell)):
            by_period = rows.set_index("period")[column].sort_index().to_numpy(dtype=float)
            apart = max(apart, float(np.abs(by_period - own[place]).max()))
    yield Reading(
        "prices of regions", apart, _SAME, "money/MWh", True,
        "largest difference of a price at which a plant planned, and that of its region by the profiles; "
        "where the feeder has a supplier, moved so that their mean by loads is what that has told last (B7)",
    )  # fmt: skip


def _move_per_mwh(known: GridEvidence, names: list[str], price_per_mwh: Array) -> Array:
    """By how much all prices move, shape (n_period,)."""
    table: pd.DataFrame = known.tables["price_regions"]
    load = table.pivot(index="region", columns="period", values="load_mw").loc[names].to_numpy(dtype=float)
    total = load.sum(axis=0)
    even = np.full_like(load, 1.0 / len(names))
    share = np.divide(load, total, out=even, where=total > _LEAST_MW)
    asked = known.tables["heads"].sort_values("period")["price_per_mwh"].to_numpy(dtype=float)
    return np.asarray(asked - (share * price_per_mwh).sum(axis=0))
