"""Frames that are to pass for sealed ones, made without the keys."""

from __future__ import annotations

from itertools import cycle
from typing import Any

import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gridarium.environment.links import Envelope
from gridarium.environment.random_streams import RandomStreams
from gridarium.environment.security.authority import Authority
from gridarium.environment.security.certificates import Certificate, decoded
from gridarium.environment.security.endpoint import Endpoint
from gridarium.environment.security.frames import Frame, FrameKind, RefusedError, parted
from gridarium.environment.security.handshake import hello_to
from gridarium.environment.security.identity import Identity

_VALID_S, _KEY_BYTES, _N_FIELD = 1e9, 32, 4


class FrameForger:
    """An intruder on one direction of a secured link: it sees frames and makes others, in turn by each way.

    - a message as it is, not sealed
    - sealed in a session that it has agreed on with itself, under certificates that it has issued itself
    - a hello with such a certificate
    - a hello with the sender's own certificate, which it has seen, signed by a key of its own
    - an honest frame in which it has turned round one bit

    Parameters
    ----------
    authority : str
        Name in which it issues certificates: the operator's.
    stream : Generator
        Where its keys and the bits come from.
    """

    def __init__(self, authority: str, stream: np.random.Generator) -> None:
        self._stream = stream
        self._streams = RandomStreams(int(stream.integers(2**62)))
        self._authority = Authority(authority, self._streams, _VALID_S)
        self._ends: dict[tuple[str, str], Endpoint] = {}
        self._stolen: Certificate | None = None
        self._seen: Frame | None = None
        self._ways = cycle((self._bare, self._self_sealed, self._own_hello, self._stolen_hello, self._copied))

    def watch(self, frame: Any) -> None:
        """Look at a frame that passes."""
        if not isinstance(frame, Frame):
            return
        if frame.kind not in (FrameKind.HELLO, FrameKind.ANSWER):
            self._seen = frame
            return
        try:
            self._stolen = decoded(parted(frame.body, _N_FIELD)[0])
        except RefusedError:
            # Somebody else on the link has spoilt it.
            return

    def forged(self, message: Envelope, now_s: float) -> tuple[Any, str]:
        """Return a frame that is to pass for one with this message, and how it was made, in words."""
        return next(self._ways)(message, now_s)

    def altered(self, frame: Any) -> tuple[Any, str]:
        """Return an honest frame with one bit of its body turned round, and how it was made, in words."""
        body = bytearray(frame.body)
        bit = int(self._stream.integers(8 * len(body)))
        body[bit // 8] ^= 1 << bit % 8
        return frame._replace(body=bytes(body)), "one bit altered"

    def _bare(self, message: Envelope, _now_s: float) -> tuple[Any, str]:
        return message, "not sealed"

    def _self_sealed(self, message: Envelope, now_s: float) -> tuple[Any, str]:
        asker, answerer = (
            self._end(message.sender, message, now_s),
            self._end(message.recipient, message, now_s),
        )
        frames = asker.seal(message, now_s)
        while frames and frames[0].kind == FrameKind.HELLO:
            (answer,) = answerer.receive(frames[0], now_s).replies
            frames = list(asker.receive(answer, now_s).replies)
        return frames[0], "sealed with keys of its own"

    def _own_hello(self, message: Envelope, now_s: float) -> tuple[Any, str]:
        certificate = self._end(message.sender, message, now_s).certificate
        return self._hello(message, certificate, now_s), "a hello with a certificate that it issued itself"

    def _stolen_hello(self, message: Envelope, now_s: float) -> tuple[Any, str]:
        if self._stolen is None:
            return self._own_hello(message, now_s)
        return self._hello(message, self._stolen, now_s), "a hello with a stolen certificate"

    def _copied(self, message: Envelope, now_s: float) -> tuple[Any, str]:
        if self._seen is None:
            return self._bare(message, now_s)
        frame, how = self.altered(self._seen)
        return frame, f"an honest frame with {how}"

    def _hello(self, message: Envelope, certificate: Certificate, now_s: float) -> Frame:
        key = Ed25519PrivateKey.from_private_bytes(self._stream.bytes(_KEY_BYTES))
        identity = Identity(message.sender, key, certificate)
        fresh = self._stream.bytes(_KEY_BYTES)
        return hello_to(identity, message.recipient, fresh, now_s, certificate.valid_until_s).frame

    def _end(self, name: str, message: Envelope, now_s: float) -> Endpoint:
        ends = self._ends
        pair = (name, message.sender)
        if pair not in ends:
            ends[pair] = Endpoint(name, self._authority, self._streams, _VALID_S, 0.0, now_s)
        return ends[pair]
