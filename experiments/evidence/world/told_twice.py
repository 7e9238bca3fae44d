"""Certificate of numbers that stand in several tables, or in the scenario's profiles: they are the same."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from gridarium.environment.arrays import Array
from gridarium.environment.horizon import Horizon
from gridarium.experiments.evidence.grid_evidence import GridEvidence, column_of, rows_of
from gridarium.experiments.evidence.shares import apart
from gridarium.experiments.parts.storages import STORAGES
from gridarium.experiments.parts.supply import PRICES, REAL_TIME
from gridarium.experiments.results.records import Reading

_SAME = 1e-6
_LEAST = 1e-3
"""What the largest number of a column is at least, in its unit."""
_AT = ["agent", "period"]
_STORED = {"p_charge_mw": "p_demand_mw", "p_discharge_mw": "p_supply_mw", "e_mwh": "e_mwh"}

Pair = tuple[str, Array, Array]
"""What is compared, as told and as it should be; nan where nothing need be told."""


def numbers(known: GridEvidence) -> Iterator[Reading]:
    """Meters, prices and purchases of a grid, of which several tables tell."""
    pairs = [
        *_storages(known), *_loads(known), *_trades(known), *_heads(known), *_markets(known), *_pools(known)
    ]  # fmt: skip
    if not pairs:
        return
    worst, name = max((apart(told, due, _LEAST), name) for name, told, due in pairs)
    yield Reading(
        "numbers told twice", worst, _SAME, "", True,
        "largest difference of a number in one table and the same in another or in the profiles of the "
        "scenario: storages, loads, trades, prices, factors and plans at heads, members of pools; relative "
        "to the largest of its column",
        name,
    )  # fmt: skip


def _values(rows: pd.DataFrame, name: str) -> Array:
    return np.asarray(rows[name].to_numpy(dtype=float))


def _storages(known: GridEvidence) -> Iterator[Pair]:
    """Meters and contents of storages, and the green share of what is inside."""
    rows, dispatch = known.tables.get("storages"), known.tables["dispatch"]
    if rows is None:
        return
    both = rows.merge(dispatch, on=_AT, suffixes=("", "_dispatch"))
    for name, other in _STORED.items():
        column = f"{other}_dispatch" if other in rows else other
        if column in both:
            yield f"storages: {name}", _values(both, name), _values(both, column)
    if "green_share" in rows:
        inside, green = _values(rows, "e_mwh"), _values(rows, "green_mwh")
        some = inside > _LEAST
        told = _values(rows, "green_share")[some]
        yield "storages: green_share", told, green[some] / inside[some]


def _loads(known: GridEvidence) -> Iterator[Pair]:
    """What loads have drawn; what is foreseen of a load that follows nobody is its plan."""
    rows = known.tables.get("loads")
    if rows is None:
        return
    both = rows.merge(known.tables["dispatch"], on=_AT, suffixes=("", "_dispatch"))
    yield "loads: p_metered_mw", _values(both, "p_metered_mw"), _values(both, "p_demand_mw")
    fixed = rows_of(known.tables, "loads", "load")
    yield "loads: p_plan_mw", _values(fixed, "p_plan_mw"), _values(fixed, "p_base_mw")


def _trades(known: GridEvidence) -> Iterator[Pair]:
    """What operators bought and sold at their heads, by the meters there."""
    heads, trades = known.tables.get("heads"), known.tables.get("trades")
    if heads is None or trades is None:
        return
    for product, sign, price in (("import", 1.0, ""), ("export", -1.0, "export_")):
        both = heads.merge(trades[trades["product"] == product], on=_AT, suffixes=("", "_traded"))
        energy = np.maximum(sign * _values(both, "p_metered_mw"), 0.0) * known.world.period_h
        yield f"trades: {product}", _values(both, "volume_mwh"), energy
        yield (
            f"trades: price of {product}",
            _values(both, "price_per_mwh_traded"),
            _values(both, f"{price}price_per_mwh"),
        )


def _heads(known: GridEvidence) -> Iterator[Pair]:
    """Prices and factors at a head as its supplier has told them."""
    place = known.above or known
    for operator in known.head_customers:
        name, supplier = known.grid.local(operator.name), place.grid.local(operator.supplier)
        heads, signals = known.tables["heads"], place.tables["signals"]
        own = heads[heads["agent"] == name].sort_values("period")
        told = signals[signals["agent"] == supplier].sort_values("period")
        for column in ("price_per_mwh", "export_price_per_mwh"):
            due = _values(told, column.replace("price", "price_below"))
            yield f"heads: {column}", _values(own, column), due
        if known.above is None:
            # A system tells the factor of its last plan, and its terms were those of an earlier one.
            due = _values(told, "factor_tco2_per_mwh")
            yield "heads: factor", _values(own, "factor_told_tco2_per_mwh"), due


def _markets(known: GridEvidence) -> Iterator[Pair]:
    """What a market above says that it asks, by the scenario, and what it has heard of plans."""
    told = rows_of(known.tables, "signals", "market")
    if told.empty or known.above is not None:
        return
    told = told.sort_values("period")
    horizon = Horizon.of(known.world, known.scenario.period_h)

    def over(column: str) -> Array:
        return horizon.by_period(column_of(known, column, horizon))

    if PRICES.hangs_on(known.scenario):
        prices = PRICES.of(known.scenario)
        asked = (
            over(prices.wholesale_column)
            if prices.wholesale_column
            else prices.wholesale_share_of_tou * over(prices.tou_column)
        )
        paid, factor = prices.export_share_of_wholesale * asked, over("grid_tco2_per_mwh")
    else:
        market = REAL_TIME.of(known.scenario)
        asked = np.full(len(told), market.price_per_mwh)
        paid, factor = 0.0 * asked, np.full(len(told), market.factor_tco2_per_mwh)
    yield "signals: price_per_mwh", _values(told, "price_per_mwh"), asked
    yield "signals: price_below_per_mwh", _values(told, "price_below_per_mwh"), asked
    yield "signals: export_price_below_per_mwh", _values(told, "export_price_below_per_mwh"), paid
    yield "signals: factor_tco2_per_mwh", _values(told, "factor_tco2_per_mwh"), factor
    for planned in (rows_of(known.tables, "heads", kind) for kind in ("dso", "distribution_operator")):
        if planned.empty:
            continue
        # Others may plan anew while a day runs.
        heard, said = _values(told, "p_nominated_mw"), _values(planned.sort_values("period"), "p_plan_mw")
        yield "signals: p_nominated_mw", heard, np.where(np.isnan(heard), np.nan, said)


def _pools(known: GridEvidence) -> Iterator[Pair]:
    """How many owners are members, by owner, what their storages can, and how many a coalition has."""
    days, owners, games = (known.tables.get(name) for name in ("pool_days", "storage_pool", "coalitions"))
    if days is not None and owners is not None and days["agent"].nunique() == 1:
        inside = owners.groupby("day")["member"].sum().loc[days["day"]]
        yield "pool_days: members", _values(days, "members"), inside.to_numpy(dtype=float)
    if owners is not None:
        units = STORAGES.of(known.scenario)
        for column in ("p_max_mw", "e_max_mwh"):
            rated = [getattr(units[str(name)], column) for name in owners["agent"]]
            yield f"storage_pool: {column}", _values(owners, column), np.array(rated, dtype=float)
    if games is not None:
        sizes = [len([one for one in str(name).split("+") if one]) for name in games["coalition"]]
        yield "coalitions: size", _values(games, "size"), np.array(sizes, dtype=float)
