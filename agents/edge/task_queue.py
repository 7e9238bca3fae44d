"""Processors of an edge controller and of a cloud: queues with priorities, and what a flood holds up."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

import simpy

from gridarium.environment.clock import Clock

_INSTANT_S = 1e-9
"""What is left of work that was interrupted as it ended."""


class Priority(IntEnum):
    """What goes first: urgent tasks, then checks of frames that have arrived, then routine tasks."""

    URGENT = 0
    CHECK = 1
    ROUTINE = 2


@dataclass(frozen=True, slots=True)
class TaskTimes:
    """How long the processor of an edge controller is busy with one thing, s.

    Parameters
    ----------
    check_s : float
        With finding out whether a frame is genuine.
    urgent_s, routine_s : float
        With a task of that priority.
    """

    check_s: float
    urgent_s: float
    routine_s: float


class Processor:
    """Works on one thing at a time; what is more urgent goes first, and in turn among equals.

    - `work`: a piece of work, for a process to wait for
    - `busy_s`: how long it has worked so far, s
    - `interruptions`: how often it left something for what was more urgent

    Parameters
    ----------
    clock : Clock
    interrupts : bool
        Whether more urgent work interrupts what is under way, which goes on afterwards with what is left of
        it, ahead of its equals; else what has begun is finished first.
    """

    def __init__(self, clock: Clock, interrupts: bool) -> None:
        self._clock, self._interrupts = clock, interrupts
        self._resource = simpy.PreemptiveResource(clock.env)
        self.busy_s, self.interruptions = 0.0, 0

    def work(self, priority: Priority, service_s: float) -> Generator[Any, Any, None]:
        """Wait until it is this work's turn, and until it is done."""
        rank: float = priority
        while True:
            with self._resource.request(priority=rank, preempt=self._interrupts) as turn:
                began_s = math.inf
                try:
                    yield turn
                    began_s = self._clock.now_s
                    yield self._clock.timeout(service_s)
                    self.busy_s += service_s
                    return
                except simpy.Interrupt:
                    # Its turn may be taken from it in the instant in which it has come.
                    done_s = max(0.0, self._clock.now_s - began_s)
            self.busy_s += done_s
            self.interruptions += 1
            service_s -= done_s
            if service_s <= _INSTANT_S:
                return
            # Whoever was interrupted has waited longer than its equals.
            rank = priority - 0.5


@dataclass(slots=True)
class Port:
    """Where one link ends: frames that wait there, and what came of those before.

    Parameters
    ----------
    waiting : deque
        Of each frame: when it came, the priority of its task, and the task.
    frames, refused, urgent : int
        How many have come, did not pass the check, and had an urgent task that is done.
    longest_s : float
        Longest time from the arrival of an urgent frame until its task was done, s.
    """

    waiting: deque[tuple[float, Priority | None, Callable[[], None]]] = field(default_factory=deque)
    frames: int = 0
    refused: int = 0
    urgent: int = 0
    longest_s: float = 0.0


class EdgeQueue:
    """Frames that arrive at ports, one for each link, are checked in turn; their tasks follow.

    A port has one frame at a time before the processor, so that a flood of one port holds up the frames of
    another by no more than one check for each of theirs.

    - `arrive`: a frame has come
    - `run`: a task that no frame asks for, such as that of a watchdog
    - `ports`: by name of the other end of the link

    Parameters
    ----------
    clock : Clock
    times : TaskTimes
    """

    def __init__(self, clock: Clock, times: TaskTimes) -> None:
        self._clock, self._times = clock, times
        self.processor = Processor(clock, interrupts=True)
        self.ports: dict[str, Port] = {}

    def arrive(self, port: str, priority: Priority | None, task: Callable[[], None]) -> None:
        """Take a frame; its task is called when it is done.

        Parameters
        ----------
        port : str
        priority : Priority or None
            Of its task; None for a frame that does not pass the check.
        task : callable
        """
        here = self.ports.setdefault(port, Port())
        here.frames += 1
        here.waiting.append((self._clock.now_s, priority, task))
        if len(here.waiting) == 1:
            self._clock.process(self._serve(here))

    def run(self, priority: Priority, task: Callable[[], None]) -> None:
        """Let a task be done by itself."""
        self._clock.process(self._do(priority, task))

    def _serve(self, port: Port) -> Generator[Any, Any, None]:
        """Check the frames of a port one after the other while there are any."""
        while port.waiting:
            arrived_s, priority, task = port.waiting[0]
            urgent = priority is Priority.URGENT
            # The task of an urgent frame follows its check at once.
            service_s = self._times.check_s + (self._times.urgent_s if urgent else 0.0)
            yield from self.processor.work(Priority.CHECK, service_s)
            port.waiting.popleft()
            if priority is None:
                port.refused += 1
            elif urgent:
                port.urgent += 1
                port.longest_s = max(port.longest_s, self._clock.now_s - arrived_s)
                task()
            else:
                self.run(priority, task)

    def _do(self, priority: Priority, task: Callable[[], None]) -> Generator[Any, Any, None]:
        service_s = self._times.urgent_s if priority is Priority.URGENT else self._times.routine_s
        yield from self.processor.work(priority, service_s)
        task()


@dataclass(frozen=True, slots=True)
class Flood:
    """What a flooded port brings at most.

    Parameters
    ----------
    frames_per_s : float
        As many as its link can carry.
    work_s : float
        Time that each takes: a check where it is refused, and a task besides where it is believed.
    """

    frames_per_s: float
    work_s: float


def delay_bounds_s(
    times: TaskTimes, n_port: int, burst: int, own_tasks: int, floods: Sequence[Flood]
) -> tuple[float, float]:
    """Longest time from an urgent frame's arrival to the end of its task, on a quiet and on a flooded link.

    Parameters
    ----------
    times : TaskTimes
    n_port : int
        Links that end here, flooded ones among them.
    burst : int
        Most honest frames that one sender has under way at once, the urgent one among them.
    own_tasks : int
        Most urgent tasks that no frame asks for, such as that of a watchdog for each unit, at once.
    floods : sequence of Flood

    Returns
    -------
    tuple of float
        On a link that is not flooded, and on one that is, s; inf where the floods alone are more than the
        processor can check.

    Notes
    -----
    Routine tasks are interrupted and cost urgent ones nothing. With c the longest work for a frame, ports in
    turn let each of the ``burst`` frames of a quiet port wait for at most one frame of every other:
    ``burst n c + own_tasks u``, whatever the floods. On any port no frame waits longer than the longest time
    for which the processor can be busy at a stretch: with ``sum f w < 1`` that is what may come at once,
    ``sum w + n burst (c + u) + own_tasks u``, over ``1 - sum f w`` [1]_.

    References
    ----------
    .. [1] R. L. Cruz, A calculus for network delay, part I, IEEE Transactions on Information Theory 37(1),
       1991, doi:10.1109/18.61109
    """
    honest_s, own_s = times.check_s + times.urgent_s, own_tasks * times.urgent_s
    longest_s = max([honest_s, *(flood.work_s for flood in floods)])
    in_turn_s = burst * n_port * longest_s + own_s
    load = sum(flood.frames_per_s * flood.work_s for flood in floods)
    at_once_s = sum(flood.work_s for flood in floods) + n_port * burst * honest_s + own_s
    stretch_s = at_once_s / (1.0 - load) if load < 1.0 else math.inf
    return min(in_turn_s, stretch_s), stretch_s
