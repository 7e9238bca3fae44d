"""Who a name is on secured links: its own keys, and the certificate that says so."""

from __future__ import annotations

from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gridarium.environment.random_streams import RandomStreams
from gridarium.environment.security.certificates import Certificate, Registrar

_KEY_BYTES = 32


class Identity(NamedTuple):
    """A name, its Ed25519 key and a certificate of it."""

    name: str
    key: Ed25519PrivateKey
    certificate: Certificate


class Membership:
    """One name's standing with the authority, and its source of keys.

    Parameters
    ----------
    name : str
    registrar : Registrar
        The authority, or the part of it that a member sees.
    streams : RandomStreams
        Keys come from the stream "security, NAME".
    now_s : float
        Clock time at which it joins, s.

    Raises
    ------
    SecurityError
        If the authority bars the name.
    """

    def __init__(self, name: str, registrar: Registrar, streams: RandomStreams, now_s: float) -> None:
        self.name = name
        self._registrar = registrar
        self._draws = streams.stream(f"security, {name}")
        self.join(now_s)

    def join(self, now_s: float) -> None:
        """Take a new key and have it certified, which ends what the earlier key was good for."""
        key = Ed25519PrivateKey.from_private_bytes(self.fresh())
        certificate = self._registrar.issue(self.name, key.public_key().public_bytes_raw(), now_s)
        self.identity = Identity(self.name, key, certificate)

    def fresh(self) -> bytes:
        """Return 32 bytes that were never used before."""
        return self._draws.bytes(_KEY_BYTES)

    def lasting(self, lasts_s: float, now_s: float) -> Identity:
        """Return the identity, with its certificate renewed if that ends within lasts_s of now_s, s.

        Half of its validity is the earliest; a name that is barred keeps what it has.
        """
        name, key, shown = self.identity
        ahead_s = min(lasts_s, 0.5 * (shown.valid_until_s - shown.valid_from_s))
        if now_s >= shown.valid_until_s - ahead_s and not self._registrar.bars(name):
            self.identity = Identity(name, key, self._registrar.issue(name, shown.public_key, now_s))
        return self.identity
