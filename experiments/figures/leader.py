"""Profit of leaders against the rounds of their negotiation."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from gridarium.experiments.figures.style import (
    LOOKS,
    PAGE_WIDTH,
    PALE,
    Look,
    in_paper_style,
    panels_of,
    shared_panels,
    short_names,
    side_by_side,
)
from gridarium.experiments.names.formatting import MONEY

BOUND = "proven bound"
_BOUND_LOOK: dict[str, Any] = {"color": PALE, "linewidth": 3.8, "solid_capstyle": "butt", "zorder": 1.5}
_THOUSAND = 1e3
_MARGIN = 0.06
_LOWEST = 2.0
"""How far below the range of the lines a single price is still shown, in widths of that range."""


@in_paper_style
def leader_figure(rounds: pd.DataFrame, by: str = "leader", currency: str = MONEY) -> Figure:
    """Draw profits against rounds: each posted price a mark, the best so far a line, the bound another.

    Parameters
    ----------
    rounds : DataFrame
        `leader` or another column named by `by`, `round`, `profit_money` (nan where there is none),
        `best_so_far_money`, and, where one is known, `bound_money`.
    by : str
        Column whose values make the lines.
    currency : str
        Code of the currency.
    """
    names = [str(name) for name in rounds[by].drop_duplicates()]
    groups = panels_of(names)
    shown = short_names(names, len(groups))
    figure, panels = shared_panels(1, len(groups), height=2.7, ratios=(1.0,))
    for axes, group in zip(panels[0], groups, strict=True):
        rows = rounds[rounds[by].isin(group)]
        # A leader that has found its price keeps it: its line goes on to the end of the longest search.
        for name, look in zip(group, LOOKS, strict=False):
            _line(axes, rows[rows[by] == name], int(rounds["round"].max()), look)
        _bound(axes, rows)
        axes.set_xlabel("round")
        axes.xaxis.get_major_locator().set_params(integer=True)
        _legend(axes, {shown[name]: look for name, look in zip(group, LOOKS, strict=False)}, len(groups))
    _limit(panels[0, 0], rounds)
    panels[0, 0].set_ylabel(f"profit of a day (thousand {currency})")
    return figure


def _line(axes: Axes, rows: pd.DataFrame, end: int, look: Look) -> None:
    at, best = rows["round"].to_numpy(dtype=float), rows["best_so_far_money"].to_numpy(dtype=float)
    axes.step(np.append(at, end + 0.5), np.append(best, best[-1]) / _THOUSAND, where="post", **look.line)
    axes.plot(at, rows["profit_money"] / _THOUSAND, look.marker, color=look.color, markersize=4.5)


def _bound(axes: Axes, rows: pd.DataFrame) -> None:
    if "bound_money" in rows:
        for bound in rows["bound_money"].dropna().unique():
            axes.axhline(bound / _THOUSAND, **_BOUND_LOOK)


def _legend(axes: Axes, looks: dict[str, Look], columns: int) -> None:
    handles = [Line2D([], [], marker=look.marker, label=name, **look.line) for name, look in looks.items()]
    if len(axes.lines) > 2 * len(looks):
        handles.append(Line2D([], [], label=BOUND, **_BOUND_LOOK))
    fitting = side_by_side([str(handle.get_label()) for handle in handles], PAGE_WIDTH / columns)
    axes.legend(handles=handles, loc="lower left", bbox_to_anchor=(0.0, 1.03), ncols=fitting)


def _limit(axes: Axes, rounds: pd.DataFrame) -> None:
    """Show all lines; prices far below them, such as probes, are left out rather than squeeze the rest."""
    columns = [name for name in ("best_so_far_money", "bound_money") if name in rounds]
    lines = rounds[columns].to_numpy(dtype=float) / _THOUSAND
    if not np.isfinite(lines).any():
        return
    low, high = float(np.nanmin(lines)), float(np.nanmax(lines))
    width = max(high - low, 1e-3 * abs(high), 1e-6)
    posted = rounds["profit_money"].to_numpy(dtype=float) / _THOUSAND
    seen = posted[posted >= low - _LOWEST * width]
    low = min([low, *seen])
    axes.set_xlim(0.5, float(rounds["round"].max()) + 0.5)
    axes.set_ylim(low - _MARGIN * (high - low or width), high + _MARGIN * (high - low or width))
    axes.ticklabel_format(useOffset=False)
