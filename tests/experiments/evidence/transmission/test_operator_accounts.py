"""What operators tell, account for, pay and commit: honest runs hold, altered tables and plans are seen."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from gridarium.agents.feeder.dso import Dso
from gridarium.agents.transmission.ties import Ties
from gridarium.experiments.evidence.feeder import account_certificates as accounts
from gridarium.experiments.evidence.feeder import offer_certificates as offers
from gridarium.experiments.evidence.grid_evidence import GridEvidence, evidence_of
from gridarium.experiments.evidence.plans.dispatch_certificates import feeder_commitment
from gridarium.experiments.evidence.tables import collect
from gridarium.experiments.evidence.transmission.abatement_certificates import abatement
from gridarium.experiments.evidence.transmission.commitment_certificates import system_commitment
from gridarium.experiments.results.records import Reading
from gridarium.experiments.running.case_run import _play
from gridarium.experiments.running.world_build import build
from gridarium.experiments.scenario import load_scenario
from tests.support.ries_small import known_of_night

CERTIFICATES: tuple[Callable[[GridEvidence], Iterable[Reading]], ...] = (
    offers.tariffs,
    offers.system_signals,
    accounts.wear,
    accounts.carbon,
    accounts.budgets,
    accounts.credits,
)
OF_A_FEEDER = {
    "factors told",
    "distance told",
    "wear paid",
    "carbon accounts",
    "carbon settled",
    "budget told",
    "credits told",
}


def failed(known: GridEvidence) -> set[str]:
    found = [one for of_grid in CERTIFICATES for one in of_grid(known)]
    return {one.name for one in found if not one.value <= one.tolerance}


@pytest.fixture(scope="module")
def feeder() -> GridEvidence:
    """What is known of a feeder after six hours, whose storages wear."""
    built = build(
        load_scenario("adcef-small", ["horizon_h=6", "storages.*.wear_cost_per_mwh=20"]).cases["adcef"]
    )
    _play(built)
    tables = collect("adcef", built.world, built.sections)
    return evidence_of("adcef", built.world.grid, built.sections, tables)


def told(known: GridEvidence, table: str, column: str, change: Callable[[pd.Series], pd.Series]) -> set[str]:
    """What fails if a column had been another."""
    changed = known.tables[table].copy()
    changed[column] = change(changed[column])
    return failed(replace(known, tables={**known.tables, table: changed}))


def test_honest_accounts_hold(feeder: GridEvidence) -> None:
    found = {one.name for of_grid in CERTIFICATES for one in of_grid(feeder)}
    assert found == OF_A_FEEDER and failed(feeder) == set()
    system = known_of_night("full")
    assert {one.name for of_grid in CERTIFICATES for one in of_grid(system)} == {"factors told", "wear paid"}
    assert failed(system) == set()


@pytest.mark.parametrize(
    ("table", "column", "fails"),
    [
        ("signals", "factor_planned_tco2_per_mwh", "factors told"),
        ("signals", "system_factor_tco2_per_mwh", "factors told"),
        ("days", "price_distance_per_mwh", "distance told"),
        ("days", "budget_excess_money", "budget told"),
        ("carbon", "emission_grid_tco2", "carbon accounts"),
        ("carbon", "allocated_tco2", "carbon accounts"),
        ("carbon", "quota_tco2", "carbon accounts"),
        ("credits", "emission_without_tco2", "credits told"),
        ("credits", "taken_mw", "credits told"),
    ],
)
def test_a_hundredth_less_is_seen(feeder: GridEvidence, table: str, column: str, fails: str) -> None:
    assert told(feeder, table, column, lambda values: 0.99 * values) == {fails}


def test_carbon_that_is_paid_with_another_sign_is_seen(feeder: GridEvidence) -> None:
    def turned(rows: pd.Series) -> pd.Series:
        ledger = feeder.tables["ledger"]
        own = (ledger["purpose"] == "carbon") & ledger["period"].eq(5)
        return rows.where(~own, -rows)

    assert told(feeder, "ledger", "amount_money", turned) == {"carbon settled"}


def test_wear_that_is_not_paid_is_seen() -> None:
    known = known_of_night("full")
    ledger = known.tables["ledger"]
    unpaid = ledger[ledger["purpose"] != "wear"]
    assert len(unpaid) < len(ledger)
    assert failed(replace(known, tables={**known.tables, "ledger": unpaid})) == {"wear paid"}


def test_signals_of_a_ties_that_are_not_those_of_its_plan_are_seen() -> None:
    known = known_of_night("full")
    for column in ("factor_tco2_per_mwh", "green_share"):
        assert told(known, "signals", column, lambda values: 0.99 * values) == {"factors told"}


def test_abatement_that_is_told_wrongly_is_seen() -> None:
    known = known_of_night("full")
    (honest,) = abatement(known)
    assert honest.value <= honest.tolerance
    for column in ("alone_tco2", "shapley_tco2"):
        rows = known.tables["abatement"].copy()
        rows[column] *= 0.99
        (found,) = abatement(replace(known, tables={**known.tables, "abatement": rows}))
        assert found.value > found.tolerance


def _commitment(known: GridEvidence) -> dict[str, bool]:
    found = [*system_commitment(known), *feeder_commitment(known)]
    return {one.name: one.value <= one.tolerance for one in found}


def test_units_of_a_ties_are_the_best_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    known = known_of_night("full")
    assert _commitment(known) == {"units that run": True, "units told": True}
    (ties,) = known.of(Ties)
    day = ties.days[0]
    with monkeypatch.context() as patch:
        patch.setattr(day, "on", np.ones_like(day.on))
        assert _commitment(known) == {"units that run": False, "units told": True}
    monkeypatch.setattr(day, "review", replace(day.review, best_money=0.99 * day.review.best_money))
    assert _commitment(known) == {"units that run": True, "units told": False}


def test_a_turbine_that_runs_though_it_is_dear_is_seen(feeder: GridEvidence) -> None:
    assert _commitment(feeder) == {"units that run": True}
    (dso,) = feeder.of(Dso)
    plan = dso.today.plan
    done = plan.dispatch
    more = done.turbine_mw + 0.5
    try:
        dso.today.plan = replace(plan, dispatch=replace(done, turbine_mw=more, on=np.ones_like(done.on)))
        assert _commitment(feeder) == {"units that run": False}
    finally:
        dso.today.plan = plan
