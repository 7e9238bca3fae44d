"""Whom a buyer prefers at which price."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest

from gridarium.agents.prosumers.bargaining_rules import ConcessionRule
from gridarium.agents.prosumers.journal import Journal
from gridarium.agents.prosumers.means import Means
from gridarium.agents.prosumers.purchases import Purchasing
from gridarium.agents.prosumers.reputations import Reputations
from gridarium.agents.prosumers.trading import TradeRules
from gridarium.environment.beat import Beat
from gridarium.environment.clock import QUARTER_S, Clock
from gridarium.environment.random_streams import RandomStreams
from gridarium.market.messages.leasing import Ask, Grant, Rating, Release
from gridarium.market.utility import QuadraticUtility

NEED_MWH = 0.05


def purchasing(trust_money: float = 0.0, send: Callable[[str, Any], None] | None = None) -> Purchasing:
    """A buyer with its need, which picks what is best and tells others by `send`."""

    def as_heard(rating: Rating) -> Rating:
        return rating

    def best(ask: Any, choice: Any) -> Any:
        return choice

    clock = Clock(pd.Timestamp("2026-06-15", tz="Asia/Shanghai"), QUARTER_S)
    rules, utility = TradeRules(), QuadraticUtility(300.0, 100.0)
    manner = ConcessionRule().manner(rules, utility, RandomStreams(1).stream)
    journal = Journal(lambda: False)
    told = send or (lambda to, message: None)
    means = Means(told, clock, Beat(clock), rules, manner, lambda: False, journal)
    # Values are not discounted: only the second term of E9 tells sellers apart.
    buyer = Purchasing(means, utility, Reputations(0.1, as_heard, trust_money), best)
    buyer.nominate(0, 900.0, NEED_MWH)
    return buyer


@pytest.fixture
def bidding() -> Callable[[float, float], float]:
    """What a buyer bids for at a price, asked by a seller of half the reputation of the one it buys from."""

    def bid(trust_money: float, price: float) -> float:
        buyer = purchasing(trust_money)
        buyer.take_grant(Grant(0, 1, NEED_MWH, 100.0, 100.0), "trusted")
        return buyer.answer_ask(Ask(0, 1, price, 0.5), "doubted").volume_mwh

    return bid


def test_who_is_trusted_may_be_dearer_by_what_trust_is_worth(
    bidding: Callable[[float, float], float],
) -> None:
    # Half the reputation at 20 money/MWh for all of it: the doubted one must be cheaper by 10.
    trust_money = 20.0 * NEED_MWH
    assert bidding(0.0, 99.0) == pytest.approx(NEED_MWH)
    assert bidding(trust_money, 99.0) == 0.0
    assert bidding(trust_money, 91.0) == 0.0
    assert bidding(trust_money, 89.0) == pytest.approx(NEED_MWH)


@pytest.mark.parametrize(("price", "given_back"), [(100.0 - 1e-12, "second"), (99.9, "first")])
def test_of_equal_prices_but_for_a_rounding_the_first_is_kept(price: float, given_back: str) -> None:
    told = list[tuple[str, Any]]()
    buyer = purchasing(send=lambda to, message: told.append((to, message)))
    buyer.take_grant(Grant(0, 1, NEED_MWH, 100.0, 100.0), "first")
    buyer.take_grant(Grant(0, 2, NEED_MWH, price, price), "second")
    assert [(to, type(message), message.volume_mwh) for to, message in told] == [(given_back, Release, 0.0)]
