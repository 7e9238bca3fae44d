"""From rows that agents tell to tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from gridarium.agents.rows import Rows
from gridarium.environment.commons import Commons

Column = NDArray[Any] | pd.DatetimeIndex


@dataclass(frozen=True)
class Part:
    """Rows of one table that follow each other; columns of one length."""

    columns: Mapping[str, Column]
    length: int


def part_of(world: Commons, first: Mapping[str, str], rows: Rows) -> Part:
    """Rows with what identifies them in front.

    Parameters
    ----------
    world : Commons
    first : mapping of str to str
        Columns that come first, such as grid and agent.
    rows : Rows
        By period or by row.
    """
    values = {name: _column(value) for name, value in rows.values.items()}
    if rows.by == "period":
        length = world.n_period
        values = {"period": np.arange(length), "time": world.times, **values}
    else:
        length = max((len(value) for value in values.values() if value.ndim), default=1)
    columns = {name: _column(text) for name, text in first.items()} | values
    return Part({name: _of_length(value, length) for name, value in columns.items()}, length)


def table_of(parts: Sequence[Part]) -> pd.DataFrame:
    """One table of all parts; what a part does not tell is nan, or no text."""
    names = dict.fromkeys(name for part in parts for name in part.columns)
    return pd.DataFrame({name: _joined(name, parts) for name in names})


def _column(value: ArrayLike) -> Column:
    if isinstance(value, pd.DatetimeIndex):
        return value
    array = np.asarray(value)
    return array.astype(object) if array.dtype.kind == "U" else array


def _of_length(value: Column, length: int) -> Column:
    return value if isinstance(value, pd.DatetimeIndex) else np.broadcast_to(value, (length,))


def _joined(name: str, parts: Sequence[Part]) -> Column:
    told = next(part.columns[name] for part in parts if name in part.columns)
    found = [part.columns.get(name, _untold(told, part.length)) for part in parts]
    if isinstance(told, pd.DatetimeIndex):
        return pd.DatetimeIndex(told[:0].append([pd.DatetimeIndex(each) for each in found]))
    return np.concatenate(found)


def _untold(like: Column, length: int) -> Column:
    """What stands where nothing was told, in a column of this kind."""
    if isinstance(like, pd.DatetimeIndex):
        return pd.DatetimeIndex([pd.NaT] * length, tz=like.tz)
    return np.full(length, None) if like.dtype == object else np.full(length, np.nan)
