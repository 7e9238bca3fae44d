"""Cost of a message on the bus, plain and secured, measured against bare SimPy events in the same process."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Generator
from typing import Any

import numpy as np
import pandas as pd
import simpy

from gridarium.environment.arrays import series
from gridarium.environment.clock import DAY_S, HOUR_S, Clock
from gridarium.environment.links import Envelope, LinkQuality
from gridarium.environment.message_bus import MessageBus
from gridarium.environment.random_streams import RandomStreams
from gridarium.environment.security.authority import Authority
from gridarium.environment.security.endpoint import Endpoint
from gridarium.experiments.running.world_build import build
from gridarium.experiments.scenario import load_scenario
from gridarium.experiments.schema.scenario import Scenario
from gridarium.market.messages.tariffs import TariffSignal

N_EVENTS, N_SECURED, N_ONCE = 50_000, 5_000, 200
N_REPEATS = 7
_NAMES = ("leader", "follower")


def bench_bus() -> dict[str, float]:
    """Measure SimPy timeouts and bus messages a second, medians of interleaved repeats.

    Returns
    -------
    dict of str to float
        `timeouts_per_s`: a bare SimPy process that yields timeouts; `messages_per_s`: two agents on ideal
        links; `messages_per_s_lossy`: the same on links with latency, jitter and loss; `ratio` and
        `ratio_lossy`: the time of a message over the time of a timeout, medians of the repeats.

        `messages_per_s_secured`: the same two agents on ideal links that are secured; `ratio_secured`: the
        time of a secured message over the time of a plain one, its payload a number; `ratio_secured_tariff`:
        the same with a tariff of 24 h as payload, four series; `ratio_secured_one`: with a certificate and a
        handshake for each message, as where two agents talk once.

        `ratio_secured_day`: process time of a whole run, the first case of `adcef-small`, on secured links
        over that on plain ones.
    """
    samples = [_sample() for _ in range(N_REPEATS)]
    measured = {name: statistics.median(sample[name] for sample in samples) for name in samples[0]}
    return {
        "timeouts_per_s": measured["timeouts"],
        "messages_per_s": measured["messages"],
        "messages_per_s_lossy": measured["lossy"],
        "messages_per_s_secured": measured["secured"],
        "ratio": _ratio(samples, "timeouts", "messages"),
        "ratio_lossy": _ratio(samples, "timeouts", "lossy"),
        "ratio_secured": _ratio(samples, "messages", "secured"),
        "ratio_secured_tariff": _ratio(samples, "tariffs", "secured_tariffs"),
        "ratio_secured_one": _ratio(samples, "messages", "handshakes"),
        "ratio_secured_day": _secured_day(),
    }


def _sample() -> dict[str, float]:
    """Rates, 1/s, of one repeat."""
    ideal, lossy = LinkQuality(), LinkQuality(latency_s=0.01, latency_jitter_s=0.005, loss=0.01)
    tariff = _tariff()
    return {
        "timeouts": _rate(N_EVENTS, _yield_timeouts),
        "messages": _rate(N_EVENTS, lambda: _exchange(N_EVENTS, ideal)),
        "lossy": _rate(N_EVENTS, lambda: _exchange(N_EVENTS, lossy)),
        "secured": _rate(N_SECURED, lambda: _exchange(N_SECURED, ideal, secured=True)),
        "tariffs": _rate(N_SECURED, lambda: _exchange(N_SECURED, ideal, tariff)),
        "secured_tariffs": _rate(N_SECURED, lambda: _exchange(N_SECURED, ideal, tariff, secured=True)),
        "handshakes": _rate(N_ONCE, _talk_once),
    }


def _ratio(samples: list[dict[str, float]], base: str, other: str) -> float:
    return statistics.median(sample[base] / sample[other] for sample in samples)


def _rate(n_event: int, run: Callable[[], None]) -> float:
    start = time.perf_counter()
    run()
    return n_event / (time.perf_counter() - start)


def _secured_day() -> float:
    """Process time of a run on secured links over that on plain ones, median of interleaved repeats."""
    settings: tuple[list[str], ...] = ([], ["communication.security={}"])
    plain, secured = (next(iter(load_scenario("adcef-small", each).cases.values())) for each in settings)
    _day_s(plain)
    return statistics.median(_day_s(secured) / _day_s(plain) for _ in range(N_REPEATS))


def _day_s(case: Scenario) -> float:
    """Process time of a run from build to the last period, s."""
    start_s = time.process_time()
    built = build(case)
    while built.world.running:
        built.world.step()
    return time.process_time() - start_s


def _yield_timeouts() -> None:
    env = simpy.Environment()

    def ticker() -> Generator[Any, Any, None]:
        for _ in range(N_EVENTS):
            yield env.timeout(1.0)

    env.process(ticker())
    env.run()


def _tariff() -> TariffSignal:
    price = series(np.linspace(300.0, 800.0, 24))
    factor = series(np.linspace(0.5, 0.9, 24))
    return TariffSignal(1, price, factor, price, export_price_per_mwh=factor)


def _bus(quality: LinkQuality, names: tuple[str, ...], secured: bool) -> tuple[Clock, MessageBus]:
    clock = Clock(pd.Timestamp("2026-01-15", tz="Asia/Shanghai"), HOUR_S)
    streams = RandomStreams(1)
    bus = MessageBus(clock, streams, quality)
    if secured:
        authority = Authority("leader", streams, DAY_S)
        bus.secure({name: Endpoint(name, authority, streams, DAY_S, 1.0) for name in names})
    return clock, bus


def _exchange(n_event: int, quality: LinkQuality, payload: Any = (0,), secured: bool = False) -> None:
    """Let two agents send to each other; every arrival, or loss, makes room for the next message."""
    clock, bus = _bus(quality, _NAMES, secured)

    def answer(envelope: Envelope) -> None:
        while bus.sent < n_event:
            lost = bus.lost
            ends[envelope.recipient].send(envelope.sender, payload)
            if bus.lost == lost:
                break

    ends = {name: bus.connect(name, answer) for name in _NAMES}
    ends["leader"].send("follower", payload)
    clock.run_until(HOUR_S)


def _talk_once() -> None:
    """Let one agent tell many others something once: a handshake for each message."""
    names = ("leader", *(f"follower {number}" for number in range(N_ONCE)))
    clock, bus = _bus(LinkQuality(), names, secured=True)
    ends = {name: bus.connect(name, lambda _envelope: None) for name in names}
    for name in names[1:]:
        ends["leader"].send(name, (0,))
    clock.run_until(HOUR_S)
