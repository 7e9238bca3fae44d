from __future__ import annotations

import pytest

from gridarium.experiments.benchmarks import security


def test_every_cost_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, count in (("N_MESSAGES", 20), ("N_HANDSHAKES", 2), ("N_REPEATS", 3)):
        monkeypatch.setattr(security, name, count)
    found = security.bench_security()
    each = ("encode_us", "decode_us", "seal_us", "open_us", "ratio")
    told = {f"{name}_{what}" for name in ("receipt", "setpoint") for what in each}
    assert set(found) == told | {"handshake_us", "join_us"} and min(found.values()) > 0.0
