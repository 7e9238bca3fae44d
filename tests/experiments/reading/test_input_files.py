"""Folders of runs and sweeps hold what they name, and mean the same wherever they are."""

import shutil
from pathlib import Path

import pytest

from gridarium.experiments import load_scenario, run
from gridarium.experiments.reading.input_files import with_inputs
from gridarium.experiments.reading.plain_yaml import dump_yaml
from gridarium.experiments.reading.scenario_files import profile_path
from gridarium.experiments.sweeps.folder import SweepFolder
from gridarium.experiments.sweeps.study import load_study

OWN = """
extends: adcef-small
profiles: day.csv
network: {source: NET.JSON}
horizon_h: 4
cases: {one: {}, two: {profiles: other/day.csv}, three: {profiles: adcef-ordinary, network: five-bus}}
"""


@pytest.fixture
def there(tmp_path: Path) -> Path:
    """Write a scenario with files of its own; return the folder."""
    folder = tmp_path / "there"
    (folder / "other").mkdir(parents=True)
    day = profile_path("adcef-ordinary")
    for name in ("day.csv", "other/day.csv"):
        shutil.copy(day, folder / name)
    shutil.copy(day.with_name("five-bus.json"), folder / "NET.JSON")
    (folder / "own.yaml").write_text(OWN, encoding="utf-8")
    return folder


def test_a_resolved_scenario_is_portable(
    there: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(there)
    first = run(load_scenario("own.yaml"), cases=["one"], out=tmp_path / "run")
    shutil.move(there, tmp_path / "gone")
    shutil.move(tmp_path / "run", tmp_path / "moved")
    text = (tmp_path / "moved" / "scenario.yaml").read_text(encoding="utf-8")
    assert str(tmp_path) not in text
    assert str(profile_path("adcef-ordinary").parent) not in text
    assert sorted(path.name for path in (tmp_path / "moved" / "inputs").iterdir()) == [
        "NET.JSON",
        "day-2.csv",
        "day.csv",
    ]
    monkeypatch.chdir("/")
    again = load_scenario(tmp_path / "moved" / "scenario.yaml")
    assert list(again.cases) == ["one", "two", "three"]
    assert again.cases["one"].network.source == str(tmp_path / "moved" / "inputs" / "NET.JSON")
    assert again.cases["two"].profiles == str(tmp_path / "moved" / "inputs" / "day-2.csv")
    assert again.resolved()["cases"]["three"]["network"]["source"] == "five-bus"
    assert run(again, cases=["one"]).summary == first.summary


def test_a_file_that_has_gone_costs_no_result(there: Path) -> None:
    tree = load_scenario(there / "own.yaml").resolved()
    (there / "day.csv").unlink()
    named, files = with_inputs(tree)
    assert named["cases"]["one"]["profiles"] == str(there / "day.csv")
    assert sorted(files) == ["inputs/NET.JSON", "inputs/day.csv"]


def test_a_sweep_can_be_resumed_from_its_own_folder_elsewhere(there: Path, tmp_path: Path) -> None:
    study = {
        "study": "own files",
        "base": "own.yaml",
        "cases": ["one"],
        "factors": {"price": {"paths": ["prices.carbon_price_per_tco2"], "values": [40, 80]}},
    }
    (there / "study.yaml").write_text(dump_yaml(study), encoding="utf-8")
    SweepFolder(tmp_path / "swept", load_study(there / "study.yaml"), resume=False).close()
    shutil.move(there, tmp_path / "gone")
    shutil.move(tmp_path / "swept", tmp_path / "moved")
    path = tmp_path / "moved"
    assert str(tmp_path) not in (path / "study.yaml").read_text(encoding="utf-8")
    assert str(tmp_path) not in (path / "manifest.json").read_text(encoding="utf-8")
    SweepFolder(path, load_study(path / "study.yaml"), resume=True).close()
