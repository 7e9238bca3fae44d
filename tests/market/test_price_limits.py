"""Price bands and caps as shares of a reference price, whatever its sign."""

from __future__ import annotations

import numpy as np
import pytest

from gridarium.environment.errors import InputError
from gridarium.market.price_limits import LimitRules

BASE_MW = np.array([2.0, 1.0, 4.0])


def test_a_band_around_positive_prices_is_a_share_of_them() -> None:
    limits = LimitRules(average_share=1.1, discount_share=0.1).at(np.array([300.0, 0.0, 500.0]), BASE_MW, 0.5)
    # Nothing has no share: 0.4 of a tenth of the mean size, 800 / 3.
    np.testing.assert_allclose(limits.low_price_per_mwh, [180.0, -32.0 / 3.0, 300.0])
    np.testing.assert_allclose(limits.high_price_per_mwh, [420.0, 32.0 / 3.0, 700.0])
    assert limits.bill_cap_money == pytest.approx(1300.0)
    assert limits.average_cap_per_mwh == pytest.approx(1.1 * 2600.0 / 7.0)
    assert limits.discount_cap_money == pytest.approx(130.0)


def test_a_band_around_a_negative_price_is_as_wide_as_around_its_size() -> None:
    limits = LimitRules(0.6, 1.4).at(np.array([-100.0, 300.0, -50.0]), BASE_MW, 1.0)
    np.testing.assert_allclose(limits.low_price_per_mwh, [-140.0, 180.0, -70.0])
    np.testing.assert_allclose(limits.high_price_per_mwh, [-60.0, 420.0, -30.0])


@pytest.mark.parametrize("price", [[-300.0, -20.0, -500.0], [-1.0, 980.0, 680.0], [200.0, -900.0, 50.0]])
def test_the_reference_price_itself_keeps_all_limits(price: list[float]) -> None:
    """Where the day as a whole is paid for, a share of 1.1 of its bill is less paid, not more."""
    reference = np.array(price)
    limits = LimitRules(0.5, 2.0, bill_share=1.1, average_share=1.1, discount_share=0.1).at(
        reference, BASE_MW, 1.0
    )
    excess = limits.excess(reference, BASE_MW, BASE_MW, reference, 1.0)
    assert max(excess.values()) <= 0.0
    bill = float(reference @ BASE_MW)
    assert limits.bill_cap_money == pytest.approx(bill + 0.1 * abs(bill))


@pytest.mark.parametrize("price", [0.0, 1e-9, -1e-9])
def test_a_band_around_next_to_nothing_has_a_width_and_does_not_jump(price: float) -> None:
    at = LimitRules(0.6, 1.4).at(np.array([300.0, price, 600.0]), BASE_MW, 1.0)
    assert at.low_price_per_mwh[1] == pytest.approx(-12.0)
    assert at.high_price_per_mwh[1] == pytest.approx(12.0)


def test_a_reference_price_of_nothing_all_day_is_a_fault() -> None:
    with pytest.raises(
        InputError, match=r"reference_price_per_mwh: got 0.0; must differ from 0 in some period"
    ):
        LimitRules().at(np.zeros(3), BASE_MW, 1.0)


def test_without_any_base_load_there_is_no_mean_to_cap() -> None:
    limits = LimitRules(average_share=1.1).at(np.array([300.0, 100.0, 500.0]), np.zeros(3), 1.0)
    assert limits.average_cap_per_mwh is None
    assert limits.bill_cap_money == 0.0
    price = np.array([300.0, 100.0, 500.0])
    assert max(limits.excess(price, np.zeros(3), np.zeros(3), price, 1.0).values()) <= 0.0
