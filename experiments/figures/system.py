"""A bulk system: its costs, its carbon capture, and its deviations from the plan."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gridarium.experiments.figures.case_lines import (
    DrawRow,
    draw_level,
    draw_power,
    draw_reference,
    draw_steps,
    lines_by_case,
)
from gridarium.experiments.figures.grid_result import GridResult
from gridarium.experiments.figures.style import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PAGE_WIDTH,
    PALE,
    PURPLE,
    SKY,
    Hours,
    Look,
    in_paper_style,
)
from gridarium.experiments.names.formatting import MONEY
from gridarium.experiments.results.records import Drawing

PARTS = {
    "fuel_money": ("fuel", ORANGE, ""),
    "start_stop_money": ("starts and stops", GREY, ""),
    "real_time_money": ("real-time energy", PALE, ""),
    "demand_response_money": ("demand response", GREEN, ""),
    "storage_compensation_money": ("storage compensation", SKY, ""),
    "p2p_cost_money": ("line fees", PURPLE, ""),
    "carbon_trading_money": ("carbon trading", BLUE, "////"),
}
"""Parts of the cost: metric, name, colour, hatch."""


def cost_drawings(grid: GridResult) -> Iterator[Drawing]:
    """Yield the cost of a system."""
    if any("total_cost_money" in metrics for metrics in grid.summary.values()):
        caption = "Cost of the system by part; what carbon trading earns is left of zero."
        yield Drawing("costs", caption, cost_figure(grid.summary, grid.currency))


def capture_drawings(grid: GridResult) -> Iterator[Drawing]:
    """Yield what capture plants do."""
    carbon = grid.rows("carbon", "thermal")
    if carbon is not None:
        caption = (
            "Carbon absorbed from flue gas, carbon regenerated from the solvent, and the tanks' content."
        )
        yield Drawing("capture", caption, capture_figure(carbon, grid.period_h))


def deviation_drawings(grid: GridResult) -> Iterator[Drawing]:
    """Yield deviations from a plan and what an operator leaves of them."""
    quarters = grid.rows("quarters")
    if quarters is not None:
        caption = (
            "Surplus (positive) or deficit of each quarter under the plan that stood before (shaded), and "
            "once the operator has acted: wind that finds no use, deficits left to pool and market."
        )
        yield Drawing("deviation", caption, deviation_figure(quarters))


@in_paper_style
def capture_figure(carbon: pd.DataFrame, period_h: float) -> Figure:
    """Draw carbon absorbed and regenerated, and the content of the solvent tanks."""
    amounts = ["absorbed_tco2", "regenerated_tco2", "tank_tco2"]
    carbon = carbon.groupby(["case", "period", "time"], sort=False, as_index=False)[amounts].sum()
    rates = {f"{name}_rate": carbon[f"{name}_tco2"] / period_h for name in ("absorbed", "regenerated")}
    rows: dict[str, DrawRow] = {
        "absorbed\n(tCO₂/h)": draw_power("absorbed_rate"),
        "regenerated\n(tCO₂/h)": draw_power("regenerated_rate"),
        "solvent tanks\n(tCO₂)": draw_level("tank_tco2", from_zero=True),
    }
    return lines_by_case(carbon.assign(**rates), rows, height=4.2, ratios=(1.0, 1.0, 1.0))[0]


@in_paper_style
def deviation_figure(quarters: pd.DataFrame) -> Figure:
    """Draw the deviation before (shaded) and after the operator has answered it."""

    def draw(axes: Axes, rows: pd.DataFrame, hours: Hours, look: Look, name: str) -> None:
        draw_reference(axes, rows["deviation_mw"].to_numpy(dtype=float), hours, "before")
        draw_steps(axes, rows["left_mw"].to_numpy(dtype=float), hours, look, name)
        axes.axhline(0.0, color=BLACK, linewidth=0.6)

    rows: dict[str, DrawRow] = {"deviation (MW)": draw}
    return lines_by_case(quarters, rows, height=2.4, ratios=(1.0,))[0]


@in_paper_style
def cost_figure(summary: Mapping[str, Mapping[str, float]], currency: str = MONEY) -> Figure:
    """Draw the parts of the cost of each case, and their change against the first case.

    Credits are to the left of zero; a mark stands for the sum of the parts.
    """
    cases = [case for case, metrics in summary.items() if "total_cost_money" in metrics]
    figure = Figure(figsize=(PAGE_WIDTH, 0.34 * len(cases) + 1.2))
    costs = {part: [summary[case][part] / 1000.0 for case in cases] for part in PARTS}
    changes = {part: [value - values[0] for value in values] for part, values in costs.items()}
    # One case alone has nothing to be compared with.
    drawn = {
        f"cost (thousand {currency})": costs,
        f"change against {cases[0]} (thousand {currency})": changes,
    }
    panels = figure.subplots(1, 2 if len(cases) > 1 else 1, sharey=True, squeeze=False)[0]
    for axes, (name, parts) in zip(panels, drawn.items(), strict=False):
        _stacked_bars(axes, cases, parts)
        axes.axvline(0.0, color=BLACK, linewidth=0.6)
        axes.grid(axis="y", visible=False)
        axes.set_xlabel(name)
    panels[0].invert_yaxis()
    handles, names = panels[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside upper center", ncols=4)
    return figure


def _stacked_bars(axes: Axes, cases: Sequence[str], parts: Mapping[str, Sequence[float]]) -> None:
    """Draw parts from zero outwards, positive ones to the right, and a mark at their sum."""
    above, below = np.zeros(len(cases)), np.zeros(len(cases))
    total = np.sum(list(parts.values()), axis=0)
    for part, (name, color, hatch) in PARTS.items():
        values = np.array(parts[part])
        starts = np.where(values < 0.0, below, above)
        axes.barh(
            cases,
            values,
            left=starts,
            height=0.6,
            color=color,
            hatch=hatch,
            edgecolor="white",
            linewidth=0.3,
            label=name,
        )
        above, below = above + np.maximum(values, 0.0), below + np.minimum(values, 0.0)
    axes.plot(total, list(cases), color=BLACK, marker="D", linestyle="none", label="total")
