"""Values of a study's results at the levels of a factor, ready to be drawn."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from gridarium.experiments.names.formatting import MONEY, split_unit
from gridarium.experiments.sweeps.intervals import finite, mean, t_interval

_MOST_LEVELS = 25
_BINS, _HEAT_BINS = 12, 10


def is_numeric(levels: pd.Series[Any]) -> bool:
    """Whether levels are numbers, which have distances, and not names or flags."""
    return pd.api.types.is_numeric_dtype(levels) and not pd.api.types.is_bool_dtype(levels)


def levels_of(rows: pd.DataFrame, factor: str, bins: int = _BINS) -> pd.Series[Any]:
    """Return the level of a factor in each row.

    A number that takes more than 25 values is put into bins of equally many values; the level is then
    the mean of the bin.
    """
    values = rows[factor]
    if not is_numeric(values) or values.nunique() <= _MOST_LEVELS:
        return values
    parts = pd.qcut(values, bins, labels=False, duplicates="drop")
    return values.groupby(parts).transform("mean")


def level_samples(rows: pd.DataFrame, factor: str | None, metric: str, unit: str) -> pd.DataFrame:
    """Return the independent values of a metric at each level of a factor.

    Parameters
    ----------
    rows : DataFrame
        Results of one line of a figure.
    factor : str or None
        None takes all rows as one level.
    metric : str
        Column to average.
    unit : {"replication", "point"}
        What is independent; the rest is averaged over.

    Returns
    -------
    DataFrame
        One row per unit, one column per level, both sorted. nan where a unit has no row at a level,
        or lacks one of its values.
    """
    # Sums depend on the order of their terms in the last bits: the same rows give the same figure.
    rows = rows.sort_values(["point", "replication"], kind="stable")
    level = pd.Series(0, index=rows.index) if factor is None else levels_of(rows, factor)
    values = rows[metric].astype(float).replace([np.inf, -np.inf], np.nan)
    table = pd.DataFrame({"level": level, "unit": rows[unit], "value": values})
    cells = table.groupby(["unit", "level"])["value"]
    return cells.mean().where(cells.count() == cells.size()).unstack().sort_index(axis=0).sort_index(axis=1)


def level_means(
    rows: pd.DataFrame, factor: str, metric: str, unit: str, *, change: bool = False
) -> pd.DataFrame:
    """Return mean and t interval of a metric at each level of a factor.

    Parameters
    ----------
    rows, factor, metric, unit
        As in `level_samples`.
    change : bool
        Take the difference to the lowest level of the same unit.

    Returns
    -------
    DataFrame
        Columns level, mean, low, high; where there is no interval its bounds are nan.
    """
    samples = level_samples(rows, factor, metric, unit)
    scale = float(np.abs(finite(samples)).max(initial=0.0))
    if change:
        samples = samples.sub(samples.iloc[:, 0], axis=0)
    records = []
    for level, values in samples.items():
        interval = t_interval(values, scale=scale)
        records.append((level, mean(values), interval.low, interval.high))
    return pd.DataFrame(records, columns=["level", "mean", "low", "high"])


def heat_table(rows: pd.DataFrame, x: str, y: str, metric: str) -> pd.DataFrame:
    """Return the mean of a metric at the levels of two factors, y by x, nan where there is no value."""
    rows = rows.sort_values(["point", "replication"], kind="stable")
    table = pd.DataFrame(
        {
            "x": levels_of(rows, x, _HEAT_BINS),
            "y": levels_of(rows, y, _HEAT_BINS),
            "value": rows[metric].astype(float).replace([np.inf, -np.inf], np.nan),
        }
    )
    return table.groupby(["y", "x"])["value"].mean().unstack().sort_index(axis=0).sort_index(axis=1)


def axis_name(column: str, currency: str = MONEY, words: str | None = None) -> str:
    """Return the name of a column in words, its own by default, with its unit, for an axis."""
    own, unit = split_unit(column, currency)
    name = own if words is None else words
    return (f"{name} ({unit})" if unit else name).replace("CO2", "CO₂")


def level_name(level: Any) -> str:
    """Return a level of a factor as it is written beside an axis."""
    return f"{level:.3g}" if isinstance(level, float | int | np.number) else str(level)
