"""Figures of a run, drawn from its tables alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gridarium.experiments.figure_style import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    LOOKS,
    ORANGE,
    PAGE_WIDTH,
    PALE,
    SHADE,
    SKY,
    VERMILLION,
    Floats,
    Hours,
    Look,
    cases_of,
    in_paper_style,
    legend_above,
    panels_of,
    shared_panels,
    short_names,
    time_axis,
)

_SUPPLY = (
    ("renewable", "renewable", GREEN, ""),
    ("gas_turbine", "gas turbines", ORANGE, "////"),
    ("storage", "storage discharge", SKY, "...."),
    ("grid", "grid import", PALE, ""),
)
"""Supply from bottom to top: kind, name, colour, hatch."""


def _lines_by_case(
    table: pd.DataFrame,
    rows: Mapping[str, Callable[[Axes, pd.DataFrame, Hours, Look, str], None]],
    height: float,
    ratios: tuple[float, ...],
) -> tuple[Figure, Any]:
    """Draw one row of panels per quantity, and one column per group of cases."""
    groups = panels_of(cases_of(table))
    names = short_names(cases_of(table), len(groups))
    figure, panels = shared_panels(len(rows), len(groups), height, ratios)
    for column, group in enumerate(groups):
        for case, look in zip(group, LOOKS, strict=False):
            rows_of_case = table[table["case"] == case].sort_values("period", kind="stable")
            hours = Hours.of(rows_of_case)
            for axes, draw in zip(panels[:, column], rows.values(), strict=True):
                draw(axes, rows_of_case, hours, look, names[case])
                time_axis(axes, hours)
        legend_above(panels[0, column], len(groups))
        panels[-1, column].set_xlabel("time (h)")
    for axes, name in zip(panels[:, 0], rows, strict=True):
        axes.set_ylabel(name)
    figure.align_ylabels(panels[:, 0])
    return figure, panels


def _steps(axes: Axes, values: Floats, hours: Hours, look: Look, name: str | None = None) -> None:
    axes.stairs(values, hours.edges, baseline=None, label=name, **look.line)


def _reference(axes: Axes, values: Floats, hours: Hours, name: str) -> None:
    """Shade what the cases are compared with; of several in a panel the first is named."""
    named = name in axes.get_legend_handles_labels()[1]
    axes.stairs(values, hours.edges, fill=True, color=SHADE, zorder=0.5, label=None if named else name)


@in_paper_style
def price_figure(signals: pd.DataFrame) -> Figure:
    """Draw prices, what the carbon signal adds to them, and the carbon emission factor by hour."""

    def price(axes: Axes, rows: pd.DataFrame, hours: Hours, look: Look, name: str) -> None:
        _reference(axes, rows["tou_cny_per_mwh"].to_numpy(), hours, "TOU price, grid factor")
        _steps(axes, rows["price_cny_per_mwh"].to_numpy(), hours, look, name)
        axes.set_ylim(bottom=min(0.0, float(rows["price_cny_per_mwh"].min())))

    def adder(axes: Axes, rows: pd.DataFrame, hours: Hours, look: Look, name: str) -> None:
        _steps(axes, (rows["price_cny_per_mwh"] - rows["tou_cny_per_mwh"]).to_numpy(), hours, look)

    def factor(axes: Axes, rows: pd.DataFrame, hours: Hours, look: Look, name: str) -> None:
        _reference(axes, rows["grid_factor_tco2_per_mwh"].to_numpy(), hours, "")
        _steps(axes, rows["factor_tco2_per_mwh"].to_numpy(), hours, look)

    rows = {
        "price\n(CNY/MWh)": price,
        "price above\ntime of use\n(CNY/MWh)": adder,
        "emission\nfactor\n(tCO₂/MWh)": factor,
    }
    return _lines_by_case(signals, rows, height=4.6, ratios=(1.1, 1.0, 1.0))[0]


@in_paper_style
def load_figure(decisions: pd.DataFrame) -> Figure:
    """Draw the load of all consumers before and after their response, and the difference."""
    powers = ["p_base_mw", "p_metered_mw"]
    total = decisions.groupby(["case", "period", "time"], sort=False, as_index=False)[powers].sum()

    def load(axes: Axes, rows: pd.DataFrame, hours: Hours, look: Look, name: str) -> None:
        _reference(axes, rows["p_base_mw"].to_numpy(), hours, "before the response")
        _steps(axes, rows["p_metered_mw"].to_numpy(), hours, look, name)
        axes.set_ylim(bottom=0.0)

    def change(axes: Axes, rows: pd.DataFrame, hours: Hours, look: Look, name: str) -> None:
        _steps(axes, (rows["p_metered_mw"] - rows["p_base_mw"]).to_numpy(), hours, look)

    rows = {"load (MW)": load, "change (MW)": change}
    return _lines_by_case(total, rows, height=3.6, ratios=(1.4, 1.0))[0]


@in_paper_style
def storage_figure(dispatch: pd.DataFrame, carbon: pd.DataFrame) -> Figure:
    """Draw the energy of all storage units and the virtual carbon pool at the end of every period."""
    stored = dispatch[dispatch["kind"] == "storage"]
    energy = stored.groupby(["case", "period"], sort=False)["e_mwh"].sum()
    table = carbon.join(energy, on=["case", "period"])

    def level(column: str) -> Callable[[Axes, pd.DataFrame, Hours, Look, str], None]:
        def draw(axes: Axes, rows: pd.DataFrame, hours: Hours, look: Look, name: str) -> None:
            values = rows[column].to_numpy(dtype=float)
            axes.plot(hours.ends, values, label=name, **look.line)
            if column == "e_mwh":
                axes.set_ylim(bottom=0.0)

        return draw

    rows = {"stored energy\n(MWh)": level("e_mwh"), "carbon pool\n(tCO₂)": level("pool_tco2")}
    return _lines_by_case(table, rows, height=3.4, ratios=(1.0, 1.0))[0]


@in_paper_style
def dispatch_figure(dispatch: pd.DataFrame) -> Figure:
    """Draw supply as a stack over time with demand as a line, charging below zero, curtailment on top."""
    cases = cases_of(dispatch)
    groups = panels_of(cases)
    titles = short_names(cases, len(groups))
    height = 1.45 * max(map(len, groups)) + 0.75
    figure = Figure(figsize=(PAGE_WIDTH, height))
    panels = figure.subplots(max(map(len, groups)), len(groups), sharex=True, sharey=True, squeeze=False)
    for column, group in enumerate(groups):
        for axes, case in zip(panels[:, column], group, strict=False):
            _dispatch_panel(axes, dispatch[dispatch["case"] == case])
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


def _dispatch_panel(axes: Axes, rows: pd.DataFrame) -> None:
    hours = Hours.of(rows)
    powers = ["p_supply_mw", "p_demand_mw", "p_available_mw"]
    by_kind = rows.groupby(["kind", "period"])[powers].sum()

    def power(kind: str, column: str) -> Floats:
        if kind not in by_kind.index:
            return np.zeros(len(hours.ends))
        return by_kind.loc[kind][column].to_numpy(dtype=float)

    def area(bottom: Floats, top: Floats, name: str, color: str, hatch: str) -> None:
        if np.array_equal(bottom, top):
            return
        axes.stairs(
            top,
            hours.edges,
            baseline=bottom,
            fill=True,
            facecolor=color,
            edgecolor="white" if hatch != "xxxx" else GREY,
            hatch=hatch,
            linewidth=0.0,
            label=name,
        )

    top = np.zeros(len(hours.ends))
    for kind, name, color, hatch in _SUPPLY:
        supply = power(kind, "p_supply_mw")
        area(top, top + supply, name, color, hatch)
        top = top + supply
    curtailed = np.maximum(power("renewable", "p_available_mw") - power("renewable", "p_supply_mw"), 0.0)
    area(top, top + curtailed, "curtailed", "white", "xxxx")
    charge, export = power("storage", "p_demand_mw"), power("grid", "p_demand_mw")
    area(-charge, np.zeros_like(charge), "storage charge", BLUE, "")
    area(-charge - export, -charge, "grid export", VERMILLION, "")
    demand = power("load", "p_demand_mw")
    axes.stairs(demand, hours.edges, baseline=None, color=BLACK, linewidth=1.4, label="demand")
    axes.axhline(0.0, color=BLACK, linewidth=0.6)
    time_axis(axes, hours)


@in_paper_style
def residual_figure(rounds: pd.DataFrame) -> Figure:
    """Draw on a logarithmic axis how much prices and loads still changed in each round of negotiation."""
    groups = panels_of(cases_of(rounds))
    endings = {
        str(case): "" if ended in ("", "converged") else f" ({ended})"
        for case, ended in rounds.groupby("case", sort=False)["ended"].last().items()
    }
    names = short_names(list(endings), len(groups), reserved=max(map(len, endings.values())))
    quantities = {
        "price change\n(CNY/MWh)": "price_change_cny_per_mwh",
        "load change\n(MW)": "load_change_mw",
    }
    figure, panels = shared_panels(2, len(groups), height=3.4, ratios=(1.0, 1.0))
    for column, group in enumerate(groups):
        for case, look in zip(group, LOOKS, strict=False):
            rows = rounds[rounds["case"] == case]
            for axes, quantity in zip(panels[:, column], quantities.values(), strict=True):
                # An exact zero has no place on the axis: the line ends where nothing changed any more.
                values = rows[quantity].where(rows[quantity] > 0.0)
                axes.plot(
                    rows["round"],
                    values,
                    marker=look.marker,
                    markevery=max(1, len(rows) // 12),
                    label=names[case] + endings[case],
                    **look.line,
                )
                axes.set_yscale("log")
        legend_above(panels[0, column], len(groups))
        panels[-1, column].set_xlabel("round")
        panels[-1, column].xaxis.get_major_locator().set_params(integer=True)
    for axes, name in zip(panels[:, 0], quantities, strict=True):
        axes.set_ylabel(name)
    figure.align_ylabels(panels[:, 0])
    return figure


@in_paper_style
def sweep_figure(
    parameter: str, values: Mapping[str, float], summary: Mapping[str, Mapping[str, float]]
) -> Figure:
    """Draw emission and the operator's revenue against the value that a sweep varies.

    Parameters
    ----------
    parameter : str
        Name of the varied field with its unit, for the axis.
    values : mapping
        Its value in each case.
    summary : mapping
        Metrics of each case.
    """
    metrics = {"emission (tCO₂)": "emission_tco2", "DSO net revenue (CNY)": "dso_net_revenue_cny"}
    figure = Figure(figsize=(PAGE_WIDTH, 2.5))
    cases = sorted(values, key=lambda case: values[case])
    for axes, (name, metric) in zip(figure.subplots(1, 2), metrics.items(), strict=True):
        found = [summary.get(case, {}).get(metric, np.nan) for case in cases]
        axes.plot([values[case] for case in cases], found, color=BLUE, marker="o")
        axes.set_xlabel(parameter.replace("CO2", "CO₂"))
        axes.set_ylabel(name)
        axes.ticklabel_format(useOffset=False)
    return figure
