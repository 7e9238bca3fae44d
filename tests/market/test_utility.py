"""Both utilities are concave, start at 0, and demand is the inverse of the marginal value."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.optimize import minimize_scalar

from gridarium.market.bargaining import Bargain, nash_price
from gridarium.market.utility import LogUtility, QuadraticUtility

UTILITIES = st.one_of(
    st.builds(LogUtility, st.floats(0.5, 20), st.floats(0.0005, 0.1)),
    st.builds(QuadraticUtility, st.floats(50, 500), st.floats(500, 10_000)),
)
# Minute, kWh, USD/kWh: the price example printed for one quarter of an hour.
TABLE_III = np.array(
    [
        (60, 0.11), (67, 0.09), (9, 0.26), (68, 0.09), (47, 0.16), (7, 0.28), (21, 0.21), (41, 0.15),
        (71, 0.08), (72, 0.08), (12, 0.25), (72, 0.08), (71, 0.08), (36, 0.17), (60, 0.11),
    ]
)  # fmt: skip


@given(UTILITIES, st.floats(0.0, 0.2))
def test_value_is_the_area_below_the_marginal(utility, p):
    area, _ = quad(utility.marginal, 0.0, p)
    assert utility.value(p) == pytest.approx(area, rel=1e-7, abs=1e-12)
    assert utility.average(p) * p == pytest.approx(utility.value(p), abs=1e-12)


@given(UTILITIES, st.floats(1.0, 400.0))
def test_demand_is_where_the_marginal_meets_the_price(utility, price):
    p = utility.demand(price)
    if p > 0:
        assert utility.marginal(p) == pytest.approx(price, rel=1e-9)
    else:
        assert utility.marginal(0.0) <= price * (1 + 1e-12)


@given(UTILITIES, st.floats(1.0, 200.0))
def test_monopoly_price_is_the_best_price(utility, cost):
    choke = utility.marginal(0.0)
    if choke <= cost * 1.01:
        return
    found = minimize_scalar(
        lambda price: -(price - cost) * utility.demand(price),
        bounds=(cost, choke),
        method="bounded",
        options={"xatol": 1e-9 * choke},
    )
    assert utility.monopoly_price(cost) == pytest.approx(found.x, rel=1e-5)


def test_numbers_of_the_log_by_hand():
    utility = LogUtility.of_weights(payment=0.4, energy=0.5, k_money=0.8)
    assert utility.scale_money == pytest.approx(1.0)
    assert utility.value(0.001 * (math.e - 1)) == pytest.approx(1.0)
    assert utility.demand(0.0) == math.inf
    # fee (1 + p) with p in units of p0
    price = utility.monopoly_price(40.0)
    assert price == pytest.approx(40.0 * (1 + utility.demand(price) / 0.001))


def test_default_quadratic_is_the_line_through_the_printed_prices():
    slope, intercept = np.polyfit(TABLE_III[:, 0], TABLE_III[:, 1], 1)
    utility = QuadraticUtility()
    assert utility.intercept_per_mwh == pytest.approx(1000 * intercept, abs=0.05)
    assert utility.slope_per_mwh2 == pytest.approx(-1e6 * slope, rel=0.01)
    line = np.array([utility.marginal(kwh / 1000) / 1000 for kwh in TABLE_III[:, 0]])
    residual = ((TABLE_III[:, 1] - line) ** 2).sum() / ((TABLE_III[:, 1] - TABLE_III[:, 1].mean()) ** 2).sum()
    assert 1 - residual > 0.98


def test_utility_behind_bargains_puts_nash_prices_on_the_line():
    utility = QuadraticUtility.behind_bargains(283.7, 2900.0, cost_per_mwh=35.0)
    for p in TABLE_III[:, 0] / 1000:
        bargain = Bargain(35.0, utility, float(p), (0.0, 300.0))
        assert nash_price(bargain, float(p)) == pytest.approx(283.7 - 2900.0 * p)
