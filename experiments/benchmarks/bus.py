"""Cost of a message on the bus, measured against bare SimPy events in the same process."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Generator
from typing import Any

import pandas as pd
import simpy

from gridarium.environment.clock import HOUR_S, Clock
from gridarium.environment.links import Envelope, LinkQuality
from gridarium.environment.message_bus import MessageBus
from gridarium.environment.random_streams import RandomStreams

N_EVENTS = 50_000
N_REPEATS = 7


def bench_bus() -> dict[str, float]:
    """Measure SimPy timeouts and bus messages a second, medians of interleaved repeats.

    Returns
    -------
    dict of str to float
        `timeouts_per_s`: a bare SimPy process that yields timeouts; `messages_per_s`: two agents on ideal
        links; `messages_per_s_lossy`: the same on links with latency, jitter and loss; `ratio` and
        `ratio_lossy`: the time of a message over the time of a timeout, medians of the repeats.
    """
    lossy = LinkQuality(latency_s=0.01, latency_jitter_s=0.005, loss=0.01)
    samples = [
        (_rate(_yield_timeouts), _rate(lambda: _exchange(LinkQuality())), _rate(lambda: _exchange(lossy)))
        for _ in range(N_REPEATS)
    ]
    timeouts, messages, messages_lossy = zip(*samples, strict=True)
    return {
        "timeouts_per_s": statistics.median(timeouts),
        "messages_per_s": statistics.median(messages),
        "messages_per_s_lossy": statistics.median(messages_lossy),
        "ratio": statistics.median(bare / bus for bare, bus, _ in samples),
        "ratio_lossy": statistics.median(bare / bus for bare, _, bus in samples),
    }


def _rate(run: Callable[[], None]) -> float:
    start = time.perf_counter()
    run()
    return N_EVENTS / (time.perf_counter() - start)


def _yield_timeouts() -> None:
    env = simpy.Environment()

    def ticker() -> Generator[Any, Any, None]:
        for _ in range(N_EVENTS):
            yield env.timeout(1.0)

    env.process(ticker())
    env.run()


def _exchange(quality: LinkQuality) -> None:
    """Let two agents send to each other; every arrival, or loss, makes room for the next message."""
    clock = Clock(pd.Timestamp("2026-01-15", tz="Asia/Shanghai"), HOUR_S)
    bus = MessageBus(clock, RandomStreams(1), quality)

    def answer(envelope: Envelope) -> None:
        while bus.sent < N_EVENTS:
            lost = bus.lost
            ends[envelope.recipient].send(envelope.sender, (bus.sent,))
            if bus.lost == lost:
                break

    ends = {name: bus.connect(name, answer) for name in ("leader", "follower")}
    ends["leader"].send("follower", (0,))
    clock.run_until(HOUR_S)
