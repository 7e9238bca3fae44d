"""The dispatch of a run as a stack: supply over time, demand as a line, what leaves the grid below zero."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gridarium.experiments.figure_style import (
    BLACK,
    GREY,
    PAGE_WIDTH,
    Floats,
    Hours,
    cases_of,
    panels_of,
    short_names,
    time_axis,
)


class Layer(NamedTuple):
    """One area of the stack: all units of a kind."""

    kind: str
    name: str
    color: str
    hatch: str = ""


@dataclass(frozen=True)
class Stack:
    """What the areas are made of.

    Parameters
    ----------
    supply : tuple of Layer
        From bottom to top.
    curtailed : str
        Kind whose available power beyond its supply is drawn on top, hatched.
    withdrawal : tuple of Layer
        Demand that is drawn below zero, from zero downwards.
    demand : tuple of str
        Kinds whose demand is the line.
    """

    supply: tuple[Layer, ...]
    curtailed: str
    withdrawal: tuple[Layer, ...]
    demand: tuple[str, ...]


def stack_figure(dispatch: pd.DataFrame, stack: Stack) -> Figure:
    """Draw one panel for each case.

    Parameters
    ----------
    dispatch : DataFrame
        Columns case, period, time, kind, p_supply_mw, p_demand_mw, p_available_mw.
    stack : Stack
    """
    cases = cases_of(dispatch)
    groups = panels_of(cases)
    titles = short_names(cases, len(groups))
    height = 1.45 * max(map(len, groups)) + 0.75
    figure = Figure(figsize=(PAGE_WIDTH, height))
    panels = figure.subplots(max(map(len, groups)), len(groups), sharex=True, sharey=True, squeeze=False)
    for column, group in enumerate(groups):
        for axes, case in zip(panels[:, column], group, strict=False):
            _panel(axes, dispatch[dispatch["case"] == case], stack)
            axes.set_title(titles[case])
        for axes in panels[len(group) :, column]:
            axes.set_visible(False)
        panels[len(group) - 1, column].set_xlabel("time (h)")
        panels[len(group) - 1, column].tick_params(labelbottom=True)
    figure.supylabel("power (MW)", fontsize=8)
    named: dict[str, Any] = {}
    for axes in panels.flat:
        handles, names = axes.get_legend_handles_labels()
        named |= dict(zip(names, handles, strict=True))
    figure.legend(named.values(), named.keys(), loc="outside upper center", ncols=4)
    return figure


def _panel(axes: Axes, rows: pd.DataFrame, stack: Stack) -> None:
    hours = Hours.of(rows)
    powers = ["p_supply_mw", "p_demand_mw", "p_available_mw"]
    by_kind = rows.groupby(["kind", "period"])[powers].sum()

    def power(kind: str, column: str) -> Floats:
        if kind not in by_kind.index:
            return np.zeros(len(hours.ends))
        return by_kind.loc[kind][column].to_numpy(dtype=float)

    top = np.zeros(len(hours.ends))
    for layer in stack.supply:
        supply = power(layer.kind, "p_supply_mw")
        _area(axes, hours, top, top + supply, layer)
        top = top + supply
    unused = power(stack.curtailed, "p_available_mw") - power(stack.curtailed, "p_supply_mw")
    _area(axes, hours, top, top + np.maximum(unused, 0.0), Layer("", "curtailed", "white", "xxxx"))
    bottom = np.zeros(len(hours.ends))
    for layer in stack.withdrawal:
        withdrawn = power(layer.kind, "p_demand_mw")
        _area(axes, hours, bottom, bottom - withdrawn, layer)
        bottom = bottom - withdrawn
    demand = sum((power(kind, "p_demand_mw") for kind in stack.demand), np.zeros(len(hours.ends)))
    axes.stairs(demand, hours.edges, baseline=None, color=BLACK, linewidth=1.4, label="demand")
    axes.axhline(0.0, color=BLACK, linewidth=0.6)
    time_axis(axes, hours)


def _area(axes: Axes, hours: Hours, one: Floats, other: Floats, layer: Layer) -> None:
    """Fill between two levels; nothing where they are equal throughout."""
    if np.array_equal(one, other):
        return
    axes.stairs(
        np.maximum(one, other),
        hours.edges,
        baseline=np.minimum(one, other),
        fill=True,
        facecolor=layer.color,
        edgecolor="white" if layer.hatch != "xxxx" else GREY,
        hatch=layer.hatch,
        linewidth=0.0,
        label=layer.name,
    )
