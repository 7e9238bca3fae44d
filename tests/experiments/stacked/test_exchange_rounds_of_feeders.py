"""A TIES above two feeders and a regional system, by exchange rounds: at rest, certified, replayed."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from gridarium.agents.feeder.dso import Dso
from gridarium.agents.feeder.tariff_negotiation import NEAR_TARGET
from gridarium.agents.transmission.ties import Ties
from gridarium.environment.arrays import series
from gridarium.experiments.evidence.certificates import certify
from gridarium.experiments.evidence.grid_evidence import GridEvidence, evidence_of
from gridarium.experiments.evidence.tables import collect
from gridarium.experiments.evidence.transmission.exchange_certificates import exchange
from gridarium.experiments.results.records import Certificate, Reading
from gridarium.experiments.running.case_run import _play
from gridarium.experiments.running.world_build import BuiltWorld, build
from gridarium.experiments.scenario import load_scenario
from gridarium.market.accounts import CARBON_MARKET, PERSONAL_CARBON
from gridarium.market.messages.tariffs import LoadPlan, TariffSignal

CASE = "ladder"


SETTINGS = ("horizon_h=6",)


def built_case(*settings: str) -> BuiltWorld:
    return build(load_scenario("ties-feeders-small", [*SETTINGS, *settings]).cases[CASE])


@pytest.fixture(scope="module")
def played() -> BuiltWorld:
    built = built_case()
    _play(built)
    return built


@pytest.fixture(scope="module")
def certificates(played: BuiltWorld) -> dict[str, Certificate]:
    tables = collect(CASE, played.world, played.sections)
    found = certify(CASE, played.world, played.sections, tables, "cny")
    return {one.name: one for one in found}


def known_of(played: BuiltWorld, grid: str) -> GridEvidence:
    tables = collect(CASE, played.world, played.sections)
    own = next(one for one in played.world.grids if one.name == grid)
    return evidence_of(CASE, own, played.sections, tables)


def read(known: GridEvidence) -> dict[str, Reading]:
    return {one.name: one for one in exchange(known)}


def test_rounds_come_to_rest_and_every_hard_certificate_passes(
    played: BuiltWorld, certificates: dict[str, Certificate]
) -> None:
    day = played.one(Ties).days[0]
    assert day.rounds[-1].ended == "converged"
    assert max(day.lengths) <= 100
    assert not [name for name, one in certificates.items() if one.hard and not one.passed]
    seams = {f"{grid}: {seam}" for grid in ("r1", "r2") for seam in ("seam energy", "seam carbon")}
    seams |= {
        f"{grid}: {seam}" for grid in ("r1", "r2") for seam in ("head paid once", "head carbon paid once")
    }
    assert seams | {"bulk: price of supply", "bulk: targets met", "bulk: convergence"} <= set(certificates)


def test_followers_have_moved_and_each_tonne_of_their_draw_is_charged_once(played: BuiltWorld) -> None:
    day, ledger = played.one(Ties).days[0], played.world.ledger.table()
    for name in ("r1/dso", "r2/dso"):
        assert np.abs(day.loads_mw[name] - day.base_mw[name]).max() > 3.0
    taken = ledger[(ledger["account"] == CARBON_MARKET) & (ledger["purpose"] == PERSONAL_CARBON)]
    payers = set(taken["counterparty"])
    assert {"bulk/industrial", "r1/dso", "r1/replicas", "r2/dso", "r2/replicas"} == payers
    carbon = ledger[ledger["purpose"].str.contains("carbon") & (ledger["purpose"] != PERSONAL_CARBON)]
    assert not carbon[carbon["account"].str.startswith(("r1/", "r2/"))]["amount_money"].any()


def test_a_price_that_is_off_does_not_support_the_dispatch(
    played: BuiltWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    known, day = known_of(played, "bulk"), played.one(Ties).days[0]
    told = day.supply_price_per_mwh
    assert told is not None
    for factor in (0.85, 1.15):
        monkeypatch.setattr(day, "supply_price_per_mwh", factor * told)
        off = read(known)["price of supply"]
        assert off.value > off.tolerance
    monkeypatch.setattr(day, "supply_price_per_mwh", told)
    signals = dict(day.signals)
    signal = signals["r1/dso"]
    assert signal.pull is not None
    elsewhere = replace(signal.pull, target_mw=series(signal.pull.target_mw + 1.0))
    monkeypatch.setattr(day, "signals", signals | {"r1/dso": replace(signal, pull=elsewhere)})
    assert read(known)["targets met"].value > read(known)["targets met"].tolerance


def test_everybody_answers_the_final_signal_alone_with_the_same_load(
    played: BuiltWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    day = played.one(Ties).days[0]
    signals: dict[str, TariffSignal] = {name: replace(one, round=1) for name, one in day.signals.items()}
    heard: dict[str, LoadPlan] = {}

    def process(ties: Ties) -> Generator[Any, Any, None]:
        question = ties.ask(signals, ties.world.delivery_s, 600.0)
        yield from question.answered()
        heard.update(question.replies)

    monkeypatch.setattr(Ties, "process", process)
    again = built_case()
    for agent in again.world.agents:
        agent.start()
    again.world.clock.run_until(again.world.delivery_s - 1.0)
    assert heard.keys() == day.loads_mw.keys()
    for name, plan in heard.items():
        told = day.loads_mw[name]
        assert np.abs(plan.load_mw - told).max() <= 1e-4 * np.abs(told).max(), name


def test_prices_that_are_renewed_within_the_day_leave_those_of_feeders_as_they_were() -> None:
    built = built_case("grids.bulk.ties.trigger_mw=0.5")
    _play(built)
    day = built.one(Ties).days[0]
    assert day.renewals > 0
    assert day.signals["bulk/industrial"].first_step > 0 == day.signals["r1/dso"].first_step
    tables = collect(CASE, built.world, built.sections)
    found = {one.name: one for one in certify(CASE, built.world, built.sections, tables, "cny")}
    assert found["r1: head carbon paid once"].passed and found["r2: head carbon paid once"].passed


def test_units_are_revised_while_rounds_go_on_and_the_last_word_is_what_was_agreed() -> None:
    units = "grids.r1.gas_turbines"
    built = built_case(
        f"{units}.gas_turbine_12.cost_fixed_per_h=20", f"{units}.gas_turbine_25.cost_fixed_per_h=10"
    )
    dso = next(one for one in built.of(Dso) if one.name == "r1/dso")
    built.world.step()
    own, day = dso.days[0], built.one(Ties).days[0]
    assert own.revisions > 0 and own.looks == len(NEAR_TARGET)
    assert not own.review.pays
    assert day.rounds[-1].ended == "converged"
    signal = day.signals["r1/dso"]
    assert signal.pull is not None
    told, most = day.loads_mw["r1/dso"], np.abs(day.loads).sum(axis=0).max()
    assert np.abs(told - signal.pull.target_mw).max() <= 5.0 * day.rules.tolerance * most
