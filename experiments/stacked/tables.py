"""Tables of a finished case of several grids: those of each grid, one below the other, and the seams."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from gridarium.environment.arrays import Array
from gridarium.environment.grids import Grid
from gridarium.experiments.models import MODELS
from gridarium.experiments.stacked.build import Built
from gridarium.experiments.tidy import tidy

MEASURED: Sequence[str] | None = None
"""All tables: metrics and certificates are taken from those of each grid."""

_A_WATT_MW = 1e-6
_OF_WORLD = ("messages", "ledger")


def tables_of(case: str, built: Built, names: Sequence[str] | None = None) -> dict[str, pd.DataFrame]:
    """The tables of a case: columns `case` and `grid` first, names relative to the grid."""
    found: dict[str, list[pd.DataFrame]] = {}
    for grid in built.parts:
        for name, table in grid_tables(case, built, grid).items():
            if name not in _OF_WORLD:
                table.insert(1, "grid", grid)
                found.setdefault(name, []).append(table)
    tables = {name: _joined(parts) for name, parts in found.items()}
    tables["heads"] = heads_table(built)
    tables["messages"] = built.world.bus.log()
    tables["ledger"] = built.world.ledger.table()
    for name in ("heads", "messages", "ledger"):
        tables[name].insert(0, "case", case)
    return tables


def _joined(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """One table of all grids; columns of empty ones have no types to join."""
    return pd.concat([table for table in tables if len(table)] or tables[:1], ignore_index=True)


def grid_tables(case: str, built: Built, grid: str) -> dict[str, pd.DataFrame]:
    """The tables of one grid, as if it were alone: names relative to it."""
    made = MODELS[built.scenarios[grid].model].tables_of(case, built.parts[grid])
    return {name: _local(table, grid) for name, table in made.items()}


def _local(table: pd.DataFrame, grid: str) -> pd.DataFrame:
    """A table with the names of the agents of a grid relative to it."""
    scope = f"{grid}/"

    def local(value: Any) -> Any:
        return value.removeprefix(scope) if isinstance(value, str) else value

    texts = [name for name in table.columns if table[name].dtype == object]
    return table.assign(**{name: table[name].map(local) for name in texts})


def heads_table(built: Built) -> pd.DataFrame:
    """What passed each head, at which price, as told, planned and metered.

    Power and carbon are those of one grid; what stands above sees them times `replicas`.
    """
    parts = {name: part for name, part in built.parts.items() if operator_of(part) is not None}
    if not parts:
        return pd.DataFrame(columns=["grid", "above", "period", "time", *_HEAD])
    rows = [_head(part.grid, operator_of(part)) for part in parts.values()]
    series = {name: [row[name] for row in rows] for name in _HEAD}
    above = [part.grid.above.grid.name if part.grid.above else "" for part in parts.values()]
    table = tidy(built.world, {"grid": list(parts), "above": above}, series)
    return table.assign(replicas=table["replicas"].astype(int))


def operator_of(part: Any) -> Any:
    """Who operates a grid and pays at its head; None for a pool without an operator."""
    return part.dso if hasattr(part, "dso") else part.operator


_HEAD = (
    "replicas",
    "price_per_mwh",
    "export_price_per_mwh",
    "factor_told_tco2_per_mwh",
    "factor_metered_tco2_per_mwh",
    "p_forecast_mw",
    "p_plan_mw",
    "p_metered_mw",
    "carbon_t_per_h",
)


def _head(grid: Grid, operator: Any) -> dict[str, Array]:
    taken, carbon = grid.exchange_mw, grid.head_t_per_h
    days = range(operator.horizon.n_day)
    hold = operator.horizon.by_period
    return {
        "replicas": np.full(len(taken), float(grid.replicas)),
        "price_per_mwh": operator.terms_price_per_mwh,
        "export_price_per_mwh": operator.terms_export_per_mwh,
        "factor_told_tco2_per_mwh": operator.terms_factor_tco2_per_mwh,
        "factor_metered_tco2_per_mwh": np.divide(
            carbon, taken, out=np.full_like(taken, np.nan), where=np.abs(taken) > _A_WATT_MW
        ),
        "p_forecast_mw": hold(np.concatenate([operator.told_forecast_mw(day) for day in days])),
        "p_plan_mw": hold(np.concatenate([operator.head_plan_mw(day) for day in days])),
        "p_metered_mw": taken,
        "carbon_t_per_h": carbon,
    }
