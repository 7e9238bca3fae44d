"""Studies, figures and benchmark of leaders: profits below the bound, best so far, prefixes, same bytes."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes

from gridarium.agents.leader.anticipation import Anticipation
from gridarium.agents.leader.full_information import SearchEffort
from gridarium.experiments import bench_leaders, load_scenario
from gridarium.experiments.adcef.drawings import drawings
from gridarium.experiments.benchmarks import run_benchmark
from gridarium.experiments.figure_style import svg_bytes
from gridarium.experiments.leader_figures import BOUND, leader_figure
from gridarium.experiments.leader_instances import random_instance
from gridarium.experiments.leader_jobs import leader_rounds, play
from gridarium.experiments.results import Result
from gridarium.experiments.runner import run
from gridarium.experiments.sweeps.design import sample
from gridarium.experiments.sweeps.drawings import drawings as sweep_drawings
from gridarium.experiments.sweeps.study import load_study, shipped_studies

STUDIES = ("leader-types", "leader-classes", "leader-probes", "leader-rounds", "leader-links")
LEADERS = ["best-response", "anticipating", "full-information"]
ONE_CLASS = {"n_class": 1}


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


def test_given_stiffness_and_flexibility_change_nothing_else() -> None:
    drawn = random_instance(3, n_follower=3)
    given = random_instance(3, n_follower=3, beta_per_mwh_per_mw=100.0, flexible_share=0.25)
    assert given.supply[0].marginal_cost_per_mwh == pytest.approx(drawn.supply[0].marginal_cost_per_mwh)
    base = drawn.base_mw.sum()
    for before, after in zip(drawn.followers, given.followers, strict=True):
        assert after.base_mw == pytest.approx(before.base_mw)
        assert after.most_down_mw == pytest.approx(0.25 * after.base_mw)
        # A class has as much more slope as it is smaller than the feeder, but for the noise of its loads.
        assert after.beta_per_mwh_per_mw * after.base_mw.sum() / base == pytest.approx(100.0, rel=0.2)


def test_leaders_stay_below_the_bound_and_anticipation_pays() -> None:
    found = play(ONE_CLASS, 3)
    assert list(found) == LEADERS
    for metrics in found.values():
        assert metrics["profit_money"] <= metrics["bound_money"] * (1.0 + 1e-6)
        gap = 1.0 - metrics["profit_money"] / metrics["bound_money"]
        assert metrics["gap_percent"] == pytest.approx(100.0 * gap)
    gaps = {leader: metrics["gap_percent"] for leader, metrics in found.items()}
    assert gaps["full-information"] < 0.05
    assert gaps["anticipating"] < 0.3 < gaps["best-response"]


def test_best_response_rests_at_the_reference_price() -> None:
    problem = random_instance(3, n_follower=1)
    metrics = play(ONE_CLASS, 3)["best-response"]
    assert metrics["profit_money"] == pytest.approx(problem.profit(problem.reference_price_per_mwh))
    assert metrics["rounds"] == 1.0


def test_a_round_limit_cuts_the_same_game_short() -> None:
    rounds = leader_rounds(random_instance(3, n_follower=1))
    path = rounds[rounds["leader"] == "anticipating"].set_index("round")["best_so_far_money"]
    for limit in (1, 4, 9, 40):
        metrics = play({**ONE_CLASS, "round_limit": float(limit)}, 3)["anticipating"]
        assert metrics["rounds"] == min(limit, len(path))
        assert metrics["profit_money"] == pytest.approx(path.loc[: metrics["rounds"]].max(), rel=2e-4)


def test_numbers_of_a_table_count_as_whole_numbers() -> None:
    assert play({"n_class": 1.0, "probes": 3.0}, 5) == play({"n_class": 1, "probes": 3}, 5)


def test_rounds_keep_the_best_price_so_far() -> None:
    problem = random_instance(5, n_follower=1)
    options = Anticipation(limit_probes=2, effort=SearchEffort(relative_gap=5e-4, round_limit=1))
    rounds = leader_rounds(problem, options)
    for _, rows in rounds.groupby("leader"):
        assert rows["best_so_far_money"].to_numpy() == pytest.approx(np.fmax.accumulate(rows["profit_money"]))
        assert rows["round"].tolist() == list(range(1, len(rows) + 1))
    # Reference, slope, two probes, and at least one price that is meant.
    assert (rounds["leader"] == "anticipating").sum() >= 5


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


def test_benchmark_names_every_leader(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench_leaders, "BENCH_SEEDS", (5,))
    monkeypatch.setattr(bench_leaders, "FORMULATION_SEEDS", (5,))
    measured = run_benchmark("leaders")
    assert measured["anticipating_worst_gap_percent"] <= 1.0
    assert measured["anticipating_most_rounds"] <= 40
    assert measured["full-information_worst_gap_percent"] <= 0.3
    assert measured["best-response_median_gap_percent"] > measured["anticipating_median_gap_percent"]
    if importlib.util.find_spec("pyscipopt"):
        assert measured["big_m_and_indicator_solved"] == 1.0


def test_benchmark_says_when_scip_is_missing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(bench_leaders, "BENCH_SEEDS", (5,))
    monkeypatch.setattr(bench_leaders.importlib.util, "find_spec", lambda name: None)
    measured = run_benchmark("leaders")
    assert not any(name.startswith("big_m") for name in measured)
    assert "gridarium[reference]" in caplog.text


def test_ratio_of_formulations_counts_what_both_have_solved() -> None:
    rows = [(1, "optimal", 2.0, 4, "big-m"), (1, "optimal", 1.0, 2, "indicator")]
    rows += [(2, "optimal", 9.0, 8, "big-m"), (2, "timelimit", 15.0, 99, "indicator")]
    table = pd.DataFrame(rows, columns=["seed", "status", "time_s", "nodes", "formulation"])
    assert bench_leaders._big_m_to_indicator(table) == {
        "big_m_to_indicator_time": 2.0,
        "big_m_to_indicator_nodes": 2.0,
        "big_m_and_indicator_solved": 1.0,
    }


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Result:
    """Two leaders on five buses."""
    study = load_scenario("adcef-small", ["leader=full-information"])
    return run(study, cases=["adcef"], out=tmp_path_factory.mktemp("leaders") / "run")


def test_a_run_with_a_searching_leader_draws_its_profits(small: Result) -> None:
    (axes,) = {one.name: one for one in drawings(small)}["leader"].figure.axes
    rounds = small.table("rounds")
    assert _steps(axes)[0][-1] == pytest.approx(rounds["profit_money"].max() / 1e3)
    assert rounds["profit_money"].iloc[-1] == pytest.approx(
        small.summary["adcef"]["dso_net_revenue_money"], rel=1e-3
    )


def test_a_best_response_leader_is_not_drawn(tmp_path: Path) -> None:
    result = run(load_scenario("adcef-small"), cases=["adcef"], out=tmp_path / "run")
    assert "leader" not in {one.name for one in drawings(result)}


def test_scenario_of_three_leaders() -> None:
    study = load_scenario("leaders")
    kinds = {name: case.leader.kind for name, case in study.cases.items()}  # type: ignore[attr-defined]
    assert kinds == {name: name for name in LEADERS}
