"""Every rule keeps to the band and to the limits of both sides; small cases by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridarium.environment.errors import InputError
from gridarium.market.bargaining import (
    Bargain,
    Deal,
    alternating_outcome,
    efficient_volume,
    ep_leader_outcome,
    nash_outcome,
    nash_price,
    posted_outcome,
    shouted_outcome,
)
from gridarium.market.shouting import Side, ZeroIntelligence, ZipTrader
from gridarium.market.utility import LogUtility, QuadraticUtility

LINE = QuadraticUtility(200.0, 2000.0)


@st.composite
def bargains(draw):
    low = draw(st.floats(0.0, 150.0))
    return Bargain(
        cost_per_mwh=draw(st.floats(0.0, 200.0)),
        utility=draw(
            st.one_of(
                st.builds(LogUtility, st.floats(0.5, 20), st.floats(0.0005, 0.05)),
                st.builds(QuadraticUtility, st.floats(50, 500), st.floats(500, 10_000)),
            )
        ),
        p_max_mwh=draw(st.floats(0.0, 0.3)),
        band=(low, low + draw(st.floats(0.0, 300.0))),
        d_ep=draw(st.sampled_from([0.0, 0.0, 0.5, 3.0])),
        d_ip=draw(st.sampled_from([0.0, 0.0, 0.5, 3.0])),
    )


def shouted(kind):
    def outcome(bargain, rng):
        return shouted_outcome(bargain, kind(rng, Side.ASK), kind(rng, Side.BID))

    return outcome


OUTCOMES = {
    "nash": lambda bargain, rng: nash_outcome(bargain),
    "ep-leader": lambda bargain, rng: ep_leader_outcome(bargain),
    "alternating": lambda bargain, rng: alternating_outcome(bargain, 0.9, 0.8, 5),
    "posted": lambda bargain, rng: posted_outcome(bargain, 120.0),
    "zi-c": shouted(ZeroIntelligence),
    "zip": shouted(ZipTrader),
}


@pytest.mark.parametrize("name", sorted(OUTCOMES))
@settings(max_examples=300)
@given(bargain=bargains(), seed=st.integers(0, 10_000))
def test_price_in_band_volume_in_limits_and_nobody_loses(name, bargain, seed):
    deal = OUTCOMES[name](bargain, np.random.default_rng(seed))
    if deal is None:
        return
    low, high = bargain.band
    noise = 1e-9 * (1 + abs(bargain.utility.value(deal.volume_mwh)))
    assert low <= deal.price_per_mwh <= high
    assert 0.0 < deal.volume_mwh <= bargain.p_max_mwh
    assert deal.gain_ep(bargain) >= -noise
    assert deal.gain_ip(bargain) >= -noise


@settings(max_examples=500)
@given(bargains(), st.floats(0, 1), st.floats(0, 1))
def test_a_nash_deal_is_there_whenever_any_deal_is(bargain, at_price, at_volume):
    low, high = bargain.band
    other = Deal(low + at_price * (high - low), at_volume * bargain.p_max_mwh)
    if not (other.gain_ep(bargain) > 1e-9 and other.gain_ip(bargain) > 1e-9):
        return
    best = nash_outcome(bargain)
    product = best.gain_ep(bargain) * best.gain_ip(bargain)
    assert product >= other.gain_ep(bargain) * other.gain_ip(bargain) * (1 - 1e-9)


@given(bargains())
def test_outside_gains_are_covered_by_the_leader(bargain):
    deal = ep_leader_outcome(bargain)
    nash = nash_outcome(bargain)
    if deal is not None and nash is not None:
        # To lead is worth at least what the IP's own choice at the Nash price would give.
        answer = posted_outcome(bargain, nash.price_per_mwh)
        if answer is not None:
            assert deal.gain_ep(bargain) >= answer.gain_ep(bargain) - 1e-9


def test_nash_by_hand():
    # V'(p) = 200 - 2000 p = 40 at 0.08; V = 9.6, surplus 6.4, so each gets 3.2: price 40 + 3.2 / 0.08
    bargain = Bargain(40.0, LINE, 0.2, (0.0, 300.0))
    deal = nash_outcome(bargain)
    assert (deal.price_per_mwh, deal.volume_mwh) == pytest.approx((80.0, 0.08))
    assert (deal.gain_ep(bargain), deal.gain_ip(bargain)) == pytest.approx((3.2, 3.2))
    assert nash_price(bargain, 0.04) == pytest.approx(0.5 * (40 + 160))
    assert nash_price(Bargain(40.0, LINE, 0.2, (0.0, 90.0)), 0.04) == 90.0


@pytest.mark.parametrize("limit", [100.0, 60.0])
def test_nash_at_the_limit_of_the_band_by_hand(limit):
    # With the price fixed at b the product (b - c) p (a - b - s p / 2) p is largest at p = 4 (a - b) / (3 s).
    band = (limit, 300.0) if limit > 80 else (0.0, limit)
    deal = nash_outcome(Bargain(40.0, LINE, 0.2, band))
    assert deal.price_per_mwh == limit
    assert deal.volume_mwh == pytest.approx(4 * (200 - limit) / (3 * 2000))


def test_ep_leader_by_hand():
    deal = ep_leader_outcome(Bargain(40.0, LINE, 0.2, (0.0, 300.0)))
    assert (deal.price_per_mwh, deal.volume_mwh) == pytest.approx((120.0, 0.04))
    short = ep_leader_outcome(Bargain(40.0, LINE, 0.01, (0.0, 300.0)))
    assert (short.price_per_mwh, short.volume_mwh) == pytest.approx((180.0, 0.01))
    log = ep_leader_outcome(Bargain(40.0, LogUtility(4.0), 1.0, (0.0, 900.0)))
    assert log.price_per_mwh == pytest.approx(400.0)
    assert log.price_per_mwh == pytest.approx(40.0 * (1 + log.volume_mwh / 0.001))
    # A buyer with 2.25 USD elsewhere has them again at 200 - price = sqrt(2 * 2000 * 2.25).
    kept = ep_leader_outcome(Bargain(40.0, LINE, 0.2, (0.0, 300.0), d_ip=2.25))
    assert kept.price_per_mwh == pytest.approx(200 - np.sqrt(4000 * 2.25))


def test_posted_by_hand():
    bargain = Bargain(40.0, LINE, 0.2, (50.0, 150.0))
    assert posted_outcome(bargain, 120.0) == Deal(120.0, 0.04)
    assert posted_outcome(bargain, 500.0) == Deal(150.0, 0.025)
    assert posted_outcome(Bargain(60.0, LINE, 0.2, (50.0, 150.0)), 55.0) is None


def test_no_deal_without_gains():
    assert nash_outcome(Bargain(250.0, LINE, 0.2, (0.0, 300.0))) is None
    assert nash_outcome(Bargain(40.0, LINE, 0.0, (0.0, 300.0))) is None
    assert nash_outcome(Bargain(40.0, LINE, 0.2, (0.0, 40.0))) is None
    assert nash_outcome(Bargain(40.0, LINE, 0.2, (0.0, 300.0), d_ep=3.2, d_ip=3.2)) is None
    assert ep_leader_outcome(Bargain(40.0, LINE, 0.2, (0.0, 39.0))) is None
    assert alternating_outcome(Bargain(40.0, LINE, 0.2, (150.0, 300.0)), 0.9, 0.9) is None


def test_one_offer_takes_all_and_two_leave_the_first_its_discount():
    bargain = Bargain(40.0, LINE, 0.2, (0.0, 300.0))
    assert efficient_volume(bargain) == pytest.approx(0.08)
    last = alternating_outcome(bargain, 0.9, 0.7, deadline=1)
    assert last.gain_ep(bargain) == pytest.approx(6.4)
    assert alternating_outcome(bargain, 0.9, 0.7, 1, "ip").gain_ep(bargain) == pytest.approx(0.0)
    assert alternating_outcome(bargain, 0.9, 0.7, 2).gain_ep(bargain) == pytest.approx(0.3 * 6.4)
    assert alternating_outcome(bargain, 0.9, 0.7, 2, "ip").gain_ep(bargain) == pytest.approx(0.9 * 6.4)


def test_impatient_partner_gives_way():
    bargain = Bargain(40.0, LINE, 0.2, (0.0, 300.0))
    patient = alternating_outcome(bargain, 0.99, 0.5)
    hasty = alternating_outcome(bargain, 0.5, 0.99)
    assert patient.gain_ep(bargain) > 0.97 * 6.4
    assert hasty.gain_ep(bargain) < 0.03 * 6.4


@pytest.mark.parametrize(
    ("arguments", "places"),
    [
        ((1.2, -0.1), ["delta_ep", "delta_ip"]),
        ((1.0, 1.0), ["delta_ep, delta_ip"]),
        ((0.9, 0.9, 0), ["deadline"]),
    ],
)
def test_bad_patience_is_named(arguments, places):
    with pytest.raises(InputError) as caught:
        alternating_outcome(Bargain(40.0, LINE, 0.2, (0.0, 300.0)), *arguments)
    assert [fault.place for fault in caught.value.faults] == places
