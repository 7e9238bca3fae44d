"""Two-level factorials: effects against least squares and closed forms; levels that are settings."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from scipy import stats

from gridarium.environment.errors import ScenarioError
from gridarium.experiments.scenario import check_case, load_scenario
from gridarium.experiments.sweeps.design import DesignSpec, sample
from gridarium.experiments.sweeps.drawings import factorial_drawings
from gridarium.experiments.sweeps.factorial import BETWEEN, factorial_effects, is_two_level
from gridarium.experiments.sweeps.factors import Factor, ValueList
from gridarium.experiments.sweeps.scenario_model import ScenarioModel
from gridarium.experiments.sweeps.study import load_study
from tests.support.sweep_here import sweep_here

NAMES = ("ladder", "pool", "trade", "payment")
DESIGN = sample([Factor(name, ValueList(("off", "on"))) for name in NAMES], DesignSpec("full-factorial"))
ON = (DESIGN.points == "on").to_numpy()


def results(n: int = 6) -> pd.DataFrame:
    """A metric with all sorts of interactions, on draws that shift every point alike."""
    random = np.random.default_rng(3)
    return pd.DataFrame(
        [
            {
                "point": point,
                "replication": draw,
                "case": "base",
                "cost": 50.0 + 100.0 * draw - 3.0 * a + 2.0 * b + 4.0 * a * b - a * c * d + noise,
            }
            for draw in range(n)
            for point, (a, b, c, d) in enumerate(ON.astype(float))
            for noise in [0.2 * random.standard_normal()]
        ]
    )


RESULTS = results()


def test_effects_and_intervals_are_those_of_least_squares_on_each_draw() -> None:
    found = factorial_effects(RESULTS, DESIGN, ["base"], ["cost"])
    assert len(found) == 2**4 - 1
    # Coefficients of the whole model in coded levels; an effect is twice a coefficient.
    coded = np.where(ON, 1.0, -1.0)
    subsets = [one for size in range(5) for one in itertools.combinations(range(4), size)]
    matrix = np.array([[np.prod(row[list(one)]) for one in subsets] for row in coded])
    values = RESULTS.pivot(index="point", columns="replication", values="cost").to_numpy()
    fitted = dict(zip(subsets, 2.0 * np.linalg.lstsq(matrix, values)[0], strict=True))
    total = sum(float(each.mean()) ** 2 for one, each in fitted.items() if one)
    for row in found:
        others = row["other"].split(BETWEEN) if row["other"] else []
        named = tuple(map(NAMES.index, (row["factor"], *others)))
        assert row["order"] == len(named)
        exact = stats.ttest_1samp(fitted[named], 0.0)
        interval = exact.confidence_interval(0.95)
        assert row["effect"] == pytest.approx(fitted[named].mean())
        assert (row["low"], row["high"]) == pytest.approx((interval.low, interval.high))
        assert row["p_t"] == pytest.approx(exact.pvalue)
        assert row["variation_share"] == pytest.approx(float(fitted[named].mean()) ** 2 / total)
        assert row["effect_percent"] == pytest.approx(100.0 * row["effect"] / values.mean())
    assert min(row["p_t_holm"] for row in found) == pytest.approx(15 * min(row["p_t"] for row in found))
    assert sum(row["variation_share"] for row in found) == pytest.approx(1.0)
    sizes = [abs(row["effect"]) for row in found]
    assert sizes == sorted(sizes, reverse=True)


def test_effects_of_a_product_have_a_closed_form() -> None:
    product = RESULTS.assign(cost=[8.0 * ON[point, 0] * ON[point, 1] for point in RESULTS["point"]])
    found = {
        (row["factor"], row["other"]): row for row in factorial_effects(product, DESIGN, ["base"], ["cost"])
    }
    # 8 ab is 2 (1 + x)(1 + y) in coded levels.
    assert [found[key]["effect"] for key in (("ladder", ""), ("pool", ""), ("ladder", "pool"))] == [4.0] * 3
    assert found["trade", ""]["effect"] == 0.0
    assert found["ladder", ""]["low"] is None
    assert "equal" in found["ladder", ""]["reason"]
    assert found["ladder", "pool"]["variation_share"] == pytest.approx(1.0 / 3.0)


def test_a_draw_that_lacks_a_point_counts_for_nothing() -> None:
    lacking = RESULTS.drop(RESULTS.index[(RESULTS["replication"] == 2) & (RESULTS["point"] == 5)])
    whole = RESULTS[RESULTS["replication"] != 2]
    found = factorial_effects(lacking, DESIGN, ["base"], ["cost"])
    assert {(row["n"], row["missing"]) for row in found} == {(5, 1)}
    expected = factorial_effects(whole, DESIGN, ["base"], ["cost"])
    assert [row["effect"] for row in found] == pytest.approx([row["effect"] for row in expected])
    single = factorial_effects(RESULTS[RESULTS["replication"] == 0], DESIGN, ["base"], ["cost"])
    assert {row["low"] for row in single} == {None}
    none = factorial_effects(RESULTS[RESULTS["point"] != 1], DESIGN, ["base"], ["cost"])
    assert {row["effect"] for row in none} == {None}


def test_only_two_levels_make_it() -> None:
    three = Factor("x", ValueList((0, 1, 2)))
    assert is_two_level(DESIGN)
    assert not is_two_level(sample([three, DESIGN.factors[0]], DesignSpec("full-factorial")))
    assert not is_two_level(sample([DESIGN.factors[0]], DesignSpec("full-factorial")))
    assert not is_two_level(sample(DESIGN.factors, DesignSpec("one-at-a-time")))


def test_figures_say_what_the_table_says() -> None:
    still = RESULTS.assign(still=1.0, load=2.0 * RESULTS["cost"])
    found = factorial_effects(still, DESIGN, ["base"], ["cost", "still", "load"])
    overview, first, second = factorial_drawings(found, NAMES, "CNY")
    assert [one.name for one in (overview, first, second)] == [
        "factorial",
        "factorial-cost",
        "factorial-load",
    ]
    left, right = first.figure.axes
    names = [text.get_text() for text in left.get_yticklabels()]
    strongest = found[0]
    assert names[-1] == f"{strongest['factor']}" + (
        f" \u00d7 {strongest['other']}" if strongest["other"] else ""
    )
    assert len(names) == 15
    drawn = sorted(
        float(value) for line in left.get_lines() if line.get_marker() in "osD" for value in line.get_xdata()
    )
    assert drawn == pytest.approx(sorted(row["effect"] for row in found if row["metric"] == "cost"))
    assert len(right.texts) == 10
    assert {*NAMES} < {*names}
    clear = sum(
        row["low"] * row["high"] > 0.0 for row in found if row["metric"] == "cost" and row["order"] < 3
    )
    assert [text.get_weight() for text in right.texts].count("bold") == clear > 0
    assert "bold" in right.get_title("left")
    single = factorial_effects(RESULTS[RESULTS["replication"] == 0], DESIGN, ["base"], ["cost"])
    assert "no intervals" in list(factorial_drawings(single, NAMES))[1].figure.axes[1].get_title("left")
    assert [text.get_text() for text in overview.figure.axes[0].get_yticklabels()] == ["cost", "load"]


LEVELS = {
    "study": "Tariff and price on and off",
    "base": "adcef-small",
    "cases": ["adcef"],
    "set": {"horizon_h": 24},
    "factors": {
        "factor": {
            "levels": {"off": {"tariff": {"kind": "tou"}, "prices": {"quota_tco2_per_mwh": 0.4}}, "on": {}}
        },
        "carbon_price": {"paths": ["prices.carbon_price_per_tco2"], "values": [50, 100]},
    },
    "metrics": ["emission_tco2", "user_cost_money", "dso_net_revenue_money"],
}


def written(folder: Path, **changes: object) -> Path:
    path = folder / "study.yaml"
    path.write_text(yaml.safe_dump(LEVELS | changes, sort_keys=False), encoding="utf-8")
    return path


def faults_of(folder: Path, **changes: object) -> dict[str, str]:
    with pytest.raises(ScenarioError) as caught:
        load_study(written(folder, **changes))
    return {fault.place: fault.allowed for fault in caught.value.faults}


def test_a_level_is_a_bundle_of_settings(tmp_path: Path) -> None:
    study = load_study(written(tmp_path))
    model = ScenarioModel(study.file)
    tree = model.tree("adcef", {"factor": "off", "carbon_price": 50}, 1)
    assert (tree["tariff"]["kind"], tree["prices"]["quota_tco2_per_mwh"]) == ("tou", 0.4)
    assert tree["prices"]["carbon_price_per_tco2"] == 50
    assert model.tree("adcef", {"factor": "on", "carbon_price": 50}, 1)["tariff"]["kind"] == "adcef"
    result = sweep_here(study, tmp_path / "out")
    assert result.failures == result.uncertified == 0
    told = json.loads((result.path / "statistics.json").read_bytes())["factorial"]
    rows = result.results().pivot_table(index="factor", columns="carbon_price", values="user_cost_money")
    (pair,) = [row for row in told if row["other"] and row["metric"] == "user_cost_money"]
    twice = (rows.loc["on", 100] - rows.loc["off", 100]) - (rows.loc["on", 50] - rows.loc["off", 50])
    assert pair["effect"] == pytest.approx(twice / 2.0)
    assert "Main effects and interactions" in (result.path / "report.html").read_text(encoding="utf-8")
    assert (result.path / "figures" / "factorial.svg").exists()


def test_levels_that_make_no_sense_are_named(tmp_path: Path) -> None:
    own = LEVELS["factors"]
    both = own | {"other": {"levels": {"x": {"prices": {"carbon_price_per_tco2": 3}}, "y": {}}}}
    assert (
        "must be left to the factor carbon_price" in faults_of(tmp_path, factors=both)["factors.other.paths"]
    )
    fixed = {"seeds": {"levels": {"x": {"seed": 3}, "y": {}}}}
    assert "other than its model, seed" in faults_of(tmp_path, factors=fixed)["factors.seeds.levels.x.seed"]
    paths = {"tariff": {"levels": {"x": {}}, "paths": ["tariff.kind"]}}
    assert "must be left out" in faults_of(tmp_path, factors=paths)["factors.tariff.paths"]
    unknown = {"tariff": {"levels": {"x": {"tariff": {"kind": "none-such"}}, "y": {}}}}
    assert "tariff.kind" in faults_of(tmp_path, factors=unknown)
    assert "factors.x.values" in faults_of(tmp_path, factors={"x": {"levels": {}}})
    of_function = {"base": None, "cases": None, "set": {}, "function": "ishigami", "metrics": None}
    assert "factors.x1.levels" in faults_of(tmp_path, **of_function, factors={"x1": {"levels": {"x": {}}}})


@pytest.mark.parametrize(
    ("name", "jobs"),
    [("one-world-rationality", 72), ("one-world-links", 36), ("one-world-monte-carlo", 200)],
)
def test_other_studies_of_one_world_are_without_faults(name: str, jobs: int) -> None:
    assert load_study(name).n_job == jobs


@pytest.mark.parametrize("off", ["ladder", "adcef", "pool", "green_payment", "trade"])
def test_what_the_factorial_of_one_world_switches_off_is_what_its_case_does(off: str) -> None:
    file = load_study("one-world-factorial").file
    model = ScenarioModel(file)
    values = {name: "off" if name == off else "on" for name in model.levels}
    scenario, faults = check_case(model.tree("all-on", values, 1))
    assert not faults
    assert scenario is not None
    settings = [f"{path}={value}" for path, value in file.set.items()]
    case = load_scenario("one-world-small", settings).cases[f"no-{off.replace('_', '-')}"]
    told = {"title", "description"}
    assert scenario.model_dump(exclude=told) == case.model_dump(exclude=told)
