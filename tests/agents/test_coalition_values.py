"""Values of coalitions in the game itself: against a linear programme, other orders, and by day type."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from gridarium.agents.feeder.coalition_values import CoalitionValuer, ValuedDay
from gridarium.agents.feeder.dispatch import Openings, dispatch_form
from gridarium.agents.feeder.dso import Dso
from gridarium.agents.feeder.pooled_storages import PooledStorages
from gridarium.environment.arrays import Array, Flags
from gridarium.environment.errors import InfeasibleError
from gridarium.experiments.evidence.programs.feeder_day import FeederDay
from gridarium.experiments.evidence.programs.feeder_program import FeederProgram
from gridarium.experiments.running.world_build import build
from gridarium.experiments.scenario import load_scenario
from gridarium.market.coalition import membership

POOLED = (
    "gas_turbines={}",
    "tariff.kind=tou",
    "dso.storage=pooled",
    "storage_pool.service_cost_per_mwh=3",
    "storages.storage_7.pooling={response_s: 0.1, ageing_cost_per_mwh: 40}",
    "storages.storage_14.wear_cost_per_mwh=20",
    "storages.storage_24.pooling={begins: false}",
)
EVERYBODY = membership(3) > 0.0


def planned(*settings: str) -> tuple[Dso, PooledStorages, ValuedDay]:
    """An operator with its day planned, none of it delivered."""
    built = build(load_scenario("adcef-small", [*POOLED, *settings]).cases["tou"])
    built.world.step()
    dso = built.one(Dso)
    assert dso.pooled is not None
    return dso, dso.pooled, dso.pooled.valued_day(dso.today)


def other_cost_money(dso: Dso, valued: ValuedDay, inside: Flags, drawn_mw: Array) -> float:
    """Cost of a day with some storages commanded, by a linear programme that has nothing of the dispatch."""
    own, n = dso.contract.own_storages, dso.shape.n_period
    rest = own.only([unit.name for unit, one in zip(own.units, inside, strict=True) if not one])
    told, held = valued.day.signals, np.full((2, n), dso.shape.feeder.slack_vm_pu**2)
    day = FeederDay(
        load_p_mw=valued.day.load_p_mw + rest.at_buses(drawn_mw, dso.shape.feeder.n_bus),
        load_q_mvar=told["load_q_mvar"],
        buy_per_mwh=told["buy_price"],
        sell_per_mwh=told["sell_price"],
        ladder_start_mw=np.zeros((0, n)),
        ladder_rise_per_mwh=np.zeros((0, n)),
        ladder_reward_per_h=np.zeros(n),
        carbon_per_tco2=told["carbon_price"],
        available_mw=told["available_mw"],
        initial_mwh=told["initial_mwh"],
        on=told["on"],
        may_buy=told["may_buy"],
        may_sell=told["may_sell"],
        head_squared=held,
    )
    found = FeederProgram(dso.shape).least(day, inside & valued.moves, inside & valued.regulates)
    assert found.burnt_pu < 1e-6
    given = found.discharge_mwh.copy()
    given[~inside] += np.maximum(-drawn_mw, 0.0).sum(axis=1) * dso.shape.period_h
    wear = np.array(own.wear_cost_per_mwh)[~inside]
    return found.money + float(valued.ageing_cost_per_mwh @ given) + float(wear @ given[~inside])


@pytest.fixture(scope="module")
def stand_alone() -> tuple[Dso, PooledStorages, ValuedDay]:
    return planned("storage_pool.counts_ageing=true")


def test_values_equal_those_of_a_linear_programme(
    stand_alone: tuple[Dso, PooledStorages, ValuedDay],
) -> None:
    dso, pooled, aged = stand_alone
    # Dispatches do not minimise ageing: several of the same cost age storages differently.
    valued = replace(aged, ageing_cost_per_mwh=np.zeros(3))
    values = pooled.valuer.values_money(valued, EVERYBODY)
    costs = np.array(
        [other_cost_money(dso, valued, inside, valued.alone_mw[~inside]) for inside in EVERYBODY]
    )
    assert values == pytest.approx(costs[0] - costs, abs=1e-3)
    assert values[0] == 0.0
    assert np.ptp(values) > 1.0


def test_values_do_not_hang_on_the_order_in_which_they_are_asked(
    stand_alone: tuple[Dso, PooledStorages, ValuedDay],
) -> None:
    dso, pooled, valued = stand_alone
    values = pooled.valuer.values_money(valued, EVERYBODY)
    backwards = CoalitionValuer(dso._planner.dispatcher, dso._planner.redispatch, dso.contract.own_storages)
    assert backwards.values_money(valued, EVERYBODY[::-1])[::-1] == pytest.approx(values, abs=0.01)


def test_a_day_of_the_same_type_costs_no_dispatch_and_another_one_does(
    stand_alone: tuple[Dso, PooledStorages, ValuedDay],
) -> None:
    _, pooled, valued = stand_alone
    pooled.valuer.values_money(valued, EVERYBODY)
    before = pooled.valuer.dispatches
    load = valued.day.load_p_mw
    same = replace(valued, day=replace(valued.day, load_p_mw=load + 1e-9))
    pooled.valuer.values_money(same, EVERYBODY)
    assert pooled.valuer.dispatches == before
    other = replace(valued, day=replace(valued.day, load_p_mw=1.01 * load))
    pooled.valuer.values_money(other, EVERYBODY[-1:])
    assert pooled.valuer.dispatches == before + 2


def test_ageing_counts_by_what_is_discharged(stand_alone: tuple[Dso, PooledStorages, ValuedDay]) -> None:
    _, pooled, valued = stand_alone
    only = np.array([[True, False, False]])
    free = replace(valued, ageing_cost_per_mwh=np.zeros(3))
    with_ageing, without = (pooled.valuer.values_money(one, only)[0] for one in (valued, free))
    # At most two cycles of 0.8 MWh within the day, pooled or alone.
    assert 0.0 < abs(with_ageing - without) < 40.0 * 2.0


def test_a_member_that_is_unfit_is_worth_nothing_against_storages_that_rest() -> None:
    _, pooled, valued = planned("storage_pool.outside=idle")
    assert not valued.alone_mw.any()
    unfit = replace(valued, moves=np.array([False, True, True]), regulates=np.zeros(3, dtype=np.bool_))
    values = pooled.valuer.values_money(unfit, EVERYBODY)
    assert values[1] == pytest.approx(0.0, abs=0.01)
    assert values[2] > 10.0
    assert values[1::2] == pytest.approx(values[::2], abs=0.01)


def test_who_is_outside_schedules_itself_and_who_is_inside_is_commanded(
    stand_alone: tuple[Dso, PooledStorages, ValuedDay],
) -> None:
    dso, _, _ = stand_alone
    assert set(dso.today.owners_mw) == {"storage_24"}
    assert np.abs(dso.today.own_mw).max() > 0.1
    plan = dso.today.plan.dispatch
    assert np.abs(plan.charge_mw[2] + plan.discharge_mw[2]).max() < 1e-6
    # Only the quick one serves voltage.
    quick, slow, closed = np.abs(plan.storage_mvar).max(axis=1)
    assert slow < 1e-6 and closed < 1e-6
    assert plan.charge_mw[1].max() > 0.1
    assert quick > 1e-3


def test_values_equal_those_of_another_solver(stand_alone: tuple[Dso, PooledStorages, ValuedDay]) -> None:
    pytest.importorskip("clarabel")
    from gridarium.experiments.benchmarks.conic_reference import solve_conic

    dso, pooled, valued = stand_alone
    free = replace(valued, ageing_cost_per_mwh=np.zeros(3))
    form, costs = dispatch_form(dso.shape), []
    for inside in EVERYBODY[[0, 3, 7]]:
        outside = [unit.name for unit, one in zip(dso.shape.storages, inside, strict=True) if not one]
        own = dso.contract.own_storages.only(outside)
        drawn = free.alone_mw[~inside]
        load = free.day.load_p_mw + own.at_buses(drawn, dso.shape.feeder.n_bus)
        openings = Openings(inside * free.moves, inside * free.regulates)
        signals = replace(free.day, load_p_mw=load, openings=openings).signals
        told = np.concatenate([np.ravel(signals[name]) for name in form.signals])
        borne = float(np.array(own.wear_cost_per_mwh) @ np.maximum(-drawn, 0.0).sum(axis=1))
        # The relaxation of the power flow, whose cost is the dispatch's where it is tight.
        costs.append(solve_conic(form, form.at(told)).cost + form.constant_at(told) + borne)
    found = pooled.valuer.values_money(free, EVERYBODY[[3, 7]])
    assert found == pytest.approx(costs[0] - np.array(costs[1:]), abs=0.01)


LARGE = (
    "storages.storage_14={p_max_mw: 4, e_max_mwh: 8, equal_schedules: earliest}",
    "prices.import_limit_mw=3.95",
)


def test_what_the_head_cannot_carry_is_changed_before_it_is_valued() -> None:
    dso, pooled, valued = planned(*LARGE)
    nobody, everybody = EVERYBODY[0], EVERYBODY[-1]
    changed = pooled.valuer.drawn_outside_mw(valued, nobody)
    assert np.abs(changed - valued.alone_mw).max() > 0.1
    without, together = (
        other_cost_money(dso, valued, some, pooled.valuer.drawn_outside_mw(valued, some))
        for some in (nobody, everybody)
    )
    found = pooled.valuer.values_money(valued, EVERYBODY[-1:])
    assert found == pytest.approx([without - together], abs=0.01)


def test_a_day_that_no_coalition_can_be_supplied_on_is_named() -> None:
    _, pooled, valued = planned()
    dark = replace(valued, day=replace(valued.day, load_p_mw=10.0 * valued.day.load_p_mw))
    with pytest.raises(InfeasibleError, match="with nobody pooled and the others outside"):
        pooled.valuer.values_money(dark, EVERYBODY[-1:])
