"""Tidy tables: one row for each thing and period."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from gridarium.environment.arrays import Array
from gridarium.environment.grids import Grid
from gridarium.environment.world import World

BuiltT = TypeVar("BuiltT")


def periods(world: World) -> pd.DataFrame:
    """One row for each period: its number, and when it starts."""
    return pd.DataFrame({"period": np.arange(world.n_period), "time": world.times})


def tidy(world: World, items: Mapping[str, Sequence[str]], series: Mapping[str, ArrayLike]) -> pd.DataFrame:
    """One row for each item and period.

    Parameters
    ----------
    world : World
    items : mapping
        Columns that name the items, such as unit and kind.
    series : mapping
        Columns of values, of shape (n_item, n_period) or one that fits it.
    """
    count, n_period = len(next(iter(items.values()))), world.n_period
    period = np.tile(np.arange(n_period), count)
    columns: dict[str, Any] = {
        name: np.repeat(np.array(values, dtype=object), n_period) for name, values in items.items()
    }
    columns |= {"period": period, "time": world.times.take(period)}
    columns |= {
        name: np.broadcast_to(np.asarray(values), (count, n_period)).ravel()
        for name, values in series.items()
    }
    return pd.DataFrame(columns)


def below_mw(grid: Grid) -> list[tuple[Grid, Array]]:
    """Grids that hang on one, and what each takes with all its replicas, MW, shape (n_period,)."""
    hung = [one for one in grid.world.grids if one.above is not None and one.above.grid is grid]
    return [(one, one.exchange_mw * one.replicas) for one in hung]


def ledger_of(grid: Grid) -> pd.DataFrame:
    """Payments to or by the agents of a grid, as in the table of the ledger."""
    table = grid.world.ledger.table()
    if not grid.name:
        return table
    scope = f"{grid.name}/"
    mine = table["account"].str.startswith(scope) | table["counterparty"].str.startswith(scope)
    return table[mine].reset_index(drop=True)


def made_tables(
    case: str, built: BuiltT, names: Sequence[str], makers: Mapping[str, Callable[[BuiltT], pd.DataFrame]]
) -> dict[str, pd.DataFrame]:
    """The named tables of a case, each with a first column `case`."""
    tables = {}
    for name in names:
        table = makers[name](built)
        table.insert(0, "case", case)
        tables[name] = table
    return tables
