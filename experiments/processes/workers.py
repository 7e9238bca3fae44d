"""Processes of this machine that work for a run: spawned, each with one thread for linear algebra."""

from __future__ import annotations

import io
import logging
import multiprocessing
import os
import pickle
import signal
import sys
from collections import deque
from collections.abc import Callable, Sequence
from functools import cache
from multiprocessing.connection import Connection, wait
from typing import TYPE_CHECKING, Any, NamedTuple

from gridarium.environment.errors import Fault, GridariumError, InputError
from gridarium.experiments.processes.endings import ForeignError, in_one_line, settled

if TYPE_CHECKING:
    from multiprocessing.context import SpawnProcess

_MOST_WORKERS = 512
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
_PATIENCE_S = 5.0
_WARNINGS = "py.warnings"
"""The logger that `logging.captureWarnings` gives warnings to."""

Tell = Callable[[object], None]
"""Says something on the way to who has given the task."""

Work = Callable[[Any, Tell], object]
"""Does one task and returns what came of it; like the task, it must be importable and cross a process."""


class ExecutorError(GridariumError):
    """Workers that cannot be started or reached any more."""


class Said(NamedTuple):
    """What a worker says of its first task before that is done."""

    content: Any


class Done(NamedTuple):
    """What came of the first task of a worker."""

    content: Any


class Failed(NamedTuple):
    """The error that ended the first task of a worker."""

    error: Exception


class Printed(NamedTuple):
    """What code in a worker has printed: the terminal shows other things."""

    text: str


class Ended(NamedTuple):
    """A worker process that is no more, and what ended it: `by SIGTERM`, `with exit status 1`."""

    how: str


class _Noted(NamedTuple):
    """A line of a log, or a warning, which the parent shows: it knows what else is on the terminal."""

    logger: str
    level: int
    text: str

    def show(self) -> None:
        """Log it here; a warning that another process has had already is left out."""
        (_logged_once if self.logger == _WARNINGS else _logged)(*self)


def _logged(logger: str, level: int, text: str) -> None:
    logging.getLogger(logger).log(level, "%s", text)


_logged_once = cache(_logged)


class _ToParent(logging.Handler):
    """Sends what is logged down a line."""

    def __init__(self, connection: Connection) -> None:
        super().__init__()
        self._connection = connection

    def emit(self, record: logging.LogRecord) -> None:
        """Send one record as text."""
        self._connection.send(_Noted(record.name, record.levelno, self.format(record).rstrip()))


class _Printing(io.TextIOBase):
    """Standard output of a worker, sent down a line."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def writable(self) -> bool:
        """It is."""
        return True

    def write(self, text: str) -> int:
        """Send a text."""
        if text:
            self._connection.send(Printed(text))
        return len(text)


class Terminated(SystemExit):
    """Raised in a worker that its parent ends; what a task raises itself is told instead."""


def _terminate(number: int, frame: object) -> None:
    raise Terminated(1)


Answer = Said | Done | Failed | Printed | Ended


def processors() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def checked_workers(workers: int | None) -> int:
    """Return a number of workers, by default one for each processor.

    Raises
    ------
    InputError
        If it is none that can be had.
    """
    count = processors() if workers is None else workers
    if not 1 <= count <= _MOST_WORKERS:
        raise InputError("--workers", [Fault("--workers", count, f"must be in [1, {_MOST_WORKERS}]")])
    return count


def _serve(connection: Connection, work: Work) -> None:
    """Do tasks until the other end of the connection is closed."""
    # Ctrl-C reaches every process of the terminal; the parent decides what becomes of it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _terminate)
    logging.captureWarnings(capture=True)
    logging.getLogger().addHandler(_ToParent(connection))
    sys.stdout = _Printing(connection)
    try:
        connection.send(None)
        while True:
            connection.send(_answer(work, connection.recv(), lambda said: connection.send(Said(said))))
    except (EOFError, ConnectionError):
        return


def _answer(work: Work, task: Any, tell: Tell) -> Done | Failed:
    try:
        return Done(work(task, tell))
    except (ConnectionError, Terminated):
        raise
    # The parent raises it again: it knows what else is under way.
    except BaseException as error:  # noqa: BLE001
        return Failed(_portable(error))


def _portable(error: BaseException) -> Exception:
    """Return an error that crosses a process, with the traceback that does not."""
    kept = settled(error)
    try:
        pickle.loads(pickle.dumps(kept))
    # Whoever wrote the error may have made it in any way.
    except Exception:  # noqa: BLE001
        unknown = ForeignError(in_one_line(kept))
        unknown.__notes__ = kept.__notes__
        return unknown
    return kept


class Worker:
    """A process, its end of the line, and the tasks that it was given, the first of which it does.

    Parameters
    ----------
    work : callable
        What it does with each task.
    """

    def __init__(self, work: Work) -> None:
        for name in _THREADS:
            os.environ.setdefault(name, "1")
        context = multiprocessing.get_context("spawn")
        self.connection, end = context.Pipe()
        self.process: SpawnProcess = context.Process(target=_serve, args=(end, work), daemon=True)
        self.process.start()
        # Only the child may hold its end: the line then breaks when the child dies.
        end.close()
        self.ready = False
        self.tasks: deque[Any] = deque()

    def give(self, task: object) -> None:
        """Send a task; if the worker is dead, that shows when its answers are read."""
        self.tasks.append(task)
        try:
            self.connection.send(task)
        except ConnectionError:
            return

    def read(self) -> Answer | None:
        """Return what it says of its tasks, None if it is something else; its end leaves them as they are."""
        try:
            message: Answer | _Noted | None = self.connection.recv()
        # A process that was killed may have sent half of something.
        except (EOFError, OSError, pickle.UnpicklingError):
            # It may still be on its way out: it is not to be counted as terminated.
            self.process.join(_PATIENCE_S)
            self.stop()
            return Ended(_ending(self.process.exitcode))
        if message is None:
            self.ready = True
        elif isinstance(message, _Noted):
            message.show()
            return None
        elif isinstance(message, Done | Failed):
            self.tasks.popleft()
        return message

    def kill(self) -> None:
        """End the process at once; that shows when its answers are read."""
        self.process.kill()

    def stop(self) -> None:
        """End the process, whatever it does; one that waits ends by itself when the line is cut."""
        self.connection.close()
        if self.tasks:
            self.process.terminate()
        self.process.join(_PATIENCE_S)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()


def heard(workers: Sequence[Worker], longest_s: float | None = None) -> list[Worker]:
    """Wait until workers have something to say, or have ended, and return these; none if it takes longest."""
    ready = wait([worker.connection for worker in workers], longest_s)
    return [worker for worker in workers if worker.connection in ready]


def never_ready(how: str) -> ExecutorError:
    """Return the error of workers that ended, as `Ended` says it, before they could work."""
    return ExecutorError(
        f"worker processes end {how} before they can work; a script that starts them must do so under "
        '`if __name__ == "__main__":`'
    )


def stop_all(workers: Sequence[Worker]) -> None:
    """Stop all workers at once; what is under way is dropped."""
    for worker in workers:
        if worker.tasks:
            worker.process.terminate()
    for worker in workers:
        worker.stop()


def _ending(status: int | None) -> str:
    if status is not None and status < 0:
        hint = " (out of memory?)" if -status == signal.SIGKILL else ""
        return f"by {signal.Signals(-status).name}{hint}"
    return f"with exit status {status}"
