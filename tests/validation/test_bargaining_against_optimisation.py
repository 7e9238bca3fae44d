"""Closed forms of the bargaining rules against numerical optimisation and an independent game tree."""

import math

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from gridarium.market.bargaining import (
    Bargain,
    alternating_outcome,
    efficient_volume,
    ep_leader_outcome,
    nash_outcome,
    nash_price,
)
from gridarium.market.utility import LogUtility, QuadraticUtility

PAIRS = 500


def random_bargain(rng, outside_gains):
    """A pair with or without a binding volume and band, half logarithmic, half quadratic."""
    if rng.random() < 0.5:
        utility = LogUtility(rng.uniform(3, 12), rng.uniform(0.005, 0.03))
    else:
        utility = QuadraticUtility(rng.uniform(150, 400), rng.uniform(1500, 6000))
    low, high = (0.0, 1000.0) if rng.random() < 0.5 else np.sort(rng.uniform(20, 350, 2)).tolist()
    p_max = rng.choice([0.02, 0.05, 0.3])
    outside = rng.uniform(0, 1, 2) if outside_gains else (0.0, 0.0)
    return Bargain(rng.uniform(10, 120), utility, float(p_max), (low, high), *map(float, outside))


def value(utility, p):
    """V(p) written again."""
    if isinstance(utility, LogUtility):
        return utility.scale_money * math.log(1 + p / utility.unit_mwh)
    return utility.intercept_per_mwh * p - utility.slope_per_mwh2 * p * p / 2


def gains(bargain, price, p):
    """Gains of EP and IP written again."""
    ep = price * p - bargain.cost_per_mwh * p - bargain.d_ep
    return ep, value(bargain.utility, p) - price * p - bargain.d_ip


def largest(function, low, high, n_grid=60):
    """Where a function of one number that rises and then falls is largest: a grid, then Brent's method."""
    grid = np.linspace(low, high, n_grid)
    top = int(np.argmax([function(x) for x in grid]))
    left, right = grid[max(top - 1, 0)], grid[min(top + 1, n_grid - 1)]
    found = minimize_scalar(
        lambda x: -function(x), bounds=(left, right), method="bounded", options={"xatol": 1e-12 * abs(high)}
    )
    return float(max((left, right, found.x), key=function))


def log_product(bargain, price, p):
    """Log of the product of both gains; far below any other value, and falling, where one has a loss."""
    both = gains(bargain, price, p)
    return math.log(both[0]) + math.log(both[1]) if min(both) > 0 else -1e6 + min(both)


def numerical_nash(bargain):
    """Price and volume with the largest product of gains, one search inside the other; None without gains."""

    def best_price_of(p):
        low = max(bargain.band[0], bargain.cost_per_mwh + bargain.d_ep / p)
        high = min(bargain.band[1], (value(bargain.utility, p) - bargain.d_ip) / p)
        if low >= high:
            return None
        return largest(lambda price: log_product(bargain, price, p), low, high, n_grid=5)

    def height(p):
        price = best_price_of(p)
        if price is None:
            # As far from a deal as the two limits are apart; steers the search, never wins.
            low = max(bargain.band[0], bargain.cost_per_mwh + bargain.d_ep / p)
            return -1e6 - low + (value(bargain.utility, p) - bargain.d_ip) / p
        return log_product(bargain, price, p)

    p = largest(height, 1e-9, bargain.p_max_mwh)
    return None if height(p) < -1e5 else (best_price_of(p), p, height(p))


@pytest.mark.parametrize("outside_gains", [False, True])
def test_nash_outcome(outside_gains):
    rng = np.random.default_rng(11)
    compared, at_band, at_volume = 0, 0, 0
    for _ in range(PAIRS // 2):
        bargain = random_bargain(rng, outside_gains)
        found, deal = numerical_nash(bargain), nash_outcome(bargain)
        if found is None:
            assert deal is None
            continue
        price, p, reached = found
        if min(gains(bargain, price, p)) < 1e-4:
            # A gain of a hundredth of a cent is the difference of two equal numbers: its digits are noise.
            continue
        ours = math.log(deal.gain_ep(bargain)) + math.log(deal.gain_ip(bargain))
        assert ours >= reached - 1e-9
        assert deal.volume_mwh == pytest.approx(p, rel=1e-6), bargain
        assert deal.price_per_mwh == pytest.approx(price, rel=1e-6), bargain
        compared += 1
        at_band += deal.price_per_mwh in bargain.band
        at_volume += deal.volume_mwh == bargain.p_max_mwh
    assert compared > 0.5 * PAIRS / 2
    assert at_band > 30
    assert at_volume > 30


def test_nash_price_at_a_given_volume():
    rng = np.random.default_rng(12)
    for index in range(PAIRS):
        bargain = random_bargain(rng, outside_gains=index % 2 == 0)
        p = float(rng.uniform(0.2, 1.0)) * bargain.p_max_mwh
        low = max(bargain.band[0], bargain.cost_per_mwh + bargain.d_ep / p)
        high = min(bargain.band[1], (value(bargain.utility, p) - bargain.d_ip) / p)
        if low >= high:
            continue
        found = minimize_scalar(
            lambda price, p=p, bargain=bargain: -math.prod(gains(bargain, price, p)),
            bounds=(low, high),
            method="bounded",
            options={"xatol": 1e-11 * high},
        )
        assert nash_price(bargain, p) == pytest.approx(found.x, rel=1e-6)


def best_reply(bargain, price):
    """Volume that is best for the IP at a price, found numerically."""
    found = minimize_scalar(
        lambda p: price * p - value(bargain.utility, p),
        bounds=(0.0, bargain.p_max_mwh),
        method="bounded",
        options={"xatol": 1e-13},
    )
    return float(found.x)


def inverse_demand(bargain, price):
    """The same from the first-order condition."""
    utility = bargain.utility
    if isinstance(utility, LogUtility):
        wanted = utility.scale_money / price - utility.unit_mwh if price > 0 else math.inf
    else:
        wanted = (utility.intercept_per_mwh - price) / utility.slope_per_mwh2
    return min(max(wanted, 0.0), bargain.p_max_mwh)


def best_price(bargain, reply):
    """Price in the band with the largest gain of the EP; the IP refuses what is below its outside gain."""
    low, high = bargain.band
    low = max(low, bargain.cost_per_mwh)

    def refuses(price):
        return gains(bargain, price, reply(bargain, price))[1] < 0

    if low >= high or refuses(low):
        return None
    highest = high
    if refuses(high):
        left, right = low, high
        for _ in range(80):
            middle = (left + right) / 2
            left, right = (left, middle) if refuses(middle) else (middle, right)
        highest = left
    return largest(lambda price: gains(bargain, price, reply(bargain, price))[0], low, highest)


@pytest.mark.parametrize("outside_gains", [False, True])
def test_ep_leader(outside_gains):
    rng = np.random.default_rng(13)
    sold_out, at_band, deals = 0, 0, 0
    for _ in range(PAIRS // 2):
        bargain = random_bargain(rng, outside_gains)
        deal, price = ep_leader_outcome(bargain), best_price(bargain, inverse_demand)
        if deal is None:
            assert price is None or gains(bargain, price, inverse_demand(bargain, price))[0] < 1e-6
            continue
        assert deal.price_per_mwh == pytest.approx(price, rel=1e-6), bargain
        assert deal.volume_mwh == pytest.approx(inverse_demand(bargain, price), rel=2e-5), bargain
        deals += 1
        at_band += deal.price_per_mwh in bargain.band
        sold_out += deal.volume_mwh == bargain.p_max_mwh
    assert deals > 0.5 * PAIRS / 2
    assert at_band > 30
    assert sold_out > 30


def test_ep_leader_with_a_numerical_follower():
    rng = np.random.default_rng(14)
    for _ in range(15):
        bargain = random_bargain(rng, outside_gains=False)
        deal, price = ep_leader_outcome(bargain), best_price(bargain, best_reply)
        if deal is not None:
            reached = gains(bargain, price, best_reply(bargain, price))[0]
            assert deal.gain_ep(bargain) == pytest.approx(reached, rel=1e-6)


def test_offers_without_deadline_tend_to_nash():
    for utility in (QuadraticUtility(), LogUtility(8.0, 0.01)):
        bargain = Bargain(40.0, utility, 0.2, (0.0, 1000.0), d_ep=0.1, d_ip=0.3)
        nash = nash_outcome(bargain)
        errors = []
        for step in range(1, 7):
            delta = 1 - 10.0**-step
            prices = [
                alternating_outcome(bargain, delta, delta, first=first).price_per_mwh
                for first in ("ep", "ip")
            ]
            assert prices[1] < nash.price_per_mwh < prices[0]
            errors.append(max(abs(price - nash.price_per_mwh) for price in prices))
        # The first to offer gains by one discount: the error falls with 1 - delta, ten times a step.
        ratios = np.array(errors[1:]) / np.array(errors[:-1])
        np.testing.assert_allclose(ratios[1:], 0.1, rtol=0.01)
        assert errors[-1] < 1e-6 * nash.price_per_mwh * 10


def test_offers_without_deadline_tend_to_nash_within_the_band():
    bargain = Bargain(40.0, QuadraticUtility(), 0.05, (0.0, 90.0))
    limit = nash_price(bargain, efficient_volume(bargain))
    for first in ("ep", "ip"):
        deal = alternating_outcome(bargain, 1 - 1e-7, 1 - 1e-7, first=first)
        assert deal.price_per_mwh == pytest.approx(limit, rel=1e-5)


def subgame(turn, left, deltas, prices, volume, bargain):
    """Discounted gains of EP and IP when `turn` offers and `left` offers remain, over a grid of prices."""
    if left == 0:
        return 0.0, 0.0, None
    other = "ip" if turn == "ep" else "ep"
    later_ep, later_ip, _ = subgame(other, left - 1, deltas, prices, volume, bargain)
    waits = {"ep": deltas["ep"] * later_ep, "ip": deltas["ip"] * later_ip}
    best = None
    for price in prices:
        ep, ip = gains(bargain, price, volume)
        answer = ip if turn == "ep" else ep
        own = ep if turn == "ep" else ip
        if min(ep, ip) < 0 or answer < waits[other]:
            continue
        if best is None or own > best[0]:
            best = own, ep, ip, price
    if best is None or best[0] < waits[turn]:
        return waits["ep"], waits["ip"], None
    return best[1], best[2], best[3]


@pytest.mark.parametrize("band", [(0.0, 400.0), (95.0, 120.0), (60.0, 100.0)])
@pytest.mark.parametrize("first", ["ep", "ip"])
@pytest.mark.parametrize("deadline", [1, 2, 3, 6])
def test_deadline_against_a_game_tree(band, first, deadline):
    bargain = Bargain(40.0, QuadraticUtility(), 0.06, band, d_ep=0.2, d_ip=0.1)
    volume = efficient_volume(bargain)
    prices = np.linspace(*band, 4001)
    *_, price = subgame(first, deadline, {"ep": 0.9, "ip": 0.8}, prices, volume, bargain)
    deal = alternating_outcome(bargain, 0.9, 0.8, deadline, first)
    assert deal.price_per_mwh == pytest.approx(price, abs=deadline * (band[1] - band[0]) / 4000)


@pytest.mark.parametrize("band", [(0.0, 400.0), (130.0, 180.0), (0.0, 100.0), (118.0, 119.0)])
@pytest.mark.parametrize("deltas", [(0.9, 0.8), (0.6, 0.95), (0.3, 0.3), (1.0, 0.9)])
def test_a_far_deadline_is_no_deadline(band, deltas):
    bargain = Bargain(40.0, QuadraticUtility(), 0.06, band)
    for first in ("ep", "ip"):
        far = alternating_outcome(bargain, *deltas, 400, first)
        assert far.price_per_mwh == pytest.approx(
            alternating_outcome(bargain, *deltas, None, first).price_per_mwh, rel=1e-9
        )
