"""Rounds of a negotiation: how far from rest each left it, and what a searching leader earned by each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from gridarium.experiments.figures.grid_result import GridResult
from gridarium.experiments.figures.leader import leader_figure
from gridarium.experiments.figures.style import (
    cases_of,
    in_paper_style,
    legend_above,
    looks_of,
    panels_of,
    shared_panels,
    short_names,
)
from gridarium.experiments.names.formatting import MONEY
from gridarium.experiments.reading.plain_yaml import Tree
from gridarium.experiments.results.records import Drawing

_PLAIN = "best-response"
_LEAST_CHANGE = 1e-6
"""Changes below it, in money/MWh or MW, are noise of solvers."""


def round_drawings(grid: GridResult) -> Iterator[Drawing]:
    """Yield how the negotiations of a grid went."""
    rounds = grid.rows("rounds")
    if rounds is None or "price_change_per_mwh" not in rounds:
        return
    caption = "Largest change of prices and loads between rounds of the negotiation."
    yield Drawing("residuals", caption, residual_figure(rounds, grid.currency))
    if (
        _searches(grid.sections.values())
        and "profit_money" in rounds
        and rounds["profit_money"].notna().any()
    ):
        caption = (
            "Profit that the leader counts on with each posted price; mere probes have none. Lines: "
            "the highest so far; the price of the last round is announced."
        )
        yield Drawing("leader", caption, leader_figure(_with_best(rounds), "case", grid.currency))


def _searches(sections: Iterable[Tree]) -> bool:
    """Whether a leader of these cases searches for its price."""
    return any((section.get("leader") or {}).get("kind", _PLAIN) != _PLAIN for section in sections)


def _with_best(rounds: pd.DataFrame) -> pd.DataFrame:
    """Rounds with the highest profit of their day so far, for `leader_figure`."""
    days = [rounds["case"], rounds["day"]]
    highest = rounds.groupby(days, sort=False)["profit_money"].cummax()
    best = highest.groupby(days, sort=False).ffill()
    return rounds.assign(best_so_far_money=best, round=_numbered(rounds))


def _numbered(rounds: pd.DataFrame) -> pd.Series[int]:
    """Number of each round in its case, from 1, through all days."""
    return rounds.groupby("case", sort=False).cumcount() + 1


@in_paper_style
def residual_figure(rounds: pd.DataFrame, currency: str = MONEY) -> Figure:
    """Draw on a logarithmic axis how much prices and loads still changed in each round of negotiation."""
    rounds = rounds.assign(round=_numbered(rounds))
    groups = panels_of(cases_of(rounds))
    endings = {
        str(case): "" if ended in ("", "converged") else f" ({ended})"
        for case, ended in rounds.groupby("case", sort=False)["ended"].last().items()
    }
    names = short_names(list(endings), len(groups), reserved=max(map(len, endings.values())))
    quantities = {
        f"price change\n({currency}/MWh)": "price_change_per_mwh",
        "load change\n(MW)": "load_change_mw",
    }
    figure, panels = shared_panels(2, len(groups), height=3.4, ratios=(1.0, 1.0))
    for column, group in enumerate(groups):
        for case, look in zip(group, looks_of(group), strict=False):
            rows = rounds[rounds["case"] == case]
            for axes, quantity in zip(panels[:, column], quantities.values(), strict=True):
                # A zero has no place on the axis: the line ends where nothing changed any more.
                values = rows[quantity].where(rows[quantity] > _LEAST_CHANGE)
                axes.plot(
                    rows["round"],
                    values,
                    marker=look.marker,
                    markevery=max(1, len(rows) // 12),
                    label=names[case] + endings[case],
                    **look.line,
                )
                axes.set_yscale("log")
                axes.yaxis.set_major_formatter("{x:g}")
                axes.yaxis.set_minor_formatter(NullFormatter())
        legend_above(panels[0, column], len(groups))
        panels[-1, column].set_xlabel("round")
        panels[-1, column].xaxis.get_major_locator().set_params(integer=True)
    for axes, name in zip(panels[:, 0], quantities, strict=True):
        axes.set_ylabel(name)
    figure.align_ylabels(panels[:, 0])
    return figure
