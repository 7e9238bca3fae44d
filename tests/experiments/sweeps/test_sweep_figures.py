"""Figures of a study: what they show is what the statistics say, for any number of cases, levels and runs."""

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gridarium.experiments.figures.style import LOOKS, cases_of, svg_bytes
from gridarium.experiments.sweeps.design import DesignSpec, sample
from gridarium.experiments.sweeps.factor_figures import heat_figure, sensitivity_figure
from gridarium.experiments.sweeps.factors import Factor, ValueRange
from gridarium.experiments.sweeps.figures import (
    PRICE_METRICS,
    bounded_rationality_figure,
    convergence_figure,
    mean_figure,
)
from gridarium.experiments.sweeps.intervals import t_interval
from gridarium.experiments.sweeps.levels import heat_table, level_means, level_samples
from gridarium.experiments.sweeps.sensitivity import COLUMNS, sensitivity_indices

pytestmark = pytest.mark.filterwarnings("error")

SHARES, DEGREES = (0.0, 0.25, 0.5, 1.0), (1.0, 2.0)
LONG = tuple(f"a-rather-long-name-of-the-case-with-number-{number}" for number in range(9))


def _study(cases: tuple[str, ...] = ("tou", "adcef"), replications: int = 12) -> pd.DataFrame:
    rng = np.random.default_rng(2)
    rows = []
    for replication in range(replications):
        weather = rng.normal(0.0, 3.0)
        for point, (share, degree) in enumerate((share, degree) for share in SHARES for degree in DEGREES):
            for number, case in enumerate(cases):
                cost = share * degree * (1.0 + number) + 0.1 * rng.normal()
                row = {
                    "point": point,
                    "replication": replication,
                    "case": case,
                    "share": share,
                    "degree": degree,
                }
                row |= {"kind": "stale" if degree > 1.0 else "logit", "efficiency_loss_percent": cost}
                row |= {
                    "emission_tco2": 40.0 + weather + cost,
                    "dso_net_revenue_money": 4e4 + 100 * weather - cost,
                }
                rows.append(row | {"user_cost_money": 6e4 + 500 * weather + 30 * cost})
    return pd.DataFrame(rows)


def _sampled(count: int = 200) -> pd.DataFrame:
    points = sample(
        [Factor(name, ValueRange(0.0, 1.0)) for name in "xy"], DesignSpec("latin-hypercube", count)
    ).points
    return points.assign(
        point=points.index, replication=0, case="tou", emission_tco2=points["x"] + points["y"] ** 2
    )


def _lines(axes: Axes) -> list[np.ndarray]:
    return [np.asarray(line.get_ydata(), dtype=float) for line in axes.lines if len(line.get_xdata()) > 2]


def test_lines_are_means_over_independent_replications() -> None:
    results = _study()
    axes = mean_figure(results, "share", ["emission_tco2"]).axes[0]
    for line, case in zip(_lines(axes), ("tou", "adcef"), strict=True):
        rows = results[results["case"] == case]
        assert line == pytest.approx(rows.groupby("share")["emission_tco2"].mean().to_numpy())
    means = level_means(results[results["case"] == "tou"], "share", "emission_tco2", "replication")
    half = results[(results["case"] == "tou") & (results["share"] == 0.5)]
    expected = t_interval(half.groupby("replication")["emission_tco2"].mean())
    assert means.loc[2, ["low", "high"]].tolist() == pytest.approx([expected.low, expected.high])


def test_the_change_on_the_same_draws_starts_at_zero_and_has_narrower_bands() -> None:
    rows = _study(("tou",))
    plain = level_means(rows, "share", "emission_tco2", "replication")
    change = level_means(rows, "share", "emission_tco2", "replication", change=True)
    assert change.loc[0, "mean"] == 0.0 and np.isnan(change.loc[0, "low"])
    assert change["mean"].to_numpy() == pytest.approx((plain["mean"] - plain.loc[0, "mean"]).to_numpy())
    assert (change["high"] - change["low"])[3] < 0.2 * (plain["high"] - plain["low"])[3]


def test_a_unit_without_one_of_its_values_is_left_out() -> None:
    rows = _study(("tou",))
    rows.loc[rows.index[(rows["replication"] == 4) & (rows["point"] == 2)], "emission_tco2"] = np.nan
    samples = level_samples(rows, "share", "emission_tco2", "replication")
    assert list(zip(*np.nonzero(samples.isna().to_numpy()), strict=True)) == [(4, 1)]


def test_the_price_panel_shows_four_metrics_by_degree() -> None:
    study = _study(("adcef",))
    figure = bounded_rationality_figure(study, "share", by="degree", change=True, currency="CNY")
    shown = [axes for axes in figure.axes if axes.get_visible()]
    assert [axes.get_ylabel().replace("\n", " ") for axes in shown] == [
        "change of efficiency loss (%)",
        "change of emission (tCO₂)",
        "change of DSO net revenue (CNY)",
        "change of consumer bills (CNY)",
    ]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["degree 1", "degree 2"]
    assert {axes.get_xlabel() for axes in shown} == {"share"}
    steep = [line[-1] for line in _lines(shown[0])]
    assert steep == pytest.approx([1.0, 2.0], abs=0.1)


def test_a_factor_with_many_values_is_binned() -> None:
    means = level_means(_sampled(), "x", "emission_tco2", "point")
    assert len(means) == 12 and means["level"].is_monotonic_increasing
    assert np.isfinite(means[["mean", "low", "high"]].to_numpy()).all()
    assert heat_table(_sampled(2000), "x", "y", "emission_tco2").shape == (10, 10)


def test_names_as_levels_have_bars_side_by_side() -> None:
    axes = mean_figure(_study(), "kind", ["emission_tco2"]).axes[0]
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["logit", "stale"]
    offsets = [container.lines[0].get_xdata()[0] for container in axes.containers]
    assert offsets == pytest.approx([-0.06, 0.06])


def test_convergence_shows_all_replications_and_the_last_mean() -> None:
    results = _study()
    axes = convergence_figure(results, ["emission_tco2"]).axes[0]
    last = [line[-1] for line in _lines(axes)]
    assert last == pytest.approx(results.groupby("case", sort=False)["emission_tco2"].mean().to_numpy())
    assert axes.get_xlim() == (1, 12) and axes.get_xlabel() == "replications"


def test_a_heat_map_has_a_value_in_every_cell_and_none_where_nothing_ran() -> None:
    results = _study(("tou",))
    some = results[(results["share"] < 1.0) | (results["degree"] < 2.0)]
    axes = heat_figure(some, "share", "degree", "efficiency_loss_percent").axes[0]
    cells = axes.images[0].get_array()
    assert cells.shape == (2, 4) and cells.mask.tolist() == [[False] * 4, [False, False, False, True]]
    expected = some.groupby(["degree", "share"])["efficiency_loss_percent"].mean()
    assert cells[0, 1] == pytest.approx(expected[1.0, 0.25])
    assert len(axes.texts) == 7


@pytest.mark.parametrize("kind", ["saltelli", "morris"])
def test_bars_are_sorted_and_carry_their_intervals(kind: str) -> None:
    design = sample(
        [Factor(n, ValueRange(0.0, 1.0)) for n in ("weak", "strong", "mild")], DesignSpec(kind, 64)
    )
    values = design.points["weak"] + 9.0 * design.points["strong"] + 3.0 * design.points["mild"] ** 2
    table = sensitivity_indices(design, values).assign(case="tou", metric="emission_tco2")
    axes = sensitivity_figure(table, "emission_tco2").axes[0]
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["weak", "mild", "strong"]
    first = "total" if kind == "saltelli" else "mean absolute effect"
    widths = [bar.get_width() for bar in axes.patches[:3]]
    assert widths == pytest.approx(
        table[table["index"] == first].set_index("factor")["value"][["weak", "mild", "strong"]]
    )
    assert len(axes.collections) == 2


def _every_figure(results: pd.DataFrame) -> list[Figure]:
    metrics = list(PRICE_METRICS)
    return [
        mean_figure(results, "share", metrics[:3]),
        mean_figure(results, "kind", metrics[:1]),
        bounded_rationality_figure(results, "share", change=True),
        convergence_figure(results, metrics[:2]),
        heat_figure(results, "share", "degree", metrics[0]),
    ]


@pytest.mark.parametrize("cases", [("tou",), LONG[:4], LONG])
@pytest.mark.parametrize("replications", [1, 2])
def test_any_number_of_cases(cases: tuple[str, ...], replications: int) -> None:
    for figure in _every_figure(_study(cases, replications)):
        assert svg_bytes(figure).startswith(b"<?xml")


def test_nothing_to_show_is_an_empty_figure() -> None:
    results = _study()
    for damaged in (results.iloc[:0], results.assign(**dict.fromkeys(PRICE_METRICS, np.nan))):
        for figure in _every_figure(damaged):
            assert svg_bytes(figure)
    empty = pd.DataFrame(columns=["case", "metric", *COLUMNS])
    assert svg_bytes(sensitivity_figure(empty, "emission_tco2"))


def test_the_same_results_give_the_same_bytes_and_leave_settings_alone() -> None:
    before = dict(mpl.rcParams)
    first = [svg_bytes(figure) for figure in _every_figure(_study())]
    shuffled = _study().sample(frac=1.0, random_state=1).sort_values("case", ascending=False, kind="stable")
    assert cases_of(shuffled) == ["tou", "adcef"]
    assert [svg_bytes(figure) for figure in _every_figure(shuffled)] == first
    assert dict(mpl.rcParams) == before


def test_no_more_lines_in_a_panel_than_can_be_told_apart() -> None:
    figure = mean_figure(_study(LONG), "share", ["emission_tco2"])
    assert max(len(_lines(axes)) for axes in figure.axes) <= len(LOOKS)
    assert sum(len(_lines(axes)) for axes in figure.axes) == len(LONG)
