"""Feeders in regions under a TIES: rounds come to rest, plants plan by what was told, and money adds up."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gridarium.agents.distribution.distribution_operator import DistributionOperator
from gridarium.agents.transmission.ties import Ties
from gridarium.agents.vpp.plant import VirtualPowerPlant
from gridarium.environment.errors import ScenarioError
from gridarium.experiments.reading.plain_yaml import Tree
from gridarium.experiments.reading.scenario_files import profile_path
from gridarium.experiments.running.world_build import BuiltWorld, build
from gridarium.experiments.scenario import load_scenario
from gridarium.market.accounts import PERSONAL_CARBON, PURCHASE, REPLICAS

Write = Callable[..., Path]


def region(number: int, behind: str | None) -> Tree:
    """One of the shipped regions."""
    name = f"region_{number}"
    return {"behind": behind, "load_column": f"{name}_load_mw", "price_column": f"{name}_tou_price_per_mwh"}


def feeder(**more: Any) -> Tree:
    """Twelve equal feeders of two regions, each with a storage."""
    storage = {"efficiency_charge": 0.95, "efficiency_discharge": 0.95, "alone": {"regime": "idle"}}
    return {
        "under": "bulk",
        "replicas": 12,
        "currency": "cny",
        "profiles": "green-vpp",
        "network": {
            "source": str(profile_path("adcef-ordinary").with_name("five-bus.json")),
            "loads": "profile",
            "sites": {"near": 1, "far": 3},
        },
        "prices": {"tou_column": "region_1_tou_price_per_mwh"},
        "price_regions": {"regions": {"region_1": region(1, None), "region_2": region(2, "line 2")}},
        "distribution_operator": {},
        "storages": {
            "near": {"p_max_mw": 0.3, "e_max_mwh": 0.8, **storage},
            "far": {"p_max_mw": 0.2, "e_max_mwh": 0.5, **storage},
        },
        "vpps": {"vpp": {"coalition_values": "as-scheduled"}},
    } | more


def world_of(**more: Any) -> Tree:
    """The units of ties-feeders on a copper plate, with a ladder, over two such groups of feeders."""
    entry = load_scenario("ties-feeders-small").cases["ladder"].model_dump(mode="json")
    bulk = entry["grids"]["bulk"] | {"network": {"source": "copper-plate"}}
    bulk["regions"] = {"industrial": bulk["regions"]["industrial"] | {"buses": []}}
    bulk["ties"]["rounds"]["exchange"]["penalty"] = 0.5
    bulk["ties"]["rounds"]["round_limit"] = 60
    shared = {name: entry[name] for name in ("currency", "exchange_rates", "seed", "start", "period_h")}
    by_ladder = feeder(**{"distribution_operator": {"carbon_price_column": None}} | more)
    by_ladder["prices"] = by_ladder["prices"] | {"carbon_price_from": "supplier"}
    grids = {"bulk": bulk, "b1": feeder(**more), "b2": by_ladder}
    return shared | {"title": "Regions", "horizon_h": 12, "grids": grids}


@pytest.fixture(scope="module")
def negotiated(tmp_path_factory: pytest.TempPathFactory, write_in: Write) -> BuiltWorld:
    """The world after its first period."""
    path = write_in(tmp_path_factory.mktemp("regions"), world_of())
    (case,) = load_scenario(path).cases.values()
    built = build(case)
    built.world.step()
    return built


def test_rounds_come_to_rest(negotiated: BuiltWorld) -> None:
    today = negotiated.one(Ties).days[0]
    assert today.rounds[-1].ended == "converged"
    assert len(today.rounds) <= 60
    for operator in negotiated.of(DistributionOperator):
        signal, load = today.signals[operator.name], today.loads_mw[operator.name]
        assert signal.pull is not None
        assert np.abs(load - signal.pull.target_mw).max() <= 0.02 * np.abs(load).max()
        assert load == pytest.approx(12 * operator.head_plan_mw(0))


def test_regions_are_priced_by_what_was_told(negotiated: BuiltWorld) -> None:
    for operator in negotiated.of(DistributionOperator):
        today = operator.days[0]
        known, told = today.outlook, today.terms
        bill = (known.load_mw * known.buy_price_per_mwh).sum(axis=0)
        assert bill == pytest.approx(told.price_per_mwh * known.load_mw.sum(axis=0))
        contract = [one.buy_price_per_mwh for one in operator.contract.regions]
        assert np.diff(known.buy_price_per_mwh, axis=0)[0] == pytest.approx(contract[1] - contract[0])
        assert told.green_share is not None and np.array_equal(known.green_share, told.green_share)
        # Green energy is paid by the carbon market, or by what the ladder costs around what the head takes.
        if operator.contract.carbon_market is None:
            assert told.ladder is not None
            carbon = told.factor_tco2_per_mwh * np.maximum(12 * operator.head_plan_mw(0), 0.0)
            price = told.ladder.ramp_per_tco2(carbon)
            assert known.initial_price_per_mwh == pytest.approx(0.892 * price, rel=2e-2)
    by_market, by_ladder = (one.contract.carbon_market for one in negotiated.of(DistributionOperator))
    assert by_market == "b1/carbon-market" and by_ladder is None


def test_plans_are_near_the_best_under_their_pulls(negotiated: BuiltWorld) -> None:
    for fleet in negotiated.of(VirtualPowerPlant)[0].days[0].fleets.values():
        told = fleet.figures
        counted = told["cost_money"] + told["pulled_money"]
        assert told["bound_money"] - 1e-6 <= counted <= told["bound_money"] + 1e-3 * told["idle_money"]
        assert fleet.plan.discharge_mw.sum() > 0.1


def test_a_head_pays_its_supplier_and_the_ladder(negotiated: BuiltWorld) -> None:
    world = negotiated.world
    for operator in negotiated.of(DistributionOperator):
        told, taken = operator.days[0].terms, operator.grid.states[0].exchange_mw
        own = (operator.name, operator.grid.named(REPLICAS))
        paid = sum(
            one.amount * ((one.payer in own) - (one.payee in own))
            for one in world.ledger.entries
            if one.period == 0 and one.purpose in (PURCHASE, PERSONAL_CARBON)
        )
        assert told.ladder is not None
        carbon = float(told.factor_tco2_per_mwh[0]) * 12 * taken
        owed = float(told.price_per_mwh[0]) * 12 * taken + float(
            told.ladder.cost_per_h(np.full(12, carbon))[0]
        )
        assert paid == pytest.approx(owed * world.period_h, rel=1e-9)


@pytest.mark.parametrize(
    ("more", "place", "told"),
    [
        (
            {"vpps": {"vpp": {"look_ahead_days": 2}}},
            "vpps.vpp.look_ahead_days",
            "must be 1 where a TIES stands",
        ),
        ({"vpps": {"vpp": {"planner": "greedy"}}}, "vpps.vpp.planner", "must go on from plans"),
        ({"price_regions": None}, "price_regions", "must be given where there is a distribution_operator"),
    ],
)
def test_what_cannot_stand_under_a_ties(write: Write, more: Tree, place: str, told: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        load_scenario(write(world_of(**more)))
    found = {fault.place: fault.allowed for fault in caught.value.faults}
    assert found[f"grids.b1.{place}"].startswith(told)
