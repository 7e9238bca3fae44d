"""Days on which storages of a dispatch are out: what is planned anew, what is kept, what the grid makes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from gridarium.agents.feeder.carbon_pool import CarbonPoolPlan
from gridarium.agents.feeder.dispatch import Dispatcher
from gridarium.agents.feeder.dso import Dso
from gridarium.agents.feeder.rest_of_day import content_after, reachable_mwh, rest_of_pools
from gridarium.agents.storage.standby_storage import StandbyStorage
from gridarium.agents.storage.storage_owner import StorageOwner
from gridarium.environment.storage import StorageRatings
from gridarium.experiments.evidence.certificates import certify
from gridarium.experiments.evidence.feeder.outage_certificates import departures, undisturbed
from gridarium.experiments.evidence.grid_evidence import evidence_of
from gridarium.experiments.evidence.tables import collect
from gridarium.experiments.running.world_build import BuiltWorld, build
from gridarium.experiments.scenario import load_scenario

UNIT = StorageRatings("one", 0.5, 1.0, 0.1, 0.9, 0.5, 0.9, 0.8, 0.5)
FAILURE = "incidents.{}={{unit: {}, at_h: {}, lasts_h: {}, day: {}}}"
POOLED = ("tariff.kind=tou", "dso.storage=pooled", "storage_pool={}")


def played(case: str, *settings: str) -> BuiltWorld:
    built = build(load_scenario("adcef-small", ["edge={}", *settings]).cases[case])
    while built.world.running:
        built.world.step()
    return built


def hard_faults(built: BuiltWorld) -> list[str]:
    tables = collect("case", built.world, built.sections)
    found = certify("case", built.world, built.sections, tables, "cny")
    return [one.name for one in found if one.hard and not one.passed]


@pytest.fixture(scope="module")
def out() -> BuiltWorld:
    """One unit is out for some hours, another for the rest of the day; the first has a standby."""
    return played(
        "tou-commanded",
        FAILURE.format("a", "storage_7", 9.5, 4, 0),
        FAILURE.format("b", "storage_24", 11.3, 40, 0),
        "standby_storages.spare={p_max_mw: 0.3, e_max_mwh: 0.5, covers: [storage_7]}",
    )


def test_physics_and_plan_in_force_agree_wherever_units_follow_it(out: BuiltWorld) -> None:
    (dso,), (grid,) = out.of(Dso), out.world.grids
    known = evidence_of("case", grid, out.sections, {})
    followed, day = undisturbed(known), dso.days[0]
    # The hours in which units fail, or are back, and those alone.
    assert np.flatnonzero(~followed).tolist() == [9, 11, 13]
    vm_pu = np.array([state.flow.vm_pu[0] for state in grid.states]).T
    apart = np.abs(vm_pu - day.in_force.voltage_pu).max(axis=0)
    assert apart[followed].max() < 1e-6 < apart[~followed].min()
    head_mw = day.in_force.buy_mw - day.in_force.sell_mw
    assert np.abs(grid.exchange_mw - head_mw)[followed].max() < 1e-5
    # What was planned the day before stays what prices and dues go by.
    assert np.abs(day.plan.dispatch.voltage_pu - day.in_force.voltage_pu).max() > 1e-4
    assert hard_faults(out) == []


def test_who_is_out_rests_and_the_others_end_as_planned(out: BuiltWorld) -> None:
    (dso,) = out.of(Dso)
    owners = {one.name: one.storage for one in out.of(StorageOwner)}
    assert [plan.out for plan in dso.outages.plans] == [
        ("storage_7",),
        ("storage_7", "storage_24"),
        ("storage_24",),
    ]
    assert [plan.first_step for plan in dso.outages.plans] == [10, 12, 14]
    row = [unit.name for unit in dso.shape.storages].index("storage_7")
    told = dso.days[0].in_force
    assert max(told.charge_mw[row, 10:14].max(), told.discharge_mw[row, 10:14].max()) < 1e-9
    # Both that are there end the day with what they began it with; the third keeps what it had.
    for name in ("storage_7", "storage_14"):
        assert owners[name].e_mwh[-1] == pytest.approx(owners[name].ratings.e_max_mwh / 2, abs=1e-6)
    assert owners["storage_24"].e_mwh[-1] == owners["storage_24"].e_mwh[11]
    final = dso.outages.plans[-1].final_mwh["storage_24"]
    assert final == pytest.approx(owners["storage_24"].e_mwh[-1], abs=0.8 * 30 / 3600)


def test_a_standby_is_counted_on_as_far_as_its_energy_goes(out: BuiltWorld) -> None:
    (dso,), (spare,) = out.of(Dso), out.of(StandbyStorage)
    plan, did = dso.outages.plans[0], spare.storage
    fed_in = did.discharge_mw - did.charge_mw
    assert plan.standby_mva["spare"][:3].real == pytest.approx(fed_in[10:13], abs=1e-4)
    assert np.abs(fed_in).max() > 0.01
    assert np.all(fed_in[14:] == 0.0)


def test_the_rest_costs_no_more_than_any_other_that_keeps_the_limits(out: BuiltWorld) -> None:
    (dso,) = out.of(Dso)
    for plan in dso.outages.plans:
        assert plan.dispatch.cost_money - plan.dispatch.bound_money < 1e-3 * abs(plan.dispatch.cost_money)


def test_a_day_that_is_to_end_as_it_began_is_the_plain_one(out: BuiltWorld) -> None:
    (dso,) = out.of(Dso)
    day = dso._planner.without_own(dso.days[0])
    plain = Dispatcher(out.world, "dso", dso.shape).solve(day)
    ending = Dispatcher(out.world, "dso", replace(dso.shape, sets_ends=True))
    same = ending.solve(replace(day, final_mwh=day.initial_mwh))
    assert same.cost_money == pytest.approx(plain.cost_money, rel=1e-6)
    fuller = ending.solve(replace(day, final_mwh=day.initial_mwh + 0.1))
    assert fuller.cost_money > plain.cost_money + 1.0


def test_a_unit_that_is_out_overnight_is_out_of_the_next_day_as_well() -> None:
    built = played("tou", *POOLED, "horizon_h=48", FAILURE.format("a", "storage_7", 22.5, 6, 0))
    (dso,) = built.of(Dso)
    places = [(plan.day, plan.first_step, plan.out) for plan in dso.outages.plans]
    assert places == [(0, 23, ("storage_7",)), (1, 0, ("storage_7",)), (1, 5, ())]
    assert hard_faults(built) == []


def test_an_owner_outside_the_pool_ends_the_day_by_its_own_schedule() -> None:
    apart = "storages.storage_24.pooling.begins=false"
    built = played("tou", *POOLED, apart, FAILURE.format("a", "storage_7", 9.5, 4, 0))
    (dso,) = built.of(Dso)
    storage = next(one.storage for one in built.of(StorageOwner) if one.name == "storage_24")
    # It goes on by itself while the others are dispatched anew.
    assert storage.discharge_mw[10:].max() > 0.1
    assert [set(plan.final_mwh) for plan in dso.outages.plans] == 2 * [{"storage_7", "storage_14"}]
    assert hard_faults(built) == []


@pytest.mark.parametrize("cut", ["{agent: edge, start_s: 0}", "{agent: storage_7, start_s: 40000}"])
def test_neither_cut_links_nor_a_late_failure_end_the_world(cut: str) -> None:
    built = played(
        "tou-commanded",
        FAILURE.format("a", "storage_7", 9.5, 3, 0),
        FAILURE.format("b", "storage_14", 23.4, 3, 0),
        f"communication.outages=[{cut[:-1]}, end_s: 200000}}]",
    )
    assert built.world.periods_done == 24
    assert hard_faults(built) == []


def test_a_storage_that_cannot_be_reached_before_a_day_rests_on_it() -> None:
    cut = "communication.outages=[{agent: storage_7, start_s: 40000, end_s: 400000}]"
    built = played("tou", *POOLED, "horizon_h=48", cut)
    storage = next(one.storage for one in built.of(StorageOwner) if one.name == "storage_7")
    assert np.all(storage.charge_mw[24:] == 0.0)
    assert storage.charge_mw[:24].max() > 0.0
    assert hard_faults(built) == []


def test_a_unit_that_departs_for_no_reason_is_found(out: BuiltWorld) -> None:
    (grid,) = out.world.grids
    known = evidence_of("case", grid, out.sections, {})
    (reading,) = departures(known)
    assert reading.value < 1e-6
    unit = next(one for one in out.of(StorageOwner) if one.name == "storage_14")
    before = unit.storage.charge_mw[3]
    unit.storage.charge_mw[3] += 0.01
    (reading,) = departures(known)
    unit.storage.charge_mw[3] = before
    assert reading.value == pytest.approx(0.01)


def test_contents_by_hand() -> None:
    # One hour at 0.5 MW moves 0.45 MWh in and 0.625 MWh out.
    assert reachable_mwh(UNIT, 0.5, 0.3, 1.0) == 0.5
    assert reachable_mwh(UNIT, 0.5, 0.2, 0.5) == pytest.approx(0.2 + 0.225)
    assert reachable_mwh(UNIT, 0.3, 0.9, 0.5) == pytest.approx(0.9 - 0.3125)
    assert reachable_mwh(UNIT, 5.0, 0.8, 3.0) == 0.9
    after = content_after(UNIT, 0.5, np.array([0.2, 0.0]), np.array([0.0, 0.1]), np.array([0.5, 1.0]))
    assert after == pytest.approx(0.5 + 0.09 - 0.125)
    assert content_after(UNIT, 0.2, np.zeros(1), np.array([0.5]), np.ones(1)) == 0.1


def test_virtual_pools_go_on_with_what_they_hold_by_then() -> None:
    pool = CarbonPoolPlan(np.array([[1.0, 2.0, 0.0]]), np.array([[0.0, 0.5, 4.0]]), np.array([3.0]))
    rest = rest_of_pools(pool, 2, 0.5)
    assert rest.first_tco2.tolist() == [3.0 + 0.5 * (1.0 + 1.5)]
    assert rest.outflow_t_per_h.tolist() == [[4.0]]
    assert rest.last_tco2(0.5) == pytest.approx(pool.last_tco2(0.5))
