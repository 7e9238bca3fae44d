"""Shouts stay within limit and band; ZIP margins move as Cliff's rules say."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import kstest

from gridarium.market.shouting import Shout, Side, ZeroIntelligence, ZipTrader

BAND = (0.0, 300.0)


def trader(side, margin=0.25, **options):
    return ZipTrader(
        np.random.default_rng(3), side, margin=margin, learning_rate=0.4, momentum=0.0, **options
    )


@pytest.mark.parametrize("kind", [ZeroIntelligence, ZipTrader])
@given(
    limit=st.floats(0, 400),
    low=st.floats(0, 200),
    width=st.floats(0, 200),
    side=st.sampled_from(Side),
    calls=st.lists(st.tuples(st.floats(0, 400), st.sampled_from(Side), st.booleans()), max_size=20),
)
def test_no_shout_is_a_loss_or_outside_the_band(kind, limit, low, width, side, calls):
    one = kind(np.random.default_rng(0), side)
    for price, other, accepted in [(100.0, side, False), *calls]:
        shout = one.shout(limit, (low, low + width))
        if shout is None:
            assert limit > low + width if side is Side.ASK else limit < low
        else:
            assert low <= shout.price_per_mwh <= low + width
            best = max(shout.price_per_mwh, limit) if side is Side.ASK else min(shout.price_per_mwh, limit)
            assert best == shout.price_per_mwh
        one.update(Shout(other, price), accepted)


def test_zero_intelligence_is_uniform_up_to_its_limit():
    buyer = ZeroIntelligence(np.random.default_rng(7), Side.BID)
    seller = ZeroIntelligence(np.random.default_rng(8), Side.ASK)
    bids = [buyer.shout(120.0, BAND).price_per_mwh for _ in range(2000)]
    asks = [seller.shout(120.0, BAND).price_per_mwh for _ in range(2000)]
    assert kstest(bids, "uniform", (0, 120)).pvalue > 0.01
    assert kstest(asks, "uniform", (120, 180)).pvalue > 0.01


@pytest.mark.parametrize(
    ("side", "called", "accepted", "move"),
    [
        # A seller at 125, a buyer at 75 with limit 100; what its price does after each kind of shout.
        (Side.ASK, Shout(Side.BID, 140.0), True, +1),
        (Side.ASK, Shout(Side.ASK, 140.0), True, +1),
        (Side.ASK, Shout(Side.BID, 110.0), True, -1),
        (Side.ASK, Shout(Side.ASK, 110.0), True, 0),
        (Side.ASK, Shout(Side.ASK, 110.0), False, -1),
        (Side.ASK, Shout(Side.BID, 110.0), False, 0),
        (Side.ASK, Shout(Side.ASK, 140.0), False, 0),
        (Side.BID, Shout(Side.ASK, 60.0), True, -1),
        (Side.BID, Shout(Side.BID, 60.0), True, -1),
        (Side.BID, Shout(Side.ASK, 90.0), True, +1),
        (Side.BID, Shout(Side.BID, 90.0), True, 0),
        (Side.BID, Shout(Side.BID, 90.0), False, +1),
        (Side.BID, Shout(Side.ASK, 90.0), False, 0),
        (Side.BID, Shout(Side.BID, 60.0), False, 0),
    ],
)
def test_direction_of_every_move(side, called, accepted, move):
    one = trader(side)
    before = one.shout(100.0, BAND).price_per_mwh
    one.update(called, accepted)
    assert np.sign(one.shout(100.0, BAND).price_per_mwh - before) == move


def test_widrow_hoff_step_by_hand():
    seller = trader(Side.ASK, relative_step=0.0, absolute_step_per_mwh=0.0)
    seller.shout(100.0, BAND)
    seller.update(Shout(Side.BID, 145.0), True)
    # 125 + 0.4 (145 - 125)
    assert seller.shout(100.0, BAND).price_per_mwh == pytest.approx(133.0)
    assert seller.margin == pytest.approx(0.33)
    # The margin goes on when the limit moves.
    assert seller.shout(50.0, BAND).price_per_mwh == pytest.approx(66.5)


def test_momentum_carries_the_last_move_on():
    seller = ZipTrader(
        np.random.default_rng(0), Side.ASK, margin=0.25, learning_rate=0.4, momentum=0.5,
        relative_step=0.0, absolute_step_per_mwh=0.0,
    )  # fmt: skip
    seller.shout(100.0, BAND)
    seller.update(Shout(Side.BID, 145.0), True)
    assert seller.shout(100.0, BAND).price_per_mwh == pytest.approx(125 + 0.5 * 8)
    seller.update(Shout(Side.BID, 145.0), True)
    assert seller.shout(100.0, BAND).price_per_mwh == pytest.approx(129 + 0.5 * 4 + 0.5 * 0.4 * 16)


def test_one_with_nothing_left_only_raises_its_margin():
    seller = trader(Side.ASK)
    seller.shout(100.0, BAND)
    seller.update(Shout(Side.ASK, 110.0), False, active=False)
    assert seller.margin == 0.25
    seller.update(Shout(Side.BID, 140.0), True, active=False)
    assert seller.margin > 0.25


def test_parameters_are_drawn_in_the_published_ranges():
    traders = [ZipTrader(np.random.default_rng(seed), Side.BID) for seed in range(200)]
    assert all(-0.35 <= one.margin <= -0.05 for one in traders)
    assert all(0.1 <= one.learning_rate <= 0.5 and 0.0 <= one.momentum <= 0.1 for one in traders)
