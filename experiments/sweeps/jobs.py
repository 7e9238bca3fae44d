"""One job of a sweep: its model's cases are run, and whatever goes wrong becomes a row."""

from __future__ import annotations

import gc
import json
import math
import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import cache

from gridarium.environment.errors import Fault, ScenarioError
from gridarium.experiments.sweeps.job_models import JobModel, JobOutcome, model_of
from gridarium.experiments.sweeps.study import Job

_LONGEST_MESSAGE = 2000
_ONE_AT_A_TIME = threading.Lock()


@dataclass(frozen=True, slots=True)
class CaseRow:
    """What a case of a job found: metrics by name, and how many hard certificates failed."""

    case: str
    metrics: Mapping[str, float]
    certificates_failed: int


@dataclass(frozen=True, slots=True)
class FailureRow:
    """A case that could not be run to its end; an empty case stands for the whole job."""

    case: str
    error: str
    message: str


@dataclass(frozen=True, slots=True)
class JobResult:
    """Everything that one job left.

    Parameters
    ----------
    job : int
        Its place in the job list.
    rows, failures : tuple
        Each case is in one of them.
    lost : bool
        Whether no worker lived to the end of the job; it is tried again when the sweep is resumed.
    """

    job: int
    rows: tuple[CaseRow, ...] = ()
    failures: tuple[FailureRow, ...] = ()
    lost: bool = False

    def to_json(self) -> str:
        """Return the result as text; numbers keep every bit."""
        return json.dumps(asdict(self), ensure_ascii=False, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str | bytes) -> JobResult:
        """Return the result that a text holds.

        Raises
        ------
        ValueError, TypeError, KeyError
            If it holds none.
        """
        found = json.loads(text)
        rows = tuple(CaseRow(**row) for row in found["rows"])
        return cls(
            int(found["job"]),
            rows,
            tuple(FailureRow(**row) for row in found["failures"]),
            bool(found["lost"]),
        )


def lost_job(number: int, reason: str) -> JobResult:
    """Return the result of a job that took its workers with it."""
    return JobResult(number, failures=(FailureRow("", "WorkerLost", reason),), lost=True)


def run_job(model: JobModel, job: Job) -> JobResult:
    """Run every case of a job; no error of a model leaves it."""
    rows: list[CaseRow] = []
    failures: list[FailureRow] = []

    def attempt(case: str, act: Callable[[], None]) -> None:
        try:
            act()
        # A model may be anybody's code: whatever it raises is a row, and the sweep goes on.
        except Exception as error:  # noqa: BLE001
            failures.append(FailureRow(case, type(error).__name__, str(error)[:_LONGEST_MESSAGE]))

    def run_all() -> None:
        for case, run in model.cases(job.values, job.seed):
            attempt(case, lambda case=case, run=run: rows.append(_row(case, run(), job)))  # type: ignore[misc]

    attempt("", run_all)
    return JobResult(job.number, tuple(rows), tuple(failures))


def _row(case: str, measured: JobOutcome, job: Job) -> CaseRow:
    """Return the row of a case.

    Raises
    ------
    ScenarioError
        If a metric is called like a factor: the results would have two columns of one name.
    """
    metrics = {str(name): float(value) for name, value in measured.metrics.items()}
    taken = sorted(metrics.keys() & job.values.keys())
    if taken:
        allowed = "must not be called like a metric of the model; rename the factor"
        raise ScenarioError("study", [Fault(f"factors.{name}", name, allowed) for name in taken])
    return CaseRow(str(case), metrics, measured.certificates_failed)


def run_remotely(setup: str, job: Job) -> JobResult:
    """Run a job in a process that knows nothing of the study yet, one at a time.

    Models keep live solvers between runs, which threads must not share.
    """
    with _ONE_AT_A_TIME:
        result = run_job(model_of(setup), job)
        _settle_memory()
    return result


@cache
def _settle_memory() -> None:
    """Tell the collector once that what the first job imported and compiled stays to the end."""
    gc.collect()
    gc.freeze()


def metric_of(result: JobResult, case: str, metric: str) -> float:
    """Return one number of a job, nan where it has none."""
    for row in result.rows:
        if row.case == case:
            return row.metrics.get(metric, math.nan)
    return math.nan
