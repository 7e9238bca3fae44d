"""Figures of what the factors of a study do: a map over two of them, bars of their indices."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from gridarium.experiments.figures.style import (
    BLACK,
    BLUE,
    GREY,
    PAGE_WIDTH,
    PALE,
    SHADE,
    SKY,
    cases_of,
    in_paper_style,
    short_names,
)
from gridarium.experiments.names.formatting import MONEY
from gridarium.experiments.sweeps.intervals import finite
from gridarium.experiments.sweeps.levels import axis_name, heat_table, level_name

_COLORS = "cividis"
_MOST_WRITTEN_CELLS = 80


@in_paper_style
def heat_figure(results: pd.DataFrame, x: str, y: str, metric: str, currency: str = MONEY) -> Figure:
    """Draw the mean of a metric over two factors, one panel per case with one scale of colours.

    Cells without a run are hatched; factors with many values are drawn in bins of equally many runs.
    """
    cases = cases_of(results)
    tables = {case: heat_table(results[results["case"] == case], x, y, metric) for case in cases}
    columns = min(max(len(cases), 1), 3)
    rows = math.ceil(max(len(cases), 1) / columns)
    figure = Figure(figsize=(PAGE_WIDTH if columns > 1 else 0.62 * PAGE_WIDTH, 2.35 * rows + 0.25))
    panels = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True)
    values = finite(np.concatenate([np.empty(0), *(table.to_numpy().ravel() for table in tables.values())]))
    low, high = (float(values.min()), float(values.max())) if len(values) else (0.0, 1.0)
    scale = ScalarMappable(Normalize(low, high), cmap=_COLORS)
    names = short_names(cases, columns) if cases else {}
    for axes, (case, table) in zip(panels.flat, tables.items(), strict=False):
        _heat_panel(axes, table, low, high)
        axes.set_title(names[case])
    for axes in panels.flat[len(cases) :]:
        axes.set_visible(False)
    figure.supxlabel(axis_name(x, currency), fontsize=8)
    figure.supylabel(axis_name(y, currency), fontsize=8)
    bar = figure.colorbar(scale, ax=panels, shrink=0.9, pad=0.02, label=axis_name(metric, currency))
    bar.outline.set_visible(False)
    return figure


def _heat_panel(axes: Axes, table: pd.DataFrame, low: float, high: float) -> None:
    axes.imshow(
        np.ma.masked_invalid(table.to_numpy()),
        origin="lower",
        aspect="auto",
        cmap=_COLORS,
        vmin=low,
        vmax=high,
        interpolation="nearest",
    )
    axes.patch.set(facecolor=SHADE, edgecolor=GREY, hatch="////")
    axes.grid(visible=False)
    _ticks(axes.xaxis, list(table.columns))
    _ticks(axes.yaxis, list(table.index))
    if table.size <= _MOST_WRITTEN_CELLS and len(table.columns) <= 6:
        digits = min(max(0, 1 - math.floor(math.log10((high - low) / 2.0))), 6) if high > low else 2
        for (row, column), value in np.ndenumerate(table.to_numpy()):
            if np.isfinite(value):
                color = "white" if value < low + 0.5 * (high - low) else BLACK
                axes.text(column, row, f"{value:,.{digits}f}", ha="center", va="center", color=color, size=6)


def _ticks(axis: Any, levels: Sequence[Any]) -> None:
    every = max(1, math.ceil(len(levels) / 8))
    shown = range(0, len(levels), every)
    axis.set_ticks(list(shown), [level_name(levels[place]) for place in shown])


@in_paper_style
def sensitivity_figure(sensitivity: pd.DataFrame, metric: str, currency: str = MONEY) -> Figure:
    """Draw Sobol or Morris indices of a metric as bars with intervals, the strongest factor on top.

    Parameters
    ----------
    sensitivity : DataFrame
        The table of this name in the statistics: case, metric, factor, other, index, value, low, high.
    metric : str
        Which one.
    currency : str
        Code of the currency.
    """
    rows = sensitivity[(sensitivity["metric"] == metric) & (sensitivity["other"] == "")]
    sobol = "total" in set(rows["index"])
    indices = ("total", "first order") if sobol else ("mean absolute effect", "deviation of effects")
    strength = rows[rows["index"] == indices[0]].groupby("factor", sort=False)["value"].max()
    order = list(strength.fillna(-np.inf).sort_values(kind="stable").index)
    cases = cases_of(rows)
    columns = min(max(len(cases), 1), 2)
    height = (0.3 * len(order) + 0.7) * math.ceil(max(len(cases), 1) / columns) + 0.3
    figure = Figure(figsize=(PAGE_WIDTH if columns > 1 else 0.65 * PAGE_WIDTH, height))
    panels = figure.subplots(
        math.ceil(max(len(cases), 1) / columns), columns, squeeze=False, sharex=True, sharey=True
    )
    names = short_names(cases, columns) if cases else {}
    for axes, case in zip(panels.flat, cases, strict=False):
        _index_bars(axes, rows[rows["case"] == case], order, indices)
        axes.set_title(names[case])
        axes.set_xlabel("share of the variance" if sobol else f"effect on {axis_name(metric, currency)}")
    for axes in panels.flat[len(cases) :]:
        axes.set_visible(False)
    handles, shown = panels[0, 0].get_legend_handles_labels()
    figure.legend(handles, shown, loc="outside upper center", ncols=2)
    return figure


def _index_bars(axes: Axes, rows: pd.DataFrame, order: list[str], indices: Sequence[str]) -> None:
    looks: tuple[Any, ...] = ({"color": BLUE}, {"facecolor": SKY, "edgecolor": "white", "hatch": "////"})
    for place, (index, look) in enumerate(zip(indices, looks, strict=True)):
        found = rows[rows["index"] == index].set_index("factor").reindex(order)
        value = found["value"].to_numpy(dtype=float)
        at = np.arange(len(order)) + 0.19 - 0.38 * place
        axes.barh(at, np.nan_to_num(value), 0.36, label=index, **look)
        bounds = found[["low", "high"]].to_numpy(dtype=float)
        known = np.isfinite(bounds).all(axis=1)
        errors = np.abs(bounds[known] - value[known, None]).T
        axes.errorbar(
            value[known], at[known], xerr=errors, fmt="none", ecolor=BLACK, capsize=2, linewidth=0.9
        )
        for missing in np.flatnonzero(~np.isfinite(value)):
            axes.annotate(" none", (0.0, at[missing]), va="center", color=GREY, size=6)
    axes.axvline(0.0, color=PALE, linewidth=0.8)
    axes.set_yticks(np.arange(len(order)), [axis_name(name) for name in order])
    axes.grid(visible=False, axis="y")
