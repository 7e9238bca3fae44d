"""Where the jobs of a sweep run: processes of this machine, or the workers of a Dask cluster."""

from __future__ import annotations

import json
import logging
import time
from concurrent.futures import CancelledError
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Protocol

from gridarium.environment.errors import Fault, GridariumError, InputError
from gridarium.experiments.processes.workers import (
    Done,
    Ended,
    ExecutorError,
    Failed,
    Said,
    Tell,
    Worker,
    heard,
    never_ready,
    stop_all,
)
from gridarium.experiments.sweeps.job import Job
from gridarium.experiments.sweeps.jobs import (
    Begun,
    CaseRow,
    FailureRow,
    JobResult,
    lost_job,
    overdue_job,
    run_remotely,
)

_DEATHS_ALLOWED = 2
_FAILED_STARTS_ALLOWED = 3
_CONNECT_S = 20.0
_CHATTY = ("distributed", "tornado", "asyncio")
"""Loggers of Dask, which write tracebacks of what is told here in one line."""


class Executor(Protocol):
    """Runs jobs somewhere, in any order."""

    @property
    def capacity(self) -> int:
        """How many jobs should be under way so that no worker waits."""

    def submit(self, job: Job) -> None:
        """Start a job or put it in line."""

    def collect(self) -> list[JobResult]:
        """Wait until jobs have finished and return their results; a job that killed its workers is lost."""

    def close(self) -> None:
        """Stop all workers at once; jobs under way are dropped."""


def _run_job(setup: str, job: Job, tell: Tell) -> JobResult:
    return run_remotely(setup, job, tell)


@dataclass
class _UnderWay:
    """What a worker has told of the job that it runs."""

    began_s: float
    so_far: JobResult
    case: str = ""

    def hear(self, said: object) -> None:
        """Note what it tells."""
        match said:
            case Begun(case):
                self.case = case
            case CaseRow():
                self.so_far = replace(self.so_far, rows=(*self.so_far.rows, said))
            case FailureRow():
                self.so_far = replace(self.so_far, failures=(*self.so_far.failures, said))


class LocalProcesses:
    """Processes of this machine, spawned, each with one thread for linear algebra.

    A process that dies is replaced; the job that it ran is tried once more, and then given up. One that runs
    a job longer than the time limit of the study is ended and replaced, and the job is given up.

    Parameters
    ----------
    setup : str
        The resolved study as JSON.
    workers : int
        Number of processes.

    Raises
    ------
    ExecutorError
        From `collect`, if processes die before they can work.
    """

    def __init__(self, setup: str, workers: int) -> None:
        self._work = partial(_run_job, setup)
        self._limit_s: float | None = json.loads(setup).get("run_limit_s")
        self._under_way: dict[Worker, _UnderWay] = {}
        self._deaths: dict[int, int] = {}
        self._failed_starts = 0
        self._workers = [Worker(self._work) for _ in range(workers)]

    @property
    def capacity(self) -> int:
        """Two jobs a worker: one that it runs, and the next."""
        return 2 * len(self._workers)

    def submit(self, job: Job) -> None:
        """Give a job to the worker that has the fewest."""
        min(self._workers, key=lambda worker: len(worker.tasks)).give(job)

    def collect(self) -> list[JobResult]:
        """Wait until jobs have finished and return their results."""
        results: list[JobResult] = []
        while not results:
            for worker in heard(self._workers, self._patience_s()):
                results += self._read(worker)
            results += self._overdue()
        return results

    def _patience_s(self) -> float | None:
        """Time until the first job is overdue; None if none can be."""
        if self._limit_s is None or not self._under_way:
            return None
        first = min(known.began_s for known in self._under_way.values())
        return max(first + self._limit_s - time.monotonic(), 0.0)

    def _overdue(self) -> list[JobResult]:
        """Give up the jobs that take too long, and the workers that run them."""
        results: list[JobResult] = []
        now, limit_s = time.monotonic(), self._limit_s
        for worker, known in list(self._under_way.items()) if limit_s is not None else ():
            assert limit_s is not None
            if now - known.began_s >= limit_s:
                worker.kill()
                results.append(overdue_job(worker.tasks.popleft().number, limit_s, known.so_far, known.case))
                self._replace(worker)
                worker.stop()
        return results

    def _replace(self, worker: Worker) -> None:
        """Put a new worker in the place of one that has ended, with what waited there."""
        self._under_way.pop(worker, None)
        self._workers.remove(worker)
        self._workers.append(Worker(self._work))
        for job in worker.tasks:
            self._workers[-1].give(job)

    def _read(self, worker: Worker) -> list[JobResult]:
        match worker.read():
            case Said(said):
                started = _UnderWay(time.monotonic(), JobResult(worker.tasks[0].number))
                self._under_way.setdefault(worker, started).hear(said)
                return []
            case Done(result):
                self._under_way.pop(worker, None)
                return [result]
            case Failed(error):
                raise error
            case Ended(how):
                return self._bury(worker, how)
            case _:
                return []

    def _bury(self, worker: Worker, how: str) -> list[JobResult]:
        """Replace a worker that died; its first job may be the cause, the others only waited."""
        results = []
        if not worker.ready:
            self._failed_starts += 1
            if self._failed_starts >= _FAILED_STARTS_ALLOWED:
                raise never_ready(how)
        elif worker.tasks:
            first = worker.tasks[0].number
            self._deaths[first] = self._deaths.get(first, 0) + 1
            if self._deaths[first] >= _DEATHS_ALLOWED:
                worker.tasks.popleft()
                reason = f"{_DEATHS_ALLOWED} worker processes died, the last one {how}"
                known = self._under_way.get(worker, _UnderWay(0.0, JobResult(first)))
                results.append(lost_job(first, reason, known.so_far, known.case))
        self._replace(worker)
        return results

    def close(self) -> None:
        """Stop all workers at once."""
        stop_all(self._workers)


class DaskCluster:
    """Workers of a Dask scheduler, which may come, go and die; best with one thread each.

    Parameters
    ----------
    setup : str
        The resolved study as JSON.
    address : str
        Of the scheduler, as `tcp://host:8786`.

    Raises
    ------
    InputError
        If no scheduler answers there, or it has no workers with gridarium of this version.
    ExecutorError
        If Dask is not installed here; from `collect`, if the scheduler is gone.
    """

    def __init__(self, setup: str, address: str) -> None:
        try:
            import distributed
        except ImportError as error:
            raise ExecutorError("--dask needs Dask: pip install gridarium[cluster]") from error
        # Their loggers have levels of their own: that of the root of them does not count.
        known = [logging.getLogger(name) for name in list(logging.root.manager.loggerDict)]
        self._silenced = [one for one in known if one.name.partition(".")[0] in _CHATTY and not one.disabled]
        for one in self._silenced:
            one.disabled = True
        self._address, self._setup = address, setup
        if json.loads(setup).get("run_limit_s") is not None:
            fault = Fault(
                "run_limit_s",
                json.loads(setup)["run_limit_s"],
                "must be null with --dask, whose workers are not this machine's to end",
            )
            raise InputError("--dask", [fault])
        try:
            self._client = distributed.Client(address, timeout=_CONNECT_S, set_as_default=False)
            self._client.wait_for_workers(1, timeout=_CONNECT_S)
        except (OSError, ValueError, TimeoutError) as error:
            raise self._unusable(f"must be a Dask scheduler with workers ({error})") from error
        self._finished = distributed.as_completed(loop=self._client.loop)
        self._capacity, self._counted_s = 0, -1.0

    def _unusable(self, allowed: str) -> InputError:
        return InputError("--dask", [Fault("--dask", self._address, allowed)])

    @property
    def capacity(self) -> int:
        """Two jobs a worker, counted anew every few seconds."""
        now = time.monotonic()
        if now - self._counted_s > 5.0:
            self._capacity, self._counted_s = max(2 * len(self._client.nthreads()), 2), now
        return self._capacity

    def submit(self, job: Job) -> None:
        """Hand a job to the scheduler, which repeats it if its worker dies."""
        future = self._client.submit(run_remotely, self._setup, job, pure=False)
        future.job = job.number
        self._finished.add(future)

    def collect(self) -> list[JobResult]:
        """Wait until jobs have finished and return their results."""
        return [self._result(future) for future in [next(self._finished), *self._ready()]]

    def _ready(self) -> list[Any]:
        return self._finished.next_batch(block=False) if self._finished.has_ready() else []

    def _result(self, future: Any) -> JobResult:
        import distributed

        try:
            result: JobResult = future.result(timeout=None)
        except distributed.scheduler.KilledWorker as error:
            return lost_job(future.job, f"its Dask workers died ({str(error)[:200]})")
        except GridariumError:
            raise
        except CancelledError as error:
            lost = "is gone; what had finished is safe, continue with --resume"
            raise ExecutorError(f"Dask scheduler {self._address} {lost}") from error
        # A task may end with any error of its surroundings: a package that is not there, a lost line.
        except Exception as error:
            raise ExecutorError(f"Dask scheduler {self._address}: {type(error).__name__}: {error}") from error
        return result

    def close(self) -> None:
        """Drop what is under way and leave the cluster to others."""
        self._finished.clear()
        self._client.close(timeout=5)
        for one in self._silenced:
            one.disabled = False
