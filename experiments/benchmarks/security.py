"""Cost of sealed messages and of handshakes, without a bus, against the bare cipher in the same process."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gridarium.environment.clock import DAY_S
from gridarium.environment.links import Envelope
from gridarium.environment.random_streams import RandomStreams
from gridarium.environment.security.authority import Authority
from gridarium.environment.security.encoding import Encoder, decoded
from gridarium.environment.security.endpoint import Endpoint
from gridarium.market.messages.commands import Receipt, UnitSetpoint

N_MESSAGES, N_HANDSHAKES, N_REPEATS = 5_000, 100, 7
_HEADER_BYTES = 50


def bench_security() -> dict[str, float]:
    """Measure microseconds a message and a handshake, medians of interleaved repeats.

    Returns
    -------
    dict of str to float
        For a message without fields (`receipt_`) and one with three series of 24 h (`setpoint_`): `encode_us`
        and `decode_us`; `seal_us` and `open_us`, which contain these; `ratio`, sealing and opening over what
        the bare cipher takes for the same bytes. `handshake_us`: hello, answer and the first message each
        way, certificates known; `join_us`: a new key and its certificate.
    """
    found: dict[str, float] = {}
    series = [np.linspace(0.0, shift, 24) for shift in (1.0, 2.0, 3.0)]
    for name, payload in (("receipt", Receipt()), ("setpoint", UnitSetpoint(1, 0, *series))):
        found |= {f"{name}_{what}": value for what, value in _message(payload).items()}
    one, other = _pair()
    samples = [
        (_mean_us(one.join, [0.0] * N_HANDSHAKES), _handshake_us(one, other)) for _ in range(N_REPEATS)
    ]
    joins_us, handshakes_us = zip(*samples, strict=True)
    return found | {
        "handshake_us": statistics.median(handshakes_us),
        "join_us": statistics.median(joins_us),
    }


def _message(payload: Any) -> dict[str, float]:
    one, other = _pair()
    _shake(one, other, 0.0)
    message = Envelope(one.name, other.name, type(payload).__name__, 0.0, 0.0, payload)
    encoder, cipher, nonce, header = Encoder(), AESGCM(bytes(32)), bytes(12), bytes(_HEADER_BYTES)
    data = encoder.encoded(message)
    sealed = cipher.encrypt(nonce, data, header)
    samples = []
    for _ in range(N_REPEATS):
        frames = [one.seal(message, 0.0)[0] for _ in range(N_MESSAGES)]
        times_us = {
            "encode_us": _mean_us(encoder.encoded, [message] * N_MESSAGES),
            "decode_us": _mean_us(lambda data: decoded(data, "", "", 0.0), [data] * N_MESSAGES),
            "seal_us": _mean_us(lambda message: one.seal(message, 0.0), [message] * N_MESSAGES),
            "open_us": _mean_us(lambda frame: other.receive(frame, 0.0), frames),
        }
        bare_us = _mean_us(lambda data: cipher.encrypt(nonce, data, header), [data] * N_MESSAGES)
        bare_us += _mean_us(lambda sealed: cipher.decrypt(nonce, sealed, header), [sealed] * N_MESSAGES)
        samples.append(times_us | {"ratio": (times_us["seal_us"] + times_us["open_us"]) / bare_us})
    return {what: statistics.median(sample[what] for sample in samples) for what in samples[0]}


def _handshake_us(one: Endpoint, other: Endpoint) -> float:
    """A new session at each midnight: the ones before are over."""
    first = one.certificate.valid_from_s + DAY_S
    return _mean_us(lambda day: _shake(one, other, first + day * DAY_S), range(N_HANDSHAKES))


def _shake(one: Endpoint, other: Endpoint, now_s: float) -> None:
    (hello,) = one.seal(Envelope(one.name, other.name, "tuple", now_s, now_s, ()), now_s)
    (answer,) = other.receive(hello, now_s).replies
    (first,) = one.receive(answer, now_s).replies
    (reply,) = _answered(other, one.name, first, now_s)
    one.receive(reply, now_s)


def _answered(end: Endpoint, peer: str, frame: object, now_s: float) -> list[Any]:
    end.receive(frame, now_s)
    return end.seal(Envelope(end.name, peer, "tuple", now_s, now_s, ()), now_s)


def _pair() -> tuple[Endpoint, Endpoint]:
    streams = RandomStreams(1)
    authority = Authority("dso", streams, 1000 * N_HANDSHAKES * DAY_S)
    one, other = (Endpoint(name, authority, streams, 0.5 * DAY_S, 60.0) for name in ("one", "other"))
    return one, other


def _mean_us(act: Callable[[Any], object], what: Iterable[Any]) -> float:
    items = list(what)
    start = time.perf_counter()
    for item in items:
        act(item)
    return 1e6 * (time.perf_counter() - start) / len(items)
