"""Names of earlier versions: each is a fault that says what the name is now."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from gridarium.environment.errors import ScenarioError
from gridarium.experiments.names.renamed import new_name
from gridarium.experiments.reading.scenario_files import profile_path
from gridarium.experiments.scenario import load_scenario
from gridarium.experiments.sweeps.study import load_study


def faults_of(source: str | Path, *settings: str) -> list[str]:
    with pytest.raises(ScenarioError) as caught:
        load_scenario(source, settings)
    return [str(fault) for fault in caught.value.faults]


def study_faults(folder: Path, **changes: object) -> list[str]:
    study = {
        "study": "Old names",
        "base": "adcef-small",
        "cases": ["adcef"],
        "factors": {"price": {"paths": ["prices.carbon_price_per_tco2"], "values": [40, 80]}},
    }
    path = folder / "study.yaml"
    path.write_text(yaml.safe_dump(study | changes), encoding="utf-8")
    with pytest.raises(ScenarioError) as caught:
        load_study(path)
    return [str(fault) for fault in caught.value.faults]


@pytest.mark.parametrize("name", ["load_mw", "price_per_mwh", "currency", "usd", "_usd", ""])
def test_other_names_are_none_of_before(name: str) -> None:
    assert new_name(name) is None


@pytest.mark.parametrize(
    ("source", "setting", "told"),
    [
        (
            "net-zero",
            "real_time_market.price_usd_per_mwh=300.0",
            "real_time_market.price_usd_per_mwh: got 300.0; is now called price_per_mwh",
        ),
        (
            "net-zero",
            "prosumers.prosumer_1.utility.scale_usd=2",
            "prosumers.prosumer_1.utility.scale_usd: got 2; is now called scale_money",
        ),
        (
            "adcef",
            "storages.new={p_max_mw: 1, e_max_mwh: 1, wear_cny_per_mwh: 3}",
            "storages.new.wear_cny_per_mwh: got 3; is now called wear_cost_per_mwh",
        ),
        (
            "adcef",
            "consumers.residential.behaviour=[{inattention: {threshold_cny_per_mwh: 20}}]",
            "consumers.residential.behaviour.0.threshold_cny_per_mwh: got 20; "
            "is now called price_threshold_per_mwh",
        ),
    ],
)
def test_an_old_field_is_named_with_its_new_name(source: str, setting: str, told: str) -> None:
    assert faults_of(source, setting) == [told]


def test_a_required_field_under_its_old_name_is_one_fault() -> None:
    told = "consumers.all.beta_cny_per_mwh_per_mw: got 60; is now called beta_per_mwh_per_mw"
    settings = ("consumers={all: {share: 1, beta_cny_per_mwh_per_mw: 60}}",)
    assert faults_of("adcef", *settings) == [told]


def test_an_old_name_in_a_section_without_such_a_field_is_unknown() -> None:
    (told,) = faults_of("adcef", "network.price_usd_per_mwh=1")
    assert "unknown field" in told


def test_an_old_column_is_named_with_its_new_name(tmp_path: Path) -> None:
    text = profile_path("adcef-ordinary").read_text(encoding="utf-8")
    path = tmp_path / "old.csv"
    path.write_text(text.replace("tou_price_per_mwh", "tou_cny_per_mwh"), encoding="utf-8")
    told = "profiles: got 'tou_cny_per_mwh'; old.csv: the column is now called tou_price_per_mwh"
    assert faults_of("adcef", f"profiles={path}") == [told]


def test_old_names_in_a_study(tmp_path: Path) -> None:
    paths = {"price": {"paths": ["prices.carbon_price_cny_per_tco2"], "values": [40, 80]}}
    told = "prices.carbon_price_cny_per_tco2: got 40; is now called carbon_price_per_tco2"
    assert study_faults(tmp_path, factors=paths)[0].startswith(told)
    fixed = study_faults(tmp_path, set={"prices.carbon_price_cny_per_tco2": 50})
    assert fixed == [told.replace("40", "50")]


def test_old_metrics_in_a_study(tmp_path: Path) -> None:
    told = study_faults(tmp_path, metrics=["emission_tco2", "dso_net_revenue_cny"])
    assert told == ["metrics.1: got 'dso_net_revenue_cny'; is now called dso_net_revenue_money"]
    stop = {"metric": "user_cost_cny", "case": "adcef", "width": 0.1}
    told = study_faults(tmp_path, stop=stop, factors={}, replications=40)
    assert told == ["stop.metric: got 'user_cost_cny'; is now called user_cost_money"]
