"""When a leader stops asking."""

from __future__ import annotations

import pytest

from gridarium.market.stackelberg import NegotiationRules

RULES = NegotiationRules(
    opens_s=0.0,
    closes_s=100.0,
    tolerance=0.01,
    damping=0.5,
    round_limit=5,
    reply_timeout_s=5.0,
    resend_after_s=1.0,
)


@pytest.mark.parametrize(
    ("round_", "now_s", "residual", "missing", "ending"),
    [
        (1, 0.0, 1.0, 0, ""),
        (1, 0.0, 0.01, 0, "converged"),
        (1, 0.0, 0.01, 1, ""),
        (4, 99.9, 0.02, 0, ""),
        (5, 99.9, 0.02, 0, "round limit"),
        (5, 99.9, 0.0, 2, "round limit"),
        (2, 100.0, 0.02, 0, "gate closed"),
        (5, 100.0, 0.02, 0, "gate closed"),
        (5, 100.0, 0.0, 0, "converged"),
        (2, 100.0, 0.0, 1, "gate closed"),
        (2, 0.0, float("nan"), 0, ""),
    ],
)
def test_ending(round_: int, now_s: float, residual: float, missing: int, ending: str) -> None:
    assert RULES.ending(round_, now_s, residual, missing) == ending
