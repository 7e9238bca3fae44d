"""Figures of a two-level factorial: effects in order, interactions as a matrix, all metrics at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from gridarium.experiments.figures.style import (
    BLACK,
    BLUE,
    GREEN,
    PAGE_WIDTH,
    VERMILLION,
    in_paper_style,
)
from gridarium.experiments.names.formatting import MONEY
from gridarium.experiments.sweeps.factorial import BETWEEN
from gridarium.experiments.sweeps.levels import axis_name

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

_COLORS = "PuOr"
"""Diverging, and apart for every eye: brown below zero, violet above."""

_MOST_EFFECTS = 15
_ORDERS = (("main effect", BLUE, "o"), ("of two", VERMILLION, "s"), ("of three and more", GREEN, "D"))
"""Effects by their order, with colour and marker."""

_LEAST_PERCENT = 5e-4
"""Below this a cell says 0."""


@in_paper_style
def factorial_figure(
    effects: pd.DataFrame, names: Sequence[str], metric: str, currency: str = MONEY
) -> Figure:
    """Draw the effects on a metric, the strongest on top, beside the matrix of interactions of two.

    All main effects are among those drawn; a mark is full where the interval does not hold 0.

    Parameters
    ----------
    effects : DataFrame
        The table `factorial` of the statistics, rows of one case: metric, order, factor, other, effect, low,
        high.
    names : sequence of str
        The factors, in the order of the matrix.
    metric : str
        Which one.
    currency : str
        Code of the currency.
    """
    rows = effects[effects["metric"] == metric]
    shown = _strongest(rows)
    height = max(0.17 * len(shown) + 0.75, 0.36 * len(names) + 1.0)
    figure = Figure(figsize=(PAGE_WIDTH, height))
    left, right = figure.subplots(1, 2, width_ratios=(1.15, 1.0))
    _dots(left, shown)
    left.set_xlabel(f"effect on {axis_name(metric, currency)}")
    marks = "; full: interval without 0" if rows["low"].notna().any() else ""
    left.set_title(f"{len(shown)} of {len(rows)} effects{marks}")
    _matrix(right, rows, names)
    figure.legend(*left.get_legend_handles_labels(), loc="outside upper left", ncols=3)
    return figure


def _strongest(rows: pd.DataFrame) -> pd.DataFrame:
    """All main effects and as many of the interactions as there is room for, the strongest last."""
    mains = rows["order"] == 1
    room = max(_MOST_EFFECTS - int(mains.sum()), 0)
    kept = mains | (~mains & ((~mains).cumsum() <= room))
    return rows[kept].iloc[::-1].reset_index(drop=True)


def _dots(axes: Axes, rows: pd.DataFrame) -> None:
    axes.axvline(0.0, color=BLACK, linewidth=0.6, zorder=1)
    clear = np.array([_is_clear(row) for row in rows.to_dict("records")], dtype=bool)
    for number, (label, color, marker) in enumerate(_ORDERS, start=1):
        own = (rows["order"].clip(upper=len(_ORDERS)) == number).to_numpy()
        if not own.any():
            continue
        values = rows[["effect", "low", "high"]].to_numpy(dtype=float)
        bounds = own & np.isfinite(values).all(axis=1)
        errors = np.abs(values[bounds, 1:] - values[bounds, :1]).T
        at = np.flatnonzero(bounds)
        axes.errorbar(values[bounds, 0], at, xerr=errors, fmt="none", ecolor=color, capsize=2, linewidth=0.9)
        for which, face in ((own & clear, color), (own & ~clear, "white")):
            look: dict[str, Any] = {"color": color, "markerfacecolor": face, "markersize": 4}
            axes.plot(values[which, 0], np.flatnonzero(which), marker, linestyle="none", **look)
        axes.plot([], [], marker, color=color, markersize=4, label=label)
    axes.set_yticks(range(len(rows)), [_name(row) for row in rows.to_dict("records")])
    axes.set_ylim(-0.6, len(rows) - 0.4)
    axes.locator_params(axis="x", nbins=5)


def _name(row: dict[Any, Any]) -> str:
    factors = [row["factor"], *(row["other"].split(BETWEEN) if row["other"] else ())]
    return " \u00d7 ".join(map(axis_name, factors))


def _matrix(axes: Axes, rows: pd.DataFrame, names: Sequence[str]) -> None:
    """Draw main effects on the diagonal and interactions below it, in percent of the mean."""
    place = {name: number for number, name in enumerate(names)}
    table = np.full((len(names), len(names)), np.nan)
    clear = np.zeros(table.shape, dtype=bool)
    for row in rows[rows["order"] <= 2].to_dict("records"):
        first, second = place[row["factor"]], place[row["other"] or row["factor"]]
        at = max(first, second), min(first, second)
        table[at] = np.nan if row["effect_percent"] is None else row["effect_percent"]
        clear[at] = _is_clear(row)
    _cells(axes, table, clear, np.abs(table).max(initial=0.0, where=np.isfinite(table), keepdims=True))
    words = [axis_name(name) for name in names]
    axes.set_xticks(range(len(names)), words, rotation=25, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(len(names)), words)
    axes.set_title(f"% of the mean; {_about_intervals(rows)}")


def _about_intervals(rows: pd.DataFrame) -> str:
    return "bold: without 0" if rows["low"].notna().any() else "no intervals"


def _is_clear(row: dict[Any, Any]) -> bool:
    low, high = row["low"], row["high"]
    known = low is not None and high is not None and np.isfinite([low, high]).all()
    return bool(known and low * high > 0.0)


def _cells(axes: Axes, table: Floats, clear: Bools, most: Floats) -> None:
    """Write a number into each cell and colour it, zero in the middle of a scale that ends at `most`."""
    share = table / np.where(most > 0.0, most, 1.0)
    axes.imshow(np.ma.masked_invalid(share), aspect="auto", cmap=_COLORS, vmin=-1.25, vmax=1.25)
    for row, column in np.argwhere(np.isfinite(table)):
        value = float(table[row, column])
        color = "white" if abs(share[row, column]) > 0.75 else BLACK
        weight = "bold" if clear[row, column] else "normal"
        look: dict[str, Any] = {"ha": "center", "va": "center", "size": 6, "color": color, "weight": weight}
        axes.text(column, row, _percent(value), **look)
    axes.grid(visible=False)
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)


def _percent(value: float) -> str:
    if abs(value) < _LEAST_PERCENT:
        return "0"
    digits = 1 if abs(value) >= 10.0 else 2 if abs(value) >= 0.1 else 3
    return f"{value:+.{digits}f}".replace("-", "\u2212")


@in_paper_style
def overview_figure(
    effects: pd.DataFrame, names: Sequence[str], metrics: Sequence[str], currency: str = MONEY
) -> Figure:
    """Draw the effects on all metrics in percent of their means: a row each, main effects first.

    Parameters
    ----------
    effects, names, currency
        As in `factorial_figure`.
    metrics : sequence of str
        Rows, in this order.
    """
    terms = [(name, "") for name in names]
    terms += [(one, other) for place, one in enumerate(names) for other in names[place + 1 :]]
    found = {(row["metric"], row["factor"], row["other"]): row for row in effects.to_dict("records")}
    table = np.full((len(metrics), len(terms)), np.nan)
    clear = np.zeros(table.shape, dtype=bool)
    for i, metric in enumerate(metrics):
        for j, (one, other) in enumerate(terms):
            row = found[metric, one, other]
            table[i, j] = np.nan if row["effect_percent"] is None else row["effect_percent"]
            clear[i, j] = _is_clear(row)
    figure = Figure(figsize=(PAGE_WIDTH, 0.24 * len(metrics) + 1.5))
    axes = figure.subplots()
    # Rows differ by orders of magnitude: colours compare the effects on one metric with each other.
    _cells(axes, table, clear, np.abs(table).max(1, initial=0.0, where=np.isfinite(table), keepdims=True))
    axes.axvline(len(names) - 0.5, color=BLACK, linewidth=0.8)
    axes.set_xticks(
        range(len(terms)),
        [_name({"factor": one, "other": other}) for one, other in terms],
        rotation=35,
        ha="right",
        rotation_mode="anchor",
    )
    axes.set_yticks(range(len(metrics)), [axis_name(metric, currency) for metric in metrics])
    axes.set_title(f"effects, % of the mean; {_about_intervals(effects)}; colours by row")
    return figure
