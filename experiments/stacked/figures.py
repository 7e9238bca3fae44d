"""Figures of the seams between grids."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from gridarium.experiments.figure_style import (
    BLACK,
    BLUE,
    PAGE_WIDTH,
    VERMILLION,
    Hours,
    in_paper_style,
    time_axis,
)
from gridarium.experiments.formatting import MONEY

_ROW_INCH = 1.35


@in_paper_style
def heads_figure(heads: pd.DataFrame, currency: str = MONEY) -> Figure:
    """Draw exchange, price and carbon factor at each head over the hours, one row for each grid.

    Parameters
    ----------
    heads : DataFrame
        The table of heads of one case.
    currency : str
        Code of the currency.
    """
    grids = list(heads["grid"].drop_duplicates())
    figure = Figure(figsize=(PAGE_WIDTH, _ROW_INCH * len(grids) + 0.6))
    panels = figure.subplots(len(grids), 3, sharex=True, squeeze=False)
    titles = ("exchange of one grid (MW)", f"price told ({currency}/MWh)", "carbon factor (tCO₂/MWh)")
    columns = (
        (("p_plan_mw", BLUE, "--", "planned"), ("p_metered_mw", BLACK, "-", "metered")),
        (("price_per_mwh", VERMILLION, "-", "told"),),
        (
            ("factor_told_tco2_per_mwh", BLUE, "--", "told"),
            ("factor_metered_tco2_per_mwh", BLACK, "-", "metered"),
        ),
    )
    for row, grid in enumerate(grids):
        rows = heads[heads["grid"] == grid]
        hours = Hours.of(rows)
        for axes, lines in zip(panels[row], columns, strict=True):
            for name, color, style, label in lines:
                values = rows[name].to_numpy(dtype=float)
                axes.stairs(values, hours.edges, baseline=None, color=color, linestyle=style, label=label)
            time_axis(axes, hours)
        copies = int(rows["replicas"].iloc[0])
        panels[row][0].set_ylabel(grid if copies == 1 else f"{grid} (x {copies})")
    for axes, title in zip(panels[0], titles, strict=True):
        axes.set_title(title)
    for axes in (panels[0][0], panels[0][2]):
        axes.legend(loc="best")
    for axes in panels[-1]:
        axes.set_xlabel("hour")
    return figure
