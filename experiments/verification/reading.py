"""A run folder as far as it can be read, whatever has happened to it."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

from gridarium.environment.errors import Fault
from gridarium.experiments.reading.plain_yaml import parse_yaml
from gridarium.experiments.results.checksums import LISTING, read_table
from gridarium.experiments.results.manifest import DIGEST, MANIFEST
from gridarium.experiments.results.records import Certificate, Claim
from gridarium.experiments.results.result import Result, RunFolderError, other_format
from gridarium.experiments.verification.checks import Check


def read_what_is_left(folder: Path) -> tuple[Result, list[Check]]:
    """Read a run folder, and say which of its files cannot be read.

    Parameters
    ----------
    folder : Path

    Returns
    -------
    run : Result
        With nothing in place of what cannot be read.
    lost : list of Check
        One for each file that cannot be read, or that the manifest knows and that is not there.

    Raises
    ------
    RunFolderError
        If the folder holds no run, or one of another version's names.
    """
    if not any((folder / name).is_file() for name in (MANIFEST, DIGEST, LISTING)):
        fault = Fault("run folder", str(folder), "must be a folder that gridarium run or sweep left")
        raise RunFolderError(str(folder), [fault])
    lost: list[Check] = []

    def read(name: str, how: Callable[[Path], Any], instead: Any) -> Any:
        try:
            return how(folder / name)
        # A damaged file may end any reader in any way.
        except Exception as error:  # noqa: BLE001
            lost.append(Check("", name, False, f"cannot be read ({type(error).__name__}: {error})"))
            return instead

    manifest = read(MANIFEST, _mapping, {})
    if manifest and (other := other_format(manifest)):
        raise RunFolderError(str(folder), [Fault("run folder", str(folder), other)])
    tables: dict[str, pd.DataFrame] = {}
    for path in sorted((folder / "tables").glob("*.parquet")):
        table = read(f"tables/{path.name}", read_table, None)
        if table is not None:
            tables[path.stem] = table
    known = manifest.get("tables", {})
    missing = sorted(set(known if isinstance(known, dict) else ()) - set(tables))
    paths = (f"tables/{name}.parquet" for name in missing)
    lost += [Check("", path, False, "is missing") for path in paths if not (folder / path).exists()]
    run = Result(
        summary=read("summary.json", _summary, {}),
        certificates=read("certificates.json", _certificates, []),
        claims=read("claims.json", lambda path: [Claim(**row) for row in _json(path)], []),
        scenario=read("scenario.yaml", lambda path: _yaml(path, folder), {}),
        manifest=manifest,
        tables=tables,
        path=folder,
    )
    return run, lost


def _json(path: Path) -> Any:
    return json.loads(path.read_bytes())


def _mapping(path: Path) -> dict[str, Any]:
    return dict(_json(path))


def _yaml(path: Path, folder: Path) -> dict[str, Any]:
    tree = parse_yaml(path.read_text(encoding="utf-8"), str(folder))
    if not isinstance(tree, dict):
        raise ValueError("must be a mapping")
    return tree


def _summary(path: Path) -> dict[str, dict[str, float]]:
    return {
        str(case): {str(name): _number(value) for name, value in row.items()}
        for case, row in _json(path).items()
    }


def _certificates(path: Path) -> list[Certificate]:
    return [
        Certificate(**row | {name: _number(row[name]) for name in ("value", "tolerance")})
        for row in _json(path)
    ]


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)
