"""What is told of days of plants: in order after a run, and each number missed where it is off."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from gridarium.experiments.evidence.feeder.bus_certificates import buses
from gridarium.experiments.evidence.grid_evidence import GridEvidence
from gridarium.experiments.evidence.vpp.price_certificates import regional_carbon
from gridarium.experiments.evidence.vpp.told_certificates import told_days
from gridarium.experiments.evidence.world.place_certificates import heads
from gridarium.experiments.evidence.world.plant_values import short_of_part_money, worths
from gridarium.experiments.evidence.world.told_twice import numbers
from gridarium.experiments.results.records import Reading
from gridarium.market.accounts import ENVIRONMENTAL_PAYMENT
from tests.support.vpp_tables import altered

OF_GRID = (told_days, buses, numbers, regional_carbon, heads)
NAMES = {
    "costs of plans",
    "reports of payments",
    "days of regions",
    "indicator of response",
    "loads at buses",
    "reactive power at buses",
    "numbers told twice",
    "carbon of regions told",
    "factor at the head",
    "plan at the head",
}


def readings(known: GridEvidence) -> dict[str, Reading]:
    return {one.name: one for of_grid in OF_GRID for one in of_grid(known)}


def test_a_played_day_is_in_order(two_plants: GridEvidence) -> None:
    found = readings(two_plants)
    assert set(found) == NAMES
    assert {name: one.value for name, one in found.items() if not one.value <= one.tolerance} == {}


@pytest.mark.parametrize(
    ("name", "table", "column"),
    [
        ("costs of plans", "vpp_days", "cost_money"),
        ("costs of plans", "vpp_days", "idle_money"),
        ("costs of plans", "vpp_regions", "charge_plan_mw"),
        ("reports of payments", "vpp_days", "paid_money"),
        ("reports of payments", "vpp_days", "cancelled_mwh"),
        ("days of regions", "vpp_region_days", "load_mwh"),
        ("days of regions", "vpp_region_days", "green_mwh"),
        ("days of regions", "vpp_region_days", "charge_runs"),
        ("days of regions", "vpp_region_days", "cost_money"),
        ("indicator of response", "vpp_lcr", "idle_money"),
        ("indicator of response", "vpp_lcr", "cost_money"),
        ("indicator of response", "vpp_lcr", "saving_money"),
        ("indicator of response", "vpp_lcr", "lcr_vpp"),
        ("indicator of response", "vpp_lcr", "lcr_system"),
        ("indicator of response", "vpp_lcr", "lcr"),
        ("indicator of response", "vpp_lcr", "lcr_idle"),
        ("loads at buses", "buses", "p_load_mw"),
        ("reactive power at buses", "branches", "q_to_mvar"),
        ("reactive power at buses", "dispatch", "q_mvar"),
        ("carbon of regions told", "price_regions", "initial_price_per_mwh"),
        ("carbon of regions told", "price_regions", "initial_tco2_per_mwh"),
        ("carbon of regions told", "price_regions", "potential_tco2_per_mwh"),
        ("carbon of regions told", "price_regions", "traced_tco2_per_mwh"),
        ("carbon of regions told", "price_regions", "buses"),
        ("plan at the head", "heads", "p_plan_mw"),
        ("plan at the head", "vpp_regions", "discharge_plan_mw"),
        ("numbers told twice", "storage_pool", "p_max_mw"),
        ("numbers told twice", "storages", "green_share"),
        ("numbers told twice", "dispatch", "e_mwh"),
        ("numbers told twice", "loads", "p_base_mw"),
        ("numbers told twice", "trades", "volume_mwh"),
        ("numbers told twice", "trades", "price_per_mwh"),
        ("numbers told twice", "heads", "factor_told_tco2_per_mwh"),
        ("numbers told twice", "signals", "price_per_mwh"),
    ],
)
@pytest.mark.parametrize("largest_alone", [False, True])
def test_a_number_that_is_a_thousandth_off_is_missed(
    two_plants: GridEvidence, name: str, table: str, column: str, largest_alone: bool
) -> None:
    def change(rows: pd.DataFrame) -> None:
        values = rows[column].astype(float)
        assert values.abs().max() > 0.0
        more = 1.001 * values
        rows[column] = values.where(values.abs() < values.abs().max(), more) if largest_alone else more

    assert not readings(altered(two_plants, table, change))[name].value <= 1e-6


def test_a_payment_that_no_report_tells_of_is_missed(two_plants: GridEvidence) -> None:
    def change(rows: pd.DataFrame) -> None:
        rows.loc[rows["purpose"] == ENVIRONMENTAL_PAYMENT, "amount_money"] *= 1.001

    found = readings(altered(two_plants, "ledger", change))
    assert {name for name, one in found.items() if not one.value <= one.tolerance} == {
        "reports of payments",
        "indicator of response",
    }


def test_reactive_loads_that_go_by_other_ratios_than_the_file_are_missed(two_plants: GridEvidence) -> None:
    def shift(rows: pd.DataFrame) -> None:
        rows["q_from_mvar"] += 1e-3
        rows["q_to_mvar"] += 1e-3

    assert readings(altered(two_plants, "branches", shift))["reactive power at buses"].value >= 1e-3


def of_values(known: GridEvidence) -> dict[str, float]:
    return {one.name: one.value / one.tolerance for one in worths(known)}


def test_a_coalition_that_is_said_to_be_worth_another_amount_is_missed(two_plants: GridEvidence) -> None:
    assert max(of_values(two_plants).values()) <= 1.0

    def change(rows: pd.DataFrame) -> None:
        largest = rows["size"].idxmax()
        rows.loc[largest, "value_money"] += 0.01

    assert of_values(altered(two_plants, "coalitions", change))["values by plants"] > 1.0


def test_storages_that_do_less_in_small_than_in_large_are_missed() -> None:
    units = {name: SimpleNamespace(e_max_mwh=mwh) for name, mwh in (("a", 1.0), ("b", 2.0))}
    known: Any = SimpleNamespace(scenario=SimpleNamespace(storages=units))
    fleet: Any = SimpleNamespace(ratings=SimpleNamespace(soc_initial=0.5, e_max_mwh=3.0), home_mwh=1.5)

    def worst(a: float, b: float, both: float) -> float:
        game = {frozenset("a"): a, frozenset("b"): b, frozenset("ab"): both}
        return max(short_of_part_money(known, game, {"here": fleet}, {"a": "here", "b": "here"}))

    assert worst(1.0, 2.0, 3.0) == 0.0
    assert worst(1.2, 2.1, 2.5) < 0.0
    assert worst(1.0, 2.0, 3.3) == pytest.approx(0.2)
    assert worst(-0.3, 0.0, 0.0) == pytest.approx(0.3)
