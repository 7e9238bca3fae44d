"""Queues with priorities against closed forms, and floods against the bound that is stated for them."""

from __future__ import annotations

import math
from collections.abc import Generator
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import pytest

from gridarium.agents.edge.task_queue import (
    EdgeQueue,
    Flood,
    Priority,
    Processor,
    TaskTimes,
    delay_bounds_s,
)
from gridarium.environment.clock import Clock

TIMES = TaskTimes(check_s=0.001, urgent_s=0.004, routine_s=0.05)


def new_clock() -> Clock:
    return Clock(pd.Timestamp("2026-01-01", tz="UTC"), 900.0)


def work(
    clock: Clock, processor: Processor, at_s: float, priority: Priority, service_s: float, done: list[float]
) -> None:
    """Let a piece of work arrive at a time, and note how long it took."""

    def run() -> Generator[Any, Any, None]:
        yield clock.wait_until(at_s)
        yield from processor.work(priority, service_s)
        done.append(clock.now_s - at_s)

    clock.process(run())


def test_urgent_work_interrupts_and_nothing_is_done_twice() -> None:
    clock, routine, urgent = new_clock(), list[float](), list[float]()
    processor = Processor(clock, interrupts=True)
    work(clock, processor, 0.0, Priority.ROUTINE, 1.0, routine)
    work(clock, processor, 0.1, Priority.ROUTINE, 1.0, routine)
    for at_s in (0.3, 0.3, 0.9, 1.5):
        work(clock, processor, at_s, Priority.URGENT, 0.1, urgent)
    clock.run_until(10.0)
    assert urgent == pytest.approx([0.1, 0.2, 0.1, 0.1])
    assert routine == pytest.approx([1.3, 2.3])
    assert processor.busy_s == pytest.approx(2.4)
    assert processor.interruptions == 3


def test_a_cloud_finishes_what_it_has_begun_and_then_takes_the_urgent_work() -> None:
    clock, routine, urgent = new_clock(), list[float](), list[float]()
    processor = Processor(clock, interrupts=False)
    for at_s in (0.0, 0.1):
        work(clock, processor, at_s, Priority.ROUTINE, 1.0, routine)
    work(clock, processor, 0.5, Priority.URGENT, 1.0, urgent)
    clock.run_until(10.0)
    assert urgent == pytest.approx([1.5])
    assert routine == pytest.approx([1.0, 2.9])
    assert processor.interruptions == 0


def test_work_that_ends_as_it_is_interrupted_is_done() -> None:
    clock, routine, urgent = new_clock(), list[float](), list[float]()
    processor = Processor(clock, interrupts=True)
    work(clock, processor, 0.5, Priority.URGENT, 1.0, urgent)
    work(clock, processor, 0.0, Priority.ROUTINE, 0.5, routine)
    work(clock, processor, 2.0, Priority.ROUTINE, 0.5, routine)
    work(clock, processor, 2.0, Priority.URGENT, 0.5, urgent)
    clock.run_until(10.0)
    assert routine == pytest.approx([0.5, 1.0])
    assert urgent == pytest.approx([1.0, 0.5])


def test_waiting_times_are_those_of_a_queue_with_priorities() -> None:
    """Mean times of M/D/1 with preemption (Kleinrock II, 1976, chapter 3), and of M/D/1 for the urgent."""
    clock, draws = new_clock(), np.random.default_rng(3)
    service_s, rate = (
        {Priority.URGENT: 0.2, Priority.ROUTINE: 0.5},
        {Priority.URGENT: 1.5, Priority.ROUTINE: 0.6},
    )
    processor, times = Processor(clock, interrupts=True), {priority: list[float]() for priority in rate}
    for priority in rate:
        for at_s in draws.uniform(0.0, 12_000.0, round(12_000 * rate[priority])):
            work(clock, processor, float(at_s), priority, service_s[priority], times[priority])
    clock.run_until(13_000.0)
    load, left_s, before = 0.0, 0.0, 0.0
    for priority, found in times.items():
        load += rate[priority] * service_s[priority]
        left_s += rate[priority] * service_s[priority] ** 2 / 2.0
        expected = service_s[priority] / (1.0 - before) + left_s / (1.0 - before) / (1.0 - load)
        assert np.mean(found) == pytest.approx(expected, rel=0.04)
        before = load


def test_the_bound_of_a_quiet_link_is_reached() -> None:
    clock = new_clock()
    queue = EdgeQueue(clock, TIMES)
    for port in "abcde":
        queue.arrive(port, Priority.URGENT, lambda: None)
    for _ in range(3):
        queue.run(Priority.URGENT, lambda: None)
    clock.run_until(1.0)
    bound_s, _ = delay_bounds_s(TIMES, n_port=5, burst=1, own_tasks=3, floods=[])
    assert max(port.longest_s for port in queue.ports.values()) == pytest.approx(bound_s)


def flood(clock: Clock, queue: EdgeQueue, port: str, frames_per_s: float, priority: Priority | None) -> None:
    def run() -> Generator[Any, Any, None]:
        for frame in range(int(2.0 * frames_per_s)):
            yield clock.wait_until(frame / frames_per_s)
            queue.arrive(port, priority, lambda: None)

    clock.process(run())


@pytest.mark.parametrize(
    ("frames_per_s", "believed", "bounded"),
    [(400.0, False, True), (190.0, True, True), (900.0, True, False)],
)
def test_no_flood_holds_up_an_urgent_frame_longer_than_stated(
    frames_per_s: float, believed: bool, bounded: bool
) -> None:
    clock, draws = new_clock(), np.random.default_rng(5)
    queue, ports = EdgeQueue(clock, TIMES), [f"unit {number}" for number in range(6)]
    flood(clock, queue, "unit 0", frames_per_s, Priority.URGENT if believed else None)
    queue.arrive("unit 1", Priority.ROUTINE, lambda: None)
    acted: list[tuple[str, float, float]] = []

    def act(port: str, sent_s: float) -> None:
        acted.append((port, sent_s, clock.now_s - sent_s))

    def honest(port: str, at_s: float) -> Generator[Any, Any, None]:
        yield clock.wait_until(at_s)
        queue.arrive(port, Priority.ROUTINE, lambda: None)
        queue.arrive(port, Priority.URGENT, partial(act, port, at_s))

    for at_s in np.arange(0.05, 1.95, 0.21):
        for port in ports:
            clock.process(honest(port, float(at_s) + draws.uniform(0.0, 0.002)))
        queue.run(Priority.URGENT, lambda: None)
    clock.run_until(60.0)
    work_s = TIMES.check_s + (TIMES.urgent_s if believed else 0.0)
    quiet_s, flooded_s = delay_bounds_s(TIMES, 6, burst=2, own_tasks=1, floods=[Flood(frames_per_s, work_s)])
    assert len(acted) == 60
    worst = {
        here: max(delay for port, _, delay in acted if (port == "unit 0") == here) for here in (True, False)
    }
    assert 0.3 * quiet_s < worst[False] <= quiet_s
    assert math.isfinite(flooded_s) == bounded
    assert worst[True] <= flooded_s
    if not bounded:
        assert worst[True] > 10.0 * quiet_s, "what is believed beyond the processor's power piles up"
    assert queue.ports["unit 0"].refused == (0 if believed else 800)
    longest_s = max(port.longest_s for port in queue.ports.values())
    assert longest_s >= max(worst.values())
