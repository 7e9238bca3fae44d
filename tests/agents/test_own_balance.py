from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridarium.agents.prosumers.own_balance import OwnBalance, ProsumerData
from gridarium.environment.errors import ScenarioError
from gridarium.environment.storage import StorageRatings
from gridarium.market.utility import QuadraticUtility

UTILITY = QuadraticUtility()
BATTERY = StorageRatings("battery", 1.0, 2.0, 0.1, 0.9, 0.5, 0.9, 0.8, 1.0)


def balance(
    pv: list[float], load: list[float], battery: StorageRatings | None = None, fluctuation: float = 0.0
) -> OwnBalance:
    data = ProsumerData(np.array(pv), np.array(load), UTILITY, battery, 0.0, fluctuation)
    return OwnBalance(data, 0.25, 15, np.random.default_rng(1))


def test_without_a_battery_surplus_is_sold_or_spilled_and_deficit_bought_or_drawn() -> None:
    own = balance([4.0, 0.0], [0.0, 2.0])
    assert own.outlook(0, 0.0) == (1.0, 0.0)
    assert own.open(0) == (pytest.approx([1.0 / 15] * 15), [0.0] * 15)
    metered = own.close(0, 0.7, 0.0)
    assert metered == pytest.approx((1.0, 0.0, 0.7, 0.0, 0.0, 0.0, 0.0, 0.3))
    assert own.outlook(1, 0.0) == (0.0, 0.5)
    own.open(1)
    assert own.close(1, 0.0, 0.2).drawn == pytest.approx(0.3)


def test_unsold_surplus_is_stored_and_serves_the_own_deficit_first() -> None:
    own = balance([1.2, 0.0, 0.0], [0.0, 0.4, 0.0], BATTERY)
    own.open(0)
    metered = own.close(0, 0.1, 0.0)
    # 0.2 MWh at the meter, 0.18 inside; the limit of 1 MW leaves 0.05 MWh more.
    assert (metered.charged, metered.spilled) == pytest.approx((0.2, 0.0))
    assert own.e_mwh[0] == pytest.approx(1.0 + 0.18)
    # Of what the battery can give, 0.144 MWh, the load of 0.1 MWh comes first; the rest may be sold.
    assert own.outlook(1, 0.0) == pytest.approx((0.044, 0.0))
    supplies, needs = own.open(1)
    assert (sum(supplies), sum(needs)) == pytest.approx((0.044, 0.0))
    metered = own.close(1, 0.044, 0.0)
    assert (metered.discharged, metered.drawn) == pytest.approx((0.144, 0.0))
    assert own.e_mwh[1] == pytest.approx(1.0)


def test_what_later_hours_need_is_not_for_sale() -> None:
    own = balance([4.0, 0.0, 0.0], [0.0, 0.0, 4.0], BATTERY)
    own.open(0)
    own.close(0, 0.0, 0.0)
    assert own.outlook(1, 0.0) == (0.0, 0.0)


def test_the_initial_content_is_never_touched() -> None:
    own = balance([0.0], [4.0], BATTERY)
    assert own.outlook(0, 0.0) == (0.0, 1.0)
    own.open(0)
    assert own.close(0, 0.0, 0.0).drawn == pytest.approx(1.0)
    assert own.e_mwh[0] == 1.0


@settings(deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    fluctuation=st.floats(0.0, 1.0),
    battery=st.booleans(),
)
def test_energy_balances_and_no_limit_is_broken(seed: int, fluctuation: float, battery: bool) -> None:
    draws = np.random.default_rng(seed)
    pv, load = draws.uniform(0.0, 3.0, (2, 12))
    data = ProsumerData(pv, load, UTILITY, BATTERY if battery else None, 0.0, fluctuation)
    own = OwnBalance(data, 0.25, 15, np.random.default_rng(seed))
    for period in range(12):
        own.outlook(period, 0.0)
        supplies, needs = own.open(period)
        m = own.close(period, draws.random() * sum(supplies), draws.random() * sum(needs))
        assert min(m) >= -1e-12
        assert m.surplus - m.deficit == pytest.approx(0.25 * (pv[period] - load[period]), abs=1e-12)
        into = m.surplus + m.received + m.discharged + m.drawn
        assert into == pytest.approx(m.deficit + m.sold + m.charged + m.spilled, abs=1e-12)
        assert own.e_mwh[period] >= 1.0 - 1e-9 or not battery


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"load_mw": np.zeros(3)}, "load_mw"),
        ({"pv_mw": np.array([-1.0, 0.0])}, "pv_mw"),
        ({"fluctuation": 1.5}, "fluctuation"),
        ({"reservation_price_per_mwh": -1.0}, "reservation_price_per_mwh"),
    ],
)
def test_impossible_data_are_refused(change: dict[str, object], place: str) -> None:
    data: dict[str, object] = {"pv_mw": np.zeros(2), "load_mw": np.zeros(2), "utility": UTILITY}
    with pytest.raises(ScenarioError, match=place):
        ProsumerData(**(data | change))  # type: ignore[arg-type]
