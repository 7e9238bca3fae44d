"""What a seller makes of answers at prices that tell much, little or nothing."""

from __future__ import annotations

import pytest

from gridarium.agents.prosumers.learned_demands import LearnedDemands
from gridarium.market.utility import LogUtility, QuadraticUtility


def test_two_answers_tell_a_logarithm_exactly() -> None:
    buyer, demands = LogUtility(2.6, 0.002), LearnedDemands(LogUtility(1.0, 0.001), 300.0)
    for price in (100.0, 60.0):
        demands.note("buyer", price, buyer.demand(price), limited=False)
    learned = demands.of("buyer")
    assert isinstance(learned, LogUtility)
    assert (learned.scale_money, learned.unit_mwh) == pytest.approx((2.6, 0.002))


def test_a_price_of_0_tells_nothing_of_a_logarithm() -> None:
    # A straight line has a demand at a price of 0, and its owner may sell to it for the premium of a call.
    demands = LearnedDemands(LogUtility(1.0, 0.001), 300.0)
    demands.note("buyer", 0.0, 0.1, limited=False)
    assert demands.of("buyer") is None
    assert demands.guess(0.0, 0.1) is None
    demands.note("buyer", 50.0, 0.04, limited=False)
    learned = demands.of("buyer")
    assert learned is not None
    assert learned.demand(50.0) == pytest.approx(0.04)
    demands.note("buyer", 0.0, 0.1, limited=False)
    assert demands.of("buyer") == learned


def test_a_price_of_0_tells_where_a_straight_line_ends() -> None:
    buyer, demands = QuadraticUtility(280.0, 2800.0), LearnedDemands(QuadraticUtility(), 300.0)
    for price in (0.0, 140.0):
        demands.note("buyer", price, buyer.demand(price), limited=False)
    learned = demands.of("buyer")
    assert isinstance(learned, QuadraticUtility)
    assert (learned.intercept_per_mwh, learned.slope_per_mwh2) == pytest.approx((280.0, 2800.0))
