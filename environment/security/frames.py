"""What travels on a secured link, and why it is refused."""

from __future__ import annotations

import struct
from enum import StrEnum
from typing import NamedTuple

from gridarium.environment.links import Envelope

_LENGTH = struct.Struct(">I")


class FrameKind(StrEnum):
    """Which step of a session a frame is."""

    HELLO = "hello"
    """Asks for a session: certificate, fresh key, signature."""
    ANSWER = "answer"
    """Grants it: certificate, fresh key, signature over both sides."""
    FIRST = "first"
    """A sealed message that carries its sender's signature over both sides, until the other is heard."""
    SEALED = "sealed"
    """A sealed message."""


class Frame(NamedTuple):
    """What anyone on a link can see, copy and change.

    Parameters
    ----------
    sender, recipient : str
        Where it says it comes from and goes to; authenticated with the body.
    kind : str
        One of `FrameKind`.
    session : bytes
        Number of the session, or of the hello that this is or answers.
    counter : int
        Number of the message in its session and direction, from 0; 0 in a handshake.
    body : bytes
        Sealed message, or the fields of a handshake.
    """

    sender: str
    recipient: str
    kind: str
    session: bytes
    counter: int
    body: bytes


class Refusal(StrEnum):
    """Why a frame has no effect."""

    NOT_SEALED = "not sealed"
    """It is no frame, or of no known kind."""
    WRONG_RECIPIENT = "wrong recipient"
    """It is addressed to another name."""
    MALFORMED = "malformed"
    """The fields of a handshake cannot be read."""
    UNKNOWN_ISSUER = "unknown issuer"
    """The certificate is not signed by the authority."""
    WRONG_NAME = "wrong name"
    """The certificate or the session belongs to another name than the sender's."""
    NOT_YET_VALID = "certificate not yet valid"
    """The certificate's time has not begun."""
    EXPIRED = "certificate expired"
    """The certificate's time is over."""
    REVOKED = "certificate revoked"
    """The authority has taken the certificate back."""
    BAD_SIGNATURE = "bad signature"
    """Who signed the handshake does not hold the certificate's key, or signed something else."""
    OUT_OF_TIME = "handshake out of time"
    """A hello from the future, or older than one on its way can be; an answer that grants more than asked."""
    UNKNOWN_HELLO = "unknown hello"
    """It answers a hello that was never sent, or is forgotten."""
    UNKNOWN_SESSION = "unknown session"
    """No session has this number."""
    SESSION_ENDED = "session ended"
    """The session is over, and no frame of it can still be on its way."""
    ALTERED = "altered"
    """It was not sealed under the session's key as it stands."""


class RefusedError(Exception):
    """Ends the handling of a frame; never leaves `Endpoint.receive`."""

    def __init__(self, reason: Refusal) -> None:
        super().__init__(str(reason))
        self.reason = reason


class Opened(NamedTuple):
    """What becomes of a frame that has arrived.

    Parameters
    ----------
    envelope : Envelope, optional
        The message, with the sender that was authenticated; None where there is none to act on.
    replies : tuple of Frame
        Go back to the sender: the answer to a hello, or messages that have waited for this answer.
    released : tuple of Envelope
        The messages that are sealed in `replies`, one each; empty where the reply is of a handshake.
    refusal : Refusal, optional
        Why the frame has no effect; None where it is honest.
    is_copy : bool
        Whether the frame is honest, and has been here before.
    """

    envelope: Envelope | None = None
    replies: tuple[Frame, ...] = ()
    released: tuple[Envelope, ...] = ()
    refusal: Refusal | None = None
    is_copy: bool = False


def joined(*fields: bytes) -> bytes:
    """Fields behind each other, each after its length, so that no two lists of fields give the same bytes."""
    return b"".join(_LENGTH.pack(len(field)) + field for field in fields)


def parted(data: bytes, n_field: int) -> list[bytes]:
    """Undo `joined`.

    Raises
    ------
    RefusedError
        If the bytes are not exactly n_field fields.
    """
    fields, start = [], 0
    for _ in range(n_field):
        begin = start + _LENGTH.size
        if begin > len(data):
            raise RefusedError(Refusal.MALFORMED)
        start = begin + _LENGTH.unpack_from(data, begin - _LENGTH.size)[0]
        fields.append(data[begin:start])
    if start != len(data):
        raise RefusedError(Refusal.MALFORMED)
    return fields
