"""Signals that a leader or an operator posts: prices and carbon factors."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gridarium.experiments.figures.case_lines import (
    DrawRow,
    draw_reference,
    draw_steps,
    lines_by_case,
    start_at_zero,
)
from gridarium.experiments.figures.grid_result import GridResult
from gridarium.experiments.figures.style import Hours, Look, in_paper_style
from gridarium.experiments.names.formatting import MONEY
from gridarium.experiments.results.records import Drawing


def signal_drawings(grid: GridResult) -> Iterator[Drawing]:
    """Yield the signals of the leader of a grid, and the marginal price of a system."""
    tariff, marginal = grid.rows("signals", "dso"), grid.rows("signals", "operator")
    if tariff is not None:
        caption = (
            "Prices, their carbon part and carbon emission factors. Shaded: the time-of-use price and the "
            "factor of the upstream grid."
        )
        yield Drawing("prices", caption, price_figure(tariff, grid.currency))
    if marginal is not None:
        caption = "Marginal price of the system."
        yield Drawing("marginal-price", caption, marginal_price_figure(marginal, grid.currency))


@in_paper_style
def price_figure(signals: pd.DataFrame, currency: str = MONEY) -> Figure:
    """Draw prices, what the carbon signal adds to them, and the carbon emission factor by hour."""

    def price(axes: Axes, rows: pd.DataFrame, hours: Hours, look: Look, name: str) -> None:
        draw_reference(axes, rows["tou_price_per_mwh"].to_numpy(), hours, "TOU price, grid factor")
        draw_steps(axes, rows["price_per_mwh"].to_numpy(), hours, look, name)
        start_at_zero(axes)

    def adder(axes: Axes, rows: pd.DataFrame, hours: Hours, look: Look, name: str) -> None:
        draw_steps(axes, (rows["price_per_mwh"] - rows["tou_price_per_mwh"]).to_numpy(), hours, look)

    def factor(axes: Axes, rows: pd.DataFrame, hours: Hours, look: Look, name: str) -> None:
        draw_reference(axes, rows["grid_factor_tco2_per_mwh"].to_numpy(), hours, "")
        draw_steps(axes, rows["factor_tco2_per_mwh"].to_numpy(), hours, look)

    rows = {
        f"price\n({currency}/MWh)": price,
        f"price above\ntime of use\n({currency}/MWh)": adder,
        "emission\nfactor\n(tCO₂/MWh)": factor,
    }
    return lines_by_case(signals, rows, height=4.6, ratios=(1.1, 1.0, 1.0))[0]


@in_paper_style
def marginal_price_figure(signals: pd.DataFrame, currency: str = MONEY) -> Figure:
    """Draw the price of one more MWh by period."""

    def price(axes: Axes, rows: pd.DataFrame, hours: Hours, look: Look, name: str) -> None:
        draw_steps(axes, rows["price_per_mwh"].to_numpy(), hours, look, name)
        start_at_zero(axes)

    rows: dict[str, DrawRow] = {f"marginal price\n({currency}/MWh)": price}
    return lines_by_case(signals, rows, height=2.2, ratios=(1.0,))[0]
