"""A buyer replayed: what it bids for, keeps and gives back, by numbers worked out by hand."""

from __future__ import annotations

import pytest

from gridarium.experiments.evidence.prosumers.buyer_replayed import Buying
from gridarium.experiments.parts.prosumers import Utility
from gridarium.market.messages.leasing import Ask, Bid, Grant


def _buying(declares: bool) -> Buying:
    """Worth 100 - 1000 p money/MWh, so that 0.05 MWh are wanted at 50; 0.04 are needed in period 1."""
    utility = Utility(kind="quadratic", intercept_per_mwh=100.0, slope_per_mwh2=1000.0)
    return Buying(utility, None, {0: 0.0, 1: 0.04}, declares, turns=3)


def _bid(buying: Buying, ask: Ask, seller: str) -> Bid:
    (bid,) = buying.bids(ask, seller)
    return bid


def test_a_bid_is_for_what_is_worth_the_price_within_the_need() -> None:
    buying = _buying(declares=False)
    assert _bid(buying, Ask(0, 1, 50.0), "a").volume_mwh == 0.0
    dear, cheap = _bid(buying, Ask(1, 1, 80.0), "a"), _bid(buying, Ask(1, 1, 50.0), "a")
    assert (dear.volume_mwh, dear.limited) == (pytest.approx(0.02), False)
    assert (cheap.volume_mwh, cheap.limited) == (pytest.approx(0.04), True)


def test_who_asks_less_than_others_is_bid_for_all_and_who_asks_more_for_the_rest() -> None:
    buying = _buying(declares=False)
    assert buying.keep(Grant(1, 1, 0.03, 60.0, 60.0), "a") == []
    assert _bid(buying, Ask(1, 2, 50.0), "b").volume_mwh == pytest.approx(0.04)
    assert _bid(buying, Ask(1, 2, 65.0), "b").volume_mwh == pytest.approx(0.005)


def test_what_is_too_much_is_given_back_to_the_dearest() -> None:
    buying = _buying(declares=False)
    buying.keep(Grant(1, 1, 0.03, 60.0, 60.0), "a")
    ((seller, turn, kept),) = buying.keep(Grant(1, 1, 0.025, 50.0, 50.0), "b")
    assert (seller, turn, kept) == ("a", 1, pytest.approx(0.015))
    assert buying.held_mwh(1, "a") == pytest.approx(0.015)
    assert buying.held_mwh(1, "b") == pytest.approx(0.025)


def test_who_declares_leaves_others_below_their_value_and_in_the_last_turn_below_their_cost() -> None:
    buying = _buying(declares=True)
    buying.keep(Grant(1, 1, 0.03, 40.0, 60.0), "a")
    (before,) = _bid(buying, Ask(1, 2, float("nan")), "b").leaves
    (at_last,) = _bid(buying, Ask(1, 3, float("nan")), "b").leaves
    assert before == (pytest.approx(0.98 * 60.0), 0.03)
    assert at_last == (pytest.approx(0.98 * 40.0), 0.03)


def test_prices_that_are_a_rounding_apart_count_as_equal_or_not() -> None:
    buying = _buying(declares=False)
    buying.keep(Grant(1, 1, 0.03, 60.0, 60.0 + 1e-12), "a")
    found = {round(one.volume_mwh, 9) for one in buying.bids(Ask(1, 2, 60.0), "b")}
    assert found == {0.04, 0.01}
