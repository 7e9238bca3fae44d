"""Scenarios with virtual power plants: those that cannot be, and a day of one by different rules."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gridarium.agents.storage.storage_owner import StorageOwner
from gridarium.agents.vpp.plant import VirtualPowerPlant
from gridarium.environment.ledger import Ledger
from gridarium.experiments.parts.part import GridScenario
from gridarium.experiments.reading.scenario_files import profile_path
from gridarium.experiments.running.world_build import BuiltWorld, build
from gridarium.experiments.scenario import check_case
from gridarium.market.accounts import POOL_SHARE, POOL_VALUE

UNIT = {"p_max_mw": 0.2, "e_max_mwh": 0.4, "alone": {"regime": "idle"}}
SMALL = UNIT | {"p_max_mw": 0.15, "e_max_mwh": 0.3}
FIVE_BUSES = str(profile_path("adcef-ordinary").with_name("five-bus.json"))


def tree(**over: Any) -> dict[str, Any]:
    """Two regions on five buses: two storages behind the congested line, one before it."""

    def region(number: int) -> dict[str, str]:
        own = f"region_{number}"
        return {"load_column": f"{own}_load_mw", "price_column": f"{own}_tou_price_per_mwh"}

    return {
        "profiles": "green-vpp",
        "horizon_h": 24,
        "network": {"source": FIVE_BUSES, "loads": "profile", "sites": {"a": 1, "b": 3, "c": 4}},
        "prices": {"green_share_column": "green_share", "tou_column": "region_1_tou_price_per_mwh"},
        "price_regions": {"regions": {"near": region(1), "far": {"behind": "line 2", **region(2)}}},
        "distribution_operator": {},
        "vpps": {"plant": {"planner": "mccormick"}},
        "storages": {"a": UNIT, "b": UNIT, "c": SMALL},
    } | over


def checked(case: dict[str, Any]) -> GridScenario:
    scenario, faults = check_case(case)
    assert faults == []
    assert isinstance(scenario, GridScenario)
    return scenario


def played(case: dict[str, Any]) -> BuiltWorld:
    built = build(checked(case))
    while built.world.running:
        built.world.step()
    return built


def booked(ledger: Ledger, account: str, purpose: str) -> float:
    table = ledger.table()
    return float(table[(table["account"] == account) & (table["purpose"] == purpose)]["amount_money"].sum())


HALF = {"load_share": 0.5, "planner": "mccormick"}


@pytest.mark.parametrize(
    ("over", "said"),
    [
        ({"vpps": {"p": {"load_share": 0.6}}}, "load_share of all must sum to 1, they sum to 0.6"),
        ({"vpps": {"p": HALF, "q": HALF}}, "vpps.p.owners: got None; must name storages"),
        (
            {"vpps": {"p": HALF | {"owners": ["a"]}, "q": HALF | {"owners": ["a", "b"]}}},
            "storages.c: got 'c'; must be among the owners of exactly one plant, is among those of 0",
        ),
        ({"vpps": {"p": {"owners": ["a", "b", "c", "d"]}}}, "vpps.p.owners.3: got 'd'; must be the name"),
        (
            {"storages": {"a": {"p_max_mw": 0.2, "e_max_mwh": 0.4}}, "network": {"source": FIVE_BUSES}},
            "storages.a.alone.regime: got 'arbitrage'; must be idle under a virtual power plant",
        ),
        ({"vpps": {"p": {"planner": "best"}}}, "vpps.p.planner: got 'best'; must be one of"),
        ({"vpps": {"p": {"cells": 4}}}, "vpps.p.cells: got 4; must be left at 2 where planner is shares"),
        (
            {"vpps": {"p": {"planner": "greedy", "look_ahead_days": 2}}},
            "vpps.p.look_ahead_days: got 2; must be 1 where planner is greedy",
        ),
        ({"vpps": {"p": {"pool": {"split": "fair"}}}}, "vpps.p.pool.split: got 'fair'; must be"),
        ({"vpps": {"p": {"pool": {"outside": "idle"}}}}, "vpps.p.pool.outside: got 'idle'; unknown field"),
        ({"storages": {}, "network": {"source": FIVE_BUSES}}, "storages: got {}; must name owners"),
        ({"distribution_operator": None}, "vpps: got 'given'; must be left out where"),
        ({"dso": {}}, "must be left out where there is"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(over: dict[str, Any], said: str) -> None:
    scenario, faults = check_case(tree(**over))
    assert scenario is None
    assert said in "\n".join(f"{each.place}: got {each.value!r}; {each.allowed}" for each in faults)


@pytest.mark.parametrize(
    ("unit", "said"),
    [
        ({"efficiency_charge": 0.8}, "storages.c.efficiency_charge: got 0.8; must be 0.92, as of b in far"),
        (
            {"e_max_mwh": 0.4},
            "storages.c.p_max_mw: got 0.15; must be 0.2 MW for as many hours at full power as b",
        ),
        ({"wear_cost_per_mwh": 5.0}, "storages.c.wear_cost_per_mwh: got 5.0; must be 0, as of b in far"),
        ({"pooling": {"reserve_share": 0.1}}, "storages.c.pooling.reserve_share: got 0.1; must be 0"),
    ],
)
def test_storages_of_a_region_must_be_alike(unit: dict[str, Any], said: str) -> None:
    case = tree(storages={"a": UNIT | {"efficiency_charge": 0.7}, "b": UNIT, "c": SMALL | unit})
    scenario, faults = check_case(case)
    assert scenario is None
    assert said in "\n".join(map(str, faults))


@pytest.mark.parametrize(
    "plant",
    [
        {"pool": {"owners_verify": True}},
        {"label_rule": "fifo", "coalition_values": "as-scheduled"},
        {"pool": {"split": "with-minus-without"}},
    ],
    ids=["verified", "fifo", "contributions"],
)
def test_a_day_of_a_plant_by_its_rules(plant: dict[str, Any]) -> None:
    built = played(tree(vpps={"plant": {"planner": "mccormick"} | plant}))
    ledger, agent = built.world.ledger, built.one(VirtualPowerPlant)
    (rows,) = (each.values for each in agent.rows() if each.table == "vpp_days")
    saved = float(np.sum(np.asarray(rows["idle_money"]) - np.asarray(rows["cost_money"])))
    assert -booked(ledger, "plant", POOL_VALUE) == pytest.approx(saved)
    paid = sum(booked(ledger, name, POOL_SHARE) for name in "abc")
    if "pool" in plant and "split" in plant["pool"]:
        assert 0.0 < paid < saved
    else:
        assert paid == pytest.approx(saved)
    # Labels by the mix are as planned; others certify other amounts than were planned.
    assert (abs(ledger.balance("plant")) < 1e-6) == (plant.get("label_rule") != "fifo")
    checks = [row for owner in built.of(StorageOwner) for row in owner.rows() if row.table == "record_checks"]
    assert len(checks) == (3 if "owners_verify" in plant.get("pool", {}) else 0)
    assert all(np.all(np.asarray(row.values["verified"]) == 1.0) for row in checks)


def test_two_plants_share_regions_and_come_to_rest() -> None:
    plants = {"p": HALF | {"owners": ["a", "b"]}, "q": HALF | {"owners": ["c"]}}
    built = played(tree(vpps=plants))
    operator = built.world.agents.select(lambda agent: agent.kind == "distribution_operator")[0]
    assert operator.days[0].rounds[-1].ended == "converged"
    for name in plants:
        assert built.world.ledger.balance(name) == pytest.approx(0.0, abs=1e-6)
        assert -booked(built.world.ledger, name, POOL_VALUE) > 10.0


def test_a_plant_whose_storage_fails_goes_on() -> None:
    failing = UNIT | {"failures": {"per_h": 0.5, "lasts_h": 4.0}}
    built = played(tree(storages={"a": failing, "b": UNIT, "c": SMALL}, horizon_h=48))
    agent = built.one(VirtualPowerPlant)
    assert [day.is_final for day in agent.days] == [True, True]
    # What it could not deliver, or was not reported, is the plant's loss.
    assert built.world.ledger.balance("plant") < -1.0
