"""A TIES that calls storage and prosumers on equal feeders within the day, and its certificates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from communities import write_under_a_system

from gridarium.agents.transmission.ties import Ties
from gridarium.environment.errors import ScenarioError
from gridarium.experiments.evidence.certificates import certify
from gridarium.experiments.evidence.feeder.service_certificates import savings, services
from gridarium.experiments.evidence.grid_evidence import evidence_of
from gridarium.experiments.evidence.metrics import summarise
from gridarium.experiments.evidence.tables import collect
from gridarium.experiments.results.records import Certificate
from gridarium.experiments.running.case_run import _play
from gridarium.experiments.running.world_build import BuiltWorld, build
from gridarium.experiments.scenario import load_scenario
from gridarium.market.accounts import SERVICE_CALL, SERVICE_ENERGY, SERVICE_WEAR

HOURS, REPLICAS = 10, 20
Tables = Mapping[str, pd.DataFrame]


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> BuiltWorld:
    path = write_under_a_system(tmp_path_factory.mktemp("called"), horizon_h=HOURS, tariff="tou")
    (case,) = load_scenario(path).cases.values()
    built = build(case)
    _play(built)
    return built


@pytest.fixture(scope="module")
def tables(played: BuiltWorld) -> Tables:
    return collect("case", played.world, played.sections)


@pytest.fixture(scope="module")
def certificates(played: BuiltWorld, tables: Tables) -> dict[str, Certificate]:
    found = certify("case", played.world, played.sections, tables, "cny")
    return {one.name: one for one in found}


def judged(played: BuiltWorld, tables: Tables) -> dict[str, bool]:
    """Whether each certificate of the services on the feeder passes with other tables."""
    grid = next(one for one in played.world.grids if one.name == "feeder")
    readings = services(evidence_of("case", grid, played.sections, tables))
    return {one.name: one.value <= one.tolerance for one in readings}


def test_storage_and_prosumers_are_called_and_all_hard_certificates_pass(
    tables: Tables, certificates: dict[str, Certificate]
) -> None:
    called = tables["services"]
    assert set(called["agent"]) == {"feeder/dso"}
    assert called["charge_called_mw"].max() > 0.3
    assert called["discharge_called_mw"].max() > 0.3
    assert called["pool_called_mw"].max() > 1.0
    assert [name for name, one in certificates.items() if one.hard and not one.passed] == []
    names = {
        "feeder: services told",
        "feeder: services delivered",
        "feeder: services paid",
        "bulk: calls save",
    }
    assert names <= certificates.keys()


def test_each_service_is_paid_by_the_caller_to_the_feeder_and_its_replicas_alike(tables: Tables) -> None:
    ledger = tables["ledger"]
    own = ledger[ledger["purpose"].isin((SERVICE_WEAR, SERVICE_ENERGY, SERVICE_CALL))]
    paid = own.groupby(["account", "purpose"])["amount_money"].sum().unstack()
    assert set(paid.index) == {"bulk/ties", "feeder/dso", "feeder/replicas"}
    assert paid.loc["feeder/replicas"].to_numpy() == pytest.approx(
        (REPLICAS - 1) * paid.loc["feeder/dso"].to_numpy(), rel=1e-9
    )
    assert paid.sum().to_numpy() == pytest.approx(np.zeros(3), abs=1e-9)
    assert (paid.loc["feeder/dso", [SERVICE_WEAR, SERVICE_CALL]] > 0.0).all()


def test_prosumers_trade_what_they_are_called_for(tables: Tables) -> None:
    called = tables["services"].set_index("period")["pool_called_mw"]
    made = tables["trades"][tables["trades"]["product"] == "p2p"]
    traded = 4.0 * REPLICAS * made.groupby("period")["delivered_mwh"].sum().reindex(called.index).fillna(0.0)
    assert not traded[called == 0.0].any()
    assert traded.sum() == pytest.approx(called.sum(), rel=0.1)


def test_a_call_that_was_not_told_not_done_or_not_paid_is_found(played: BuiltWorld, tables: Tables) -> None:
    assert all(judged(played, tables).values())
    called = tables["services"]
    for column, change, broken in (
        ("charge_called_mw", 0.01, {"services delivered"}),
        ("pool_called_mw", 5.0, {"services told"}),
        ("e_told_mwh", -9.0, {"services told"}),
        ("price_per_mwh", 1.0, {"services paid"}),
        ("pool_fee_per_mwh", 0.1, {"services paid"}),
    ):
        other = {**tables, "services": called.assign(**{column: called[column] + change})}
        failed = {name for name, passes in judged(played, other).items() if not passes}
        assert failed >= broken, column
    ledger = tables["ledger"]
    twice = ledger["amount_money"].where(ledger["purpose"] != SERVICE_WEAR, 2.0 * ledger["amount_money"])
    assert not judged(played, {**tables, "ledger": ledger.assign(amount_money=twice)})["services paid"]


def test_a_plan_that_costs_more_with_services_than_without_is_found(
    played: BuiltWorld, tables: Tables, monkeypatch: pytest.MonkeyPatch
) -> None:
    grid = next(one for one in played.world.grids if one.name == "bulk")
    known = evidence_of("case", grid, played.sections, tables)
    (reading,) = savings(known)
    assert reading.value <= reading.tolerance
    ties = played.one(Ties)
    dear = [replace(look, cost_money=1.5 * look.cost_money) for look in ties.served_looks]
    monkeypatch.setattr(Ties, "served_looks", property(lambda ties: dear))
    (reading,) = savings(known)
    assert reading.value > 0.1


def test_what_is_called_is_counted_and_is_part_of_what_the_system_costs(tables: Tables) -> None:
    summary = summarise(tables, ["bulk", "feeder"], 0.25)
    called = tables["services"]
    for name in ("charge", "discharge", "pool"):
        expected = 0.25 * float(called[f"{name}_called_mw"].sum())
        assert summary[f"bulk.called_{name}_mwh"] == pytest.approx(expected)
    own = tables["ledger"][tables["ledger"]["account"] == "bulk/ties"]
    paid = own.loc[own["purpose"].str.startswith("service "), "amount_money"].sum()
    assert summary["bulk.services_money"] == pytest.approx(-paid)


def test_a_lead_that_misses_the_beats_of_the_desk_is_refused(tmp_path: Path) -> None:
    path = write_under_a_system(tmp_path)
    for lead_s in (120, 230):
        with pytest.raises(ScenarioError, match=r"grids\.bulk\.ties\.lead_s.*\[150, 220\]"):
            load_scenario(path, [f"grids.bulk.ties.lead_s={lead_s}"])
    settings = ["grids.bulk.ties.lead_s=120", "grids.bulk.ties.calls_services=false"]
    (case,) = load_scenario(path, settings).cases.values()
    ties = build(case).one(Ties)
    assert ties.contract.services == {}
