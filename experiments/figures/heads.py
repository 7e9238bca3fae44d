"""Figures of the seams between grids."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd
from matplotlib.figure import Figure

from gridarium.experiments.figures.style import (
    BLACK,
    PAGE_WIDTH,
    SKY,
    Hours,
    cases_of,
    in_paper_style,
    time_axis,
)
from gridarium.experiments.names.formatting import MONEY
from gridarium.experiments.results.records import Drawing
from gridarium.experiments.results.result import Result

_ROW_INCH = 1.35


def head_drawings(result: Result) -> Iterator[Drawing]:
    """Yield what passes the seams of each case, where grids hang on grids."""
    heads = result.tables.get("heads")
    if heads is None or not heads["above"].fillna("").astype(bool).any():
        return
    caption = (
        "What passes the heads of the grids: exchange of one grid as planned (broad) and metered, the price "
        "told, and the carbon factor as told (broad) and metered."
    )
    for case in cases_of(heads):
        figure = heads_figure(heads[heads["case"] == case], result.currency_code)
        yield Drawing("heads" if len(result.summary) == 1 else f"heads-{case}", caption, figure)


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
        (("p_plan_mw", SKY, 2.8), ("p_metered_mw", BLACK, 1.0)),
        (("price_per_mwh", SKY, 2.8),),
        (("factor_told_tco2_per_mwh", SKY, 2.8), ("factor_metered_tco2_per_mwh", BLACK, 1.0)),
    )
    for row, grid in enumerate(grids):
        rows = heads[heads["grid"] == grid]
        hours = Hours.of(rows)
        for axes, lines in zip(panels[row], columns, strict=True):
            for name, color, width in lines:
                values = rows[name].to_numpy(dtype=float)
                axes.stairs(values, hours.edges, baseline=None, color=color, linewidth=width)
            time_axis(axes, hours)
        copies = int(rows["replicas"].iloc[0])
        panels[row][0].set_ylabel(grid if copies == 1 else f"{grid} (x {copies})")
    for axes, title in zip(panels[0], titles, strict=True):
        axes.set_title(title)
    for axes in panels[-1]:
        axes.set_xlabel("time (h)")
    figure.legend(panels[0][0].patches, ["told or planned", "metered"], loc="upper right", ncols=2)
    figure.set_layout_engine("tight", rect=(0.0, 0.0, 1.0, 0.95))
    return figure
