"""Retail tariffs against hand-computed prices; the budget rule C8 with its equality."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from gridarium.market.adcef import AdcefTariff
from gridarium.market.messages.tariffs import MarketConditions
from gridarium.market.supply import Situation, Supply
from gridarium.market.tariffs import (
    StaticCarbonTariff,
    TouTariff,
    balance_budget,
    carbon_adjusted_price,
    carbon_revenue,
    granted_discount,
)

TOU = np.array([320.0, 980.0, 680.0])
LOAD = np.array([1.0, 3.0, 2.0])


def situation(emission: tuple[float, ...] = (0.9, 2.4, 0.6), period_h: float = 1.0) -> Situation:
    """Imports of `emission` tCO2/h at 0.6 tCO2/MWh, the rest from renewables."""
    none, grid = np.zeros(3), np.array(emission) / 0.6
    return Situation(
        MarketConditions(TOU, 0.6 * TOU, none, np.full(3, 0.6), np.full(3, 100.0), 0.5),
        Supply(grid, np.full(3, 0.6), none, none, np.maximum(LOAD - grid, 0.0)),
        load_mw=LOAD,
        base_mw=LOAD,
        charge_mw=none,
        available_mw=none,
        pool_in_t_per_h=none,
        pool_out_t_per_h=none,
        avoided_t_per_h=none,
        period_h=period_h,
    )


def test_carbon_adjusted_price_by_hand() -> None:
    factor = np.array([0.7, 0.5, -0.3])
    price = carbon_adjusted_price(TOU, factor, 0.5, 73.65)
    assert price == pytest.approx([320.0 + 14.73, 980.0, 680.0 - 58.92])
    half = carbon_adjusted_price(TOU, factor, 0.5, 73.65, adjustment=0.5)
    assert half == pytest.approx([320.0 + 7.365, 980.0, 680.0 - 29.46])
    assert carbon_adjusted_price(TOU, 0.9, 0.5, 100.0) == pytest.approx(TOU + 40.0)


def test_carbon_revenue_by_hand() -> None:
    revenue = carbon_revenue(np.array([0.4, 0.8]), np.array([2.0, 1.0]), 0.5, 73.65, 0.5)
    assert revenue == pytest.approx([7.365, -11.0475])


def test_granted_discount_by_hand() -> None:
    price = TOU - np.array([10.0, -20.0, 30.0])
    assert granted_discount(price, TOU, LOAD, 0.5) == pytest.approx(0.5 * (10.0 - 60.0 + 60.0))


def test_tou_tariff_charges_no_carbon_but_counts_it() -> None:
    tariff, now = TouTariff(), situation()
    offer = tariff.offer(now)
    assert offer.price_per_mwh is now.conditions.tou_price_per_mwh
    assert offer.factor_tco2_per_mwh == pytest.approx([3.9 / 6.0] * 3)
    assert not offer.negative_factor_tco2_per_mwh.any()
    assert (tariff.pool, tariff.trades_carbon, tariff.budget_balanced) == (None, False, False)


def test_static_carbon_adds_the_same_to_every_period() -> None:
    tariff = StaticCarbonTariff()
    offer = tariff.offer(situation())
    assert offer.price_per_mwh - TOU == pytest.approx([100.0 * (0.65 - 0.5)] * 3)
    assert (tariff.pool, tariff.trades_carbon) == (None, True)
    halved = StaticCarbonTariff(adjustment=0.5).offer(situation())
    assert halved.price_per_mwh - TOU == pytest.approx([7.5] * 3)


@pytest.mark.parametrize("period_h", [1.0, 0.25])
def test_every_tariff_allocates_the_whole_emission(period_h: float) -> None:
    now = situation(period_h=period_h)
    for tariff in (TouTariff(), StaticCarbonTariff(), AdcefTariff()):
        factor = tariff.offer(now).factor_tco2_per_mwh
        assert float(factor @ LOAD) * period_h == pytest.approx(3.9 * period_h)


def test_budget_that_holds_leaves_the_price_alone() -> None:
    price = TOU - np.array([10.0, 0.0, 0.0])
    assert balance_budget(price, TOU, LOAD, 1.0, revenue_money=10.0) is price
    assert balance_budget(price, TOU, np.zeros(3), 1.0, revenue_money=-5.0) is price


def test_budget_that_breaks_is_met_with_equality_and_a_uniform_rise() -> None:
    price = TOU - np.array([40.0, 0.0, 10.0])
    raised = balance_budget(price, TOU, LOAD, 0.5, revenue_money=18.0)
    # 30 CNY of discounts against 18 CNY of revenue, over 3 MWh.
    assert raised - price == pytest.approx([4.0] * 3)
    assert granted_discount(raised, TOU, LOAD, 0.5) == pytest.approx(18.0)


prices = arrays(np.float64, 3, elements=st.floats(-200.0, 1500.0))
loads = arrays(np.float64, 3, elements=st.floats(0.1, 5.0))


@given(prices, loads, st.floats(-1e4, 1e4), st.sampled_from([0.25, 1.0]))
def test_discounts_never_exceed_the_revenue(
    price: np.ndarray, load: np.ndarray, revenue: float, period_h: float
) -> None:
    before = granted_discount(price, TOU, load, period_h)
    raised = balance_budget(price, TOU, load, period_h, revenue)
    after = granted_discount(raised, TOU, load, period_h)
    assert after == pytest.approx(min(before, revenue), abs=1e-6)
    assert np.ptp(raised - price) == pytest.approx(0.0, abs=1e-9)


@given(
    st.tuples(*[st.floats(0.0, 2.4)] * 3),
    st.sampled_from([0.0, 0.5, 1.0, 2.0, 5.0]),
    st.sampled_from(["managed", "strict"]),
)
def test_adcef_passes_on_the_carbon_revenue_and_no_more(
    emission: tuple[float, ...], adjustment: float, pool: str
) -> None:
    now = situation(emission)
    free = AdcefTariff(adjustment, pool, budget_balanced=False).offer(now)  # type: ignore[arg-type]
    bound = AdcefTariff(adjustment, pool).offer(now)  # type: ignore[arg-type]
    earned = 100.0 * (0.5 * LOAD.sum() - sum(emission))
    assert granted_discount(free.price_per_mwh, TOU, LOAD, 1.0) == pytest.approx(
        adjustment * earned, abs=1e-6
    )
    assert granted_discount(bound.price_per_mwh, TOU, LOAD, 1.0) == pytest.approx(
        min(adjustment * earned, earned), abs=1e-6
    )
    assert bound.factor_tco2_per_mwh.tolist() == free.factor_tco2_per_mwh.tolist()
