"""Sweeps lose nothing and count nothing twice, whatever happens to their processes, disk and workers."""

from __future__ import annotations

import errno
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import yaml

from gridarium.environment.errors import InputError
from gridarium.experiments.processes.workers import ExecutorError
from gridarium.experiments.reading.scenario_files import profile_path, shipped_path
from gridarium.experiments.sweeps import folder as sweep_folder
from gridarium.experiments.sweeps.executors import DaskCluster, LocalProcesses
from gridarium.experiments.sweeps.folder import SweepFolderError, SweepWriteError
from gridarium.experiments.sweeps.jobs import CaseRow, JobResult
from gridarium.experiments.sweeps.stop_rule import StopWatch
from gridarium.experiments.sweeps.study import SweepStudy, load_study
from gridarium.experiments.sweeps.sweeper import SweepInterrupted, sweep
from tests.support.sweep_here import sweep_here

KILLS = int(os.environ.get("GRIDARIUM_KILLS", "3"))

FUNCTIONS = """
import os, signal, time
from pathlib import Path
import numpy as np

def noisy(parameters, seed):
    rng = np.random.default_rng([seed, int(parameters["x"])])
    time.sleep(parameters.get("pause_s", 0.0))
    return {case: {"y": parameters["x"] + rng.normal(), "z": float(rng.random())} for case in ("a", "b")}

def flawed(parameters, seed):
    if parameters["x"] == 2:
        raise ZeroDivisionError("no answer at 2")
    if parameters["x"] == 3:
        return {"a": {"y": 1.0, "x": 0.0}}
    return {"a": {"y": parameters["x"]}, "b": {"y": "many"} if parameters["x"] == 4 else {"y": 0.5}}

def deadly(parameters, seed):
    if parameters["x"] == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    if parameters["x"] == 5:
        mark = Path(parameters["mark"])
        if not mark.exists():
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
    return {"a": {"y": parameters["x"]}}
"""

Make = Callable[..., SweepStudy]


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    """Return a function that makes the study of one of the functions above."""
    (tmp_path / "sweep_functions.py").write_text(FUNCTIONS, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    def made(function: str = "noisy", count: int = 10, **more: object) -> SweepStudy:
        x = {"range": {"start": 0, "stop": count - 1, "count": count}}
        tree = {"study": "Toy", "function": f"sweep_functions:{function}", "factors": {"x": x}, **more}
        (tmp_path / "toy.yaml").write_text(yaml.safe_dump(tree), encoding="utf-8")
        return load_study(tmp_path / "toy.yaml")

    return made


def files_of(folder: Path) -> dict[str, bytes]:
    return {
        name: (folder / name).read_bytes()
        for name in ("results.parquet", "failures.parquet", "statistics.json")
    }


def status_of(folder: Path) -> str:
    return str(json.loads((folder / "manifest.json").read_bytes())["status"])


def test_one_row_for_every_run_and_case_in_order(make: Make, tmp_path: Path) -> None:
    study = make(replications=3, metrics=["y"])
    result = sweep(study, tmp_path / "out", workers=2)
    assert (result.jobs, result.failures, result.uncertified, result.stopped) == (30, 0, 0, False)
    table = result.results()
    assert list(table) == ["job", "point", "replication", "seed", "case", "x", "y", "certificates_failed"]
    assert table["job"].tolist() == np.repeat(np.arange(30), 2).tolist()
    assert table["case"].tolist() == ["a", "b"] * 30
    expected = [
        row["x"] + np.random.default_rng([row["seed"], int(row["x"])]).normal()
        for _, row in table[::2].iterrows()
    ]
    assert table["y"][::2].tolist() == expected
    assert status_of(tmp_path / "out") == "finished"
    assert (tmp_path / "out" / "report.html").is_file()
    assert not list((tmp_path / "out").rglob("*.partial"))


def test_number_of_workers_changes_nothing(make: Make, tmp_path: Path) -> None:
    study = make(count=40, replications=2)
    sweep_here(study, tmp_path / "here")
    for workers in (1, 3):
        sweep(study, tmp_path / str(workers), workers=workers)
    assert files_of(tmp_path / "1") == files_of(tmp_path / "3") == files_of(tmp_path / "here")


def test_what_a_worker_solved_before_changes_nothing(tmp_path: Path) -> None:
    # With one worker its solver has seen all earlier jobs, with two only some of them.
    path, smoke = tmp_path / "four.yaml", shipped_path("smoke").read_text()
    smoke = smoke.replace("count: 4", "count: 2").replace("replications: 2", "replications: 1")
    smoke = smoke.replace("values: [50, 75, 100]", "values: [50, 100]")
    path.write_text(f"{smoke}set: {{horizon_h: 6}}\n")
    study = load_study(path)
    for workers in (1, 2):
        sweep(study, tmp_path / str(workers), workers=workers)
    assert files_of(tmp_path / "1") == files_of(tmp_path / "2")
    table = pd.read_parquet(tmp_path / "2" / "results.parquet")
    assert len(table) == 8
    assert (table["certificates_failed"] == 0).all()


def kill_and_resume(study: Path, folder: Path, moments: Iterator[float]) -> int:
    """Start a sweep, kill all of its processes, resume it, until it is through; return the kills that hit."""
    command = [sys.executable, "-m", "gridarium.experiments.cli", "sweep", str(study), "--workers", "2"]
    command += ["--resume", "--out", str(folder)]
    hits = 0
    for moment in [*moments, 600.0]:
        process = subprocess.Popen(command, start_new_session=True, stdout=subprocess.DEVNULL)
        try:
            assert process.wait(moment) == 0
        except subprocess.TimeoutExpired:
            hits += 1
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    return hits


def check_kills(study: SweepStudy, path: Path, tmp_path: Path, kills: int, latest_s: float) -> None:
    sweep_here(study, tmp_path / "whole")
    draw = random.Random()
    folder, total = tmp_path / "killed", 0
    while total < kills:
        moments = [draw.uniform(0.2, latest_s) for _ in range(kills - total)]
        total += kill_and_resume(path, folder, iter(moments))
        assert files_of(folder) == files_of(tmp_path / "whole")
        table = pd.read_parquet(folder / "results.parquet")
        assert not table.duplicated(["job", "case"]).any()
        assert table["job"].nunique() == study.n_job
        if total < kills:
            folder = tmp_path / f"killed-{total}"


def test_killed_at_random_moments(make: Make, tmp_path: Path) -> None:
    pause = 0.01 * max(1, KILLS // 3)
    study = make(count=50, replications=4, set={"pause_s": pause})
    check_kills(study, tmp_path / "toy.yaml", tmp_path, KILLS, 4.0)


@pytest.mark.skipif(KILLS <= 3, reason="takes minutes; set GRIDARIUM_KILLS=20")
def test_smoke_killed_at_random_moments(tmp_path: Path) -> None:
    check_kills(load_study("smoke"), Path("smoke"), tmp_path, KILLS, 12.0)


def test_failures_are_rows(make: Make, tmp_path: Path) -> None:
    result = sweep_here(make("flawed", 6), tmp_path / "out")
    failed = pd.read_parquet(tmp_path / "out" / "failures.parquet")
    assert failed[["job", "case", "x", "error"]].to_numpy().tolist() == [
        [2, "", 2.0, "ZeroDivisionError"],
        [3, "a", 3.0, "ScenarioError"],
        [4, "b", 4.0, "ValueError"],
    ]
    assert failed["message"][0] == "no answer at 2 (sweep_functions.py, line 13, in flawed)"
    assert "rename the factor" in failed["message"][1]
    assert result.failures == 3
    assert not result.passed
    table = result.results()
    assert table[["job", "case"]].to_numpy().tolist() == [
        [0, "a"], [0, "b"], [1, "a"], [1, "b"], [4, "a"], [5, "a"], [5, "b"],
    ]  # fmt: skip


def test_scenario_that_cannot_be_solved_is_a_row(tmp_path: Path) -> None:
    study = {
        "study": "Too little power",
        "base": "adcef-small",
        "cases": ["tou"],
        "set": {"gas_turbines": {}, "storages": {}, "renewables": {}, "network.sites": {}},
        "factors": {"limit": {"paths": ["prices.import_limit_mw"], "values": [10, 0.1]}},
    }
    (tmp_path / "study.yaml").write_text(yaml.safe_dump(study), encoding="utf-8")
    result = sweep_here(load_study(tmp_path / "study.yaml"), tmp_path / "out")
    failed = pd.read_parquet(tmp_path / "out" / "failures.parquet")
    assert failed[["job", "case", "error"]].to_numpy().tolist() == [[1, "tou", "InfeasibleError"]]
    assert result.results()["job"].tolist() == [0]


def test_job_that_kills_its_worker_is_tried_once_more(make: Make, tmp_path: Path) -> None:
    study = make("deadly", 8, set={"mark": str(tmp_path / "mark")})
    result = sweep(study, tmp_path / "out", workers=2)
    failed = pd.read_parquet(tmp_path / "out" / "failures.parquet")
    assert failed[["job", "error"]].to_numpy().tolist() == [[2, "WorkerLost"]]
    assert "SIGKILL" in failed["message"][0]
    # The one that died only once is a result like the others.
    assert result.results()["job"].tolist() == [0, 1, 3, 4, 5, 6, 7]
    parts = {path.stem: path for path in (tmp_path / "out" / "parts").rglob("*.json")}
    kept = {name: path.stat().st_mtime_ns for name, path in parts.items()}
    sweep(study, tmp_path / "out", workers=1, resume=True)
    again = {name for name, path in parts.items() if path.stat().st_mtime_ns != kept[name]}
    assert again == {"0000002"}


def test_workers_that_cannot_start_end_the_sweep(make: Make, tmp_path: Path) -> None:
    study = make("noisy", 2)
    missing = study.file.model_copy(update={"function": "sweep_functions:nothing"})
    with pytest.raises(InputError, match="nothing"):
        sweep(SweepStudy("toy", "toy", missing), tmp_path / "out", workers=1)
    script = (
        "from gridarium.experiments import load_study, sweep\n"
        f"sweep(load_study({str(tmp_path / 'toy.yaml')!r}), {str(tmp_path / 'other')!r}, workers=1)\n"
    )
    (tmp_path / "unguarded.py").write_text(script, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, tmp_path / "unguarded.py"], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 1
    assert "__main__" in done.stderr.splitlines()[-1]
    assert status_of(tmp_path / "other") == "unfinished"


def test_full_disk_then_resumed(make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study = make(count=12)
    sweep_here(study, tmp_path / "whole")
    calls = iter(range(1000))
    force = os.fsync

    def full(descriptor: int) -> None:
        if next(calls) > 12:
            raise OSError(errno.ENOSPC, "No space left on device")
        force(descriptor)

    with monkeypatch.context() as patch:
        patch.setattr(sweep_folder.os, "fsync", full)
        with pytest.raises(SweepWriteError, match="No space left on device"):
            sweep(study, tmp_path / "out", workers=2)
    assert status_of(tmp_path / "out") == "unfinished"
    done = len(list((tmp_path / "out" / "parts").rglob("*.json")))
    assert 0 < done < 12
    assert not list((tmp_path / "out").rglob(".*.partial"))
    sweep_here(study, tmp_path / "out", resume=True)
    assert files_of(tmp_path / "out") == files_of(tmp_path / "whole")


def test_no_room_for_the_tables(make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study = make(count=12)
    result = sweep_here(study, tmp_path / "out")
    before = files_of(result.path)

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(pq.ParquetWriter, "write_table", full)
        with pytest.raises(SweepWriteError, match="No space left"):
            sweep_here(study, tmp_path / "out", resume=True)
    assert files_of(result.path) == before
    assert not list(result.path.rglob(".*.partial"))


def test_unwritable_folder(make: Make, tmp_path: Path) -> None:
    study = make(count=2)
    # A place where not even root may write.
    with pytest.raises(SweepWriteError, match="cannot be written"):
        sweep(study, Path("/sys/gridarium-sweep"), workers=1)
    (tmp_path / "file").touch()
    with pytest.raises(SweepFolderError, match="this is a file"):
        sweep(study, tmp_path / "file", workers=1)


def test_changed_study_is_refused_with_a_diff(make: Make, tmp_path: Path) -> None:
    sweep_here(make(count=3), tmp_path / "out")
    before = files_of(tmp_path / "out")
    with pytest.raises(SweepFolderError) as caught:
        sweep(make(count=3, replications=2), tmp_path / "out", workers=1, resume=True)
    lines = [line.strip() for line in str(caught.value).splitlines()]
    assert "-replications: 1" in lines
    assert "+replications: 2" in lines
    with pytest.raises(SweepFolderError, match="--resume"):
        sweep(make(count=3), tmp_path / "out", workers=1)
    assert files_of(tmp_path / "out") == before


def test_changed_input_file_is_refused(tmp_path: Path) -> None:
    profile = profile_path("adcef-ordinary")
    (tmp_path / "day.csv").write_bytes(profile.read_bytes())
    scenario = {"extends": "adcef-small", "profiles": "day.csv"}
    (tmp_path / "base.yaml").write_text(yaml.safe_dump(scenario), encoding="utf-8")
    study = {"study": "One run", "base": "base.yaml", "cases": ["tou"]}
    (tmp_path / "study.yaml").write_text(yaml.safe_dump(study), encoding="utf-8")
    sweep_folder.SweepFolder(tmp_path / "out", load_study(tmp_path / "study.yaml"), resume=False).close()
    text = profile.read_text(encoding="utf-8").replace(",1.55,", ",1.56,")
    (tmp_path / "day.csv").write_text(text, encoding="utf-8")
    with pytest.raises(SweepFolderError, match=r"day\.csv"):
        sweep_folder.SweepFolder(tmp_path / "out", load_study(tmp_path / "study.yaml"), resume=True)


def test_other_content_and_other_sweeps_are_left_alone(make: Make, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").touch()
    with pytest.raises(SweepFolderError, match="unfinished sweep"):
        sweep(make(), tmp_path / "mine", workers=1, resume=True)
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["thesis.txt"]
    folder = sweep_folder.SweepFolder(tmp_path / "out", make(), resume=False)
    with pytest.raises(SweepFolderError, match="in use"):
        sweep(make(), tmp_path / "out", workers=1, resume=True)
    folder.close()
    assert sweep_here(make(), tmp_path / "out", resume=True).jobs == 10


def test_damaged_part_is_run_again(make: Make, tmp_path: Path) -> None:
    study = make()
    result = sweep_here(study, tmp_path / "out")
    before = files_of(result.path)
    (result.path / "parts" / "0000" / "0000004.json").write_text('{"job":4,"rows":[{"ca', encoding="utf-8")
    (result.path / "parts" / "0000" / "0000005.json").unlink()
    sweep_here(study, tmp_path / "out", resume=True)
    assert files_of(result.path) == before


def test_ctrl_c_leaves_a_folder_that_can_be_resumed(make: Make, tmp_path: Path) -> None:
    study = make(count=20, replications=2, set={"pause_s": 0.02})
    sweep_here(study, tmp_path / "whole")

    def interrupt(share: float, doing: str) -> None:
        if share > 0.3:
            raise KeyboardInterrupt

    with pytest.raises(SweepInterrupted, match="--resume"):
        sweep(study, tmp_path / "out", workers=2, progress=interrupt)
    assert status_of(tmp_path / "out") == "interrupted"
    said: list[str] = []
    sweep(study, tmp_path / "out", workers=2, resume=True, progress=lambda share, doing: said.append(doing))
    assert len(said) < 30
    assert said[-1].startswith("40 of 40 runs")
    assert files_of(tmp_path / "out") == files_of(tmp_path / "whole")


def test_stop_rule_does_not_depend_on_the_order_of_completion(make: Make, tmp_path: Path) -> None:
    x = {"x": {"distribution": {"name": "norm", "args": {"loc": 50, "scale": 5}}}}
    stop = {"metric": "y", "case": "b", "width": 0.1, "least": 10}
    study = make(factors=x, design={"kind": "latin-hypercube", "samples": 300}, stop=stop, replications=2)
    values = np.random.default_rng(3).normal(50, 5, study.n_job)
    ends = set()
    for order in (range(study.n_job), np.random.default_rng(1).permutation(study.n_job)):
        watch = StopWatch(study)
        for number in order:
            watch.add(JobResult(int(number), (CaseRow("b", {"y": values[number]}, 0),)))
        ends.add((watch.decided, watch.n_job))
    ((decided, n_job),) = ends
    assert decided
    means = values[:n_job].reshape(-1, 2).mean(axis=1)
    from scipy.stats import t

    def width(sample: np.ndarray) -> float:
        low, high = t.interval(
            0.95, len(sample) - 1, sample.mean(), sample.std(ddof=1) / np.sqrt(len(sample))
        )
        return float((high - low) / abs(sample.mean()))

    assert width(means) <= 0.1
    assert all(width(means[:count]) > 0.1 for count in range(10, len(means)))
    first = sweep_here(study, tmp_path / "1")
    sweep(study, tmp_path / "3", workers=3)
    assert first.stopped
    assert first.jobs < study.n_job
    assert files_of(tmp_path / "1") == files_of(tmp_path / "3")


def test_most_observations_end_a_sweep(make: Make) -> None:
    stop = {"metric": "y", "case": "a", "width": 1e-9, "least": 2, "most": 7}
    study = make(factors={}, set={"x": 1}, replications=1000, stop=stop)
    assert StopWatch(study).n_job == 7


def test_bad_number_of_workers(make: Make, tmp_path: Path) -> None:
    for wrong in ({"workers": 0}, {"workers": 1, "dask": "tcp://127.0.0.1:1"}):
        with pytest.raises(InputError, match="--workers"):
            sweep(make(), tmp_path / "out", **wrong)
    assert not (tmp_path / "out").exists()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start_worker(address: str, folder: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "distributed.cli.dask_worker", address, "--nthreads", "1", "--no-nanny"]
    command += ["--no-dashboard", "--local-directory", str(folder)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


@contextmanager
def cluster(folder: Path) -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """Run a scheduler and two workers on loopback."""
    port = free_port()
    command = [
        sys.executable,
        "-m",
        "distributed.cli.dask_scheduler",
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
    ]
    scheduler = subprocess.Popen(
        [*command, "--no-dashboard"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    address = f"tcp://127.0.0.1:{port}"
    processes = [start_worker(address, folder / f"worker-{number}") for number in range(2)]
    try:
        yield address, processes
    finally:
        for process in [*processes, scheduler]:
            process.kill()
            process.wait()


def test_dask_cluster_with_a_worker_killed_twice(make: Make, tmp_path: Path) -> None:
    pytest.importorskip("distributed")
    study = make(count=30, replications=4, set={"pause_s": 0.05})
    sweep_here(study, tmp_path / "local")
    with cluster(tmp_path) as (address, workers):
        killed: list[int] = []

        def kill(share: float, doing: str) -> None:
            if len(killed) < 2 and share > 0.2 * (len(killed) + 1):
                killed.append(workers[0].pid)
                workers[0].kill()
                workers[0].wait()
                workers[0] = start_worker(address, tmp_path / f"again-{len(killed)}")
                time.sleep(0.5)

        result = sweep(study, tmp_path / "dask", dask=address, progress=kill)
    assert len(set(killed)) == 2
    assert result.failures == 0
    assert files_of(tmp_path / "dask") == files_of(tmp_path / "local")


def test_dask_scheduler_that_is_not_there(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("distributed")
    monkeypatch.setattr("gridarium.experiments.sweeps.executors._CONNECT_S", 1.0)
    with pytest.raises(InputError, match="must be a Dask scheduler"):
        DaskCluster("{}", f"tcp://127.0.0.1:{free_port()}")
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ExecutorError, match=r"gridarium\[cluster\]"):
        DaskCluster("{}", "tcp://127.0.0.1:1")


def test_local_processes_end_with_their_executor(make: Make) -> None:
    study = make(set={"pause_s": 30.0})
    executor = LocalProcesses(study.file.model_dump_json(), 2)
    executor.submit(study.job(0))
    processes = [worker.process for worker in executor._workers]
    time.sleep(0.5)
    executor.close()
    assert not any(process.is_alive() for process in processes)


def test_command_line(make: Make, tmp_path: Path) -> None:
    from typer.testing import CliRunner

    from gridarium.experiments import cli

    def gridarium(*arguments: str) -> tuple[int, str]:
        done = CliRunner().invoke(cli.app, [*arguments])
        return done.exit_code, done.output

    make("flawed", 4)
    study, out = str(tmp_path / "toy.yaml"), str(tmp_path / "out")
    status, said = gridarium("sweep", study, "--out", out, "--workers", "1")
    assert status == cli.FAILED
    assert "4 runs; 2 failures" in said
    assert gridarium("sweep", study, "--out", out)[0] == cli.BAD_INPUT
    assert gridarium("sweep", study, "--resume")[0] == cli.BAD_INPUT
    assert gridarium("report", out)[0] == cli.DONE
    assert "smoke" in gridarium("list", "studies")[1]
    assert "valid, 4 runs" in gridarium("validate", study)[1]
    assert "gridarium sweep" in gridarium("run", study)[1]
