"""Figures of a system and its pool: drawn from the tables alone, with units and the numbers of the tables."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.text import Text

from gridarium.experiments.figures.dispatch import dispatch_figure
from gridarium.experiments.figures.drawings import drawings
from gridarium.experiments.figures.pool import ladder_figure, pool_figure, profit_figure, welfare_figure
from gridarium.experiments.figures.system import cost_figure, deviation_figure
from gridarium.experiments.papers import net_zero_figures
from gridarium.experiments.results.result import Result
from gridarium.experiments.telling.report import build_report
from gridarium.market.messages.leasing import LeaseTerms

pytestmark = pytest.mark.filterwarnings("error")

SYSTEM = ["costs", "marginal-price", "load", "dispatch", "capture", "deviation"]
POOL = ["pool", "welfare", "ladder"]
PAPER = ["price-volume"]


def test_a_run_has_the_figures_that_its_tables_allow(
    short_run: Result, bargaining_run: Result, folder_of: Callable[..., Result], tmp_path: Path
) -> None:
    # A storage that is never used, as in these hours and wherever nobody commands it, has no figure.
    assert [drawing.name for drawing in drawings(short_run)] == [*SYSTEM, *POOL]
    assert [drawing.name for drawing in net_zero_figures.drawings(short_run)] == PAPER
    assert [drawing.name for drawing in drawings(bargaining_run)] == ["dispatch", *POOL]
    assert [drawing.name for drawing in net_zero_figures.drawings(bargaining_run)] == ["price-volume"]
    for drawing in (*drawings(short_run), *net_zero_figures.drawings(short_run)):
        assert drawing.caption.endswith(".")
    folder_of(short_run, tmp_path / "run", build_report)
    drawn = {file.stem: file.read_bytes() for file in (tmp_path / "run" / "figures").iterdir()}
    assert set(drawn) == {*SYSTEM, *POOL, *PAPER}
    assert all(content.startswith(b"<?xml") for content in drawn.values())


def test_money_is_shown_in_the_currency_of_the_scenario(short_run: Result) -> None:
    assert short_run.currency_code == "USD"
    texts = [text.get_text() for one in drawings(short_run) for text in one.figure.findobj(Text)]
    assert any("USD" in text for text in texts)
    assert not [text for text in texts if "money" in text.lower()]
    units = {certificate.unit for certificate in short_run.certificates}
    assert {"USD", "USD/MWh"} <= units
    assert not [unit for unit in units if "money" in unit]
    assert not [claim for claim in short_run.claims if "money" in str(claim.measured)]


def test_figures_say_the_currency_of_another_scenario(short_run: Result) -> None:
    other = replace(short_run, scenario={**short_run.scenario, "currency": "eur"})
    texts = [text.get_text() for one in drawings(other) for text in one.figure.findobj(Text)]
    assert any("EUR" in text for text in texts)
    assert not [text for text in texts if "USD" in text]


def test_the_stack_adds_up_to_demand_and_charging(short_run: Result) -> None:
    table = short_run.table("dispatch")
    rows = table[table["case"] == "shared-storage"]
    panel = dispatch_figure(rows).axes[0]
    areas = {patch.get_label(): patch.get_data() for patch in panel.patches}
    supply = rows.groupby("period")["p_supply_mw"].sum().to_numpy()
    top = max(areas[name].values.max() for name in areas if name not in ("demand", "curtailed"))
    assert top == pytest.approx(supply.max())
    demand = (
        rows[rows["kind"].isin(["load", "flexible_load", "prosumer"])].groupby("period")["p_demand_mw"].sum()
    )
    np.testing.assert_allclose(areas["demand"].values, demand)


def test_costs_are_those_of_the_summary(short_run: Result) -> None:
    left, right = cost_figure(short_run.summary, "USD").axes
    totals = [metrics["total_cost_money"] / 1e3 for metrics in short_run.summary.values()]
    np.testing.assert_allclose(left.lines[0].get_xdata(), totals)
    np.testing.assert_allclose(right.lines[0].get_xdata(), np.array(totals) - totals[0], atol=1e-9)
    assert left.get_xlabel() == "cost (thousand USD)"


def test_deviation_is_shaded_before_and_drawn_after(short_run: Result) -> None:
    rows = short_run.table("quarters").query("case == 'capture'")
    before, after = (patch.get_data().values for patch in deviation_figure(rows).axes[0].patches)
    np.testing.assert_allclose(before, rows["deviation_mw"])
    np.testing.assert_allclose(after, rows["left_mw"])


def test_the_ladder_has_the_printed_branches_and_the_lines_of_the_run() -> None:
    axes = ladder_figure(LeaseTerms(1.0, 50.0, 0.25), {"p1 to p3": 60.0}).axes[0]
    (points,) = [line for line in axes.lines if line.get_label() == "end of an interval"]
    np.testing.assert_allclose(points.get_ydata(), [50.0, 112.5, 187.5, 275.0, 375.0])
    assert [text.get_text() for text in axes.texts] == ["p1 to p3: 62.5"]


def test_the_pool_is_drawn_in_mean_powers(short_run: Result) -> None:
    rows = short_run.table("pool").query("case == 'shared-storage'")
    power = pool_figure(rows, 0.25).axes[0]
    traded = power.patches[-1].get_data().values
    np.testing.assert_allclose(traded, rows["traded_mwh"] * 4.0)
    assert power.get_ylabel() == "traded (MW)"
    # What an operator called for has a row of its own.
    called = pool_figure(rows.assign(called_mw=np.arange(len(rows), dtype=float)), 0.25).axes
    assert [axes.get_ylabel() for axes in called][1] == "called (MW)"
    np.testing.assert_allclose(called[1].patches[-1].get_data().values, np.arange(len(rows)))


def test_profits_of_any_number_of_days_and_cases() -> None:
    days = np.arange(15)
    leases = pd.concat(
        pd.DataFrame(
            {
                "case": case,
                "day": days,
                "base_fee_per_km_mwh": 0.2 + 0.1 * days,
                "line_fees_money": 100.0 + days,
                "energy_margin_money": 50.0,
                "compensation_money": 20.0,
                "degradation_money": -20.0,
            }
        )
        for case in ("fixed", "profit-search")
    )
    figure = profit_figure(leases, "USD")
    heights = [bar.get_height() for bar in figure.axes[0].containers[0]]
    np.testing.assert_allclose(heights, 100.0 + days)
    below = figure.axes[0].containers[3]
    assert {bar.get_height() for bar in below} == {-20.0}
    assert figure.axes[2].get_ylabel() == "base fee\n(USD/(km MWh))"


def test_shares_of_welfare_add_up_to_the_best_matching(short_run: Result) -> None:
    axes = welfare_figure(short_run.table("prosumers"), short_run.table("pool")).axes[0]
    widths = np.array([[bar.get_width() for bar in container] for container in axes.containers])
    np.testing.assert_allclose(widths.sum(axis=0), 100.0)
    assert [label.get_text() for label in axes.get_yticklabels()] == ["shared-storage", "decentralised"]
