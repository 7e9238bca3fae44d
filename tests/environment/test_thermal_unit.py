from __future__ import annotations

import dataclasses
import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridarium.environment.errors import StorageError, UnitError
from gridarium.environment.thermal_unit import CapturePlant, SolventTank, ThermalUnit

PLANT = CapturePlant(0.8, 0.25, 1.0, 60.0, 20.0)
UNIT = ThermalUnit("coal", 40, 110, 0.03, 18, 300, 1500, 66, 44, 6, 6, 0.69, True, 80, PLANT)


def test_fuel_cost_and_its_derivative_by_hand() -> None:
    assert UNIT.fuel_cost_per_h(100.0) == pytest.approx(300.0 + 1800.0 + 300.0)
    assert UNIT.marginal_fuel_cost_per_mwh(100.0) == pytest.approx(24.0)


def test_starts_and_stops_are_limited_by_a_ramp_or_the_least_output() -> None:
    assert (UNIT.start_limit_mw(0.25), UNIT.stop_limit_mw(0.25)) == (40.0, 40.0)
    assert (UNIT.start_limit_mw(1.0), UNIT.stop_limit_mw(1.0)) == (66.0, 44.0)
    fast = dataclasses.replace(UNIT, ramp_mw_per_h=500.0)
    assert fast.start_limit_mw(1.0) == 110.0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"p_min_mw": 120.0}, r"unit coal: p_min_mw must be in \[0, 110\] MW, got 120"),
        ({"p_max_mw": float("inf")}, r"p_max_mw must be in \(0, inf\) MW, got inf"),
        ({"ramp_mw_per_h": 0.0}, r"ramp_mw_per_h must be in \(0, inf\) MW/h, got 0"),
        ({"cost_quadratic_per_mw2h": -0.1}, r"must be in \[0, inf\] money/MW2h, got -0.1"),
        ({"emission_tco2_per_mwh": float("nan")}, r"must be in \[0, inf\] tCO2/MWh, got nan"),
        ({"p_initial_mw": 20.0}, r"p_initial_mw must be in \[40, 110\] MW, got 20"),
        ({"on_initially": False}, r"p_initial_mw must be in \[0, 0\] MW, got 80"),
        (
            {"capture": dataclasses.replace(PLANT, fixed_mw=41.0)},
            r"fixed_mw of its capture plant must be in \[0, 40\] MW, got 41",
        ),
    ],
)
def test_impossible_units_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(UnitError, match=message):
        dataclasses.replace(UNIT, **change)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"efficiency": 0.0}, r"efficiency must be in \(0, 1\], got 0"),
        ({"tank_initial_tco2": 61.0}, r"tank_initial_tco2 must be in \[0, 60\] tCO2, got 61"),
        ({"energy_mwh_per_tco2": -1.0}, r"energy_mwh_per_tco2 must be in \[0, inf\] MWh/tCO2, got -1"),
    ],
)
def test_impossible_plants_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(UnitError, match=message):
        dataclasses.replace(PLANT, **change)


def test_units_can_be_sent_to_another_process() -> None:
    assert pickle.loads(pickle.dumps(UNIT)) == UNIT


def test_a_quarter_of_an_hour_in_the_tank_by_hand() -> None:
    tank = SolventTank("coal", PLANT)
    # 100 MW emit 69 t/h, of which 55.2 t/h can be absorbed.
    energy_mwh = tank.step(55.2, 40.0, 69.0, 0.25)
    assert tank.tco2 == pytest.approx(20.0 + 3.8)
    assert energy_mwh == pytest.approx(0.25 * 40.0 * 0.25)


@pytest.mark.parametrize(
    ("absorbed", "regenerated", "message"),
    [
        (
            56.0,
            0.0,
            r"solvent tank coal, period 3: absorbed_tco2_per_h must be in \[0, 55.2\] tCO2/h, got 56",
        ),
        (0.0, 21.0, r"solvent tank coal, period 3: tco2 must be in \[0, 60\] tCO2, got -1"),
        (55.0, 0.0, r"tco2 must be in \[0, 60\] tCO2, got 75"),
        (0.0, -1.0, "regenerated_tco2_per_h"),
        (float("nan"), 0.0, "absorbed_tco2_per_h"),
    ],
)
def test_the_tank_refuses_what_it_cannot_hold(absorbed: float, regenerated: float, message: str) -> None:
    tank = SolventTank("coal", PLANT)
    with pytest.raises(StorageError, match=message):
        tank.step(absorbed, regenerated, 69.0, 1.0, period=3)
    assert tank.tco2 == 20.0


@given(st.lists(st.tuples(st.floats(0, 80), st.floats(0, 80), st.floats(0, 100)), max_size=30))
def test_solvent_is_conserved_and_stays_in_the_tank(steps: list[tuple[float, float, float]]) -> None:
    tank = SolventTank("coal", PLANT)
    for absorbed, regenerated, emitted in steps:
        before = tank.tco2
        try:
            energy_mwh = tank.step(absorbed, regenerated, emitted, 0.25)
        except StorageError:
            assert tank.tco2 == before
        else:
            assert tank.tco2 == pytest.approx(before + 0.25 * (absorbed - regenerated), abs=2e-6)
            assert energy_mwh == pytest.approx(0.25 * 0.25 * regenerated, abs=1e-6)
        assert 0.0 <= tank.tco2 <= 60.0
