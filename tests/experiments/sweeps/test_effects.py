"""Effects of one factor at a time: the points, paired differences, and signs against those expected."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from scipy import stats

from gridarium.environment.errors import ScenarioError
from gridarium.experiments.sweeps.comparisons import compare_pairs
from gridarium.experiments.sweeps.design import DesignSpec, design_size, sample
from gridarium.experiments.sweeps.effects import ExpectedSign, effects, seen, verdict
from gridarium.experiments.sweeps.factors import Factor, ValueList
from gridarium.experiments.sweeps.study import load_study
from tests.support.sweep_here import sweep_here

PRICE, SIZE = Factor("price", ValueList((12, 4, 36))), Factor("size", ValueList((140.0, 40.0)))
DESIGN = sample([PRICE, SIZE], DesignSpec("one-at-a-time"))


def test_each_point_differs_from_the_first_in_one_factor() -> None:
    assert design_size([PRICE, SIZE], DESIGN.spec) == 4
    points = [tuple(row) for row in DESIGN.points.itertuples(index=False)]
    assert points == [(12, 140.0), (4, 140.0), (36, 140.0), (12, 40.0)]
    assert DESIGN.unit.tolist() == [[0.0, 0.0], [0.5, 0.0], [1.0, 0.0], [0.0, 1.0]]


def results(cost_of: dict[int, float], noise: float = 0.3) -> pd.DataFrame:
    """Ten replications whose draws are the same at all points but for some noise."""
    random = np.random.default_rng(5)
    draws = 100.0 * random.random(10)
    return pd.DataFrame(
        [
            {
                "point": point,
                "replication": replication,
                "case": "base",
                "cost": draws[replication] + cost_of[point] + noise * random.standard_normal(),
                "load": draws[replication],
            }
            for point in range(4)
            for replication in range(10)
        ]
    )


RESULTS = results({0: 0.0, 1: -5.0, 2: 8.0, 3: 0.0})


def test_differences_are_paired_and_their_interval_is_that_of_scipy() -> None:
    found = effects(RESULTS, DESIGN, ["base"], ["cost"])
    assert [(row["factor"], row["against"], row["value"]) for row in found] == [
        ("price", 12, 4),
        ("price", 12, 36),
        ("size", 140.0, 40.0),
    ]
    wide = RESULTS.pivot(index="replication", columns="point", values="cost")
    for row, point in zip(found, (1, 2, 3), strict=True):
        exact = stats.ttest_rel(wide[point], wide[0])
        interval = exact.confidence_interval(0.95)
        assert row["mean_difference"] == pytest.approx((wide[point] - wide[0]).mean())
        assert (row["low"], row["high"]) == pytest.approx((interval.low, interval.high))
        assert row["p_t"] == pytest.approx(exact.pvalue)
    smallest = min(row["p_t"] for row in found)
    assert min(row["p_t_holm"] for row in found) == pytest.approx(3 * smallest)
    assert "expected" not in found[0]


def test_signs_are_those_of_a_rising_factor() -> None:
    expected = [
        ExpectedSign("price", "cost", "rises", "what is bought costs more"),
        ExpectedSign("size", "cost", "falls", "more can be moved"),
        ExpectedSign("size", "load", "stays", "nobody answers"),
        ExpectedSign("price", "load", "falls", "who pays more takes less"),
    ]
    found = effects(RESULTS, DESIGN, ["base"], ["cost", "load"], expected)
    told = [(row["factor"], row["metric"], row["seen"], row["verdict"]) for row in found]
    assert told == [
        # The lower price lowers the cost, the higher one raises it.
        ("price", "cost", "rises", "as expected"),
        ("price", "cost", "rises", "as expected"),
        ("size", "cost", "open", "open"),
        ("size", "load", "stays", "as expected"),
        ("price", "load", "stays", "against expectation"),
        ("price", "load", "stays", "against expectation"),
    ]
    assert found[0]["reason"] == "what is bought costs more"


def test_what_has_no_interval_is_judged_by_what_it_is() -> None:
    same = compare_pairs([3.0, 4.0, 5.0], [1.0, 2.0, 3.0])
    assert (seen(same, 1), seen(same, -1)) == ("rises", "falls")
    assert seen(compare_pairs([1.0], [0.0]), 1) == "open"
    assert seen(compare_pairs([], []), 1) == "open"
    assert (verdict("stays", "open"), verdict("falls", "rises")) == ("as expected", "against expectation")


STUDY = {
    "study": "Signs of the Ishigami function",
    "function": "ishigami",
    "set": {"noise": 0.1},
    "factors": {"x1": {"values": [0.0, 1.0]}, "x2": {"values": [0.0, 1.0]}, "x3": {"values": [0.0, 1.0]}},
    "design": {"kind": "one-at-a-time"},
    "replications": 5,
    "expected": [
        {"factor": "x1", "metric": "y", "sign": "rises", "reason": "sin x rises up to a right angle"},
        {"factor": "x3", "metric": "y", "sign": "falls", "reason": "a wrong guess: it acts through x1 alone"},
    ],
}


def written(folder: Path, **changes: object) -> Path:
    path = folder / "study.yaml"
    path.write_text(yaml.safe_dump(STUDY | changes, sort_keys=False), encoding="utf-8")
    return path


def test_a_sweep_tells_its_effects(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from gridarium.experiments.commands.console import print_sweep

    result = sweep_here(load_study(written(tmp_path)), tmp_path / "out")
    told = result.effects()
    assert told == json.loads((result.path / "statistics.json").read_bytes())["effects"]
    # Noise is the same at all points: differences are exact.
    assert [row["mean_difference"] for row in told] == pytest.approx([np.sin(1.0), 0.0])
    assert [row["verdict"] for row in told] == ["as expected", "against expectation"]
    page = (result.path / "report.html").read_text(encoding="utf-8")
    assert "Effects of one factor at a time" in page
    assert "a wrong guess" in page
    print_sweep(result)
    printed = " ".join(capsys.readouterr().out.split())
    assert "0.841" in printed
    assert "against" in printed


def test_without_expectations_every_metric_is_compared(tmp_path: Path) -> None:
    result = sweep_here(load_study(written(tmp_path, expected=[])), tmp_path / "out")
    assert [row["factor"] for row in result.effects()] == ["x1", "x2", "x3"]


def test_expectations_that_make_no_sense_are_named(tmp_path: Path) -> None:
    one = STUDY["expected"][0]  # type: ignore[index]
    wrong = [one | {"factor": "x4"}, one | {"metric": "z"}]
    with pytest.raises(ScenarioError) as caught:
        load_study(written(tmp_path, expected=wrong, metrics=["y"]))
    assert {fault.place for fault in caught.value.faults} == {"expected.0.factor", "expected.1.metric"}
    with pytest.raises(ScenarioError, match="must be left out unless the design is one-at-a-time"):
        load_study(written(tmp_path, design={"kind": "full-factorial"}))
    named = STUDY["factors"] | {"x1": {"values": ["low", "high"]}}  # type: ignore[operator]
    with pytest.raises(ScenarioError, match="must have numbers as values"):
        load_study(written(tmp_path, factors=named))


@pytest.mark.parametrize("name", ["net-zero-signs", "net-zero-reputation"])
def test_the_shipped_signs_of_model_e_have_a_reason_each(name: str) -> None:
    file = load_study(name).file
    assert {one.factor for one in file.expected} == {*file.factors}
    assert all(len(factor.values or ()) >= 3 for factor in file.factors.values())
    assert file.replications == 10
