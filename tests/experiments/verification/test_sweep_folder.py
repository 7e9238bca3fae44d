"""A sweep's folder, altered: results against runs, means against results, and a run again."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from gridarium.experiments.results.table_files import parquet_bytes
from gridarium.experiments.sweeps.rerun import verify_sweep
from gridarium.experiments.sweeps.study import load_study
from gridarium.experiments.sweeps.sweeper import sweep
from gridarium.experiments.verification.checks import Check
from gridarium.experiments.verification.files import read_table

STUDY = """
study: A toy
function: gridarium.experiments.sweeps.toy_models:ishigami
factors:
  x1: {values: [1.0, 2.0]}
  x2: {values: [0.5]}
  x3: {values: [0.1]}
  noise: {values: [0.2]}
replications: 3
seed: 5
metrics: [y]
"""


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sweeps")
    (path / "own.yaml").write_text(STUDY, encoding="utf-8")
    return sweep(load_study(path / "own.yaml"), path / "out", workers=1).path


@pytest.fixture
def folder(swept: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(swept, tmp_path / "copy"))


def fallen(checks: list[Check]) -> set[str]:
    return {one.subject for one in checks if not one.passed}


def test_a_sweep_passes_and_a_drawn_run_comes_out_as_before(folder: Path) -> None:
    checks = verify_sweep(folder, 2)
    assert fallen(checks) == set()
    assert [one.subject for one in checks] == ["files", "results", "statistics", "runs again", "runs again"]


def test_results_that_no_run_has_left_are_found(folder: Path) -> None:
    table = read_table(folder / "results.parquet")
    table.loc[3, "y"] += 1e-9
    (folder / "results.parquet").write_bytes(parquet_bytes(table))
    assert fallen(verify_sweep(folder, 0)) == {"results.parquet", "results"}


def test_runs_that_never_were_are_found_by_running_them_again(folder: Path) -> None:
    """Where results, their parts and the statistics were all changed alike."""
    table = read_table(folder / "results.parquet")
    table["y"] += 1.0
    (folder / "results.parquet").write_bytes(parquet_bytes(table))
    for path in (folder / "parts").rglob("*.json"):
        left = json.loads(path.read_bytes())
        left["rows"][0]["metrics"]["y"] += 1.0
        path.write_text(json.dumps(left), encoding="utf-8")
    assert {"results", "runs again"} & fallen(verify_sweep(folder, 1)) == {"runs again"}


def test_another_mean_is_found(folder: Path) -> None:
    statistics = json.loads((folder / "statistics.json").read_bytes())
    statistics["means"][0]["mean"] *= 1.001
    (folder / "statistics.json").write_text(json.dumps(statistics), encoding="utf-8")
    assert fallen(verify_sweep(folder, 0)) == {"statistics.json", "statistics"}
