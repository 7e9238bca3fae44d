"""A pool of prosumers: their trade, who gains from it, fees of lines, and the provider's profit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
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
    cases_of,
    in_paper_style,
)
from gridarium.experiments.names.formatting import MONEY
from gridarium.experiments.reading.plain_yaml import Tree
from gridarium.experiments.results.records import Drawing
from gridarium.market.ladder import LadderTariff
from gridarium.market.messages.leasing import LeaseTerms

_LONGEST_H = 24.0
"""Trade over longer times is not drawn quarter by quarter."""


def pool_drawings(grid: GridResult) -> Iterator[Drawing]:
    """Yield the trade of prosumers, and who gains from it."""
    trades, pool, prosumers = grid.rows("trades", "prosumer"), grid.rows("pool"), grid.rows("prosumers")
    if trades is None or pool is None:
        return
    pool = pool[pool["case"].isin(trades["case"].unique())]
    if pool["period"].nunique() * grid.period_h <= _LONGEST_H:
        caption = "Trade over leased lines in each period. Shaded: what surplus and need allow."
        called = _called_mw(grid)
        if called is not None:
            pool = pool.merge(called, how="left")
            caption += " In the middle: what the operator called for, where it could."
        yield Drawing("pool", caption, pool_figure(pool, grid.period_h, grid.currency))
    if prosumers is not None and pool["welfare_bound_money"].sum() > 0.0:
        caption = "Who gains from the trade, and what is left of the best matching of every minute."
        yield Drawing("welfare", caption, welfare_figure(prosumers, pool))


def _called_mw(grid: GridResult) -> pd.DataFrame | None:
    """What an operator called the pool for in each case and period, mean MW; None where nobody did."""
    quarters = grid.rows("quarters")
    if quarters is None or not quarters["called_mw"].any():
        return None
    called = quarters[["case", "period"]].assign(called_mw=-quarters["called_mw"])
    return called[called["called_mw"].groupby(called["case"]).transform("any")]


def ladder_drawings(grid: GridResult) -> Iterator[Drawing]:
    """Yield the fees of leased lines on the first day of the first case that has any."""
    leases, trades = grid.rows("leases"), grid.rows("trades", "prosumer")
    if leases is None or trades is None:
        return
    first = leases.dropna(subset="base_fee_per_km_mwh").iloc[0]
    if lengths := _lengths_km(grid.sections[first["case"]]):
        caption = "Fee of a leased line over its length on the first day (E7), and the lines of this run."
        terms = LeaseTerms(*(float(first[name]) for name in LeaseTerms._fields))
        yield Drawing("ladder", caption, ladder_figure(terms, lengths, grid.currency))


def profit_drawings(grid: GridResult) -> Iterator[Drawing]:
    """Yield the profit of a provider of storage and lines over several days."""
    leases = grid.rows("leases")
    if leases is not None and leases["day"].nunique() > 1:
        caption = "Profit of the storage provider by source, and the fee of the first interval, day by day."
        yield Drawing("esp-profit", caption, profit_figure(leases, grid.currency))


def _lengths_km(section: Tree) -> dict[str, float]:
    """Length of every line by the two that it joins, and of those within a class of several."""
    lines = section.get("lines") or {}
    rows = lines.get("distance_km", {})
    found = {f"{one} to {other}": float(km) for one, row in rows.items() for other, km in row.items()}
    if any(one["count"] > 1 for one in section.get("prosumers", {}).values()):
        found["within a class"] = float(lines["within_km"])
    return found


@in_paper_style
def pool_figure(pool: pd.DataFrame, period_h: float, currency: str = MONEY) -> Figure:
    """Draw power and mean price of leased-line trade; shaded is what surplus and need allow.

    A column `called_mw` gets a row of its own.
    """
    possible = np.minimum(pool["surplus_mwh"], pool["need_mwh"]) / period_h
    table = pool.assign(possible_mw=possible, traded_mw=pool["traded_mwh"] / period_h)

    def power(axes: Axes, rows: pd.DataFrame, hours: Hours, look: Look, name: str) -> None:
        draw_reference(axes, rows["possible_mw"].to_numpy(dtype=float), hours, "possible")
        draw_steps(axes, rows["traded_mw"].to_numpy(dtype=float), hours, look, name)
        start_at_zero(axes)

    def of(column: str) -> DrawRow:
        def draw(axes: Axes, rows: pd.DataFrame, hours: Hours, look: Look, name: str) -> None:
            draw_steps(axes, rows[column].to_numpy(dtype=float), hours, look)
            start_at_zero(axes)

        return draw

    rows: dict[str, DrawRow] = {"traded (MW)": power}
    if "called_mw" in table:
        rows["called (MW)"] = of("called_mw")
    rows[f"price\n({currency}/MWh)"] = of("price_per_mwh")
    return lines_by_case(table, rows, height=1.8 * len(rows), ratios=(1.0,) * len(rows))[0]


@in_paper_style
def ladder_figure(terms: LeaseTerms, lengths_km: Mapping[str, float], currency: str = MONEY) -> Figure:
    """Draw the fee of a line over its length, the printed branches of the paper, and the lines of the run."""
    figure = Figure(figsize=(PAGE_WIDTH * 0.62, 2.5))
    axes = figure.subplots()
    base, interval_km, growth = terms
    ladder = LadderTariff(base, interval_km, growth)
    most_km = max([5.4 * interval_km, *(1.05 * km for km in lengths_km.values())])
    lengths = np.linspace(0.0, most_km, 400)
    axes.plot(lengths, ladder.cost(lengths), color=BLUE, label="ladder")
    axes.plot(lengths, base * lengths, color=GREY, linestyle="dashed", linewidth=0.9, label="without growth")
    steps = interval_km * np.arange(1.0, 6.0)
    axes.plot(
        steps, ladder.cost(steps), color=BLACK, marker="o", linestyle="none", label="end of an interval"
    )
    for place, (name, km) in enumerate(sorted(lengths_km.items(), key=lambda item: item[1])):
        fee = float(ladder.cost(km))
        axes.plot([km, km, 0.0], [0.0, fee, fee], color=ORANGE, linewidth=0.8, zorder=0.5)
        # A list in the corner below the curve: fees of lines may be next to each other.
        axes.annotate(
            f"{name}: {fee:.3g}", (1.0, 0.0), (-2.0, 3.0 + 8.5 * place), xycoords="axes fraction",
            textcoords="offset points", ha="right", fontsize=6.5,
        )  # fmt: skip
    axes.set_xlim(0.0, most_km)
    axes.set_ylim(bottom=0.0)
    axes.set_xlabel("length of the line (km)")
    axes.set_ylabel(f"fee ({currency}/MWh)")
    axes.legend(loc="upper left", bbox_to_anchor=(0.0, 1.0))
    return figure


_SOURCES = {
    "line_fees_money": ("line fees", PURPLE),
    "energy_margin_money": ("energy margin", ORANGE),
    "compensation_money": ("compensation", SKY),
    "degradation_money": ("degradation", GREY),
}
"""Sources of the provider's profit: column, name, colour."""


@in_paper_style
def profit_figure(leases: pd.DataFrame, currency: str = MONEY) -> Figure:
    """Draw the provider's profit by source and its base fee, day by day."""
    cases = cases_of(leases)
    figure = Figure(figsize=(PAGE_WIDTH, 3.3))
    panels = figure.subplots(
        2, len(cases), sharex=True, sharey="row", squeeze=False, gridspec_kw={"height_ratios": [1.3, 1.0]}
    )
    for column, case in enumerate(cases):
        rows = leases[leases["case"] == case]
        days = rows["day"].to_numpy() + 1
        above, below = np.zeros(len(rows)), np.zeros(len(rows))
        for name, (source, color) in _SOURCES.items():
            values = rows[name].to_numpy(dtype=float)
            if not values.any():
                continue
            starts = np.where(values < 0.0, below, above)
            panels[0, column].bar(days, values, bottom=starts, width=0.8, color=color, label=source)
            above, below = above + np.maximum(values, 0.0), below + np.minimum(values, 0.0)
        panels[0, column].axhline(0.0, color=BLACK, linewidth=0.6)
        edges = np.append(days - 0.5, days[-1] + 0.5)
        panels[1, column].stairs(
            rows["base_fee_per_km_mwh"], edges, baseline=None, color=BLACK, linewidth=1.3
        )
        panels[0, column].set_title(case)
        panels[1, column].set_xlabel("day")
        panels[1, column].xaxis.get_major_locator().set_params(integer=True)
    panels[0, 0].set_ylabel(f"provider's profit\n({currency}/day)")
    panels[1, 0].set_ylabel(f"base fee\n({currency}/(km MWh))")
    panels[1, 0].set_ylim(0.0, 1.08 * float(leases["base_fee_per_km_mwh"].max()))
    figure.align_ylabels(panels[:, 0])
    named: dict[str, Any] = {}
    for axes in panels[0]:
        handles, names = axes.get_legend_handles_labels()
        named |= dict(zip(names, handles, strict=True))
    figure.legend(named.values(), named.keys(), loc="outside upper center", ncols=4)
    return figure


@in_paper_style
def welfare_figure(prosumers: pd.DataFrame, pool: pd.DataFrame) -> Figure:
    """Draw what sellers and buyers gain and what is left unused, as shares of the best matching's welfare."""
    cases = [case for case in cases_of(pool) if pool[pool["case"] == case]["welfare_bound_money"].sum() > 0.0]
    money = prosumers.groupby("case")[["income_money", "fees_money", "value_money", "payments_money"]].sum()
    bound = pool.groupby("case")["welfare_bound_money"].sum()
    figure = Figure(figsize=(PAGE_WIDTH, 0.3 * len(cases) + 1.0))
    axes = figure.subplots()
    shares = {
        "sellers' gain": (money["income_money"] - money["fees_money"], ORANGE, ""),
        "buyers' gain": (money["value_money"] - money["payments_money"], GREEN, "////"),
    }
    start = np.zeros(len(cases))
    for name, (gain, color, hatch) in shares.items():
        part = (100.0 * gain / bound).loc[cases].to_numpy()
        axes.barh(
            cases, part, left=start, height=0.62, color=color, hatch=hatch, edgecolor="white", label=name
        )
        for place, (left, width) in enumerate(zip(start, part, strict=True)):
            if width > 6.0:
                axes.text(
                    left + width / 2.0, place, f"{width:.0f}", ha="center", va="center", fontsize=7,
                    bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.8},
                )  # fmt: skip
        start = start + part
    unused = np.maximum(100.0 - start, 0.0)
    axes.barh(
        cases, unused, left=start, height=0.62, color="white", edgecolor=PALE, hatch="xxxx", label="unused"
    )
    axes.invert_yaxis()
    axes.grid(axis="y", visible=False)
    axes.set_xlim(0.0, 100.0)
    axes.set_xlabel("share of the welfare of the best matching (%)")
    figure.legend(loc="outside upper center", ncols=3)
    return figure
