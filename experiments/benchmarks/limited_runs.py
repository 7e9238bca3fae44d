"""Random instances played in several processes, each within a limit of processor time."""

from __future__ import annotations

import signal
from collections import deque
from collections.abc import Callable, Iterable
from typing import NamedTuple, TypeVar

from gridarium.experiments.benchmarks.random_runs import Ended as EndedRun
from gridarium.experiments.benchmarks.random_runs import Kept, known_of
from gridarium.experiments.processes.workers import Done, Ended, Failed, Tell, Worker, heard, stop_all

Outcome = TypeVar("Outcome", bound=EndedRun)

WAITING_FACTOR = 15
"""Of the limit of processor time: what may pass altogether, for who only waits."""


class Limited(NamedTuple):
    """An instance to play.

    Parameters
    ----------
    seed : int
    play : callable
        Known to other processes by its name.
    limit_s : int
        Most processor time, s; the process is ended beyond.
    """

    seed: int
    play: Callable[[int], object]
    limit_s: int


def play_limited(
    play: Callable[[int], Outcome],
    lost: Callable[[int, str], Outcome],
    seeds: Iterable[int],
    workers: int,
    limit_s: int,
    kept: Kept[Outcome] | None = None,
) -> list[Outcome]:
    """Play the instances of some seeds; one that takes too long, or ends its process, ends no other.

    Parameters
    ----------
    play : callable
        Plays the instance of a seed; must be known to other processes.
    lost : callable
        The outcome of a seed whose process has ended, and how.
    seeds : iterable of int
    workers : int
        Processes.
    limit_s : int
        Processor time of each, s, where the system knows such limits.
    kept : Kept, optional
        What it knows is not played again; what is played is left there as soon as it ends.
    """
    every = list(seeds)
    found = known_of(every, kept)
    waiting = deque(seed for seed in every if seed not in found)
    crew: list[Worker] = []
    try:
        while waiting or any(worker.tasks for worker in crew):
            while len(crew) < min(workers, len(waiting)):
                crew.append(Worker(_limited))
            for worker in crew:
                if waiting and not worker.tasks:
                    worker.give(Limited(waiting.popleft(), play, limit_s))
            for worker in heard([worker for worker in crew if worker.tasks]):
                seed = worker.tasks[0].seed
                match worker.read():
                    case Done(content):
                        outcome: Outcome = content
                    case Ended(how):
                        crew.remove(worker)
                        outcome = lost(seed, how)
                    case Failed(error):
                        raise error
                    case _:
                        continue
                found[seed] = outcome
                if kept is not None:
                    kept.keep(seed, outcome)
    finally:
        stop_all(crew)
    return [found[seed] for seed in every]


def _limited(task: Limited, tell: Tell) -> object:
    """Play an instance; the system ends this process at the limit, wherever it is."""
    _limit(task.limit_s)
    return task.play(task.seed)


def _limit(limit_s: int) -> None:
    try:
        import resource
    except ImportError:
        # Only systems of the Unix kind know limits of processor time.
        return
    used = resource.getrusage(resource.RUSAGE_SELF)
    limit = int(used.ru_utime + used.ru_stime) + limit_s + 1
    resource.setrlimit(resource.RLIMIT_CPU, (limit, resource.getrlimit(resource.RLIMIT_CPU)[1]))
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(WAITING_FACTOR * limit_s)
