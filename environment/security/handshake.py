"""The signed Diffie-Hellman exchange by which two names that hold certificates agree on keys."""

from __future__ import annotations

import hashlib
import struct
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from gridarium.environment.security.certificates import Certificate, Trust, check_signature
from gridarium.environment.security.frames import Frame, FrameKind, Refusal, RefusedError, joined, parted
from gridarium.environment.security.identity import Identity

_HELLO, _ANSWER, _PROOF, _KEYS = (
    b"gridarium hello",
    b"gridarium answer",
    b"gridarium proof",
    b"gridarium keys",
)
_TIMES, _TIME = struct.Struct(">dd"), struct.Struct(">d")
_NUMBER_BYTES, _KEY_BYTES = 16, 32


class Hello(NamedTuple):
    """What who asks for a session remembers of its hello.

    Parameters
    ----------
    frame : Frame
    number : bytes
    key : X25519PrivateKey
        Fresh; its public half is in the frame.
    sent_s, ends_s : float
        When it was made, and when the session shall end at the latest, clock times, s.
    """

    frame: Frame
    number: bytes
    key: X25519PrivateKey
    sent_s: float
    ends_s: float


class Agreement(NamedTuple):
    """What both sides know after a handshake.

    Parameters
    ----------
    number : bytes
        Of the session.
    peer : Certificate
        The other side's.
    asker_key, answerer_key : bytes, length 32
        Who asked seals with the first, who answered with the second.
    proof_statement : bytes
        What who asked signs, to be believed by who answered.
    began_s, ends_s : float
        When the hello was made and when nothing more is sealed in the session, clock times, s.
    """

    number: bytes
    peer: Certificate
    asker_key: bytes
    answerer_key: bytes
    proof_statement: bytes
    began_s: float
    ends_s: float


class AskedSession(NamedTuple):
    """A hello as it was read: times as in `Hello`, and whose it is; its signature is not yet checked."""

    number: bytes
    certificate: Certificate
    public_key: bytes
    sent_s: float
    ends_s: float
    statement: bytes
    signature: bytes

    def check_signature(self) -> None:
        """Raise `RefusedError` unless the holder of the certificate has signed it."""
        if not check_signature(self.certificate.public_key, self.statement, self.signature):
            raise RefusedError(Refusal.BAD_SIGNATURE)


def hello_to(identity: Identity, recipient: str, fresh: bytes, now_s: float, ends_s: float) -> Hello:
    """Step 1: ask for a session.

    Parameters
    ----------
    identity : Identity
        Of who asks.
    recipient : str
    fresh : bytes, length 32
        Random, never used before.
    now_s, ends_s : float
        Clock times, s; the session shall end at ends_s at the latest.
    """
    key = X25519PrivateKey.from_private_bytes(fresh)
    fields = (identity.certificate.encoded(), key.public_key().public_bytes_raw(), _TIMES.pack(now_s, ends_s))
    signature = identity.key.sign(_hello_statement(identity.name, recipient, fields))
    body = joined(*fields, signature)
    number = _number_of_hello(identity.name, recipient, body)
    frame = Frame(identity.name, recipient, FrameKind.HELLO, number, 0, body)
    return Hello(frame, number, key, now_s, ends_s)


def read_hello(frame: Frame, trust: Trust, now_s: float) -> AskedSession:
    """Read a hello and check the certificate in it; its signature is left to `AskedSession.check_signature`.

    Raises
    ------
    RefusedError
        If it is unreadable, was altered, or shows a certificate that does not count.
    """
    number = _number_of_hello(frame.sender, frame.recipient, frame.body)
    *fields, signature = parted(frame.body, 4)
    if len(fields[2]) != _TIMES.size:
        raise RefusedError(Refusal.MALFORMED)
    certificate = trust.certificate(fields[0], frame.sender, now_s)
    if (frame.session, frame.counter) != (number, 0):
        raise RefusedError(Refusal.ALTERED)
    statement = _hello_statement(frame.sender, frame.recipient, tuple(fields))
    sent_s, ends_s = _TIMES.unpack(fields[2])
    return AskedSession(number, certificate, fields[1], sent_s, ends_s, statement, signature)


def answer_to(
    asked: AskedSession, hello: Frame, identity: Identity, fresh: bytes, ends_s: float
) -> tuple[Frame, Agreement]:
    """Step 2: grant a session that was asked for, ending at ends_s, a clock time in s.

    Raises
    ------
    RefusedError
        If the key in the hello is none.
    """
    key = X25519PrivateKey.from_private_bytes(fresh)
    fields = (identity.certificate.encoded(), key.public_key().public_bytes_raw(), _TIME.pack(ends_s))
    transcript = _transcript(hello, fields)
    signature = identity.key.sign(joined(_ANSWER, transcript))
    frame = Frame(identity.name, hello.sender, FrameKind.ANSWER, asked.number, 0, joined(*fields, signature))
    agreed = _agreement(transcript, key, asked.public_key, asked.certificate, asked.sent_s, ends_s)
    return frame, agreed


def read_answer(frame: Frame, hello: Hello, trust: Trust, now_s: float) -> Agreement:
    """Check the answer to one's own hello, and agree.

    Raises
    ------
    RefusedError
        If it is unreadable, was altered, shows a certificate that does not count, or is signed by another.
    """
    *fields, signature = parted(frame.body, 4)
    if len(fields[2]) != _TIME.size:
        raise RefusedError(Refusal.MALFORMED)
    certificate = trust.certificate(fields[0], frame.sender, now_s)
    transcript = _transcript(hello.frame, tuple(fields))
    if not check_signature(certificate.public_key, joined(_ANSWER, transcript), signature):
        raise RefusedError(Refusal.BAD_SIGNATURE)
    if frame.counter:
        raise RefusedError(Refusal.ALTERED)
    (ends_s,) = _TIME.unpack(fields[2])
    return _agreement(transcript, hello.key, fields[1], certificate, hello.sent_s, ends_s)


def proof_of(identity: Identity, agreement: Agreement) -> bytes:
    """Step 3, on who asked: the signature over both sides that goes with its first messages; 64 bytes."""
    return identity.key.sign(agreement.proof_statement)


def _hello_statement(asker: str, answerer: str, fields: tuple[bytes, ...]) -> bytes:
    return joined(_HELLO, asker.encode(), answerer.encode(), *fields)


def _number_of_hello(asker: str, answerer: str, body: bytes) -> bytes:
    return hashlib.sha256(joined(asker.encode(), answerer.encode(), body)).digest()[:_NUMBER_BYTES]


def _transcript(hello: Frame, fields: tuple[bytes, ...]) -> bytes:
    """Hash of everything that both sides have said before the answer's signature, and of their names."""
    said = joined(hello.sender.encode(), hello.recipient.encode(), hello.body, *fields)
    return hashlib.sha256(said).digest()


def _agreement(
    transcript: bytes,
    key: X25519PrivateKey,
    public_key: bytes,
    peer: Certificate,
    began_s: float,
    ends_s: float,
) -> Agreement:
    try:
        shared = key.exchange(X25519PublicKey.from_public_bytes(public_key))
    except ValueError as error:
        raise RefusedError(Refusal.MALFORMED) from error
    keys = HKDF(SHA256(), 2 * _KEY_BYTES, salt=transcript, info=_KEYS).derive(shared)
    number = hashlib.sha256(transcript).digest()[:_NUMBER_BYTES]
    proof = joined(_PROOF, transcript)
    return Agreement(number, peer, keys[:_KEY_BYTES], keys[_KEY_BYTES:], proof, began_s, ends_s)
