"""A feeder as a map: its tree, with carbon intensity and lowest voltage of every bus."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from gridarium.experiments.figures.grid_result import GridResult
from gridarium.experiments.figures.style import GREY, PAGE_WIDTH, cases_of, in_paper_style
from gridarium.experiments.results.records import Drawing

_MOST_LABELS = 60


def network_drawings(grid: GridResult) -> Iterator[Drawing]:
    """Yield a map of each case, where there is more than one bus."""
    buses, branches = grid.rows("buses"), grid.rows("branches")
    if buses is None or branches is None:
        return
    for case in cases_of(buses):
        caption = f"Network, case {case}: load-weighted carbon intensity and lowest voltage of the day."
        yield Drawing(f"feeder-{case}", caption, network_map(buses, branches, case))


@in_paper_style
def network_map(buses: pd.DataFrame, branches: pd.DataFrame, case: str, period: int | None = None) -> Figure:
    """Draw the feeder of one case twice: by carbon intensity and by lowest voltage.

    Parameters
    ----------
    buses, branches : DataFrame
        Tables of the run, all cases: one scale of colours serves them all.
    case : str
        The case to draw.
    period : int, optional
        Period whose intensity is shown; the load-weighted mean of all periods by default.
    """
    intensity = _intensity(buses, period)
    lowest = buses.groupby(["case", "bus"], sort=False)["vm_pu"].min()
    rows = buses[buses["case"] == case].drop_duplicates("bus").set_index("bus")[["x", "y"]]
    lines = branches[branches["case"] == case].drop_duplicates("branch")
    figure = Figure(figsize=(PAGE_WIDTH, 2.9))
    left, right = figure.subplots(1, 2)
    when = "load-weighted mean" if period is None else f"period {period}"
    _draw(left, rows, lines, intensity, case, f"carbon intensity, {when} (tCO₂/MWh)", "cividis")
    _draw(right, rows, lines, lowest, case, "lowest voltage (p.u.)", "viridis")
    return figure


def _intensity(buses: pd.DataFrame, period: int | None) -> pd.Series[Any]:
    """Return the mean carbon intensity of what is drawn, by case and bus; nan where nothing is."""
    if period is not None:
        buses = buses[buses["period"] == period]
    keys = [buses["case"], buses["bus"]]
    intensity, load = buses["carbon_intensity_tco2_per_mwh"], buses["p_load_mw"]
    weighted = (intensity * load).groupby(keys, sort=False).sum()
    total = load.where(intensity.notna(), 0.0).groupby(keys, sort=False).sum()
    return (weighted / total).where(total > 0.0)


def _draw(
    axes: Axes,
    places: pd.DataFrame,
    lines: pd.DataFrame,
    values: pd.Series[Any],
    case: str,
    title: str,
    colours: str,
) -> None:
    scale = Normalize(values.min(), values.max()) if values.notna().any() else Normalize(0.0, 1.0)
    shown = values.loc[case].reindex(places.index)
    ends = [places.loc[lines[side], ["x", "y"]].to_numpy() for side in ("from_bus", "to_bus")]
    axes.add_collection(LineCollection(list(np.stack(ends, axis=1)), colors=GREY, linewidths=0.9, zorder=1))
    size = float(np.clip(1600 / max(len(places), 1), 9, 46))
    markers = np.where(np.arange(len(places)) == 0, "s", "o")
    for marker in ("s", "o"):
        chosen = places[markers == marker]
        dots = axes.scatter(
            chosen["x"],
            chosen["y"],
            c=shown[markers == marker].to_numpy(dtype=float),
            cmap=colormaps[colours].with_extremes(bad="white"),
            norm=scale,
            s=size * (1.6 if marker == "s" else 1.0),
            marker=marker,
            edgecolors="black",
            linewidths=0.4,
            plotnonfinite=True,
            zorder=2,
        )
    if len(places) <= _MOST_LABELS:
        for bus, place in places.iterrows():
            axes.annotate(
                str(bus),
                (place["x"], place["y"]),
                (0, 0.6 * size**0.5 + 1.2),
                textcoords="offset points",
                ha="center",
                fontsize=5.5,
                parse_math=False,
                bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.2},
                zorder=1.5,
            )
    axes.set_axis_off()
    axes.margins(0.06, 0.14)
    bar = axes.figure.colorbar(dots, ax=axes, orientation="horizontal", fraction=0.06, pad=0.02, aspect=40)
    bar.set_label(title)
    bar.outline.set_linewidth(0.5)
