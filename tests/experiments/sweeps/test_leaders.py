"""Shipped studies and figures of leaders: best so far, bound, same bytes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes

from gridarium.experiments import load_scenario
from gridarium.experiments.figures.drawings import drawings
from gridarium.experiments.figures.leader import BOUND, leader_figure
from gridarium.experiments.figures.style import svg_bytes
from gridarium.experiments.results.result import Result
from gridarium.experiments.running.runner import run
from gridarium.experiments.sweeps.design import sample
from gridarium.experiments.sweeps.drawings import drawings as sweep_drawings
from gridarium.experiments.sweeps.study import load_study, shipped_studies

STUDIES = ("leader-types", "leader-classes", "leader-probes", "leader-rounds", "leader-links")
LEADERS = ["best-response", "anticipating", "full-information"]


def _rounds(n: int = 6) -> pd.DataFrame:
    profits = {
        "best-response": [10.0],
        "anticipating": [10.0, -50.0, np.nan, 12.0],
        "full-information": [12.5],
    }
    return pd.concat(
        [
            pd.DataFrame(
                {
                    "leader": leader,
                    "round": np.arange(1, len(found) + 1),
                    "profit_money": 1e3 * np.array(found),
                    "best_so_far_money": 1e3 * np.fmax.accumulate(found),
                    "bound_money": 13e3,
                }
            )
            for leader, found in profits.items()
        ],
        ignore_index=True,
    )


def _steps(axes: Axes) -> list[np.ndarray]:
    return [
        np.asarray(line.get_ydata(), dtype=float)
        for line in axes.lines
        if line.get_drawstyle() == "steps-post"
    ]


def test_figure_shows_the_best_so_far_the_bound_and_the_posted_prices() -> None:
    figure = leader_figure(_rounds(), currency="CNY")
    (axes,) = figure.axes
    steps = _steps(axes)
    assert [line[-1] for line in steps] == [10.0, 12.0, 12.5]
    assert steps[1].tolist() == [10.0, 10.0, 10.0, 12.0, 12.0]
    assert any(np.allclose(np.asarray(line.get_ydata(), dtype=float), 13.0) for line in axes.lines)
    legend = axes.get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == [*LEADERS, BOUND]
    low, high = axes.get_ylim()
    # A probe that loses much does not squeeze the rest.
    assert -50.0 < low < 10.0 < 13.0 < high
    assert "CNY" in axes.get_ylabel()
    assert axes.get_xlabel() == "round"


@pytest.mark.parametrize("column", ["bound_money", None])
def test_figure_without_a_bound_and_with_many_lines(column: str | None) -> None:
    rounds = (
        _rounds().drop(columns=["bound_money"]) if column is None else _rounds().assign(bound_money=np.nan)
    )
    (axes,) = leader_figure(rounds).axes
    legend = axes.get_legend()
    assert legend is not None
    assert BOUND not in [text.get_text() for text in legend.get_texts()]
    many = pd.concat([rounds.assign(leader=f"a-leader-with-a-long-name-{number}") for number in range(9)])
    assert len(leader_figure(many).axes) == 3
    assert svg_bytes(leader_figure(many)) == svg_bytes(leader_figure(many))


def test_figure_of_a_leader_that_never_kept_its_limits() -> None:
    assert svg_bytes(leader_figure(_rounds().assign(profit_money=np.nan, best_so_far_money=np.nan)))


@pytest.mark.parametrize("name", STUDIES)
def test_shipped_studies_are_sound(name: str) -> None:
    assert name in shipped_studies()
    study = load_study(name)
    assert study.file.description
    assert study.n_job == study.file.replications * len(
        sample(study.file.sources(), study.file.design.spec()).points
    )


def test_a_study_of_rounds_draws_profits_against_them() -> None:
    study = load_study("leader-rounds")
    design = sample(study.file.sources(), study.file.design.spec())
    results = pd.DataFrame(
        [
            {"point": number, "replication": replication, "case": case, "round_limit": limit}
            | {
                "profit_money": 1e3 * min(limit, 9) + 100.0 * replication,
                "bound_money": 1e4 + 100.0 * replication,
            }
            for number, limit in enumerate(design.points["round_limit"])
            for replication in range(3)
            for case in LEADERS
        ]
    )
    drawn = {one.name: one for one in sweep_drawings(results, ["profit_money", "bound_money"], design, [])}
    (axes,) = drawn["leaders"].figure.axes
    assert _steps(axes)[0][:3] == pytest.approx([1.1, 2.1, 3.1])
    assert any(np.allclose(np.asarray(line.get_ydata(), dtype=float), 10.1) for line in axes.lines)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Result:
    """Two leaders on five buses."""
    study = load_scenario("adcef-small", ["leader=full-information"])
    return run(study, cases=["adcef"], out=tmp_path_factory.mktemp("leaders") / "run")


def test_a_run_with_a_searching_leader_draws_its_profits(small: Result) -> None:
    (axes,) = {one.name: one for one in drawings(small)}["leader"].figure.axes
    rounds = small.table("rounds")
    assert _steps(axes)[0][-1] == pytest.approx(rounds["profit_money"].max() / 1e3)
    metrics = small.summary["adcef"]
    # What owners of storages get for being commanded does not depend on the price.
    earned = metrics["dso_net_revenue_money"] + metrics["storage_compensation_money"]
    assert rounds["profit_money"].iloc[-1] == pytest.approx(earned, rel=1e-3)


def test_a_best_response_leader_is_not_drawn(tmp_path: Path) -> None:
    result = run(load_scenario("adcef-small"), cases=["adcef"], out=tmp_path / "run")
    assert "leader" not in {one.name for one in drawings(result)}


def test_scenario_of_three_leaders() -> None:
    study = load_scenario("leaders")
    kinds = {name: case.leader.kind for name, case in study.cases.items()}  # type: ignore[attr-defined]
    assert kinds == {name: name for name in LEADERS}
