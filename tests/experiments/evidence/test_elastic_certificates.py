"""Elastic consumers of whole runs on the feeder of five buses, and certificates that catch what is wrong."""

from __future__ import annotations

import pytest

from gridarium.agents.feeder.elastic_consumer import ElasticConsumer
from gridarium.environment.errors import ScenarioError
from gridarium.experiments.evidence.certificates import certify
from gridarium.experiments.evidence.tables import collect
from gridarium.experiments.records import Certificate
from gridarium.experiments.scenario import load_scenario
from gridarium.experiments.world_build import BuiltWorld, build

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
