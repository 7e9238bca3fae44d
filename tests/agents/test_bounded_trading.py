from __future__ import annotations

import numpy as np
import pytest

from gridarium.agents.behaviour import Behaviour
from gridarium.agents.bounded.action import PartialCompliance
from gridarium.agents.bounded.trading import FirstAcceptable, Overconfident, ReputationWeighted
from gridarium.agents.prosumers.bargaining_rules import DeclaredNashRule, ZeroIntelligenceRule
from gridarium.agents.prosumers.manners import BargainingRule
from gridarium.agents.prosumers.own_balance import ProsumerData
from gridarium.agents.prosumers.prosumer import Prosumer
from gridarium.agents.prosumers.trading import TradeRules, book_of
from gridarium.environment.errors import ScenarioError
from gridarium.environment.private_lines import PrivateLines
from gridarium.environment.world import World
from gridarium.experiments.benchmarks.synthetic_pool import SyntheticPoolPlan, synthetic_pool
from gridarium.market.accounts import DEFAULT
from gridarium.market.messages.leasing import LeaseTerms
from gridarium.market.trade_book import MinuteTrade
from gridarium.market.utility import QuadraticUtility

LENGTHS = {("near", "mill"): 10.0, ("far", "mill"): 40.0}


def run(
    sellers: dict[str, Behaviour | None],
    buyer: Behaviour | None,
    rules: TradeRules | None = None,
    bargaining: BargainingRule | None = None,
    n_period: int = 1,
) -> tuple[World, list[MinuteTrade]]:
    """Sellers of 1 MW each and one buyer of 1 MW, all day."""
    world = synthetic_pool(SyntheticPoolPlan(1, desk=False, n_period=n_period, battery_share=0.0)).world
    lines, one, nothing = PrivateLines(LENGTHS), np.ones(n_period), np.zeros(n_period)
    utility = QuadraticUtility()
    for name, behaviour in [*sellers.items(), ("mill", buyer)]:
        pv, load = (one, nothing) if name in sellers else (nothing, one)
        Prosumer(
            world.grid.head,
            name,
            ProsumerData(pv, load, utility),
            lines,
            rules or TradeRules(),
            bargaining or DeclaredNashRule(),
            provider="esp",
            terms=LeaseTerms(1.0),
            neighbours=["mill"] if name in sellers else (),
            behaviour=behaviour,
        )
    while world.running:
        world.step()
    return world, book_of(world.grid).trades()


@pytest.mark.parametrize("neutral", [Behaviour(), FirstAcceptable(), Overconfident(), ReputationWeighted()])
def test_without_parameters_they_are_exact(neutral: Behaviour) -> None:
    exact = run({"near": None}, None)[1]
    assert run({"near": neutral}, neutral)[1] == exact
    assert len(exact) == 15


def test_who_takes_the_first_offer_pays_more() -> None:
    rules, shouts = TradeRules(rounds=10), ZeroIntelligenceRule()
    patient = run({"near": None}, None, rules, shouts)[1]
    hasty = run({"near": None}, FirstAcceptable(haste=1.0), rules, shouts)[1]
    assert {trade.minute_s for trade in hasty} >= {trade.minute_s for trade in patient}

    def mean(trades: list[MinuteTrade]) -> float:
        return float(np.mean([trade.price_per_mwh for trade in trades]))

    assert mean(hasty) > mean(patient)
    capped = run({"near": None}, FirstAcceptable(haste=1.0, ceiling_price_per_mwh=0.0), rules, shouts)[1]
    assert capped == patient


def test_a_boast_that_nobody_takes_up_does_no_harm() -> None:
    _, trades = run({"near": Overconfident(excess_share=0.5)}, None)
    assert {trade.outcome for trade in trades} == {"delivered"}  # the buyer needs no more than there is


def test_an_overconfident_seller_to_a_large_buyer_pays_compensation() -> None:
    world = synthetic_pool(SyntheticPoolPlan(1, desk=False, n_period=1, battery_share=0.0)).world
    lines, one, nothing = PrivateLines(LENGTHS), np.ones(1), np.zeros(1)
    for name, pv, load in (("near", one, nothing), ("mill", nothing, 3.0 * one)):
        Prosumer(
            world.grid.head,
            name,
            ProsumerData(pv, load, QuadraticUtility()),
            lines,
            TradeRules(),
            DeclaredNashRule(),
            provider="esp",
            terms=LeaseTerms(1.0),
            neighbours=["mill"],
            behaviour=Overconfident(excess_share=0.5) if name == "near" else None,
        )
    while world.running:
        world.step()
    trades = book_of(world.grid).trades()
    assert {trade.outcome for trade in trades} == {"short"}
    assert sum(trade.contracted_mwh for trade in trades) == pytest.approx(1.5 * 0.25)
    assert sum(trade.sent_mwh for trade in trades) == pytest.approx(0.25)
    table = world.ledger.table()
    paid = table[(table.purpose == DEFAULT) & (table.account == "mill")].amount_money.sum()
    owed = sum((300.0 - t.price_per_mwh) * (t.contracted_mwh - t.delivered_mwh) for t in trades)
    assert paid == pytest.approx(owed)


def test_distrust_leaves_an_unreliable_seller_sooner_and_forgiveness_never() -> None:
    sellers = {"near": PartialCompliance(0.7), "far": None}

    def first_of_far(weight: float) -> float:
        trades = run(sellers, ReputationWeighted(weight=weight), n_period=6)[1]
        return min((trade.minute_s for trade in trades if trade.seller == "far"), default=np.inf)

    # Reputation is 0.70 + 0.30 * 0.9^15 after a quarter: 0.24 of 235 USD/MWh outweighs 30 USD/MWh of fee.
    assert [first_of_far(weight) for weight in (0.5, 1.0)] == [5400.0, 4500.0]
    assert first_of_far(0.0) == np.inf


@pytest.mark.parametrize(
    "make",
    [
        lambda: FirstAcceptable(haste=1.1),
        lambda: Overconfident(excess_share=-0.5),
        lambda: ReputationWeighted(weight=-1.0),
    ],
)
def test_parameters_have_ranges(make: object) -> None:
    assert callable(make)
    with pytest.raises(ScenarioError):
        make()
