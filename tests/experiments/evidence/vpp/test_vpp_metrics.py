"""Metrics and derived tables of virtual power plants, by hand from a day of two of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from gridarium.experiments.evidence.grid_evidence import GridEvidence
from gridarium.experiments.evidence.metrics import METRICS
from gridarium.experiments.evidence.vpp.vpp_metrics import (
    actions,
    bills,
    green_certificates,
    green_energy,
    overstated_of_saving,
    plan_gaps,
)
from gridarium.experiments.evidence.vpp.vpp_tables import vpp_lcr_table, vpp_region_days_table
from tests.support.vpp_tables import REGIONS, SHARES, N, altered, evidence

ALL = (bills, green_energy, actions, green_certificates, plan_gaps)


def metrics(known: GridEvidence) -> dict[str, float]:
    derived = {"vpp_region_days": vpp_region_days_table(known), "vpp_lcr": vpp_lcr_table(known)}
    tables = {**known.tables, **{name: table for name, table in derived.items() if len(table)}}
    return {name: value for metric in ALL for name, value in metric(tables, 1.0)}


@pytest.fixture(scope="module")
def known() -> GridEvidence:
    return evidence()


@pytest.fixture(scope="module")
def found(known: GridEvidence) -> dict[str, float]:
    return metrics(known)


def test_all_are_among_the_metrics_of_a_case() -> None:
    assert set(ALL) <= set(METRICS)


def test_a_bill_is_purchases_less_sales_less_what_cleanness_is_paid(found: dict[str, float]) -> None:
    price, load = np.full(N, 260.0), sum(REGIONS.values())
    price[17:21] = 700.0
    moved = 3 * (260.0 * 0.08 * 2 - 700.0 * 0.08 * 0.95**2 * 2)
    assert found["vpp_purchase_money"] == pytest.approx(load * price.sum() + moved)
    assert found["vpp_idle_money"] == pytest.approx(load * price.sum())
    assert found["vpp_sales_money"] == 0.0
    cost = found["vpp_purchase_money"] - found["environmental_money"]
    assert found["vpp_cost_money"] == pytest.approx(cost)
    assert sum(found[f"plant_{plant}_cost_money"] for plant in SHARES) == pytest.approx(cost)
    assert found["vpp_wear_money"] == pytest.approx(3 * 5.0 * 0.08 * 0.95**2 * 2)


def test_the_indicator_weighs_both_sides(known: GridEvidence, found: dict[str, float]) -> None:
    # The benchmark is what the agents' own programme finds; 20 is the expected budget.
    benchmark = float(known.tables["vpp_days"]["benchmark_money"].sum())
    saving = benchmark - found["vpp_cost_money"] - found["vpp_wear_money"]
    assert found["vpp_benchmark_money"] == pytest.approx(benchmark, rel=1e-6)
    assert found["vpp_saving_money"] == pytest.approx(saving, abs=1e-3)
    assert found["lcr_vpp_share"] == pytest.approx(saving / benchmark, rel=1e-5)
    assert found["lcr_system_share"] == pytest.approx((20.0 - saving) / 20.0, rel=1e-5)
    total = 0.7 * found["lcr_vpp_share"] + 0.3 * found["lcr_system_share"]
    assert found["lcr_share"] == pytest.approx(total) and found["lcr_idle_share"] == pytest.approx(0.3)


def test_prices_of_nothing_leave_no_indicator(known: GridEvidence) -> None:
    def free(rows: pd.DataFrame) -> None:
        rows[["buy_price_per_mwh", "sell_price_per_mwh"]] = 0.0

    assert np.isnan(metrics(altered(known, "vpp_regions", free))["lcr_share"])


def test_green_energy_is_certified_once_and_paid(known: GridEvidence, found: dict[str, float]) -> None:
    out = float(known.tables["storages"]["green_out_mwh"].sum())
    for name in ("green_discharged_mwh", "certified_mwh", "cancelled_mwh"):
        assert found[name] == pytest.approx(out)
    assert sum(found[f"green_discharged_{name}_mwh"] for name in REGIONS) == pytest.approx(out)
    assert sum(found[f"plant_{name}_green_discharged_mwh"] for name in SHARES) == pytest.approx(out)
    assert found["avoided_tco2"] == pytest.approx(0.6 * out)
    assert found["green_payment_per_mwh"] == pytest.approx(found["environmental_money"] / out)
    assert found["green_payment_per_mwh"] < 40.0


def test_periods_and_runs_of_use_are_counted_by_region_and_plant(
    known: GridEvidence, found: dict[str, float]
) -> None:
    assert [found[f"{name}_actions"] for name in ("charge", "discharge")] == [6.0, 6.0]
    assert [found[f"{name}_runs"] for name in ("charge", "discharge")] == [3.0, 3.0]
    days = vpp_region_days_table(known).set_index(["agent", "region"])
    assert days["charge_actions"].to_dict() == {
        ("north", "hill"): 2, ("north", "dale"): 2, ("south", "hill"): 2, ("south", "dale"): 0,
    }  # fmt: skip


def test_gaps_of_plans_are_sums_and_worst_shares(found: dict[str, float]) -> None:
    assert found["plan_gap_share"] == pytest.approx(1e-4)
    assert found["plan_gap_money"] == pytest.approx(1e-4 * found["vpp_idle_money"])
    assert found["label_overstated_mwh"] == pytest.approx(0.04)
    assert found["label_overstated_money"] == pytest.approx(2e-4 * found["vpp_idle_money"])


def test_who_proves_nothing_has_no_gap(known: GridEvidence) -> None:
    def unproven(days: pd.DataFrame) -> None:
        days[["bound_money", "relaxed_green_mwh", "overstated_money"]] = np.nan

    found = metrics(altered(known, "vpp_days", unproven))
    assert not {"plan_gap_money", "label_overstated_money"} & set(found)


def test_nothing_is_a_share_of_a_saving_that_is_noise() -> None:
    days = pd.DataFrame({"overstated_money": [1e-3], "benchmark_money": [1000.0], "idle_money": [1200.0]})
    assert overstated_of_saving(days.assign(cost_money=999.0)) == pytest.approx(1e-3)
    assert overstated_of_saving(days.assign(cost_money=1000.0 - 1e-4)) is None


def test_a_world_without_plants_has_none_of_them(known: GridEvidence) -> None:
    assert metrics(replace(known, tables={"records": known.tables["records"]})) == {}
