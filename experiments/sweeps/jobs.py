"""One job of a sweep: its model's cases are run, and whatever goes wrong becomes a row."""

from __future__ import annotations

import contextlib
import gc
import json
import math
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cache
from typing import NamedTuple

from gridarium.environment.errors import Fault, InputError, ScenarioError
from gridarium.experiments.processes.case_log import Printout
from gridarium.experiments.processes.endings import reason_of
from gridarium.experiments.processes.workers import Tell, Terminated
from gridarium.experiments.sweeps.job import Job
from gridarium.experiments.sweeps.job_models import JobModel, JobOutcome
from gridarium.experiments.sweeps.models import model_of

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
    """What went wrong with a case: it did not come to its end, or something of its results is missing.

    An empty case stands for the whole job.
    """

    case: str
    error: str
    message: str
    bad_input: bool = False


class Begun(NamedTuple):
    """What a worker tells when it begins with a case."""

    case: str


@dataclass(frozen=True, slots=True)
class JobResult:
    """Everything that one job left.

    Parameters
    ----------
    job : int
        Its place in the job list.
    rows, failures : tuple
        Each case that was begun is in one of them; in both if something of its results is missing.
    lost : bool
        Whether no worker lived to the end of the job; it is tried again when the sweep is resumed.
    timed_out : bool
        Whether it was stopped at the time limit of a run; it is tried again when that is asked for.
    printed : str
        What its code has printed; not part of what is kept.
    """

    job: int
    rows: tuple[CaseRow, ...] = ()
    failures: tuple[FailureRow, ...] = ()
    lost: bool = False
    timed_out: bool = False
    printed: str = field(default="", compare=False)

    def to_json(self) -> str:
        """Return the result as text; numbers keep every bit."""
        kept = {name: value for name, value in asdict(self).items() if name != "printed"}
        return json.dumps(kept, ensure_ascii=False, separators=(",", ":"))

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
            bool(found.get("timed_out", False)),
        )


def lost_job(number: int, reason: str, so_far: JobResult | None = None, case: str = "") -> JobResult:
    """Return the result of a job that took its workers with it, over a case; what it told before is in it."""
    row = FailureRow(case, "WorkerLost", reason)
    so_far = so_far or JobResult(number)
    return JobResult(number, so_far.rows, (*so_far.failures, row), lost=True)


def overdue_job(number: int, limit_s: float, so_far: JobResult, case: str) -> JobResult:
    """Return the result of a job that was stopped over a case at the time limit of a run."""
    reason = (
        f"stopped after {limit_s:g} s, the time limit of a run (run_limit_s); cases after it were not begun"
    )
    row = FailureRow(case, "TimeLimit", reason)
    return JobResult(number, so_far.rows, (*so_far.failures, row), timed_out=True)


def _nobody(said: object) -> None:
    """Hear what a job tells and nobody wants to know."""


def run_job(model: JobModel, job: Job, tell: Tell = _nobody) -> JobResult:
    """Run every case of a job; no error of a model leaves it.

    Parameters
    ----------
    model : JobModel
    job : Job
    tell : callable, optional
        Told when a case begins, and what came of it.
    """
    rows: list[CaseRow] = []
    failures: list[FailureRow] = []
    printout = Printout()

    def fail(row: FailureRow) -> None:
        failures.append(row)
        tell(row)

    def attempt(case: str, act: Callable[[], None]) -> None:
        tell(Begun(case))
        try:
            with contextlib.redirect_stdout(printout):
                act()
        except (KeyboardInterrupt, ConnectionError, Terminated):
            raise
        # A model may be anybody's code: whatever it raises is a row, and the sweep goes on.
        except BaseException as error:  # noqa: BLE001
            message = reason_of(error)[:_LONGEST_MESSAGE]
            fail(FailureRow(case, type(error).__name__, message, isinstance(error, InputError)))

    def measure(case: str, run: Callable[[], JobOutcome]) -> None:
        measured = run()
        row = _row(case, measured, job)
        rows.append(row)
        tell(row)
        for message in measured.broken:
            fail(FailureRow(case, "EvidenceError", message[:_LONGEST_MESSAGE]))
        if missing := _not_measured(measured.metrics, model.expected):
            fail(FailureRow(case, "NotMeasured", f"no result: {', '.join(missing)}"[:_LONGEST_MESSAGE]))

    def run_all() -> None:
        for case, run in model.cases(job.values, job.seed):
            attempt(case, lambda case=case, run=run: measure(case, run))  # type: ignore[misc]

    attempt("", run_all)
    return JobResult(job.number, tuple(rows), tuple(failures), printed=printout.text)


def _not_measured(metrics: Mapping[str, float], expected: Sequence[str] | None) -> list[str]:
    """Return what was measured and is no number, of what is expected; of all metrics where that is None."""
    return [
        f"{name} is {value}"
        for name, value in metrics.items()
        if not math.isfinite(float(value)) and (expected is None or name in expected)
    ]


def _row(case: str, measured: JobOutcome, job: Job) -> CaseRow:
    """Return the row of a case.

    Raises
    ------
    ScenarioError
        If a metric is called like a factor: the results would have two columns of one name.
    """
    metrics = {str(name): float(value) for name, value in measured.metrics.items()}
    # What is no number is no result: it is missing in the table.
    metrics = {name: value for name, value in metrics.items() if math.isfinite(value)}
    taken = sorted(metrics.keys() & job.values.keys())
    if taken:
        allowed = "must not be called like a metric of the model; rename the factor"
        raise ScenarioError("study", [Fault(f"factors.{name}", name, allowed) for name in taken])
    return CaseRow(str(case), metrics, measured.certificates_failed)


def run_remotely(setup: str, job: Job, tell: Tell = _nobody) -> JobResult:
    """Run a job in a process that knows nothing of the study yet, one at a time.

    Models keep live solvers between runs, which threads must not share.
    """
    with _ONE_AT_A_TIME:
        result = run_job(model_of(setup), job, tell)
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
