"""Run a study: every job once, whatever happens on the way; what has finished is never lost."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gridarium.environment.errors import Fault, GridariumError, InputError, ScenarioError
from gridarium.experiments.processes.endings import in_one_line
from gridarium.experiments.processes.interrupts import Interrupts
from gridarium.experiments.processes.workers import checked_workers, processors
from gridarium.experiments.results.records import Progress
from gridarium.experiments.sweeps.executors import DaskCluster, Executor, LocalProcesses
from gridarium.experiments.sweeps.folder import SweepFolder
from gridarium.experiments.sweeps.job_models import UNKNOWN, unknown_metrics
from gridarium.experiments.sweeps.jobs import JobResult
from gridarium.experiments.sweeps.stop_rule import StopWatch
from gridarium.experiments.sweeps.study import SweepStudy
from gridarium.experiments.sweeps.study_code import check_study_code
from gridarium.experiments.sweeps.tables import write_tables

if TYPE_CHECKING:
    import pandas as pd


class SweepInterrupted(GridariumError):  # noqa: N818 - not an error of anything, but it ends the sweep
    """A sweep that its user has stopped; it can be resumed."""


class SweepReportError(GridariumError):
    """Tables, statistics or a report of a sweep that could not be made; its runs are safe."""


@dataclass(frozen=True)
class SweepResult:
    """What a finished sweep left.

    Parameters
    ----------
    path : Path
        Its folder.
    jobs : int
        Runs that the tables cover.
    failures : int
        Rows of failures.parquet.
    uncertified : int
        Rows of results.parquet in which a hard certificate failed.
    stopped : bool
        Whether the stop rule ended it before the end of the design.
    bad_input : int
        Rows of failures.parquet for which input was to blame that cannot be used.
    """

    path: Path
    jobs: int
    failures: int
    uncertified: int
    stopped: bool
    bad_input: int = 0

    @property
    def passed(self) -> bool:
        """Whether nothing failed."""
        return not self.failures and not self.uncertified

    @property
    def is_bad_input(self) -> bool:
        """Whether all that failed is input that cannot be used."""
        return 0 < self.failures == self.bad_input and not self.uncertified

    def results(self) -> pd.DataFrame:
        """Return results.parquet."""
        import pandas as pd

        return pd.read_parquet(self.path / "results.parquet")

    def effects(self) -> list[dict[str, Any]]:
        """Return the effects of one factor at a time that statistics.json tells; none of another design."""
        told: dict[str, Any] = json.loads((self.path / "statistics.json").read_bytes())
        return list(told.get("effects", []))


def sweep(
    study: SweepStudy,
    out: Path,
    *,
    workers: int | None = None,
    dask: str | None = None,
    resume: bool = False,
    retry: bool = False,
    progress: Progress | None = None,
) -> SweepResult:
    """Run a study.

    Parameters
    ----------
    study : SweepStudy
    out : Path
        A new or empty folder, or with `resume` that of an unfinished sweep.
    workers : int, optional
        Processes of this machine; by default one for each of its processors.
    dask : str, optional
        Address of a Dask scheduler whose workers run the jobs instead.
    resume : bool
        Whether to go on with what the folder holds; the outcome is the same as without a break.
    retry : bool
        Whether to run again, too, what was stopped at the time limit of a run, which may be another now.
    progress : callable, optional
        Called with the share done, and how many runs are done, failed, and still to come.

    Returns
    -------
    SweepResult
        Failed runs are rows of failures.parquet, not errors.

    Raises
    ------
    InputError
        If the folder, the workers or the scheduler cannot be used, or the study has changed since.
    SweepWriteError, ExecutorError, SweepInterrupted
        If the disk refuses, workers cannot be had, or ctrl-C is pressed; the folder can be resumed.
    """
    from gridarium.experiments.sweeps.report import build_sweep_report

    check_study_code(study)
    start = _executor_of(study, workers, dask)
    begun, started = time.perf_counter(), datetime.now(UTC).isoformat()
    # A second ctrl-C does not cut short what the first one leaves to do.
    with Interrupts(), closing(SweepFolder(Path(out), study, resume)) as folder:
        try:
            watch = _run_jobs(study, folder, start, progress, retry)
            with _told_after(folder.path):
                counted = write_tables(folder, study, watch.n_job)
                build_sweep_report(folder.path)
        except KeyboardInterrupt:
            folder.state("interrupted", started=started)
            message = f"interrupted; what had finished is safe, continue with --resume --out {out}"
            raise SweepInterrupted(message) from None
        folder.state(
            "finished",
            started=started,
            ended=datetime.now(UTC).isoformat(),
            wall_s=time.perf_counter() - begun,
            workers=dask or workers or processors(),
            jobs=watch.n_job,
            stopped=watch.decided,
            failures=counted.failures,
            uncertified=counted.uncertified,
        )
        folder.seal()
        return SweepResult(
            folder.path, watch.n_job, counted.failures, counted.uncertified, watch.decided, counted.bad_input
        )


@contextmanager
def _told_after(folder: Path) -> Iterator[None]:
    """Say of an error in tables, statistics or report that it costs no run."""
    try:
        yield
    except GridariumError:
        raise
    # Metrics may have any names and numbers.
    except Exception as error:
        hint = f"all runs are safe in {folder / 'parts'}"
        raise SweepReportError(f"tables, statistics and report: {in_one_line(error)}; {hint}") from error


def _executor_of(study: SweepStudy, workers: int | None, dask: str | None) -> Callable[[], Executor]:
    """Return what starts the workers."""
    if workers is not None and dask is not None:
        raise InputError("--workers", [Fault("--workers", workers, "must be left out with --dask")])
    count = checked_workers(workers)
    setup = study.file.model_dump_json()
    return lambda: LocalProcesses(setup, count) if dask is None else DaskCluster(setup, dask)


class _Tally:
    """Counts what is done and puts it into words."""

    def __init__(self, progress: Progress | None, done: int, failed: int) -> None:
        self._progress, self._begun = progress, time.monotonic()
        self.done, self.failed, self._before = done, failed, done

    def add(self, result: JobResult) -> None:
        """Count a job."""
        self.done += 1
        self.failed += bool(result.failures)

    def show(self, total: int) -> None:
        """Show the rate, the failures and the remaining time."""
        if self._progress is None:
            return
        rate = (self.done - self._before) / max(time.monotonic() - self._begun, 1e-9)
        words = [f"{self.done:,} of {total:,} runs"]
        if self.failed:
            words.append(f"{self.failed:,} failed")
        if rate > 0:
            words += [f"{rate:.3g}/s", f"{_duration((total - self.done) / rate)} left"]
        self._progress(min(self.done / max(total, 1), 1.0), ", ".join(words))


def _duration(seconds: float) -> str:
    hours, rest = divmod(round(max(seconds, 0.0)), 3600)
    return f"{hours}:{rest // 60:02d}:{rest % 60:02d}"


def _run_jobs(
    study: SweepStudy,
    folder: SweepFolder,
    start: Callable[[], Executor],
    progress: Progress | None,
    retry: bool,
) -> StopWatch:
    """Run what is missing of the job list, as far as the stop rule wants it."""
    watch = StopWatch(study)
    done = bytearray(study.n_job)
    failed = 0
    for number in range(watch.n_job):
        result = folder.result(number)
        # A job that took its workers with it may do better on another day.
        if result is not None and not result.lost and not (retry and result.timed_out):
            done[number] = True
            failed += bool(result.failures)
            watch.add(result)
    tally = _Tally(progress, sum(done[: watch.n_job]), failed)
    missing = (number for number in range(study.n_job) if not done[number])
    if not watch.decided and not all(done[: watch.n_job]):
        with closing(start()) as executor:
            for result in _results(study, executor, missing, watch):
                folder.keep(result)
                if not any(done):
                    _check_metrics(study, result)
                done[result.job] = True
                watch.add(result)
                tally.add(result)
                tally.show(watch.n_job)
    return watch


def _check_metrics(study: SweepStudy, result: JobResult) -> None:
    """Make sure that the first run of a function has measured what the study asks for, if it has measured."""
    measured = list(dict.fromkeys(name for row in result.rows for name in row.metrics))
    if study.file.function is not None and any(row.error == UNKNOWN for row in result.failures):
        raise ScenarioError(study.source, unknown_metrics(study.file, measured))


def _results(
    study: SweepStudy, executor: Executor, missing: Iterator[int], watch: StopWatch
) -> Iterator[JobResult]:
    """Yield results as jobs finish, with no more under way than the workers need."""
    under_way = 0
    while not watch.decided:
        while under_way < executor.capacity:
            number = next(missing, None)
            if number is None or number >= watch.n_job:
                break
            executor.submit(study.job(number))
            under_way += 1
        if not under_way:
            return
        for result in executor.collect():
            under_way -= 1
            yield result
