"""An edge controller: voltages that left the band with and without its corrections, and takeovers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gridarium.experiments.figures.grid_result import GridResult
from gridarium.experiments.figures.style import (
    BLACK,
    BLUE,
    GREY,
    ORANGE,
    PAGE_WIDTH,
    PALE,
    VERMILLION,
    in_paper_style,
)
from gridarium.experiments.results.records import Drawing

MOST_ROWS = 24
"""Of a panel; of more events the worst are drawn."""
LIMIT_S = 0.5
"""Time in which a standby has to deliver, s (Processes 2025, 13(11), 3749, section 3.3)."""


def edge_drawings(grid: GridResult) -> Iterator[Drawing]:
    """Yield excursions of voltages, and takeovers, where an edge controller has had to do with any."""
    excursions, failovers = grid.rows("excursions"), grid.rows("failovers")
    if excursions is not None:
        caption = (
            "Excursions of voltage within a period: the worst bus right before the next telemetry, with and "
            "without the corrections of fast units, by AC power flow; and how long all buses took to be back."
        )
        band = {case: _band_pu(grid, case) for case in excursions["case"].unique()}
        yield Drawing("excursions", caption, excursion_figure(_worst(excursions, "outside_s"), band))
    taken = None if failovers is None else failovers.dropna(subset=["failover_s"])
    if taken is not None and len(taken):
        caption = (
            "Takeovers: from a failure until the standby delivers, by missed heartbeats, and as it would be "
            "had the next telemetry told of the failure. Dashed: 0.5 s."
        )
        yield Drawing("failovers", caption, failover_figure(_worst(taken, "failover_s")))


def _band_pu(grid: GridResult, case: str) -> tuple[float, float]:
    network = grid.sections[case]["network"]
    return float(network["voltage_min_pu"]), float(network["voltage_max_pu"])


def _worst(rows: pd.DataFrame, by: str) -> pd.DataFrame:
    """The rows with the largest values, in the order of the table; those without a value are the worst."""
    ranked = rows[by].fillna(np.inf).sort_values(ascending=False, kind="stable")
    return rows.loc[ranked.index[:MOST_ROWS].sort_values()]


@in_paper_style
def excursion_figure(rows: pd.DataFrame, band_pu: Mapping[str, tuple[float, float]]) -> Figure:
    """Draw a row for each excursion.

    Parameters
    ----------
    rows : DataFrame
        Of the table `excursions`.
    band_pu : mapping of str to (float, float)
        By case.
    """
    figure = Figure(figsize=(PAGE_WIDTH, 0.16 * len(rows) + 1.0))
    voltages, times = figure.subplots(1, 2, sharey=True, gridspec_kw={"width_ratios": [2.0, 1.0]})
    places = np.arange(len(rows), dtype=float)
    above = rows["before_pu"].to_numpy() >= 1.0
    limits = np.array([band_pu[case][int(high)] for case, high in zip(rows["case"], above, strict=True)])
    without, corrected = (
        1000.0 * np.where(above, rows[name] - limits, limits - rows[name])
        for name in ("without_pu", "with_pu")
    )
    voltages.hlines(places, corrected, without, color=GREY, linewidth=0.8)
    voltages.plot(without, places, "o", color=VERMILLION, label="without correction")
    voltages.plot(corrected, places, "D", color=BLUE, label="with correction")
    voltages.axvline(0.0, color=BLACK, linewidth=0.8, linestyle="--")
    voltages.set_xlabel("voltage beyond the limit of the band (0.001 p.u.)")
    events = rows[["case", "bus", "from_s"]].itertuples(index=False)
    _name_rows(voltages, [f"{case}, bus {bus}, {_clock(from_s)}" for case, bus, from_s in events])
    times.plot(rows["outside_s"], places, "o", color=BLUE)
    times.plot(
        rows["telemetry_s"] - rows["from_s"], places, "|", color=BLACK, markersize=9, label="next telemetry"
    )
    _in_seconds(times)
    times.set_xlabel("until back in the band (s)")
    handles = [*voltages.get_legend_handles_labels()[0], *times.get_legend_handles_labels()[0]]
    figure.legend(handles=handles, loc="outside upper left", ncols=3)
    return figure


@in_paper_style
def failover_figure(rows: pd.DataFrame) -> Figure:
    """Draw a row for each takeover, of the table `failovers`."""
    figure = Figure(figsize=(0.75 * PAGE_WIDTH, 0.16 * len(rows) + 0.9))
    axes = figure.subplots()
    places = np.arange(len(rows), dtype=float)
    axes.hlines(places, rows["failover_s"], rows["polled_s"], color=PALE, linewidth=0.8)
    axes.plot(rows["failover_s"], places, "o", color=BLUE, label="heartbeats")
    axes.plot(rows["polled_s"], places, "D", color=ORANGE, label="telemetry alone")
    axes.axvline(LIMIT_S, color=BLACK, linewidth=0.8, linestyle="--")
    _in_seconds(axes)
    axes.set_xlabel("from failure to takeover (s)")
    _name_rows(axes, [f"{case}, {unit}" for case, unit in rows[["case", "unit"]].itertuples(index=False)])
    figure.legend(loc="outside upper left", ncols=2)
    return figure


def _clock(t_s: float) -> str:
    """Hours and minutes since the start of the first period."""
    minutes = int(t_s // 60.0)
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def _in_seconds(axes: Axes) -> None:
    axes.set_xscale("log")
    axes.set_xlim(0.1, 100.0)
    axes.set_xticks([0.1, 1.0, 10.0, 100.0], ["0.1", "1", "10", "100"])


def _name_rows(axes: Axes, names: list[str]) -> None:
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
