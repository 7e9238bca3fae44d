"""A drawn sample of a sweep's runs, run again: the one check of a finished sweep that takes agents."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from gridarium.environment.errors import GridariumError
from gridarium.experiments.results.checksums import read_table
from gridarium.experiments.results.manifest import told_digest
from gridarium.experiments.sweeps.jobs import run_job
from gridarium.experiments.sweeps.models import model_of
from gridarium.experiments.sweeps.study import load_study
from gridarium.experiments.verification.checks import Check
from gridarium.experiments.verification.sweep_folder import check_sweep_folder

_SAME = 1e-6
"""Of a metric, relative to it or to 1 of its unit: other machines and releases round otherwise."""


def verify_sweep(folder: Path, count: int) -> list[Check]:
    """Check the folder of a sweep, and run some of its runs again.

    Parameters
    ----------
    folder : Path
    count : int
        How many runs; they are drawn by the digest of the manifest.

    Raises
    ------
    RunFolderError
        If the folder holds no sweep.
    """
    found = check_sweep_folder(folder)
    if count:
        try:
            found += _again(folder, count)
        except (GridariumError, OSError, ValueError, KeyError) as error:
            found.append(Check("", "runs again", False, f"cannot be run ({type(error).__name__}: {error})"))
    return found


def _again(folder: Path, count: int) -> Iterator[Check]:
    study = load_study(folder / "study.yaml")
    results = read_table(folder / "results.parquet")
    jobs = sorted(set(results["job"]))
    random = np.random.default_rng(int(told_digest(folder)[:16] or "0", 16))
    model = model_of(study.file.model_dump_json())
    for job in sorted(random.choice(jobs, size=min(count, len(jobs)), replace=False).tolist()):
        left = run_job(model, study.job(int(job)))
        told = results[results["job"] == job].set_index("case")
        anew = {row.case: row.metrics for row in left.rows}
        wrong = [
            f"{case}: {name}"
            for case, row in told.iterrows()
            for name in (column for column in told if column in anew.get(str(case), {}))
            if not _same(float(row[name]), anew[str(case)][name])
        ]
        lost = sorted(set(map(str, told.index)) - set(anew))
        said = f"run {job}: " + (", ".join([*lost, *wrong]) + " came out otherwise" if lost or wrong else "")
        yield Check("", "runs again", not (lost or wrong), said + _counted(anew, bool(lost or wrong)))


def _counted(anew: Mapping[str, Mapping[str, float]], is_wrong: bool) -> str:
    if is_wrong:
        return ""
    return f"{sum(map(len, anew.values())):,} metrics of {len(anew)} cases came out as before"


def _same(value: float, other: float) -> bool:
    if math.isnan(value) or math.isnan(other):
        return math.isnan(value) and math.isnan(other)
    return abs(value - other) <= _SAME * max(1.0, abs(value))
