"""A virtual power plant beside a scripted operator: plans, commands, certificates, money, shares."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from plant_worlds import GREEN_SHARE, LOAD_MW, N_STEP, OWNERS, STEP_H, PlantWorld, plant_world, ratings

from gridarium.agents.vpp.fleet import Fleet
from gridarium.agents.vpp.fleet_start import PlantStorage, fleet_start
from gridarium.agents.vpp.green_day import GreenDay
from gridarium.agents.vpp.green_dispatch import dispatch_by_shares, keeps_limits
from gridarium.agents.vpp.planners import (
    Blind,
    ByCells,
    ByEnvelopes,
    ByShares,
    Greedy,
    PriceTaking,
    Rolling,
)
from gridarium.environment.connection import Connection
from gridarium.environment.links import LinkQuality
from gridarium.market.accounts import ENVIRONMENTAL_PAYMENT, POOL_SHARE, POOL_VALUE
from gridarium.market.green_certificates import GreenCertificates
from gridarium.market.messages.cleanness import CleannessSignal
from gridarium.market.messages.forecasts import OwnSchedule
from gridarium.market.messages.status import StorageStatus
from gridarium.market.pool_splits import WithMinusWithout
from gridarium.market.regional_bill import RegionDay


@pytest.fixture(scope="module")
def day() -> PlantWorld:
    return plant_world().run()


def of_region(world: PlantWorld, region: str) -> dict[str, Any]:
    (rows,) = (each for each in world.rows("vpp_regions") if each["region"] == region)
    return dict(rows)


def by_hand(world: PlantWorld, region: str, price: np.ndarray, pricing: Any) -> GreenDay:
    """A region's day from what the test world was made of."""
    signal, _ = world.operator.answers[-1]
    (terms,) = (one for one in signal.regions if one.region == region)
    own = [ratings(name, e_mwh) for name, (place, e_mwh) in OWNERS.items() if place == region]
    e_max = sum(one.e_max_mwh for one in own)
    whole = replace(own[0], name=region, e_max_mwh=e_max, p_max_mw=0.25 * e_max)
    told = RegionDay(
        region, LOAD_MW[region], terms.buy_price_per_mwh, terms.sell_price_per_mwh, price, STEP_H
    )
    return GreenDay(told, whole, 0.3, GREEN_SHARE, pricing, 10.0)


def test_the_plan_is_the_best_of_one_storage_and_is_carried_out_pro_rata(day: PlantWorld) -> None:
    for region in LOAD_MW:
        told, (_, answer) = of_region(day, region), day.operator.answers[-1]
        best = dispatch_by_shares(
            by_hand(day, region, day.operator.answers[0][0].regions[0].initial_price_per_mwh, "nodal")
        )
        assert told["charge_plan_mw"] == pytest.approx(best.plan.charge_mw, abs=1e-9)
        assert told["green_plan_mw"] == pytest.approx(best.plan.green_discharge_mw, abs=1e-9)
        for name in ("charge", "discharge", "green"):
            assert told[f"{name}_mw"] == pytest.approx(told[f"{name}_plan_mw"], abs=1e-9)
        row = list(LOAD_MW).index(region)
        assert answer.discharge_mw[row].tolist() == told["discharge_plan_mw"].tolist()
    a1, a2 = (day.owners[name].storage for name in ("a1", "a2"))
    assert 2.0 * a1.discharge_mw == pytest.approx(a2.discharge_mw)
    assert a2.discharge_mw.sum() > 0.1
    assert a1.e_mwh[-1] == pytest.approx(0.3)


def test_what_left_as_green_is_certified_once_and_paid(day: PlantWorld) -> None:
    out = sum(float(day.labels(name)["green_out_mwh"].sum()) for name in OWNERS)
    certificates = GreenCertificates(day.world.records)
    totals = certificates.totals
    assert totals.issued_mwh == pytest.approx(out)
    assert totals.cancelled_mwh == pytest.approx(out)
    assert certificates.faults == ()
    assert day.operator.paid[1, 0] == pytest.approx(out)
    paid = sum(float(of_region(day, region)["environmental_money"].sum()) for region in LOAD_MW)
    assert day.booked("vpp", ENVIRONMENTAL_PAYMENT) == pytest.approx(paid)
    assert [row["paid_money"].tolist() for row in day.rows("vpp_days")] == [pytest.approx([paid, paid])]


def test_money_of_a_plant_adds_up_to_nothing_and_shares_to_what_was_saved(day: PlantWorld) -> None:
    days = day.rows("vpp_days")[0]
    saved = float((days["idle_money"] - days["cost_money"]).sum())
    assert saved > 500.0
    assert -day.booked("vpp", POOL_VALUE) == pytest.approx(saved)
    assert sum(day.booked(name, POOL_SHARE) for name in OWNERS) == pytest.approx(saved)
    for account in ("vpp", "vpp-pool"):
        assert day.world.ledger.balance(account) == pytest.approx(0.0, abs=1e-6)
    assert (days["bound_money"] <= days["cost_money"]).all()
    assert (days["cost_money"] <= days["benchmark_money"] + 1e-9).all()


def test_equal_terms_are_answered_without_a_search(day: PlantWorld) -> None:
    assert len(day.operator.answers) == 3
    assert day.rows("vpp_days")[0]["searches"].tolist() == [1.0, 1.0]
    plans = [answer.charge_mw.tolist() for _, answer in day.operator.answers]
    assert plans[1:] == plans[:-1]


def test_coalitions_are_worth_what_their_own_plans_save(day: PlantWorld) -> None:
    """The value of one owner alone in its region, from a dispatch of that storage."""
    (rows,) = (each for each in day.pool.rows() if each.table == "coalitions")
    values = dict(zip(rows.values["coalition"], rows.values["value_money"], strict=True))
    initial = day.operator.answers[0][0].regions[0].initial_price_per_mwh
    alone = by_hand(day, "r1", initial, "nodal")
    alone = replace(alone, ratings=ratings("a1", 0.6))
    assert values["a1"] == pytest.approx(alone.idle_money - dispatch_by_shares(alone).plan.cost_money)
    assert values["a1+b2"] == pytest.approx(values["a1"] + values["b2"])
    assert len(values) == 16


def test_with_minus_without_leaves_the_pool_a_rest(day: PlantWorld) -> None:
    world = plant_world(split=WithMinusWithout()).run()
    paid = sum(world.booked(name, POOL_SHARE) for name in OWNERS)
    saved = -world.booked("vpp", POOL_VALUE)
    assert saved == pytest.approx(-day.booked("vpp", POOL_VALUE))
    # A second storage of a region can sell its green energy only at what the first one leaves of the price.
    assert paid < saved - 0.1
    assert world.world.ledger.balance("vpp-pool") == pytest.approx(saved - paid)


def test_schedules_as_they_are_give_another_game_of_the_same_total(day: PlantWorld) -> None:
    fixed = plant_world(valuing="as-scheduled").run()
    assert fixed.booked("vpp", POOL_VALUE) == pytest.approx(day.booked("vpp", POOL_VALUE))
    (own,), (other,) = (
        [each.values["value_money"] for each in world.pool.rows() if each.table == "coalitions"]
        for world in (fixed, day)
    )
    # Planned anew nobody is worth less, but for the gap of the planner.
    assert (np.asarray(other) >= np.asarray(own) - 1.0).all()


@pytest.mark.parametrize("load_share", [1.0, 0.5])
def test_who_takes_the_posted_price_plans_as_at_a_uniform_one(load_share: float) -> None:
    world = plant_world(planner=PriceTaking(), load_share=load_share, rounds=1).run()
    signal, answer = world.operator.answers[0]
    for row, terms in enumerate(signal.regions):
        seen = by_hand(world, terms.region, terms.nodal_price_per_mwh, "uniform")
        region = replace(seen.region, load_mw=terms.load_mw, foreign_load_mw=terms.foreign_load_mw)
        best = dispatch_by_shares(replace(seen, region=region)).plan
        assert answer.charge_mw[row] == pytest.approx(best.charge_mw, abs=1e-9)
    assert np.isnan(world.rows("vpp_days")[0]["bound_money"]).all()
    assert world.world.ledger.balance("vpp") == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize(
    "planner",
    [ByEnvelopes(), ByCells(cells=2), Blind(), Greedy(), Rolling()],
    ids=lambda one: type(one).__name__,
)
def test_other_planners_come_through_a_day(planner: Any) -> None:
    world = plant_world(planner=planner, rounds=1).run()
    assert world.world.ledger.balance("vpp") == pytest.approx(0.0, abs=1e-6)
    # Shares sum to what was saved, even where a planner saves less than it could.
    assert world.world.ledger.balance("vpp-pool") == pytest.approx(0.0, abs=1e-6)


def test_a_fleet_with_one_fresher_label_does_as_planned_once_it_has_reported() -> None:
    fresh = {"a1": 0.6}
    world = plant_world(planner=ByEnvelopes(), shares=lambda name: fresh.get(name, 0.3), n_day=2).run()
    told, second = of_region(world, "r1"), slice(N_STEP, None)
    assert told["green_mw"][second] == pytest.approx(told["green_plan_mw"][second], abs=1e-9)
    # On the first day nobody had told the plant.
    assert told["green_mw"].sum() > told["green_plan_mw"].sum() + 1e-3
    share = [world.labels(name)["green_share"][-1] for name in ("a1", "a2")]
    assert share[0] > share[1]


def test_two_days_are_planned_and_one_is_commanded() -> None:
    world = plant_world(days_ahead=2, n_day=2, rounds=1).run()
    assert [answer.charge_mw.shape for _, answer in world.operator.answers] == [(2, 12)] * 2 + [(2, 6)] * 2
    told = of_region(world, "r1")
    first, second = world.operator.answers[1][1], world.operator.answers[3][1]
    planned = np.concatenate([first.charge_mw[0, :N_STEP], second.charge_mw[0]])
    assert told["charge_mw"] == pytest.approx(planned, abs=1e-9)
    # The night between the days need not end as it began, all days together do.
    held = world.owners["a1"].storage.e_mwh
    assert held[-1] == pytest.approx(0.3, abs=1e-6)
    assert world.world.ledger.balance("vpp") == pytest.approx(0.0, abs=1e-6)


def test_who_is_no_member_rests_and_is_still_valued() -> None:
    world = plant_world(members=("a1", "b1", "b2")).run()
    assert world.owners["a2"].storage.discharge_mw.tolist() == [0.0] * N_STEP
    (days,) = (each.values for each in world.pool.rows() if each.table == "coalitions")
    values = dict(zip(days["coalition"], days["value_money"], strict=True))
    assert values["a1+a2"] > values["a1"] > 0.0
    assert -world.booked("vpp", POOL_VALUE) == pytest.approx(values["a1+b1+b2"])


def dropping(monkeypatch: pytest.MonkeyPatch, lost: Callable[[str, object], bool]) -> None:
    send = Connection.send

    def lossy(connection: Connection, recipient: str, payload: object, **more: Any) -> None:
        if not lost(connection.name, payload):
            send(connection, recipient, payload, **more)

    monkeypatch.setattr(Connection, "send", lossy)


def test_what_is_not_reported_is_not_certified(monkeypatch: pytest.MonkeyPatch, day: PlantWorld) -> None:
    dropping(monkeypatch, lambda name, payload: name == "a2" and isinstance(payload, StorageStatus))
    world = plant_world().run()
    out = {name: float(world.labels(name)["green_out_mwh"].sum()) for name in OWNERS}
    assert out["a2"] > 0.1
    assert GreenCertificates(world.world.records).totals.issued_mwh == pytest.approx(
        sum(out.values()) - out["a2"]
    )
    # What was not certified is not paid, and the plant bears it.
    lost = day.operator.paid[0, 0] - world.operator.paid[0, 0]
    assert lost > 1.0
    assert world.world.ledger.balance("vpp") == pytest.approx(-lost)


def test_a_day_goes_on_without_an_owner_who_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    dropping(monkeypatch, lambda name, payload: name == "a2" and isinstance(payload, OwnSchedule))
    world = plant_world(rounds=1).run()
    assert world.owners["a2"].storage.discharge_mw.max() == 0.0
    assert world.owners["a1"].storage.discharge_mw.max() > 0.0
    assert world.world.ledger.balance("vpp") == pytest.approx(0.0, abs=1e-6)


def test_slow_and_lossy_links_change_nothing_but_the_time(day: PlantWorld) -> None:
    slow = plant_world(quality=LinkQuality(latency_s=0.2, loss=0.1)).run()
    told = [of_region(world, "r2")["charge_mw"].tolist() for world in (slow, day)]
    assert told[0] == told[1]


def fleet() -> Fleet:
    units = [ratings("x", 0.6), ratings("y", 1.2)]
    members = [PlantStorage(unit.name, "r1", unit) for unit in units]
    return Fleet(members, fleet_start("both", members, [0.3, 0.6], [0.3, 0.3]), ByShares(), STEP_H)


def at_prices(factor: float, day: PlantWorld) -> CleannessSignal:
    signal, _ = day.operator.answers[0]
    regions = tuple(
        replace(
            terms,
            buy_price_per_mwh=terms.buy_price_per_mwh * (1.0 + factor * np.arange(N_STEP)),
            sell_price_per_mwh=terms.sell_price_per_mwh * (1.0 + factor * np.arange(N_STEP)),
        )
        for terms in signal.regions
    )
    return replace(signal, regions=regions)


def test_a_plan_is_kept_until_another_one_is_worth_the_change(day: PlantWorld) -> None:
    own, signal = fleet(), at_prices(0.0, day)
    first = own.answer(signal, signal.regions[0])
    nearly = at_prices(1e-7, day)
    kept = own.answer(nearly, nearly.regions[0])
    assert own.n_search == 2
    assert kept.charge_mw is first.charge_mw
    other = at_prices(-0.15, day)
    changed = own.answer(other, other.regions[0])
    assert own.n_search == 3
    assert not np.array_equal(changed.charge_mw, first.charge_mw)
    assert keeps_limits(own.day, changed)
    # A look at other terms changes no plan.
    assert own.look_at(signal, signal.regions[0]).charge_mw is changed.charge_mw


def test_no_more_green_energy_is_answered_than_the_region_can_use(day: PlantWorld) -> None:
    own, signal = fleet(), day.operator.answers[0][0]
    plan = own.answer(signal, signal.regions[0])
    step = int(plan.green_discharge_mw.argmax())
    crowded = signal.regions[0].foreign_green_mw.copy()
    crowded[step] = LOAD_MW["r1"][step] - 0.5 * plan.green_discharge_mw[step]
    terms = replace(signal.regions[0], foreign_green_mw=crowded)
    # The plan stays: what is answered as green does not.
    own.look_at(signal, terms)
    assert own.powers_mw[1] == pytest.approx(plan.discharge_mw)
    assert own.powers_mw[2][step] == pytest.approx(0.5 * plan.green_discharge_mw[step])
