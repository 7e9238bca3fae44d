"""Rules of joining: at their limits they are the exact one, away from them they remember or imitate."""

from __future__ import annotations

import numpy as np
import pytest

from gridarium.agents.storage.join_rules import (
    ExactJoin,
    ImitationJoin,
    JoinExperience,
    JoinOutlook,
    JoinRule,
    MarginJoin,
    RothErevJoin,
    TrustJoin,
)
from gridarium.market.messages.storage_pools import OwnerPay

RANDOM = np.random.default_rng(1)


def outlook(
    announced: float, forgone: float, member: bool, pay: dict[str, OwnerPay] | None = None
) -> JoinOutlook:
    return JoinOutlook("me", member, announced, forgone, pay or {})


@pytest.mark.parametrize("rule", [MarginJoin(0.0), TrustJoin(memory=1.0), TrustJoin()])
@pytest.mark.parametrize("member", [True, False])
@pytest.mark.parametrize("announced", [-3.0, 0.0, 1.0 - 0.02, 1.0, 1.0 + 0.02, 9.0])
def test_at_their_limits_they_decide_as_the_exact_one(rule: JoinRule, member: bool, announced: float) -> None:
    asked = outlook(announced, 1.0, member)
    assert rule.joins(asked, RANDOM) == ExactJoin().joins(asked, RANDOM)
    assert rule.accepts(announced, 1.0) == ExactJoin().accepts(announced, 1.0)


def test_a_tie_moves_nobody() -> None:
    for member in (True, False):
        assert ExactJoin().joins(outlook(1.0, 1.0, member), RANDOM) == member


def test_trust_follows_what_was_kept_and_no_more_than_all_of_it() -> None:
    rule = TrustJoin(memory=0.5)
    rule.learn(JoinExperience(True, 10.0, 4.0, 0.0))
    assert rule.trust == pytest.approx(0.5 * 1.0 + 0.5 * 0.4)
    rule.learn(JoinExperience(True, 10.0, 20.0, 0.0))
    assert rule.trust == pytest.approx(0.5 * 0.7 + 0.5 * 1.0)
    rule.learn(JoinExperience(False, float("nan"), float("nan"), 0.0))
    assert rule.trust == pytest.approx(0.85)
    assert rule.joins(outlook(10.0, 8.0, False), RANDOM)
    assert not rule.joins(outlook(10.0, 9.0, False), RANDOM)


def test_imitation_follows_the_best_paid_and_stays_where_nothing_is_known() -> None:
    unknown = {"me": OwnerPay(True, float("nan"), float("nan"))}
    assert ImitationJoin().joins(outlook(0.0, 9.0, True, unknown), RANDOM)
    pay = {
        "me": OwnerPay(True, 5.0, 5.0),
        "small": OwnerPay(False, 2.0, 8.0),
        "big": OwnerPay(True, 9.0, 3.0),
    }
    assert not ImitationJoin().joins(outlook(9.0, 0.0, True, pay), RANDOM)
    # Among equals it follows itself.
    pay["small"] = OwnerPay(False, 2.0, 5.0)
    assert ImitationJoin().joins(outlook(9.0, 0.0, True, pay), RANDOM)


def test_roth_erev_draws_in_proportion_to_what_it_reinforced() -> None:
    rule, random = RothErevJoin(forgetting=0.0, experimentation=0.0), np.random.default_rng(2)
    assert np.mean([rule.joins(outlook(0, 0, True), random) for _ in range(2000)]) == pytest.approx(
        0.5, abs=0.04
    )
    for _ in range(2):
        rule.learn(JoinExperience(True, 4.0, 4.0, 0.0))
    # Propensities 1 and 1 + 2.
    drawn = [rule.joins(outlook(0, 0, True), random) for _ in range(2000)]
    assert np.mean(drawn) == pytest.approx(0.75, abs=0.04)
    rule.learn(JoinExperience(False, float("nan"), float("nan"), 2.0))
    # Half of the largest reward so far for staying out: 1.5 and 3.
    drawn = [rule.joins(outlook(0, 0, True), random) for _ in range(2000)]
    assert np.mean(drawn) == pytest.approx(2.0 / 3.0, abs=0.04)
