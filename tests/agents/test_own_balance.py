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
    assert own.outlook(0, 0.0) == (1.0, 0.0, 0.0)
    assert own.open(0) == (pytest.approx([1.0 / 15] * 15), [0.0] * 15)
    metered = own.close(0, 0.7, 0.0)
    assert metered == pytest.approx((1.0, 0.0, 0.7, 0.0, 0.0, 0.0, 0.0, 0.3, 0.0))
    assert own.outlook(1, 0.0) == (0.0, 0.5, 0.0)
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
    assert own.outlook(1, 0.0) == pytest.approx((0.044, 0.0, 0.0))
    supplies, needs = own.open(1)
    assert (sum(supplies), sum(needs)) == pytest.approx((0.044, 0.0))
    metered = own.close(1, 0.044, 0.0)
    assert (metered.discharged, metered.drawn) == pytest.approx((0.144, 0.0))
    assert own.e_mwh[1] == pytest.approx(1.0)


def test_what_later_hours_need_is_not_for_sale() -> None:
    own = balance([4.0, 0.0, 0.0], [0.0, 0.0, 4.0], BATTERY)
    own.open(0)
    own.close(0, 0.0, 0.0)
    assert own.outlook(1, 0.0) == (0.0, 0.0, 0.0)


def test_the_initial_content_is_never_touched() -> None:
    own = balance([0.0], [4.0], BATTERY)
    assert own.outlook(0, 0.0) == (0.0, 1.0, 0.0)
    own.open(0)
    assert own.close(0, 0.0, 0.0).drawn == pytest.approx(1.0)
    assert own.e_mwh[0] == 1.0


def charging(
    load: list[float], ratio: float, trades: list[bool], per_day: int, pv: list[float] | None = None
) -> OwnBalance:
    data = ProsumerData(
        np.array(pv or [0.0] * len(load)), np.array(load), UTILITY, BATTERY, charging_ratio=ratio
    )
    return OwnBalance(data, 0.25, 15, np.random.default_rng(1), np.array(trades), per_day)


def test_purchases_for_the_battery_sum_to_their_share_of_its_room_within_the_window() -> None:
    # The room above the first content is 0.8 MWh; a quarter of it over four quarters of trade (E10).
    own = charging([0.4] * 6, 0.25, [False, True, True, True, True, False], 6)
    bought = 0.0
    for period in range(6):
        outlook = own.outlook(period, 0.0)
        asked = 0.05 if 1 <= period <= 4 else 0.0
        assert (outlook.deficit_mwh, outlook.charging_mwh) == pytest.approx(
            (0.1 if period < 5 else 0.0, asked)
        )
        needs = own.open(period)[1]
        metered = own.close(period, 0.0, sum(needs) if asked else 0.0, 80.0 + period)
        bought += metered.for_battery
    assert bought == pytest.approx(0.25 * 0.8)
    assert own.charging_price_per_mwh == 84.0
    # Once trade is over it serves the own load: 0.2 * 0.9 inside gives 0.144, the load takes 0.1.
    assert (own.record[5].discharged, own.record[5].drawn) == pytest.approx((0.1, 0.0))


def test_what_was_not_delivered_is_asked_for_later_and_own_needs_come_first() -> None:
    own = charging([0.4] * 4, 0.25, [True] * 4, 4)
    own.open(0)
    # Less than the load needs: nothing is left for the battery.
    assert own.close(0, 0.0, 0.08, 50.0).for_battery == 0.0
    assert own.charging_price_per_mwh == 0.0
    assert own.outlook(1, 0.0).charging_mwh == pytest.approx(0.2 / 3.0)
    own.open(1)
    metered = own.close(1, 0.0, 0.11, 50.0)
    assert (metered.for_battery, metered.charged) == pytest.approx((0.01, 0.01))
    assert own.outlook(2, 0.0).charging_mwh == pytest.approx(0.19 / 2.0)


def test_each_day_buys_anew_and_a_full_battery_nothing() -> None:
    own = charging([0.4, 0.0, 0.4, 0.0], 1.0, [True, True, True, True], 2, [0.0, 4.0, 0.0, 4.0])
    for period in range(4):
        asked = own.outlook(period, 0.0).charging_mwh
        room = 1.8 - (own.e_mwh[period - 1] if period else 1.0)
        # At most what a quarter of an hour at 1 MW takes.
        assert asked == (pytest.approx(min(0.25, room / 0.9)) if period in (0, 2) else 0.0)
        own.open(period)
        own.close(period, 0.0, 0.1 + asked if period in (0, 2) else 0.0, 50.0)


@settings(deadline=None)
@given(
    ratio=st.floats(0.0, 1.0),
    seed=st.integers(0, 2**32 - 1),
    fluctuation=st.floats(0.0, 1.0),
    battery=st.booleans(),
)
def test_energy_balances_and_no_limit_is_broken(
    ratio: float, seed: int, fluctuation: float, battery: bool
) -> None:
    draws = np.random.default_rng(seed)
    pv, load = draws.uniform(0.0, 3.0, (2, 12))
    share = ratio if battery else 0.0
    data = ProsumerData(pv, load, UTILITY, BATTERY if battery else None, 0.0, fluctuation, share)
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
