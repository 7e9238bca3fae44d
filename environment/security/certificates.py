"""Certificates, and what is checked before one is believed."""

from __future__ import annotations

import struct
from typing import NamedTuple, Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from gridarium.environment.security.frames import Refusal, RefusedError, joined, parted

_NUMBERS = struct.Struct(">Qdd")
_STATEMENT = b"gridarium certificate"
_N_FIELD = 5


class Certificate(NamedTuple):
    """The authority's word that a key is a name's.

    Parameters
    ----------
    name : str
        Whose key it is.
    public_key : bytes, length 32
        Ed25519.
    issuer : str
        Name of the authority.
    serial : int
        Counted by the issuer for each name, from 1: further names change none.
    valid_from_s, valid_until_s : float
        Valid in [valid_from_s, valid_until_s), clock times, s.
    signature : bytes, length 64
        Of the issuer over everything above.
    """

    name: str
    public_key: bytes
    issuer: str
    serial: int
    valid_from_s: float
    valid_until_s: float
    signature: bytes = b""

    @property
    def title(self) -> tuple[str, int]:
        """What it is revoked by."""
        return self.name, self.serial

    def signed_part(self) -> bytes:
        """What the issuer signs."""
        return joined(_STATEMENT, *self._fields_but_signature())

    def encoded(self) -> bytes:
        """All of it as bytes."""
        return joined(*self._fields_but_signature(), self.signature)

    def _fields_but_signature(self) -> tuple[bytes, bytes, bytes, bytes]:
        numbers = _NUMBERS.pack(self.serial, self.valid_from_s, self.valid_until_s)
        return self.name.encode(), self.public_key, self.issuer.encode(), numbers


def decoded(data: bytes) -> Certificate:
    """Read a certificate; nothing of it is checked.

    Raises
    ------
    RefusedError
        If the bytes are not a certificate's.
    """
    name, public_key, issuer, numbers, signature = parted(data, _N_FIELD)
    try:
        serial, from_s, until_s = _NUMBERS.unpack(numbers)
        return Certificate(name.decode(), public_key, issuer.decode(), serial, from_s, until_s, signature)
    except (UnicodeDecodeError, struct.error) as error:
        raise RefusedError(Refusal.MALFORMED) from error


def check_signature(public_key: bytes, statement: bytes, signature: bytes) -> bool:
    """Whether an Ed25519 signature is of that key over that statement."""
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, statement)
    except (InvalidSignature, ValueError):
        return False
    return True


class Trust:
    """What an endpoint believes: one authority's public key, and what it has taken back.

    - `certificate`: read and check a certificate that someone shows
    - `revoked`: titles of certificates that count no longer

    Parameters
    ----------
    public_key : bytes, length 32
        The authority's Ed25519 key.

    Notes
    -----
    All endpoints read one list of revocations: it reaches them at once and outside of the links. A signature
    that was right once is not checked again, since the same bytes have the same answer; times and revocations
    are looked at each time.
    """

    def __init__(self, public_key: bytes) -> None:
        self.public_key = public_key
        self.revoked: set[tuple[str, int]] = set()
        self._genuine: dict[bytes, Certificate] = {}

    def certificate(self, data: bytes, name: str, now_s: float) -> Certificate:
        """Read and check a certificate that is shown in a name.

        Parameters
        ----------
        data : bytes
            As `Certificate.encoded` leaves it.
        name : str
            Who shows it.
        now_s : float
            Clock time, s.

        Raises
        ------
        RefusedError
            If it is unreadable, of another issuer or name, not yet or no longer valid, or revoked.
        """
        shown = self._genuine.get(data)
        if shown is None:
            shown = decoded(data)
            if not check_signature(self.public_key, shown.signed_part(), shown.signature):
                raise RefusedError(Refusal.UNKNOWN_ISSUER)
            self._genuine[data] = shown
        if shown.name != name:
            raise RefusedError(Refusal.WRONG_NAME)
        if shown.title in self.revoked:
            raise RefusedError(Refusal.REVOKED)
        if now_s < shown.valid_from_s:
            raise RefusedError(Refusal.NOT_YET_VALID)
        if now_s >= shown.valid_until_s:
            raise RefusedError(Refusal.EXPIRED)
        return shown


class Registrar(Protocol):
    """What an endpoint may ask of the authority."""

    trust: Trust

    def issue(self, name: str, public_key: bytes, now_s: float) -> Certificate:
        """Certify that a key is a name's."""

    def bars(self, name: str) -> bool:
        """Whether a name gets no certificates."""
