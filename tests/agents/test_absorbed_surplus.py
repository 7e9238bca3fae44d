"""Credit for a surplus: by hand on two buses, by certificate on a feeder, and never without a cause."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from gridarium.agents.base import GridAgent
from gridarium.agents.behaviour import Behaviour
from gridarium.agents.feeder.absorbed_surplus import AbsorbedSurplus, absorbed_surplus
from gridarium.agents.feeder.commitment import UnitCommitter
from gridarium.agents.feeder.dispatch import DispatchDay, Dispatcher
from gridarium.agents.feeder.dispatch_problem import DispatchShape, Renewable
from gridarium.agents.feeder.dso import Dso
from gridarium.environment.arrays import Array
from gridarium.environment.clock import Clock
from gridarium.environment.commons import Commons
from gridarium.environment.errors import ScenarioError
from gridarium.environment.storage import StorageRatings
from gridarium.experiments.evidence.feeder.carbon_certificates import credit, dso_carbon
from gridarium.experiments.evidence.grid_evidence import GridEvidence, evidence_of
from gridarium.experiments.evidence.tables import collect
from gridarium.experiments.running.world_build import BuiltWorld, build
from gridarium.experiments.scenario import load_scenario
from gridarium.market.messages.tariffs import MarketConditions
from gridarium.market.supply import system_factor
from small_cases import two_buses

# Three periods at the end of a short line: wind at the substation, a storage at the load.

BASE = np.array([2.0, 2.5, 3.5])
PRICE = np.array([360.0, 384.0, 420.0])
GRID = np.array([0.6, 0.65, 0.8])
WIND = np.array([2.6, 1.0, 0.5])
NOTHING = np.zeros(3)


def found(
    efficiency: float, p_max_mw: float = 0.6, unmanaged_mw: Array = NOTHING, wind_mw: Array = WIND
) -> AbsorbedSurplus:
    """The surplus of the three periods, with a storage that never gets full or empty."""
    storage = StorageRatings("store", p_max_mw, 10.0, 0.0, 1.0, 0.5, efficiency, efficiency, 2.0)
    shape = DispatchShape(
        feeder=two_buses(1e-6, 1e-6),
        turbines=(),
        storages=(storage,),
        renewables=(Renewable("wind", 5.0),),
        sites=(("store", 1), ("wind", 0)),
        wear_cost_per_mwh=(("store", 0.0),),
        n_period=3,
        period_h=1.0,
        voltage_band_pu=(0.9, 1.1),
        loading_max=float("inf"),
        import_limit_mw=10.0,
        export_limit_mw=0.0,
        loss_price_per_mwh=1e-3,
    )
    world = Commons(Clock(pd.Timestamp("2026-01-15T00:00:00+08:00"), 3600.0), 3, 0.0)
    dispatcher = Dispatcher(world, "test", shape)
    day = DispatchDay(
        MarketConditions(PRICE, PRICE, NOTHING, GRID, np.full_like(GRID, 73.65), 0.5),
        np.outer([0.0, 1.0], BASE),
        np.zeros((2, 3)),
        wind_mw[None],
        np.array([5.0]),
        True,
        dispatcher.everything,
    )
    return absorbed_surplus(UnitCommitter(dispatcher), day, dispatcher.solve(day), unmanaged_mw)


def test_a_storage_that_would_else_stand_still_saves_what_it_gives_back() -> None:
    surplus = found(efficiency=0.85)
    # 0.6 MWh in the first period; 72 % of it in the dearest one, instead of import at 0.8 t/MWh.
    assert surplus.absorbed_mw == pytest.approx([0.6, 0.0, 0.0], abs=1e-4)
    assert surplus.avoided_t_per_h == pytest.approx([0.6 * 0.85**2 * 0.8, 0.0, 0.0], abs=1e-4)
    assert surplus.dispatch.charge_mw.sum() == pytest.approx(0.0, abs=1e-4)


def test_a_storage_that_would_else_buy_saves_what_it_would_buy() -> None:
    surplus = found(efficiency=1.0)
    # Buying in the first period at 404 to save 479 in the last pays, so that the same is stored either way.
    assert surplus.dispatch.charge_mw[0] == pytest.approx([0.6, 0.0, 0.0], abs=1e-4)
    assert surplus.avoided_t_per_h == pytest.approx([0.6 * 0.6, 0.0, 0.0], abs=1e-4)


def test_what_storages_take_unmanaged_and_what_is_curtailed_earn_nothing() -> None:
    taken = found(0.85, unmanaged_mw=np.array([0.6, 0.0, 0.0]))
    assert not taken.absorbed_mw.any() and not taken.avoided_t_per_h.any()
    half = found(0.85, unmanaged_mw=np.array([0.3, 0.0, 0.0]))
    assert half.avoided_t_per_h.sum() == pytest.approx(0.3 * 0.85**2 * 0.8, abs=1e-4)
    # 1.6 MW more of wind than the storage can take.
    curtailed = found(0.85, wind_mw=np.array([4.2, 1.0, 0.5]))
    assert curtailed.avoided_t_per_h.sum() == pytest.approx(0.6 * 0.85**2 * 0.8, abs=1e-4)
    assert not found(0.85, wind_mw=np.array([1.9, 1.0, 0.5])).avoided_t_per_h.any()


# A day of the small feeder.


def lived(*changes: str) -> BuiltWorld:
    settings = ["profiles=adcef-high-res", *changes]
    built = build(load_scenario("adcef-small", settings).cases["adcef"])
    while built.world.running:
        built.world.step()
    return built


def evidence(built: BuiltWorld) -> GridEvidence:
    return evidence_of(
        "adcef", built.world.grid, built.sections, collect("adcef", built.world, built.sections)
    )


@pytest.fixture(scope="module")
def avoided() -> BuiltWorld:
    return lived()


@pytest.fixture(scope="module")
def formula() -> BuiltWorld:
    return lived("tariff.credit=formula")


def tampered(known: GridEvidence, table: str, column: str, factor: float) -> GridEvidence:
    changed: pd.DataFrame = known.tables[table].copy()
    changed[column] *= factor
    return replace(known, tables={**known.tables, table: changed})


def test_the_credit_is_what_the_day_avoids_at_base_loads(avoided: BuiltWorld) -> None:
    known = evidence(avoided)
    told, carbon = known.tables["credits"], known.tables["carbon"]
    assert told["avoided_tco2"].sum() > 0.1
    assert told["credit_tco2"].sum() <= told["avoided_tco2"].sum() + 1e-9
    assert told["credit_tco2"].sum() < told["formula_tco2"].sum()
    assert (told["credit_tco2"] >= 0.0).all()
    assert carbon["credit_tco2"].tolist() == told["credit_tco2"].tolist()
    surplus = avoided.one(Dso).today.plan.outlook.surplus
    assert surplus is not None
    used = surplus.dispatch.renewable_mw.sum(axis=0)
    assert np.all(used <= surplus.taken_mw + 1e-6)
    within = surplus.avoided_t_per_h[surplus.absorbed_mw > 0.0]
    assert within.sum() == pytest.approx(surplus.avoided_t_per_h.sum())


def test_the_certificates_find_a_credit_without_a_cause(avoided: BuiltWorld, formula: BuiltWorld) -> None:
    known = evidence(avoided)
    (own,) = credit(known)
    assert own.hard and own.value <= own.tolerance
    (doubled,) = credit(tampered(known, "credits", "credit_tco2", 4.0))
    assert doubled.value > doubled.tolerance
    (printed,) = credit(evidence(formula))
    assert not printed.hard


@pytest.mark.parametrize("column", ["allocated_tco2", "credit_tco2"])
def test_the_carbon_balance_has_its_own_reference(avoided: BuiltWorld, column: str) -> None:
    known = evidence(avoided)
    right, wrong = (next(iter(dso_carbon(one))) for one in (known, tampered(known, "carbon", column, 1.01)))
    assert right.name == wrong.name == "carbon balance"
    assert right.value <= right.tolerance < wrong.value


def test_the_printed_formula_credits_its_factor_to_every_load(formula: BuiltWorld) -> None:
    known, plan = evidence(formula), formula.one(Dso).today.plan
    told = known.tables["credits"]
    assert told["credit_tco2"].to_numpy() == pytest.approx(told["formula_tco2"].to_numpy(), abs=1e-9)
    negative = plan.offer.negative_factor_tco2_per_mwh
    assert told["credit_tco2"].to_numpy() == pytest.approx(-negative * plan.situation.load_mw, abs=1e-9)
    quota = plan.situation.conditions.quota_tco2_per_mwh
    assert plan.carbon_worth_per_mwh == pytest.approx(73.65 * (quota - negative))


def test_a_fixed_credit_is_no_worth_of_a_further_mwh(avoided: BuiltWorld) -> None:
    plan = avoided.one(Dso).today.plan
    quota = plan.situation.conditions.quota_tco2_per_mwh
    assert plan.carbon_worth_per_mwh == pytest.approx(np.full(24, 73.65 * quota), abs=1e-9)
    load, surplus = plan.situation.load_mw, plan.outlook.surplus
    assert surplus is not None
    worth = 73.65 * (quota * load.sum() + surplus.avoided_t_per_h.sum())
    assert plan.net_cost_money(True) == pytest.approx(plan.dispatch.cost_money - worth)
    charged = float(plan.offer.factor_tco2_per_mwh @ load)
    emitted = float(plan.situation.supply.emission_t_per_h.sum())
    assert charged == pytest.approx(emitted - surplus.avoided_t_per_h.sum())


def test_a_day_without_surplus_credits_nothing() -> None:
    built = build(load_scenario("adcef-small").cases["adcef"])
    built.world.step()
    plan = built.one(Dso).today.plan
    assert plan.outlook.surplus is not None and not plan.outlook.surplus.avoided_t_per_h.any()
    assert not plan.offer.negative_factor_tco2_per_mwh.any()
    average = system_factor(plan.situation.supply)
    assert np.abs(plan.offer.factor_tco2_per_mwh - average).max() > 0.01


class Greedy(Behaviour):
    """Draws three tenths more than it has planned."""

    def act(self, agent: GridAgent, period: int, planned: float) -> float:
        return 1.3 * planned


def test_a_day_that_emits_more_than_planned_earns_less_credit() -> None:
    built = lived(f"consumers.residential.behaviour=['{__name__}:Greedy']")
    accounts, surplus = built.one(Dso).today.accounts, built.one(Dso).today.plan.outlook.surplus
    assert surplus is not None
    left = float(surplus.emission_t_per_h.sum() - accounts.emission_tco2().sum())
    assert accounts.credit_tco2.sum() == pytest.approx(max(0.0, left), abs=1e-9)
    assert accounts.credit_tco2.sum() < surplus.avoided_t_per_h.sum() - 0.01
    balance, *_ = dso_carbon(evidence(built))
    (cause,) = credit(evidence(built))
    assert balance.value <= balance.tolerance and cause.value <= cause.tolerance


def test_a_surplus_after_the_response_needs_the_formula() -> None:
    with pytest.raises(ScenarioError, match="must be ex-ante where avoided emission is credited"):
        load_scenario("adcef-small", ["tariff.surplus=ex-post"])
    changes = ["tariff.surplus=ex-post", "tariff.credit=formula"]
    assert load_scenario("adcef-small", changes).cases["adcef"].tariff.surplus == "ex-post"
