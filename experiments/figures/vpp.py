"""A virtual power plant in the regions of a feeder: what it did, and what cleanness was worth there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gridarium.experiments.figures.grid_result import GridResult
from gridarium.experiments.figures.style import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    PAGE_WIDTH,
    PALE,
    VERMILLION,
    Hours,
    cases_of,
    in_paper_style,
    legend_of_panels,
    shared_panels,
    time_axis,
)
from gridarium.experiments.names.formatting import MONEY
from gridarium.experiments.results.records import Drawing
from gridarium.market.lcr import count_actions

_ALL = "all"


def vpp_drawings(grid: GridResult) -> Iterator[Drawing]:
    """Yield what plants did in each region, case by case, and a day of nodal prices."""
    plants, regions = grid.rows("vpp_regions"), grid.rows("price_regions")
    if plants is None or regions is None:
        return
    caption = (
        "Green energy that storages discharged, and periods in which they charged and discharged, by region, "
        "all plants together."
    )
    yield Drawing("vpp-regions", caption, region_figure(plants, grid.period_h))
    case = _first_nodal(regions)
    if case is not None:
        caption = (
            f"Case {case}, by region: load, discharge of storages and its green part (above); price of green "
            "energy before any is discharged, and as green discharge has lowered it (below)."
        )
        yield Drawing("vpp-prices", caption, price_figure(regions, case, grid.currency))


def _first_nodal(regions: pd.DataFrame) -> str | None:
    """The first case in which green discharge lowers its price; None without one."""
    lowered = regions["nodal_price_per_mwh"] < regions["initial_price_per_mwh"] - 1e-9
    paid = regions["case"].map(regions.groupby("case")["nodal_price_per_mwh"].max()) > 0.0
    cases = cases_of(regions[lowered & paid])
    return cases[0] if cases else None


@in_paper_style
def region_figure(plants: pd.DataFrame, period_h: float) -> Figure:
    """Draw three tables of cases and regions, with their sums, shaded by their values.

    Parameters
    ----------
    plants : DataFrame
        Table `vpp_regions`.
    period_h : float
    """
    cases, regions = cases_of(plants), [str(name) for name in sorted(plants["region"].unique())]
    keys = [plants["case"], plants["agent"], plants["region"]]

    def actions(power: pd.Series[float]) -> float:
        return float(count_actions(np.asarray(power, dtype=np.float64)))

    shown = (
        ("green energy discharged (MWh)", plants.groupby(keys)["green_mw"].sum() * period_h, "{:.2f}"),
        ("periods of charge", plants.groupby(keys)["charge_mw"].agg(actions), "{:.0f}"),
        ("periods of discharge", plants.groupby(keys)["discharge_mw"].agg(actions), "{:.0f}"),
    )
    figure = Figure(figsize=(PAGE_WIDTH, 0.17 * len(cases) + 0.95))
    for axes, (title, values, form) in zip(figure.subplots(1, 3, sharey=True), shown, strict=True):
        table = values.groupby(level=[0, 2]).sum().unstack().loc[cases, regions]
        _draw_table(axes, table, form)
        axes.set_title(title)
    return figure


def _draw_table(axes: Axes, table: pd.DataFrame, form: str) -> None:
    values = table.to_numpy(dtype=float)
    n_row, n_column = values.shape
    edges: Any = (np.arange(n_column + 1) - 0.5, np.arange(n_row + 1) - 0.5)
    axes.pcolormesh(
        *edges, values, cmap="Greens", vmin=0.0, vmax=1.6 * max(values.max(), 1e-9), linewidth=0.0
    )
    for row in range(n_row):
        for column in range(n_column):
            axes.text(column, row, form.format(values[row, column]), ha="center", va="center", fontsize=5.8)
        total = form.format(values[row].sum())
        axes.text(n_column, row, total, ha="center", va="center", fontsize=5.8, fontweight="bold")
    axes.set_xlim(-0.5, n_column + 0.5)
    axes.set_ylim(n_row - 0.5, -0.5)
    names = [str(name).removeprefix("region_").replace("_", " ") for name in table.columns]
    axes.set_xticks(range(n_column + 1), [*names, _ALL])
    axes.set_yticks(range(n_row), list(table.index))
    axes.set_xlabel("region")
    axes.grid(visible=False)
    axes.tick_params(length=0)
    for side in ("left", "bottom"):
        axes.spines[side].set_visible(False)


@in_paper_style
def price_figure(regions: pd.DataFrame, case: str, currency: str = MONEY) -> Figure:
    """Draw power and prices of each region over the day, one column for each.

    Parameters
    ----------
    regions : DataFrame
        Table `price_regions`.
    case : str
    currency : str
    """
    own = regions[regions["case"] == case]
    names = sorted(own["region"].unique())
    figure, panels = shared_panels(2, len(names), 3.0, (1.0, 0.8))
    for (upper, lower), name in zip(panels.T, names, strict=True):
        rows = own[own["region"] == name].sort_values("period")
        hours = Hours.of(rows)
        _draw_power(upper, rows, hours)
        for column, colour, style, word in (
            ("initial_price_per_mwh", GREY, "--", "initial price"),
            ("nodal_price_per_mwh", VERMILLION, "-", "nodal price"),
        ):
            lower.stairs(
                rows[column].to_numpy(), hours.edges, color=colour, linestyle=style, baseline=None, label=word
            )
        upper.set_title(str(name).replace("_", " "))
        time_axis(lower, hours)
    panels[0, 0].set_ylabel("MW")
    panels[1, 0].set_ylabel(f"{currency}/MWh")
    figure.align_ylabels(panels[:, 0])
    panels[1, len(names) // 2].set_xlabel("hour")
    legend_of_panels(figure, [panels[0, 0], panels[1, 0]])
    return figure


def _draw_power(axes: Axes, rows: pd.DataFrame, hours: Hours) -> None:
    def filled(column: str, colour: str, word: str) -> None:
        axes.stairs(rows[column].to_numpy(), hours.edges, fill=True, color=colour, label=word)

    filled("discharge_mw", PALE, "discharge")
    filled("green_discharge_mw", GREEN, "green discharge")
    axes.stairs(-rows["charge_mw"].to_numpy(), hours.edges, fill=True, color=BLUE, alpha=0.6, label="charge")
    axes.stairs(rows["load_mw"].to_numpy(), hours.edges, color=BLACK, baseline=None, label="load")
