"""Statistics of a study: what is independent, honest answers without spread, the same bytes."""

import json
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridarium.experiments.sweeps.comparisons import compare_pairs, holm, pairs_for_power
from gridarium.experiments.sweeps.design import Design, DesignSpec, sample
from gridarium.experiments.sweeps.factors import Factor, ValueList, ValueRange
from gridarium.experiments.sweeps.intervals import (
    bootstrap_interval,
    convergence_of_mean,
    estimate_mean,
    runs_for_width,
    t_interval,
)
from gridarium.experiments.sweeps.sensitivity import sensitivity_indices
from gridarium.experiments.sweeps.statistics import independent_values, summarise_sweep

pytestmark = pytest.mark.filterwarnings("error")

NAN, INF = math.nan, math.inf
Values = list[float]
anything = st.lists(
    st.one_of(st.floats(-1e100, 1e100), st.sampled_from([0.0, 1.0, NAN, INF, -INF])), max_size=12
)


@pytest.mark.parametrize(
    ("values", "n", "missing", "mean", "reason"),
    [
        ([], 0, 0, NAN, "no values"),
        ([NAN, INF], 0, 2, NAN, "no values"),
        ([2.0, NAN], 1, 1, 2.0, "a single value has no spread"),
        ([3.0, 3.0, 3.0], 3, 0, 3.0, "all 3 values are equal"),
        ([0.1 + 0.2, 0.3], 2, 0, 0.3, "all 2 values are equal"),
    ],
)
def test_without_spread_there_is_no_interval_but_a_reason(
    values: Values, n: int, missing: int, mean: float, reason: str
) -> None:
    found = estimate_mean(values)
    assert (found.n, found.missing, found.reason) == (n, missing, reason)
    assert found.mean == pytest.approx(mean, nan_ok=True)
    assert math.isnan(found.low) and math.isnan(found.high)
    assert math.isnan(bootstrap_interval(values).low)


@given(anything, anything)
@settings(max_examples=150, deadline=None)
def test_no_values_whatever_crash_or_warn(first: Values, second: Values) -> None:
    size = min(len(first), len(second))
    found = estimate_mean(first)
    assert found.n + found.missing == len(first)
    assert bool(found.reason) == math.isnan(found.low)
    assert bool(bootstrap_interval(first, resamples=50).reason) == math.isnan(
        bootstrap_interval(first, resamples=50).low
    )
    pairs = compare_pairs(first[:size], second[:size])
    assert pairs.n + pairs.missing == size
    assert bool(pairs.reason) == math.isnan(pairs.p_t)
    assert len(convergence_of_mean(first)) == found.n
    pairs_for_power(pairs.cohen_d_z)


@given(st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=30), st.floats(0.5, 2.0), st.floats(-1e3, 1e3))
@settings(max_examples=60, deadline=None)
def test_intervals_move_with_their_values(values: Values, factor: float, shift: float) -> None:
    found = t_interval(values)
    moved = t_interval([factor * value + shift for value in values])
    if not found.reason and found.width > 1e-3:
        assert moved.low == pytest.approx(factor * found.low + shift, rel=1e-6, abs=1e-6)
        assert moved.width == pytest.approx(factor * found.width, rel=1e-6, abs=1e-6)


def test_convergence_ends_at_the_estimate_and_is_that_of_every_beginning() -> None:
    values = np.random.default_rng(1).normal(1e6, 1.0, 900)
    table = convergence_of_mean(values)
    assert len(table) <= 400 and table["n"].iloc[-1] == 900
    for row in table.iloc[[0, 1, 50, -1]].itertuples():
        beginning = estimate_mean(values[: row.n])
        assert row.mean == pytest.approx(beginning.mean, rel=1e-12)
        assert row.low == pytest.approx(beginning.low, rel=1e-12, nan_ok=True)
        assert row.high == pytest.approx(beginning.high, rel=1e-12, nan_ok=True)


@pytest.mark.parametrize(("sd", "width"), [(1.0, 0.5), (3.0, 0.1), (0.2, 10.0)])
def test_the_number_of_runs_is_the_least_that_is_enough(sd: float, width: float) -> None:
    n = int(runs_for_width(sd, width))

    def width_of(count: int) -> float:
        # Two values of equal count, spread so that the standard deviation is sd exactly.
        values = np.resize([-1.0, 1.0], count) - np.resize([-1.0, 1.0], count).mean()
        return t_interval(values * sd / values.std(ddof=1)).width

    assert width_of(n) <= width * (1 + 1e-12)
    assert n == 2 or width_of(n - 1) > width


@pytest.mark.parametrize("sd", [0.0, NAN, INF])
def test_without_spread_no_number_of_runs(sd: float) -> None:
    assert math.isnan(runs_for_width(sd, 1.0)) and math.isnan(runs_for_width(1.0, 0.0))
    assert math.isnan(pairs_for_power(sd))


def test_equal_pairs_have_no_test() -> None:
    found = compare_pairs([1.0, 2.0, 3.0], [1.0, 2.0, 3.0])
    assert (found.mean_difference, found.sd_difference) == (0.0, 0.0)
    assert math.isnan(found.p_t) and math.isnan(found.p_wilcoxon) and math.isnan(found.rank_biserial)
    assert found.reason == "all 3 differences are equal"


def test_differences_equal_on_paper_are_ties() -> None:
    first, second = [0.3, 13.2, 10.9, 5.0], [0.1 + 0.2, 12.0, 9.7, 5.6]
    found = compare_pairs(first, second)
    # Differences 0, 1.2, 1.2, -0.6: ranks 2.5, 2.5 and 1 of the three that are not zero.
    assert found.rank_biserial == pytest.approx((5.0 - 1.0) / 6.0)
    assert found.w == 1.0


@given(st.lists(st.one_of(st.just(NAN), st.floats(0.0, 1.0)), max_size=8))
def test_holm_keeps_the_order_and_never_helps(p_values: Values) -> None:
    corrected = holm(p_values)
    tested = ~np.isnan(np.asarray(p_values, dtype=float))
    given_p = np.asarray(p_values, dtype=float)[tested]
    assert np.array_equal(np.isnan(corrected), ~tested)
    assert (corrected[tested] >= given_p).all() and (corrected[tested] <= 1.0).all()
    order = np.argsort(given_p, kind="stable")
    assert (np.diff(corrected[tested][order]) >= 0.0).all()


CASES, METRICS = ("tou", "adcef"), ("emission_tco2", "steady_mw")


def _results(design: Design, replications: int, worth: Callable[[Any], float]) -> pd.DataFrame:
    noise = np.random.default_rng(5).normal(size=(replications, len(CASES)))
    rows = []
    for point, values in enumerate(design.points.itertuples(index=False)):
        for replication in range(replications):
            for number, case in enumerate(CASES):
                emission = (
                    worth(values) - 0.5 * number + noise[replication].sum() + 0.1 * noise[replication, number]
                )
                row = {"point": point, "replication": replication, "seed": replication, "case": case}
                rows.append(row | values._asdict() | {"emission_tco2": emission, "steady_mw": 2.0})
    return pd.DataFrame(rows)


def _summary(results: pd.DataFrame, design: Design, cases: Sequence[str] = CASES) -> dict[str, Any]:
    return summarise_sweep(results, design.names, cases, METRICS, design)


GRID = sample(
    [Factor("share", ValueRange(0.0, 1.0, 3)), Factor("kind", ValueList(("a", "b")))],
    DesignSpec("full-factorial"),
)


def _grid(replications: int = 8) -> pd.DataFrame:
    return _results(GRID, replications, lambda at: 10.0 + 4.0 * at.share)


def test_in_a_grid_replications_are_independent_and_points_are_not() -> None:
    results = _grid()
    summary = _summary(results, GRID)
    means = pd.DataFrame(summary["means"]).set_index(["case", "metric"])
    row = means.loc[("tou", "emission_tco2")]
    by_replication = results[results["case"] == "tou"].groupby("replication")["emission_tco2"].mean()
    expected = t_interval(by_replication)
    assert row["n"] == 8 and summary["about"]["independent"] == "replication"
    assert row["low"] == pytest.approx(expected.low) and row["high"] == pytest.approx(expected.high)
    assert means.loc[("tou", "steady_mw"), "reason"] == "all 8 values are equal"


def test_every_point_of_a_grid_has_its_mean() -> None:
    points = pd.DataFrame(_summary(_grid(), GRID)["points"])
    assert len(points) == 6 * 2 * 2 and set(points["n"]) == {8}
    mean = points[points["metric"] == "emission_tco2"].set_index(["case", "share", "kind"])["mean"]
    assert mean["tou", 1.0, "b"] - mean["tou", 0.0, "b"] == pytest.approx(4.0)


def test_cases_are_compared_on_the_same_draws() -> None:
    comparisons = _summary(_grid(), GRID)["comparisons"]
    emission, steady = comparisons
    assert (emission["first"], emission["second"], emission["n"]) == ("tou", "adcef", 8)
    assert emission["mean_difference"] == pytest.approx(0.5, abs=0.15)
    # Eight replications at six points are eight pairs; the draws' own spread of about 1.4 cancels.
    assert emission["sd_difference"] < 0.3
    # The other comparison could not be tested: a family of one needs no correction.
    assert emission["p_t_holm"] == emission["p_t"] and steady["p_t_holm"] is None


def test_a_failed_run_spoils_its_replication_and_is_counted() -> None:
    results = _grid()
    failed = (results["case"] == "tou") & (results["replication"] == 3) & (results["point"] == 2)
    without = results[~failed]
    empty = results.assign(emission_tco2=results["emission_tco2"].mask(failed))
    for damaged in (without, empty):
        summary = _summary(damaged, GRID)
        tou, _, adcef, _ = summary["means"]
        assert (tou["n"], tou["missing"], adcef["n"], adcef["missing"]) == (7, 1, 8, 0)
        assert (summary["comparisons"][0]["n"], summary["comparisons"][0]["missing"]) == (7, 1)
        point = (
            pd.DataFrame(summary["points"]).set_index(["point", "case", "metric"]).loc[(2, "tou", METRICS[0])]
        )
        assert (point["n"], point["missing"]) == (7, 1)
    values = independent_values(without, "tou", METRICS, "replication")
    assert values["emission_tco2"].isna().tolist() == [number == 3 for number in range(8)]


def test_in_a_sample_points_are_independent() -> None:
    design = sample([Factor("x", ValueRange(0.0, 1.0))], DesignSpec("latin-hypercube", 30))
    summary = _summary(_results(design, 4, lambda at: at.x), design)
    assert {row["n"] for row in summary["means"]} == {30} and not summary["points"]


def test_dependent_points_have_a_mean_without_interval() -> None:
    design = sample([Factor(n, ValueRange(0.0, 1.0)) for n in "xy"], DesignSpec("saltelli", 64))
    summary = _summary(_results(design, 1, lambda at: at.x + at.x * at.y), design)
    first = summary["means"][0]
    assert first["low"] is None and "depend on each other" in first["reason"]
    assert summary["comparisons"] == []
    table = pd.DataFrame(summary["sensitivity"])
    steady = table[table["metric"] == "steady_mw"]
    assert steady["value"].isna().all() and set(steady["reason"]) == {f"all {64 * 6} values are equal"}


def test_the_same_results_in_any_order_give_the_same_bytes() -> None:
    results = _grid()
    shuffled = results.sample(frac=1.0, random_state=1)
    assert json.dumps(_summary(results, GRID), allow_nan=False) == json.dumps(_summary(shuffled, GRID))


@pytest.mark.parametrize(
    "results", [pd.DataFrame(), _grid().iloc[:0], _grid(1), _grid().drop(columns=[METRICS[0]])]
)
def test_no_runs_one_run_and_no_metric(results: pd.DataFrame) -> None:
    summary = _summary(results, GRID, (*CASES, "never-ran"))
    json.dumps(summary, allow_nan=False)
    assert all(row["low"] is None and row["reason"] for row in summary["means"])
    assert [row["case"] for row in summary["means"][-2:]] == ["never-ran", "never-ran"]


@pytest.mark.parametrize("kind", ["saltelli", "morris"])
def test_a_block_with_a_failed_run_is_left_out(kind: str) -> None:
    factors = [Factor(n, ValueRange(0.0, 1.0)) for n in "xyz"]
    whole = sample(factors, DesignSpec(kind, 32))
    values = (whole.points["x"] + 2.0 * whole.points["y"] ** 2).to_numpy()
    damaged = values.copy()
    damaged[[5, 7]] = NAN
    kept = np.ones(len(values), dtype=bool)
    for row in (5, 7):
        start = row // whole.block * whole.block
        kept[start : start + whole.block] = False
    rest = Design(whole.factors, whole.spec, whole.points[kept], whole.unit[kept])
    pd.testing.assert_frame_equal(
        sensitivity_indices(whole, damaged), sensitivity_indices(rest, values[kept])
    )
    none = sensitivity_indices(whole, np.full(len(values), NAN))
    assert none["value"].isna().all() and none["reason"].str.startswith("0 complete blocks").all()


def test_indices_do_not_depend_on_the_global_generator() -> None:
    design = sample([Factor(n, ValueRange(0.0, 1.0)) for n in "xy"], DesignSpec("saltelli", 16))
    values = design.points["x"] * design.points["y"]
    np.random.seed(1)  # noqa: NPY002
    first = sensitivity_indices(design, values, seed=0)
    np.random.seed(2)  # noqa: NPY002
    pd.testing.assert_frame_equal(first, sensitivity_indices(design, values, seed=0))
