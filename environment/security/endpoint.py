"""What one name holds on secured links: its certificate, its sessions, and messages that wait for one."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import NamedTuple

from gridarium.environment.errors import Fault, SecurityError
from gridarium.environment.links import Envelope
from gridarium.environment.random_streams import RandomStreams
from gridarium.environment.security.certificates import Certificate, Registrar
from gridarium.environment.security.encoding import Encoder
from gridarium.environment.security.frames import Frame, FrameKind, Opened, Refusal, RefusedError
from gridarium.environment.security.handshake import (
    Agreement,
    Hello,
    answer_to,
    hello_to,
    proof_of,
    read_answer,
    read_hello,
)
from gridarium.environment.security.identity import Membership
from gridarium.environment.security.session import Session

# Who asked for a session renews it first, so that both sides seldom ask at once.
_ASKER_RENEWS, _ANSWERER_RENEWS = 0.1, 0.05
_MESSAGES = frozenset({FrameKind.FIRST.value, FrameKind.SEALED.value})


class _Granted(NamedTuple):
    """An answer that may be asked for once more, and the clock time, s, after which it cannot."""

    frame: Frame
    session: Session
    until_s: float


@dataclass(slots=True)
class _Peer:
    """What is known of one other name."""

    sending: Session | None = None
    sessions: list[Session] = field(default_factory=list)
    hello: Hello | None = None
    is_awaited: bool = False
    waiting: list[Envelope] = field(default_factory=list)


class Endpoint:
    """One name's end of all its secured links.

    - `join`: take a new key, have it certified, start without sessions
    - `seal`: a message as frames to send: sealed, or a hello while the message waits for a session
    - `receive`: what becomes of a frame that has arrived
    - `again`: a hello once more whose answer has not come; `gives_up`: stop waiting for it
    - `certificate`: what it shows; renewed by itself in time

    Parameters
    ----------
    name : str
    registrar : Registrar
        The authority, or the part of it that an endpoint sees.
    streams : RandomStreams
        Keys come from the stream "security, NAME".
    session_s : float
        How long a session lasts at most, s.
    grace_s : float
        How long a frame is on its way at most, s: that long frames are taken after their session's end.
    now_s : float
        Clock time at which it joins, s.

    Raises
    ------
    SecurityError
        If a duration is out of its range, or the authority bars the name.

    Notes
    -----
    Sessions end with their certificates at the latest. Of two sessions with one name, which hellos that cross
    each other lead to, both are good and both sides send in that of the later hello.
    """

    def __init__(
        self,
        name: str,
        registrar: Registrar,
        streams: RandomStreams,
        session_s: float,
        grace_s: float,
        now_s: float = 0.0,
    ) -> None:
        faults = []
        if not 0.0 < session_s < math.inf:
            faults.append(Fault("session_s", session_s, "s, must be in (0, inf)"))
        if not 0.0 <= grace_s < math.inf:
            faults.append(Fault("grace_s", grace_s, "s, must be in [0, inf)"))
        if faults:
            raise SecurityError(f"endpoint {name}", faults)
        self.name = name
        self._trust = registrar.trust
        self._member = Membership(name, registrar, streams, now_s)
        self._session_s, self._grace_s = session_s, grace_s
        self._encoder = Encoder()
        self._peers: dict[str, _Peer] = {}
        self._forget_sessions()

    @property
    def certificate(self) -> Certificate:
        """What it shows to others."""
        return self._member.identity.certificate

    def join(self, now_s: float) -> None:
        """Take a new key and certificate and start without sessions; messages that wait go on waiting.

        Raises
        ------
        SecurityError
            If the authority bars the name.
        """
        self._member.join(now_s)
        self._forget_sessions()

    def seal(self, envelope: Envelope, now_s: float) -> list[Frame]:
        """Return the frames that are to be sent for a message.

        Parameters
        ----------
        envelope : Envelope
            From this name; its recipient must be on a secured link, too.
        now_s : float
            Clock time, s.

        Returns
        -------
        list of Frame
            The message sealed, with a hello behind it where the session is to be renewed; without a session a
            hello, or nothing if one is on its way: the message waits for its answer.

        Raises
        ------
        MessageError
            If the payload has no bytes.
        """
        peer = self._peers.get(envelope.recipient)
        if peer is None:
            peer = self._peers[envelope.recipient] = _Peer()
        session = peer.sending
        if session is not None and self._is_usable(session, now_s):
            frame = session.seal(envelope)
            if now_s < session.renews_s or peer.is_awaited:
                return [frame]
            return [frame, self._ask(envelope.recipient, peer, now_s)]
        peer.waiting.append(envelope)
        return [] if peer.is_awaited else [self._ask(envelope.recipient, peer, now_s)]

    def receive(self, frame: object, now_s: float) -> Opened:
        """Return what becomes of whatever has arrived at clock time now_s, s.

        Returns
        -------
        Opened
            A message to act on, frames to send back, both or neither; or why the frame has no effect.
        """
        if not isinstance(frame, Frame):
            return Opened(refusal=Refusal.NOT_SEALED)
        try:
            if frame.recipient != self.name:
                raise RefusedError(Refusal.WRONG_RECIPIENT)
            if frame.kind in _MESSAGES:
                return self._message(frame, now_s)
            if frame.kind == FrameKind.HELLO:
                return self._hello(frame, now_s)
            if frame.kind == FrameKind.ANSWER:
                return self._answer(frame, now_s)
            raise RefusedError(Refusal.NOT_SEALED)
        except RefusedError as refused:
            return Opened(refusal=refused.reason)

    def again(self, peer: str, now_s: float) -> list[Frame]:
        """Return the hello to a name once more if its answer is still awaited; otherwise nothing."""
        known = self._peers.get(peer)
        return [self._ask(peer, known, now_s)] if known is not None and known.is_awaited else []

    def gives_up(self, peer: str) -> list[Envelope]:
        """Stop waiting for a name's answer; return the messages that have waited, which are lost."""
        known = self._peers.get(peer)
        if known is None:
            return []
        known.is_awaited = False
        waited, known.waiting = known.waiting, []
        return waited

    def _forget_sessions(self) -> None:
        self._sessions: dict[bytes, Session] = {}
        self._hellos: dict[bytes, Hello] = {}
        self._granted: dict[bytes, _Granted] = {}
        for peer in self._peers.values():
            peer.sending, peer.hello, peer.sessions = None, None, []

    def _message(self, frame: Frame, now_s: float) -> Opened:
        session = self._sessions.get(frame.session)
        if session is None:
            raise RefusedError(Refusal.UNKNOWN_SESSION)
        if session.title in self._trust.revoked:
            raise RefusedError(Refusal.REVOKED)
        if now_s > session.ends_s + self._grace_s:
            raise RefusedError(Refusal.SESSION_ENDED)
        was_confirmed = session.confirmed
        envelope = session.opened(frame, now_s)
        if envelope is None:
            return Opened(is_copy=True)
        if was_confirmed:
            return Opened(envelope)
        replies, released = self._use(session, now_s)
        return Opened(envelope, replies, released)

    def _hello(self, frame: Frame, now_s: float) -> Opened:
        """Answer a hello; the session counts only once the other side uses it, so a replay takes nothing."""
        asked = read_hello(frame, self._trust, now_s)
        granted = self._granted.get(asked.number)
        if granted is not None:
            return Opened(replies=() if granted.session.confirmed else (granted.frame,), is_copy=True)
        asked.check_signature()
        if not now_s - 2.0 * self._grace_s <= asked.sent_s <= now_s:
            raise RefusedError(Refusal.OUT_OF_TIME)
        identity = self._member.lasting(self._session_s, now_s)
        certified_s = min(identity.certificate.valid_until_s, asked.certificate.valid_until_s)
        ends_s = min(asked.sent_s + self._session_s, certified_s, asked.ends_s)
        fresh = self._member.fresh()
        answer, agreed = answer_to(asked, frame, identity, fresh, ends_s)
        session = self._add(agreed, None, now_s)
        for number in [one for one, old in self._granted.items() if now_s > old.until_s]:
            del self._granted[number]
        self._granted[asked.number] = _Granted(answer, session, now_s + 2.0 * self._grace_s)
        return Opened(replies=(answer,))

    def _answer(self, frame: Frame, now_s: float) -> Opened:
        hello = self._hellos.get(frame.session)
        if hello is None:
            raise RefusedError(Refusal.UNKNOWN_HELLO)
        if frame.sender != hello.frame.recipient:
            raise RefusedError(Refusal.WRONG_NAME)
        agreed = read_answer(frame, hello, self._trust, now_s)
        if agreed.number in self._sessions:
            return Opened(is_copy=True)
        if not agreed.ends_s <= hello.ends_s:
            raise RefusedError(Refusal.OUT_OF_TIME)
        peer = self._peers[frame.sender]
        if peer.hello is hello:
            peer.hello = None
        session = self._add(agreed, proof_of(self._member.identity, agreed), now_s)
        return Opened(None, *self._use(session, now_s))

    def _ask(self, name: str, peer: _Peer, now_s: float) -> Frame:
        """Return a hello: the last one while it is young, so that late answers to it are of use."""
        peer.is_awaited = True
        if peer.hello is None or now_s > peer.hello.sent_s + self._grace_s:
            identity = self._member.lasting(self._session_s, now_s)
            ends_s = min(now_s + self._session_s, identity.certificate.valid_until_s)
            peer.hello = hello_to(identity, name, self._member.fresh(), now_s, ends_s)
            for number in [
                one for one, old in self._hellos.items() if now_s > old.sent_s + 3.0 * self._grace_s
            ]:
                del self._hellos[number]
            self._hellos[peer.hello.number] = peer.hello
        return peer.hello.frame

    def _add(self, agreed: Agreement, proof: bytes | None, now_s: float) -> Session:
        """Open frames of a session from now on, and no longer those of the same name's that are over."""
        lasts_s = agreed.ends_s - agreed.began_s
        renews_s = agreed.ends_s - lasts_s * (_ANSWERER_RENEWS if proof is None else _ASKER_RENEWS)
        session = Session(self.name, agreed, self._encoder, renews_s, proof)
        peer = self._peers.setdefault(session.peer, _Peer())
        for old in [one for one in peer.sessions if now_s > one.ends_s + self._grace_s]:
            peer.sessions.remove(old)
            del self._sessions[old.number]
        peer.sessions.append(session)
        self._sessions[session.number] = session
        return session

    def _use(self, session: Session, now_s: float) -> tuple[tuple[Frame, ...], tuple[Envelope, ...]]:
        """Send in a session that both sides are known to hold; return what has waited for one, sealed."""
        peer = self._peers[session.peer]
        sending = peer.sending
        if not self._is_usable(session, now_s):
            return (), ()
        if (
            sending is None
            or not self._is_usable(sending, now_s)
            or (session.began_s, session.number) > (sending.began_s, sending.number)
        ):
            peer.sending = session
        peer.is_awaited = False
        waited, peer.waiting = tuple(peer.waiting), []
        return tuple(session.seal(envelope) for envelope in waited), waited

    def _is_usable(self, session: Session, now_s: float) -> bool:
        return now_s < session.ends_s and session.title not in self._trust.revoked
