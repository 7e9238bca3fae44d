"""A pool of storages: who belonged to it on each day, and what each owner got."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from gridarium.experiments.figures.grid_result import GridResult
from gridarium.experiments.figures.style import BLUE, GREY, ORANGE, PAGE_WIDTH, cases_of, in_paper_style
from gridarium.experiments.names.formatting import MONEY
from gridarium.experiments.results.records import Drawing

_OUTSIDE = "#f2f2f2"


def storage_pool_drawings(grid: GridResult) -> Iterator[Drawing]:
    """Yield the memberships of several days, and pay by owner."""
    owners = grid.rows("storage_pool")
    if owners is None or owners["day"].nunique() < 2:
        return
    caption = (
        "Who belonged to the pool on each day (dark), by owner; and its mean share over all days, "
        "beside what it would have earned alone."
    )
    yield Drawing("storage-pool", caption, storage_pool_figure(owners, grid.currency))


@in_paper_style
def storage_pool_figure(owners: pd.DataFrame, currency: str = MONEY) -> Figure:
    """Draw membership by day and pay by owner, one row of panels for each case."""
    cases = cases_of(owners)
    n_owner = owners["agent"].nunique()
    figure = Figure(figsize=(PAGE_WIDTH, len(cases) * (0.13 * n_owner + 0.42) + 0.55))
    panels = figure.subplots(
        len(cases), 2, squeeze=False, sharex="col", gridspec_kw={"width_ratios": [2.2, 1.0]}
    )
    for row, case in enumerate(cases):
        own = owners[owners["case"] == case]
        names = list(dict.fromkeys(own["agent"]))
        _draw_days(panels[row, 0], own, names)
        _draw_pay(panels[row, 1], own, names)
        panels[row, 0].set_title(case)
    panels[-1, 0].set_xlabel("day")
    panels[-1, 1].set_xlabel(f"mean pay of a day ({currency})")
    handles, labels = panels[0, 1].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper right", ncols=2)
    return figure


def _draw_days(axes: Axes, own: pd.DataFrame, names: list[str]) -> None:
    table = own.pivot_table(index="agent", columns="day", values="enrolled").loc[names]
    edges: Any = np.arange(table.shape[1] + 1) + 0.5
    rows: Any = np.arange(len(names) + 1) - 0.5
    colours = ListedColormap([_OUTSIDE, BLUE])
    axes.pcolormesh(
        edges, rows, table.to_numpy(), cmap=colours, vmin=0.0, vmax=1.0, edgecolor="white", linewidth=0.3
    )
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    axes.grid(visible=False)
    axes.tick_params(axis="y", length=0)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))


def _draw_pay(axes: Axes, own: pd.DataFrame, names: list[str]) -> None:
    by_owner = own.groupby("agent")
    n_day = own["day"].nunique()
    shares = (by_owner["share_money"].sum() / n_day).loc[names].to_numpy()
    alone = by_owner["alone_money"].mean().loc[names].to_numpy()
    places = np.arange(len(names), dtype=float)
    axes.barh(places - 0.18, shares, height=0.34, color=ORANGE, label="share of the pool")
    axes.barh(places + 0.18, alone, height=0.34, color=GREY, label="alone")
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_yticks(places, [])
    axes.grid(axis="y", visible=False)
    axes.tick_params(axis="y", length=0)
