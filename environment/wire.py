"""Links with more to them than their quality: frames that are sealed, and intruders who see what passes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any, NamedTuple, Protocol

from gridarium.environment.clock import Clock
from gridarium.environment.links import Envelope
from gridarium.environment.transport import Transport

HELLOS = 10
"""How often a session is asked for before the messages that wait for it are lost."""
_AGAIN_S = 1.0


class Opened(Protocol):
    """What becomes of a frame; `security.frames.Opened` says more."""

    @property
    def envelope(self) -> Envelope | None: ...  # noqa: D102
    @property
    def replies(self) -> Sequence[Any]: ...  # noqa: D102
    @property
    def released(self) -> Sequence[Envelope]: ...  # noqa: D102
    @property
    def refusal(self) -> str | None: ...  # noqa: D102
    @property
    def is_copy(self) -> bool: ...  # noqa: D102


class SecureEnd(Protocol):
    """What one name holds on secured links, such as a `security.endpoint.Endpoint`."""

    def seal(self, envelope: Envelope, now_s: float) -> Sequence[Any]: ...  # noqa: D102
    def receive(self, frame: object, now_s: float) -> Opened: ...  # noqa: D102
    def again(self, peer: str, now_s: float) -> Sequence[Any]: ...  # noqa: D102
    def gives_up(self, peer: str) -> Sequence[Envelope]: ...  # noqa: D102


@dataclass(slots=True)
class Intrusion:
    """One thing that an intruder did on a link.

    Parameters
    ----------
    attack : str
        Its name.
    time_s : float
        Clock time at which it was done, s.
    link : str
        SENDER -> RECIPIENT.
    message : str
        Topic of the message, or the step of a handshake.
    what : str
        In words.
    is_forged : bool
        Whether it says what nobody honest has said; otherwise it repeats or holds back.
    repeats : bool
        Whether it is one more of an honest one.
    is_secured : bool
        Whether the link is.
    outcome : str
        acted: the recipient took a forged message, or step of a handshake, or was handed an honest message
        once more; carried: it was an honest one, late; refused; lost in an outage; on the way.
    """

    attack: str
    time_s: float
    link: str
    message: str
    what: str
    is_forged: bool
    repeats: bool
    is_secured: bool
    outcome: str = "on the way"

    def ends(self, outcome: str) -> None:
        """Note what came of it; that it acted outweighs what becomes of its copies."""
        if self.outcome != "acted":
            self.outcome = outcome


class Parcel(NamedTuple):
    """What travels on a guarded link.

    Parameters
    ----------
    frame : object
        An envelope on a plain link, a frame of either end on a secured one.
    says : Envelope, optional
        The message in it, for the log; None in a handshake.
    is_sent : bool
        Whether it is a message that its sender has sent.
    intrusion : Intrusion, optional
        Who did something to it, unless nobody has.
    """

    frame: Any
    says: Envelope | None
    is_sent: bool
    intrusion: Intrusion | None = None

    @property
    def topic(self) -> str:
        """Topic of the message, or the step of a handshake."""
        return str(self.frame.kind) if self.says is None else self.says.topic


class Intruder(Protocol):
    """Somebody on one direction of a link."""

    def sits_on(self, sender: str, recipient: str, is_secured: bool, inject: Inject) -> None:
        """Begin, where parcels of its own can be put by `inject(parcel, delay_s)`."""

    def sees(self, parcel: Parcel, delay_s: float) -> tuple[Parcel, float]:
        """Return what goes on in place of a parcel that passes, and after which delay, s."""


Inject = Callable[[Parcel, float], None]
Settle = Callable[[Envelope, str, bool], None]
Ends = tuple[str, str]


class Wire:
    """Carries frames over guarded links and says what comes of them.

    - `tap`: put an intruder on one direction of a link
    - `secure`: give names their ends of secured links
    - `watch`, `when_refused`: be told of frames in which nothing is handed over
    - `send`: take a message from its sender; `arrives`, `is_lost`: the end of what is on its way
    - `intrusions`: what intruders did, in the order in which they did it

    Parameters
    ----------
    clock : Clock
    transport : Transport
    settle : callable
        ``settle(envelope, outcome, is_sent)``: count and log what became of something.
    hand_over : callable
        Gives an envelope to its recipient.
    """

    def __init__(
        self, clock: Clock, transport: Transport, settle: Settle, hand_over: Callable[[Envelope], None]
    ) -> None:
        self.intrusions: list[Intrusion] = []
        self.injected = 0
        self._clock, self._env, self._transport = clock, clock.env, transport
        self._settle, self._hand_over = settle, hand_over
        self._taps: dict[Ends, list[Intruder]] = {}
        self._ends: dict[str, SecureEnd] = {}
        self._watchers: dict[str, list[Callable[[str], None]]] = {}
        self._alarms: list[Callable[[str, str, str], None]] = []
        self._pairs: Collection[frozenset[str]] | None = None
        self._secured: dict[Ends, bool] = {}
        self._awaited: set[Ends] = set()
        transport.is_guarded = self._is_guarded

    def tap(self, sender: str, recipient: str, intruder: Intruder) -> None:
        """Put an intruder on one direction of a link."""
        ends = (sender, recipient)
        self._taps.setdefault(ends, []).append(intruder)
        self._transport.link(*ends).is_guarded = True

        def inject(parcel: Parcel, delay_s: float) -> None:
            self.injected += 1
            now_s = self._clock.now_s
            carried = Envelope(*ends, parcel.topic, now_s, now_s + delay_s, self._noted(parcel))
            self._transport.schedule(carried, delay_s)

        intruder.sits_on(sender, recipient, self.is_secured(ends), inject)

    def secure(self, ends: Mapping[str, SecureEnd], pairs: Collection[frozenset[str]] | None) -> None:
        """Secure the links between pairs of names, all if None, both ways."""
        self._ends |= ends
        self._pairs = pairs
        self._secured.clear()
        self._transport.look_again()

    def is_secured(self, ends: Ends) -> bool:
        """Whether what passes from one end to the other is sealed."""
        found = self._secured.get(ends)
        if found is None:
            held = ends[0] in self._ends and ends[1] in self._ends
            found = held and (self._pairs is None or frozenset(ends) in self._pairs)
            self._secured[ends] = found
        return found

    def watch(self, name: str, see: Callable[[str], None]) -> None:
        """Have something called; `MessageBus.watch` says more."""
        self._watchers.setdefault(name, []).append(see)

    def when_refused(self, alarm: Callable[[str, str, str], None]) -> None:
        """Have something called; `MessageBus.when_refused` says more."""
        self._alarms.append(alarm)

    def send(self, message: Envelope) -> None:
        """Take a message from its sender."""
        ends = (message.sender, message.recipient)
        if not self.is_secured(ends):
            self._put(ends, Parcel(message, message, True), message.sent_s)
            return
        for frame in self._ends[message.sender].seal(message, self._env.now):
            if frame.kind == "hello":
                self._put(ends, Parcel(frame, None, False), message.sent_s)
                self._await_answer(ends)
            else:
                self._put(ends, Parcel(frame, message, True), message.sent_s)

    def is_lost(self, carried: Envelope) -> None:
        """Note that something on its way never arrives."""
        parcel: Parcel = carried.payload
        self._end(carried, parcel, "lost", "lost")

    def arrives(self, carried: Envelope, is_copy: bool) -> None:
        """Let something on its way be opened, refused or handed over."""
        parcel: Parcel = carried.payload
        ends = (carried.sender, carried.recipient)
        if not self.is_secured(ends):
            own = parcel.intrusion is not None and (parcel.intrusion.is_forged or parcel.intrusion.repeats)
            self._end(carried, parcel, "duplicate" if is_copy else "delivered", "acted" if own else "carried")
            self._hand_over(parcel.frame._replace(delivered_s=carried.delivered_s))
            return
        opened = self._ends[carried.recipient].receive(parcel.frame, carried.delivered_s)
        for frame, said in zip_longest(opened.replies, opened.released):
            sent_s = self._clock.now_s if said is None else said.sent_s
            self._put((carried.recipient, frame.recipient), Parcel(frame, said, said is not None), sent_s)
        if opened.is_copy or opened.envelope is None:
            for see in self._watchers.get(carried.recipient, ()):
                see(carried.sender)
        if opened.refusal is not None:
            for alarm in self._alarms:
                alarm(carried.recipient, carried.sender, opened.refusal)
            self._end(carried, parcel, f"refused: {opened.refusal}", "refused")
        elif opened.is_copy:
            self._end(carried, parcel, "duplicate", "refused")
        else:
            forged = parcel.intrusion is not None and parcel.intrusion.is_forged
            self._end(carried, parcel, "delivered", "acted" if forged else "carried")
            if opened.envelope is not None:
                self._hand_over(opened.envelope)

    def _is_guarded(self, sender: str, recipient: str) -> bool:
        ends = (sender, recipient)
        return ends in self._taps or self.is_secured(ends)

    def _put(self, ends: Ends, parcel: Parcel, sent_s: float) -> None:
        """Put a frame on its link, past whoever listens there."""
        transport = self._transport
        link = transport.link(*ends) if parcel.says is not None else transport.link_of_handshakes(*ends)
        fate = link.certain_fate or link.draw_fate()
        if ends in self._taps:
            delay_s = fate[0]
            for intruder in self._taps[ends]:
                parcel, delay_s = intruder.sees(parcel, delay_s)
            parcel, fate = self._noted(parcel), (delay_s, *fate[1:])
        carried = Envelope(*ends, parcel.topic, sent_s, self._env.now + fate[0], parcel)
        transport.carry(link, carried, fate)

    def _noted(self, parcel: Parcel) -> Parcel:
        if parcel.intrusion is not None:
            self.intrusions.append(parcel.intrusion)
        return parcel

    def _end(self, carried: Envelope, parcel: Parcel, outcome: str, intrusion: str) -> None:
        if parcel.intrusion is None:
            self._settle(carried, outcome, parcel.is_sent)
            return
        parcel.intrusion.ends(intrusion)
        sender = carried.sender if parcel.says is None else parcel.says.sender
        counts = parcel.is_sent or parcel.says is not None
        self._settle(carried._replace(sender=sender), outcome, counts)

    def _await_answer(self, ends: Ends) -> None:
        """Say hello again until it is answered, or give up."""
        # A hello, its answer and the first message: the last arrival is that of the third.
        self._transport.expect(self._clock.now_s + 3.0 * self._slowest_s(ends) + _AGAIN_S)
        if ends not in self._awaited:
            self._awaited.add(ends)
            self._clock.process(self._say_hello_again(ends))

    def _slowest_s(self, ends: Ends) -> float:
        """How long a frame is on its way at most between two names, in either direction, s."""
        return max(self._transport.link(*way).quality.slowest_s for way in (ends, ends[::-1]))

    def _say_hello_again(self, ends: Ends) -> Generator[Any, Any, None]:
        sender, recipient = ends
        slow_s = 2.0 * self._slowest_s(ends)
        end = self._ends[sender]
        for _ in range(HELLOS - 1):
            yield self._clock.timeout(_AGAIN_S + slow_s)
            frames = end.again(recipient, self._clock.now_s)
            for frame in frames:
                self._put(ends, Parcel(frame, None, False), self._clock.now_s)
            if not frames:
                self._awaited.discard(ends)
                return
        yield self._clock.timeout(_AGAIN_S + slow_s)
        self._awaited.discard(ends)
        for message in end.gives_up(recipient):
            self._settle(message, "lost", True)
