from __future__ import annotations

import numpy as np
import pytest

from gridarium.market.carbon_trading import carbon_trading_money


def test_net_emission_above_the_allowance_costs_and_below_it_earns() -> None:
    # 100 MWh at 0.69 t/MWh: 69 t against 70 t of allowances.
    assert carbon_trading_money(69.0, 100.0) == pytest.approx(-12.0)
    assert carbon_trading_money(69.0 - 55.2, 100.0) == pytest.approx(12.0 * (13.8 - 70.0))
    assert carbon_trading_money(80.0, 100.0, price_per_tco2=20.0) == pytest.approx(200.0)


def test_the_published_cost_follows_from_the_mean_power_it_implies() -> None:
    """E.6/3: -131,904 USD at a net emission of 571 t means 172 MW of thermal power in undivided sums."""
    gross_mwh = (571.0 + 131_904.0 / 12.0) / 0.7
    assert gross_mwh / 96 == pytest.approx(172.0, abs=0.5)
    assert carbon_trading_money(571.0, gross_mwh) == pytest.approx(-131_904.0)


def test_periods_and_units_are_priced_one_by_one() -> None:
    net, gross = np.array([[10.0, 20.0], [0.0, 5.0]]), np.array([[10.0, 40.0], [10.0, 0.0]])
    cost = carbon_trading_money(net, gross)
    assert cost == pytest.approx(np.array([[36.0, -96.0], [-84.0, 60.0]]))
    assert cost.sum() == pytest.approx(carbon_trading_money(net.sum(), gross.sum()))
