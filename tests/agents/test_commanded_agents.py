"""Plants, loads and storage provider one by one: they do what they can and tell what they did."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from gridarium.agents.base import GridAgent, on
from gridarium.agents.behaviour import Behaviour
from gridarium.agents.devices.flexible_load import FlexibleLoad, FlexibleProfile
from gridarium.agents.devices.renewable_plant import RenewablePlant
from gridarium.agents.devices.system_load import SystemLoad
from gridarium.agents.devices.thermal_plant import ThermalPlant
from gridarium.agents.storage.lease_rules import FixedTerms, ProfitSearch
from gridarium.agents.storage.lease_search import LeaseBounds
from gridarium.agents.storage.storage_provider import StorageProvider
from gridarium.environment.arrays import Array, series
from gridarium.environment.clock import Clock
from gridarium.environment.errors import ProfileError, ScenarioError
from gridarium.environment.forecast_error import ForecastError
from gridarium.environment.grids import Grid
from gridarium.environment.horizon import Horizon
from gridarium.environment.network import Feeder
from gridarium.environment.storage import StorageRatings
from gridarium.environment.thermal_unit import CapturePlant, ThermalUnit, gas_turbine
from gridarium.environment.world import World
from gridarium.market.accounts import (
    CARBON,
    CARBON_MARKET,
    FUEL,
    FUEL_SUPPLIERS,
    GENERATION,
    LINE_FEE,
    START_STOP,
)
from gridarium.market.messages.commands import (
    LoadCommand,
    Receipt,
    RenewableSetpoint,
    StorageCommand,
    UnitSchedule,
    UnitSetpoint,
)
from gridarium.market.messages.forecasts import ForecastRequest, RenewableForecast, UnitAvailability
from gridarium.market.messages.leasing import LeaseTerms
from gridarium.market.messages.status import (
    LoadStatus,
    RenewableStatus,
    StatusRequest,
    StorageStatus,
    UnitStatus,
)
from gridarium.market.settlement import StorageRates

Told = Callable[[GridAgent, str, str], Array]
CAPTURE = CapturePlant(0.8, 0.25, 2.0, 20.0, 10.0)


class Desk(GridAgent):
    """Sends what a test wants, and keeps the answers."""

    def __init__(self, world: World, name: str = "operator") -> None:
        super().__init__(world.grid.head, name)
        self.heard: list[Any] = []

    def tell(self, recipient: str, payload: Any) -> list[Any]:
        before = len(self.heard)
        self.send(recipient, payload)
        queue = self.world.clock.env
        while queue.peek() <= queue.now:
            queue.step()
        return self.heard[before:]

    @on(UnitAvailability, RenewableForecast, UnitStatus, RenewableStatus, LoadStatus, StorageStatus, Receipt)
    def keep(self, payload: Any, sender: str) -> None:
        self.heard.append(payload)

    @on(LeaseTerms)
    def take_terms(self, terms: LeaseTerms, sender: str) -> Receipt:
        self.heard.append((self.world.clock.now_s, terms))
        return Receipt()


@pytest.fixture
def make_plate() -> Callable[..., World]:
    def made(n_period: int = 8, period_s: float = 900.0) -> World:
        clock = Clock(pd.Timestamp("2026-01-15", tz="Asia/Shanghai"), period_s)
        n_day = n_period
        return World(Grid(Feeder.copper_plate(), np.zeros(n_day)), clock, n_day, 3600.0, 1, None, period_s)

    return made


def unit(**others: Any) -> ThermalUnit:
    data: dict[str, Any] = {
        "name": "unit", "p_min_mw": 20.0, "p_max_mw": 100.0, "cost_quadratic_per_mw2h": 0.1,
        "cost_linear_per_mwh": 10.0, "cost_fixed_per_h": 40.0, "start_stop_money": 500.0,
        "ramp_mw_per_h": 40.0, "ramp_down_mw_per_h": 80.0, "min_up_h": 2, "min_down_h": 2,
        "emission_tco2_per_mwh": 0.5, "on_initially": True, "p_initial_mw": 50.0, "capture": None,
    }  # fmt: skip
    return ThermalUnit(**(data | others))


def schedule(
    on: list[float], net: list[float], absorbed: float = 0.0, regenerated: float = 0.0
) -> UnitSchedule:
    n = len(on)
    return UnitSchedule(1, 0, series(net), series([absorbed] * n), series([regenerated] * n), series(on))


def test_a_plant_ramps_towards_what_it_cannot_reach(make_plate: Callable[..., World]) -> None:
    world = make_plate()
    plant, desk = ThermalPlant(world.grid.head, "unit", unit(), "operator"), Desk(world)
    orders = schedule([1, 1, 1, 1, 0, 0, 0, 1], [90.0, 90.0, 10.0, 10.0, 0.0, 0.0, 0.0, 90.0])
    assert desk.tell("unit", orders) == [Receipt()]
    while world.running or not world.grid.states:
        world.step()
    # 10 MW up and 20 MW down in a quarter; not below 20 MW; it stops from 30 MW one quarter late.
    assert plant.done["gross_mw"].tolist() == pytest.approx([60.0, 70.0, 50.0, 30.0, 20.0, 0.0, 0.0, 20.0])


def test_a_plant_that_is_too_high_to_stop_goes_down_first(make_plate: Callable[..., World]) -> None:
    world = make_plate(4)
    plant, desk = ThermalPlant(world.grid.head, "unit", unit(p_initial_mw=55.0), "operator"), Desk(world)
    desk.tell("unit", schedule([0, 0, 0, 1], [0.0, 0.0, 0.0, 90.0]))
    while world.running or not world.grid.states:
        world.step()
    # The stop limit is 20 MW: 55 - 20 - 15 takes two quarters. It starts again at its least output.
    assert plant.done["gross_mw"].tolist() == pytest.approx([35.0, 20.0, 0.0, 20.0])
    starts = [entry for entry in world.ledger.entries if entry.purpose == START_STOP]
    assert [(entry.period, entry.amount) for entry in starts] == [(2, 500.0), (3, 500.0)]
    assert world.ledger.balance("unit") == pytest.approx(0.0, abs=1e-9)


def test_costs_of_a_plant_by_hand(make_plate: Callable[..., World]) -> None:
    world = make_plate(1)
    ThermalPlant(world.grid.head, "unit", unit(), "operator", 12.0, 0.7)
    world.step()
    booked = {entry.purpose: (entry.payer, entry.payee, entry.amount) for entry in world.ledger.entries}
    # 0.1 * 50^2 + 10 * 50 + 40 = 790 USD/h; 12 * (0.5 - 0.7) * 50 = -120 USD/h.
    assert booked[FUEL] == ("unit", FUEL_SUPPLIERS, pytest.approx(790.0 / 4.0))
    assert booked[CARBON] == (CARBON_MARKET, "unit", pytest.approx(120.0 / 4.0))
    assert booked[GENERATION] == ("operator", "unit", pytest.approx(670.0 / 4.0))


def test_capture_is_cut_off_where_the_tank_is_full_or_empty(make_plate: Callable[..., World]) -> None:
    world = make_plate(8)
    plant = ThermalPlant(world.grid.head, "unit", unit(capture=CAPTURE, p_min_mw=50.0), "operator")
    desk = Desk(world)
    desk.tell("unit", schedule([1.0] * 8, [45.0] * 8, absorbed=99.0))
    for _ in range(4):
        world.step()
    # Gross 50 MW: at most 0.8 * 0.5 * 50 = 20 t/h are absorbed, until the tank holds its 20 t.
    assert plant.done["absorbed_tco2_per_h"][:4].tolist() == pytest.approx([20.0, 20.0, 0.0, 0.0])
    assert plant.tank_tco2[:4].tolist() == pytest.approx([15.0, 20.0, 20.0, 20.0])
    assert world.grid.states[0].source_t_per_h[0] == pytest.approx(0.5 * 50.0 - 20.0)
    nothing, much = series([0.0] * 4), series([60.0] * 4)
    desk.tell("unit", UnitSetpoint(2, 4, series([45.0] * 4), nothing, much))
    for _ in range(3):
        world.step()
    # 60 t/h cost 15 MW, which the unit adds as its ramp allows; after 20 t there is no more to give off.
    assert plant.done["gross_mw"][4:7].tolist() == pytest.approx([60.0, 62.0, 62.0])
    assert plant.done["regenerated_tco2_per_h"][4:7].tolist() == pytest.approx([60.0, 20.0, 0.0])
    assert plant.done["net_mw"][4:7].tolist() == pytest.approx([43.0, 55.0, 60.0])
    assert plant.tank_tco2[4:7].tolist() == pytest.approx([5.0, 0.0, 0.0])


def test_a_plant_that_feeds_nothing_in_emits_all_the_same(make_plate: Callable[..., World]) -> None:
    world = make_plate(2)
    capture = CapturePlant(0.8, 0.25, 2.0, 80.0, 72.0)
    plant = ThermalPlant(world.grid.head, "unit", unit(capture=capture, p_initial_mw=20.0), "operator")
    Desk(world).tell("unit", schedule([1.0] * 2, [0.0, 10.0], regenerated=72.0))
    world.step()
    world.step()
    # 20 MW are just what regeneration of 72 t/h and the plant itself take; then 10 MW more.
    assert plant.done["net_mw"].tolist() == pytest.approx([0.0, 10.0])
    assert world.carbon_meters["unit"].tolist() == pytest.approx([0.5 * 20.0, 0.5 * 30.0])
    assert [state.source_t_per_h[0] for state in world.grid.states] == pytest.approx([10.0, 15.0])


def test_the_newest_command_of_a_day_counts_and_every_one_is_acknowledged(
    make_plate: Callable[..., World],
) -> None:
    world = make_plate(2)
    plant, desk = ThermalPlant(world.grid.head, "unit", unit(), "operator"), Desk(world)
    nothing = series([0.0, 0.0])
    assert desk.tell("unit", UnitSetpoint(7, 0, series([58.0, 58.0]), nothing, nothing)) == [Receipt()]
    assert desk.tell("unit", UnitSetpoint(6, 0, series([45.0, 45.0]), nothing, nothing)) == [Receipt()]
    world.step()
    assert plant.done["gross_mw"][0] == 58.0
    assert desk.tell("unit", StatusRequest(1)) == [UnitStatus(1, True, 58.0, 58.0, 0.0, 0.0, 0.0)]


def flexible(world: World, behaviour: Behaviour | None = None) -> FlexibleLoad:
    base = series([10.0, 10.0, 10.0, 10.0])
    return FlexibleLoad(
        world.grid.head, "mill", FlexibleProfile(base, 0.5 * base, 1.5 * base, 8.0), "operator", behaviour
    )


def test_a_flexible_load_never_lets_go_of_what_it_could_not_make_up_for(
    make_plate: Callable[..., World],
) -> None:
    world = make_plate(4)
    load, desk = flexible(world), Desk(world)
    desk.tell("mill", LoadCommand(1, 0, series([0.0, 0.0, 0.0, 0.0])))
    for _ in range(4):
        world.step()
    # 5 MW is the least; what is owed fits into the last two quarters at 15 MW.
    assert load.loads_mw["drawn"].tolist() == [5.0, 5.0, 15.0, 15.0]
    paid = [entry.amount for entry in world.ledger.entries]
    assert paid == pytest.approx([8.0 * 5.0 * 0.25] * 4)
    assert world.ledger.balance("mill") == pytest.approx(40.0)


class Stubborn(Behaviour):
    """Draws 13 MW whatever it is told."""

    def act(self, agent: GridAgent, period: int, planned: float) -> float:
        return 13.0


def test_energy_is_kept_whatever_a_behaviour_does(make_plate: Callable[..., World]) -> None:
    world = make_plate(4)
    load = flexible(world, Stubborn())
    for _ in range(4):
        world.step()
    assert load.loads_mw["drawn"].tolist() == [13.0, 13.0, 9.0, 5.0]


def test_limits_on_the_wrong_side_of_the_base_are_named() -> None:
    base = np.array([1.0, 2.0])
    with pytest.raises(ScenarioError, match=r"lowest_mw, period 1: got 3.0; must be at most base_mw, MW"):
        FlexibleProfile(base, np.array([1.0, 3.0]), np.array([4.0, 4.0]), 1.0)


def test_a_wind_farm_keeps_its_limit_and_tells_the_next_quarter(
    make_plate: Callable[..., World], told: Told
) -> None:
    world = make_plate(4)
    farm = RenewablePlant(world.grid.head, "wind", np.full(4, 50.0), ForecastError(0.15, 0.5), 60.0, math.inf)
    desk = Desk(world)
    actual = told(farm, "dispatch", "p_available_mw")
    desk.tell("wind", RenewableSetpoint(1, 0, series([20.0, 99.0, 99.0, 0.0])))
    (status,) = desk.tell("wind", StatusRequest(0))
    assert status.available_mw[0] == actual[0] != 50.0
    # What is known of this quarter fades from one to the next.
    assert status.available_mw[1:] == pytest.approx(50.0 + (actual[0] - 50.0) * 0.5 ** np.arange(1, 4))
    for _ in range(4):
        world.step()
    assert farm.delivered_mw == pytest.approx([20.0, actual[1], actual[2], 0.0])
    (last,) = desk.tell("wind", StatusRequest(4))
    assert len(last.available_mw) == 0
    with pytest.raises(
        ProfileError, match=r"(?s)forecast of gale.*period 1: got 70.0; must be in \[0, 60\] MW"
    ):
        RenewablePlant(world.grid.head, "gale", np.array([10.0, 70.0, 1.0, 1.0]), capacity_mw=60.0)


def test_a_load_tells_the_next_quarter_and_no_other(make_plate: Callable[..., World]) -> None:
    world = make_plate(3)
    SystemLoad(world.grid.head, "load", np.array([10.0, 20.0, 30.0]), np.array([11.0, 21.0, 31.0]))
    desk = Desk(world)
    (status,) = desk.tell("load", StatusRequest(1))
    assert status.load_mw.tolist() == [21.0, 30.0]
    world.step()
    assert world.meters["load"][0] == 11.0


RATINGS = StorageRatings("esp", 10.0, 10.0, 0.1, 0.9, 0.5, 0.9, 0.8, 10.0)


def test_a_provider_does_what_its_storage_can(make_plate: Callable[..., World], told: Told) -> None:
    world = make_plate(4)
    provider = StorageProvider(world.grid.head, "esp", RATINGS, StorageRates(2.0, 3.0), "operator")
    desk = Desk(world)
    command = StorageCommand(
        issue=1,
        period=0,
        charge_mw=series([10.0, 10.0, 0.0, 0.0]),
        discharge_mw=series([0.0, 0.0, 10.0, 10.0]),
        price_per_mwh=series([40.0, 50.0, 60.0, 70.0]),
    )
    desk.tell("esp", command)
    for _ in range(4):
        world.step()
    # 5 MWh take 4 MWh more: 2.25 in the first quarter, 1.75 in the second.
    assert provider.storage.e_mwh.tolist() == pytest.approx([7.25, 9.0, 5.875, 2.75])
    assert provider.storage.charge_mw.tolist() == pytest.approx([10.0, 1.75 / 0.225, 0.0, 0.0])
    moved = 4.0 + 6.25
    names = ("compensation", "degradation", "energy_margin", "line_fees")
    profit = {name: float(told(provider, "leases", f"{name}_money").sum()) for name in names}
    assert profit["compensation"] == pytest.approx(2.0 * moved)
    assert profit["degradation"] == pytest.approx(-3.0 * moved)
    assert profit["energy_margin"] == pytest.approx(2.5 * 130.0 - 2.5 * 40.0 - 50.0 * 1.75 / 0.9)
    assert profit["line_fees"] == 0.0
    assert sum(profit.values()) == pytest.approx(world.ledger.balance("esp"))
    assert desk.tell("esp", StatusRequest(4)) == [StorageStatus(4, 0.0, 10.0, provider.storage.e_mwh[3])]


def test_a_provider_renews_its_terms_before_each_day_from_what_the_lines_earned(
    make_plate: Callable[..., World], told: Told
) -> None:
    world = make_plate(4, 43200.0)
    low, high = LeaseTerms(0.0, 50.0, 0.25), LeaseTerms(1.0, 50.0, 0.25)
    bounds = LeaseBounds(LeaseTerms(0.5, 50.0, 0.25), low, high)
    search = ProfitSearch().begin(bounds, np.random.default_rng(0))
    provider = StorageProvider(world.grid.head, "esp", RATINGS, StorageRates(), "operator", search, ("p1",))
    prosumer = Desk(world, "p1")
    for period in range(4):
        world.step()
        world.ledger.book(world.clock.now_s, "p1", "esp", 10.0 + period, LINE_FEE, period)
    heard = [(3600.0 - 600.0, LeaseTerms(0.5)), (3600.0 + 86400.0 - 600.0, LeaseTerms(0.75))]
    assert prosumer.heard == heard
    assert [day.earned_before_money for day in provider.leases] == pytest.approx([0.0, 10.0], abs=1e-9)
    assert told(provider, "leases", "line_fees_money").sum() == pytest.approx(46.0)


def test_terms_are_repeated_until_they_arrive(make_plate: Callable[..., World]) -> None:
    world = make_plate(2)
    bounds = LeaseBounds(LeaseTerms(0.5), LeaseTerms(0.0), LeaseTerms(1.0))
    search = FixedTerms().begin(bounds, np.random.default_rng(0))
    StorageProvider(world.grid.head, "esp", RATINGS, StorageRates(), "operator", search, ("p1",))
    prosumer = Desk(world, "p1")
    world.bus.add_outage("p1", 0.0, 3003.5)
    world.step()
    assert prosumer.heard == [(3004.0, LeaseTerms(0.5))]


def test_availability_is_of_the_day_asked(make_plate: Callable[..., World]) -> None:
    world = make_plate(192)
    hours = np.ones(48)
    hours[30:34] = 0.0
    ThermalPlant(world.grid.head, "unit", unit(), "operator", available=hours)
    (told,) = Desk(world).tell("unit", ForecastRequest(1))
    assert np.flatnonzero(told.available == 0.0).tolist() == [6, 7, 8, 9]
    assert (told.on, told.gross_mw, told.hours_in_state) == (True, 50.0, 2.0)


def test_a_plant_is_idle_until_told_and_gives_reactive_power_as_told(
    make_plate: Callable[..., World],
) -> None:
    world = make_plate(4)
    available = np.array([3.0, 4.0])
    plant = RenewablePlant(world.grid.head, "pv", available, horizon=Horizon.of(world, 0.5))
    desk = Desk(world)
    (told,) = desk.tell("pv", ForecastRequest(0))
    assert told.available_mw.tolist() == [3.0, 4.0]
    world.step()
    asked = RenewableSetpoint(2, 1, series([2.0, 5.0, 0.5]), series([0.5, 0.25, 0.0]))
    assert desk.tell("pv", asked) == [Receipt()]
    late = RenewableSetpoint(1, 0, series([0.0] * 4), series([0.0] * 4))
    assert desk.tell("pv", late) == [Receipt()]
    for _ in range(3):
        world.step()
    (rows,) = plant.rows()
    assert plant.delivered_mw.tolist() == [0.0, 2.0, 4.0, 0.5]
    assert np.asarray(rows.values["q_mvar"]).tolist() == [0.0, 0.5, 0.25, 0.0]
    assert np.asarray(rows.values["p_available_mw"]).tolist() == [3.0, 3.0, 4.0, 4.0]


def test_a_gas_turbine_runs_as_scheduled_and_bills_its_fuel(
    make_plate: Callable[..., World], told: Told
) -> None:
    world = make_plate(4)
    ratings = gas_turbine("chp", 0.0, 2.0, 10.0, 100.0, 8.0, 2.5, 0.4)
    turbine = ThermalPlant(world.grid.head, "chp", ratings, "operator", None, kind="gas_turbine")
    desk, nothing = Desk(world), series([0.0] * 3)
    orders = UnitSchedule(
        1, 1, series([1.0, 2.0, 0.0]), nothing, nothing, series([1.0, 1.0, 0.0]), series([0.5, 0.0, 0.25])
    )
    assert desk.tell("chp", orders) == [Receipt()]
    for _ in range(4):
        world.step()
    assert told(turbine, "dispatch", "p_supply_mw").tolist() == [0.0, 1.0, 2.0, 0.0]
    assert told(turbine, "dispatch", "q_mvar").tolist() == [0.0, 0.5, 0.0, 0.0]
    assert told(turbine, "units", "on").tolist() == [0.0, 1.0, 1.0, 0.0]
    assert [state.source_t_per_h[0] for state in world.grid.states] == pytest.approx([0.0, 0.4, 0.8, 0.0])
    assert world.feed_in_meters["chp"].tolist() == [0.0, 1.0, 2.0, 0.0]
    # 10 P^2 + 100 P + 8 an hour while it runs, in quarters.
    costs = [29.5, 62.0]
    fuel = [entry.amount for entry in world.ledger.entries if entry.purpose == FUEL]
    paid = [entry.amount for entry in world.ledger.entries if entry.purpose == GENERATION]
    assert fuel == pytest.approx(costs)
    assert paid == fuel
    assert world.ledger.balance("chp") == pytest.approx(0.0, abs=1e-9)
