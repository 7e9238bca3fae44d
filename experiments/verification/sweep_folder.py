"""What anybody can check of a finished sweep from its folder alone, without a run."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gridarium.environment.errors import Fault
from gridarium.experiments.results.checksums import LISTING, read_table
from gridarium.experiments.results.manifest import DIGEST, MANIFEST
from gridarium.experiments.results.result import RunFolderError, other_format
from gridarium.experiments.verification.checks import Check
from gridarium.experiments.verification.files import files

_SAME = 1e-9
"""Of a mean, relative to it or to 1 of its unit: sums depend on their order."""


def check_sweep_folder(folder: Path) -> list[Check]:
    """Check the folder of a sweep: its files, its table of results against its runs, its means.

    Parameters
    ----------
    folder : Path

    Returns
    -------
    list of Check

    Raises
    ------
    RunFolderError
        If the folder holds no sweep, or one of another version's names.
    """
    if not any((folder / name).is_file() for name in (MANIFEST, DIGEST, LISTING)):
        fault = Fault("sweep folder", str(folder), "must be a folder that gridarium sweep left")
        raise RunFolderError(str(folder), [fault])
    found = files(folder)
    try:
        manifest = json.loads((folder / MANIFEST).read_bytes())
        if other := other_format(manifest):
            raise RunFolderError(str(folder), [Fault("sweep folder", str(folder), other)])
        results = read_table(folder / "results.parquet")
        found += _results(folder, results)
        found += _means(json.loads((folder / "statistics.json").read_bytes()), results)
    except RunFolderError:
        raise
    # A damaged file may end any reader in any way.
    except Exception as error:  # noqa: BLE001
        found.append(Check("", "content", False, f"cannot be read ({type(error).__name__}: {error})"))
    return found


def _results(folder: Path, results: pd.DataFrame) -> Iterator[Check]:
    """The table of results against what each run left."""
    runs: dict[tuple[int, str], Mapping[str, Any]] = {}
    for path in sorted((folder / "parts").rglob("*.json")):
        left = json.loads(path.read_bytes())
        runs |= {(int(left["job"]), str(row["case"])): row for row in left["rows"]}
    names = {name for row in runs.values() for name in row["metrics"]}
    metrics = [name for name in results if name in names]
    columns = ["job", "case", "certificates_failed", *metrics]
    for job, case, failed, *values in results[columns].itertuples(index=False):
        row = runs.pop((int(job), str(case)), None)
        if row is None:
            yield Check(str(case), "results", False, f"run {job}: no part tells it")
            return
        wrong = [
            str(name)
            for name, value in zip(metrics, values, strict=True)
            if not _equal(value, row["metrics"].get(name, math.nan))
        ]
        if wrong or int(failed) != int(row["certificates_failed"]):
            told = ", ".join(wrong) or "certificates_failed"
            yield Check(str(case), "results", False, f"run {job}: {told} is not what the run left")
            return
    beyond = {job for job, _ in runs} & set(results["job"])
    if beyond:
        yield Check("", "results", False, f"runs {sorted(beyond)}: cases of them are missing")
        return
    yield Check("", "results", True, f"{len(results):,} rows, each as a run left it")


def _equal(value: float, other: float | None) -> bool:
    other = math.nan if other is None else other
    return value == other or (math.isnan(value) and math.isnan(other))


def _means(statistics: Mapping[str, Any], results: pd.DataFrame) -> Iterator[Check]:
    """Means of all cases and metrics, from the table of results.

    Each is that of independent values: of replications averaged over points, or of points over replications.
    """
    count = 0
    unit, members = _unit(str(statistics["about"]["design"]), results)
    for record in statistics["means"]:
        case, metric = str(record["case"]), str(record["metric"])
        if metric not in results or record["mean"] is None:
            continue
        own = results[results["case"] == case]
        by_unit = own.groupby(unit)[metric]
        whole = by_unit.mean()[by_unit.count() == members]
        mean = float(np.mean(whole.to_numpy(dtype=float)))
        count += 1
        if not abs(mean - record["mean"]) <= _SAME * max(1.0, abs(mean)):
            said = f"mean of {metric}: {record['mean']:.9g} told, {mean:.9g} from the results"
            yield Check(case, "statistics", False, said)
            return
    yield Check("", "statistics", True, f"{count:,} means, each that of its results")


def _unit(design: str, results: pd.DataFrame) -> tuple[str, int]:
    """What is independent in a design, and how many rows of a case are averaged for each."""
    unit = "replication" if design in ("full-factorial", "one-at-a-time") else "point"
    other = "point" if unit == "replication" else "replication"
    return unit, int(results[other].nunique())
