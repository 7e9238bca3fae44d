"""The dispatch over a network against AC power flow, and against the dispatch on one bus."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from gridarium.agents.feeder.dispatch_problem import DispatchShape, Renewable
from gridarium.agents.transmission.bulk_families import running_signals
from gridarium.agents.transmission.bulk_system import BulkForecast, BulkPlan, BulkState, BulkSystem
from gridarium.agents.transmission.merit_order import BulkShape, MeritOrder
from gridarium.agents.transmission.network_dispatch import NetworkDay, NetworkDispatch, NetworkShape
from gridarium.environment.arrays import Array
from gridarium.environment.network import Feeder
from gridarium.environment.network_reader import read_feeder
from gridarium.environment.power_flow import AcPowerFlow
from gridarium.environment.storage import StorageRatings
from gridarium.environment.thermal_unit import CapturePlant, ThermalUnit
from gridarium.market.quota_ladder import QuotaLadder

N = 6
UNITS = (
    ThermalUnit("coal", 20, 140, 0.04, 30, 200, 600, 35, 35, 4, 4, 0.9, True, 60, s_max_mva=180.0),
    ThermalUnit("gas", 20, 120, 0.06, 36, 150, 300, 60, 60, 2, 2, 0.4, True, 40, s_max_mva=160.0),
)
STORAGES = (StorageRatings("pumped", 40, 160, 0.1, 0.9, 0.5, 0.92, 0.92, 50),)
SYSTEM = BulkSystem(
    UNITS, STORAGES, (2.0,), ("wind",), QuotaLadder(150.0, 25.0, 60.0, 0.4, 4, 2), import_limit_mw=150.0
)
SITES = (("coal", 0), ("gas", 25), ("pumped", 2), ("wind", 17))
LOAD_MW: Array = np.array([150.0, 180.0, 240.0, 260.0, 230.0, 170.0])
WIND_MW: Array = np.array([60.0, 40.0, 10.0, 5.0, 20.0, 50.0])
FEEDER = read_feeder("case33bw").scaled_to(300.0)


def dispatch_over(feeder: Feeder) -> NetworkDispatch:
    grid = DispatchShape(
        feeder, UNITS, STORAGES, (Renewable("wind", 90.0),), SITES, (("pumped", 2.0),),
        N, 1.0, (0.9, 1.1), 1.0, 150.0, 150.0, 0.01,
    )  # fmt: skip
    return NetworkDispatch(NetworkShape(grid, SYSTEM), parts=1.0)


@cache
def network() -> NetworkDispatch:
    return dispatch_over(FEEDER)


def day_of(load_mw: Array = LOAD_MW) -> NetworkDay:
    share = FEEDER.p_load_mw / FEEDER.p_load_mw.sum()
    reactive = np.divide(
        FEEDER.q_load_mvar, FEEDER.p_load_mw, out=np.zeros(FEEDER.n_bus), where=FEEDER.p_load_mw > 0.0
    )
    p = np.outer(share, load_mw)
    return NetworkDay(
        p, 0.5 * reactive[:, None] * p, WIND_MW[None, :], np.full(N, 400.0), np.full(N, 0.7),
        np.ones((2, N), dtype=bool),
        BulkState.initial(SYSTEM),
    )  # fmt: skip


@cache
def plan() -> BulkPlan:
    return network().solve("ties", day_of())


def on_one_bus(loss_mw: Array, system: BulkSystem = SYSTEM) -> BulkPlan:
    day = day_of()
    forecast = BulkForecast(
        LOAD_MW, day.available_mw, day.import_price_per_mwh, day.import_factor_tco2_per_mwh, loss_mw
    )
    return MeritOrder(BulkShape(system, N, 1.0)).solve("ties", forecast, day.on, day.state)


def test_power_flow_finds_the_losses_and_keeps_the_voltages() -> None:
    day, dispatch = day_of(), network()
    grid, power_limits = dispatch.shape.grid, running_signals(SYSTEM, day.on, day.state, 1.0)
    reserve = 0.05 * LOAD_MW + 0.1 * WIND_MW
    solution = dispatch.problem.solve(
        "test", **power_limits, load_p_mw=day.load_p_mw, load_q_mvar=day.load_q_mvar,
        buy_price=day.import_price_per_mwh, sell_price=np.zeros(N), carbon_price=np.zeros(N),
        available_mw=day.available_mw, initial_mwh=day.state.e_mwh, may_buy=np.ones(N), may_sell=np.ones(N),
        reserve_mw=reserve,
    )  # fmt: skip
    p, q = -day.load_p_mw, -day.load_q_mvar
    for kind, names in (("turbine", ["coal", "gas"]), ("renewable", ["wind"])):
        for row, name in enumerate(names):
            p[dict(SITES)[name]] += solution[f"p_{kind}_mw"][row]
            q[dict(SITES)[name]] += solution[f"q_{kind}_mvar"][row]
    p[2] += solution["p_discharge_mw"][0] - solution["p_charge_mw"][0]
    q[2] += solution["q_storage_mvar"][0]
    flow = AcPowerFlow(FEEDER).solve(p.T, q.T)
    low, high = grid.voltage_band_pu
    assert flow.vm_pu.min() >= low - 1e-5 and flow.vm_pu.max() <= high + 1e-5
    net = solution["p_buy_mw"] - solution["p_sell_mw"]
    assert flow.p_slack_mw == pytest.approx(net, abs=1e-3)
    assert flow.loss_mw == pytest.approx(plan().loss_mw, abs=2e-2)
    assert plan().loss_mw.min() > 1.0
    assert plan().unit_mw == pytest.approx(solution["p_turbine_mw"], abs=1e-2)


def test_the_plan_keeps_ramps_reserve_and_the_storage() -> None:
    found, state, slack = plan(), BulkState.initial(SYSTEM), 1e-3
    room_up, room_down = np.zeros(N), np.zeros(N)
    for i, unit in enumerate(UNITS):
        power = found.unit_mw[i]
        step = np.diff(power, prepend=state.power_mw[i])
        assert (step <= unit.ramp_mw_per_h + slack).all() and (-step <= unit.ramp_down_mw_per_h + slack).all()
        assert (power >= unit.p_min_mw - slack).all() and (power <= unit.p_max_mw + slack).all()
        room_up += np.minimum(unit.p_max_mw - power, unit.ramp_mw_per_h)
        room_down += np.minimum(power - unit.p_min_mw, unit.ramp_down_mw_per_h)
    # A ramp binds in the morning, so that keeping them is no accident.
    assert np.diff(found.unit_mw[0]).max() == pytest.approx(35.0, abs=slack)
    needed = 0.05 * LOAD_MW + 0.1 * WIND_MW
    assert (room_up + found.reserve_short_mw[0] >= needed - slack).all()
    assert (room_down + found.reserve_short_mw[1] >= needed - slack).all()
    one, inside = STORAGES[0], np.concatenate([state.e_mwh, found.e_mwh[0]])
    moved = 0.92 * found.charge_mw[0] - found.discharge_mw[0] / 0.92
    assert np.diff(inside) == pytest.approx(moved, abs=slack)
    assert inside[-1] == pytest.approx(inside[0], abs=slack) and found.charge_mw.sum() > 10.0
    assert inside.min() >= one.band_mwh[0] - slack and inside.max() <= one.band_mwh[1] + slack
    fed = found.supplied_mw - found.charge_mw.sum(axis=0) - found.spill_mw
    assert fed == pytest.approx(LOAD_MW + found.loss_mw, abs=slack)


def test_it_costs_its_parts_with_the_carbon_ladder() -> None:
    found = plan()
    fuel = sum(
        float(unit.fuel_cost_per_h(power).sum()) for unit, power in zip(UNITS, found.unit_mw, strict=True)
    )
    emission = float((np.array([0.9, 0.4]) @ found.unit_mw).sum())
    money = fuel + 2.0 * float(found.discharge_mw.sum()) + 400.0 * float(found.import_mw.sum())
    money += 1000.0 * float(found.reserve_short_mw.sum()) + SYSTEM.carbon.cost_money(emission)
    stored = 0.08 * found.charge_mw.sum() + (1.0 / 0.92 - 1.0) * found.discharge_mw.sum()
    price_on_losses = 0.01 * float(found.loss_mw.sum() + stored)
    assert found.cost_money == pytest.approx(money + price_on_losses, rel=1e-5)
    assert emission > SYSTEM.carbon.quota_tco2
    # With dearer carbon the same network emits less.
    dear = replace(SYSTEM, carbon=replace(SYSTEM.carbon, base_price_per_tco2=90.0))
    cleaner = NetworkDispatch(NetworkShape(network().shape.grid, dear)).solve("ties", day_of())
    assert cleaner.emission_t_per_h.sum() < found.emission_t_per_h.sum() - 5.0


def test_one_bus_with_the_same_losses_costs_no_more_and_little_less() -> None:
    cost = plan().cost_money
    single, lossless = on_one_bus(plan().loss_mw), on_one_bus(np.zeros(N))
    assert lossless.cost_money < single.cost_money <= cost + 1e-3
    assert cost == pytest.approx(single.cost_money, rel=2e-3)


def test_without_impedance_it_is_the_dispatch_on_one_bus() -> None:
    stiff = dispatch_over(FEEDER.scaled(impedance_factor=1e-3)).solve("ties", day_of())
    single = on_one_bus(stiff.loss_mw)
    assert stiff.loss_mw.max() < 0.05
    assert stiff.cost_money == pytest.approx(single.cost_money, rel=2e-5)
    assert stiff.unit_mw == pytest.approx(single.unit_mw, abs=0.5)
    assert stiff.price_per_mwh == pytest.approx(single.price_per_mwh, abs=0.3)


def test_its_price_is_what_one_more_mwh_of_all_followers_costs() -> None:
    found, step = plan(), 1.0
    for t in (0, 2, 4):
        more = np.zeros(N)
        more[t] = step
        above, below = (network().solve("ties", day_of(LOAD_MW + sign * more)) for sign in (1.0, -1.0))
        slope = (above.cost_money - below.cost_money) / (2.0 * step)
        assert found.price_per_mwh[t] == pytest.approx(slope, rel=0.01)


def test_a_load_beyond_the_network_is_no_plan() -> None:
    assert network().attempt("ties", day_of(3.0 * LOAD_MW)) is None


@pytest.mark.parametrize("parts", [0.5, 7.0, 80.0])
def test_how_many_parts_there_are_changes_nothing(parts: float) -> None:
    other, own = NetworkDispatch(network().shape, parts).solve("ties", day_of()), plan()
    assert other.cost_money == pytest.approx(own.cost_money, rel=1e-6)
    assert other.unit_mw == pytest.approx(own.unit_mw, abs=0.05)
    assert other.loss_mw == pytest.approx(own.loss_mw, abs=1e-2)
    assert other.price_per_mwh == pytest.approx(own.price_per_mwh, abs=0.05)


CAPTURE = CapturePlant(0.8, 0.25, 2.0, 60.0, 30.0)


@cache
def with_capture() -> tuple[NetworkDispatch, NetworkDispatch, BulkSystem]:
    """The network with a capture plant behind the dirtier unit, and the same almost without impedance."""
    units = (replace(UNITS[0], capture=CAPTURE), UNITS[1])
    system = replace(SYSTEM, units=units, carbon=replace(SYSTEM.carbon, base_price_per_tco2=45.0))
    found = [
        NetworkDispatch(NetworkShape(replace(network().shape.grid, feeder=feeder, turbines=units), system))
        for feeder in (FEEDER, FEEDER.scaled(impedance_factor=1e-3))
    ]
    return found[0], found[1], system


def captured_day() -> NetworkDay:
    state = replace(BulkState.initial(SYSTEM), tank_tco2=np.array([20.0, 0.0]))
    return replace(day_of(), state=state)


def test_capture_takes_its_power_at_the_bus_of_its_unit() -> None:
    dispatch, day = with_capture()[0], captured_day()
    found = dispatch.solve("ties", day)
    p, q = -day.load_p_mw, -day.load_q_mvar
    rows = {"coal": (found.unit_mw[0], found.unit_mvar[0]), "gas": (found.unit_mw[1], found.unit_mvar[1])}
    rows["wind"] = found.renewable_mw[0], found.renewable_mvar[0]
    rows["pumped"] = found.discharge_mw[0] - found.charge_mw[0], found.storage_mvar[0]
    for name, (active, reactive) in rows.items():
        p[dict(SITES)[name]] += active
        q[dict(SITES)[name]] += reactive
    flow = AcPowerFlow(FEEDER).solve(p.T, q.T)
    assert flow.p_slack_mw == pytest.approx(found.import_mw - found.spill_mw, abs=2e-2)
    assert flow.loss_mw == pytest.approx(found.loss_mw, abs=2e-2)
    absorbed, regenerated = found.absorbed_tco2_per_h[0], found.regenerated_tco2_per_h[0]
    assert found.gross_mw[0] - found.unit_mw[0] == pytest.approx(0.25 * regenerated + 2.0)
    assert found.tank_tco2[0] == pytest.approx(20.0 + np.cumsum(absorbed - regenerated), abs=1e-3)
    assert found.tank_tco2[0, -1] == pytest.approx(30.0, abs=1e-3)
    assert (absorbed <= 0.8 * 0.9 * found.gross_mw[0] + 1e-3).all() and absorbed.sum() > 100.0
    net = 0.9 * found.gross_mw[0] + 0.4 * found.gross_mw[1] - absorbed
    assert found.own_t_per_h == pytest.approx(net, abs=1e-6)


def test_without_impedance_capture_is_that_of_one_bus() -> None:
    _, stiff, system = with_capture()
    day = captured_day()
    found = stiff.solve("ties", day)
    forecast = BulkForecast(
        LOAD_MW, day.available_mw, day.import_price_per_mwh, day.import_factor_tco2_per_mwh, found.loss_mw
    )
    single = MeritOrder(BulkShape(system, N, 1.0)).solve("ties", forecast, day.on, day.state)
    assert found.cost_money == pytest.approx(single.cost_money, rel=2e-5)
    assert found.own_t_per_h.sum() == pytest.approx(single.own_t_per_h.sum(), rel=2e-3)
    assert found.price_per_mwh == pytest.approx(single.price_per_mwh, abs=0.3)
