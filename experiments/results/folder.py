"""The run folder: written whole or plainly marked unfinished, the same bytes for the same results."""

from __future__ import annotations

import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gridarium.environment.errors import Fault, GridariumError
from gridarium.experiments.processes.endings import in_one_line
from gridarium.experiments.reading.input_files import with_inputs
from gridarium.experiments.reading.plain_yaml import Tree, dump_yaml
from gridarium.experiments.results.checksums import seal
from gridarium.experiments.results.manifest import json_bytes, mark_finished, update_manifest
from gridarium.experiments.results.records import Certificate, Claim
from gridarium.experiments.results.result import FORMAT, Result, RunFolderError, read_run
from gridarium.experiments.results.table_files import parquet_bytes

if TYPE_CHECKING:
    import pandas as pd

_DEPENDENCIES = (
    "highspy",
    "mesa",
    "networkx",
    "numpy",
    "pandapower",
    "pandas",
    "piqp",
    "power-grid-model",
    "pyarrow",
    "pydantic",
    "pyomo",
    "scipy",
    "simpy",
)
"""What the numbers of a run may depend on."""

_LEAST_FREE_MB = 20
"""Room on the disk that a run is not begun without."""


class RunWriteError(GridariumError):
    """A run folder that could not be written."""


def check_out_folder(out: Path) -> None:
    """Make sure that a run can be written to a folder, before anything runs.

    Raises
    ------
    RunFolderError
        If it is not new or empty, or cannot be created and written.
    """

    def refuse(allowed: str) -> RunFolderError:
        return RunFolderError("--out", [Fault("--out", str(out), allowed)])

    try:
        if out.exists() and not out.is_dir():
            raise refuse("must be a folder, this is a file")
        if out.is_dir() and any(out.iterdir()):
            raise refuse("must be a new or an empty folder")
        if out.is_dir() and os.path.ismount(out):
            raise refuse("must not be a mount point: name a new folder inside it")
        parent = out.absolute().parent
        parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{out.name}.", dir=parent):
            pass
        if room := too_little_room(parent):
            raise refuse(room)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise refuse(f"must be a folder that can be created and written ({reason})") from error


def too_little_room(folder: Path) -> str | None:
    """Say that a disk has no room for the results of a run; None if it has, or does not tell."""
    space = shutil.disk_usage(folder)
    if space.total == 0 or space.free >= _LEAST_FREE_MB * 1e6:
        return None
    return f"must be on a disk with at least {_LEAST_FREE_MB} MB free, this one has {space.free / 1e6:.1f} MB"


def write_run(
    out: Path,
    *,
    scenario: Tree,
    summary: Mapping[str, Mapping[str, float]],
    certificates: Sequence[Certificate],
    claims: Sequence[Claim],
    tables: Mapping[str, pd.DataFrame],
    manifest: Mapping[str, Any],
    log: str = "",
    finish: Callable[[Path], object] | None = None,
) -> Result:
    """Write a run folder.

    Everything is written to a hidden folder beside `out`, which takes its place when it is whole.

    Parameters
    ----------
    out : Path
        New or empty folder.
    scenario : dict
        The resolved study; its files are copied into the folder, so that it can be run wherever that is.
    summary, certificates, claims, tables
        What the run found.
    manifest : mapping
        Seed, times and counts; versions, platform and status are added here.
    log : str
        What the code of cases has printed.
    finish : callable, optional
        Adds claims, figures and report to the folder it is given. If it fails, the folder is kept
        and stays marked unfinished: the numbers in it are whole.

    Raises
    ------
    RunFolderError
        If `out` is not new or empty.
    RunWriteError
        If the disk refuses; names what is left then: what could be written, or a whole run that is not in its
        place or lacks its report.
    """
    check_out_folder(out)
    rows = {name: len(table) for name, table in tables.items()}
    scenario, inputs = with_inputs(scenario)
    facts = {**machine_facts(), **manifest, "tables": rows, "status": "unfinished"}
    files = {
        "manifest.json": json_bytes(facts),
        "scenario.yaml": dump_yaml(scenario).encode(),
        "summary.json": json_bytes(summary),
        "certificates.json": json_bytes([certificate.to_dict() for certificate in certificates]),
        "claims.json": claims_bytes(claims),
        **({"log.txt": log.encode()} if log else {}),
        **inputs,
    }
    try:
        folder = Path(tempfile.mkdtemp(prefix=f".{out.name}.unfinished.", dir=out.absolute().parent))
    except OSError as error:
        raise _unwritable(out, error, "") from error
    _write(folder, out, files, tables)
    _complete(folder, out, finish)
    return read_run(out)


def _write(folder: Path, out: Path, files: Mapping[str, bytes], tables: Mapping[str, pd.DataFrame]) -> None:
    """Write what was computed; where the disk refuses one file, all others are tried."""
    refused: dict[str, OSError] = {}
    broken: dict[str, str] = {}
    for name, content in files.items():
        try:
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_bytes(content)
        except OSError as error:
            refused[name] = error
    for name, table in tables.items():
        try:
            (folder / "tables").mkdir(exist_ok=True)
            (folder / "tables" / f"{name}.parquet").write_bytes(parquet_bytes(table))
        except OSError as error:
            refused[name] = error
        # A table may hold what no file can: it costs no other.
        except Exception as error:  # noqa: BLE001
            broken[name] = in_one_line(error)
    if refused:
        left = f"what could be written is in {folder}, without {', '.join(refused)}"
        raise _unwritable(out, next(iter(refused.values())), left)
    if broken:
        kept = {name: len(table) for name, table in tables.items() if name not in broken}
        update_manifest(folder, tables=kept, not_written=broken)
    folder.chmod(0o755)


def _unwritable(out: Path, error: OSError, left: str) -> RunWriteError:
    return RunWriteError(
        f"run folder {out}: cannot be written ({error.strerror or error})" + (f"; {left}" if left else "")
    )


def _complete(folder: Path, out: Path, finish: Callable[[Path], object] | None) -> None:
    """Finish a folder and move it to its place, also when finishing it failed."""
    try:
        try:
            seal(folder)
            if finish is not None:
                finish(folder)
            mark_finished(folder)
        finally:
            # An empty folder gives way to the new one; one that has got content meanwhile does not.
            if out.exists():
                out.rmdir()
            folder.rename(out)
    except OSError as error:
        left = folder if folder.exists() else out
        raise _unwritable(out, error, f"the numbers are whole in {left}") from error


def claims_bytes(claims: Sequence[Claim]) -> bytes:
    """Return claims.json."""
    return json_bytes([claim.to_dict() for claim in claims])


def machine_facts() -> dict[str, Any]:
    """Return versions and platform for the manifest."""
    return {
        "gridarium": _version("gridarium"),
        "format": FORMAT,
        "python": sys.version.split()[0],
        "platform": platform.platform(),
        "dependencies": {name: _version(name) for name in _DEPENDENCIES},
    }


def _version(distribution: str) -> str:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return "not installed"
