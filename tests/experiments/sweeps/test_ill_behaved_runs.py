"""Runs that end, hang, print or measure nothing: one clear row each, the rest of the sweep as ever."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
import yaml
from typer.testing import CliRunner

from gridarium.environment.errors import InputError, ScenarioError
from gridarium.experiments import cli
from gridarium.experiments.sweeps import sweeper
from gridarium.experiments.sweeps.executors import DaskCluster
from gridarium.experiments.sweeps.folder import SweepFolder
from gridarium.experiments.sweeps.jobs import CaseRow, FailureRow, JobResult, overdue_job
from gridarium.experiments.sweeps.study import SweepStudy, load_study
from gridarium.experiments.sweeps.sweeper import SweepInterrupted, SweepReportError, sweep
from tests.support.sweep_here import sweep_here

FUNCTIONS = """
import os, sys, time

class Odd(Exception):
    def __init__(self, first, second):
        super().__init__(first)

def odd(parameters, seed):
    x = parameters["x"]
    print("at", x)
    if x == 1:
        sys.exit(3)
    if x == 2:
        raise MemoryError
    if x == 3:
        raise Odd("no home", 1)
    return {"a": {"y": float("nan") if x == 4 else x, "z": 1.0}}

def hangs(parameters, seed):
    while parameters["x"] == 1:
        time.sleep(0.01)
    return {"a": {"y": parameters["x"]}}
"""

Make = Callable[..., SweepStudy]


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    """Return a function that makes the study of one of the functions above."""
    (tmp_path / "odd_functions.py").write_text(FUNCTIONS, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    def made(function: str = "odd", count: int = 6, **more: object) -> SweepStudy:
        x = {"values": list(range(count))}
        tree = {"study": "Odd", "function": f"odd_functions:{function}", "factors": {"x": x}, **more}
        (tmp_path / "odd.yaml").write_text(yaml.safe_dump(tree), encoding="utf-8")
        return load_study(tmp_path / "odd.yaml")

    return made


def failures_of(folder: Path) -> pd.DataFrame:
    return pd.read_parquet(folder / "failures.parquet")


def test_each_is_one_clear_row_and_what_is_printed_goes_to_the_log(
    make: Make, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    result = sweep_here(make(), tmp_path / "out")
    failed = failures_of(tmp_path / "out")
    assert failed[["job", "case", "error", "message"]].to_numpy().tolist() == [
        [1, "", "SystemExit", "sys.exit(3) was called (odd_functions.py, line 12, in odd)"],
        [2, "", "MemoryError", "out of memory (odd_functions.py, line 14, in odd)"],
        [3, "", "Odd", "no home (odd_functions.py, line 16, in odd)"],
        [4, "a", "NotMeasured", "no result: y is nan"],
    ]
    table = result.results()
    assert table["job"].tolist() == [0, 4, 5]
    assert table["z"].tolist() == [1.0] * 3
    assert table["y"].isna().tolist() == [False, True, False]
    log = (tmp_path / "out" / "log.txt").read_text()
    assert log.startswith("run 0:\nat 0\n\nrun 1:\nat 1\n")
    assert capsys.readouterr().out == ""
    assert not result.is_bad_input


def test_a_run_that_hangs_is_stopped_recorded_and_not_tried_again(make: Make, tmp_path: Path) -> None:
    study = make("hangs", 3, run_limit_s=0.5)
    result = sweep(study, tmp_path / "out", workers=1)
    told = "stopped after 0.5 s, the time limit of a run (run_limit_s); cases after it were not begun"
    assert failures_of(tmp_path / "out")[["job", "error", "message"]].to_numpy().tolist() == [
        [1, "TimeLimit", told]
    ]
    assert result.results()["job"].tolist() == [0, 2]

    def no_workers(*_: object) -> None:
        raise AssertionError("nothing is to be run")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sweeper, "LocalProcesses", no_workers)
        sweep(study, tmp_path / "out", workers=1, resume=True)
        with pytest.raises(AssertionError, match="nothing is to be run"):
            # Another limit is the same study.
            sweep(make("hangs", 3), tmp_path / "out", workers=1, resume=True, retry=True)


def test_what_a_run_had_found_before_it_was_stopped_is_kept() -> None:
    so_far = JobResult(7, (CaseRow("a", {"y": 1.0}, 0),), (FailureRow("b", "ValueError", "no"),))
    stopped = overdue_job(7, 60.0, so_far, "c")
    assert JobResult.from_json(stopped.to_json()) == stopped
    assert [row.case for row in stopped.rows] == ["a"]
    assert [row.case for row in stopped.failures] == ["b", "c"]
    assert stopped.timed_out and not stopped.lost


def test_workers_of_a_cluster_cannot_be_stopped(make: Make) -> None:
    pytest.importorskip("distributed")
    with pytest.raises(InputError, match=r"run_limit_s: got 5\.0; must be null with --dask"):
        DaskCluster(make(run_limit_s=5).file.model_dump_json(), "tcp://127.0.0.1:1")


def test_a_metric_that_a_function_does_not_have_ends_the_sweep_after_its_first_run(
    make: Make, tmp_path: Path
) -> None:
    with pytest.raises(ScenarioError, match="got 'ya'; is no metric of the function; did you mean y"):
        sweep_here(make("hangs", 1, metrics=["y", "ya"]), tmp_path / "out")


def test_a_second_ctrl_c_leaves_one_line(make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state = SweepFolder.state

    def press(folder: SweepFolder, status: str, **facts: object) -> None:
        if status == "interrupted":
            os.kill(os.getpid(), signal.SIGINT)
        state(folder, status, **facts)

    def stop(*_: object) -> None:
        os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(SweepFolder, "state", press)
    monkeypatch.setattr(sweeper, "write_tables", stop)
    with pytest.raises(SweepInterrupted, match="what had finished is safe, continue with --resume"):
        sweep_here(make(count=1), tmp_path / "out")
    assert json.loads((tmp_path / "out" / "manifest.json").read_bytes())["status"] == "interrupted"


def test_statistics_that_break_cost_no_run(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise KeyError("prosumer_1")

    monkeypatch.setattr("gridarium.experiments.sweeps.report.build_sweep_report", broken)
    with pytest.raises(SweepReportError, match=r"KeyError: 'prosumer_1' .*; all runs are safe in .*parts"):
        sweep_here(make(count=1), tmp_path / "out")
    assert len(pd.read_parquet(tmp_path / "out" / "results.parquet")) == 1


@pytest.mark.parametrize(
    ("error", "status"), [("SystemExit", cli.FAILED), ("ScenarioError", cli.BAD_INPUT), ("", cli.DONE)]
)
def test_the_exit_status_is_that_of_a_run(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: str, status: int
) -> None:
    make(count=1)
    row = [FailureRow("a", error, "", error == "ScenarioError")] if error else []

    class Ready:
        capacity = 1

        def __init__(self, *_: object) -> None:
            pass

        def submit(self, job: object) -> None:
            pass

        def collect(self) -> list[JobResult]:
            return [JobResult(0, (CaseRow("b", {"y": 1.0}, 0),), tuple(row))]

        def close(self) -> None:
            pass

    monkeypatch.setattr(sweeper, "LocalProcesses", Ready)
    arguments = ["sweep", str(tmp_path / "odd.yaml"), "--out", str(tmp_path / "out")]
    assert CliRunner().invoke(cli.app, arguments).exit_code == status
    assert CliRunner().invoke(cli.app, [*arguments[:2], "--retry"]).exit_code == cli.BAD_INPUT
