"""Which figures a run of model E gets, with their captions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pandas as pd

from gridarium.experiments.evidence.grid_evidence import rows_of
from gridarium.experiments.net_zero.figures import (
    capture_figure,
    cost_figure,
    deviation_figure,
    dispatch_figure,
    storage_figure,
    with_pool,
)
from gridarium.experiments.net_zero.pool_figures import (
    example_figure,
    ladder_figure,
    pool_figure,
    profit_figure,
    welfare_figure,
)
from gridarium.experiments.papers.net_zero_example import BUYER, CURRENCY, SELLER
from gridarium.experiments.records import Drawing
from gridarium.experiments.results import Result
from gridarium.market.messages.leasing import LeaseTerms

_QUARTERS_OF_DAY = 96


def drawings(result: Result) -> Iterator[Drawing]:
    """Yield every figure that the tables of a run allow, one after the other."""
    tables = {name: table for name, table in result.tables.items() if not table.empty}
    if len(tables.get("units", ())):
        yield from _of_system(result, tables)
    if len(rows_of(tables, "trades", "prosumer")):
        yield from _of_pool(result, tables)
    if "leases" in tables and tables["leases"]["day"].nunique() > 1:
        caption = "Profit of the storage provider by source, and the fee of the first interval, day by day."
        yield Drawing("esp-profit", caption, profit_figure(tables["leases"], result.currency_code))


def _of_system(result: Result, tables: Mapping[str, pd.DataFrame]) -> Iterator[Drawing]:
    if any("total_cost_money" in metrics for metrics in result.summary.values()):
        caption = "Cost of the system by part; what carbon trading earns is left of zero."
        yield Drawing("costs", caption, cost_figure(result.summary, result.currency_code))
    if "dispatch" in tables:
        caption = (
            "Dispatch. Supply is stacked, charging and spilled energy are below zero, hatched on top is wind "
            "power that was not used. What prosumers get from each other counts as demand and as supply."
        )
        dispatch = tables["dispatch"]
        if "pool" in tables:
            dispatch = with_pool(dispatch, tables["pool"], _period_h(tables["pool"]))
        yield Drawing("dispatch", caption, dispatch_figure(dispatch))
        if (tables["dispatch"]["kind"] == "storage_provider").any():
            caption = "Energy and power of the shared storage; shaded are the hours that the paper states."
            yield Drawing("storage", caption, storage_figure(tables["dispatch"]))
    if "carbon" in tables:
        caption = (
            "Carbon absorbed from flue gas, carbon regenerated from the solvent, and the tanks' content."
        )
        yield Drawing("capture", caption, capture_figure(tables["carbon"], _period_h(tables["carbon"])))
    if "quarters" in tables:
        caption = (
            "Surplus (positive) or deficit of each quarter under the plan that stood before (shaded), and "
            "once the operator has acted: wind that finds no use, deficits left to pool and market."
        )
        yield Drawing("deviation", caption, deviation_figure(tables["quarters"]))


def _of_pool(result: Result, tables: Mapping[str, pd.DataFrame]) -> Iterator[Drawing]:
    pool, trades = tables["pool"], rows_of(tables, "trades", "prosumer")
    pool = pool[pool["case"].isin(trades["case"].unique())]
    if pool["period"].max() < _QUARTERS_OF_DAY:
        caption = "Trade over leased lines in each quarter. Shaded: what surplus and need allow."
        yield Drawing("pool", caption, pool_figure(pool, _period_h(pool), result.currency_code))
    of_example = (trades["seller"] == SELLER) & (trades["buyer"] == BUYER)
    if result.currency_code == CURRENCY and of_example.any():
        caption = (
            f"Price and energy of each minute from {SELLER} to {BUYER} beside the 15 minutes of the paper's "
            "example and the line through them."
        )
        price = result.scenario["real_time_market"]["price_per_mwh"]
        yield Drawing("price-volume", caption, example_figure(trades, price))
    if "prosumers" in tables:
        caption = "Who gains from the trade, and what is left of the best matching of every minute."
        yield Drawing("welfare", caption, welfare_figure(tables["prosumers"], pool))
    if "leases" in tables and (lengths := _lengths_km(result)):
        first = tables["leases"].dropna(subset="base_fee_per_km_mwh").iloc[0]
        base, interval, growth = (float(first[name]) for name in LeaseTerms._fields)
        caption = "Fee of a leased line over its length on the first day (E7), and the lines of this run."
        terms = LeaseTerms(base, interval, growth)
        yield Drawing("ladder", caption, ladder_figure(terms, lengths, result.currency_code))


def _lengths_km(result: Result) -> dict[str, float]:
    """Length of every line by the two that it joins."""
    rows = (result.scenario.get("lines") or {}).get("distance_km", {})
    return {
        f"{one.replace('prosumer_', 'p')} to {other.replace('prosumer_', 'p')}": float(km)
        for one, row in rows.items()
        for other, km in row.items()
    }


def _period_h(table: pd.DataFrame) -> float:
    """Length of a period, h."""
    times = table["time"].drop_duplicates().sort_values()
    return float((times.iloc[1] - times.iloc[0]).total_seconds()) / 3600.0 if len(times) > 1 else 0.25
