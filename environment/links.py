"""Envelopes and the links that carry them: latency, loss, copies, reordering."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from gridarium.environment.errors import MessageError
from gridarium.environment.random_streams import RandomStreams


class Envelope(NamedTuple):
    """A payload and what the bus knows about its way.

    Parameters
    ----------
    sender, recipient, topic : str
    sent_s, delivered_s : float
        Clock times, s.
    payload : object
    question : int, optional
        Number of the question that this asks or answers, unique within who asks; None for a plain message.
    answers : bool
        Whether it answers the question, which is then the recipient's, or asks it.
    """

    sender: str
    recipient: str
    topic: str
    sent_s: float
    delivered_s: float
    payload: Any
    question: int | None = None
    answers: bool = False


Receiver = Callable[[Envelope], None]
LatencyDraw = Callable[[np.random.Generator], float]
Fate = tuple[float, bool, bool, bool]  # delay_s, lost, duplicated, held back
Held = tuple[Envelope, bool]  # what is held back, and whether it will arrive twice


@dataclass(frozen=True, slots=True)
class LinkQuality:
    """How well a link carries messages; the default is instant and lossless.

    Parameters
    ----------
    latency_s, latency_jitter_s : float
        A message takes a time drawn evenly from latency_s -+ latency_jitter_s, s.
    loss, duplication, reordering : float
        Probabilities, each in [0, 1], that a message never arrives, that it arrives twice, that it is held
        back until a later message of the same link has overtaken it.
    hold_s : float
        A message that is held back arrives after this extra time, s, when no later one comes.

    Raises
    ------
    MessageError
        If a value is out of its range.
    """

    latency_s: float = 0.0
    latency_jitter_s: float = 0.0
    loss: float = 0.0
    duplication: float = 0.0
    reordering: float = 0.0
    hold_s: float = 1.0

    def __post_init__(self) -> None:
        for name in ("latency_s", "hold_s"):
            if not 0.0 <= getattr(self, name) < math.inf:
                raise MessageError(f"link: {name} must be in [0, inf) s, got {getattr(self, name)} s")
        if not 0.0 <= self.latency_jitter_s <= self.latency_s:
            allowed = f"[0, latency_s = {self.latency_s}] s"
            raise MessageError(f"link: latency_jitter_s must be in {allowed}, got {self.latency_jitter_s} s")
        for name in ("loss", "duplication", "reordering"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise MessageError(f"link: {name} must be in [0, 1], got {getattr(self, name)}")

    @property
    def slowest_s(self) -> float:
        """How long a message is on its way at most, s.

        What is held back until the last moment is overtaken by one that is itself slow.
        """
        slowest_s = self.latency_s + self.latency_jitter_s
        return 2.0 * slowest_s + self.hold_s if self.reordering else slowest_s


class Link:
    """One direction between two agents: draws the fate of each message and keeps the one held back.

    `is_guarded` says whether there is more to it than its quality: somebody who listens in, or a seal.
    """

    __slots__ = (
        "_draws", "_latency", "_latency_stream", "_name", "_streams", "certain_fate", "held", "hold_s",
        "is_guarded", "quality",
    )  # fmt: skip

    def __init__(
        self, name: str, quality: LinkQuality, latency: LatencyDraw | None, streams: RandomStreams
    ) -> None:
        self.quality, self.hold_s = quality, quality.hold_s
        self.is_guarded = False
        self._name, self._latency, self._streams = name, latency, streams
        self.held: Held | None = None
        self.certain_fate: Fate | None = None
        if latency is None and not (
            quality.latency_jitter_s or quality.loss or quality.duplication or quality.reordering
        ):
            self.certain_fate = (quality.latency_s, False, False, False)
            return
        self._draws = _four_at_a_time(streams.stream(name))
        if latency is not None:
            self._latency_stream = streams.stream(f"{name}, latency")

    def for_handshakes(self) -> Link:
        """A link like it, with draws of its own, so that steps of handshakes change no message's fate."""
        return Link(f"{self._name}, handshakes", self.quality, self._latency, self._streams)

    def draw_fate(self) -> Fate:
        """Delay of the next message, s, and whether it is lost, copied or held back."""
        # Four draws whatever the quality: a link that gets worse in one respect keeps its other draws.
        loss, duplication, reordering, jitter = next(self._draws)
        quality = self.quality
        if self._latency is None:
            delay_s = quality.latency_s + (2.0 * jitter - 1.0) * quality.latency_jitter_s
        else:
            delay_s = float(self._latency(self._latency_stream))
            if not 0.0 <= delay_s < math.inf:
                raise MessageError(f"link: a drawn latency must be in [0, inf) s, got {delay_s} s")
        held_back = reordering < quality.reordering
        return delay_s, loss < quality.loss, duplication < quality.duplication, held_back


def _four_at_a_time(stream: np.random.Generator) -> Iterator[list[float]]:
    while True:
        # A block costs hardly more than a single draw, and most links carry many messages.
        yield from stream.random((64, 4)).tolist()
