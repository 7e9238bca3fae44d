from __future__ import annotations

import dataclasses
import math
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridarium.environment.errors import StorageError
from gridarium.environment.storage import StorageRatings, StorageUnit

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
