"""Positions of a tap changer: the search against every path there is, and plans against AC power flow."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
import pytest

from gridarium.agents.feeder.dispatch import Dispatch, DispatchDay, Dispatcher
from gridarium.agents.feeder.dispatch_problem import DispatchShape, Renewable
from gridarium.agents.feeder.tap_path import cheapest_path
from gridarium.agents.feeder.tap_search import GAP, TapSearch
from gridarium.environment.arrays import Array
from gridarium.environment.clock import Clock
from gridarium.environment.commons import Commons
from gridarium.environment.errors import NetworkError
from gridarium.environment.network_reader import read_feeder
from gridarium.environment.power_flow import AcPowerFlow
from gridarium.environment.storage import StorageRatings
from gridarium.environment.thermal_unit import gas_turbine
from gridarium.environment.voltage_control import Compensator, TapChanger
from gridarium.experiments.reading.scenario_files import profile_path
from gridarium.market.carbon_price import PersonalLadder
from gridarium.market.messages.tariffs import MarketConditions, Pull

N = 3
FEEDER = read_feeder(str(profile_path("adcef-ordinary").with_name("five-bus.json"))).scaled(1.0, 12.0)
LOAD = np.array([2.6, 0.9, 2.2])
AVAILABLE = np.array([[0.2, 4.2, 0.9]])
FACTOR = np.array([0.6, 0.4, 0.8])
LADDER = PersonalLadder(np.array([20.0, 60.0, 40.0]), 0.2, 0.5, 4, np.array([0.3, 0.2, 0.4]))
PULL = Pull(np.array([1.0, 0.2, 1.5]), 60.0)


def shape_of(moves_per_day: int, **change: Any) -> DispatchShape:
    end = FEEDER.n_bus - 1
    plain = DispatchShape(
        feeder=FEEDER,
        turbines=(gas_turbine("gas", 0.0, 1.0, 8.0, 500.0, 0.0, 1.2, 0.43),),
        storages=(StorageRatings("battery", 0.4, 0.8, 0.1, 0.9, 0.5, 0.95, 0.95, 0.5),),
        renewables=(Renewable("pv", 4.5),),
        sites=(("gas", 1), ("battery", 2), ("pv", end), ("svc", end)),
        wear_cost_per_mwh=(("battery", 10.0),),
        n_period=N,
        period_h=1.0,
        voltage_band_pu=(0.95, 1.05),
        loading_max=np.inf,
        import_limit_mw=10.0,
        export_limit_mw=4.0,
        loss_price_per_mwh=1.0,
        tap_changer=TapChanger(-1, 1, 0.02, moves_per_day),
        compensators=(Compensator("svc", -0.2, 0.3),),
    )
    return replace(plain, **change)


def day_of(
    shape: DispatchShape, ladder: PersonalLadder | None = None, pull: Pull | None = None
) -> DispatchDay:
    price = np.array([500.0, 350.0, 700.0])
    market = MarketConditions(price, price, 0.3 * price, FACTOR, np.zeros_like(price), 0.0, ladder, pull)
    p, q = FEEDER.p_load_mw, FEEDER.q_load_mvar
    everything = dispatcher_of(shape).everything
    content = np.array([0.4])
    return DispatchDay(
        market, np.outer(p / p.sum(), LOAD), np.outer(q / p.sum(), LOAD), AVAILABLE, content, True, everything
    )


def dispatcher_of(shape: DispatchShape) -> Dispatcher:
    world = Commons(Clock(pd.Timestamp("2026-01-15T00:00:00+08:00"), 3600.0), N, 0.0)
    return Dispatcher(world, "dso", shape)


def flow_of(shape: DispatchShape, day: DispatchDay, plan: Dispatch) -> Any:
    """The AC power flow at what a plan injects."""
    p_mw, q_mvar, site = -day.load_p_mw.copy(), -day.load_q_mvar.copy(), dict(shape.sites)
    for unit, p, q in (
        ("gas", plan.turbine_mw[0], plan.turbine_mvar[0]),
        ("pv", plan.renewable_mw[0], plan.renewable_mvar[0]),
        ("battery", plan.discharge_mw[0] - plan.charge_mw[0], plan.storage_mvar[0]),
        ("svc", np.zeros(N), plan.compensator_mvar[0]),
    ):
        p_mw[site[unit]] += p
        q_mvar[site[unit]] += q
    assert shape.tap_changer is not None and plan.tap is not None
    heads = np.asarray(FEEDER.slack_vm_pu * (1.0 + shape.tap_changer.step_pu * plan.tap), dtype=np.float64)
    return AcPowerFlow(FEEDER).solve(p_mw.T, q_mvar.T, heads)


@pytest.mark.parametrize("moves", [0, 1, 2, 6])
@pytest.mark.parametrize("head", ["prices", "ladder and pull"])
def test_the_search_against_every_path(moves: int, head: str) -> None:
    shape = shape_of(moves)
    day = day_of(shape) if head == "prices" else day_of(shape, LADDER, PULL)
    search = TapSearch(dispatcher_of(shape))
    paths = [np.array(path) for path in product((-1, 0, 1), repeat=N)]
    allowed = [path for path in paths if np.abs(np.diff(path, prepend=0)).sum() <= moves]
    tried = {tuple(path): search.dispatcher.attempt(search.at(day, path)) for path in allowed}
    costs = {path: plan.cost_money for path, plan in tried.items() if plan is not None}
    found = search.review(day, before=0)
    assert found is not None and found.pays
    assert shape.tap_changer is not None
    assert shape.tap_changer.moves(found.best, 0) <= moves
    scale = abs(min(costs.values()))
    assert found.dispatch.cost_money == pytest.approx(costs[tuple(found.best.tolist())], abs=1e-5 * scale)
    assert found.dispatch.cost_money <= min(costs.values()) + GAP * scale
    assert found.bound_money <= min(costs.values()) + 1e-7 * scale
    if moves == 6:
        # Otherwise nothing was to be found.
        assert max(costs.values()) - min(costs.values()) > 10.0 * GAP * scale
    flow = flow_of(shape, day, found.dispatch)
    np.testing.assert_allclose(found.dispatch.voltage_pu, flow.vm_pu.T, rtol=0, atol=1e-5)
    net = found.dispatch.buy_mw - found.dispatch.sell_mw
    np.testing.assert_allclose(net, flow.p_slack_mw, rtol=0, atol=1e-4)


@pytest.mark.parametrize("moves", [0, 1, 3, 6])
@pytest.mark.parametrize("impedance", [0.5, 1.0, 1.5])
def test_without_storages_the_bound_leaves_no_gap(moves: int, impedance: float) -> None:
    """Whole positions cost more than any ratios would; the bound knows."""
    change: dict[str, Any] = {
        "storages": (),
        "wear_cost_per_mwh": (),
        "feeder": FEEDER.scaled(1.0, impedance),
    }
    shape = shape_of(moves, **change, voltage_band_pu=(0.9, 1.03))
    day = replace(day_of(shape), initial_mwh=np.zeros(0))
    day = replace(day, load_p_mw=0.5 * day.load_p_mw, load_q_mvar=0.5 * day.load_q_mvar)
    search = TapSearch(dispatcher_of(shape))
    costs = []
    for path in product((-1, 0, 1), repeat=N):
        if np.abs(np.diff(path, prepend=0)).sum() <= moves:
            plan = search.dispatcher.attempt(search.at(day, np.array(path)))
            costs.append(np.inf if plan is None else plan.cost_money)
    found = search.review(day, before=0)
    assert found is not None
    scale = abs(min(costs))
    assert min(costs) - 1e-6 * scale <= found.dispatch.cost_money <= min(costs) + GAP * scale
    assert found.bound_money <= min(costs) + 1e-6 * scale
    assert found.gap <= GAP + 1e-6


def test_positions_that_are_good_enough_are_kept() -> None:
    shape = shape_of(6)
    search, day = TapSearch(dispatcher_of(shape)), day_of(shape)
    best = search.review(day, before=0)
    assert best is not None
    again = search.review(day, before=0, held=best.best)
    assert again is not None and not again.pays and again.best is best.best
    assert again.held_money == pytest.approx(best.dispatch.cost_money, rel=1e-6)
    worse = search.review(day, before=0, held=np.full(N, -1))
    assert worse is not None and worse.pays
    assert worse.held_money > worse.dispatch.cost_money


def test_loads_that_no_position_supplies() -> None:
    shape = shape_of(6)
    day = day_of(shape)
    search = TapSearch(dispatcher_of(shape))
    assert search.review(replace(day, load_p_mw=30.0 * day.load_p_mw), before=0) is None


def test_a_held_middle_position_is_the_plain_dispatch() -> None:
    shape = shape_of(6)
    day, search = day_of(shape), TapSearch(dispatcher_of(shape))
    held = search.dispatcher.solve(search.at(day, np.zeros(N, dtype=np.int64)))
    plain = dispatcher_of(replace(shape, tap_changer=None)).solve(day)
    assert held.cost_money == pytest.approx(plain.cost_money, rel=1e-6)
    np.testing.assert_allclose(held.voltage_pu, plain.voltage_pu, rtol=0, atol=1e-5)
    assert plain.tap is None and not plain.head_price_money.any()
    assert held.tap is not None and not held.tap.any()


def test_the_marginal_value_of_the_head_is_that_of_a_difference() -> None:
    """The value of a rise in one period, by plans at voltages a little above and below."""
    shape = shape_of(6)
    day, search = day_of(shape), TapSearch(dispatcher_of(shape))
    path = np.array([1, -1, 0])
    price = search.dispatcher.solve(search.at(day, path)).head_price_money
    for period in range(N):
        costs, width = [], 1e-3
        for sign in (1.0, -1.0):
            asked = search.at(day, path)
            assert asked.head_band is not None
            squared = asked.head_band.least_pu**2 + sign * width * (np.arange(N) == period)
            band = replace(asked.head_band, least_pu=np.sqrt(squared), most_pu=np.sqrt(squared))
            costs.append(search.dispatcher.solve(replace(day, head_band=band)).cost_money)
        slope = (costs[0] - costs[1]) / (2.0 * width)
        assert price[period] == pytest.approx(slope, abs=0.02 * np.abs(price).max())


def test_a_compensator_gives_what_saves_losses_within_its_range() -> None:
    """No unit but the compensator gives reactive power: beside all ranges of a grid of them."""
    nothing: dict[str, Any] = {"turbines": (), "storages": (), "renewables": (), "wear_cost_per_mwh": ()}
    place = ("svc", FEEDER.n_bus - 1)
    costs = {}
    for most in (0.05, 0.3, 3.0):
        shape = shape_of(0, **nothing, sites=(place,), compensators=(Compensator("svc", -0.2, most),))
        dispatcher = dispatcher_of(shape)
        day = replace(day_of(shape), available_mw=np.zeros((0, N)), initial_mwh=np.zeros(0))
        day = replace(day, load_p_mw=0.15 * day.load_p_mw, load_q_mvar=0.4 * day.load_q_mvar)
        plan = dispatcher.solve(TapSearch(dispatcher).at(day, np.zeros(N, dtype=np.int64)))
        assert plan.compensator_mvar.max() <= most + 1e-6
        costs[most] = plan.cost_money
    p_mw, q_mvar = -day.load_p_mw.T, -day.load_q_mvar.T
    q_mvar[:, place[1]] += plan.compensator_mvar[0]
    net = AcPowerFlow(FEEDER).solve(p_mw, q_mvar).p_slack_mw
    for change in (-0.02, 0.02):
        other = q_mvar.copy()
        other[:, place[1]] += change
        assert (AcPowerFlow(FEEDER).solve(p_mw, other).p_slack_mw > net).all()
    np.testing.assert_allclose(plan.buy_mw, net, rtol=0, atol=1e-6)
    assert costs[0.05] > costs[0.3] * (1.0 + 1e-5) and costs[0.3] >= costs[3.0]


@pytest.mark.parametrize("moves", [0, 1, 3, 9])
@pytest.mark.parametrize("before", [-2, 0, 3])
def test_the_cheapest_path_against_all_paths(moves: int, before: int) -> None:
    position, n_period = np.array([-1, 0, 1, 2]), 4
    cost = np.random.default_rng(7).uniform(0.0, 1.0, (4, n_period))
    cost[2, 1] = np.inf

    def money(path: tuple[int, ...]) -> float:
        steps = int(np.abs(np.diff(position[list(path)], prepend=before)).sum())
        return float(cost[list(path), np.arange(n_period)].sum()) + 0.1 * steps if steps <= moves else np.inf

    best = min(map(money, product(range(4), repeat=n_period)))
    if not np.isfinite(best):
        with pytest.raises(ValueError, match="no path from"):
            cheapest_path(cost, position, before, moves, 0.1)
        return
    path = cheapest_path(cost, position, before, moves, 0.1)
    assert money(tuple(path.tolist())) == pytest.approx(best, rel=1e-12)


def test_positions_outside_the_band_are_refused() -> None:
    shape = shape_of(6, voltage_band_pu=(1.005, 1.015))
    with pytest.raises(NetworkError, match=r"step_pu: got 0.02; must leave the substation in the band"):
        TapSearch(dispatcher_of(shape))


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"step_pu": 0.0}, "step_pu: got 0.0; must be above 0"),
        ({"first": -60}, "first: got -60; must leave a ratio above 0"),
        ({"initial": 2}, r"initial: got 2; must be in \[first, last\] = \[-1, 1\]"),
        ({"moves_per_day": -1}, "moves_per_day: got -1; must be 0 or more"),
    ],
)
def test_a_tap_changer_that_cannot_be(change: dict[str, Any], named: str) -> None:
    with pytest.raises(NetworkError, match=named):
        TapChanger(**{"first": -1, "last": 1, "step_pu": 0.02, "moves_per_day": 4} | change)


def test_a_compensator_that_cannot_be() -> None:
    with pytest.raises(NetworkError, match=r"compensator svc: 1 fault\n  q_min_mvar: got 0.3"):
        Compensator("svc", 0.3, 0.3)


def test_an_infinite_cost_of_all_positions_leaves_no_path() -> None:
    costs: Array = np.full((2, 3), np.inf)
    with pytest.raises(ValueError, match="no path"):
        cheapest_path(costs, np.array([0, 1]), 0, 5, 0.0)
