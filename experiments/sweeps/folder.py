"""The folder of a sweep: what has finished is in it for good, whatever happens next."""

from __future__ import annotations

import contextlib
import difflib
import hashlib
import json
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from gridarium.environment.errors import Fault, GridariumError, InputError, ScenarioError
from gridarium.experiments.reading.input_files import with_inputs
from gridarium.experiments.reading.plain_yaml import dump_yaml
from gridarium.experiments.reading.scenario_files import read_mapping
from gridarium.experiments.results.checksums import seal
from gridarium.experiments.results.folder import machine_facts, too_little_room
from gridarium.experiments.results.manifest import DIGEST
from gridarium.experiments.results.result import other_format
from gridarium.experiments.sweeps.jobs import JobResult
from gridarium.experiments.sweeps.study import SweepStudy

_PARTS_PER_FOLDER = 1000
_LONGEST_DIFF = 60


class SweepFolderError(InputError):
    """A folder that cannot take a sweep, or whose sweep is another one."""


class SweepWriteError(GridariumError):
    """A sweep folder that could not be written; what had finished is safe."""


class SweepFolder:
    """A sweep's folder, begun or continued.

    Parameters
    ----------
    path : Path
        New, empty, or with `resume` the folder of an unfinished sweep of the same study.
    study : SweepStudy
    resume : bool
        Whether what the folder holds is continued.

    Raises
    ------
    SweepFolderError
        If the folder holds something else, a sweep of a changed study, or one that is still running.
    SweepWriteError
        If it cannot be written.
    """

    def __init__(self, path: Path, study: SweepStudy, resume: bool) -> None:
        self.path = path
        self._parts = path / "parts"
        resolved, inputs = with_inputs(study.resolved())
        self._begun_with = {
            **resolved,
            "inputs": _by_name(study.inputs(), inputs),
            "gridarium": machine_facts()["gridarium"],
        }
        with self.writing():
            self._check(resume)
            self._parts.mkdir(parents=True, exist_ok=True)
            self._lock = _locked(path)
            self.put("study.yaml", dump_yaml(resolved).encode())
            for name, content in inputs.items():
                (path / name).parent.mkdir(exist_ok=True)
                self.put(name, content)
            self.state("unfinished")

    def _check(self, resume: bool) -> None:
        """Make sure that nothing else is in the folder."""
        path = self.path
        if path.exists() and not path.is_dir():
            raise _refused(path, "must be a folder, this is a file")
        content = (
            {file.name for file in path.iterdir() if not file.name.startswith(".")}
            if path.exists()
            else set()
        )
        if room := too_little_room(next(each for each in (path, *path.absolute().parents) if each.exists())):
            raise _refused(path, room)
        if not content:
            return
        if not resume:
            hint = "; --resume continues the sweep in it" if "study.yaml" in content else ""
            raise _refused(path, f"must be a new or an empty folder{hint}")
        if not content & {"study.yaml", "manifest.json"}:
            raise _refused(path, "must be the folder of an unfinished sweep")
        # Both are written before any job runs, the manifest last.
        if "manifest.json" in content:
            self._compare()

    def _compare(self) -> None:
        """Make sure that the folder was begun with this study, these input files and this gridarium."""
        try:
            manifest = json.loads((self.path / "manifest.json").read_bytes())
            if other := other_format(manifest):
                raise _refused(self.path, other)
            before = read_mapping(self.path / "study.yaml")
            before |= {name: manifest[name] for name in ("inputs", "gridarium")}
            # How long a run may take changes no result.
            before["run_limit_s"] = self._begun_with["run_limit_s"]
        except (ValueError, KeyError, TypeError, ScenarioError) as error:
            raise _refused(
                self.path, f"must hold the manifest and the study of a sweep ({error!r})"
            ) from error
        old, new = (dump_yaml(each).splitlines() for each in (before, self._begun_with))
        lines = list(difflib.unified_diff(old, new, "begun with", "now", lineterm="", n=2))
        if lines:
            more = [f"... and {len(lines) - _LONGEST_DIFF} lines more"] if len(lines) > _LONGEST_DIFF else []
            shown = "\n    ".join([*lines[:_LONGEST_DIFF], *more])
            allowed = f"must be resumed with the study it was begun with, this one differs:\n    {shown}"
            raise _refused(self.path, allowed)

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """Turn the system's errors into the project's."""
        try:
            yield
        except OSError as error:
            reason = error.strerror or str(error)
            message = (
                f"sweep folder {self.path}: cannot be written ({reason}); what had finished is safe there"
            )
            raise SweepWriteError(message) from error

    def put(self, name: str, content: bytes) -> None:
        """Write a file of the folder so that it survives a power loss, or is not there at all."""
        put_file(self.path / name, content)

    def state(self, status: str, **facts: Any) -> None:
        """Write the manifest."""
        manifest = {**machine_facts(), **facts, "inputs": self._begun_with["inputs"], "status": status}
        with self.writing():
            # What a folder was sealed with holds for what it held then.
            (self.path / DIGEST).unlink(missing_ok=True)
            self.put("manifest.json", (json.dumps(manifest, indent=2, ensure_ascii=False) + "\n").encode())

    def seal(self) -> None:
        """Write checksums of all that is in the folder."""
        with self.writing():
            seal(self.path)

    def _part(self, number: int) -> Path:
        return self._parts / f"{number // _PARTS_PER_FOLDER:04d}" / f"{number:07d}.json"

    def keep(self, result: JobResult) -> None:
        """Write what a job left."""
        part = self._part(result.job)
        with self.writing():
            part.parent.mkdir(exist_ok=True)
            put_file(part, result.to_json().encode())
            if result.printed:
                with (self.path / "log.txt").open("a", encoding="utf-8") as log:
                    log.write(f"run {result.job}:\n{result.printed.rstrip()}\n\n")

    def result(self, number: int) -> JobResult | None:
        """Return what a job left; None if it has not finished, or a broken disk damaged what it left."""
        try:
            result = JobResult.from_json(self._part(number).read_bytes())
        except (OSError, ValueError, TypeError, KeyError):
            return None
        return result if result.job == number else None

    def close(self) -> None:
        """Let others have the folder."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def put_file(path: Path, content: bytes) -> None:
    """Write a file whole or not at all, and for good: content, then name, are forced to the disk."""
    partial = path.with_name(f".{path.name}.partial")
    try:
        with partial.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        settle(partial, path)
    except OSError:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
        raise


def settle(partial: Path, path: Path) -> None:
    """Give a file that is on the disk its name, for good."""
    partial.replace(path)
    if sys.platform != "win32":
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _locked(path: Path) -> int | None:
    """Keep other sweeps out of the folder as long as this process lives; None where locks are unknown."""
    if sys.platform == "win32":
        return None
    import fcntl

    lock = os.open(path / ".lock", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(lock)
        raise _refused(path, "must not be in use: another process sweeps into it") from error
    return lock


def _by_name(hashes: Mapping[str, str], carried: Mapping[str, bytes]) -> dict[str, str]:
    """Return the hash of every input by its name: that of a file in the folder is its path there."""
    known = {hashlib.sha256(content).hexdigest(): name for name, content in carried.items()}
    return {known.get(value, Path(path).name): value for path, value in hashes.items()}


def _refused(path: Path, allowed: str) -> SweepFolderError:
    return SweepFolderError("--out", [Fault("--out", str(path), allowed)])
