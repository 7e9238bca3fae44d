"""Statistics against numbers of scipy 1.17, statsmodels 0.15 and SALib 1.6, and against known indices."""

import math
from typing import Any

import numpy as np
import pytest
from scipy import stats

from gridarium.experiments.schema.distribution import Distribution
from gridarium.experiments.sweeps.comparisons import compare_pairs, holm, pairs_for_power
from gridarium.experiments.sweeps.design import Design, DesignSpec, sample
from gridarium.experiments.sweeps.factors import Factor, ValueRange
from gridarium.experiments.sweeps.intervals import bootstrap_interval, estimate_mean
from gridarium.experiments.sweeps.sensitivity import sensitivity_indices

pytestmark = pytest.mark.filterwarnings("error")

FIRST = [12.1, 9.8, 11.4, 10.7, 13.2, 9.1, 12.9, 10.2, 11.8, 10.9]
SECOND = [11.3, 9.9, 10.1, 10.0, 12.0, 9.4, 11.2, 9.6, 11.9, 9.7]


def test_mean_and_t_interval() -> None:
    # statsmodels DescrStatsW(FIRST).tconfint_mean()
    found = estimate_mean(FIRST)
    assert (found.mean, found.sd) == pytest.approx((11.21, 1.3253511065206667), rel=1e-12)
    assert (found.low, found.high) == pytest.approx((10.26190093311458, 12.158099066885422), rel=1e-12)


@pytest.mark.parametrize("law", [stats.norm(5), stats.expon(), stats.pareto(2.5), stats.beta(0.3, 0.3)])
@pytest.mark.parametrize("n", [5, 40, 600])
def test_bootstrap_interval(law: Any, n: int) -> None:
    values = law.rvs(n, random_state=np.random.default_rng(n))
    expected = stats.bootstrap(
        (values,), np.mean, n_resamples=2000, method="BCa", random_state=np.random.default_rng(0)
    ).confidence_interval
    found = bootstrap_interval(values)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), rel=1e-9)


def test_paired_tests() -> None:
    # scipy ttest_rel and its confidence_interval(); statsmodels DescrStatsW agrees.
    found = compare_pairs(FIRST, SECOND)
    assert (found.t, found.p_t) == pytest.approx((3.2559117829667206, 0.009903271345232096), rel=1e-10)
    assert (found.low, found.high) == pytest.approx((0.213650823636296, 1.186349176363704), rel=1e-10)
    differences = [0.8, -0.1, 1.3, 0.7, 1.2, -0.3, 1.7, 0.6, -0.1, 1.2]
    expected = stats.wilcoxon(differences)
    assert (found.w, found.p_wilcoxon) == pytest.approx((expected.statistic, expected.pvalue), rel=1e-12)


def test_wilcoxon_exact() -> None:
    # Hollander and Wolfe's depression scores; R's wilcox.test finds V = 40 and one-sided p = 0.01953.
    first = [1.83, 0.50, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.30]
    second = [0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29]
    found = compare_pairs(first, second)
    assert (found.w, found.p_wilcoxon) == pytest.approx((5.0, 0.0390625))
    assert found.rank_biserial == pytest.approx((40.0 - 5.0) / 45.0)


def test_effect_sizes() -> None:
    found = compare_pairs(FIRST, SECOND)
    assert found.cohen_d_z == pytest.approx(3.2559117829667206 / math.sqrt(10), rel=1e-10)
    # statsmodels effectsize_smd takes the usual approximation 1 - 3 / (4 n - 9) of the exact correction.
    exact = math.gamma(9) / (3.0 * math.gamma(8.5))
    approximate = 1.0 - 3.0 / (4 * 20 - 9)
    assert found.hedges_g == pytest.approx(0.5737353201172103 * exact / approximate, rel=1e-10)


def test_holm() -> None:
    # statsmodels multipletests(..., method="holm")
    assert holm([0.01, 0.04, 0.03, 0.005, 0.2, 0.011]) == pytest.approx([0.05, 0.09, 0.09, 0.03, 0.2, 0.05])


@pytest.mark.parametrize(
    ("effect", "at_80", "at_90_strict"),
    # statsmodels TTestPower().solve_power(effect, power=..., alpha=...)
    [
        (0.05, 3141.4654741036425, 5955.072701568136),
        (0.2, 198.150820955562, 375.30822781174953),
        (0.5, 33.36713118431779, 62.87023528078392),
        (0.8, 14.30276455812943, 26.644446997649986),
        (1.2, 7.58772381704109, 13.781248354220956),
    ],
)
def test_pairs_for_power(effect: float, at_80: float, at_90_strict: float) -> None:
    assert pairs_for_power(effect) == math.ceil(at_80)
    assert pairs_for_power(-effect, power=0.9, alpha=0.01) == math.ceil(at_90_strict)


def _three_angles(spec: DesignSpec) -> Design:
    return sample([Factor(name, ValueRange(-math.pi, math.pi)) for name in ("x1", "x2", "x3")], spec)


def _ishigami(design: Design) -> Any:
    x1, x2, x3 = design.points.to_numpy().T
    return np.sin(x1) + 7.0 * np.sin(x2) ** 2 + 0.1 * x3**4 * np.sin(x1)


def _analytic() -> dict[tuple[str, str, str], float]:
    a, b = 7.0, 0.1
    v1, v2 = 0.5 * (1.0 + b * math.pi**4 / 5.0) ** 2, a**2 / 8.0
    v13 = b**2 * math.pi**8 * (1.0 / 18.0 - 1.0 / 50.0)
    total = v1 + v2 + v13
    return {
        ("x1", "", "first order"): v1 / total,
        ("x2", "", "first order"): v2 / total,
        ("x3", "", "first order"): 0.0,
        ("x1", "", "total"): (v1 + v13) / total,
        ("x2", "", "total"): v2 / total,
        ("x3", "", "total"): v13 / total,
        ("x1", "x2", "second order"): 0.0,
        ("x1", "x3", "second order"): v13 / total,
        ("x2", "x3", "second order"): 0.0,
    }


def test_sobol_indices_of_the_ishigami_function() -> None:
    design = _three_angles(DesignSpec("saltelli", 4096, seed=0))
    table = sensitivity_indices(design, _ishigami(design)).set_index(["factor", "other", "index"])
    expected = _analytic()
    assert set(table.index) == set(expected)
    for index, value in expected.items():
        row = table.loc[index]
        assert row["low"] <= value <= row["high"], index
        assert row["high"] - row["low"] < 0.15


def test_sobol_indices_are_those_of_salib() -> None:
    from SALib.analyze import sobol

    design = _three_angles(DesignSpec("saltelli", 64, seed=1))
    values = _ishigami(design)
    problem = {"num_vars": 3, "names": design.names, "bounds": [[-math.pi, math.pi]] * 3}
    expected = sobol.analyze(problem, values, num_resamples=1000, seed=np.random.default_rng(0))
    table = sensitivity_indices(design, values)
    for name, key in (("first order", "S1"), ("total", "ST")):
        rows = table[table["index"] == name]
        assert rows["value"].to_numpy() == pytest.approx(expected[key])
        assert (rows["high"] - rows["value"]).to_numpy() == pytest.approx(expected[f"{key}_conf"])


def test_morris_effects_of_a_linear_function_are_its_slopes() -> None:
    factors = [
        Factor("steep", ValueRange(0.0, 10.0)),
        Factor("flat", Distribution("uniform", {"scale": 4.0})),
    ]
    design = sample(factors, DesignSpec("morris", 8))
    values = 3.0 * design.points["steep"] - 2.0 * design.points["flat"]
    table = sensitivity_indices(design, values).set_index(["factor", "index"])["value"]
    # A distribution is moved between the middles of its four levels: 3/4 of its range.
    assert table["steep", "mean effect"] == pytest.approx(30.0)
    assert table["flat", "mean effect"] == pytest.approx(-2.0 * 4.0 * 0.75)
    assert table["flat", "mean absolute effect"] == pytest.approx(6.0)
    assert table["steep", "deviation of effects"] == pytest.approx(0.0, abs=1e-9)
