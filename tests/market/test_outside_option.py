"""A buyer that could be served at the real-time price, against integrals and against its best topping up."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.optimize import minimize_scalar

from gridarium.market.bargaining import Bargain, nash_price
from gridarium.market.outside_option import OverMarket, over_market
from gridarium.market.residual import residual
from gridarium.market.utility import LogUtility, QuadraticUtility, Utility

MARKET = 300.0
UTILITIES: list[Utility] = [LogUtility(2.6), QuadraticUtility(400.0, 2900.0)]
VOLUMES = (0.0, 0.002, 0.0077, 0.03, 0.1)


@pytest.mark.parametrize("utility", UTILITIES)
@pytest.mark.parametrize("volume", VOLUMES[1:])
def test_the_value_is_the_integral_of_the_smaller_of_marginal_value_and_market_price(
    utility: Utility, volume: float
) -> None:
    over = over_market(utility, MARKET)
    kink = utility.demand(MARKET)
    points = [kink] if kink < volume else None
    integral = quad(lambda p: min(MARKET, utility.marginal(p)), 0.0, volume, points=points)[0]
    assert over.value(volume) == pytest.approx(integral, rel=1e-6)
    assert over.average(volume) == pytest.approx(over.value(volume) / volume)
    step = 1e-7
    slope = (over.value(volume + step) - over.value(volume - step)) / (2.0 * step)
    assert over.marginal(volume) == pytest.approx(slope, rel=1e-3)


@pytest.mark.parametrize("utility", UTILITIES)
@pytest.mark.parametrize("volume", VOLUMES)
def test_it_is_what_a_trade_adds_to_the_best_use_of_the_market(utility: Utility, volume: float) -> None:
    def best(given: float) -> float:
        found = minimize_scalar(
            lambda more: MARKET * more - utility.value(given + more), bounds=(0.0, 0.2), method="bounded",
            options={"xatol": 1e-12},
        )  # fmt: skip
        return max(utility.value(given), -float(found.fun))

    assert over_market(utility, MARKET).value(volume) == pytest.approx(best(volume) - best(0.0), abs=1e-6)


@pytest.mark.parametrize("utility", UTILITIES)
def test_demand_below_the_market_price_is_the_same_and_none_above_it(utility: Utility) -> None:
    over = over_market(utility, MARKET)
    for price in (50.0, 200.0, MARKET):
        assert over.demand(price) == utility.demand(price)
    assert over.demand(MARKET + 1e-6) == 0.0
    prices = np.linspace(20.0, MARKET, 20_000)
    profits = [(price - 20.0) * over.demand(float(price)) for price in prices]
    assert over.monopoly_price(20.0) == pytest.approx(prices[int(np.argmax(profits))], abs=0.1)


@pytest.mark.parametrize("utility", UTILITIES)
@pytest.mark.parametrize("share", [1.0, 0.6])
@pytest.mark.parametrize("held", [0.002, 0.05])
def test_what_is_left_of_it_once_some_is_held(utility: Utility, share: float, held: float) -> None:
    over = over_market(utility, MARKET)
    left = residual(over, held, share)
    for volume in VOLUMES:
        expected = share * (over.value(held + volume) - over.value(held))
        assert left.value(volume) == pytest.approx(expected, abs=1e-9)


def test_who_values_nothing_above_the_market_has_no_use_of_it() -> None:
    utility = QuadraticUtility(250.0, 2900.0)
    assert over_market(utility, MARKET) is utility


def test_the_nash_price_falls_from_the_middle_of_cost_and_market_price() -> None:
    over = OverMarket(LogUtility(2.6), MARKET)
    prices = [nash_price(Bargain(20.0, over, 0.1, (0.0, MARKET)), volume) for volume in (0.004, 0.02, 0.08)]
    assert prices[0] == pytest.approx(160.0)
    # E11 with d_IP, what the buyer has if it is served at the real-time price.
    topped = LogUtility(2.6).demand(MARKET)
    d_ip = LogUtility(2.6).value(topped) - MARKET * topped
    assert prices[1] == pytest.approx(
        nash_price(Bargain(20.0, LogUtility(2.6), 1.0, (0.0, MARKET), 0.0, d_ip), 0.02)
    )
    assert prices[0] > prices[1] > prices[2]
