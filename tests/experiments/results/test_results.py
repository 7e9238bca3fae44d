"""The run folder: whole or marked unfinished, readable, the same bytes for the same results."""

import dataclasses
import errno
import hashlib
import json
import math
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from gridarium.experiments.results.folder import RunWriteError, check_out_folder, write_run
from gridarium.experiments.results.records import Certificate
from gridarium.experiments.results.result import RunFolderError, read_run
from gridarium.experiments.results.table_files import parquet_bytes

Make = Callable[..., dict[str, Any]]

FRAME = """
import pandas as pd, numpy as np
time = pd.date_range("2026-01-15T00:00:00+08:00", periods=24, freq="h")
frame = pd.DataFrame({"case": "tou", "bus": np.arange(24, dtype="int32"), "label": [1, "a"] * 12,
                      "time": time, "p_mw": np.append(np.linspace(0, 1, 23), np.nan),
                      "on": [True, False] * 12})
"""


def digest(folder: Path) -> dict[str, str]:
    return {
        str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }


def test_what_was_written_is_read_back(tmp_path: Path, make: Make) -> None:
    made = make()
    result = write_run(tmp_path / "run", **made)
    assert result.path == tmp_path / "run"
    assert result.passed
    assert (result.summary, result.claims, result.scenario) == (
        made["summary"],
        made["claims"],
        made["scenario"],
    )
    assert result.certificates == made["certificates"]
    assert result.manifest["status"] == "finished"
    assert result.manifest["seed"] == 1
    assert {"gridarium", "python", "platform", "dependencies"} <= result.manifest.keys()
    for name, table in made["tables"].items():
        read = result.table(name)
        values = [name for name in table if name != "time"]
        pd.testing.assert_frame_equal(read[values], table[values])
        if "time" in table:
            assert list(read["time"]) == list(table["time"])
    assert [file.name for file in tmp_path.iterdir()] == ["run"]


def test_unknown_tables_are_named(tmp_path: Path, make: Make) -> None:
    with pytest.raises(RunFolderError, match=r"must be one of .*, signals"):
        write_run(tmp_path / "run", **make()).table("signal")


def test_a_failed_hard_certificate_fails_the_run(tmp_path: Path, make: Make) -> None:
    made = make()
    good = made["certificates"][0]
    soft = dataclasses.replace(good, passed=False, hard=False)
    made["certificates"] = [good, soft]
    assert write_run(tmp_path / "soft", **made).passed
    made["certificates"] = [good, dataclasses.replace(good, passed=False)]
    assert not write_run(tmp_path / "hard", **made).passed


def test_nan_has_no_number_in_json(tmp_path: Path, make: Make) -> None:
    made = make()
    made["summary"] = {"tou": {"rounds": np.int64(3), "share": math.nan, "loss": math.inf}}
    made["certificates"] = [Certificate("tou", "gap", math.nan, 1.0, "", True, False, "")]
    result = write_run(tmp_path / "run", **made)
    assert json.loads((tmp_path / "run" / "summary.json").read_text()) == {
        "tou": {"rounds": 3, "share": None, "loss": None}
    }
    assert math.isnan(result.summary["tou"]["share"])
    assert math.isnan(result.certificates[0].value)


def test_same_results_same_bytes(tmp_path: Path, make: Make) -> None:
    first, second = (write_run(tmp_path / name, **make()).path for name in ("a", "b"))
    assert first is not None and second is not None
    assert digest(first) == digest(second)


def test_same_table_same_bytes_in_two_processes() -> None:
    code = FRAME + (
        "import hashlib; from gridarium.experiments.results.table_files import parquet_bytes\n"
        "print(hashlib.sha256(parquet_bytes(frame)).hexdigest())"
    )
    runs = [
        subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "PYTHONHASHSEED": seed, "TZ": zone},
        ).stdout
        for seed, zone in (("1", "UTC"), ("2", "Asia/Tokyo"))
    ]
    assert runs[0] == runs[1]


def test_tables_keep_their_kinds(tmp_path: Path) -> None:
    space: dict[str, Any] = {}
    exec(FRAME, space)
    (tmp_path / "t.parquet").write_bytes(parquet_bytes(space["frame"]))
    read = pd.read_parquet(tmp_path / "t.parquet")
    assert [read[name].dtype.kind for name in read] == list("OiOMfb")
    assert list(read["label"][:2]) == ["1", "a"]
    assert math.isnan(read["p_mw"].iloc[-1])
    # A table that was read and is written again has the same bytes.
    assert parquet_bytes(read) == (tmp_path / "t.parquet").read_bytes()


def test_out_must_be_new_or_empty(tmp_path: Path, make: Make) -> None:
    (tmp_path / "empty").mkdir()
    write_run(tmp_path / "empty", **make())
    with pytest.raises(RunFolderError, match="must be a new or an empty folder"):
        write_run(tmp_path / "empty", **make())
    (tmp_path / "file").write_text("x")
    with pytest.raises(RunFolderError, match="this is a file"):
        check_out_folder(tmp_path / "file")
    with pytest.raises(RunFolderError, match="can be created and written"):
        check_out_folder(tmp_path / "file" / "run")
    with pytest.raises(RunFolderError, match="can be created and written"):
        check_out_folder(Path("/proc/run"))
    check_out_folder(tmp_path / "new" / "run")
    assert list((tmp_path / "new").iterdir()) == []


def test_a_read_only_folder_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(*_: object, **__: object) -> str:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    # Tests may run as root, whom no mode of a folder keeps out.
    monkeypatch.setattr("tempfile.mkdtemp", denied)
    with pytest.raises(RunFolderError, match="Permission denied"):
        check_out_folder(tmp_path / "run")


def test_a_full_disk_leaves_what_could_be_written_and_names_it(
    tmp_path: Path, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_bytes, made = Path.write_bytes, make()

    def full(path: Path, content: bytes) -> int:
        if path.name == "buses.parquet":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write_bytes(path, content)

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(RunWriteError, match=r"run: cannot be written \(No space left on device\)") as caught:
        write_run(tmp_path / "run", **made)
    (left,) = tmp_path.iterdir()
    assert f"what could be written is in {left}, without buses" in str(caught.value)
    assert {path.stem for path in (left / "tables").iterdir()} == made["tables"].keys() - {"buses"}
    assert json.loads((left / "summary.json").read_bytes()) == made["summary"]
    assert json.loads((left / "manifest.json").read_bytes())["status"] == "unfinished"


def test_too_small_a_disk_is_told_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda folder: shutil._ntuple_diskusage(10**9, 10**9, 3_000_000))
    with pytest.raises(RunFolderError, match=r"with at least 20 MB free, this one has 3\.0 MB"):
        check_out_folder(tmp_path / "run")
    assert list(tmp_path.iterdir()) == []


def test_a_table_that_no_file_can_hold_costs_no_other(tmp_path: Path, make: Make) -> None:
    made = make()
    odd = pd.DataFrame({"case": ["tou"], "thing": np.array([2**63], dtype=np.uint64)})
    result = write_run(tmp_path / "run", **{**made, "tables": {**made["tables"], "odd": odd}})
    assert set(result.tables) == set(made["tables"])
    assert list(result.manifest["not_written"]) == ["odd"]
    assert result.manifest["status"] == "failed"
    assert not result.passed


def test_a_failing_report_leaves_the_numbers_marked_unfinished(tmp_path: Path, make: Make) -> None:
    def fail(folder: Path) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_run(tmp_path / "run", **make(), finish=fail)
    result = read_run(tmp_path / "run")
    assert result.manifest["status"] == "unfinished"
    assert result.summary == make()["summary"]


def test_a_killed_run_leaves_a_folder_marked_unfinished(tmp_path: Path) -> None:
    code = f"""
import os, signal
from pathlib import Path
import pandas as pd
from gridarium.experiments.results import folder as results
results.parquet_bytes = lambda table: os.kill(os.getpid(), signal.SIGKILL)
results.write_run(Path({str(tmp_path / "run")!r}), scenario={{}}, summary={{}}, certificates=[], claims=[],
                  tables={{"signals": pd.DataFrame()}}, manifest={{}})
"""
    assert subprocess.run([sys.executable, "-c", code]).returncode == -signal.SIGKILL
    (left,) = tmp_path.iterdir()
    assert left.name.startswith(".run.unfinished.")
    assert json.loads((left / "manifest.json").read_text())["status"] == "unfinished"
    with pytest.raises(RunFolderError, match="without its tables signals"):
        read_run(left)


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("manifest.json", "{"),
        ("manifest.json", "[]"),
        ("summary.json", "3"),
        ("certificates.json", '[{"case": 1}]'),
        ("claims.json", "[1]"),
        ("scenario.yaml", "{"),
        ("tables/signals.parquet", "PAR1"),
    ],
)
def test_damaged_folders_are_refused(tmp_path: Path, make: Make, file: str, content: str) -> None:
    write_run(tmp_path / "run", **make())
    (tmp_path / "run" / file).write_text(content)
    with pytest.raises(RunFolderError):
        read_run(tmp_path / "run")


def test_a_folder_without_a_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunFolderError, match="must be a folder that gridarium run left"):
        read_run(tmp_path)


@pytest.mark.parametrize(
    ("facts", "told"),
    [
        ({"gridarium": "0.1.0"}, r"was left by gridarium 0\.1\.0, whose names carry currencies"),
        (
            {"gridarium": "9", "format": 4},
            "was left by gridarium 9 in format 4, this version reads format 3",
        ),
    ],
)
def test_a_folder_of_another_version_is_refused(
    tmp_path: Path, make: Make, facts: dict[str, object], told: str
) -> None:
    write_run(tmp_path / "run", **make())
    path = tmp_path / "run" / "manifest.json"
    manifest = {key: value for key, value in json.loads(path.read_bytes()).items() if key != "format"}
    path.write_text(json.dumps(manifest | facts), encoding="utf-8")
    with pytest.raises(RunFolderError, match=told):
        read_run(tmp_path / "run")
