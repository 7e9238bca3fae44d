"""Typed, immutable messages between agents, over links that delay, lose, copy and reorder them."""

from __future__ import annotations

import dataclasses
import math
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import pandas as pd

from gridarium.environment.clock import Clock
from gridarium.environment.connection import Connection
from gridarium.environment.errors import MessageError
from gridarium.environment.links import Envelope, LatencyDraw, LinkQuality, Receiver
from gridarium.environment.message_log import MessageLog
from gridarium.environment.random_streams import RandomStreams
from gridarium.environment.transport import Transport
from gridarium.environment.wire import Intruder, Parcel, SecureEnd, Wire

INTRUSION_COLUMNS = ["attack", "time_s", "link", "message", "what", "is_secured", "outcome"]
_REFUSED = "refused: "
_IMMUTABLE = (tuple, frozenset, str, bytes, bool, int, float, type(None))


class MessageBus:
    """The only way by which anything leaves an agent.

    - `connect`: give an agent its name, the function that receives its envelopes, and what it sends through
    - `set_link`, `quality`, `add_outage`: make links worse than the default quality, and tell of it
    - `watch`: be told of frames that bring no message
    - `secure`, `tap`: seal what passes on links, put intruders on them
    - `sent`, `delivered`, `lost`, `duplicated`: counters; sent = delivered + lost + on the way
    - `injected`, `refused`: counters of what intruders put on links, and of frames refused, by reason
    - `last_arrival_s`: clock time at which the last message that is on its way arrives, s
    - `record`, `log`, `words`: keep each message; return them as rows, or word for word
    - `intrusions`: what intruders did
    - `observer`: who runs the world, called with each message that is recorded as delivered

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
        self.observer: Receiver | None = None
        self.sent = self.delivered = self.lost = self.duplicated = 0
        self.refused: Counter[str] = Counter()
        self._env = clock.env
        self._receivers: dict[str, Receiver] = {}
        self._accepted: set[type] = set()
        self._log = MessageLog()
        self._transport = Transport(
            clock, streams, quality or LinkQuality(), self._deliver, self._deliver_copy, self._lose
        )
        self._outages = self._transport.outages
        self._wire = Wire(clock, self._transport, self._settle, self._hand_over)

    @property
    def last_arrival_s(self) -> float:
        """Clock time at which the last message that is on its way arrives, s."""
        return self._transport.last_arrival_s

    @property
    def injected(self) -> int:
        """How many frames intruders have put on links, beside those of others that they changed."""
        return self._wire.injected

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
        self._transport.set_link(sender, recipient, quality, latency)

    def quality(self, sender: str, recipient: str) -> LinkQuality:
        """Quality of one direction between two agents."""
        return self._transport.link(sender, recipient).quality

    def add_outage(self, name: str, start_s: float, end_s: float) -> None:
        """Cut an agent off in [start_s, end_s), clock times in s.

        Lost is what is sent to or by the agent in that time, and what would reach the agent in it.

        Raises
        ------
        MessageError
            If the outage does not end after it starts.
        """
        self._transport.add_outage(name, start_s, end_s)

    def tap(self, sender: str, recipient: str, intruder: Intruder) -> None:
        """Put an intruder on one direction of a link.

        It sees every frame there and may change, repeat or hold it, and puts frames of its own. A plain link
        delivers what it makes in whatever name it says; a secured one opens what was sealed by its sender.
        Taps come after `secure`.
        """
        self._wire.tap(sender, recipient, intruder)

    def secure(self, ends: Mapping[str, SecureEnd], pairs: Collection[frozenset[str]] | None = None) -> None:
        """Seal what is sent between names.

        Parameters
        ----------
        ends : mapping of str to SecureEnd
            What each name holds, such as an `Endpoint`.
        pairs : collection of frozenset of str, optional
            Pairs of names whose link is secured, both ways; every link between two of them if left out.

        Notes
        -----
        A message to a name without a session waits for the handshake, whose frames travel on the link like
        any other. A hello that is not answered is said again, at most `wire.HELLOS` times; then what waits is
        lost.
        """
        self._wire.secure(ends, pairs)

    def watch(self, name: str, see: Callable[[str], None]) -> None:
        """Have something called with the other end of each frame that brings a name no message.

        It was refused, a copy, or a step of a handshake: who opens all that arrives spends time on it. There
        are none on plain links, which hand over whatever comes.
        """
        self._wire.watch(name, see)

    def when_refused(self, alarm: Callable[[str, str, str], None]) -> None:
        """Have something called with recipient, alleged sender and reason of each frame that is refused."""
        self._wire.when_refused(alarm)

    def is_secured(self, sender: str, recipient: str) -> bool:
        """Whether what one sends to the other is sealed."""
        return self._wire.is_secured((sender, recipient))

    def intrusions(self) -> pd.DataFrame:
        """Return what intruders did, a row each in the order of doing, columns as of `wire.Intrusion`."""
        rows = [[getattr(one, column) for column in INTRUSION_COLUMNS] for one in self._wire.intrusions]
        return pd.DataFrame(rows, columns=INTRUSION_COLUMNS)

    def log(self) -> pd.DataFrame:
        """Return `MessageLog.table`: without what was sent while `record` was off or is still on its way."""
        return self._log.table()

    @property
    def words(self) -> Sequence[tuple[Envelope, str]]:
        """Each message recorded, word for word, with what became of it, in the order of `log`."""
        return self._log.words

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
        transport = self._transport
        link = transport.links.get((sender, recipient)) or transport.link(sender, recipient)
        topic = topic or kind.__name__
        now_s = self._env.now
        self.sent += 1
        if link.is_guarded:
            self._wire.send(Envelope(sender, recipient, topic, now_s, now_s, payload, question, answers))
            return
        fate = link.certain_fate or link.draw_fate()
        arrival_s = now_s + fate[0]
        envelope = Envelope(sender, recipient, topic, now_s, arrival_s, payload, question, answers)
        transport.carry(link, envelope, fate)

    def _accept(self, kind: type) -> None:
        if not _is_immutable(kind):
            allowed = "a frozen dataclass, a NamedTuple, a tuple or another immutable type"
            raise MessageError(f"message bus: payload must be {allowed}, got {kind.__name__}")
        self._accepted.add(kind)

    def _deliver(self, event: Any) -> None:
        envelope: Envelope = event.value
        if self._outages and self._transport.is_out(envelope.recipient, envelope.delivered_s):
            self._lose(envelope)
        elif type(envelope.payload) is Parcel:
            self._wire.arrives(envelope, is_copy=False)
        else:
            self.delivered += 1
            if self.record:
                self._note(envelope, "delivered")
            self._receivers[envelope.recipient](envelope)

    def _deliver_copy(self, event: Any) -> None:
        envelope: Envelope = event.value
        if self._transport.is_out(envelope.recipient, envelope.delivered_s):
            return
        if type(envelope.payload) is Parcel:
            self._wire.arrives(envelope, is_copy=True)
            return
        self.duplicated += 1
        if self.record:
            self._note(envelope, "duplicate")
        self._receivers[envelope.recipient](envelope)

    def _lose(self, envelope: Envelope) -> None:
        if type(envelope.payload) is Parcel:
            self._wire.is_lost(envelope)
        else:
            self._settle(envelope, "lost", True)

    def _settle(self, envelope: Envelope, outcome: str, counts: bool) -> None:
        """Count and log what became of something; the steps of a handshake are logged alone."""
        if outcome.startswith(_REFUSED):
            self.refused[outcome.removeprefix(_REFUSED)] += 1
        elif counts:
            self.delivered += outcome == "delivered"
            self.duplicated += outcome == "duplicate"
            self.lost += outcome == "lost"
        if self.record:
            self._note(envelope._replace(delivered_s=math.nan) if outcome == "lost" else envelope, outcome)

    def _hand_over(self, envelope: Envelope) -> None:
        self._receivers[envelope.recipient](envelope)

    def _note(self, envelope: Envelope, outcome: str) -> None:
        self._log.note(envelope, outcome)
        if self.observer and outcome == "delivered":
            self.observer(envelope)


def _is_immutable(kind: type) -> bool:
    if dataclasses.is_dataclass(kind):
        return bool(kind.__dataclass_params__.frozen)  # type: ignore[attr-defined]
    return issubclass(kind, _IMMUTABLE)
