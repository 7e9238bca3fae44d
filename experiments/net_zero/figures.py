"""Figures of the system of model E, drawn from the tables of a run alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gridarium.experiments.case_lines import draw_reference, draw_steps, lines_by_case, start_at_zero
from gridarium.experiments.dispatch_stack import Layer, Stack, stack_figure
from gridarium.experiments.figure_style import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PAGE_WIDTH,
    PALE,
    PURPLE,
    SKY,
    VERMILLION,
    Hours,
    Look,
    in_paper_style,
)
from gridarium.experiments.formatting import MONEY

_STACK = Stack(
    supply=(
        Layer("wind", "wind", GREEN),
        Layer("thermal", "thermal units, net of capture", ORANGE, "////"),
        Layer("storage_provider", "storage discharge", SKY, "...."),
        Layer("pool", "prosumers to prosumers", PURPLE),
        Layer("head", "real-time market", PALE),
    ),
    curtailed="wind",
    withdrawal=(Layer("storage_provider", "storage charge", BLUE), Layer("head", "spilled", VERMILLION)),
    demand=("load", "flexible_load", "prosumer", "pool", "grid_below", "recorded_grid"),
)

CHARGES_H, DISCHARGES_H = ((1.0, 4.0),), ((10.0, 12.0), (18.0, 19.0))
"""Hours in which the paper's storage charges and discharges (quarters 4-16; 40-48 and 72-76)."""

_Draw = Callable[[Axes, pd.DataFrame, Hours, Look, str], None]

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


@in_paper_style
def dispatch_figure(dispatch: pd.DataFrame) -> Figure:
    """Draw supply as a stack with demand as a line, charging and spilled energy below zero."""
    return stack_figure(dispatch, _STACK)


def with_pool(dispatch: pd.DataFrame, pool: pd.DataFrame, period_h: float) -> pd.DataFrame:
    """A dispatch with what prosumers get from each other, off the grid, as a supply and a demand more."""
    traded_mw = pool["traded_mwh"] / period_h
    own = pool[["case", "period", "time"]].assign(kind="pool", p_supply_mw=traded_mw, p_demand_mw=traded_mw)
    return pd.concat([dispatch, own], ignore_index=True)


def _level(column: str) -> _Draw:
    def draw(axes: Axes, rows: pd.DataFrame, hours: Hours, look: Look, name: str) -> None:
        axes.plot(hours.ends, rows[column].to_numpy(dtype=float), label=name, **look.line)
        start_at_zero(axes)

    return draw


def _power(column: str) -> _Draw:
    def draw(axes: Axes, rows: pd.DataFrame, hours: Hours, look: Look, name: str) -> None:
        draw_steps(axes, rows[column].to_numpy(dtype=float), hours, look, name)

    return draw


@in_paper_style
def storage_figure(dispatch: pd.DataFrame) -> Figure:
    """Draw stored energy and power of the shared storage; shaded are the hours that the paper states."""
    stored = dispatch[dispatch["kind"] == "storage_provider"]
    table = stored.assign(power_mw=stored["p_supply_mw"] - stored["p_demand_mw"])

    def energy(axes: Axes, rows: pd.DataFrame, hours: Hours, look: Look, name: str) -> None:
        _shade_stated_hours(axes)
        axes.plot(hours.ends, rows["e_mwh"].to_numpy(dtype=float), label=name, **look.line)
        start_at_zero(axes)

    def power(axes: Axes, rows: pd.DataFrame, hours: Hours, look: Look, name: str) -> None:
        _shade_stated_hours(axes)
        draw_steps(axes, rows["power_mw"].to_numpy(dtype=float), hours, look)
        axes.axhline(0.0, color=BLACK, linewidth=0.6)

    rows: Mapping[str, _Draw] = {"stored energy\n(MWh)": energy, "discharge\n(MW)": power}
    return lines_by_case(table, rows, height=3.4, ratios=(1.0, 1.0))[0]


def _shade_stated_hours(axes: Axes) -> None:
    """Shade the paper's hours of charging and discharging, once in a panel."""
    if axes.get_legend_handles_labels()[1] or axes.patches:
        return
    for spans, name, color in (
        (CHARGES_H, "paper: charges", SKY),
        (DISCHARGES_H, "paper: discharges", ORANGE),
    ):
        for number, (start, stop) in enumerate(spans):
            label = None if number else name
            axes.axvspan(start, stop, color=color, alpha=0.2, linewidth=0.0, zorder=0, label=label)


@in_paper_style
def capture_figure(carbon: pd.DataFrame, period_h: float) -> Figure:
    """Draw carbon absorbed and regenerated, and the content of the solvent tanks."""
    amounts = ["absorbed_tco2", "regenerated_tco2", "tank_tco2"]
    carbon = carbon.groupby(["case", "period", "time"], sort=False, as_index=False)[amounts].sum()
    rates = {f"{name}_rate": carbon[f"{name}_tco2"] / period_h for name in ("absorbed", "regenerated")}
    rows: Mapping[str, _Draw] = {
        "absorbed\n(tCO₂/h)": _power("absorbed_rate"),
        "regenerated\n(tCO₂/h)": _power("regenerated_rate"),
        "solvent tanks\n(tCO₂)": _level("tank_tco2"),
    }
    return lines_by_case(carbon.assign(**rates), rows, height=4.2, ratios=(1.0, 1.0, 1.0))[0]


@in_paper_style
def deviation_figure(quarters: pd.DataFrame) -> Figure:
    """Draw the deviation before (shaded) and after the operator has answered it."""

    def draw(axes: Axes, rows: pd.DataFrame, hours: Hours, look: Look, name: str) -> None:
        draw_reference(axes, rows["deviation_mw"].to_numpy(dtype=float), hours, "before")
        draw_steps(axes, rows["left_mw"].to_numpy(dtype=float), hours, look, name)
        axes.axhline(0.0, color=BLACK, linewidth=0.6)

    rows: Mapping[str, _Draw] = {"deviation (MW)": draw}
    return lines_by_case(quarters, rows, height=2.4, ratios=(1.0,))[0]


@in_paper_style
def cost_figure(summary: Mapping[str, Mapping[str, float]], currency: str = MONEY) -> Figure:
    """Draw the parts of the cost of each case, and their change against the first case.

    Credits are to the left of zero; a mark stands for the sum of the parts.
    """
    cases = [case for case, metrics in summary.items() if "total_cost_money" in metrics]
    figure = Figure(figsize=(PAGE_WIDTH, 0.34 * len(cases) + 1.2))
    left, right = figure.subplots(1, 2, sharey=True, gridspec_kw={"width_ratios": [1.0, 1.0]})
    costs = {part: [summary[case][part] / 1000.0 for case in cases] for part in PARTS}
    changes = {part: [value - values[0] for value in values] for part, values in costs.items()}
    for axes, parts in ((left, costs), (right, changes)):
        _stacked_bars(axes, cases, parts)
        axes.axvline(0.0, color=BLACK, linewidth=0.6)
        axes.grid(axis="y", visible=False)
    left.invert_yaxis()
    left.set_xlabel(f"cost (thousand {currency})")
    right.set_xlabel(f"change against {cases[0]} (thousand {currency})")
    handles, names = left.get_legend_handles_labels()
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
