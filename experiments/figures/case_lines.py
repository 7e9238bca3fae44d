"""Panels with one line for each case: what most figures of a run consist of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gridarium.experiments.figures.style import (
    BLACK,
    SHADE,
    Floats,
    Hours,
    Look,
    cases_of,
    legend_above,
    looks_of,
    panels_of,
    shared_panels,
    short_names,
    time_axis,
)

DrawRow = Callable[[Axes, pd.DataFrame, Hours, Look, str], None]
"""Draws one case in a panel: its rows, its time axis, its look and its name."""


def lines_by_case(
    table: pd.DataFrame,
    rows: Mapping[str, DrawRow],
    height: float,
    ratios: tuple[float, ...],
) -> tuple[Figure, Any]:
    """Draw one row of panels per quantity, and one column per group of cases."""
    groups = panels_of(cases_of(table))
    names = short_names(cases_of(table), len(groups))
    figure, panels = shared_panels(len(rows), len(groups), height, ratios)
    for column, group in enumerate(groups):
        for case, look in zip(group, looks_of(group), strict=False):
            rows_of_case = table[table["case"] == case].sort_values("period", kind="stable")
            hours = Hours.of(rows_of_case)
            for axes, draw in zip(panels[:, column], rows.values(), strict=True):
                draw(axes, rows_of_case, hours, look, names[case])
                time_axis(axes, hours)
        legend_above(panels[0, column], len(groups))
        panels[-1, column].set_xlabel("time (h)")
    for axes, name in zip(panels[:, 0], rows, strict=True):
        axes.set_ylabel(name)
    figure.align_ylabels(panels[:, 0])
    return figure, panels


def start_at_zero(axes: Axes) -> None:
    """Let the axis of values start at zero if none is below, whatever is drawn later."""
    zero = axes.axhline(0.0, linewidth=0.0)
    zero.sticky_edges.y.append(0.0)


def draw_steps(axes: Axes, values: Floats, hours: Hours, look: Look, name: str | None = None) -> None:
    """Draw values that hold for a period each."""
    axes.stairs(values, hours.edges, baseline=None, label=name, **look.line)


def draw_reference(axes: Axes, values: Floats, hours: Hours, name: str) -> None:
    """Shade what the cases are compared with; of several in a panel the first is named."""
    named = name in axes.get_legend_handles_labels()[1]
    axes.stairs(values, hours.edges, fill=True, color=SHADE, zorder=0.5, label=None if named else name)


def draw_power(column: str) -> DrawRow:
    """Return what draws a column that holds for a period each, with a line at zero and no margin below it."""

    def draw(axes: Axes, rows: pd.DataFrame, hours: Hours, look: Look, name: str) -> None:
        draw_steps(axes, rows[column].to_numpy(dtype=float), hours, look, name)
        axes.axhline(0.0, color=BLACK, linewidth=0.6)
        start_at_zero(axes)

    return draw


def draw_level(column: str, from_zero: bool = False) -> DrawRow:
    """Return what draws a column of contents at the ends of periods."""

    def draw(axes: Axes, rows: pd.DataFrame, hours: Hours, look: Look, name: str) -> None:
        axes.plot(hours.ends, rows[column].to_numpy(dtype=float), label=name, **look.line)
        if from_zero:
            start_at_zero(axes)

    return draw
