"""References of pools and owners: an honest run meets them, altered tables and altered code do not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from gridarium.agents.feeder.coalition_values import CoalitionValuer
from gridarium.experiments.evidence.grid_evidence import GridEvidence, agents_of
from gridarium.experiments.evidence.storage import (
    coalition_value_certificates,
    membership_certificates,
    owner_certificates,
    share_certificates,
    storage_carbon_certificates,
)
from gridarium.experiments.evidence.storage.storage_schedule import Told
from gridarium.experiments.evidence.tables import collect
from gridarium.experiments.results.records import Reading
from gridarium.experiments.running.world_build import build
from gridarium.experiments.scenario import load_scenario
from gridarium.market.accounts import CHARGE

SETTINGS = (
    "gas_turbines={}",
    "tariff.kind=tou",
    "dso.storage=pooled",
    "storage_pool.revisions=together",
    "storage_pool.service_cost_per_mwh=3",
    "storages.storage_7.pooling={response_s: 0.1, begins: false}",
    "storages.storage_14.wear_cost_per_mwh=20",
    "storages.storage_24.pooling.effort_money=1000",
    "horizon_h=96",
)
Change = Callable[[pd.DataFrame], pd.DataFrame]


@pytest.fixture(scope="module")
def known() -> GridEvidence:
    return played()


def played() -> GridEvidence:
    """A run of four days, of which one owner joins on the third, and another leaves."""
    built = build(load_scenario("adcef-small", SETTINGS).cases["tou"])
    while built.world.running:
        built.world.step()
    grid = built.world.grid
    tables = collect("only", built.world, built.sections)
    return GridEvidence("only", built.sections[""], grid, agents_of(grid), tables)


CERTIFICATES: dict[str, Callable[[GridEvidence], Iterator[Reading]]] = {
    "value of the pool": coalition_value_certificates.values,
    "split of the pool": share_certificates.shares,
    "coalitions of the pool": share_certificates.shares,
    "sub-pools of the pool": share_certificates.shares,
    "scores of the pool": membership_certificates.fitness,
    "members of the pool": membership_certificates.fitness,
    "announcements of the pool": membership_certificates.announcements,
    "joining of the pool": membership_certificates.choices,
    "owner regret": owner_certificates.schedules,
    "owner ties": owner_certificates.schedules,
    "owner earnings": owner_certificates.schedules,
    "stored carbon": storage_carbon_certificates.stored_carbon,
    "payments of owners": owner_certificates.payments,
    "equal schedules": owner_certificates.equal_rules,
}


def reading(known: GridEvidence, name: str) -> Reading:
    return next(one for one in CERTIFICATES[name](known) if one.name == name)


def fails(one: Reading) -> bool:
    return not one.value <= one.tolerance


def altered(known: GridEvidence, table: str, change: Change) -> GridEvidence:
    return replace(known, tables={**known.tables, table: change(known.tables[table].copy())})


def test_an_honest_run_meets_all_references(known: GridEvidence) -> None:
    found = {name: reading(known, name) for name in CERTIFICATES}
    assert {name for name, one in found.items() if fails(one)} == set()
    assert all(one.hard for one in found.values())
    assert found["joining of the pool"].detail == "2 changes"


@pytest.mark.parametrize(
    ("name", "table", "column", "amount", "where"),
    [
        ("split of the pool", "storage_pool", "share_money", 0.01, "agent == 'storage_14'"),
        ("sub-pools of the pool", "sub_pools", "owen_money", 0.01, "owner == 'storage_7'"),
        ("sub-pools of the pool", "sub_pools", "sub_pool", 1, "owner == 'storage_7'"),
        ("scores of the pool", "storage_pool", "score", 1e-4, "day == 2"),
        ("members of the pool", "storage_pool", "enrolled", -1.0, "member > 0"),
        ("members of the pool", "storage_pool", "sub_pool", 1, "agent == 'storage_7'"),
        ("announcements of the pool", "storage_pool", "announced_money", 0.01, "day == 3"),
        ("joining of the pool", "storage_pool", "announced_money", 1e4, "day == 2"),
        ("owner regret", "storage_schedules", "p_baseline_mw", 0.01, "period == 12"),
        ("owner earnings", "storage_pool", "alone_money", 0.01, "day == 2"),
        ("owner earnings", "storages", "e_mwh", 0.01, "period == 23"),
        ("stored carbon", "storages", "carbon_tco2", 1e-4, "period == 20"),
        ("stored carbon", "buses", "carbon_intensity_tco2_per_mwh", 0.01, "period == 2"),
        ("payments of owners", "ledger", "amount_money", 0.01, f"purpose == '{CHARGE}'"),
        ("equal schedules", "equal_schedules", "redispatched_mwh", 0.01, "rule == 'spread'"),
        ("equal schedules", "equal_schedules", "earnings_money", 1.0, "rule == 'latest'"),
    ],
)
def test_what_a_table_says_otherwise_is_found(
    known: GridEvidence, name: str, table: str, column: str, amount: float, where: str
) -> None:
    def added(rows: pd.DataFrame) -> pd.DataFrame:
        rows.loc[rows.eval(where), column] += amount
        return rows

    assert fails(reading(altered(known, table, added), name))


def test_a_game_that_lacks_a_coalition_is_found(known: GridEvidence) -> None:
    fewer = altered(known, "coalitions", lambda rows: rows[rows["coalition"] != "storage_7+storage_24"])
    assert reading(fewer, "coalitions of the pool").value == known.tables["coalitions"]["game"].nunique()


def test_a_wrong_game_is_found_though_its_shares_are_right(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = CoalitionValuer._cost_money
    monkeypatch.setattr(CoalitionValuer, "_cost_money", lambda *told: 0.99 * honest(*told))
    known = played()
    assert fails(reading(known, "value of the pool"))
    assert not fails(reading(known, "split of the pool"))


def test_the_best_schedule_of_a_storage_by_hand(known: GridEvidence) -> None:
    unit = load_scenario("adcef-small", SETTINGS).cases["tou"].storages["storage_14"]
    room = (unit.soc_max - unit.soc_initial) * unit.e_max_mwh
    hours = room / (unit.p_max_mw * unit.efficiency_charge)
    price = np.array([100.0, 300.0])
    step_h = 2.0 * hours
    given = room * unit.efficiency_discharge
    net_mw = np.array([room / unit.efficiency_charge, -given]) / step_h
    told = Told(unit, price, net_mw, unit.soc_initial * unit.e_max_mwh, step_h)
    right = (300.0 - unit.wear_cost_per_mwh) * given - 100.0 * room / unit.efficiency_charge
    assert told.best_money == pytest.approx(right)
    assert told.regret_money == pytest.approx(0.0, abs=1e-9)
    assert replace(told, net_mw=0.5 * net_mw).regret_money == pytest.approx(0.5 * right)
    assert replace(told, net_mw=np.array([0.0, net_mw[1]])).tie_gap == np.inf


def test_of_schedules_that_earn_the_same_the_owners_one_is_told(known: GridEvidence) -> None:
    unit = load_scenario("adcef-small", SETTINGS).cases["tou"].storages["storage_14"]
    low, first = unit.soc_min * unit.e_max_mwh, unit.soc_initial * unit.e_max_mwh
    given = (first - low) * unit.efficiency_discharge
    price, taken = np.array([300.0, 300.0, 100.0, 100.0]), (first - low) / unit.efficiency_charge
    spread = np.array([-given, -given, taken, taken]) / 2.0
    early = np.array([-given, 0.0, taken, 0.0])
    for rule, right, wrong in (
        ("spread", spread, early),
        ("earliest", early, spread),
        ("latest", early[[1, 0, 3, 2]], early),
    ):
        own = unit.model_copy(update={"equal_schedules": rule})
        for net_mw, is_right in ((right, True), (wrong, False)):
            told = Told(own, price, net_mw, first, 1.0)
            assert told.regret_money == pytest.approx(0.0, abs=1e-6)
            assert (told.tie_gap < 1e-6) is is_right
            # So it is of a watt, and of a storage that no day could fill.
            sizes = {"p_max_mw": 1e-6 * own.p_max_mw, "e_max_mwh": 1e-6 * own.e_max_mwh}
            watt = Told(own.model_copy(update=sizes), price, 1e-6 * net_mw, 1e-6 * first, 1.0)
            assert (watt.tie_gap < 1e-4) is is_right
            vast = own.model_copy(update={"e_max_mwh": 1e6, "soc_min": 1e-6 * low, "soc_max": 1.0})
            assert (replace(told, unit=vast, net_mw=net_mw).tie_gap < 1e-6) is is_right


@pytest.mark.parametrize("cheap", [0.0, -50.0])
def test_power_that_goes_in_and_out_at_once_is_no_later_schedule(cheap: float) -> None:
    unit = load_scenario("adcef-small", SETTINGS).cases["tou"].storages["storage_14"]
    own = unit.model_copy(update={"equal_schedules": "latest", "wear_cost_per_mwh": 0.0})
    first = own.soc_initial * own.e_max_mwh
    given = (first - own.soc_min * own.e_max_mwh) * own.efficiency_discharge
    taken = given / own.efficiency_discharge / own.efficiency_charge
    told = Told(own, np.array([600.0, cheap]), np.array([-given, taken]), first, 1.0)
    assert told.tie_gap < 1e-6
    early = replace(
        told, price_per_mwh=np.array([600.0, cheap, cheap]), net_mw=np.array([-given, taken, 0.0])
    )
    assert early.tie_gap > 0.1
