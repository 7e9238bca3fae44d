"""Loads of a grid before and after their response."""

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
from gridarium.experiments.results.records import Drawing

_POWERS = ["p_base_mw", "p_metered_mw"]
_LEAST_MW = 1e-6
"""Changes below a watt are noise of solvers."""


def load_drawings(grid: GridResult) -> Iterator[Drawing]:
    """Yield the loads of a grid."""
    loads = grid.rows("loads")
    if loads is not None:
        caption = "All loads as metered, and their change by kind. Shaded: as foreseen, before any response."
        yield Drawing("load", caption, load_figure(loads))


@in_paper_style
def load_figure(loads: pd.DataFrame) -> Figure:
    """Draw the sum of all loads before and after their response, and the difference for each kind."""
    keys = ["case", "period", "time"]
    table = loads.groupby(keys, sort=False)[_POWERS].sum()
    rows: dict[str, DrawRow] = {"load (MW)": _load}
    for kind, own in loads.groupby("kind", sort=False):
        summed = own.groupby(keys, sort=False)[_POWERS].sum()
        change = summed["p_metered_mw"] - summed["p_base_mw"]
        if change.abs().max() < _LEAST_MW:
            continue
        column = f"change of {kind}"
        table[column] = change
        rows[f"change of\n{_plural(str(kind))}\n(MW)"] = _change(column)
    ratios = (1.4, *(1.0 for _ in range(len(rows) - 1)))
    return lines_by_case(table.reset_index(), rows, height=0.7 + 1.2 * sum(ratios), ratios=ratios)[0]


def _load(axes: Axes, rows: pd.DataFrame, hours: Hours, look: Look, name: str) -> None:
    draw_reference(axes, rows["p_base_mw"].to_numpy(), hours, "before the response")
    draw_steps(axes, rows["p_metered_mw"].to_numpy(), hours, look, name)
    start_at_zero(axes)


def _change(column: str) -> DrawRow:
    def draw(axes: Axes, rows: pd.DataFrame, hours: Hours, look: Look, name: str) -> None:
        draw_steps(axes, rows[column].to_numpy(), hours, look)

    return draw


def _plural(kind: str) -> str:
    return f"{kind.replace('_', ' ')}s"
