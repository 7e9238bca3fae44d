"""Figures of paired differences: levels beside a first one, a grid of two factors, cases of random days."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gridarium.experiments.figures.style import (
    BLACK,
    BLUE,
    GREY,
    LOOKS,
    PAGE_WIDTH,
    SKY,
    VERMILLION,
    in_paper_style,
    side_by_side,
)
from gridarium.experiments.names.formatting import MONEY
from gridarium.experiments.sweeps.intervals import finite
from gridarium.experiments.sweeps.levels import axis_name, level_name

_PANELS = 3
_BINS = 24
_LETTERS = 26


@in_paper_style
def levels_figure(effects: pd.DataFrame, metrics: Sequence[str], currency: str = MONEY) -> Figure:
    """Draw what each named level of a factor changes against the first one: a row a level, a panel a metric.

    Parameters
    ----------
    effects : DataFrame
        Rows of the table `effects` of the statistics, of one case and one factor: value, against, metric,
        mean_difference, low, high.
    metrics : sequence of str
        Panels, at most six.
    currency : str
        Code of the currency.
    """
    levels = list(dict.fromkeys(effects["value"]))
    rows = math.ceil(len(metrics) / _PANELS)
    figure = Figure(figsize=(PAGE_WIDTH, rows * (0.17 * len(levels) + 0.75)))
    panels = figure.subplots(rows, min(_PANELS, len(metrics)), squeeze=False, sharey=True)
    for metric, axes in zip(metrics, panels.flat, strict=False):
        own = effects[effects["metric"] == metric].set_index("value").reindex(levels)
        _intervals(axes, own[["mean_difference", "low", "high"]].to_numpy(dtype=float))
        axes.set_xlabel(_wrapped(f"change of {axis_name(metric, currency)}"))
        axes.set_yticks(range(len(levels)), [axis_name(str(level).replace("-", " ")) for level in levels])
        axes.set_ylim(len(levels) - 0.4, -0.6)
        axes.locator_params(axis="x", nbins=5)
    for unused in list(panels.flat)[len(metrics) :]:
        unused.set_visible(False)
    return figure


def _intervals(axes: Axes, values: np.ndarray[Any, np.dtype[np.float64]]) -> None:
    """A dot and a bar for each row; full and dark where the interval does not hold 0."""
    axes.axvline(0.0, color=BLACK, linewidth=0.6, zorder=1)
    at = np.arange(len(values))
    bounds = np.isfinite(values).all(axis=1)
    clear = bounds & (np.nan_to_num(values[:, 1] * values[:, 2]) > 0.0)
    for own, color, face in ((clear, BLUE, BLUE), (~clear, GREY, "white")):
        drawn = own & bounds
        errors = np.abs(values[drawn, 1:] - values[drawn, :1]).T
        look: dict[str, Any] = {"fmt": "none", "ecolor": color, "capsize": 2, "linewidth": 0.9}
        axes.errorbar(values[drawn, 0], at[drawn], xerr=errors, **look)
        axes.plot(values[own, 0], at[own], "o", color=color, markerfacecolor=face, markersize=4)


@in_paper_style
def change_figure(
    changes: pd.DataFrame, x: str, by: str, metrics: Sequence[str], currency: str = MONEY
) -> Figure:
    """Draw what a grid of two factors changes against its first point, on the same draws.

    Parameters
    ----------
    changes : DataFrame
        The table `changes` of the statistics, rows of one case: factors, metric, mean_difference, low, high.
    x, by : str
        The factor of the axis, and the one that makes the lines, of at most four values.
    metrics : sequence of str
        Panels, at most six.
    currency : str
        Code of the currency.
    """
    lines, places = sorted(changes[by].unique()), sorted(changes[x].unique())
    rows = math.ceil(len(metrics) / _PANELS)
    figure = Figure(figsize=(PAGE_WIDTH, 1.75 * rows + 0.3))
    panels = figure.subplots(rows, min(_PANELS, len(metrics)), squeeze=False)
    for metric, axes in zip(metrics, panels.flat, strict=False):
        own = changes[changes["metric"] == metric]
        axes.axhline(0.0, color=BLACK, linewidth=0.6, zorder=1)
        for number, (line, look) in enumerate(zip(lines, LOOKS, strict=False)):
            at = own[own[by] == line].set_index(x).reindex(places)
            values = at[["mean_difference", "low", "high"]].to_numpy(dtype=float)
            # What nothing is compared with has changed by nothing.
            first = np.flatnonzero(~np.isin(places, own.loc[own[by] == line, x]))
            values[first] = 0.0
            shifted = np.arange(len(places)) + 0.1 * (number - (len(lines) - 1) / 2)
            errors = np.nan_to_num(np.abs(values[:, 1:] - values[:, :1])).T
            axes.errorbar(
                shifted, values[:, 0], errors, fmt="none", ecolor=look.color, capsize=2, linewidth=0.8
            )
            label = f"{axis_name(by, currency)} {level_name(line)}"
            axes.plot(shifted, values[:, 0], marker=look.marker, label=label, **look.line)
        axes.set_xticks(range(len(places)), [level_name(place) for place in places])
        axes.set_xlabel(axis_name(x, currency))
        axes.set_ylabel(_wrapped(f"change of {axis_name(metric, currency)}"))
    for unused in list(panels.flat)[len(metrics) :]:
        unused.set_visible(False)
    handles, labels = panels[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper left", ncols=side_by_side(labels, PAGE_WIDTH))
    figure.align_ylabels(panels)
    return figure


@in_paper_style
def distribution_figure(
    samples: dict[str, pd.DataFrame], metrics: Sequence[str], currency: str = MONEY
) -> Figure:
    """Draw how metrics are spread over random draws, and beside it the difference of two cases draw by draw.

    Parameters
    ----------
    samples : dict of str to DataFrame
        Independent values of each case, one row a draw, one column a metric; of more than two cases the first
        two are compared.
    metrics : sequence of str
        A row each.
    currency : str
        Code of the currency.
    """
    cases = list(samples)
    columns = 2 if len(cases) > 1 else 1
    figure = Figure(figsize=(PAGE_WIDTH if columns > 1 else 0.6 * PAGE_WIDTH, 1.55 * len(metrics) + 0.3))
    panels = figure.subplots(len(metrics), columns, squeeze=False)
    for metric, axes in zip(metrics, panels, strict=True):
        name = axis_name(metric, currency)
        values = [finite(samples[case][metric]) for case in cases]
        edges = np.histogram_bin_edges(np.concatenate(values), _BINS)
        for case, one, look in zip(cases, values, LOOKS, strict=False):
            axes[0].hist(one, edges, histtype="step", color=look.color, linestyle=look.dashes, label=case)
            axes[0].axvline(float(one.mean()), color=look.color, linewidth=0.8, linestyle=look.dashes)
        axes[0].set_xlabel(_wrapped(name))
        axes[0].set_ylabel("draws")
        if columns > 1:
            first, second = (samples[case][metric] for case in cases[:2])
            _difference(axes[1], finite(first - second), f"{cases[0]} less {cases[1]}: {name}")
    handles, labels = panels[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper left", ncols=len(labels))
    return figure


def _difference(axes: Axes, values: np.ndarray[Any, np.dtype[np.float64]], name: str) -> None:
    """Histogram of paired differences with their median and the range of nine tenths."""
    axes.hist(values, _BINS, color=SKY, edgecolor="white", linewidth=0.3)
    axes.axvline(0.0, color=BLACK, linewidth=0.6)
    low, middle, high = np.quantile(values, (0.05, 0.5, 0.95))
    top = axes.get_ylim()[1]
    axes.plot([low, high], [1.04 * top] * 2, "|-", color=VERMILLION, linewidth=1.2)
    axes.plot([middle], [1.04 * top], "o", color=VERMILLION, markersize=4)
    axes.set_xlabel(_wrapped(name, 2 * _LETTERS))
    axes.set_ylabel("draws")


def _wrapped(name: str, letters: int = _LETTERS) -> str:
    return "\n".join(textwrap.wrap(name, letters))
