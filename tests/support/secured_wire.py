"""Endpoints on links that delay, reorder, lose and copy frames, with hellos that are repeated by timers."""

from __future__ import annotations

import hashlib
import heapq
from collections import Counter, defaultdict
from collections.abc import Callable
from typing import Any

import numpy as np

from gridarium.environment.links import Envelope
from gridarium.environment.random_streams import RandomStreams
from gridarium.environment.security.authority import Authority
from gridarium.environment.security.endpoint import Endpoint
from gridarium.environment.security.frames import Frame, FrameKind, joined

HOUR_S, GRACE_S = 3600.0, 60.0


def message(sender: str, recipient: str, payload: Any = (0,), sent_s: float = 0.0) -> Envelope:
    return Envelope(sender, recipient, type(payload).__name__, sent_s, sent_s, payload)


def endpoints(
    names: str, session_s: float = HOUR_S, valid_s: float = 24 * HOUR_S, seed: int = 1
) -> tuple[Authority, dict[str, Endpoint]]:
    """An authority "dso" and one endpoint for each letter."""
    streams = RandomStreams(seed)
    authority = Authority("dso", streams, valid_s)
    return authority, {name: Endpoint(name, authority, streams, session_s, GRACE_S) for name in names}


def shaken(asker: Endpoint, answerer: Endpoint, now_s: float = 0.0) -> list[Frame]:
    """Hello, answer and first message, each of which has arrived."""
    [hello] = asker.seal(message(asker.name, answerer.name, ("first",), now_s), now_s)
    [answer] = answerer.receive(hello, now_s).replies
    [first] = asker.receive(answer, now_s).replies
    assert answerer.receive(first, now_s).envelope is not None
    return [hello, answer, first]


def number_of_hello(sender: str, recipient: str, body: bytes) -> bytes:
    """What a hello's header says, whoever has made it."""
    return hashlib.sha256(joined(sender.encode(), recipient.encode(), body)).digest()[:16]


class SecuredWire:
    """A world of endpoints with a clock and links of its own.

    `delays` draws for each frame when its copies arrive, s after it is sent: none where it is lost. What
    arrives is in `acted` and `refused`, what was on the links in `frames`.
    """

    def __init__(
        self, ends: dict[str, Endpoint], delays: Callable[[], list[float]], retry_s: float = 1.0
    ) -> None:
        self.now_s = 0.0
        self.ends, self.delays, self.retry_s = ends, delays, retry_s
        self.acted: dict[str, list[Envelope]] = defaultdict(list)
        self.refused: Counter[str] = Counter()
        self.copies = 0
        self.frames: list[Frame] = []
        self._events: list[tuple[float, int, Callable[..., None], Any]] = []
        self._n_event = 0

    def at(self, time_s: float, do: Callable[..., None], *what: Any) -> None:
        self._n_event += 1
        heapq.heappush(self._events, (time_s, self._n_event, do, what))

    def send(self, sender: str, recipient: str, payload: Any) -> None:
        sealed = self.ends[sender].seal(message(sender, recipient, payload, self.now_s), self.now_s)
        for frame in sealed:
            self.carry(frame)
            if frame.kind == FrameKind.HELLO:
                self.at(self.now_s + self.retry_s, self._again, sender, recipient)

    def carry(self, frame: Frame) -> None:
        self.frames.append(frame)
        for delay_s in self.delays():
            self.at(self.now_s + delay_s, self.arrive, frame.recipient, frame)

    def arrive(self, name: str, frame: object) -> None:
        envelope, replies, _, refusal, is_copy = self.ends[name].receive(frame, self.now_s)
        self.copies += is_copy
        if refusal is not None:
            self.refused[refusal] += 1
        if envelope is not None:
            self.acted[name].append(envelope)
        for reply in replies:
            self.carry(reply)

    def run(self, until_s: float = np.inf) -> None:
        while self._events and self._events[0][0] <= until_s:
            self.now_s, _, do, what = heapq.heappop(self._events)
            do(*what)

    def _again(self, sender: str, recipient: str) -> None:
        for hello in self.ends[sender].again(recipient, self.now_s):
            self.carry(hello)
            self.at(self.now_s + self.retry_s, self._again, sender, recipient)


def drawn_delays(
    seed: int, latency_s: float, jitter_s: float, loss: float = 0.0, copies: float = 0.0
) -> Callable[[], list[float]]:
    """Even latency, loss of single copies, and up to three copies of a frame."""
    rng = np.random.default_rng(seed)

    def delays() -> list[float]:
        n_copy = 1 + int(rng.binomial(3, copies))
        return [latency_s + jitter_s * (2 * rng.random() - 1) for _ in range(n_copy) if rng.random() >= loss]

    return delays
