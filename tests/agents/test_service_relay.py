"""A DSO that passes calls on: each replica does its part, and nobody gains by the passing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from communities import write_under_a_system

from gridarium.agents.feeder.dso import Dso
from gridarium.agents.storage.storage_provider import StorageProvider
from gridarium.agents.transmission.ties import Ties
from gridarium.environment.arrays import Array, series
from gridarium.experiments.running.world_build import BuiltWorld, build
from gridarium.experiments.scenario import load_scenario
from gridarium.market import accounts
from gridarium.market.messages.commands import Receipt
from gridarium.market.messages.leasing import Nomination, PoolOffer
from gridarium.market.messages.services import ServiceCall, ServiceRequest, ServiceStatus
from gridarium.market.messages.status import StatusRequest

REPLICAS, PERIODS = 20, 4
CHARGE = np.array([4.0, 2.0, 0.0, 0.0])
DISCHARGE = np.array([0.0, 0.0, 3.0, 2.0])
PRICE = np.array([200.0, 250.0, 400.0, 300.0])


class Caller:
    """A world of an hour in which a TIES that never calls by itself asks and calls by hand."""

    def __init__(self, folder: Path, *settings: str) -> None:
        path = write_under_a_system(folder, horizon_h=1, replicas=REPLICAS)
        quiet = ("grids.bulk.ties.trigger_mw=1000", "grids.bulk.ties.calls_services=false")
        (case,) = load_scenario(path, [*quiet, *settings]).cases.values()
        self.built: BuiltWorld = build(case)
        self.world, self.dso, self.ties = self.built.world, self.built.one(Dso), self.built.one(Ties)
        self.provider = self.built.one(StorageProvider)
        self.heard: dict[str, Any] = {}

    def asks(self, before_s: float, name: str, payload: Any) -> None:
        """Ask the DSO some time before delivery."""

        def story() -> Any:
            yield self.world.clock.wait_until(self.world.delivery_s - before_s)
            question = self.ties.ask({self.dso.name: payload}, 60.0, 5.0)
            yield from question.answered()
            self.heard[name] = question.replies.get(self.dso.name)

        self.world.clock.process(story())

    def live(self) -> None:
        while self.world.running:
            self.world.step()

    def booked(self, account: str, purpose: str) -> Array:
        return self.world.ledger.by_period(account, PERIODS).get(purpose, np.zeros(PERIODS))


@pytest.fixture(scope="module")
def called(tmp_path_factory: pytest.TempPathFactory) -> Caller:
    """Return a world in which the feeder was called before its first period, twice over."""
    one = Caller(tmp_path_factory.mktemp("called"))
    call = ServiceCall(1, 0, series(CHARGE), series(DISCHARGE), series(PRICE), -1.0, 10.0)
    one.asks(200.0, "status", ServiceRequest(0))
    one.asks(180.0, "first", call)
    one.asks(170.0, "again", call)
    stale = ServiceCall(0, 0, series(DISCHARGE), series(CHARGE), series(PRICE), 0.0, 0.0)
    one.asks(160.0, "stale", stale)
    one.live()
    return one


def test_it_tells_what_all_replicas_have(called: Caller) -> None:
    status = called.heard["status"]
    assert isinstance(status, ServiceStatus)
    assert status.e_mwh == pytest.approx(REPLICAS * 0.5 * 0.9)
    lacked = called.built.one(Dso).today.served_mw.values()
    assert status.deficit_mw == pytest.approx(REPLICAS * float(sum(mw[0] for mw in lacked)))
    assert (status.charge_mw, status.surplus_mw, status.expected_mw) == (0.0, 0.0, 0.0)


def test_each_replica_does_its_part_of_the_newest_call(called: Caller) -> None:
    assert all(called.heard[name] == Receipt() for name in ("first", "again", "stale"))
    assert called.provider.storage.charge_mw == pytest.approx(CHARGE / REPLICAS)
    assert called.provider.storage.discharge_mw == pytest.approx(DISCHARGE / REPLICAS)
    assert called.provider.storage.price_per_mwh == pytest.approx(PRICE)
    assert len(called.provider.storage.commands) == 1
    # The storage moves the feeder, and nobody else does more or less than planned.
    (feeder,) = (grid for grid in called.world.grids if grid.name == "feeder")
    planned = called.dso.horizon.by_period(called.dso.head_plan_mw(0))
    assert feeder.exchange_mw == pytest.approx(planned + (CHARGE - DISCHARGE) / REPLICAS, abs=5e-3)


def test_the_operator_gains_and_loses_nothing_by_it(called: Caller) -> None:
    dso, hours = called.dso.name, called.world.period_h
    purposes = (
        accounts.WEAR_COMPENSATION, accounts.DISCHARGE, accounts.CHARGE, accounts.POOL_CALL,
        accounts.SERVICE_WEAR, accounts.SERVICE_ENERGY, accounts.SERVICE_CALL,
    )  # fmt: skip
    own = sum(called.booked(dso, purpose) for purpose in purposes)
    # What is left is what the energy would have cost at the head, which it has not paid there.
    price = called.dso.terms_price_per_mwh
    saved = price * (DISCHARGE - CHARGE) / REPLICAS * hours
    assert own == pytest.approx(-saved, abs=1e-9)
    wear = called.booked(dso, accounts.SERVICE_WEAR)
    assert wear == pytest.approx(-called.booked(dso, accounts.WEAR_COMPENSATION), abs=1e-12)
    assert wear.min() > 0.0


def test_its_replicas_are_paid_the_same_each(called: Caller) -> None:
    others = called.dso.grid.named(accounts.REPLICAS)
    for purpose in (accounts.SERVICE_WEAR, accounts.SERVICE_ENERGY):
        one = called.booked(called.dso.name, purpose)
        assert called.booked(others, purpose) == pytest.approx((REPLICAS - 1) * one, rel=1e-12)
        assert called.booked(called.ties.name, purpose) == pytest.approx(-REPLICAS * one, rel=1e-12)


def test_the_provider_trades_at_the_price_of_the_call(called: Caller) -> None:
    name, hours = called.provider.name, called.world.period_h
    earned = called.booked(name, accounts.DISCHARGE) + called.booked(name, accounts.CHARGE)
    assert earned == pytest.approx(PRICE * (DISCHARGE - CHARGE) / REPLICAS * hours)


def test_rows_say_what_was_passed_on(called: Caller) -> None:
    (rows,) = (one for one in called.dso.rows() if one.table == "relayed_services")
    assert rows.values["charge_called_mw"] == pytest.approx(CHARGE / REPLICAS)
    assert rows.values["p_discharge_mw"] == pytest.approx(DISCHARGE / REPLICAS)
    assert rows.values["pool_called_mw"][0] == pytest.approx(-1.0 / REPLICAS)
    assert rows.values["deficit_told_mw"] == pytest.approx(np.full(PERIODS, 0.2), abs=1e-3)


def test_status_holds_what_prosumers_have_nominated(tmp_path: Path) -> None:
    one = Caller(tmp_path)
    one.asks(200.0, "status", StatusRequest(0))

    def nominate() -> Any:
        yield one.world.clock.wait_until(one.world.delivery_s - 210.0)
        one.dso._handlers[PoolOffer](PoolOffer(0, 0.0, 0.25, 0.0), "feeder/desk")

    one.world.clock.process(nominate())
    one.world.step()
    planned = one.dso.head_plan_mw(0)[0]
    expected = float(sum(mw[0] for mw in one.dso.today.served_mw.values()))
    told = one.heard["status"].load_mw
    assert told[0] == pytest.approx(REPLICAS * (planned + 0.25 - expected))
    assert told[1:] == pytest.approx(np.full(PERIODS - 1, REPLICAS * planned))


def test_without_a_desk_it_keeps_what_each_prosumer_nominates(tmp_path: Path) -> None:
    one = Caller(tmp_path, "grids.feeder.trading.desk=false", "grids.feeder.trading.partners=2")
    one.asks(200.0, "status", StatusRequest(0))
    one.asks(190.0, "service", ServiceRequest(0))

    def nominate_more() -> Any:
        yield one.world.clock.wait_until(one.world.delivery_s - 210.0)
        one.dso._handlers[Nomination](Nomination(0, 0.0, 0.5), "feeder/flats_1")

    one.world.clock.process(nominate_more())
    one.world.step()
    lacked = {name: float(mw[0]) for name, mw in one.dso.today.served_mw.items()}
    beyond = 0.5 - lacked["feeder/flats_1"]
    told = one.heard["status"].load_mw[0]
    assert told == pytest.approx(REPLICAS * (one.dso.head_plan_mw(0)[0] + beyond), abs=1e-6)
    # There is nobody who could pass a call on to them.
    assert one.heard["service"].deficit_mw == 0.0


def test_a_provider_that_cannot_be_reached_is_not_answered_for(tmp_path: Path) -> None:
    one = Caller(tmp_path, "communication.links=[{between: [feeder/dso, feeder/esp], loss: 0.999999}]")
    one.asks(200.0, "status", ServiceRequest(0))
    call = ServiceCall(1, 0, series(CHARGE), series(DISCHARGE), series(PRICE), 0.0, 10.0)
    one.asks(180.0, "call", call)
    one.live()
    # The call is passed on in vain: nothing moves, and nothing is owed.
    assert one.heard == {"status": None, "call": Receipt()}
    assert not one.provider.storage.charge_mw.any()
    for purpose in (accounts.SERVICE_WEAR, accounts.SERVICE_ENERGY):
        assert not one.booked(one.ties.name, purpose).any()
