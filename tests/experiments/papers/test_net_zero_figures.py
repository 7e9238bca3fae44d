"""What only the paper of model E has: this run beside its example and its stated hours."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from gridarium.experiments.papers import net_zero_example as paper
from gridarium.experiments.papers.net_zero_figures import drawings, example_figure, storage_hours_figure
from gridarium.experiments.results.result import Result

pytestmark = pytest.mark.filterwarnings("error")


def test_the_example_is_left_out_in_another_currency(short_run: Result) -> None:
    other = replace(short_run, scenario={**short_run.scenario, "currency": "eur"})
    assert "price-volume" in [drawing.name for drawing in drawings(short_run)]
    assert "price-volume" not in [drawing.name for drawing in drawings(other)]


def test_a_storage_in_use_is_drawn_beside_the_stated_hours(short_run: Result) -> None:
    storages = short_run.table("storages")
    used = replace(short_run, tables={**short_run.tables, "storages": storages.assign(p_discharge_mw=1.0)})
    assert [drawing.name for drawing in drawings(used)] == ["storage-hours", "price-volume"]


def test_the_papers_points_are_beside_ours(short_run: Result) -> None:
    trades = short_run.table("trades").query("product == 'p2p'")
    axes = example_figure(trades, 300.0).axes[0]
    ours, theirs = axes.collections
    np.testing.assert_allclose(theirs.get_offsets(), np.column_stack([paper.VOLUME_KWH, paper.PRICE_PER_KWH]))
    own = trades[(trades["case"] == "shared-storage") & (trades["seller"] == paper.SELLER)]
    own = own[own["buyer"] == paper.BUYER]
    np.testing.assert_allclose(
        ours.get_offsets(), np.column_stack([own["delivered_mwh"] * 1e3, own["price_per_mwh"] / 1e3])
    )
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("energy of the minute (kWh)", "price (USD/kWh)")


def test_the_hours_that_the_paper_states_are_shaded(short_run: Result) -> None:
    storages = short_run.table("storages").query("case == 'shared-storage'")
    axes = storage_hours_figure(storages).axes[0]
    # The day of this run is four hours long: later hours have no place on its axis.
    charges, steps = axes.patches
    assert (charges.get_x(), charges.get_width()) == (1.0, 3.0)
    np.testing.assert_allclose(steps.get_data().values, storages["p_discharge_mw"] - storages["p_charge_mw"])
