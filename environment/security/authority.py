"""The authority: who issues certificates, takes them back, and signs statements."""

from __future__ import annotations

import math

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gridarium.environment.errors import Fault, SecurityError
from gridarium.environment.random_streams import RandomStreams
from gridarium.environment.security.certificates import Certificate, Trust, check_signature
from gridarium.environment.security.frames import joined

_STATEMENT = b"gridarium statement"


class Authority:
    """Whom everyone on secured links trusts to say whose key is whose.

    - `trust`: what endpoints need to check it: public key and revocations
    - `issue`: certify a name's key, at first, to renew it, or anew
    - `revoke`, `reinstate`: bar a name, and let it ask for certificates again
    - `sign`: sign bytes that others shall be able to check, such as the head of a ledger

    Parameters
    ----------
    name : str
        Issuer of all its certificates.
    streams : RandomStreams
        Its key comes from the stream "security, authority NAME".
    valid_s : float
        How long a certificate is valid, s.

    Raises
    ------
    SecurityError
        If the validity is not in (0, inf) s.
    """

    def __init__(self, name: str, streams: RandomStreams, valid_s: float) -> None:
        if not 0.0 < valid_s < math.inf:
            raise SecurityError(f"authority {name}", [Fault("valid_s", valid_s, "s, must be in (0, inf)")])
        self.name = name
        self._valid_s = valid_s
        seed = streams.stream(f"security, authority {name}").bytes(32)
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self.trust = Trust(self._key.public_key().public_bytes_raw())
        self._issued: dict[str, list[Certificate]] = {}
        self._barred: set[str] = set()

    @property
    def public_key(self) -> bytes:
        """Ed25519 key that its signatures are checked against."""
        return self.trust.public_key

    def issue(self, name: str, public_key: bytes, now_s: float) -> Certificate:
        """Certify that a key is a name's, from now on.

        A certificate for a new key takes back those of the name's earlier keys; one for the same key leaves
        them as they are.

        Parameters
        ----------
        name : str
        public_key : bytes, length 32
            Ed25519.
        now_s : float
            Clock time, s.

        Raises
        ------
        SecurityError
            If the name is barred.
        """
        if name in self._barred:
            allowed = "a name that is barred gets no certificate before it is reinstated"
            raise SecurityError(f"authority {self.name}", [Fault("name", name, allowed)])
        issued = self._issued.setdefault(name, [])
        bare = Certificate(name, public_key, self.name, len(issued) + 1, now_s, now_s + self._valid_s)
        certificate = bare._replace(signature=self._key.sign(bare.signed_part()))
        self.trust.revoked.update(old.title for old in issued if old.public_key != public_key)
        issued.append(certificate)
        return certificate

    def bars(self, name: str) -> bool:
        """Whether a name is barred."""
        return name in self._barred

    def revoke(self, name: str) -> None:
        """Take back every certificate of a name at once, and bar it from getting another.

        Raises
        ------
        SecurityError
            If it never had one.
        """
        if name not in self._issued:
            allowed = f"must have a certificate, as have {sorted(self._issued)}"
            raise SecurityError(f"authority {self.name}", [Fault("name", name, allowed)])
        self.trust.revoked.update(certificate.title for certificate in self._issued[name])
        self._barred.add(name)

    def reinstate(self, name: str) -> None:
        """Let a name get certificates again; those that were taken back stay so."""
        self._barred.discard(name)

    def sign(self, data: bytes) -> bytes:
        """Sign bytes; `verify_signature` checks it, and it can never pass as a certificate."""
        return self._key.sign(joined(_STATEMENT, data))


def verify_signature(public_key: bytes, data: bytes, signature: bytes) -> bool:
    """Whether an authority with that key has signed these bytes by `Authority.sign`."""
    return check_signature(public_key, joined(_STATEMENT, data), signature)
