"""Paired differences of a study: tables against t intervals, figures and sentences against the tables."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from gridarium.experiments.sweeps.changes import changes
from gridarium.experiments.sweeps.design import Design, DesignSpec, sample
from gridarium.experiments.sweeps.drawings import change_drawings, distribution_drawings
from gridarium.experiments.sweeps.effects import effects
from gridarium.experiments.sweeps.factorial import factorial_effects
from gridarium.experiments.sweeps.factors import Factor, ValueList, ValueRange
from gridarium.experiments.sweeps.narrative import study_narrative
from gridarium.experiments.sweeps.statistics import summarise_sweep

pytestmark = pytest.mark.filterwarnings("error")

LATE, LOST = Factor("latency_s", ValueList((0, 1, 5))), Factor("loss", ValueList((0.0, 0.2)))
GRID = sample([LATE, LOST], DesignSpec("full-factorial"))
LEVELS = sample([Factor("bounded", ValueList(("nobody", "half", "all")))], DesignSpec("one-at-a-time"))
DAYS = sample([Factor("wind", ValueRange(0.0, 1.0))], DesignSpec("latin-hypercube", 40))


def results(design: Design, cases: tuple[str, ...] = ("base",), n: int = 5) -> pd.DataFrame:
    """A cost that rises with the point and the case, on draws that shift it by far more."""
    random = np.random.default_rng(4)
    shift = 1000.0 * np.arange(max(n, len(design.points)))
    rows = [
        {"point": point, "replication": draw, "case": case, "still": 1.0}
        | {"cost_money": shift[draw + point * (n == 1)] + 2.0 * point + 3.0 * number + random.normal()}
        for draw in range(n)
        for point in range(len(design.points))
        for number, case in enumerate(cases)
    ]
    return pd.DataFrame(rows).join(design.points, on="point")


def test_changes_are_paired_by_draw() -> None:
    rows = results(GRID)
    found = changes(rows, GRID, ["base"], ["cost_money"])
    assert [row["point"] for row in found] == [1, 2, 3, 4, 5]
    wide = rows.pivot(index="replication", columns="point", values="cost_money")
    for row in found:
        expected = stats.ttest_rel(wide[row["point"]], wide[0])
        interval = expected.confidence_interval(0.95)
        assert row["mean_difference"] == pytest.approx((wide[row["point"]] - wide[0]).mean())
        assert (row["low"], row["high"]) == pytest.approx((interval.low, interval.high))
        assert row["p_t"] == pytest.approx(expected.pvalue)
        assert {"latency_s": row["latency_s"], "loss": row["loss"]} == GRID.points.loc[row["point"]].to_dict()


def test_a_grid_of_two_factors_is_drawn_as_changes() -> None:
    told = changes(results(GRID), GRID, ["base"], ["cost_money", "still"])
    (drawing,) = change_drawings({"changes": told}, ["still", "cost_money"], GRID, "CNY")
    (axes,) = [one for one in drawing.figure.axes if one.get_visible()]
    lines = [line.get_ydata() for line in axes.lines if line.get_marker() in "s^"]
    by_point = {row["point"]: row["mean_difference"] for row in told if row["metric"] == "cost_money"}
    assert np.concatenate(lines) == pytest.approx(
        [0.0, by_point[2], by_point[4], *map(by_point.get, (1, 3, 5))]
    )
    assert axes.get_ylabel().replace("\n", " ") == "change of cost (CNY)"


def test_levels_with_names_stand_below_each_other() -> None:
    told = effects(results(LEVELS), LEVELS, ["base"], ["cost_money", "still"])
    (drawing,) = change_drawings({"effects": told}, ["cost_money", "still"], LEVELS)
    axes = drawing.figure.axes[0]
    assert [text.get_text() for text in axes.get_yticklabels()] == ["half", "all"]
    drawn = sorted(float(x) for line in axes.lines if line.get_marker() == "o" for x in line.get_xdata())
    sizes = [row["mean_difference"] for row in told if row["metric"] == "cost_money"]
    assert drawn == pytest.approx(sorted(sizes))
    assert "against nobody" in drawing.caption


def test_random_days_are_drawn_as_distributions_and_differences() -> None:
    rows = results(DAYS, ("on", "off"), n=1)
    (drawing,) = distribution_drawings(rows, ["still", "cost_money"], DAYS)
    left, right = drawing.figure.axes
    counted = [sum(patch.get_height() for patch in right.patches)]
    assert counted == [40.0]
    means = rows.groupby("case")["cost_money"].mean()
    drawn = [line.get_xdata()[0] for line in left.lines]
    assert drawn == pytest.approx([means["on"], means["off"]])
    assert list(distribution_drawings(results(GRID), ["cost_money"], GRID)) == []


def test_sentences_tell_what_is_told_apart_from_nothing() -> None:
    grid = {"changes": changes(results(GRID), GRID, ["base"], ["cost_money", "still"])}
    levels = {"effects": effects(results(LEVELS), LEVELS, ["base"], ["cost_money", "still"])}
    (first, second) = study_narrative(grid | {"means": []}, ["cost_money", "still"], "CNY")
    assert first.about == "cost (CNY)"
    assert first.text.startswith(
        "Against the first point in base, mean of 5 draws: latency (s) 5, loss 0.2 +"
    )
    assert "5 of 5 not told apart from 0" in second.text
    (told, _) = study_narrative(levels, ["cost_money", "still"])
    largest = max(levels["effects"], key=lambda row: abs(row["mean_difference"]))
    assert told.text.startswith(f"Against nobody in base, mean of 5 draws: {largest['value']} +")
    rows = results(DAYS, ("on", "off"), n=1)
    pairs = summarise_sweep(rows, ["wind"], ["on", "off"], ["cost_money"], DAYS)
    (said,) = study_narrative(pairs, ["cost_money"])
    assert said.text.startswith("on less off: -") and said.text.endswith("in the mean of 40 draws.")


def test_sentences_of_a_factorial_part_the_variation() -> None:
    names = ("pool", "trade")
    two = sample([Factor(name, ValueList(("off", "on"))) for name in names], DesignSpec("full-factorial"))
    told = factorial_effects(results(two), two, ["base"], ["cost_money"])
    mains, others = study_narrative({"factorial": told}, ["cost_money"])
    assert "pool +" in mains.text and "trade +" in mains.text
    assert others.text.startswith("0 of 1 interactions have an interval without 0 (by chance 0.05).")
    assert "main effects 9" in others.text
