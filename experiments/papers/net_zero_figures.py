"""Figures that only the paper of model E has: this run beside its example and its stated hours."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gridarium.experiments.figures.case_lines import DrawRow, draw_power, lines_by_case
from gridarium.experiments.figures.grid_result import GridResult, grid_results
from gridarium.experiments.figures.storages import is_used
from gridarium.experiments.figures.style import (
    BLUE,
    GREY,
    ORANGE,
    PAGE_WIDTH,
    SKY,
    VERMILLION,
    Hours,
    Look,
    cases_of,
    in_paper_style,
)
from gridarium.experiments.papers import net_zero_example as paper
from gridarium.experiments.reading.plain_yaml import Tree
from gridarium.experiments.results.records import Drawing
from gridarium.experiments.results.result import Result

_PANELS_IN_ROW = 4


def drawings(result: Result) -> Iterator[Drawing]:
    """Yield the figures of each grid that has what the paper speaks of."""
    for grid in grid_results(result):
        yield from map(grid.named, _of_grid(grid))


def _of_grid(grid: GridResult) -> Iterator[Drawing]:
    storages, trades = grid.rows("storages", "storage_provider"), grid.rows("trades", "prosumer")
    if storages is not None and is_used(storages):
        caption = "Power of the shared storage beside the hours in which the paper's charges and discharges."
        yield Drawing("storage-hours", caption, storage_hours_figure(storages))
    price = _market_price(next(iter(grid.sections.values())))
    if trades is None or price is None or grid.currency != paper.CURRENCY:
        return
    if ((trades["seller"] == paper.SELLER) & (trades["buyer"] == paper.BUYER)).any():
        caption = (
            f"Price and energy of each minute from {paper.SELLER} to {paper.BUYER} beside the 15 minutes of "
            "the paper's example and the line through them."
        )
        yield Drawing("price-volume", caption, example_figure(trades, price))


def _market_price(section: Tree) -> float | None:
    """Real-time price of a section; none where it is not in the paper's currency or there is no market."""
    market, currency = section.get("real_time_market"), section.get("currency") or paper.CURRENCY
    return float(market["price_per_mwh"]) if market and currency.upper() == paper.CURRENCY else None


@in_paper_style
def storage_hours_figure(storages: pd.DataFrame) -> Figure:
    """Draw the power of the shared storage; shaded are the hours that the paper states."""
    table = storages.assign(power_mw=storages["p_discharge_mw"] - storages["p_charge_mw"])
    discharge = draw_power("power_mw")

    def power(axes: Axes, rows: pd.DataFrame, hours: Hours, look: Look, name: str) -> None:
        if not axes.patches:
            _shade_stated_hours(axes, float(hours.edges[-1]))
        discharge(axes, rows, hours, look, name)

    rows: dict[str, DrawRow] = {"discharge (MW)": power}
    return lines_by_case(table, rows, height=2.4, ratios=(1.0,))[0]


def _shade_stated_hours(axes: Axes, horizon_h: float) -> None:
    """Shade the paper's hours of charging and discharging within a horizon."""
    for spans, name, color in (
        (paper.CHARGES_H, "paper: charges", SKY),
        (paper.DISCHARGES_H, "paper: discharges", ORANGE),
    ):
        for number, (start, stop) in enumerate(span for span in spans if span[0] < horizon_h):
            label = None if number else name
            axes.axvspan(start, stop, color=color, alpha=0.25, linewidth=0.0, zorder=0, label=label)


@in_paper_style
def example_figure(trades: pd.DataFrame, market_price_per_mwh: float) -> Figure:
    """Draw price over energy of every minute between two prosumers beside the paper's 15, in its currency."""
    pair = trades[(trades["seller"] == paper.SELLER) & (trades["buyer"] == paper.BUYER)]
    cases = cases_of(pair)
    columns = min(len(cases), _PANELS_IN_ROW)
    rows = -(-len(cases) // columns)
    figure = Figure(figsize=(PAGE_WIDTH, 1.75 * rows + 0.75))
    panels = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    for axes in panels.flat[len(cases) :]:
        axes.set_visible(False)
    slope, intercept, _ = paper.line_through(paper.VOLUME_KWH, paper.PRICE_PER_KWH)
    ends = np.array([0.0, paper.VOLUME_KWH.max()])
    for place, (axes, case) in enumerate(zip(panels.flat, cases, strict=False)):
        own = pair[pair["case"] == case]
        axes.axhline(market_price_per_mwh / 1000.0, color=GREY, linestyle="dashed", label="real-time price")
        axes.scatter(
            own["delivered_mwh"] * 1000.0,
            own["price_per_mwh"] / 1000.0,
            s=5.0,
            color=BLUE,
            alpha=0.35,
            linewidths=0.0,
            label="each minute of this run",
        )
        axes.plot(
            ends, intercept + slope * ends, color=VERMILLION, linewidth=0.9, label="line through its points"
        )
        axes.scatter(
            paper.VOLUME_KWH,
            paper.PRICE_PER_KWH,
            s=14.0,
            facecolor="white",
            edgecolor=VERMILLION,
            linewidths=0.9,
            label="paper, 15 minutes",
            zorder=3,
        )
        axes.set_title(case)
        axes.set_xlim(left=0.0)
        axes.set_ylim(0.0, market_price_per_mwh / 1000.0 * 1.1)
        if place + columns >= len(cases):
            axes.set_xlabel("energy of the minute (kWh)")
            axes.tick_params(labelbottom=True)
    for axes in panels[:, 0]:
        axes.set_ylabel(f"price ({paper.CURRENCY}/kWh)")
    handles, names = panels[0, 0].get_legend_handles_labels()
    order = [names.index(name) for name in (names[1], names[3], names[2], names[0])]
    figure.legend([handles[i] for i in order], [names[i] for i in order], loc="outside upper center", ncols=4)
    return figure
