"""Prosumers, their lines and a storage provider on a feeder that an operator plans in hours."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from communities import write_community

from gridarium.agents.feeder.dso import Dso
from gridarium.agents.prosumers.prosumer import Prosumer
from gridarium.agents.storage.storage_provider import StorageProvider
from gridarium.environment.errors import ScenarioError
from gridarium.experiments.running.case_run import CaseOutcome, run_case
from gridarium.experiments.running.world_build import BuiltWorld, build
from gridarium.experiments.scenario import load_scenario
from gridarium.market.accounts import REAL_TIME
from gridarium.market.messages.forecasts import ForecastRequest


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder for scenarios of the module."""
    return tmp_path_factory.mktemp("community")


@pytest.fixture(scope="module")
def day(folder: Path) -> CaseOutcome:
    """Return the day of the feeder alone."""
    (case,) = load_scenario(write_community(folder)).cases.items()
    return run_case(*case)


@pytest.fixture(scope="module")
def lived(folder: Path) -> BuiltWorld:
    """Return the world of a few hours with messages on record."""
    (case,) = load_scenario(write_community(folder, horizon_h=2)).cases.values()
    built = build(case)
    built.world.bus.record = True
    while built.world.running:
        built.world.step()
    return built


def test_it_runs_alone_and_keeps_every_hard_certificate(day: CaseOutcome) -> None:
    broken = {one.name for one in day.certificates if one.hard and not one.passed}
    assert broken == set()
    named = {one.name for one in day.certificates}
    assert {
        "feeder: service of prosumers",
        "feeder: carbon balance",
        "feeder: planned AC voltage error",
    } <= named
    assert float(day.summary["feeder.p2p_mwh"]) > 0.5
    # The storage of the provider rests where nobody calls it.
    provided = day.tables["storages"].query("kind == 'storage_provider'")
    assert not provided[["p_charge_mw", "p_discharge_mw"]].to_numpy().any()


def test_they_stand_at_buses_and_draw_there(lived: BuiltWorld) -> None:
    (grid,) = lived.world.grids
    at = {one.name: one.site.bus for one in lived.of(Prosumer)}
    assert len(at) == 6
    assert 0 not in at.values()
    assert lived.one(StorageProvider).storage.site.bus != 0
    for period, state in enumerate(grid.states):
        drawn = np.zeros(grid.feeder.n_bus)
        for name, bus in at.items():
            drawn[bus] += lived.world.meters[name][period]
        assert np.all(state.load_mw >= drawn - 1e-12)


def test_the_operator_plans_with_what_they_have_told_it(lived: BuiltWorld, folder: Path) -> None:
    dso, log = lived.one(Dso), lived.world.bus.log()
    prosumers = {one.name for one in lived.of(Prosumer)}
    assert prosumers <= set(log.loc[log["topic"] == "ForecastRequest", "recipient"])
    (case,) = load_scenario(write_community(folder, horizon_h=2)).cases.values()
    told = [one.tell_forecast(ForecastRequest(0), dso.name) for one in build(case).of(Prosumer)]
    expected = sum(dso.horizon.fit(one.load_mw) for one in told)
    planned = dso.today.plan.situation
    assert planned.served_mw == pytest.approx(expected)
    assert planned.load_mw - planned.billed_mw == pytest.approx(expected)
    consumers = sum(dso.today.loads_mw[name] for name in dso.contract.places)
    assert planned.billed_mw == pytest.approx(consumers)


def test_they_pay_the_operator_one_price_and_answer_for_carbon_by_the_same_factor(lived: BuiltWorld) -> None:
    dso, world = lived.one(Dso), lived.world
    booked = world.ledger.by_period(dso.name, world.n_period)[REAL_TIME]
    drawn = sum(world.meters[one.name] for one in lived.of(Prosumer)) * world.period_h
    assert booked == pytest.approx(900.0 * drawn)
    accounts = dso.today.accounts
    consumers = sum(world.meters[name] for name in dso.contract.consumers)
    answered = accounts.settled_factor @ (consumers * world.period_h + drawn)
    held = float((dso.today.plan.pool.inflow_t_per_h - dso.today.plan.pool.outflow_t_per_h).sum())
    emitted = float(accounts.emission_tco2().sum())
    assert answered == pytest.approx(emitted - held - float(accounts.credit_tco2.sum()), rel=1e-9)


def test_a_tariff_takes_nothing_from_them_for_its_budget(lived: BuiltWorld) -> None:
    dso = lived.one(Dso)
    accounts, billed = dso.today.accounts, dso.today.accounts.meters.billed_mw()
    assert float(accounts.load_mw().sum()) > float(billed.sum())
    hours = lived.world.period_h
    price, tou = (
        dso.horizon.by_period(values)
        for values in (dso.today.signal.price_per_mwh, dso.today.signal.reference_price_per_mwh)
    )
    conditions = dso.today.conditions
    discount = float(((tou - price) * billed).sum()) * hours
    below = conditions.quota_tco2_per_mwh - accounts.settled_factor
    carbon_price = dso.horizon.by_period(conditions.carbon_price_per_tco2)
    revenue = float((carbon_price * below * billed).sum()) * hours
    assert accounts.budget_excess_money() == pytest.approx(discount - revenue, abs=1e-9)


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ("period_h=1.0", "period_h"),
        ("grids.feeder.leader.kind=anticipating", "grids.feeder.leader.kind"),
        ("grids.feeder.tariff.kind=nodal-carbon-surcharge", "grids.feeder.tariff.kind"),
        ("grids.feeder.network.sites={nobody: 2}", "grids.feeder.network.sites.nobody"),
    ],
)
def test_what_does_not_go_together_is_a_fault(folder: Path, change: str, place: str) -> None:
    path = write_community(folder)
    with pytest.raises(ScenarioError) as raised:
        load_scenario(path, [change])
    assert place in {fault.place for fault in raised.value.faults}


def test_a_site_puts_a_prosumer_where_it_says(folder: Path) -> None:
    sites = ["grids.feeder.network.sites={roofs_2: 2, flats_1: 2, esp: 4}"]
    (case,) = load_scenario(write_community(folder, horizon_h=1), sites).cases.values()
    built = build(case)
    at = {one.name: one.site.label for one in built.of(Prosumer)}
    at["feeder/esp"] = built.one(StorageProvider).storage.site.label
    wanted = {"feeder/roofs_2": "2", "feeder/flats_1": "2", "feeder/esp": "4"}
    assert wanted.items() <= at.items()
