"""Two or three prosumers whose trades can be worked out by hand, and what happens when something fails."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from gridarium.agents.behaviour import Behaviour
from gridarium.agents.bounded.action import DropOut, PartialCompliance
from gridarium.agents.prosumers.bargaining_rules import (
    ConcessionRule,
    DeclaredAlternatingRule,
    DeclaredNashRule,
    LeaderRule,
    PostedRule,
    ZeroIntelligenceRule,
    ZipRule,
)
from gridarium.agents.prosumers.manners import BargainingRule
from gridarium.agents.prosumers.own_balance import ProsumerData
from gridarium.agents.prosumers.prosumer import Prosumer
from gridarium.agents.prosumers.trading import TradeRules, book_of
from gridarium.environment.clock import QUARTER_S, Clock
from gridarium.environment.grids import Grid
from gridarium.environment.links import LinkQuality
from gridarium.environment.network import Feeder
from gridarium.environment.private_lines import PrivateLines
from gridarium.environment.world import World
from gridarium.market.accounts import DEFAULT, LINE_ENERGY, LINE_FEE
from gridarium.market.messages.leasing import Accept, Introduction, LeaseTerms, PriceOffer
from gridarium.market.trade_book import MinuteTrade
from gridarium.market.utility import LogUtility, QuadraticUtility, Utility

START_S = 3600.0
LENGTHS = {("sun", "mill"): 40.0, ("sun", "shop"): 100.0, ("mill", "shop"): 30.0, ("roof", "mill"): 10.0}
LINE = QuadraticUtility(283.7, 2900.0)
MINUTE_MWH = 1.0 / 60.0
TERMS = LeaseTerms(1.0)
AT_ONCE = TradeRules(spread_s=0.0)


class Pool:
    """Prosumers by name with a constant net power, MW: positive sells."""

    def __init__(
        self,
        net_mw: dict[str, float],
        *,
        utility: Utility = LINE,
        rules: TradeRules | None = None,
        bargaining: BargainingRule | None = None,
        quality: LinkQuality | None = None,
        loss_per_km: float = 0.0,
        capacity_mw: float = 10.0,
        behaviours: dict[str, Behaviour] | None = None,
        n_period: int = 1,
        terms: LeaseTerms | None = TERMS,
    ) -> None:
        clock = Clock(pd.Timestamp("2026-06-15", tz="Asia/Shanghai"), QUARTER_S)
        self.world = World(
            Grid(Feeder.copper_plate(), np.zeros(n_period)),
            clock,
            n_period,
            START_S,
            1,
            quality,
            settles_after_s=QUARTER_S,
        )
        self.world.bus.record = True
        self.lines = PrivateLines(LENGTHS, capacity_mw, loss_per_km)
        self.agents = {
            name: Prosumer(
                self.world.grid.head,
                name,
                ProsumerData(
                    np.full(n_period, max(0.0, power)), np.full(n_period, max(0.0, -power)), utility
                ),
                self.lines,
                rules or TradeRules(),
                bargaining or DeclaredNashRule(),
                provider="esp",
                terms=terms,
                neighbours=[other for other in net_mw if other != name],
                behaviour=(behaviours or {}).get(name),
            )
            for name, power in net_mw.items()
        }

    def run(self) -> Pool:
        while self.world.running:
            self.world.step()
        self.check()
        return self

    @property
    def trades(self) -> list[MinuteTrade]:
        return book_of(self.world.grid).trades()

    def paid(self, purpose: str) -> float:
        table = self.world.ledger.table()
        return float(table.loc[(table.purpose == purpose) & (table.amount_money > 0), "amount_money"].sum())

    def check(self) -> None:
        """Energy and money balance, from the tables."""
        trades, ledger = book_of(self.world.grid).table(), self.world.ledger
        ledger.verify()
        assert ledger.total() == 0.0
        assert self.paid(LINE_ENERGY) == pytest.approx(
            float((trades.price_per_mwh * trades.delivered_mwh).sum()), abs=1e-9
        )
        assert self.paid(LINE_FEE) == pytest.approx(float(trades.fee_money.sum()), abs=1e-9)
        for name, agent in self.agents.items():
            metered = pd.DataFrame(agent.metered)
            sent = float(trades.loc[trades.seller == name, "sent_mwh"].sum())
            delivered = float(trades.loc[trades.buyer == name, "delivered_mwh"].sum())
            assert float(metered.sold.sum()) == pytest.approx(sent, abs=1e-12)
            assert float(metered.received.sum()) == pytest.approx(delivered, abs=1e-12)
            into = metered[["surplus", "received", "discharged", "drawn"]].sum(axis=1)
            out = metered[["deficit", "sold", "charged", "spilled"]].sum(axis=1)
            assert np.allclose(into, out, atol=1e-12)
            assert self.world.meters[name] * 0.25 == pytest.approx(metered.drawn.to_numpy())


def in_minute(number: int) -> float:
    return START_S + 60.0 * number


def test_nash_by_hand() -> None:
    pool = Pool({"sun": 1.0, "mill": -1.0}).run()
    price = 0.5 * (40.0 + 283.7 - 0.5 * 2900.0 * MINUTE_MWH)
    assert len(pool.trades) == 15
    for minute, trade in enumerate(pool.trades):
        assert trade[:3] == (in_minute(minute), "sun", "mill")
        assert trade[3:8] == pytest.approx((price, *[MINUTE_MWH] * 3, 40.0 * MINUTE_MWH))
        assert trade.outcome == "delivered"
    assert pool.world.ledger.balance("sun") == pytest.approx(0.25 * (price - 40.0))
    assert pool.world.ledger.balance("mill") == pytest.approx(-0.25 * price)
    assert pool.world.ledger.balance("esp") == pytest.approx(0.25 * 40.0)
    assert pool.world.meters["mill"] == pytest.approx([0.0], abs=1e-12)


def test_a_trade_takes_two_messages() -> None:
    pool = Pool({"sun": 1.0, "mill": -1.0}).run()
    log = pool.world.bus.log()
    within = log[(log.sent_s >= START_S)]
    assert within.topic.value_counts().to_dict() == {"PriceOffer": 15, "Accept": 15}


def test_losses_and_capacity_limit_what_arrives() -> None:
    pool = Pool({"sun": 1.0, "mill": -1.0}, loss_per_km=0.001, capacity_mw=0.6).run()
    sent = 0.01
    for trade in pool.trades:
        assert (trade.sent_mwh, trade.delivered_mwh) == pytest.approx((sent, 0.96 * sent))
        assert trade.fee_money == pytest.approx(40.0 * sent)
        # E11 per MWh delivered: the fee grows by the loss.
        worth = 283.7 - 0.5 * 2900.0 * 0.96 * sent
        assert trade.price_per_mwh == pytest.approx(0.5 * (40.0 / 0.96 + worth))
    assert pool.world.meters["mill"] == pytest.approx([1.0 - 0.96 * 0.6])


def test_both_buyers_get_the_share_that_equalises_their_value() -> None:
    pool = Pool({"sun": 1.0, "mill": -1.0, "shop": -1.0}, utility=QuadraticUtility(283.7, 20000.0)).run()
    volume = {trade.buyer: trade.contracted_mwh for trade in pool.trades}
    # 283.7 - 20000 p - fee is the same for both; fees 40 and 112.5 (second interval of E7).
    near = 0.5 * (MINUTE_MWH + 72.5 / 20000.0)
    assert volume["mill"] == pytest.approx(min(near, MINUTE_MWH), rel=5e-3)
    assert volume["shop"] == pytest.approx(MINUTE_MWH - volume["mill"], rel=5e-3)


def test_a_buyer_moves_to_the_nearer_seller() -> None:
    pool = Pool({"sun": 1.0, "roof": 1.0, "mill": -1.0}).run()
    assert {trade.seller for trade in pool.trades} == {"roof"}
    assert pool.agents["sun"].metered[0].spilled == pytest.approx(0.25)


def test_the_leader_learns_the_demand_and_takes_its_best_price() -> None:
    # K = 4 USD, p0 = 1 kWh, fee 40: sqrt(40 * 4 / 0.001) = 400, above a band that ends at 500.
    rules = TradeRules(price_band_per_mwh=(0.0, 500.0))
    pool = Pool(
        {"sun": 5.0, "mill": -5.0}, utility=LogUtility(4.0), rules=rules, bargaining=LeaderRule()
    ).run()
    fee = 40.0
    assert [trade.price_per_mwh for trade in pool.trades] == pytest.approx([400.0] * 15)
    volume = (math.sqrt(4.0 / (fee * 0.001)) - 1.0) * 0.001
    assert [trade.contracted_mwh for trade in pool.trades] == pytest.approx([volume] * 15)


def test_the_leader_learns_a_straight_line_too() -> None:
    pool = Pool({"sun": 10.0, "mill": -10.0}, bargaining=LeaderRule()).run()
    last = pool.trades[-1]
    assert last.price_per_mwh == pytest.approx(0.5 * (283.7 + 40.0), rel=1e-3)
    assert last.contracted_mwh == pytest.approx((283.7 - 40.0) / 2.0 / 2900.0, rel=1e-3)


def test_a_posted_price_is_taken_or_left() -> None:
    pool = Pool({"sun": 10.0, "mill": -10.0}, bargaining=PostedRule(109.7)).run()
    assert [trade.contracted_mwh for trade in pool.trades] == pytest.approx([0.06] * 15)
    assert {trade.price_per_mwh for trade in pool.trades} == {109.7}
    dear = Pool({"sun": 10.0, "mill": -10.0}, bargaining=PostedRule(290.0)).run()
    assert dear.trades == []


def test_patience_decides_who_gains() -> None:
    volume = MINUTE_MWH
    worth = 283.7 - 0.5 * 2900.0 * volume
    pool = Pool({"sun": 1.0, "mill": -1.0}, bargaining=DeclaredAlternatingRule(0.9, 0.8)).run()
    share = (1.0 - 0.8) / (1.0 - 0.9 * 0.8)  # Rubinstein 1982
    assert [t.price_per_mwh for t in pool.trades] == pytest.approx([40.0 + share * (worth - 40.0)] * 15)
    wide, last_word = TradeRules(price_band_per_mwh=(0.0, 1000.0)), DeclaredAlternatingRule(deadline=1)
    pool = Pool({"sun": 1.0, "mill": -1.0}, rules=wide, bargaining=last_word).run()
    assert [t.price_per_mwh for t in pool.trades] == pytest.approx([worth] * 15)


@pytest.mark.parametrize("rule", [ZeroIntelligenceRule(), ZipRule()])
def test_shouted_prices_are_no_loss_to_either(rule: BargainingRule) -> None:
    pool = Pool({"sun": 1.0, "mill": -1.0}, rules=TradeRules(rounds=20), bargaining=rule).run()
    prices = [trade.price_per_mwh for trade in pool.trades]
    assert len(prices) > 5
    assert len(set(prices)) > 1
    for trade in pool.trades:
        assert 40.0 <= trade.price_per_mwh <= LINE.marginal(trade.contracted_mwh) + 1e-9


def test_without_terms_nothing_is_sold_and_new_terms_count_from_the_next_negotiation() -> None:
    assert Pool({"sun": 1.0, "mill": -1.0}, terms=None).run().trades == []
    pool = Pool({"sun": 1.0, "mill": -1.0}, n_period=2)
    esp = pool.world.bus.connect("esp", lambda envelope: None)
    moment = pool.world.clock.wait_until(START_S + 60.0)
    moment.callbacks.append(lambda _: esp.send("sun", LeaseTerms(2.0)))
    pool.run()
    fees = [trade.fee_money / trade.sent_mwh for trade in pool.trades]
    assert fees == pytest.approx([40.0] * 15 + [80.0] * 15)


# Under private information.


def test_offers_and_counter_offers_by_hand() -> None:
    pool = Pool({"sun": 1.0, "mill": -1.0}, bargaining=ConcessionRule(), rules=AT_ONCE).run()
    cap, fee, choke, last = 300.0, 40.0, LINE.intercept_per_mwh, 0.0
    # The buyer takes all it is offered below V'(60 kW h / 3.6), 235.4: the seller opens higher every minute.
    share, expected = 0.5, []
    for _ in range(15):
        opening, first = fee + share * (cap - fee), 0.9 * last
        asks = [opening - step * (opening - fee) for step in (0.0, 0.4, 0.8)]
        bids = [first, 0.5 * (first + choke), choke]
        last = next(ask for ask, bid in zip(asks, bids, strict=True) if ask <= bid)
        expected.append(last)
        share = 0.5 * (share + 1.0)
    assert [trade.price_per_mwh for trade in pool.trades] == pytest.approx(expected)
    assert [trade.contracted_mwh for trade in pool.trades] == pytest.approx([MINUTE_MWH] * 15)
    assert expected[:2] == pytest.approx([118.0, 157.0])
    told = pd.concat(
        pd.DataFrame(rows.values) for rows in pool.agents["sun"].rows() if rows.table == "offers"
    )
    minute = told[told["time"] == told["time"].iloc[0]]
    assert minute["move"].tolist() == ["offer", "counter", "offer", "accept"]
    assert minute["price_per_mwh"].tolist() == pytest.approx([170.0, 0.0, 118.0, 118.0])


def test_prices_rise_with_scarcity_and_fall_with_plenty() -> None:
    def price(sun_mw: float) -> float:
        pool = Pool({"sun": sun_mw, "mill": -3.0}, bargaining=ConcessionRule(), n_period=4).run()
        return pool.trades[-1].price_per_mwh

    prices = [price(sun_mw) for sun_mw in (0.5, 2.0, 6.0)]
    assert prices[0] > prices[1] > prices[2] > 40.0


def test_a_second_seller_lowers_the_price() -> None:
    alone = Pool({"sun": 4.0, "mill": -4.0}, bargaining=ConcessionRule(), n_period=4).run()
    both = Pool({"sun": 4.0, "roof": 4.0, "mill": -4.0}, bargaining=ConcessionRule(), n_period=4).run()
    assert both.trades[-1].price_per_mwh < alone.trades[-1].price_per_mwh


def test_with_one_round_the_seller_leads() -> None:
    one = TradeRules(rounds=1)
    pool = Pool({"sun": 10.0, "mill": -10.0}, bargaining=ConcessionRule(), rules=one, n_period=2).run()
    last = pool.trades[-1]
    assert last.price_per_mwh == pytest.approx(0.5 * (283.7 + 40.0), rel=1e-3)
    assert last.contracted_mwh == pytest.approx((283.7 - 40.0) / 2.0 / 2900.0, rel=1e-3)


def test_nothing_is_agreed_where_the_cost_is_above_what_energy_is_worth() -> None:
    poor = QuadraticUtility(39.0, 2900.0)
    assert Pool({"sun": 1.0, "mill": -1.0}, utility=poor, bargaining=ConcessionRule()).run().trades == []


# What can go wrong.


def test_a_seller_that_sends_half_pays_for_the_other_half() -> None:
    pool = Pool({"sun": 1.0, "mill": -1.0}, behaviours={"sun": PartialCompliance(0.5)}, n_period=2).run()
    first = pool.trades[0]
    assert first.outcome == "short"
    assert (first.sent_mwh, first.delivered_mwh) == pytest.approx((0.5 * MINUTE_MWH,) * 2)
    owed = sum((300.0 - t.price_per_mwh) * 0.5 * t.contracted_mwh for t in pool.trades)
    assert pool.paid(DEFAULT) == pytest.approx(owed)
    assert pool.world.meters["mill"] == pytest.approx([0.5, 0.5])
    # R <- 0.9 R + 0.1 * 0.5, thirty times.
    assert pool.agents["mill"].reputation == {"sun": pytest.approx(0.5 + 0.5 * 0.9**30)}
    # With its name it loses money: a buyer discounts what it may not get.
    assert pool.trades[-1].price_per_mwh < first.price_per_mwh


def test_a_seller_that_drops_out_sends_nothing_and_pays_no_fee() -> None:
    pool = Pool({"sun": 1.0, "mill": -1.0}, behaviours={"sun": DropOut(1.0)}).run()
    assert {trade.outcome for trade in pool.trades} == {"default"}
    assert (pool.paid(LINE_ENERGY), pool.paid(LINE_FEE)) == (0.0, 0.0)
    price = pool.trades[0].price_per_mwh
    assert pool.paid(DEFAULT) == pytest.approx(0.25 * (300.0 - price))
    assert pool.world.meters["mill"] == pytest.approx([1.0])
    assert pool.agents["sun"].metered[0].spilled == pytest.approx(0.25)


def test_a_line_that_fails_in_mid_trade_is_nobodys_fault() -> None:
    pool = Pool({"sun": 1.0, "mill": -1.0})
    pool.lines.add_outage("sun", "mill", in_minute(2) + 30.0, in_minute(5) - 15.0)
    pool.run()
    by_minute = {round((trade.minute_s - START_S) / 60.0): trade for trade in pool.trades}
    # In minute 2 half goes through; then nothing is offered until minute 5.
    assert sorted(set(range(15)) - set(by_minute)) == [3, 4]
    assert [minute for minute, trade in by_minute.items() if trade.outcome == "outage"] == [2]
    assert by_minute[2].sent_mwh == pytest.approx(0.5 * MINUTE_MWH)
    assert by_minute[2].fee_money == pytest.approx(0.5 * 40.0 * MINUTE_MWH)
    assert pool.paid(DEFAULT) == 0.0
    assert pool.agents["mill"].reputation == {}
    assert pool.world.meters["mill"] == pytest.approx([2.5 / 15.0])


def test_a_line_that_is_out_all_along_carries_nothing() -> None:
    pool = Pool({"sun": 1.0, "mill": -1.0})
    pool.lines.add_outage("sun", "mill", 0.0, 1e6)
    pool.run()
    assert (pool.trades, pool.world.meters["mill"]) == ([], pytest.approx([1.0]))


def test_a_lost_acceptance_is_made_good_within_the_minute() -> None:
    pool = Pool({"sun": 1.0, "mill": -1.0}, rules=AT_ONCE, quality=LinkQuality(latency_s=1.0))
    pool.world.bus.add_outage("sun", in_minute(3) + 1.5, in_minute(3) + 2.5)
    pool.run()
    log = pool.world.bus.log()
    lost = log[(log.outcome == "lost") & (log.topic == "Accept")]
    assert len(lost) == 1
    assert [trade.minute_s for trade in pool.trades] == [in_minute(number) for number in range(15)]


def test_an_acceptance_lost_for_good_binds_nobody() -> None:
    pool = Pool({"sun": 1.0, "mill": -1.0}, rules=AT_ONCE, quality=LinkQuality(latency_s=1.0))
    pool.world.bus.add_outage("sun", in_minute(3) + 1.5, in_minute(4) - 1.0)
    pool.run()
    assert len(pool.trades) == 14
    assert in_minute(3) not in {trade.minute_s for trade in pool.trades}
    assert pool.agents["mill"].reputation == {}
    assert pool.paid(DEFAULT) == 0.0
    assert pool.world.meters["mill"] == pytest.approx([1.0 / 15.0])


def test_copies_do_not_trade_twice() -> None:
    pool = Pool({"sun": 1.0, "mill": -1.0}, quality=LinkQuality(latency_s=0.5, duplication=1.0)).run()
    assert pool.world.bus.duplicated > 30
    assert [trade.minute_s for trade in pool.trades] == [in_minute(number) for number in range(15)]
    assert sum(trade.sent_mwh for trade in pool.trades) == pytest.approx(0.25)


@pytest.mark.parametrize(
    "forge",
    [
        lambda offer: Accept(offer.minute_s, offer.round, 0.0, offer.limit_mwh),
        lambda offer: Accept(offer.minute_s, offer.round, offer.price_per_mwh, 2.0 * offer.limit_mwh),
        lambda offer: Accept(offer.minute_s - 60.0, offer.round, offer.price_per_mwh, offer.limit_mwh),
        lambda offer: Accept(offer.minute_s, offer.round + 1, offer.price_per_mwh, offer.limit_mwh),
    ],
)
def test_an_acceptance_of_something_else_binds_nobody(forge: Callable[[PriceOffer], Accept]) -> None:
    class Forger(Behaviour):
        def choose(self, agent: object, signal: object, plan: object) -> object:
            return forge(signal) if isinstance(signal, PriceOffer) else plan

    pool = Pool({"sun": 1.0, "mill": -1.0}, behaviours={"mill": Forger()}).run()
    assert pool.trades == []


def test_an_unreliable_seller_loses_the_buyer_to_a_dearer_one() -> None:
    # "roof" is 10 km away and never delivers all; "sun" is 40 km away.
    pool = Pool(
        {"sun": 1.0, "roof": 1.0, "mill": -1.0}, behaviours={"roof": PartialCompliance(0.2)}, n_period=8
    ).run()
    sellers = [trade.seller for trade in pool.trades]
    assert sellers[0] == "roof"
    assert sellers[-1] == "sun"


def test_a_stranger_is_judged_by_what_is_said_about_it() -> None:
    pool = Pool({"sun": 1.0, "roof": 1.0, "mill": -1.0})
    desk = pool.world.bus.connect("desk", lambda envelope: None)
    desk.send("roof", Introduction(0, ("mill",), reputation=0.3))
    pool.run()
    assert {trade.seller for trade in pool.trades} == {"sun"}
    assert pool.agents["mill"].reputation == {}


def test_offers_are_spread_over_the_start_of_the_minute() -> None:
    late = Pool({"sun": 1.0, "roof": 1.0, "mill": -2.0}, rules=TradeRules(spread_s=30.0)).run()
    log = late.world.bus.log()
    moments = log[log.topic == "PriceOffer"].sent_s.to_numpy() % 60.0
    assert len(set(moments.round(6))) == 2
    assert moments.max() < 30.0
    prompt = Pool({"sun": 1.0, "roof": 1.0, "mill": -2.0}, rules=AT_ONCE).run()

    def by_pair(pool: Pool) -> list[MinuteTrade]:
        return sorted(pool.trades)

    assert by_pair(late) == by_pair(prompt)


def test_the_same_seed_gives_the_same_bytes() -> None:
    quality = LinkQuality(latency_s=0.2, latency_jitter_s=0.1, loss=0.05, duplication=0.05)
    one, other = (
        Pool({"sun": 1.0, "mill": -1.0, "shop": -0.5}, quality=quality, n_period=2).run() for _ in range(2)
    )
    assert one.trades == other.trades
    assert one.world.ledger.head == other.world.ledger.head
    assert one.world.bus.log().equals(other.world.bus.log())
