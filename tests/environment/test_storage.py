from __future__ import annotations

import dataclasses
import math
import pickle

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from gridarium.environment.errors import StorageError
from gridarium.environment.storage import AttributeTank, StorageRatings, StorageUnit

RATINGS = StorageRatings("pool_2", 0.5, 1.0, 0.1, 0.9, 0.5, 0.92, 0.95, 0.55)


def test_one_hour_of_charge_and_discharge_by_hand() -> None:
    unit = StorageUnit(RATINGS)
    flow = unit.step(0.25, 0.0, 1.0)
    assert (flow.e_in_mwh, flow.e_out_mwh) == (pytest.approx(0.23), 0.0)
    assert unit.e_mwh == pytest.approx(0.73)
    flow = unit.step(0.0, 0.38, 0.5)
    assert flow.e_out_mwh == pytest.approx(0.2)
    assert (unit.e_mwh, unit.soc) == (pytest.approx(0.53), pytest.approx(0.53))
    assert unit.cycles == pytest.approx((0.23 + 0.2) / 2)


def test_round_trip_loses_what_both_efficiencies_take() -> None:
    unit = StorageUnit(dataclasses.replace(RATINGS, soc_initial=0.1))
    unit.step(0.4, 0.0, 1.0)
    unit.step(0.0, 0.4 * 0.92 * 0.95, 1.0)
    assert unit.e_mwh == pytest.approx(0.1)


@given(st.lists(st.tuples(st.floats(0, 0.6), st.booleans(), st.sampled_from([0.25, 1.0])), max_size=30))
def test_energy_stays_in_the_band_and_balances(steps: list[tuple[float, bool, float]]) -> None:
    unit = StorageUnit(RATINGS)
    low, high = RATINGS.band_mwh
    for p_mw, charges, period_h in steps:
        before = unit.e_mwh, unit.throughput_mwh
        try:
            flow = unit.step(p_mw * charges, p_mw * (not charges), period_h)
        except StorageError:
            assert (unit.e_mwh, unit.throughput_mwh) == before
        else:
            assert unit.e_mwh == pytest.approx(before[0] + flow.e_in_mwh - flow.e_out_mwh, abs=2e-6)
        assert low <= unit.e_mwh <= high


@pytest.mark.parametrize(
    ("p_charge_mw", "p_discharge_mw", "message"),
    [
        (0.5, 0.0, r"storage pool_2, period 14: e_mwh must be in \[0.1, 0.9\] MWh, got 0.96"),
        (0.0, 0.475, r"storage pool_2, period 14: e_mwh must be in \[0.1, 0.9\] MWh, got 0"),
        (0.6, 0.0, r"storage pool_2, period 14: p_charge_mw must be in \[0, 0.5\] MW, got 0.6"),
        (-0.1, 0.0, "p_charge_mw"),
        (0.0, math.nan, "p_discharge_mw"),
        (0.1, 0.1, "one direction at a time"),
    ],
)
def test_limits_are_named(p_charge_mw: float, p_discharge_mw: float, message: str) -> None:
    unit = StorageUnit(RATINGS)
    with pytest.raises(StorageError, match=message):
        unit.step(p_charge_mw, p_discharge_mw, 1.0, period=14)
    assert unit.e_mwh == 0.5


def test_period_in_messages_counts_the_steps_when_not_given() -> None:
    unit = StorageUnit(RATINGS)
    unit.step(0.0, 0.0, 1.0)
    with pytest.raises(StorageError, match="period 1: period_h"):
        unit.step(0.0, 0.0, 0.0)


def test_solver_noise_is_cut_off() -> None:
    unit = StorageUnit(RATINGS)
    unit.step(0.4 / 0.92 + 1e-8, 1e-9, 1.0)
    assert unit.e_mwh == 0.9


def test_ratings_are_checked_immutable_and_fit_for_messages() -> None:
    assert pickle.loads(pickle.dumps(RATINGS)) == RATINGS
    with pytest.raises(dataclasses.FrozenInstanceError):
        RATINGS.p_max_mw = 1.0  # type: ignore[misc]
    for changes in (
        {"p_max_mw": 0.0},
        {"e_max_mwh": math.inf},
        {"efficiency_charge": 1.01},
        {"soc_min": 0.6},
        {"soc_max": math.nan},
    ):
        with pytest.raises(StorageError, match="storage pool_2"):
            dataclasses.replace(RATINGS, **changes)


def test_proportional_tank_gives_away_its_intensity_from_before_the_step() -> None:
    tank = AttributeTank("pool", 2.0, 1.0, "proportional")
    assert tank.step(1.0, 0.5, 0.9) == pytest.approx(0.25)
    assert (tank.energy_mwh, tank.attribute) == (2.5, pytest.approx(1.65))
    assert tank.intensity == pytest.approx(0.66)


def test_emptied_tank_keeps_nothing() -> None:
    tank = AttributeTank("pool", 0.3, 0.1, "proportional")
    assert tank.step(0.0, 0.3, 0.0) == 0.1
    assert (tank.energy_mwh, tank.attribute) == (0.0, 0.0)
    assert math.isnan(tank.intensity)
    assert tank.step(1.0, 0.0, 0.4) == 0.0
    assert tank.intensity == 0.4


flows = st.lists(st.tuples(st.floats(0, 2), st.floats(0, 1), st.floats(0, 3)), max_size=30)


@given(flows)
def test_proportional_tank_conserves_and_mixes_within_what_came_in(
    steps: list[tuple[float, float, float]],
) -> None:
    tank = AttributeTank("pool", 1.0, 0.5, "proportional")
    came, left = 0.5, 0.0
    highest = 0.5
    for e_in_mwh, share, intensity in steps:
        left += tank.step(e_in_mwh, share * tank.energy_mwh, intensity * e_in_mwh)
        came += intensity * e_in_mwh
        highest = max(highest, intensity)
        assert -1e-9 <= tank.attribute <= highest * tank.energy_mwh + 1e-9
    assert came - left == pytest.approx(tank.attribute, abs=1e-9)


@given(flows)
def test_managed_tank_conserves(steps: list[tuple[float, float, float]]) -> None:
    tank = AttributeTank("pool", 100.0, 5.0, "managed", may_be_negative=True)
    change = 0.0
    for e_in_mwh, attribute_in, attribute_out in steps:
        change += attribute_in - tank.step(e_in_mwh, 0.0, attribute_in, attribute_out)
    assert tank.attribute == pytest.approx(5.0 + change, abs=1e-9)


def test_managed_tank_goes_negative_only_if_allowed() -> None:
    strict = AttributeTank("pool", 1.0, 0.2, "managed")
    with pytest.raises(StorageError, match=r"tank pool, period 3: attribute must be in \[0.0, inf\) tCO2"):
        strict.step(0.0, 0.5, 0.0, 0.4, period=3)
    assert (strict.energy_mwh, strict.attribute) == (1.0, 0.2)
    lenient = AttributeTank("pool", 1.0, 0.2, "managed", may_be_negative=True)
    lenient.step(0.0, 0.5, 0.0, 0.4)
    assert lenient.attribute == pytest.approx(-0.2)


def test_managed_flows_keep_their_bounds() -> None:
    tank = AttributeTank("label", 1.0, 0.5, "managed", unit="MWh green")
    with pytest.raises(StorageError, match=r"attribute_in must be in \[0, 0.3\] MWh green, got 0.4"):
        tank.step(0.5, 0.0, 0.4, 0.0, attribute_in_max=0.3)
    with pytest.raises(StorageError, match=r"attribute_out must be in \[0, 0.1\] MWh green, got 0.2"):
        tank.step(0.0, 0.5, 0.0, 0.2, attribute_out_max=0.1)


def test_each_rule_asks_for_its_own_arguments() -> None:
    with pytest.raises(StorageError, match="must be left out"):
        AttributeTank("pool", 1.0, 0.5, "proportional").step(0.0, 0.1, 0.0, 0.1)
    with pytest.raises(StorageError, match="is needed"):
        AttributeTank("pool", 1.0, 0.5, "managed").step(0.0, 0.1, 0.0)


@given(st.floats(0, 1), st.floats(0, 2))
def test_no_more_energy_leaves_than_was_there(energy_mwh: float, e_out_mwh: float) -> None:
    assume(e_out_mwh > energy_mwh + 1e-5)
    with pytest.raises(StorageError, match="e_out_mwh"):
        AttributeTank("pool", energy_mwh, 0.0, "proportional").step(5.0, e_out_mwh, 0.0)
