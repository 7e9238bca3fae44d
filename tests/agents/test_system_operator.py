"""A system of three units, wind, two flexible loads and a storage, run for whole days without prosumers."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, fields, is_dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from gridarium.agents.base import GridAgent
from gridarium.agents.behaviour import Behaviour, Composed
from gridarium.agents.bounded.action import DropOut, PartialCompliance
from gridarium.agents.bounded.trigger import DeadBand, Hysteresis, NoisyMeasurement
from gridarium.agents.devices.flexible_load import FlexibleLoad, FlexibleProfile
from gridarium.agents.devices.renewable_plant import RenewablePlant
from gridarium.agents.devices.system_load import SystemLoad
from gridarium.agents.devices.thermal_plant import ThermalPlant
from gridarium.agents.storage.storage_provider import StorageProvider
from gridarium.agents.system.day_ahead_market import DayAheadMarket, SettlementPrices
from gridarium.agents.system.operation import Members, OperationRules
from gridarium.agents.system.power_system import PowerSystem
from gridarium.agents.system.system_operator import SystemOperator
from gridarium.agents.upstream import SupplyProfile, UpstreamMarket
from gridarium.environment.arrays import Array
from gridarium.environment.clock import Clock
from gridarium.environment.connection import Connection
from gridarium.environment.errors import MessageError, ScenarioError
from gridarium.environment.forecast_error import ForecastError
from gridarium.environment.grids import Grid
from gridarium.environment.horizon import Horizon
from gridarium.environment.links import LinkQuality
from gridarium.environment.network import Feeder
from gridarium.environment.world import World
from gridarium.market.accounts import (
    CARBON,
    CARBON_MARKET,
    DEMAND_RESPONSE,
    FUEL,
    FUEL_SUPPLIERS,
    PURCHASE,
    REAL_TIME_MARKET,
    START_STOP,
    WEAR,
)
from gridarium.market.messages.leasing import Nomination
from gridarium.market.settlement import StorageRates

Told = Callable[[GridAgent, str, str], Array]
QUARTER_S, DAY = 900.0, 96
PART = 40
"""Quarters of a part of a day, which is planned in a fraction of the time."""
MARKET_PRICE = 300.0
LOSSY = LinkQuality(latency_s=0.2, loss=0.2)


@dataclass
class Plate:
    """A world on a copper plate and its agents."""

    world: World
    operator: SystemOperator
    plants: list[ThermalPlant]
    farms: list[RenewablePlant]
    loads: list[FlexibleLoad]
    storage: StorageProvider | None

    def run(self) -> Plate:
        self.world.running = True
        while self.world.running:
            self.world.step()
        return self

    @property
    def wind(self) -> RenewablePlant:
        return self.farms[0]

    @property
    def provider(self) -> StorageProvider:
        assert self.storage is not None
        return self.storage

    @property
    def slack_mw(self) -> np.ndarray:
        return np.array([state.flow.p_slack_mw[0] for state in self.world.grid.states])

    def paid_money(self, purpose: str) -> float:
        table = self.world.ledger.table()
        rows = table[(table["purpose"] == purpose) & (table["amount_money"] < 0.0)]
        signs = np.where(rows["account"].isin([CARBON_MARKET, FUEL_SUPPLIERS]), -1.0, 1.0)
        return float(-(rows["amount_money"] * signs).sum())


@pytest.fixture(scope="module")
def make_plate(power_system: PowerSystem, make_day: Callable[..., Any]) -> Callable[..., Plate]:
    def made(
        days: int = 1,
        *,
        quarters: int = DAY,
        quality: LinkQuality | None = None,
        error: float = 0.15,
        eps: float = 1.0,
        behaviour: Behaviour | None = None,
        flexible: Callable[[], Behaviour] = Behaviour,
        system: PowerSystem = power_system,
        farms: int = 1,
        market: bool = False,
    ) -> Plate:
        n, day = days * quarters, make_day()
        clock = Clock(pd.Timestamp("2026-01-14T19:00:00", tz="Asia/Shanghai"), QUARTER_S)
        world = World(Grid(Feeder.copper_plate(), np.zeros(n)), clock, n, 5 * 3600.0, 3, quality, QUARTER_S)
        rules = OperationRules(opens_s=3600.0, deviation_mw=eps)
        names = ("wind", "far wind")[:farms]
        price, nothing = np.full(n, MARKET_PRICE), np.zeros(n)
        upstream = UpstreamMarket(
            world.grid.head,
            REAL_TIME_MARKET,
            SupplyProfile(price, nothing, nothing),
            "operator",
            0.0,
            5 * 3600.0,
            Horizon.of(world),
        )
        members = Members(names, ("load",), day_ahead_market="market" if market else None)
        operator = SystemOperator(
            world.grid.head, "operator", upstream.name, system, members, rules, behaviour
        )
        plants = [ThermalPlant(world.grid.head, unit.name, unit, "operator") for unit in system.units]
        load = np.tile(day.load_mw[:quarters], days)
        wind = [
            RenewablePlant(
                world.grid.head,
                name,
                share * np.tile(day.wind_mw[:quarters], days),
                ForecastError(error),
                150.0,
                math.inf,
            )
            for name, share in zip(names, (0.4, 0.6) if farms == 2 else (1.0,), strict=False)
        ]
        actual = ForecastError(error / 10.0).actual(load, world.streams.stream("load/actual"))
        SystemLoad(world.grid.head, "load", load, actual)
        loads = []
        for column, each in enumerate(system.loads):
            base = np.tile(day.flexible_mw[:quarters, column], days)
            profile = FlexibleProfile(base, 0.7 * base, 1.3 * base, each.compensation_per_mwh)
            loads.append(FlexibleLoad(world.grid.head, each.name, profile, "operator", flexible()))
        provider = None
        if system.storage is not None:
            provider = StorageProvider(world.grid.head, "esp", system.storage, StorageRates(), "operator")
        if market:
            names = ("load", *(agent.name for agent in (*plants, *wind, *loads)))
            prices = SettlementPrices(np.full(n, 40.0), price)
            DayAheadMarket(world.grid.head, "market", "operator", dict.fromkeys(names, ""), prices)
        return Plate(world, operator, plants, wind, loads, provider)

    return made


@pytest.fixture(scope="module")
def day(make_plate: Callable[..., Plate]) -> Plate:
    return make_plate().run()


@pytest.fixture(scope="module")
def part(make_plate: Callable[..., Plate]) -> Plate:
    return make_plate(quarters=PART).run()


def test_each_quarter_balances_and_the_market_takes_only_what_was_left(day: Plate) -> None:
    world = day.world
    supplied = sum(plant.done["net_mw"] for plant in day.plants) + day.wind.delivered_mw
    supplied = supplied + day.provider.storage.discharge_mw
    drawn = sum(world.meters[name] for name in ("load", "mill", "cold store", "esp"))
    assert supplied + day.slack_mw == pytest.approx(drawn, abs=1e-6)
    for record in day.operator.records:
        # What is left over stays in the wind; what is missing comes from the market.
        turned_down = record.available_wind_mw - day.wind.delivered_mw[record.quarter]
        assert turned_down == pytest.approx(max(0.0, record.left_mw), abs=1e-6)
        assert day.slack_mw[record.quarter] == pytest.approx(max(0.0, -record.left_mw), abs=1e-6)
    fired = np.array([record.fired for record in day.operator.records])
    left = np.array([record.left_mw for record in day.operator.records])
    assert 20 < fired.sum() < 90
    # Where the trigger fired, nothing is bought; where not, no more than it lets pass.
    assert left[fired].min() > -1e-6
    assert -1.0 <= left[~fired].min() < -0.1


def test_records_tell_what_agents_did(day: Plate) -> None:
    records = day.operator.records
    assert [record.quarter for record in records] == list(range(DAY))
    for name in ("gross_mw", "net_mw", "absorbed_tco2_per_h", "regenerated_tco2_per_h"):
        told = np.array([getattr(record.realised, name) for record in records])
        assert pytest.approx(np.array([plant.done[name] for plant in day.plants]), abs=1e-12) == told.T
    assert [r.realised.e_mwh for r in records] == pytest.approx(
        day.provider.storage.e_mwh.tolist(), abs=1e-12
    )
    assert [r.realised.wind_mw for r in records] == pytest.approx(day.wind.delivered_mw.tolist(), abs=1e-12)


def test_costs_of_the_records_are_those_in_the_ledger(day: Plate) -> None:
    parts = pd.DataFrame([asdict(record.costs) for record in day.operator.records]).sum()
    assert parts["fuel_money"] == pytest.approx(day.paid_money(FUEL), rel=1e-9)
    assert parts["carbon_money"] == pytest.approx(day.paid_money(CARBON), rel=1e-9)
    assert parts["start_stop_money"] == pytest.approx(day.paid_money(START_STOP), abs=1e-9)
    assert parts["compensation_money"] == pytest.approx(day.paid_money(DEMAND_RESPONSE), abs=1e-3)
    assert parts["wear_money"] == pytest.approx(day.paid_money(WEAR), rel=1e-9)
    assert parts["market_money"] == pytest.approx(day.paid_money(PURCHASE), rel=1e-9, abs=1e-9)


def test_money_is_conserved_and_plants_neither_gain_nor_lose(day: Plate) -> None:
    ledger = day.world.ledger
    ledger.verify()
    assert ledger.total() == 0.0
    for plant in day.plants:
        assert ledger.balance(plant.name) == pytest.approx(0.0, abs=1e-9)


def test_profit_of_the_provider_adds_up_by_source(day: Plate, told: Told) -> None:
    storage = day.provider.storage
    names = ("compensation", "energy_margin", "line_fees", "degradation")
    profit = {name: told(day.provider, "leases", f"{name}_money").sum() for name in names}
    assert sum(profit.values()) == pytest.approx(day.world.ledger.balance("esp"), abs=1e-9)
    moved = 0.98 * storage.charge_mw.sum() + day.provider.storage.discharge_mw.sum() / 0.98
    assert profit["compensation"] == pytest.approx(1.43 * 0.25 * moved, rel=1e-12)
    assert -profit["degradation"] == pytest.approx(profit["compensation"], rel=1e-12)
    price = day.operator.price_per_mwh
    margin = 0.25 * float(price @ (day.provider.storage.discharge_mw - storage.charge_mw))
    assert profit["energy_margin"] == pytest.approx(margin, rel=1e-9)
    assert profit["line_fees"] == pytest.approx(0.0, abs=1e-9)
    low, high = storage.ratings.band_mwh
    assert low - 1e-9 <= day.provider.storage.e_mwh.min() <= day.provider.storage.e_mwh.max() <= high + 1e-9
    assert day.provider.storage.e_mwh[-1] == pytest.approx(28.0, abs=1e-3)


def test_tanks_ramps_and_flexible_energy_keep_their_limits(day: Plate) -> None:
    for plant, unit in zip(day.plants, day.operator.system.units, strict=True):
        gross, runs = plant.done["gross_mw"], plant.done["on"] > 0.5
        assert np.all(gross[runs] >= unit.p_min_mw - 1e-9)
        assert np.all(gross <= unit.p_max_mw + 1e-9)
        steady = runs[1:] & runs[:-1]
        assert np.all(np.abs(np.diff(gross))[steady] <= unit.ramp_mw_per_h / 4.0 + 1e-9)
        if unit.capture:
            assert plant.tank_tco2.min() >= 0.0
            assert plant.tank_tco2.max() <= unit.capture.tank_tco2
            assert plant.tank_tco2[-1] == pytest.approx(unit.capture.tank_initial_tco2, abs=1e-3)
            most = 0.8 * unit.emission_tco2_per_mwh * gross
            assert np.all(plant.done["absorbed_tco2_per_h"] <= most + 1e-9)
    for load in day.loads:
        series = load.loads_mw
        assert series["drawn"].sum() == pytest.approx(series["base"].sum(), rel=1e-9)


def test_a_lossy_slow_bus_does_not_change_the_plan(part: Plate, make_plate: Callable[..., Plate]) -> None:
    lossy = make_plate(quarters=PART, quality=LOSSY).run()
    assert lossy.world.bus.lost > 200
    assert max(record.silent for record in lossy.operator.records) == 0
    for name in ("gross_mw", "net_mw", "absorbed_tco2_per_h"):
        for plant, same in zip(lossy.plants, part.plants, strict=True):
            assert np.array_equal(plant.done[name], same.done[name])
    assert np.array_equal(lossy.provider.storage.e_mwh, part.provider.storage.e_mwh)
    assert lossy.world.ledger.balance("operator") == pytest.approx(part.world.ledger.balance("operator"))


@pytest.fixture(scope="module")
def two_days(make_plate: Callable[..., Plate]) -> Plate:
    """Two days with a day-ahead market that hears nothing before the first one."""
    two = make_plate(2, market=True)
    two.world.bus.record = True
    two.world.bus.add_outage("market", 0.0, two.world.delivery_s)
    return two.run()


def test_two_days_in_a_row(day: Plate, two_days: Plate, told: Told) -> None:
    two, operator = two_days, two_days.operator
    # The second day is committed a day after the first.
    log = two.world.bus.log()
    asked = log[log["topic"] == "ForecastRequest"]["sent_s"].unique()
    assert asked.tolist() == [3600.0, 3600.0 + 86400.0]
    assert sorted(operator.plans) == [0, 1]
    assert len(operator.records) == 2 * DAY
    # Wind is drawn day by day: the first day is the one that is run alone, except for its load.
    of_two, of_one = (told(plate.wind, "dispatch", "p_available_mw") for plate in (two, day))
    assert np.array_equal(of_two[:DAY], of_one)
    assert not np.array_equal(of_two[DAY:], of_one)
    for load in two.loads:
        drawn, base = (load.loads_mw[name].reshape(2, DAY).sum(axis=1) for name in ("drawn", "base"))
        assert drawn == pytest.approx(base, rel=1e-9)
    left = np.array([record.left_mw for record in operator.records])
    assert two.slack_mw == pytest.approx(np.maximum(0.0, -left), abs=1e-6)
    assert two.provider.storage.e_mwh[[DAY - 1, -1]] == pytest.approx(28.0, abs=1e-3)
    # Midnight is no hole in the ramps.
    for plant, unit in zip(two.plants, operator.system.units, strict=True):
        before, after = plant.done["gross_mw"][DAY - 1 : DAY + 1]
        assert abs(after - before) <= unit.ramp_mw_per_h / 4 + 1e-9


def test_each_day_is_declared_until_the_market_has_heard_of_it(two_days: Plate) -> None:
    (market,) = (agent for agent in two_days.world.agents if isinstance(agent, DayAheadMarket))
    declared = np.array(list(market.declared_mw.values()))
    assert np.isnan(declared[:, :DAY]).all()
    assert np.isfinite(declared[:, DAY:]).all()
    log = two_days.world.bus.log().query("topic == 'Declaration'")
    # The first day is repeated each minute until it begins, the second one is received at once.
    assert (log["outcome"] == "lost").sum() == (5 * 3600 - 3600) / 60
    assert log.query("outcome == 'delivered'")["sent_s"].tolist() == [3600.0 + 86400.0]
    operator = two_days.operator
    assert operator.system.storage is not None
    runs = np.array([market.declared_mw[unit.name][DAY:] > 0.0 for unit in operator.system.units]).T
    assert np.array_equal(runs, operator.plans[1].on)
    # What is declared adds up: nothing is planned to be bought or spilled, and the storage takes the rest.
    assert np.abs(declared[:, DAY:].sum(axis=0)).max() <= operator.system.storage.p_max_mw + 1e-6


def test_exact_forecasts_leave_nothing_to_do(make_plate: Callable[..., Plate]) -> None:
    plate = make_plate(quarters=PART, error=0.0, eps=0.01)
    plate.world.bus.record = True
    plate.run()
    assert [record.fired for record in plate.operator.records] == [False] * PART
    assert np.abs(plate.slack_mw).max() < 1e-5
    topics = plate.world.bus.log()["topic"].value_counts()
    assert topics["UnitSchedule"] == 3
    assert "UnitSetpoint" not in topics


def test_a_system_of_units_alone(make_plate: Callable[..., Plate], power_system: PowerSystem) -> None:
    alone = replace(power_system, storage=None, loads=(), wind_capacity_mw=0.0)
    plate = make_plate(system=alone, farms=0).run()
    left = np.array([record.left_mw for record in plate.operator.records])
    assert plate.slack_mw == pytest.approx(-left, abs=1e-6)
    assert plate.world.ledger.total() == 0.0


def test_wind_farms_share_limits_by_what_they_have(make_plate: Callable[..., Plate], told: Told) -> None:
    plate = make_plate(quarters=PART, farms=2).run()
    available = np.array([told(farm, "dispatch", "p_available_mw") for farm in plate.farms])
    delivered = np.array([farm.delivered_mw for farm in plate.farms])
    for record in plate.operator.records:
        share = delivered[:, record.quarter] / available[:, record.quarter]
        if record.fired:
            assert share[0] == pytest.approx(share[1], abs=1e-9)
        assert record.realised.wind_mw == pytest.approx(delivered[:, record.quarter].sum(), abs=1e-9)


def test_a_trigger_at_its_limit_is_the_exact_one(part: Plate, make_plate: Callable[..., Plate]) -> None:
    plate = make_plate(
        quarters=PART, behaviour=Composed([DeadBand(), Hysteresis(), NoisyMeasurement()])
    ).run()
    assert plate.world.ledger.head == part.world.ledger.head


def test_a_wide_dead_band_fires_less_and_buys_more(part: Plate, make_plate: Callable[..., Plate]) -> None:
    plate = make_plate(quarters=PART, behaviour=DeadBand(width_mw=6.0)).run()
    records = plate.operator.records
    assert all(abs(r.deviation_mw) > 6.0 for r in records if r.fired)
    assert all(abs(r.deviation_mw) <= 6.0 for r in records if not r.fired)
    assert sum(r.fired for r in records) < sum(r.fired for r in part.operator.records)
    assert plate.paid_money(PURCHASE) > part.paid_money(PURCHASE)
    # A surplus that nobody plans with is turned down at the wind farm, not fed out.
    assert plate.slack_mw.min() > -1e-6


def test_a_drop_out_of_a_flexible_load_is_made_good_within_its_day(make_plate: Callable[..., Plate]) -> None:
    plate = make_plate(quarters=PART, flexible=lambda: DropOut(probability=0.05)).run()
    for load in plate.loads:
        series = load.loads_mw
        assert series["drawn"].sum() == pytest.approx(series["base"].sum(), rel=1e-9)
    assert plate.world.ledger.total() == 0.0


def test_half_compliance_shifts_less(part: Plate, make_plate: Callable[..., Plate]) -> None:
    plate = make_plate(quarters=PART, flexible=lambda: PartialCompliance(compliance=0.5)).run()

    def shifted(plate: Plate) -> float:
        return sum(float(np.abs(x.loads_mw["drawn"] - x.loads_mw["base"]).sum()) for x in plate.loads)

    assert shifted(plate) < shifted(part)


def test_the_day_begins_only_when_everybody_has_answered(make_plate: Callable[..., Plate]) -> None:
    plate = make_plate()
    plate.world.bus.add_outage("wind", 0.0, 1e6)
    with pytest.raises(MessageError, match="agent operator, day 0: no word from wind in 600 s"):
        plate.run()


def test_units_that_hear_nothing_keep_to_their_last_plan(make_plate: Callable[..., Plate]) -> None:
    plate = make_plate(quarters=PART)
    deaf_s = plate.world.delivery_s + 20 * QUARTER_S
    plate.world.bus.add_outage("coal", deaf_s, deaf_s + 8 * QUARTER_S)
    plate.run()
    silent = [record.silent for record in plate.operator.records]
    assert max(silent[:20]) == 0
    assert silent[22:28] == [1] * 6
    assert max(silent[30:]) == 0
    supplied = sum(plant.done["net_mw"] for plant in plate.plants) + plate.wind.delivered_mw
    drawn = sum(plate.world.meters[name] for name in ("load", "mill", "cold store", "esp"))
    assert supplied + plate.provider.storage.discharge_mw + plate.slack_mw == pytest.approx(drawn, abs=1e-6)


def test_deficits_of_prosumers_are_load(make_plate: Callable[..., Plate]) -> None:
    plate = make_plate(quarters=PART, error=0.0)
    plate.operator.take_nomination(Nomination(0, 0.0, 9.0), "p1")
    while not plate.operator.records:
        plate.world.step()
    record = plate.operator.records[0]
    # Known the day before, they are planned with; nobody draws them here, so that they are left over.
    assert record.deviation_mw == pytest.approx(0.0, abs=1e-9)
    assert plate.slack_mw[0] == pytest.approx(-9.0, abs=1e-5)


def test_rules_name_what_is_wrong() -> None:
    with pytest.raises(ScenarioError, match=r"lead_s: got 0.5; must be in \[150, 220\]"):
        OperationRules(opens_s=0.0, lead_s=0.5)


# Only what is on the bus leaves an agent.


def test_no_agent_touches_anothers_private_fields(
    monkeypatch: pytest.MonkeyPatch, make_plate: Callable[..., Plate]
) -> None:
    foreign, own = list[str](), set[str]()

    def read(agent: GridAgent, field: str) -> Any:
        if field.startswith("_") and not field.startswith("__"):
            frame = sys._getframe(1)
            while frame is not None and not isinstance(frame.f_locals.get("self"), GridAgent):
                frame = frame.f_back  # type: ignore[assignment]
            reader = frame.f_locals["self"] if frame is not None else None
            if reader is agent:
                own.add(field)
            elif reader is not None:
                foreign.append(f"{type(reader).__name__} reads {type(agent).__name__}.{field}")
        return object.__getattribute__(agent, field)

    plate = make_plate(quarters=PART)
    with monkeypatch.context() as patch:
        patch.setattr(GridAgent, "__getattribute__", read)
        for _ in range(8):
            plate.world.step()
    assert foreign == []
    assert {"_view", "_tank", "_hours_in_state", "_demand", "_actual_mw", "_limit_mw"} <= own


def arrays_of(payload: Any) -> Iterator[np.ndarray]:
    if isinstance(payload, np.ndarray):
        yield payload
    elif is_dataclass(payload):
        for field in fields(payload):
            yield from arrays_of(getattr(payload, field.name))


def test_nothing_that_is_sent_can_be_changed(
    monkeypatch: pytest.MonkeyPatch, make_plate: Callable[..., Plate]
) -> None:
    kinds, loose, send = set[str](), list[str](), Connection.send

    def checked(connection: Connection, recipient: str, payload: Any, **more: Any) -> None:
        kinds.add(type(payload).__name__)
        if any(array.flags.writeable for array in arrays_of(payload)):
            loose.append(f"{type(payload).__name__} from {connection.name}")
        send(connection, recipient, payload, **more)

    plate = make_plate(quarters=PART)
    monkeypatch.setattr(Connection, "send", checked)
    for _ in range(8):
        plate.world.step()
    assert loose == []
    assert {"UnitSchedule", "UnitSetpoint", "StorageCommand", "LoadCommand", "RenewableSetpoint"} <= kinds
