"""Elastic consumers of whole runs on the feeder of five buses, and certificates that catch what is wrong."""

from __future__ import annotations

import numpy as np
import pytest

from gridarium.agents.feeder.elastic_consumer import ElasticConsumer
from gridarium.environment.errors import ScenarioError
from gridarium.experiments.evidence.certificates import certify
from gridarium.experiments.evidence.metrics import summarise
from gridarium.experiments.evidence.tables import collect
from gridarium.experiments.results.records import Certificate
from gridarium.experiments.running.world_build import BuiltWorld, build
from gridarium.experiments.scenario import load_scenario
from gridarium.market.accounts import DEMAND_RESPONSE

ELASTIC = [
    *(f"consumers.{name}.beta_per_mwh_per_mw=null" for name in ("industrial", "commercial", "residential")),
    "consumers.industrial.elasticity=industrial",
    "consumers.commercial.elasticity=commercial",
    "consumers.commercial.placement=each-bus",
    "consumers.residential.elasticity={own: -0.2, cross: 0.12, saving_share: 0.0002}",
]


def played(case: str, *settings: str) -> BuiltWorld:
    built = build(load_scenario("adcef-small", [*ELASTIC, *settings]).cases[case])
    while built.world.running:
        built.world.step()
    return built


def certificates(built: BuiltWorld) -> dict[str, Certificate]:
    tables = collect("adcef", built.world, built.sections)
    found = certify("adcef", built.world, built.sections, tables, "cny")
    return {one.name: one for one in found}


def test_elastic_consumers_lead_to_a_sound_run() -> None:
    built = played("adcef")
    consumers = built.of(ElasticConsumer)
    assert [one.name for one in consumers] == [
        "industrial", "commercial-1", "commercial-2", "commercial-3", "commercial-4", "residential",
    ]  # fmt: skip
    (homes,) = (one.day(0) for one in consumers if one.name == "residential")
    assert homes.plan_mw.sum() == pytest.approx((1.0 - 0.0002) * homes.base_mw.sum())
    found = certificates(built)
    assert [name for name, one in found.items() if not one.passed] == []
    assert found["response rule"].hard
    homes.plan_mw = homes.plan_mw * 1.001
    found = certificates(built)
    assert found["response rule"].value == pytest.approx(0.001, rel=0.1)
    assert not found["response rule"].passed


def test_two_kinds_of_demand_are_refused() -> None:
    with pytest.raises(ScenarioError) as caught:
        load_scenario(
            "adcef-small",
            [
                "consumers.industrial.elasticity=industrial",
                "consumers.commercial.agent=elastic-consumer",
                "consumers.commercial.placement=each-bus",
                "consumers.commercial.count=2",
                "consumers.residential.beta_per_mwh_per_mw=null",
            ],
        )
    told = str(caught.value)
    for fault in (
        "consumers.industrial.beta_per_mwh_per_mw: got 30.0; must be left out where an elasticity is given",
        "consumers.commercial.agent: got 'elastic-consumer'; needs an elasticity",
        "consumers.commercial.count: got 2; must be 1 where placement is each-bus",
        "consumers.residential.beta_per_mwh_per_mw: got None; must be given where no elasticity is",
    ):
        assert fault in told


def test_a_leader_that_knows_everybody_needs_utilities() -> None:
    with pytest.raises(ScenarioError, match=r"leader\.kind: got 'full-information'"):
        load_scenario("adcef-small", [*ELASTIC, "leader.kind=full-information"])


def test_loads_that_turn_out_otherwise_and_curtailment_are_paid_for() -> None:
    built = played(
        "adcef",
        "consumers.residential.elasticity={own: -2, curtailment_cost_per_mwh: 300}",
        "consumers.residential.forecast={deviation_bound: 0.1, weekend_share: 1.1}",
        "consumers.commercial.forecast=as-yesterday",
        "tariff.kind=static-carbon",
        "prices.quota_tco2_per_mwh=0",
    )
    (homes,) = (one for one in built.of(ElasticConsumer) if one.name == "residential")
    told, drawn = homes.day(0).base_mw, built.world.meters["residential"]
    assert np.abs(drawn - homes.plan_mw).max() > 0.01
    ledger = built.world.ledger.entries
    paid = sum(entry.amount for entry in ledger if entry.purpose == DEMAND_RESPONSE)
    assert paid == pytest.approx(300.0 * np.maximum(0.0, told - drawn).sum())
    assert paid > 0.0
    found = certificates(built)
    assert [name for name, one in found.items() if one.hard and not one.passed] == []
    metrics = summarise(collect("adcef", built.world, built.sections), [""], 1.0)
    assert metrics["curtailment_compensation_money"] == pytest.approx(paid)
    base = homes.day(0).actual_base_mw
    assert metrics["load_curtailment_cost_money"] == pytest.approx(
        300.0 * np.maximum(0.0, base - drawn).sum()
    )
    assert 0.0 < metrics["residential_exponential_smoothing_mape_share"] < 0.1
    assert metrics["commercial_as_yesterday_mape_share"] > 0.0
    assert "industrial_as_yesterday_mape_share" not in metrics
    with pytest.raises(ScenarioError, match="held_out_days: got 8; must leave 21 of past_days = 28"):
        load_scenario("adcef-small", ["consumers.industrial.forecast={held_out_days: 8}"])
