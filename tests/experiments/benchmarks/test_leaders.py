"""Leaders on random instances and their benchmark: profits below the bound, best so far, prefixes."""

from __future__ import annotations

import importlib.util

import numpy as np
import pandas as pd
import pytest

from gridarium.agents.leader.anticipation import Anticipation
from gridarium.agents.leader.full_information import SearchEffort
from gridarium.experiments.benchmarks import leaders, tied_leaders
from gridarium.experiments.benchmarks.catalogue import run_benchmark
from gridarium.experiments.benchmarks.leader_instances import random_instance
from gridarium.experiments.benchmarks.leader_jobs import leader_rounds, play

LEADERS = ["best-response", "anticipating", "full-information"]
ONE_CLASS = {"n_class": 1}


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


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Benchmarks of one instance each, tied days of four periods."""
    monkeypatch.setattr(leaders, "BENCH_SEEDS", (5,))
    monkeypatch.setattr(tied_leaders, "DAY_SEEDS", (1,))
    monkeypatch.setattr(tied_leaders, "DAY_PERIODS", 4)
    monkeypatch.setattr(tied_leaders, "SMALL_SEEDS", (1,))


@pytest.mark.usefixtures("short")
def test_benchmark_names_every_leader(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leaders, "FORMULATION_SEEDS", (5,))
    measured = run_benchmark("leaders")
    assert measured["anticipating_worst_gap_percent"] <= 1.0
    assert measured["anticipating_most_rounds"] <= 40
    assert measured["full-information_worst_gap_percent"] <= 0.3
    assert measured["best-response_median_gap_percent"] > measured["anticipating_median_gap_percent"]
    assert measured["tied_informed_not_below_formula"] == measured["tied_days"] == 1.0
    assert measured["tied_learnt_most_rounds"] <= 40
    assert measured["tied_informed_lead_least_percent"] >= measured["tied_learnt_lead_least_percent"] - 0.01
    if importlib.util.find_spec("pyscipopt"):
        assert measured["big_m_and_indicator_solved"] == 1.0
        assert measured["tied_small_share_of_lead_over_formula_least"] >= 0.9


@pytest.mark.usefixtures("short")
def test_benchmark_says_when_scip_is_missing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(leaders.importlib.util, "find_spec", lambda name: None)
    measured = run_benchmark("leaders")
    assert not any(name.startswith(("big_m", "tied_small")) for name in measured)
    assert measured["tied_days"] == 1.0
    assert "gridarium[reference]" in caplog.text


def test_ratio_of_formulations_counts_what_both_have_solved() -> None:
    rows = [(1, "optimal", 2.0, 4, "big-m"), (1, "optimal", 1.0, 2, "indicator")]
    rows += [(2, "optimal", 9.0, 8, "big-m"), (2, "timelimit", 15.0, 99, "indicator")]
    table = pd.DataFrame(rows, columns=["seed", "status", "time_s", "nodes", "formulation"])
    assert leaders._big_m_to_indicator(table) == {
        "big_m_to_indicator_time": 2.0,
        "big_m_to_indicator_nodes": 2.0,
        "big_m_and_indicator_solved": 1.0,
    }
