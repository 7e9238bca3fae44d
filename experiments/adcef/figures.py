"""Figures of a run of model C, drawn from its tables alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gridarium.experiments.case_lines import draw_reference, draw_steps, lines_by_case, start_at_zero
from gridarium.experiments.dispatch_stack import Layer, Stack, stack_figure
from gridarium.experiments.figure_style import (
    BLUE,
    GREEN,
    LOOKS,
    ORANGE,
    PAGE_WIDTH,
    PALE,
    SKY,
    VERMILLION,
    Hours,
    Look,
    cases_of,
    in_paper_style,
    legend_above,
    panels_of,
    shared_panels,
    short_names,
)
from gridarium.experiments.formatting import MONEY

_STACK = Stack(
    supply=(
        Layer("renewable", "renewable", GREEN),
        Layer("gas_turbine", "gas turbines", ORANGE, "////"),
        Layer("storage", "storage discharge", SKY, "...."),
        Layer("head", "grid import", PALE),
    ),
    curtailed="renewable",
    withdrawal=(Layer("storage", "storage charge", BLUE), Layer("head", "grid export", VERMILLION)),
    demand=("consumer", "grid_below"),
)


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
def load_figure(loads: pd.DataFrame) -> Figure:
    """Draw the load of all consumers before and after their response, and the difference."""
    powers = ["p_base_mw", "p_metered_mw"]
    total = loads.groupby(["case", "period", "time"], sort=False, as_index=False)[powers].sum()

    def load(axes: Axes, rows: pd.DataFrame, hours: Hours, look: Look, name: str) -> None:
        draw_reference(axes, rows["p_base_mw"].to_numpy(), hours, "before the response")
        draw_steps(axes, rows["p_metered_mw"].to_numpy(), hours, look, name)
        start_at_zero(axes)

    def change(axes: Axes, rows: pd.DataFrame, hours: Hours, look: Look, name: str) -> None:
        draw_steps(axes, (rows["p_metered_mw"] - rows["p_base_mw"]).to_numpy(), hours, look)

    rows = {"load (MW)": load, "change (MW)": change}
    return lines_by_case(total, rows, height=3.6, ratios=(1.4, 1.0))[0]


@in_paper_style
def storage_figure(storages: pd.DataFrame) -> Figure:
    """Draw the energy of all storage units and the virtual carbon pool at the end of every period."""
    levels = ["e_mwh", "pool_tco2"]
    table = storages.groupby(["case", "period", "time"], sort=False, as_index=False)[levels].sum()

    def level(column: str) -> Callable[[Axes, pd.DataFrame, Hours, Look, str], None]:
        def draw(axes: Axes, rows: pd.DataFrame, hours: Hours, look: Look, name: str) -> None:
            values = rows[column].to_numpy(dtype=float)
            axes.plot(hours.ends, values, label=name, **look.line)
            if column == "e_mwh":
                start_at_zero(axes)

        return draw

    rows = {"stored energy\n(MWh)": level("e_mwh"), "carbon pool\n(tCO₂)": level("pool_tco2")}
    return lines_by_case(table, rows, height=3.4, ratios=(1.0, 1.0))[0]


@in_paper_style
def dispatch_figure(dispatch: pd.DataFrame) -> Figure:
    """Draw supply as a stack over time with demand as a line, charging below zero, curtailment on top."""
    return stack_figure(dispatch, _STACK)


@in_paper_style
def residual_figure(rounds: pd.DataFrame, currency: str = MONEY) -> Figure:
    """Draw on a logarithmic axis how much prices and loads still changed in each round of negotiation."""
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
    parameter: str,
    values: Mapping[str, float],
    summary: Mapping[str, Mapping[str, float]],
    currency: str = MONEY,
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
    currency : str
        Code of the currency.
    """
    metrics = {"emission (tCO₂)": "emission_tco2", f"DSO net revenue ({currency})": "dso_net_revenue_money"}
    figure = Figure(figsize=(PAGE_WIDTH, 2.5))
    cases = sorted(values, key=lambda case: values[case])
    for axes, (name, metric) in zip(figure.subplots(1, 2), metrics.items(), strict=True):
        found = [summary.get(case, {}).get(metric, np.nan) for case in cases]
        axes.plot([values[case] for case in cases], found, color=BLUE, marker="o")
        axes.set_xlabel(parameter.replace("CO2", "CO₂"))
        axes.set_ylabel(name)
        axes.ticklabel_format(useOffset=False)
    return figure
