"""Where the jobs of a sweep run: processes of this machine, or the workers of a Dask cluster."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import time
from collections import deque
from collections.abc import Iterable
from multiprocessing.connection import Connection, wait
from typing import TYPE_CHECKING, Any, Protocol

from gridarium.environment.errors import Fault, GridariumError, InputError
from gridarium.experiments.sweeps.jobs import JobResult, lost_job, run_remotely
from gridarium.experiments.sweeps.study import Job

if TYPE_CHECKING:
    from multiprocessing.context import SpawnProcess

_DEATHS_ALLOWED = 2
_FAILED_STARTS_ALLOWED = 3
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
_CONNECT_S = 20.0
_PATIENCE_S = 5.0


class ExecutorError(GridariumError):
    """Workers that cannot be started or reached any more."""


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


def _work(connection: Connection, setup: str) -> None:
    """Run jobs until the other end of the connection is closed."""
    # Ctrl-C reaches every process of the terminal; the parent decides what becomes of it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(1))
    try:
        connection.send(None)
        while True:
            connection.send(run_remotely(setup, connection.recv()))
    except (EOFError, ConnectionError):
        return
    except GridariumError as error:
        connection.send(error)


class _Worker:
    """A process, its end of the line, and the jobs that it was given, the first of which it runs."""

    def __init__(self, setup: str) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, end = context.Pipe()
        self.process: SpawnProcess = context.Process(target=_work, args=(end, setup), daemon=True)
        self.process.start()
        # Only the child may hold its end: the line then breaks when the child dies.
        end.close()
        self.ready = False
        self.jobs: deque[Job] = deque()

    def give(self, job: Job) -> None:
        """Send a job; if the worker is dead, that shows when its answers are read."""
        self.jobs.append(job)
        try:
            self.connection.send(job)
        except ConnectionError:
            return

    def stop(self) -> None:
        """End the process, whatever it does; one that waits ends by itself when the line is cut."""
        self.connection.close()
        if self.jobs:
            self.process.terminate()
        self.process.join(_PATIENCE_S)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()


class LocalProcesses:
    """Processes of this machine, spawned, each with one thread for linear algebra.

    A process that dies is replaced; the job that it ran is tried once more, and then given up.

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
        for name in _THREADS:
            os.environ.setdefault(name, "1")
        self._setup = setup
        self._deaths: dict[int, int] = {}
        self._failed_starts = 0
        self._workers = [_Worker(setup) for _ in range(workers)]

    @property
    def capacity(self) -> int:
        """Two jobs a worker: one that it runs, and the next."""
        return 2 * len(self._workers)

    def submit(self, job: Job) -> None:
        """Give a job to the worker that has the fewest."""
        min(self._workers, key=lambda worker: len(worker.jobs)).give(job)

    def collect(self) -> list[JobResult]:
        """Wait until jobs have finished and return their results."""
        results: list[JobResult] = []
        while not results:
            ready = wait([worker.connection for worker in self._workers])
            for worker in [worker for worker in self._workers if worker.connection in ready]:
                results += self._read(worker)
        return results

    def _read(self, worker: _Worker) -> Iterable[JobResult]:
        try:
            message = worker.connection.recv()
        except (EOFError, OSError):
            return self._bury(worker)
        if isinstance(message, GridariumError):
            raise message
        if message is None:
            worker.ready = True
            return []
        worker.jobs.popleft()
        return [message]

    def _bury(self, worker: _Worker) -> list[JobResult]:
        """Replace a worker that died; its first job may be the cause, the others only waited."""
        worker.stop()
        self._workers.remove(worker)
        status = worker.process.exitcode
        waiting = list(worker.jobs)
        results = []
        if not worker.ready:
            self._failed_starts += 1
            if self._failed_starts >= _FAILED_STARTS_ALLOWED:
                raise ExecutorError(
                    f"worker processes end with status {status} before they can work; a script that starts "
                    'a sweep must do so under `if __name__ == "__main__":`'
                )
        elif waiting:
            first = waiting[0].number
            self._deaths[first] = self._deaths.get(first, 0) + 1
            if self._deaths[first] >= _DEATHS_ALLOWED:
                waiting.pop(0)
                results.append(lost_job(first, f"{_DEATHS_ALLOWED} worker processes died, {_ending(status)}"))
        self._workers.append(_Worker(self._setup))
        for job in waiting:
            self._workers[-1].give(job)
        return results

    def close(self) -> None:
        """Stop all workers at once."""
        for worker in self._workers:
            if worker.jobs:
                worker.process.terminate()
        for worker in self._workers:
            worker.stop()


def _ending(status: int | None) -> str:
    if status is not None and status < 0:
        hint = " (out of memory?)" if -status == signal.SIGKILL else ""
        return f"the last one by {signal.Signals(-status).name}{hint}"
    return f"the last one with exit status {status}"


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
        self._address, self._setup = address, setup
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
        # A task may end with any error of its surroundings: a package that is not there, a lost line.
        except Exception as error:
            raise ExecutorError(f"Dask scheduler {self._address}: {type(error).__name__}: {error}") from error
        return result

    def close(self) -> None:
        """Drop what is under way and leave the cluster to others."""
        self._finished.clear()
        self._client.close(timeout=5)
