"""Figures of a TIES: any number of cases and followers, what is drawn is what the tables say."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from gridarium.experiments.figures.carbon_game import (
    carbon_game_drawings,
    carbon_price_figure,
    round_figure,
    scheme_figure,
)
from gridarium.experiments.figures.dispatch import dispatch_drawings
from gridarium.experiments.figures.grid_result import GridResult
from gridarium.experiments.figures.rounds import round_drawings
from gridarium.experiments.figures.style import svg_bytes
from tests.support.ries_small import known_of_night

pytestmark = pytest.mark.filterwarnings("error")

CASES = ("none", "fixed", "full")
BARS = {"emission_tco2": (100.0, 97.0, 95.0), "ties_cost_money": (50.0, 48.0, 47.0)}


def result(*cases: str) -> GridResult:
    known = [known_of_night(case).tables for case in cases]
    tables = {name: pd.concat([one[name] for one in known]) for name in known[0]}
    summary = {
        case: {name: values[place] for name, values in BARS.items()} | {"resource_cost_money": 10.0 + place}
        for place, case in enumerate(cases)
    }
    return GridResult("bulk", tables, summary, {case: {} for case in cases}, "USD", 1.0)


def test_a_ties_draws_rounds_prices_and_schemes_and_no_rounds_of_a_feeder() -> None:
    grid = result(*CASES)
    drawn = {drawing.name: drawing for drawing in carbon_game_drawings(grid)}
    assert list(drawn) == ["rounds", "carbon-prices", "schemes"]
    for drawing in drawn.values():
        assert svg_bytes(drawing.figure).startswith(b"<?xml")
    assert list(round_drawings(grid)) == []


def test_one_case_without_prices_has_rounds_alone() -> None:
    assert [one.name for one in carbon_game_drawings(result("none"))] == ["rounds"]


def test_every_round_of_the_first_day_has_its_distance() -> None:
    rounds = known_of_night("full").tables["rounds"]
    later = rounds.assign(day=1, price_change=1.0)
    line = round_figure(pd.concat([rounds, later])).axes[0].lines[0]
    assert np.asarray(line.get_ydata()) == pytest.approx(rounds["price_change"].to_numpy())
    assert np.asarray(line.get_xdata()).tolist() == rounds["round"].tolist()


@pytest.mark.parametrize(
    ("kind", "names"),
    [("prices", ("price distance", "load change")), ("exchange", ("dual residual", "primal residual"))],
)
def test_what_counts_as_rest_is_a_line_and_distances_go_by_the_kind_of_rounds(
    kind: str, names: tuple[str, str]
) -> None:
    asked = {"ties": {"rounds": {"kind": kind, "tolerance": 2e-3}}}
    grid = replace(result("none", "full"), sections=dict.fromkeys(("none", "full"), asked))
    drawing = next(carbon_game_drawings(grid))
    axes = drawing.figure.axes
    assert [one.get_ylabel().split("\n")[0] for one in axes] == list(names)
    for one in axes:
        *cases, rest = one.lines
        assert len(cases) == 2 and list(rest.get_ydata()) == [2e-3, 2e-3]
    assert ("Residuals" in drawing.caption) == (kind == "exchange")


def test_followers_are_told_their_own_prices_and_none_is_cut_off() -> None:
    told = pd.concat([known_of_night(case).tables["personal_carbon"] for case in CASES])
    axes = [one for one in carbon_price_figure(told).axes if one.get_title("left")]
    assert [one.get_title("left") for one in axes] == ["fixed", "full"]
    for panel in axes:
        names = [patch.get_label() for patch in panel.patches]
        assert names == ["residential", "commercial", "industrial"]
        assert panel.get_ylim()[1] >= told["first_price_per_tco2"].max()


def test_bars_are_changes_against_the_first_case() -> None:
    panels = scheme_figure(result(*CASES).summary).axes
    for axes, values in zip(panels, BARS.values(), strict=False):
        widths = [patch.get_width() for patch in axes.patches]
        assert widths == pytest.approx([100.0 * (value / values[0] - 1.0) for value in values])


def test_the_dispatch_has_the_demand_before_the_response() -> None:
    (drawing,) = dispatch_drawings(result("full"))
    axes = drawing.figure.axes[0]
    lines = {patch.get_label(): patch.get_data().values for patch in axes.patches}
    loads = known_of_night("full").tables["loads"].groupby("period")[["p_base_mw", "p_metered_mw"]].sum()
    assert lines["demand before the response"] - lines["demand"] == pytest.approx(
        (loads["p_base_mw"] - loads["p_metered_mw"]).to_numpy(), abs=1e-9
    )
    assert "region" not in lines and "Dotted" in drawing.caption
