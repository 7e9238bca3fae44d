"""Capture plants of a TIES on a copper plate: over days, within a day, and what followers are told of it."""

from __future__ import annotations

from collections.abc import Generator
from functools import cache
from typing import Any

import numpy as np
import pytest

from gridarium.agents.devices.thermal_plant import ThermalPlant
from gridarium.agents.transmission.ties import Ties
from gridarium.experiments import run
from gridarium.experiments.results.result import Result
from gridarium.experiments.running.case_run import _play
from gridarium.experiments.running.world_build import BuiltWorld, build
from gridarium.experiments.scenario import load_scenario

BULK = "grids.bulk."
SIZE_TCO2 = 60.0
CAPTURE = (
    f"{BULK}thermal_units.gas.capture={{energy_mwh_per_tco2: 0.25, fixed_mw: 2, tank_tco2: {SIZE_TCO2:g}}}"
)
MORNING = ("horizon_h=12", f"{BULK}ties.own_carbon.quota_tco2=400")


@cache
def two_days() -> Result:
    """Planned anew in most hours of both days."""
    return run(
        load_scenario("ries-reduced", [CAPTURE, "horizon_h=48", f"{BULK}ties.trigger_mw=1"]), cases=["fixed"]
    )


def morning(trigger_mw: float, leak_tco2: float = 0.0) -> tuple[BuiltWorld, ThermalPlant, Ties]:
    """Twelve hours in which the tank loses something after half of them."""
    settings = [CAPTURE, *MORNING, f"{BULK}ties.trigger_mw={trigger_mw:g}"]
    built = build(load_scenario("ries-reduced", settings).cases["fixed"])
    (gas,) = [plant for plant in built.of(ThermalPlant) if plant.unit.name == "bulk/gas"]

    def leak() -> Generator[Any, Any, None]:
        yield built.world.clock.wait_until(built.world.delivery_s + 6.5 * 3600.0)
        assert gas._tank is not None
        gas._tank.tco2 -= leak_tco2

    built.world.clock.process(leak())
    _play(built)
    return built, gas, built.one(Ties)


def test_all_certificates_pass_on_days_with_capture() -> None:
    found = two_days()
    assert [one.name for one in found.certificates if not one.passed] == ["bulk: planned exchange"]
    names = {one.name for one in found.certificates}
    assert {"bulk: solvent tank", "bulk: tank cycle", "bulk: capture", "bulk: own carbon"} <= names
    assert found.summary["fixed"]["bulk.renewals"] > 10
    assert found.summary["fixed"]["bulk.captured_tco2"] > 500.0


def test_a_tank_is_full_at_the_days_end_as_it_was_at_its_start_and_moves_between() -> None:
    rows = two_days().table("units").query("agent == 'gas'")
    inside = rows["tank_tco2"].to_numpy()
    assert inside[[23, 47]] == pytest.approx(0.5 * SIZE_TCO2, abs=1e-2)
    assert np.ptp(inside[:24]) > 0.5 * SIZE_TCO2 and np.ptp(inside[24:]) > 0.5 * SIZE_TCO2
    spent = rows["gross_mw"] - rows["net_mw"]
    assert spent.to_numpy() == pytest.approx(
        (0.25 * rows["regenerated_tco2_per_h"] + 2.0 * rows["on"]).to_numpy()
    )


def test_what_is_captured_does_not_count_as_emission() -> None:
    found, units = two_days(), two_days().table("units")
    emitted = float(units["emission_gross_tco2_per_h"].sum() - units["absorbed_tco2_per_h"].sum())
    heads = float(found.table("heads")["carbon_t_per_h"].clip(lower=0.0).sum())
    assert found.summary["fixed"]["bulk.emission_tco2"] == pytest.approx(emitted + heads)
    answered = found.table("responsibilities").query("source == 'gas'")["path_tco2"].sum()
    gas = units.query("agent == 'gas'")
    net = float((gas["emission_gross_tco2_per_h"] - gas["absorbed_tco2_per_h"]).sum())
    assert answered == pytest.approx(net) and net < 0.7 * float(gas["emission_gross_tco2_per_h"].sum())


def test_the_rest_of_a_day_is_planned_from_the_tank_as_reported() -> None:
    _, heard, ties = morning(0.1, leak_tco2=12.0)
    assert heard.tank_tco2[-1] == pytest.approx(0.5 * SIZE_TCO2, abs=1e-2)
    assert ties.plan_of(0).tank_tco2[1, -1] == pytest.approx(heard.tank_tco2[-1], abs=1e-2)
    # Who does not look keeps to the plan, which knows nothing of the leak.
    _, unheard, _ = morning(1000.0, leak_tco2=12.0)
    assert unheard.tank_tco2[-1] < 0.5 * SIZE_TCO2 - 5.0


def test_followers_are_told_how_green_the_supply_is() -> None:
    _, _, ties = morning(1000.0)
    (day,) = ties.days
    plan = day.plan
    supply = plan.unit_mw.sum(axis=0) + plan.renewable_mw.sum(axis=0) + plan.discharge_mw.sum(axis=0)
    expected = plan.renewable_mw.sum(axis=0) / (supply + plan.import_mw)
    assert np.ptp(expected) > 0.1
    for signal in day.signals.values():
        assert signal.green_share is not None
        # Told before the answers of the last round, which have moved by less than the rounds' tolerance.
        assert signal.green_share == pytest.approx(expected, abs=2e-3)
