"""When a leader stops asking."""

from __future__ import annotations

import pytest

from gridarium.market.stackelberg import Judgement, NegotiationRules

RULES = NegotiationRules(
    opens_s=0.0,
    closes_s=100.0,
    tolerance=0.01,
    damping=0.5,
    memory=0,
    round_limit=5,
    reply_timeout_s=5.0,
    resend_after_s=1.0,
)


@pytest.mark.parametrize(
    ("round_", "now_s", "judged", "ending"),
    [
        (1, 0.0, Judgement(1.0, 0, False), ""),
        (1, 0.0, Judgement(0.01, 0, False), "converged"),
        (1, 0.0, Judgement(0.01, 1, False), ""),
        (4, 99.9, Judgement(0.02, 0, False), ""),
        (4, 99.9, Judgement(0.02, 0, True), "cycle"),
        (4, 99.9, Judgement(0.01, 0, True), "converged"),
        (5, 99.9, Judgement(0.02, 0, False), "round limit"),
        (5, 99.9, Judgement(0.02, 0, True), "cycle"),
        (5, 99.9, Judgement(0.0, 2, False), "round limit"),
        (2, 100.0, Judgement(0.02, 0, False), "gate closed"),
        (5, 100.0, Judgement(0.02, 0, False), "gate closed"),
        (5, 100.0, Judgement(0.0, 0, False), "converged"),
        (2, 100.0, Judgement(0.0, 1, False), "gate closed"),
        (2, 0.0, Judgement(float("nan"), 0, False), ""),
    ],
)
def test_ending(round_: int, now_s: float, judged: Judgement, ending: str) -> None:
    assert RULES.ending(round_, now_s, judged) == ending
