"""The dispatch of a grid as a stack: supply over time, demand as a line, what is drawn besides below zero."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import cycle
from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

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
    VERMILLION,
    YELLOW,
    Floats,
    Hours,
    cases_of,
    in_paper_style,
    legend_of_panels,
    panels_of,
    short_names,
    time_axis,
)
from gridarium.experiments.results.records import Drawing

P2P = "p2p"
"""Stands for a kind of agent where prosumers supply each other, off the grid."""


class Area(NamedTuple):
    """What some kinds of agents have in the stack.

    Parameters
    ----------
    kinds : tuple of str
    name : str
        Of the supply.
    color, hatch : str
        Of the supply.
    withdrawal : str
        Name of the demand below zero; "" for a demand that is part of the line.
    withdrawal_color : str
        Of the demand below zero.
    """

    kinds: tuple[str, ...]
    name: str
    color: str
    hatch: str = ""
    withdrawal: str = ""
    withdrawal_color: str = ""


SOURCES = (
    Area(("renewable",), "renewable", GREEN),
    Area(("thermal",), "thermal units, net of capture", ORANGE, "////"),
    Area(("gas_turbine",), "gas turbines", ORANGE, "////"),
    Area(("storage", "storage_provider"), "storage discharge", SKY, "....", "storage charge", BLUE),
)
"""From the bottom of the stack to the top; kinds that nothing is said of here stand on it."""

EXCHANGES = (
    Area(("consumer", "load", "flexible_load", "prosumer", "region"), "fed in by consumers", PURPLE, "////"),
    Area((P2P,), "prosumers to prosumers", PURPLE),
    Area(("grid_below", "recorded_grid"), "fed in by grids below", GREY),
    Area(("head",), "import", PALE, "", "export", VERMILLION),
)
"""What stands on top of these."""

_FURTHER_LOOKS = ((YELLOW, ""), (PURPLE, "...."), (YELLOW, "xxx"), (GREY, "////"))
_POWERS = ("p_supply_mw", "p_demand_mw")
_LEAST_MW = 1e-6
"""Powers below a watt are noise of solvers."""


def dispatch_drawings(grid: GridResult) -> Iterator[Drawing]:
    """Yield the dispatch of a grid."""
    dispatch, pool = grid.rows("dispatch"), grid.rows("pool")
    if dispatch is None:
        return
    caption = (
        "Dispatch. Supply is stacked, charging, export and power of further kinds of agents are below zero, "
        "hatched on top is power that was available and not used; supply above the demand covers what is "
        "below zero, and losses."
    )
    if pool is not None and pool["traded_mwh"].any():
        dispatch = with_pool(dispatch, pool, grid.period_h)
        caption += " What prosumers get from each other counts as demand and as supply."
    if grid.rows("quarters") is not None:
        caption += " What leaves at the head of a system is spilled."
    responses = grid.rows("loads", "region")
    if responses is not None:
        caption += " Dotted is the demand before regional systems respond."
    yield Drawing("dispatch", caption, dispatch_figure(dispatch, responses))


def with_pool(dispatch: pd.DataFrame, pool: pd.DataFrame, period_h: float) -> pd.DataFrame:
    """A dispatch with what prosumers get from each other, off the grid, as a supply and a demand more."""
    traded_mw = pool["traded_mwh"] / period_h
    own = pool[["case", "period", "time"]].assign(kind=P2P, p_supply_mw=traded_mw, p_demand_mw=traded_mw)
    return pd.concat([dispatch, own], ignore_index=True)


@in_paper_style
def dispatch_figure(dispatch: pd.DataFrame, responses: pd.DataFrame | None = None) -> Figure:
    """Draw one panel for each case.

    Parameters
    ----------
    dispatch : DataFrame
        Columns case, period, time, kind, p_supply_mw, p_demand_mw, and p_available_mw if known.
    responses : DataFrame, optional
        Loads whose response is drawn: columns case, period, p_base_mw, p_metered_mw.
    """
    cases = cases_of(dispatch)
    groups = panels_of(cases)
    titles = short_names(cases, len(groups))
    height = 1.45 * max(map(len, groups)) + (0.75 if len(cases) > 1 else 1.2)
    figure = Figure(figsize=(PAGE_WIDTH, height))
    panels = figure.subplots(max(map(len, groups)), len(groups), sharex=True, sharey=True, squeeze=False)
    areas = _areas(dispatch["kind"].unique())
    for column, group in enumerate(groups):
        for axes, case in zip(panels[:, column], group, strict=False):
            demand = _panel(axes, dispatch[dispatch["case"] == case], areas)
            if responses is not None:
                _before(axes, responses[responses["case"] == case], demand)
            axes.set_title(titles[case])
        for axes in panels[len(group) :, column]:
            axes.set_visible(False)
        panels[len(group) - 1, column].set_xlabel("time (h)")
        panels[len(group) - 1, column].tick_params(labelbottom=True)
    figure.supylabel("power (MW)", fontsize=8)
    legend_of_panels(figure, panels.flat)
    return figure


def _areas(kinds: Iterable[str]) -> tuple[Area, ...]:
    """All areas, those of kinds from other packages between sources and exchanges."""
    known = {kind for area in (*SOURCES, *EXCHANGES) for kind in area.kinds}
    further = [str(kind) for kind in kinds if kind not in known]
    own = []
    for kind, (color, hatch) in zip(further, cycle(_FURTHER_LOOKS), strict=False):
        name = kind.replace("_", " ")
        own.append(Area((kind,), name, color, hatch, name, color))
    return (*SOURCES, *own, *EXCHANGES)


def _panel(axes: Axes, rows: pd.DataFrame, areas: Iterable[Area]) -> Floats:
    """Draw one case; returns its demand, MW, shape (n_period,)."""
    hours = Hours.of(rows)
    # A grid on which nobody depends on the weather has no such column.
    available = rows.get("p_available_mw", rows["p_supply_mw"])
    unused = (available - rows["p_supply_mw"]).clip(lower=0.0)
    by_kind = rows.assign(unused_mw=unused).groupby(["kind", "period"])[[*_POWERS, "unused_mw"]].sum()

    def power(area: Area, column: str) -> Floats:
        found = by_kind[by_kind.index.get_level_values("kind").isin(area.kinds)]
        return (
            found.groupby("period")[column].sum().reindex(range(len(hours.ends)), fill_value=0.0).to_numpy()
        )

    top, bottom, demand = np.zeros((3, len(hours.ends)))
    for area in areas:
        supply, drawn = (power(area, column) for column in _POWERS)
        _fill(axes, hours, top, top + supply, area.name, area.color, area.hatch)
        top = top + supply
        if area.withdrawal:
            hatch = area.hatch if area.withdrawal_color == area.color else ""
            _fill(axes, hours, bottom, bottom - drawn, area.withdrawal, area.withdrawal_color, hatch)
            bottom = bottom - drawn
        else:
            demand = demand + drawn
    curtailed = by_kind["unused_mw"].groupby("period").sum().to_numpy()
    _fill(axes, hours, top, top + curtailed, "curtailed", "white", "xxxx")
    axes.stairs(demand, hours.edges, baseline=None, color=BLACK, linewidth=1.4, label="demand")
    axes.axhline(0.0, color=BLACK, linewidth=0.6)
    time_axis(axes, hours)
    return demand


def _before(axes: Axes, loads: pd.DataFrame, demand: Floats) -> None:
    """Draw what the demand would be without the response of some loads."""
    summed = loads.groupby(["period", "time"])[["p_base_mw", "p_metered_mw"]].sum().reset_index()
    before = demand + (summed["p_base_mw"] - summed["p_metered_mw"]).to_numpy()
    axes.stairs(
        before, Hours.of(summed).edges, baseline=None, color=VERMILLION, linestyle=(0, (1, 1)),
        linewidth=1.1, label="demand before the response",
    )  # fmt: skip


def _fill(axes: Axes, hours: Hours, one: Floats, other: Floats, name: str, color: str, hatch: str) -> None:
    """Fill between two levels; nothing where they are equal throughout."""
    if np.abs(other - one).max() < _LEAST_MW:
        return
    axes.stairs(
        np.maximum(one, other),
        hours.edges,
        baseline=np.minimum(one, other),
        fill=True,
        facecolor=color,
        edgecolor=GREY if color == "white" else "white",
        hatch=hatch,
        linewidth=0.0,
        label=name,
    )
