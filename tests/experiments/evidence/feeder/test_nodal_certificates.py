"""A surcharge on nodal carbon in whole runs on the feeder of five buses."""

from __future__ import annotations

import numpy as np
import pytest

from gridarium.agents.feeder.dso import Dso
from gridarium.agents.feeder.elastic_consumer import ElasticConsumer
from gridarium.environment.errors import ScenarioError
from gridarium.experiments.evidence.certificates import certify
from gridarium.experiments.evidence.metrics import summarise
from gridarium.experiments.evidence.tables import collect
from gridarium.experiments.results.records import Certificate
from gridarium.experiments.running.world_build import BuiltWorld, build
from gridarium.experiments.scenario import load_scenario
from gridarium.market.accounts import CHARGE, RETAIL

CLASSES = ("industrial", "commercial", "residential")
NODAL = [
    *(f"consumers.{name}.beta_per_mwh_per_mw=null" for name in CLASSES),
    *(f"consumers.{name}.elasticity={name}" for name in CLASSES),
    "consumers.residential.placement=each-bus",
    "tariff.kind=nodal-carbon-surcharge",
    "prices.carbon_price_per_tco2=250",
    "prices.quota_tco2_per_mwh=0",
    *(f"gas_turbines.gas_turbine_{bus}.cost_fixed_per_h=0" for bus in (12, 25)),
    *(f"gas_turbines.gas_turbine_{bus}.cost_quadratic_per_mw2h=20" for bus in (12, 25)),
    "negotiation.damping=1.0",
    "negotiation.price_tolerance_per_mwh=0.03",
]


def played(*settings: str) -> BuiltWorld:
    built = build(load_scenario("adcef-small", [*NODAL, *settings]).cases["adcef"])
    while built.world.running:
        built.world.step()
    return built


def judged(built: BuiltWorld) -> dict[str, Certificate]:
    tables = collect("adcef", built.world, built.sections)
    return {one.name: one for one in certify("adcef", built.world, built.sections, tables, "cny")}


@pytest.fixture(scope="module")
def surcharged() -> BuiltWorld:
    return played()


def test_run_is_sound_and_comes_to_rest(surcharged: BuiltWorld) -> None:
    found = judged(surcharged)
    assert [name for name, one in found.items() if not one.passed] == []
    assert {
        "nodal carbon",
        "planned nodal carbon",
        "elastic fixed point",
        "one elastic fixed point",
        "response rule",
        "convergence",
    } <= found.keys()
    assert len(surcharged.one(Dso).today.rounds) <= 8


def test_everyone_is_told_and_pays_its_own_price(surcharged: BuiltWorld) -> None:
    dso, ledger = surcharged.one(Dso), surcharged.world.ledger
    posted, intensity = dso.today.signal.price_per_mwh, dso.today.signal.factor_tco2_per_mwh
    assert posted.shape == intensity.shape == (5, 24)
    tou = dso.today.signal.reference_price_per_mwh
    assert posted == pytest.approx(tou + 250.0 * intensity, abs=0.03)
    assert np.ptp(posted, axis=0).max() > 1.0
    for consumer in surcharged.of(ElasticConsumer):
        drawn = surcharged.world.meters[consumer.name]
        paid = sum(
            entry.amount
            for entry in ledger.entries
            if entry.purpose == RETAIL and entry.payer == consumer.name
        )
        assert paid == pytest.approx(float(consumer.place.p_share @ posted @ drawn))


def test_certificates_catch_a_wrong_trace(surcharged: BuiltWorld) -> None:
    carbon = surcharged.one(Dso).today.plan.carbon
    carbon.intensity_tco2_per_mwh[3, 12] += 0.01
    try:
        found = judged(surcharged)
        assert found["nodal carbon"].value == pytest.approx(0.01, rel=1e-3)
        assert found["planned nodal carbon"].value == pytest.approx(0.01, rel=1e-3)
        assert not found["planned nodal carbon"].passed
    finally:
        carbon.intensity_tco2_per_mwh[3, 12] -= 0.01


def test_emission_falls_and_the_surcharge_is_told(surcharged: BuiltWorld) -> None:
    plain = played("tariff.adjustment=0")
    found = [summarise(collect("adcef", one.world, one.sections), [""], 1.0) for one in (plain, surcharged)]
    assert found[1]["emission_tco2"] < found[0]["emission_tco2"]
    assert found[0]["surcharge_money"] == pytest.approx(0.0, abs=1e-9)
    carbon = found[1]["emission_tco2"] * 250.0
    # Storages begin without carbon and keep some: users pay for what has reached them.
    assert 0.9 * carbon < found[1]["surcharge_money"] < carbon


def test_neutral_surcharge_over_two_days_and_owners_with_storages_of_their_own() -> None:
    built = played(
        "horizon_h=48",
        "tariff.params.revenue_neutral=true",
        "dso.storage=self-scheduled",
    )
    found = judged(built)
    assert [name for name, one in found.items() if one.hard and not one.passed] == []
    # Owners trade at the plain tariff, so that a schedule of theirs cannot chase its own intensity.
    dso, ledger = built.one(Dso), built.world.ledger
    (owner, *_) = dso.today.owners_mw
    tou = np.concatenate([day.signal.reference_price_per_mwh for day in dso.days])
    paid = sum(one.amount for one in ledger.entries if one.purpose == CHARGE and one.payer == owner)
    assert paid == pytest.approx(float(tou @ built.world.meters[owner]))
    metrics = summarise(collect("adcef", built.world, built.sections), [""], 1.0)
    assert abs(metrics["surcharge_money"]) < 1e-3 * metrics["sales_money"]


def test_leaders_that_search_and_grids_below_are_refused() -> None:
    with pytest.raises(ScenarioError, match=r"leader\.kind: got 'anticipating'; must be best-response where"):
        load_scenario("adcef-small", ["tariff.kind=nodal-carbon-surcharge", "leader.kind=anticipating"])
    with pytest.raises(ScenarioError, match=r"leader\.certify: got True; must be null or false"):
        load_scenario("adcef-small", ["tariff.kind=nodal-carbon-surcharge", "leader.certify=true"])
    with pytest.raises(ScenarioError, match=r"under: got 'town'; must be a grid whose tariff has one price"):
        load_scenario("three-levels", ["grids.town.tariff.kind=nodal-carbon-surcharge"])
