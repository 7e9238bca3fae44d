"""Storages of a grid: what they hold, and what they charge and discharge."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd
from matplotlib.figure import Figure

from gridarium.experiments.figures.case_lines import DrawRow, draw_level, draw_power, lines_by_case
from gridarium.experiments.figures.grid_result import GridResult
from gridarium.experiments.figures.style import in_paper_style
from gridarium.experiments.results.records import Drawing


def storage_drawings(grid: GridResult) -> Iterator[Drawing]:
    """Yield the storages of a grid, if any of them is ever used."""
    storages = grid.rows("storages")
    if storages is None or not is_used(storages):
        return
    caption = "All storages: energy at the end of each period, and power, positive where they discharge."
    if _has_pool(storages):
        caption += " Below: what the virtual carbon pools hold."
    yield Drawing("storage", caption, storage_figure(storages))


def is_used(storages: pd.DataFrame) -> bool:
    """Tell whether any storage charges or discharges; powers below a watt are noise of solvers."""
    return bool((storages[["p_charge_mw", "p_discharge_mw"]] > 1e-6).to_numpy().any())


def _has_pool(storages: pd.DataFrame) -> bool:
    return "pool_tco2" in storages and bool(storages["pool_tco2"].fillna(0.0).any())


@in_paper_style
def storage_figure(storages: pd.DataFrame) -> Figure:
    """Draw the energy of all storages, their power, and their virtual carbon pools where there are any."""
    power = storages["p_discharge_mw"] - storages["p_charge_mw"]
    columns = ["e_mwh", "power_mw", *(["pool_tco2"] if _has_pool(storages) else [])]
    table = storages.assign(power_mw=power)
    table = table.groupby(["case", "period", "time"], sort=False, as_index=False)[columns].sum()
    rows: dict[str, DrawRow] = {
        "stored energy\n(MWh)": draw_level("e_mwh", from_zero=True),
        "discharge\n(MW)": draw_power("power_mw"),
    }
    if "pool_tco2" in columns:
        rows["carbon pool\n(tCO₂)"] = draw_level("pool_tco2")
    return lines_by_case(table, rows, height=0.7 + 1.25 * len(rows), ratios=(1.0,) * len(rows))[0]
