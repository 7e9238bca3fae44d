"""A TIES and its followers: rounds of their game, carbon prices, emission and cost by case."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from gridarium.environment.clock import DAY_S
from gridarium.experiments.figures.case_lines import start_at_zero
from gridarium.experiments.figures.grid_result import GridResult
from gridarium.experiments.figures.style import (
    BLACK,
    BLUE,
    GREEN,
    LOOKS,
    ORANGE,
    PAGE_WIDTH,
    Hours,
    Look,
    cases_of,
    in_paper_style,
    legend_above,
    legend_of_panels,
    looks_of,
    panels_of,
    shared_panels,
    short_names,
    time_axis,
)
from gridarium.experiments.names.formatting import MONEY
from gridarium.experiments.reading.plain_yaml import Tree
from gridarium.experiments.results.records import Drawing

_LEAST_CHANGE = 1e-7
"""Changes below it are noise of solvers."""
_CHANGES = (
    "Change of loads in each round of the first day, and distance of the prices posted from those that the "
    "answers call for, each relative to the largest of its kind."
)
_RESIDUALS = (
    "Residuals of each exchange round of the first day: of what the price posted is not optimal for (dual), "
    "and of loads from their targets (primal), each relative to its size."
)
_RESTARTS = "Rounds start again where a commitment or the level of prices has changed."
_COMPARED = {
    "emission_tco2": ("emission", GREEN),
    "ties_cost_money": ("cost of the TIES", ORANGE),
    "resource_cost_money": ("resource cost", BLUE),
}
"""Metrics that are drawn by case: name and colour."""


def carbon_game_drawings(grid: GridResult) -> Iterator[Drawing]:
    """Yield the rounds of a TIES, what it tells followers of carbon, and what comes of it."""
    rounds, told = grid.rows("rounds"), grid.rows("personal_carbon")
    if rounds is not None and "load_change" in rounds:
        asked = [_rounds_of(section) for section in grid.sections.values()]
        is_exchange = all(one.get("kind") == "exchange" for one in asked)
        caption = f"{_RESIDUALS if is_exchange else _CHANGES} Dotted: the tolerance of rest. {_RESTARTS}"
        tolerances = [one["tolerance"] for one in asked if "tolerance" in one]
        yield Drawing("rounds", caption, round_figure(rounds, tolerances, is_exchange))
    if told is not None and told["first_price_per_tco2"].any():
        caption = "Price of the first tonne above the quota of each follower on the first day."
        yield Drawing("carbon-prices", caption, carbon_price_figure(told, grid.currency))
    if len(_comparable(grid.summary)) > 1:
        caption = (
            "Emission, what the TIES pays, and resource cost (supply, wear, balancing energy and responses, "
            "no payments for carbon), against the first case."
        )
        yield Drawing("schemes", caption, scheme_figure(grid.summary))


def _rounds_of(section: Tree) -> Tree:
    """How the TIES of a case negotiates."""
    found: Tree = (section.get("ties") or {}).get("rounds") or {}
    return found


@in_paper_style
def round_figure(rounds: pd.DataFrame, tolerances: Iterable[float] = (), is_exchange: bool = False) -> Figure:
    """Draw on a logarithmic axis how far from rest each round of the first day was, and what counts as rest.

    Parameters
    ----------
    rounds : DataFrame
        Of any number of cases.
    tolerances : iterable of float
        Of these cases.
    is_exchange : bool
        Whether all are exchange rounds, whose distances are residuals.
    """
    rounds = rounds[rounds["day"] == rounds["day"].min()]
    groups = panels_of(cases_of(rounds))
    names = short_names(cases_of(rounds), len(groups))
    price, load = ("dual residual", "primal residual") if is_exchange else ("price distance", "load change")
    quantities = {price: "price_change", load: "load_change"}
    figure, panels = shared_panels(2, len(groups), height=3.4, ratios=(1.0, 1.0))
    for column, group in enumerate(groups):
        for case, look in zip(group, looks_of(group), strict=False):
            rows = rounds[rounds["case"] == case]
            for axes, quantity in zip(panels[:, column], quantities.values(), strict=True):
                # A zero has no place on the axis: the line ends where nothing changed any more.
                values = rows[quantity].where(rows[quantity] > _LEAST_CHANGE)
                axes.plot(rows["round"], values, label=names[case], **look.line)
                axes.set_yscale("log")
                axes.yaxis.set_minor_formatter(NullFormatter())
        for axes in panels[:, column]:
            for tolerance in sorted(set(tolerances)):
                axes.axhline(tolerance, color=BLACK, linewidth=0.8, linestyle=":")
        legend_above(panels[0, column], len(groups))
        panels[-1, column].set_xlabel("round")
        panels[-1, column].xaxis.get_major_locator().set_params(integer=True)
    for axes, name in zip(panels[:, 0], quantities, strict=True):
        axes.set_ylabel(f"{name}\n(relative)")
    figure.align_ylabels(panels[:, 0])
    return figure


@in_paper_style
def carbon_price_figure(told: pd.DataFrame, currency: str = MONEY) -> Figure:
    """Draw one panel for each case that prices carbon, and a line for each follower."""
    priced = told.groupby("case", sort=False)["first_price_per_tco2"].transform("max") > 0.0
    told = told[priced]
    first_day = (told["time"] - told["time"].min()).dt.total_seconds() < DAY_S
    told = told[first_day]
    cases = cases_of(told)
    groups = panels_of(cases)
    titles = short_names(cases, len(groups))
    lines = max(map(len, groups))
    figure = Figure(figsize=(PAGE_WIDTH, 1.15 * lines + 0.8))
    panels = figure.subplots(lines, len(groups), sharex=True, sharey=True, squeeze=False)
    followers = [str(name) for name in told["agent"].drop_duplicates()]
    for column, group in enumerate(groups):
        for axes, case in zip(panels[:, column], group, strict=False):
            _follower_lines(axes, told[told["case"] == case], followers)
            axes.set_title(titles[case])
        for axes in panels[len(group) :, column]:
            axes.set_visible(False)
        panels[len(group) - 1, column].set_xlabel("time (h)")
        panels[len(group) - 1, column].tick_params(labelbottom=True)
    figure.supylabel(f"carbon price ({currency}/tCO₂)", fontsize=8)
    legend_of_panels(figure, panels.flat)
    return figure


def _follower_lines(axes: Axes, rows: pd.DataFrame, followers: list[str]) -> None:
    hours = Hours.of(rows)
    for place, name in enumerate(followers):
        own = rows[rows["agent"] == name].sort_values("period")
        look: Look = LOOKS[place % len(LOOKS)]
        axes.stairs(own["first_price_per_tco2"], hours.edges, baseline=None, label=name, **look.line)
    start_at_zero(axes)
    time_axis(axes, hours)


def _comparable(summary: Mapping[str, Mapping[str, float]]) -> list[str]:
    """Cases that have all of what is drawn."""
    return [case for case, metrics in summary.items() if metrics.keys() >= _COMPARED.keys()]


@in_paper_style
def scheme_figure(summary: Mapping[str, Mapping[str, float]]) -> Figure:
    """Draw emission and cost of each case as bars: their change against the first case, percent."""
    cases = _comparable(summary)
    figure = Figure(figsize=(PAGE_WIDTH, 0.24 * len(cases) + 0.9))
    panels = figure.subplots(1, len(_COMPARED), sharey=True, squeeze=False)[0]
    for axes, (metric, (name, color)) in zip(panels, _COMPARED.items(), strict=True):
        values = np.array([summary[case][metric] for case in cases])
        changes = 100.0 * (values / values[0] - 1.0)
        bars = axes.barh(cases, changes, height=0.65, color=color)
        labels = ["", *(f"{change:+.2f}" for change in changes[1:])]
        axes.bar_label(bars, labels, padding=2, fontsize=6.5)
        axes.axvline(0.0, color=BLACK, linewidth=0.6)
        axes.grid(axis="y", visible=False)
        axes.margins(x=0.28)
        axes.set_title(name)
        axes.set_xlabel(f"against {cases[0]} (%)")
    panels[0].invert_yaxis()
    return figure
