"""The benchmark of the pool: every rule is judged, beside the speed of the default."""

from __future__ import annotations

import pytest

from gridarium.experiments.benchmarks import p2p
from gridarium.experiments.benchmarks.p2p import RULES, bench_p2p
from gridarium.experiments.names.registry import entries
from gridarium.experiments.parts.trading import Trading


def test_every_rule_is_judged_and_the_default_is_timed_against_declarations(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(p2p, "DAYLIGHT", range(44, 52))
    assert set(RULES) == set(entries("bargaining-rules"))
    assert next(iter(RULES)) == Trading().rule
    measured = bench_p2p(quarters=1, repeats=1, sizes=(), judged=(4,), compared=4)
    shares = {name: measured.pop(f"efficiency_{name}_4") for name in RULES}
    assert set(measured) == {"messages_per_s_over_declared", "messages_over_declared"}
    assert all(value > 0.0 for value in measured.values())
    assert all(0.0 < share <= 1.0 + 1e-6 for share in shares.values())
    assert shares["declared-nash"] > 0.9
    assert shares["zi-c"] < shares["concession"] < shares["declared-nash"]
