"""Study files: what they say, every fault at once, and what each job changes in its scenario."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from gridarium.environment.errors import ScenarioError
from gridarium.experiments.reading.field_paths import places, replaced
from gridarium.experiments.reading.plain_yaml import dump_yaml
from gridarium.experiments.scenario import load_scenario, shipped_scenarios
from gridarium.experiments.sweeps.scenario_model import ScenarioModel
from gridarium.experiments.sweeps.study import is_study, load_study, shipped_studies
from gridarium.experiments.sweeps.study_schema import StudyFile

STUDY = {
    "study": "Two factors",
    "base": "adcef-small",
    "cases": ["adcef", "tou"],
    "factors": {
        "carbon_price": {"paths": ["prices.carbon_price_per_tco2"], "values": [0, 100]},
        "beta": {
            "paths": ["consumers.*.beta_per_mwh_per_mw"],
            "range": {"start": 30, "stop": 90, "count": 3},
        },
    },
    "replications": 2,
}


def written(folder: Path, study: dict, name: str = "study.yaml") -> Path:
    path = folder / name
    path.write_text(yaml.safe_dump(study, sort_keys=False), encoding="utf-8")
    return path


def faults_of(folder: Path, **changes: object) -> dict[str, str]:
    with pytest.raises(ScenarioError) as caught:
        load_study(written(folder, STUDY | changes))
    return {fault.place: fault.allowed for fault in caught.value.faults}


def test_job_list_is_points_then_replications(tmp_path: Path) -> None:
    study = load_study(written(tmp_path, STUDY))
    assert study.n_job == 12
    jobs = [study.job(number) for number in range(12)]
    assert [job.point for job in jobs] == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5]
    # Common random numbers: a replication has one seed at all points.
    assert [job.seed for job in jobs] == [1, 2] * 6
    assert [job.values["beta"] for job in jobs[:6:2]] == [30.0, 60.0, 90.0]
    assert [job.values["carbon_price"] for job in jobs[::6]] == [0, 100]


def test_two_factors_must_not_change_one_field(tmp_path: Path) -> None:
    beta = {"paths": ["consumers.*.beta_per_mwh_per_mw"], "values": [30, 60]}
    other = {"paths": ["consumers.industrial.beta_per_mwh_per_mw"], "values": [40, 50]}
    found = faults_of(tmp_path, factors={"beta": beta, "other": other})
    assert set(found) == {"factors.other.paths"}
    assert "must be left to the factor beta" in found["factors.other.paths"]


def test_points_of_a_sample_may_draw_for_themselves(tmp_path: Path) -> None:
    sample = {"kind": "latin-hypercube", "samples": 3}
    own = load_study(written(tmp_path, STUDY | {"design": sample, "seeds": "own", "seed": 5}))
    assert [own.job(number).seed for number in range(6)] == [5, 6, 7, 8, 9, 10]
    shared = load_study(written(tmp_path, STUDY | {"design": sample, "seed": 5}))
    assert [shared.job(number).seed for number in range(6)] == [5, 6] * 3
    assert "full-factorial design are compared" in faults_of(tmp_path, seeds="own")["seeds"]


def test_metrics_of_a_grid_are_kept_by_their_full_names(tmp_path: Path) -> None:
    kept = {"metrics": ["r1.emission_tco2", "emission_tco2"]}
    assert StudyFile.model_validate(STUDY | kept).metrics == ["r1.emission_tco2", "emission_tco2"]
    assert "is no metric of the cases" in faults_of(tmp_path, **kept)["metrics.0"]
    for wrong in ("r1.", ".emission_tco2", "a.b.c", "r 1.emission_tco2"):
        assert "metrics.0" in faults_of(tmp_path, metrics=[wrong])


def test_values_reach_every_field_of_a_path_and_no_other(tmp_path: Path) -> None:
    study = load_study(written(tmp_path, STUDY))
    model = ScenarioModel(study.file)
    job = study.job(11)
    for case in ("adcef", "tou"):
        before, after = model.trees[case], model.tree(case, job.values, job.seed)
        changed = {"seed": 2, "prices": {**before["prices"], "carbon_price_per_tco2": 100}}
        consumers = {
            name: {**group, "beta_per_mwh_per_mw": 90.0} for name, group in before["consumers"].items()
        }
        assert after == {**before, **changed, "consumers": consumers}
    assert model.trees["tou"]["tariff"]["kind"] == "tou"


def test_cases_keep_the_order_of_the_study(tmp_path: Path) -> None:
    assert load_study(written(tmp_path, STUDY)).file.cases == ["adcef", "tou"]


def test_settings_are_laid_over_every_case(tmp_path: Path) -> None:
    study = load_study(
        written(tmp_path, STUDY | {"set": {"storages.*.soc_min": 0.2, "negotiation.damping": 1}})
    )
    for tree in ScenarioModel(study.file).trees.values():
        assert {unit["soc_min"] for unit in tree["storages"].values()} == {0.2}
        assert tree["negotiation"]["damping"] == 1.0


def test_overrides_mean_what_they_mean_in_a_run(tmp_path: Path) -> None:
    path = written(tmp_path, STUDY | {"seed": 3, "set": {"storages.*.soc_min": 0.2}})
    settings = ["seed=5", "negotiation.damping=0.5", "cases.tou.negotiation.round_limit=7"]
    study = load_study(path, settings)
    loaded = load_scenario("adcef-small", settings).cases
    assert study.job(0).seed == 5
    for name, tree in ScenarioModel(study.file).trees.items():
        for section in ("negotiation", "prices"):
            assert tree[section] == loaded[name].model_dump(mode="json")[section]
    assert study.resolved() == load_study(path, settings).resolved()
    assert study.resolved() != load_study(path).resolved()


def test_an_override_is_stronger_than_what_the_study_sets(tmp_path: Path) -> None:
    path = written(tmp_path, STUDY | {"set": {"storages.*.soc_min": 0.2}})
    unit = next(iter(load_scenario("adcef-small").cases["tou"].storages))  # type: ignore[attr-defined]
    study = load_study(path, [f"storages.{unit}.soc_min=0.15"])
    written(tmp_path, study.resolved(), "resolved.yaml")
    for one in (study, load_study(tmp_path / "resolved.yaml")):
        for tree in ScenarioModel(one.file).trees.values():
            found = {name: each["soc_min"] for name, each in tree["storages"].items()}
            assert found == dict.fromkeys(found, 0.2) | {unit: 0.15}


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("prices.carbon_price_per_tco2=5", "must be left to the factor carbon_price, which varies it"),
        ("consumers.industrial.beta_per_mwh_per_mw=5", "must be left to the factor beta, which varies it"),
        ("cases.tou.prices.carbon_price_per_tco2=5", "must be left to the factor carbon_price"),
        ("cases.tou.negotiation.damping=0.5", "which sets it in all cases (set.negotiation.damping)"),
        ("prices.nothing=5", "unknown field"),
        ("prices", "must be path.to.field=value"),
    ],
)
def test_an_override_without_effect_or_place_is_refused(tmp_path: Path, setting: str, told: str) -> None:
    path = written(tmp_path, STUDY | {"set": {"negotiation.damping": 1}})
    with pytest.raises(ScenarioError) as caught:
        load_study(path, [setting])
    (fault,) = caught.value.faults
    assert told in fault.allowed
    assert fault.place == (setting.partition("=")[0] if "=" in setting else "--set")


def test_overrides_of_a_function_are_its_parameters(tmp_path: Path) -> None:
    toy = {"study": "Toy", "function": "json:dumps", "set": {"a": 1}, "factors": {"x": {"values": [0, 1]}}}
    study = load_study(written(tmp_path, toy), ["a=2", "b=3", "seed=9"])
    assert (study.file.set, study.job(0).seed) == ({"a": 2, "b": 3}, 9)
    for setting, place in (("seed=x", "seed"), ("x=4", "x")):
        with pytest.raises(ScenarioError) as caught:
            load_study(written(tmp_path, toy), [setting])
        assert [fault.place for fault in caught.value.faults] == [place]


def test_resolved_study_loads_as_the_same_study(tmp_path: Path) -> None:
    study = load_study(written(tmp_path, STUDY))
    (tmp_path / "resolved.yaml").write_text(dump_yaml(study.resolved()), encoding="utf-8")
    assert load_study(tmp_path / "resolved.yaml").resolved() == study.resolved()


def test_base_beside_the_study_file(tmp_path: Path) -> None:
    written(tmp_path, {"extends": "adcef-small", "seed": 7}, "mine.yaml")
    assert load_study(written(tmp_path, STUDY | {"base": "mine.yaml"})).job(0).seed == 7


def test_all_faults_of_a_file_at_once(tmp_path: Path) -> None:
    found = faults_of(
        tmp_path,
        replications=0,
        colour="red",
        design={"kind": "sobol", "samples": 3, "levels": "many"},
        stop={"metric": "a b", "case": "adcef", "width": -1},
    )
    assert set(found) == {"replications", "colour", "stop.metric", "stop.width", "design.samples"}
    found = faults_of(
        tmp_path,
        metrics=["emission_tco2", "emission_tco2"],
        design={"kind": "sobol", "samples": 3},
        factors={"job": {"paths": ["prices"]}, "x": {"values": [1]}},
    )
    assert set(found) == {"factors.job", "metrics", "design.samples"}


def test_all_faults_against_the_base_at_once(tmp_path: Path) -> None:
    factors = {
        "lost": {"paths": ["consumers.*.battery.p_max_mw"], "values": [1]},
        "seeds": {"paths": ["seed"], "values": [1, 2]},
    }
    found = faults_of(tmp_path, cases=["adcef", "nothing"], factors=factors, set={"tarif.kind": "tou"})
    assert set(found) == {"cases", "factors.lost.paths.0", "factors.seeds.paths.0", "set.tarif.kind"}


def test_impossible_values_are_refused_before_anything_runs(tmp_path: Path) -> None:
    factors = {"beta": {"paths": ["consumers.*.beta_per_mwh_per_mw"], "values": [10, 0, 20]}}
    found = faults_of(tmp_path, factors=factors)
    assert all("design point 1" in allowed for allowed in found.values())
    assert "consumers.industrial.beta_per_mwh_per_mw" in found


def test_stop_rule_needs_independent_observations(tmp_path: Path) -> None:
    stop = {"metric": "emission_tco2", "case": "adcef", "width": 0.1}
    assert "stop" in faults_of(tmp_path, stop=stop)
    study = load_study(written(tmp_path, STUDY | {"factors": {}, "replications": 50, "stop": stop}))
    assert study.n_job == 50


def test_function_needs_no_paths_and_base_does(tmp_path: Path) -> None:
    toy = {"study": "Toy", "function": "ishigami", "factors": {"x1": {"values": [0, 1]}}}
    assert load_study(written(tmp_path, toy)).n_job == 2
    with pytest.raises(ScenarioError, match="registered function"):
        load_study(written(tmp_path, toy | {"function": "no_such_package:f"}))
    with pytest.raises(ScenarioError, match="must be left out"):
        load_study(written(tmp_path, toy | {"factors": {"x1": {"values": [0], "paths": ["x"]}}}))
    with pytest.raises(ScenarioError, match="not both"):
        load_study(written(tmp_path, toy | {"base": "adcef"}))


def test_shipped_studies_are_no_scenarios() -> None:
    assert "smoke" in shipped_studies()
    assert not shipped_studies().keys() & shipped_scenarios().keys()
    for name in shipped_studies():
        assert is_study(name)
        assert load_study(name).n_job > 0
    assert load_study("smoke").n_job == 24


def test_places_of_a_path() -> None:
    tree = {"a": {"x": {"k": 1}, "y": {"k": 2}}, "list": [{"k": 3}, {"k": 4}]}
    assert places(tree, "a.*.k") == [("a", "x", "k"), ("a", "y", "k")]
    assert places(tree, "list.1.k") == [("list", "1", "k")]
    assert places(tree, "list.*.k") == [("list", "0", "k"), ("list", "1", "k")]
    assert places(tree, "a.z.k") == []
    assert places(tree, "list.2.k") == []
    # The last key may be new: its section says whether it takes it.
    assert places(tree, "a.x.new") == [("a", "x", "new")]


def test_replacing_leaves_the_old_tree_alone() -> None:
    tree = {"a": {"x": 1}, "list": [{"k": 3}, {"k": 4}]}
    assert replaced(tree, ("list", "1", "k"), 9) == {"a": {"x": 1}, "list": [{"k": 3}, {"k": 9}]}
    assert tree["list"] == [{"k": 3}, {"k": 4}]
