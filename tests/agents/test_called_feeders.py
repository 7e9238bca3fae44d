"""A TIES that calls a feeder within the day: what it hears, plans, calls for and tells.

The feeder is a stand-in: its storage charges as called, and its prosumers trade what they are called for.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from types import SimpleNamespace
from unittest import mock

import numpy as np
import pytest

from gridarium.agents.base import GridAgent, on
from gridarium.agents.devices.storage import StorageDevice
from gridarium.agents.rows import Rows
from gridarium.agents.transmission.ties import Ties
from gridarium.environment.arrays import Flags
from gridarium.environment.grids import Site
from gridarium.environment.horizon import Horizon
from gridarium.environment.storage import StorageRatings
from gridarium.experiments.parts import ties as ties_part
from gridarium.experiments.running.case_run import _play
from gridarium.experiments.running.world_build import BuiltWorld, build
from gridarium.experiments.scenario import load_scenario
from gridarium.market.feeder_services import FeederServices
from gridarium.market.messages.commands import Receipt, StorageCommand
from gridarium.market.messages.services import ServiceCall, ServiceRequest, ServiceStatus

FEEDER = "bulk/feeder"
STORAGE = StorageRatings(FEEDER, 12.0, 40.0, 0.1, 0.9, 0.5, 0.95, 0.95, 12.0)
COMPENSATION = 1.5
HOURS = 8


class Feeder(GridAgent):
    """A stand-in for the operator of a feeder with a storage, and with prosumers who can trade in all."""

    kind = "feeder"

    def __init__(self, site: Site, name: str, deaf_from: int) -> None:
        super().__init__(site, name)
        self.horizon = Horizon.of(self.world)
        self.storage = StorageDevice(site, f"{self.name}/storage", STORAGE, self.horizon)
        self.mount(self.storage)
        self._site, self._deaf_from = site, deaf_from
        self.expected_mw = np.array([1.5, 1.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0])
        self.told: list[ServiceStatus] = []
        self.calls: list[ServiceCall] = []

    @on(ServiceRequest)
    def tell(self, request: ServiceRequest, sender: str) -> ServiceStatus | None:
        if request.period >= self._deaf_from:
            return None
        state, traded = self.storage.status(request.period), float(self.expected_mw[request.period])
        status = ServiceStatus(
            request.period, state.e_mwh, state.charge_mw, state.discharge_mw, 12.0, 11.0, traded
        )
        self.told.append(status)
        return status

    @on(ServiceCall)
    def take(self, call: ServiceCall, sender: str) -> Receipt:
        self.calls.append(call)
        command = StorageCommand(call.issue, call.period, call.charge_mw, call.discharge_mw)
        self.storage.take_command(command, sender)
        return Receipt()

    def traded_mw(self, period: int) -> float:
        """What its prosumers trade for the call of a period."""
        return -next((one.pool_change_mw for one in self.calls if one.period == period), 0.0)

    def operate(self, period: int) -> None:
        self.storage.operate(period)
        self._site.supply(f"{self.name}/pool", self.traded_mw(period))

    def rows(self) -> Iterator[Rows]:
        yield from ()


@cache
def played(*settings: str, served: bool = True, desk: bool = True, deaf_from: int = HOURS) -> BuiltWorld:
    services = {FEEDER: FeederServices(STORAGE, COMPENSATION, desk)} if served else {}
    with mock.patch.object(ties_part, "services_below", lambda build: services):
        case = load_scenario("ries-reduced", [f"horizon_h={HOURS}", "grids.bulk.ties.lead_s=180", *settings])
        built = build(case.cases["none"])
    if served:
        Feeder(built.world.grids[0].head, "feeder", deaf_from)
    _play(built)
    return built


FEE = "grids.bulk.ties.pool_fee_per_mwh=2"
MOVED, CALM = "grids.bulk.ties.trigger_mw=0.5", "grids.bulk.ties.trigger_mw=1000"


def table(built: BuiltWorld) -> SimpleNamespace:
    (rows,) = [one for one in built.one(Ties).rows() if one.table == "services"]
    return SimpleNamespace(**{name: np.asarray(column) for name, column in rows.values.items()})


def planned_anew(built: BuiltWorld) -> Flags:
    """Periods in which the rest of the day was planned anew."""
    moved = built.one(Ties)._real_time.moved_mw
    return np.array([moved[period] > 0.5 for period in range(HOURS)])


def test_storage_does_what_it_was_called_for_and_ends_near_where_it_began() -> None:
    built = played(MOVED)
    feeder, told = built.one(Feeder), table(built)
    assert np.abs(told.charge_called_mw + told.discharge_called_mw).max() > 1.0
    assert feeder.storage.charge_mw == pytest.approx(told.charge_called_mw, abs=1e-6)
    assert feeder.storage.discharge_mw == pytest.approx(told.discharge_called_mw, abs=1e-6)
    # What is told right before the next period is what was metered; of the last period nothing is told.
    assert told.discharge_delivered_mw[:-1] == pytest.approx(feeder.storage.discharge_mw[:-1], abs=1e-9)
    assert np.isnan(told.charge_delivered_mw[-1])
    assert told.e_told_mwh[1:] == pytest.approx(feeder.storage.e_mwh[:-1], abs=1e-9)
    assert feeder.storage.e_mwh[-1] == pytest.approx(0.5 * 40.0, abs=1e-3)
    low, high = STORAGE.band_mwh
    assert low - 1e-6 <= feeder.storage.e_mwh.min() <= feeder.storage.e_mwh.max() <= high + 1e-6


def test_calls_carry_the_marginal_price_and_rise_in_number() -> None:
    built = played(MOVED)
    feeder, plan = built.one(Feeder), built.one(Ties).plan_of(0)
    assert [call.issue for call in feeder.calls] == sorted({call.issue for call in feeder.calls})
    assert all(len(call.charge_mw) == HOURS - call.period for call in feeder.calls)
    for call in feeder.calls:
        first = float(call.price_per_mwh[0])
        assert first == pytest.approx(plan.price_per_mwh[call.period])
        assert first > 0.0


def test_prosumers_are_called_in_every_period_for_no_more_than_they_are_likely_to_trade() -> None:
    feeder = played(MOVED, FEE).one(Feeder)
    assert [call.period for call in feeder.calls] == list(range(HOURS))
    traded = np.array([-call.pool_change_mw for call in feeder.calls])
    assert (traded >= 0.0).all()
    assert (traded <= feeder.expected_mw + 1e-6).all()
    # A fee far below the marginal price calls for all where the day is planned anew; one beyond the price of
    # balancing energy calls for nothing.
    anew = planned_anew(played(MOVED, FEE))
    # What prosumers offer beyond what was reckoned with is a reason to plan anew, too.
    assert anew.all()
    assert traded[anew] == pytest.approx(feeder.expected_mw[anew], abs=1e-4)
    dear = played(MOVED, "grids.bulk.ties.pool_fee_per_mwh=5000").one(Feeder)
    assert [call.pool_change_mw for call in dear.calls] == [0.0] * HOURS


def test_without_a_new_plan_storage_rests_and_prosumers_replace_balancing_energy_alone() -> None:
    built, without = played(CALM), played(CALM, served=False)
    feeder = built.one(Feeder)
    assert not feeder.storage.charge_mw.any()
    assert not feeder.storage.discharge_mw.any()
    needed = np.maximum(0.0, without.world.grids[0].exchange_mw)
    assert needed.max() > 2.0
    traded = np.array([feeder.traded_mw(period) for period in range(HOURS)])
    assert traded == pytest.approx(np.minimum(needed, feeder.expected_mw), abs=1e-6)
    assert not any(call.charge_mw.any() for call in feeder.calls)


def test_without_a_desk_nobody_is_called_under_a_plan_that_stays() -> None:
    assert played(CALM, desk=False).one(Feeder).calls == []
    assert all(call.pool_change_mw == 0.0 for call in played(MOVED, desk=False).one(Feeder).calls)


def test_who_stays_silent_is_not_called_and_the_plan_stays() -> None:
    feeder = played(MOVED, deaf_from=3).one(Feeder)
    assert max(call.period for call in feeder.calls) == 2
    last = feeder.calls[-1]
    assert feeder.storage.charge_mw[2:] == pytest.approx(last.charge_mw, abs=1e-6)


def test_every_plan_with_services_is_kept_and_costs_no_more_than_without() -> None:
    built = played(MOVED, FEE)
    ties, told = built.one(Ties), table(built)
    assert [look.place for look in ties.served_looks] == np.flatnonzero(planned_anew(built)).tolist()
    for look in ties.served_looks:
        assert look.off_target_mwh == pytest.approx(abs(told.e_told_mwh[look.place] - 20.0))
        alone = ties.planner.fine_order.solve(ties.name, look.forecast, look.on, look.state, look.place)
        assert look.cost_money < alone.cost_money + 3000.0 * look.off_target_mwh - 10.0


def test_a_feeder_that_cannot_be_called_changes_nothing_before_the_day() -> None:
    served, alone = (played(MOVED, served=one).one(Ties).days[0] for one in (True, False))
    assert served.plan.unit_mw == pytest.approx(alone.plan.unit_mw, abs=0.0)
    assert served.loads == pytest.approx(alone.loads, abs=0.0)


def test_a_plan_keeps_what_it_supplies_apart_from_what_prosumers_trade() -> None:
    built = played(MOVED, FEE)
    ties = built.one(Ties)
    plan, drawn = ties.plan_of(0), table(built).pool_called_mw
    assert len(plan.renewable_mw) == 2
    assert len(plan.charge_mw) == 3
    net = plan.supplied_mw - plan.charge_mw.sum(axis=0) - plan.spill_mw + drawn
    (forecast,) = [day.forecast for day in ties._real_time._days.values()]
    anew = planned_anew(built)
    assert net[anew] == pytest.approx(forecast.load_mw[anew], abs=1e-4)
