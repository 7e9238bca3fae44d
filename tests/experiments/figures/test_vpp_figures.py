"""Figures of a virtual power plant: what they show is what the tables say."""

from __future__ import annotations

import numpy as np
import pandas as pd

from gridarium.experiments.figures.grid_result import GridResult
from gridarium.experiments.figures.style import svg_bytes
from gridarium.experiments.figures.vpp import price_figure, region_figure, vpp_drawings
from gridarium.experiments.papers.green_vpp_figures import lcr_figure

REGIONS = ("region_1", "region_2")


def _rows(case: str, green: float, lowered: float) -> pd.DataFrame:
    """Three periods of two regions; the first one discharges twice, the second once."""
    rows = []
    for number, region in enumerate(REGIONS):
        for period, discharge in enumerate((0.0, 0.2, 0.1 if number == 0 else 0.0)):
            row = {"case": case, "agent": "vpp", "region": region, "period": period}
            row |= {"time": pd.Timestamp("2026-01-15") + pd.Timedelta(hours=period), "load_mw": 0.4}
            row |= {"charge_mw": 0.3 if period == 0 else 0.0, "discharge_mw": discharge}
            row |= {"green_mw": green * discharge, "green_discharge_mw": green * discharge}
            row |= {"initial_price_per_mwh": 40.0, "nodal_price_per_mwh": 40.0 - lowered * discharge}
            rows.append(row)
    return pd.DataFrame(rows)


def _texts(figure: object) -> list[str]:
    return [text.get_text() for axes in figure.axes for text in axes.texts]  # type: ignore[attr-defined]


def test_tables_of_regions_hold_energy_actions_and_sums() -> None:
    table = pd.concat([_rows("one", 0.5, 0.0), _rows("two", 1.0, 0.0)])
    assert _texts(region_figure(table, 1.0)) == [
        "0.15", "0.10", "0.25", "0.30", "0.20", "0.50",
        "1", "1", "2", "1", "1", "2",
        "2", "1", "3", "2", "1", "3",
    ]  # fmt: skip


def test_prices_are_drawn_of_the_first_case_in_which_green_discharge_lowers_them() -> None:
    table = pd.concat([_rows("flat", 0.5, 0.0), _rows("lowered", 0.5, 50.0)])
    tables = {"vpp_regions": table, "price_regions": table}
    found = list(vpp_drawings(GridResult("", tables, {}, {}, "CNY", 1.0)))
    assert [drawing.name for drawing in found] == ["vpp-regions", "vpp-prices"]
    assert found[1].caption.startswith("Case lowered, ")
    flat = {name: rows[rows["case"] == "flat"] for name, rows in tables.items()}
    assert [one.name for one in vpp_drawings(GridResult("", flat, {}, {}, "CNY", 1.0))] == ["vpp-regions"]
    assert list(vpp_drawings(GridResult("", {}, {}, {}, "CNY", 1.0))) == []


def test_prices_have_a_column_of_panels_for_each_region_and_the_same_bytes() -> None:
    table = _rows("lowered", 0.5, 50.0)
    figure = price_figure(table, "lowered", "CNY")
    assert len(figure.axes) == 2 * len(REGIONS)
    drawn = figure.axes[len(REGIONS)].patches[-1].get_data().values  # type: ignore[attr-defined]
    np.testing.assert_allclose(drawn, [40.0, 30.0, 35.0])
    assert svg_bytes(figure) == svg_bytes(price_figure(table, "lowered", "CNY"))


def test_the_indicator_is_drawn_of_cases_that_have_one() -> None:
    idle = {"lcr_vpp_share": 0.0, "lcr_share": 0.3, "lcr_idle_share": 0.3}
    paid = {"lcr_vpp_share": 0.0755, "lcr_share": 0.1396, "lcr_idle_share": 0.3}
    figure = lcr_figure({"idle": idle, "paid": paid})
    bars = [[bar.get_width() for bar in axes.patches] for axes in figure.axes]  # type: ignore[attr-defined]
    np.testing.assert_allclose(bars, [[0.0, 7.55], [30.0, 13.96]])
    np.testing.assert_allclose(figure.axes[1].lines[0].get_xdata(), [30.0, 30.0])
