"""A buyer within a minute: what it answers when two sellers have been granted the same part of its demand."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from gridarium.agents.prosumers.bargaining_rules import (
    DeclaredAlternatingRule,
    DeclaredNashRule,
    PostedRule,
)
from gridarium.agents.prosumers.buyer import Buyer
from gridarium.agents.prosumers.manners import BargainingRule, Declared, Manner
from gridarium.agents.prosumers.purchases import Purchases
from gridarium.agents.prosumers.reputations import Reputations
from gridarium.agents.prosumers.trading import Purchase, TradeRules
from gridarium.market.bargaining import Bargain
from gridarium.market.messages.leasing import Accept, PriceOffer
from gridarium.market.utility import QuadraticUtility

LINE = QuadraticUtility(280.0, 2800.0)
RULES = TradeRules()


def buyer_of(manner: Manner, *sellers: str, trust_money: float = 0.0) -> Buyer:
    """A buyer that needs 0.2 MWh in a minute, and was granted 0.08 MWh of each seller on its whole demand."""
    means: Any = SimpleNamespace(clock=SimpleNamespace(now_s=0.0), manner=manner)
    reputations = Reputations(0.1, lambda rating: rating, trust_money)
    buyer = Buyer(means, LINE, reputations, lambda offer, answer: answer)
    purchases = Purchases(0, 0.2, 0.0)
    for seller in sellers:
        purchase = Purchase(0.08, 20.0, 0.0, 0)
        purchase.bargain = Bargain(20.0, LINE, 0.08, RULES.price_band_per_mwh)
        purchases.held[seller] = purchase
    buyer.open(purchases, [0.2])
    return buyer


def price_of(manner: Manner) -> float:
    assert isinstance(manner, Declared)
    price = manner.price(Bargain(20.0, LINE, 0.08, RULES.price_band_per_mwh), 0.08)
    assert price is not None
    return price


def made(rule: BargainingRule) -> Manner:
    return rule.manner(RULES, LINE, lambda purpose: np.random.default_rng(1))


@pytest.mark.parametrize("rule", [DeclaredNashRule(), DeclaredAlternatingRule()])
def test_nobody_accepts_what_others_have_made_worthless_since_it_was_declared(rule: BargainingRule) -> None:
    # 0.08 MWh are worth 13.44; as much again, far beyond satiation at 0.1 MWh, is a burden of 4.48.
    manner = made(rule)
    price = price_of(manner)
    buyer = buyer_of(manner, "sun", "roof")
    assert buyer.answer_offer(PriceOffer(0.0, 0, price, 0.08), "sun") == Accept(0.0, 0, price, 0.08, True)
    answer = buyer.answer_offer(PriceOffer(0.0, 0, price, 0.08), "roof")
    assert not isinstance(answer, Accept)
    assert answer is not None and answer.volume_mwh == 0.0


def test_trust_may_be_paid_for() -> None:
    manner = made(DeclaredNashRule())
    price = price_of(manner)
    buyer = buyer_of(manner, "sun", "roof", trust_money=20.0)
    buyer.answer_offer(PriceOffer(0.0, 0, price, 0.08), "sun")
    assert isinstance(buyer.answer_offer(PriceOffer(0.0, 0, price, 0.08), "roof"), Accept)


def test_a_buyer_that_declares_nothing_takes_what_it_still_wants() -> None:
    buyer = buyer_of(made(PostedRule(1.0)), "sun", "roof")
    volumes = []
    for seller in ("sun", "roof"):
        answer = buyer.answer_offer(PriceOffer(0.0, 0, 1.0, 0.08), seller)
        assert isinstance(answer, Accept)
        volumes.append(answer.volume_mwh)
    # At a price of 1 it wants all but a little of the 0.1 MWh at which demand ends.
    assert volumes[0] == 0.08
    assert sum(volumes) <= (280.0 - 1.0) / 2800.0 + 1e-12
