"""The processes of one run, which do its tasks side by side: its cases, then its figures."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from types import TracebackType
from typing import Protocol, Self, TypeVar

from gridarium.experiments.processes.workers import (
    Answer,
    Ended,
    Tell,
    Worker,
    heard,
    never_ready,
    stop_all,
)


class Task(Protocol):
    """Something that a worker does; it crosses a process, and so does what comes of it."""

    def do(self, tell: Tell) -> object:
        """Do it, and `tell` on the way how it goes."""


T = TypeVar("T", bound=Task)


def _do(task: Task, tell: Tell) -> object:
    return task.do(tell)


class Crew:
    """Worker processes from the beginning of a run to its end.

    Parameters
    ----------
    workers : int
        How many.
    """

    def __init__(self, workers: int) -> None:
        self._workers = [Worker(_do) for _ in range(workers)]

    def __len__(self) -> int:
        """Number of workers that are left."""
        return len(self._workers)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Stop all workers at once; what is under way is dropped, and nobody is left."""
        stop_all(self._workers)
        self._workers = []

    def answers(self, waiting: deque[T]) -> Iterator[tuple[T, Answer]]:
        """Have tasks done in their order, and yield each task with what its worker says of it.

        A worker that has ended over a task is replaced as long as others wait.

        Parameters
        ----------
        waiting : deque of Task
            Emptied as tasks are given to workers; whoever clears it has what is under way finished.

        Raises
        ------
        ExecutorError
            If processes end before they can work.
        """
        for worker in self._workers[: len(waiting)]:
            worker.give(waiting.popleft())
        while under_way := [worker for worker in self._workers if worker.tasks]:
            for worker in heard(under_way):
                task = worker.tasks[0]
                answer = worker.read()
                if isinstance(answer, Ended):
                    self._workers.remove(worker)
                    if not worker.ready:
                        raise never_ready(answer.how)
                    if waiting:
                        self._workers.append(Worker(_do))
                        self._workers[-1].give(waiting.popleft())
                if answer is not None:
                    yield task, answer
                if waiting and not worker.tasks:
                    worker.give(waiting.popleft())
