"""Figures of a study, drawn from its table of results and its statistics alone."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, NullFormatter

from gridarium.experiments.figures.style import (
    BLACK,
    LOOKS,
    PAGE_WIDTH,
    Look,
    in_paper_style,
    panels_of,
    short_names,
    side_by_side,
)
from gridarium.experiments.names.formatting import MONEY
from gridarium.experiments.sweeps.intervals import convergence_of_mean, finite
from gridarium.experiments.sweeps.levels import axis_name, is_numeric, level_means, level_name, level_samples

_BAND = 0.22
_ROW_HEIGHT = 1.75
_LETTERS_OF_AXIS = 24

PRICE_METRICS = {
    "efficiency_loss_percent": "efficiency loss",
    "emission_tco2": "emission",
    "dso_net_revenue_money": "DSO net revenue",
    "user_cost_money": "consumer bills",
}
"""The four metrics of the price of bounded rationality, with their names in words."""
PRICE_METRICS_OF_TIES = {
    "efficiency_loss_percent": "efficiency loss",
    "emission_tco2": "emission",
    "ties_cost_money": "cost of the TIES",
    "regions_cost_money": "cost of regional systems",
}
"""The same for regional systems under a TIES; names within their grid."""


@in_paper_style
def mean_figure(
    results: pd.DataFrame,
    factor: str,
    metrics: Sequence[str],
    unit: str = "replication",
    currency: str = MONEY,
) -> Figure:
    """Draw means with their t intervals against a factor, one line per case.

    Parameters
    ----------
    results : DataFrame
        One row per run and case: point, replication, case, factors, metrics.
    factor : str
        Column of the horizontal axis; a factor with many values is drawn in bins of equally many runs.
    metrics : sequence of str
        One panel each.
    unit : {"replication", "point"}
        What is independent and makes the interval.
    currency : str
        Code of the currency.
    """
    names = {metric: axis_name(metric, currency) for metric in metrics}
    return _against(results, factor, names, "case", unit, currency)


@in_paper_style
def bounded_rationality_figure(
    results: pd.DataFrame,
    share: str,
    metrics: Mapping[str, str] | None = None,
    *,
    by: str = "case",
    change: bool = False,
    unit: str = "replication",
    currency: str = MONEY,
) -> Figure:
    """Draw what bounded rationality costs: four metrics against the share of boundedly rational agents.

    Parameters
    ----------
    results : DataFrame
        One row per run and case: point, replication, case, factors, metrics.
    share : str
        Factor with the share of boundedly rational agents, in [0, 1].
    metrics : mapping of str to str, optional
        Columns and their names in words; `PRICE_METRICS` by default.
    by : str
        Column whose values make the lines: the case, or a factor such as the degree.
    change : bool
        Draw the change since the lowest share on the same draws, whose interval is that of pairs.
    unit : {"replication", "point"}
        What is independent and makes the interval.
    currency : str
        Code of the currency.
    """
    shown = PRICE_METRICS if metrics is None else metrics
    names = {metric: axis_name(metric, currency, words) for metric, words in shown.items()}
    figure = _against(results, share, names, by, unit, currency, change=change)
    if change:
        for axes in figure.axes:
            axes.axhline(0.0, color=BLACK, linewidth=0.6, zorder=1)
    return figure


def _against(
    results: pd.DataFrame,
    factor: str,
    metrics: Mapping[str, str],
    by: str,
    unit: str,
    currency: str,
    *,
    change: bool = False,
) -> Figure:
    figure, panels = _panels(results, by, metrics)
    for (metric, group), axes in panels.items():
        for place, (line, look) in enumerate(zip(group, LOOKS, strict=False)):
            rows = results[results[by] == line]
            means = level_means(rows, factor, metric, unit, change=change)
            _line_with_interval(axes, means, look, place - (len(group) - 1) / 2)
        axes.set_xlabel(axis_name(factor, currency))
        axes.set_ylabel(_wrapped(f"change of {metrics[metric]}" if change else metrics[metric]))
    _common_legend(figure, panels, by, currency)
    return figure


def _line_with_interval(axes: Axes, means: pd.DataFrame, look: Look, offset: float) -> None:
    """Draw a line with a band over numbers, and points with bars, side by side, over names."""
    if is_numeric(means["level"]):
        at = means["level"].to_numpy(dtype=float)
        axes.fill_between(at, means["low"], means["high"], color=look.color, alpha=_BAND, linewidth=0)
        axes.plot(at, means["mean"], marker=look.marker if len(at) <= 25 else None, **look.line)
        return
    at = np.arange(len(means)) + 0.12 * offset
    errors = [means["mean"] - means["low"], means["high"] - means["mean"]]
    axes.errorbar(at, means["mean"], errors, fmt=look.marker, color=look.color, capsize=2.5, linewidth=1.0)
    axes.set_xticks(np.arange(len(means)), [str(level) for level in means["level"]])
    axes.set_xlim(-0.5, len(means) - 0.5)
    axes.grid(visible=False, axis="x")


@in_paper_style
def convergence_figure(
    results: pd.DataFrame, metrics: Sequence[str], unit: str = "replication", currency: str = MONEY
) -> Figure:
    """Draw how the mean of each case settles, with its interval, as values come in; arguments as above."""
    figure, panels = _panels(results, "case", metrics)
    for (metric, group), axes in panels.items():
        tables = [convergence_of_mean([])]
        for case, look in zip(group, LOOKS, strict=False):
            values = level_samples(results[results["case"] == case], None, metric, unit).to_numpy()
            running = convergence_of_mean(values)
            bounds = running["low"], running["high"]
            axes.fill_between(running["n"], *bounds, color=look.color, alpha=_BAND, linewidth=0)
            axes.plot(running["n"], running["mean"], **look.line)
            tables.append(running)
        _settle(axes, *tables)
        axes.set_xlabel(f"{unit}s")
        axes.set_ylabel(_wrapped(f"mean {axis_name(metric, currency)}"))
    _common_legend(figure, panels, "case", currency)
    return figure


def _settle(axes: Axes, *tables: pd.DataFrame) -> None:
    """Show the counts on a logarithmic axis, and cut off the huge intervals of the first few values."""
    counts, means, lows, highs = np.concatenate([table.to_numpy(dtype=float) for table in tables]).T
    count = int(counts.max(initial=1))
    axes.set_xscale("log")
    axes.set_xlim(1, max(count, 2))
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if count <= 1000 else (1,)))
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    axes.xaxis.set_minor_formatter(NullFormatter())
    settled = counts >= min(max(count // 20, 3), count)
    seen = finite(np.concatenate([lows[settled], highs[settled], means]))
    if len(seen) and np.ptp(seen) > 0.0:
        margin = 0.05 * float(np.ptp(seen))
        axes.set_ylim(float(seen.min()) - margin, float(seen.max()) + margin)


def _panels(
    results: pd.DataFrame, by: str, metrics: Iterable[str]
) -> tuple[Figure, dict[tuple[str, tuple[Any, ...]], Axes]]:
    """Return panels by metric and group of at most four lines: metrics side by side, or groups if several."""
    lines = list(results[by].drop_duplicates())
    if by != "case":
        lines = sorted(lines)
    groups = [
        tuple(lines[int(place)] for place in group)
        for group in (panels_of([str(place) for place in range(len(lines))]) if lines else [[]])
    ]
    keys = [(metric, group) for metric in metrics for group in groups]
    columns = len(groups) if len(groups) > 1 else min(2, len(keys))
    rows = math.ceil(len(keys) / columns)
    figure = Figure(figsize=(PAGE_WIDTH if columns > 1 else 0.6 * PAGE_WIDTH, _ROW_HEIGHT * rows + 0.35))
    axes = figure.subplots(rows, columns, squeeze=False, sharey="row" if len(groups) > 1 else False)
    for unused in axes.flat[len(keys) :]:
        unused.set_visible(False)
    for panel in axes.flat:
        panel.ticklabel_format(useOffset=False)
    figure.align_ylabels(axes)
    return figure, dict(zip(keys, axes.flat, strict=False))


def _common_legend(
    figure: Figure, panels: Mapping[tuple[str, tuple[Any, ...]], Axes], by: str, currency: str
) -> None:
    """Name the lines above the panels: once for all, or per column if columns hold different lines."""
    groups = list(dict.fromkeys(group for _, group in panels))
    lines = [line for group in groups for line in group]
    if by == "case":
        names = short_names(lines, max(len(groups), 2)) if lines else {}
    else:
        names = {line: f"{axis_name(by, currency)} {level_name(line)}" for line in lines}
    for group, top in zip(groups, panels.values(), strict=False):
        handles = [
            Line2D([], [], marker=look.marker, label=names[line], **look.line)
            for line, look in zip(group, LOOKS, strict=False)
        ]
        fitting = side_by_side(list(names.values()), figure.get_figwidth() / len(groups))
        if len(groups) == 1:
            figure.legend(handles=handles, loc="outside upper center", ncols=fitting)
        else:
            top.legend(handles=handles, loc="lower left", bbox_to_anchor=(0.0, 1.03), ncols=fitting)


def _wrapped(name: str) -> str:
    return "\n".join(textwrap.wrap(name, _LETTERS_OF_AXIS))
