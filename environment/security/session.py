"""A session: seals and opens messages between two names, each of them once."""

from __future__ import annotations

import struct

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gridarium.environment.links import Envelope
from gridarium.environment.security.certificates import check_signature
from gridarium.environment.security.encoding import Encoder, decoded
from gridarium.environment.security.frames import Frame, FrameKind, Refusal, RefusedError, joined
from gridarium.environment.security.handshake import Agreement

_NONCE = struct.Struct(">IQ")
_ASKER, _ANSWERER = 1, 2
_N_COUNTER = 2**64
_PROOF_BYTES = 64
_FIRST, _SEALED = FrameKind.FIRST.value, FrameKind.SEALED.value


class ReplayGuard:
    """Tells which numbers of a counter have been here; exact in any order, whatever was lost.

    Holds the next number and those below it that are missing, hence as many as were lost in a session.
    """

    __slots__ = ("_missing", "_next")

    def __init__(self) -> None:
        self._next = 0
        self._missing: set[int] = set()

    def is_new(self, number: int) -> bool:
        """Whether a number, not negative, is here for the first time; it has been here from now on."""
        if number == self._next:
            self._next += 1
            return True
        if number > self._next:
            self._missing.update(range(self._next, number))
            self._next = number + 1
            return True
        if number in self._missing:
            self._missing.remove(number)
            return True
        return False


class Session:
    """One side of a session.

    - `seal`: a message as a frame, under a number of its own
    - `opened`: the message of a frame, or None where it is a copy

    Parameters
    ----------
    name : str
        Whose side it is.
    agreement : Agreement
        What the handshake has led to.
    encoder : Encoder
    renews_s : float
        From when on a new session is asked for, clock time, s.
    proof : bytes, optional
        On the side that asked: its signature, which goes with each message until the other side is heard.
        The side that answered has none, and believes the other only by it.

    Notes
    -----
    AES-256-GCM under one key for each direction. The nonce is the direction, 4 bytes, and the counter, 8
    bytes, so that none is used twice. Sender, recipient, kind and session are associated data.
    """

    __slots__ = (
        "_asked", "_direction", "_encoder", "_guard", "_incoming", "_incoming_cipher", "_name", "_next",
        "_outgoing", "_outgoing_cipher", "_peer_key", "_proof", "_proof_statement", "began_s", "confirmed",
        "ends_s", "number", "peer", "renews_s", "title",
    )  # fmt: skip

    def __init__(
        self, name: str, agreement: Agreement, encoder: Encoder, renews_s: float, proof: bytes | None = None
    ) -> None:
        number, certificate, asker_key, answerer_key, statement, began_s, ends_s = agreement
        self.number, self.peer, self.title = number, certificate.name, certificate.title
        self.began_s, self.ends_s, self.renews_s = began_s, ends_s, renews_s
        self.confirmed = self._asked = proof is not None
        self._name, self._encoder = name, encoder
        self._proof = proof
        self._proof_statement, self._peer_key = statement, certificate.public_key
        own, other = (asker_key, answerer_key) if self._asked else (answerer_key, asker_key)
        self._direction = (_ASKER, _ANSWERER) if self._asked else (_ANSWERER, _ASKER)
        self._outgoing_cipher, self._incoming_cipher = AESGCM(own), AESGCM(other)
        self._outgoing = _headers(name, self.peer, number)
        self._incoming = _headers(self.peer, name, number)
        self._next = 0
        self._guard = ReplayGuard()

    def seal(self, envelope: Envelope) -> Frame:
        """Return a message as a frame that only the other side can have opened, and only this side made.

        Raises
        ------
        MessageError
            If the payload has no bytes.
        """
        counter = self._next
        nonce, data = _NONCE.pack(self._direction[0], counter), self._encoder.encoded(envelope)
        self._next = counter + 1
        if self._proof is None:
            body = self._outgoing_cipher.encrypt(nonce, data, self._outgoing[_SEALED])
            return Frame(self._name, self.peer, _SEALED, self.number, counter, body)
        header = self._outgoing[_FIRST] + self._proof
        body = self._proof + self._outgoing_cipher.encrypt(nonce, data, header)
        return Frame(self._name, self.peer, _FIRST, self.number, counter, body)

    def opened(self, frame: Frame, now_s: float) -> Envelope | None:
        """Return the message of a frame, delivered at clock time now_s, s; None where it has been here.

        Raises
        ------
        RefusedError
            If the frame was not sealed by the other side, as it stands, in this session.
        """
        sender, _, kind, _, counter, body = frame
        if sender != self.peer:
            raise RefusedError(Refusal.WRONG_NAME)
        if not 0 <= counter < _N_COUNTER:
            raise RefusedError(Refusal.ALTERED)
        header, proof = self._incoming[kind], b""
        if kind == _FIRST:
            proof, body = body[:_PROOF_BYTES], body[_PROOF_BYTES:]
            header += proof
        try:
            data = self._incoming_cipher.decrypt(_NONCE.pack(self._direction[1], counter), body, header)
        except InvalidTag as error:
            raise RefusedError(Refusal.ALTERED) from error
        if not self.confirmed:
            if not check_signature(self._peer_key, self._proof_statement, proof):
                raise RefusedError(Refusal.BAD_SIGNATURE)
            self.confirmed = True
        self._proof = None
        return decoded(data, sender, self._name, now_s) if self._guard.is_new(counter) else None


def _headers(sender: str, recipient: str, number: bytes) -> dict[str, bytes]:
    """Associated data of frames of each kind in one direction."""
    return {
        kind: joined(sender.encode(), recipient.encode(), kind.encode(), number) for kind in (_FIRST, _SEALED)
    }
