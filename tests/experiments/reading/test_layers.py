"""Layers of a scenario: what null, `_replace_` and `--set` do to what is extended, and where paths start."""

import shutil
from pathlib import Path

import pytest

from gridarium.environment.errors import ScenarioError
from gridarium.experiments.reading.scenario_files import profile_path
from gridarium.experiments.scenario import Study, load_scenario
from gridarium.experiments.sweeps.study import load_study


def study_of(folder: Path, text: str, *settings: str) -> Study:
    (folder / "own.yaml").write_text(text, encoding="utf-8")
    return load_scenario(folder / "own.yaml", settings)


def faults_of(source: str | Path, *settings: str) -> list[str]:
    with pytest.raises(ScenarioError) as caught:
        load_scenario(source, settings)
    return [str(fault) for fault in caught.value.faults]


@pytest.mark.parametrize(
    ("base", "field", "text"),
    [
        ("adcef-small", "renewables.pv", "renewables: {pv: null}"),
        ("adcef-small", "network.sites", "network: {sites: null}"),
        ("adcef", "network.sites", "network: {sites: null}"),
        ("adcef", "storages", "{network: {sites: null}, storages: null}"),
        ("adcef-small", "network.voltage_min_pu", "network: {voltage_min_pu: null}"),
        ("adcef-small", "seed", "seed: null"),
        ("adcef-small", "prices", "prices: null"),
        ("adcef-small", "network.loading_max", "network: {loading_max: null}"),
    ],
)
def test_null_means_the_same_in_a_file_and_on_the_command_line(
    tmp_path: Path, base: str, field: str, text: str
) -> None:
    inner = text.removeprefix("{").removesuffix("}") if text.startswith("{") else text
    lines = inner.split(", ", 1) if text.startswith("{") else [inner]
    own = study_of(tmp_path, "\n".join([f"extends: {base}", *lines]))
    settings = [f"{field}=null"] + (["network.sites=null"] if field == "storages" else [])
    assert load_scenario(base, settings).cases == own.cases


def test_null_takes_a_unit_away_or_is_a_fault(tmp_path: Path) -> None:
    cases = load_scenario("net-zero", ["thermal_units.unit_3=null"]).cases
    assert all("unit_3" not in case.thermal_units for case in cases.values())
    assert "ghost" in faults_of("adcef", "storages.ghost=null")[0]
    (tmp_path / "own.yaml").write_text("extends: adcef\nstorages: {ghost: null}", encoding="utf-8")
    assert faults_of(tmp_path / "own.yaml")[0].startswith("storages.ghost: got None")
    assert load_scenario("adcef-small", ["network.loading_max=null"]).cases["tou"].network.loading_max is None


def test_a_case_can_be_taken_away() -> None:
    assert list(load_scenario("adcef-small", ["cases.tou=null"]).cases) == [
        "static-carbon",
        "adcef",
        "tou-commanded",
    ]
    assert "tu=null" in faults_of("adcef-small", "cases.tu=null")[0]
    assert "cases" in faults_of("adcef-small", "cases.*=null")[0]


def test_overrides_take_the_wildcards_of_studies() -> None:
    study = load_scenario("adcef", ["cases.*.consumers.*.shiftable_mwh=0.3"])
    for case in study.cases.values():
        assert {one.shiftable_mwh for one in case.consumers.values()} == {0.3}
    study = load_scenario("adcef", ["cases.*.storages.*.p_max_mw=0.3", "storages.*.p_max_mw=0.4"])
    for case in study.cases.values():
        assert {one.p_max_mw for one in case.storages.values()} == {0.4}
    (found,) = faults_of("adcef", "storges.*.p_max_mw=1")
    assert found.startswith("--set: got 'storges.*.p_max_mw=1'; must lead to a field")
    assert faults_of("adcef", "consumers.*.share=-1")[0].startswith("consumers.")


def test_a_mapping_takes_the_place_of_that_of_the_base(tmp_path: Path) -> None:
    text = "extends: adcef\nnetwork: {_replace_: true, source: case33bw, loading_max: 0.9}\n"
    network = study_of(tmp_path, text).cases["tou"].network
    assert (network.sites, network.loading_max, network.peak_load_mw) == ({}, 0.9, None)
    text = "extends: adcef\ncases: {own: {storages: {_replace_: true, one: {p_max_mw: 1, e_max_mwh: 2}}}}"
    assert list(study_of(tmp_path, text, "network.sites=null").cases["own"].storages) == ["one"]
    (tmp_path / "own.yaml").write_text("extends: adcef\nnetwork: {_replace_: 1}", encoding="utf-8")
    assert faults_of(tmp_path / "own.yaml")[0].startswith("network._replace_: got 1; unknown field")


def test_cases_that_are_not_run_are_not_judged(tmp_path: Path) -> None:
    path = tmp_path / "own.yaml"
    path.write_text(
        "extends: adcef\ncases: {good: {}, bad: {seed: -1}}\nmain_cases: [good]", encoding="utf-8"
    )
    assert "cases.bad.seed" in faults_of(path)[0]
    for cases in (["good"], []):
        assert list(load_scenario(path, cases=cases).cases) == ["good"]
    for case, told in (("bad", "cases.bad.seed"), ("ugly", "--case: got 'ugly'; must be one of good, bad")):
        with pytest.raises(ScenarioError, match=told):
            load_scenario(path, cases=[case])


def test_cases_of_the_base_that_do_not_fit_are_left_alone(tmp_path: Path) -> None:
    text = """
extends: net-zero
horizon_h: 12
prosumers:
  prosumer_1: null
  prosumer_2: null
  prosumer_3: null
  a: {pv_column: prosumer_1_pv_mw, load_column: prosumer_1_load_mw}
  b: {pv_column: prosumer_3_pv_mw, load_column: prosumer_3_load_mw}
lines:
  distance_km: {prosumer_1: null, prosumer_2: null, a: {b: 10}}
"""
    (tmp_path / "own.yaml").write_text(text, encoding="utf-8")
    assert "cases.many-prosumers" in faults_of(tmp_path / "own.yaml")[0]
    study = load_scenario(tmp_path / "own.yaml", cases=["shared-storage"])
    assert sorted(study.cases["shared-storage"].prosumers) == ["a", "b"]


def test_paths_of_a_study_start_at_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy(profile_path("adcef-ordinary"), tmp_path / "day.csv")
    text = """
study: whose file is it
base: adcef-small
cases: [tou]
set: {profiles: day.csv}
factors:
  day: {paths: [profiles], values: [day.csv, adcef-high-res]}
"""
    levels = text.replace("{paths: [profiles], values: [day.csv", "{levels: {own: {profiles: day.csv}")
    levels = levels.replace("adcef-high-res]}", "other: {profiles: adcef-high-res}}}")
    monkeypatch.chdir("/")
    for name, own in (("values", text.replace("set: {profiles: day.csv}\n", "")), ("levels", levels)):
        (tmp_path / f"{name}.yaml").write_text(own, encoding="utf-8")
        file = load_study(tmp_path / f"{name}.yaml").file
        told = str(file.model_dump()["factors"])
        assert (str(tmp_path / "day.csv") in told, "/adcef-high-res" in told) == (True, False)


def test_paths_start_at_the_file_that_names_them_whatever_their_suffix(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = tmp_path / "there"
    there.mkdir()
    five_bus = profile_path("adcef-ordinary").with_name("five-bus.json")
    for name in ("NET.JSON", "net.txt", "net"):
        shutil.copy(five_bus, there / name)
        text = f"extends: adcef-small\nnetwork: {{source: {name}}}\ncases: {{own: {{network: {name}}}}}"
        monkeypatch.chdir("/")
        assert study_of(there, text).cases["own"].network.source == str(there / name)
    monkeypatch.chdir(there)
    assert load_scenario("adcef-small", ["network=net"]).cases["tou"].network.source == str(there / "net")


def test_a_shipped_network_has_a_name(tmp_path: Path) -> None:
    named = load_scenario("adcef-small", ["network=five-bus"]).cases["tou"]
    assert named.network.source == load_scenario("adcef-small").cases["tou"].network.source
