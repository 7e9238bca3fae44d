"""Typed, immutable messages between agents, over links that delay, lose, copy and reorder them."""

from __future__ import annotations

import dataclasses
import math
from typing import Any, Protocol

import pandas as pd

from gridarium.environment.clock import Clock
from gridarium.environment.errors import MessageError
from gridarium.environment.links import Envelope, Held, LatencyDraw, Link, LinkQuality, Receiver
from gridarium.environment.random_streams import RandomStreams

LOG_COLUMNS = ["sent_s", "delivered_s", "sender", "recipient", "topic", "outcome"]
_IMMUTABLE = (tuple, frozenset, str, bytes, bool, int, float, type(None))


class _Send(Protocol):
    def __call__(
        self,
        sender: str,
        recipient: str,
        payload: Any,
        topic: str | None,
        question: int | None,
        answers: bool,
    ) -> None: ...


class Connection:
    """What the holder of a name sends through; the bus writes that name on it, whatever it says.

    - `send`: hand over a payload; it arrives by the clock, never within the call

    Parameters
    ----------
    name : str
        Of its holder.
    send : callable
        The way of the bus that made it.
    """

    __slots__ = ("_send", "name")

    def __init__(self, name: str, send: _Send) -> None:
        self.name, self._send = name, send

    def send(
        self,
        recipient: str,
        payload: Any,
        topic: str | None = None,
        question: int | None = None,
        answers: bool = False,
    ) -> None:
        """Send a payload on its way.

        Parameters
        ----------
        recipient : str
            A connected name.
        payload : frozen dataclass, NamedTuple, tuple or other immutable
            Handed over as it is; arrays inside should be read-only.
        topic : str, optional
            The name of the payload's type if left out.
        question : int, optional
            Number of the question that is asked or answered.
        answers : bool
            Whether it is answered.

        Raises
        ------
        MessageError
            If the recipient is unknown or the payload's type is mutable.
        """
        self._send(self.name, recipient, payload, topic, question, answers)


class MessageBus:
    """The only way by which anything leaves an agent.

    - `connect`: give an agent its name, the function that receives its envelopes, and what it sends through
    - `set_link`, `quality`, `add_outage`: make links worse than the default quality, and tell of it
    - `sent`, `delivered`, `lost`, `duplicated`: counters; sent = delivered + lost + on the way
    - `last_arrival_s`: clock time at which the last message that is on its way arrives, s
    - `record`, `log`: keep and return one row for each message

    Parameters
    ----------
    clock : Clock
        Carries every delivery as one event of its queue.
    streams : RandomStreams
        Each link draws from the stream of its own name, so a further link changes no other.
    quality : LinkQuality, optional
        Quality of all links that `set_link` does not name; instant and lossless if left out.

    Notes
    -----
    A link of constant latency delivers in the order of sending.
    """

    def __init__(self, clock: Clock, streams: RandomStreams, quality: LinkQuality | None = None) -> None:
        self.record = False
        self.sent = self.delivered = self.lost = self.duplicated = 0
        self.last_arrival_s = 0.0
        self._env = clock.env
        self._streams = streams
        self._quality = quality or LinkQuality()
        self._receivers: dict[str, Receiver] = {}
        self._links: dict[tuple[str, str], Link] = {}
        self._outages: dict[str, list[tuple[float, float]]] = {}
        self._accepted: set[type] = set()
        self._rows: list[tuple[float, float, str, str, str, str]] = []

    def connect(self, name: str, receive: Receiver) -> Connection:
        """Let `receive` be called with each envelope that arrives for `name`.

        Returns
        -------
        Connection
            Whoever holds it sends in this name, and nobody else does.

        Raises
        ------
        MessageError
            If the name is taken.
        """
        if name in self._receivers:
            raise MessageError(f"message bus: name {name!r} is taken; every agent needs its own")
        self._receivers[name] = receive
        return Connection(name, self._send)

    def set_link(
        self, sender: str, recipient: str, quality: LinkQuality, latency: LatencyDraw | None = None
    ) -> None:
        """Give one direction between two agents its own quality.

        Parameters
        ----------
        sender, recipient : str
            Names of the two ends.
        quality : LinkQuality
            Replaces the default quality.
        latency : callable, optional
            Draws the latency, s, from the generator it is given; replaces latency_s and latency_jitter_s.
        """
        name = f"link {sender!r} -> {recipient!r}"
        self._links[sender, recipient] = Link(name, quality, latency, self._streams)

    def quality(self, sender: str, recipient: str) -> LinkQuality:
        """Quality of one direction between two agents."""
        link = self._links.get((sender, recipient))
        return self._quality if link is None else link.quality

    def add_outage(self, name: str, start_s: float, end_s: float) -> None:
        """Cut an agent off in [start_s, end_s), clock times in s.

        Lost is what is sent to or by the agent in that time, and what would reach the agent in it.

        Raises
        ------
        MessageError
            If the outage does not end after it starts.
        """
        if not start_s < end_s:
            raise MessageError(f"outage of {name}: end_s must be in ({start_s}, inf] s, got {end_s} s")
        self._outages.setdefault(name, []).append((start_s, end_s))

    def log(self) -> pd.DataFrame:
        """Return what happened to each message recorded, in the order in which it was settled.

        Returns
        -------
        DataFrame
            Columns sent_s, delivered_s (nan when lost), sender, recipient, topic, outcome (delivered, lost,
            duplicate); what was sent while `record` was off or is still on its way may be missing.
        """
        return pd.DataFrame(self._rows, columns=LOG_COLUMNS).astype({"sent_s": float, "delivered_s": float})

    def _send(
        self,
        sender: str,
        recipient: str,
        payload: Any,
        topic: str | None,
        question: int | None,
        answers: bool,
    ) -> None:
        kind = type(payload)
        if kind not in self._accepted:
            self._accept(kind)
        if recipient not in self._receivers:
            raise MessageError(f"message from {sender}: recipient {recipient!r} is not connected to the bus")
        link = self._links.get((sender, recipient))
        if link is None:
            self.set_link(sender, recipient, self._quality)
            link = self._links[sender, recipient]

        delay_s, lost, duplicated, held_back = link.certain_fate or link.draw_fate()
        now_s = self._env.now
        arrival_s = now_s + delay_s
        envelope = Envelope(
            sender, recipient, topic or kind.__name__, now_s, arrival_s, payload, question, answers
        )
        self.sent += 1
        if lost or (self._outages and (self._is_out(sender, now_s) or self._is_out(recipient, now_s))):
            self._lose(envelope)
        elif (held := link.held) is not None:
            link.held = None
            self._schedule(envelope, delay_s, duplicated)
            self._schedule_behind(held, envelope.sent_s, delay_s)
        elif held_back:
            self._hold_back(link, envelope, duplicated)
        else:
            self._schedule(envelope, delay_s, duplicated)

    def _accept(self, kind: type) -> None:
        if dataclasses.is_dataclass(kind):
            immutable = kind.__dataclass_params__.frozen  # type: ignore[attr-defined]
        else:
            immutable = issubclass(kind, _IMMUTABLE)
        if not immutable:
            allowed = "a frozen dataclass, a NamedTuple, a tuple or another immutable type"
            raise MessageError(f"message bus: payload must be {allowed}, got {kind.__name__}")
        self._accepted.add(kind)

    def _schedule(self, envelope: Envelope, delay_s: float, duplicated: bool) -> None:
        self.last_arrival_s = max(self.last_arrival_s, self._env.now + delay_s)
        self._env.timeout(delay_s, envelope).callbacks.append(self._deliver)
        if duplicated:
            self._env.timeout(delay_s, envelope).callbacks.append(self._deliver_copy)

    def _hold_back(self, link: Link, envelope: Envelope, duplicated: bool) -> None:
        link.held = envelope, duplicated

        def release_alone(_event: Any) -> None:
            if link.held is not None and link.held[0] is envelope:
                link.held = None
                self._schedule(envelope._replace(delivered_s=self._env.now), 0.0, duplicated)

        wait_s = envelope.delivered_s - envelope.sent_s + link.hold_s
        self.last_arrival_s = max(self.last_arrival_s, self._env.now + wait_s)
        self._env.timeout(wait_s).callbacks.append(release_alone)

    def _schedule_behind(self, held: Held, now_s: float, overtaking_delay_s: float) -> None:
        envelope, duplicated = held
        delay_s = max(overtaking_delay_s, envelope.delivered_s - now_s)
        self._schedule(envelope._replace(delivered_s=now_s + delay_s), delay_s, duplicated)

    def _deliver(self, event: Any) -> None:
        envelope: Envelope = event.value
        if self._outages and self._is_out(envelope.recipient, envelope.delivered_s):
            self._lose(envelope)
            return
        self.delivered += 1
        if self.record:
            self._note(envelope, "delivered")
        self._receivers[envelope.recipient](envelope)

    def _deliver_copy(self, event: Any) -> None:
        envelope: Envelope = event.value
        if self._is_out(envelope.recipient, envelope.delivered_s):
            return
        self.duplicated += 1
        if self.record:
            self._note(envelope, "duplicate")
        self._receivers[envelope.recipient](envelope)

    def _lose(self, envelope: Envelope) -> None:
        self.lost += 1
        if self.record:
            self._note(envelope._replace(delivered_s=math.nan), "lost")

    def _note(self, envelope: Envelope, outcome: str) -> None:
        sender, recipient, topic, sent_s, delivered_s, *_ = envelope
        self._rows.append((sent_s, delivered_s, sender, recipient, topic, outcome))

    def _is_out(self, name: str, t_s: float) -> bool:
        return any(start_s <= t_s < end_s for start_s, end_s in self._outages.get(name, ()))
