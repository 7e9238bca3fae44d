"""Secured links: certificates, sessions, sealed frames and replay guards, on the library `cryptography`.

Nothing of the cryptography is our own: Ed25519 signatures (RFC 8032), X25519 exchanges (RFC 7748), HKDF with
SHA-256 (RFC 5869) and AES-256-GCM (NIST SP 800-38D) are the library's, and the handshake is the signed
Diffie-Hellman exchange of ISO/IEC 9798-3, whose proof is in [1]_ and whose family is in [2]_.

The keys are for simulation only. They are drawn from the seeded random streams of a run, so that the same
seed leaves the same bytes; whoever knows the seed knows every key. Time is the simulated clock's. Nothing in
here may guard anything outside of a simulation.

- `authority`: issues, renews and revokes certificates, signs what others shall believe
- `certificates`: what a certificate says, and what is checked before it is believed
- `identity`: the keys of one name, and how it gets its certificate
- `handshake`: the three steps by which two names agree on keys
- `session`: what seals and opens frames under those keys, each frame once
- `endpoint`: what one name holds: its certificate and its sessions with others
- `encoding`: payloads as bytes and back
- `frames`: what travels, and why a frame is refused

References
----------
.. [1] R. Canetti and H. Krawczyk, 2001, doi:10.1007/3-540-44987-6_28
.. [2] H. Krawczyk, 2003, doi:10.1007/978-3-540-45146-4_24
"""
