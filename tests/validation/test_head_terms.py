"""A ladder of carbon and a pull at the head of a feeder: against a search over power flows, and Clarabel."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from gridarium.agents.feeder.commitment import GAP, UnitCommitter
from gridarium.agents.feeder.dispatch import Dispatch, DispatchDay, Dispatcher, dispatch_form
from gridarium.agents.feeder.dispatch_problem import DispatchShape, Renewable
from gridarium.agents.solving.cone_solver import ConeSolver
from gridarium.environment.arrays import Array
from gridarium.environment.clock import Clock
from gridarium.environment.commons import Commons
from gridarium.environment.network_reader import read_feeder
from gridarium.environment.storage import StorageRatings
from gridarium.environment.thermal_unit import gas_turbine
from gridarium.experiments.reading.scenario_files import profile_path
from gridarium.market.carbon_price import PersonalLadder
from gridarium.market.messages.tariffs import MarketConditions, Pull
from small_cases import two_buses

N = 4
FEEDER = read_feeder(str(profile_path("adcef-ordinary").with_name("five-bus.json")))
PRICE, LOAD = np.array([180.0, 420.0, 600.0, 300.0]), np.array([1.2, 2.4, 3.7, 1.6])
FACTOR = np.array([0.6, 0.4, 0.8, 0.0])
TARGET = np.array([0.9, 1.1, 2.0, 0.8])
LADDER = PersonalLadder(np.array([20.0, 60.0, 40.0, 80.0]), 0.2, 0.5, 4, np.array([0.3, 0.2, 0.0, 0.4]))
UNIT = gas_turbine("gas", 0.0, 1.5, 8.0, 300.0, 0.0, 1.6, 0.43)


def shape_of(feeder: Any, **change: Any) -> DispatchShape:
    plain = DispatchShape(
        feeder=feeder,
        turbines=(UNIT,),
        storages=(),
        renewables=(),
        sites=(("gas", feeder.n_bus - 1),),
        wear_cost_per_mwh=(),
        n_period=N,
        period_h=1.0,
        voltage_band_pu=(0.9, 1.1),
        loading_max=np.inf,
        import_limit_mw=10.0,
        export_limit_mw=2.0,
        loss_price_per_mwh=1.0,
    )
    return replace(plain, **change)


def day_of(
    shape: DispatchShape,
    ladder: PersonalLadder | None,
    pull: Pull | None,
    carbon_price: float = 0.0,
    price: Array = PRICE,
) -> tuple[Dispatcher, DispatchDay]:
    world = Commons(Clock(pd.Timestamp("2026-01-15T00:00:00+08:00"), 3600.0), N, 0.0)
    dispatcher = Dispatcher(world, "dso", shape)
    p, q = shape.feeder.p_load_mw, shape.feeder.q_load_mvar
    market = MarketConditions(
        price, price, 0.3 * price, FACTOR, np.full_like(price, carbon_price), 0.0, ladder, pull
    )
    loads = np.outer(p / p.sum(), LOAD), np.outer(q / p.sum(), LOAD)
    available = np.array([[0.0, 0.4, 0.0, 0.2]])[: len(shape.renewables)]
    return dispatcher, DispatchDay(
        market,
        *loads,
        available.reshape(-1, N),
        np.full(len(shape.storages), 0.5),
        True,
        dispatcher.everything,
    )


def head_money(day: DispatchDay, net_mw: Array) -> Array:
    """Energy and the carbon of both markets, and the pull; written out from the rules, money/h."""
    market, bought = day.conditions, np.maximum(net_mw, 0.0)
    cost = market.wholesale_price_per_mwh * bought - market.export_price_per_mwh * np.maximum(-net_mw, 0.0)
    cost = cost + market.carbon_price_per_tco2 * FACTOR * bought
    ladder = market.ladder
    if ladder is not None:
        for t in range(N):
            left, carbon = FACTOR[t] * bought[t] - ladder.quota_t_per_h[t], 0.0
            for step in range(ladder.steps):
                last = step == ladder.steps - 1
                part = left if last or left < ladder.interval_t_per_h else ladder.interval_t_per_h
                if step and part <= 0.0:
                    break
                carbon += ladder.base_price_per_tco2[t] * (1.0 + ladder.growth * step) * part
                left -= part
            cost[t] += carbon if FACTOR[t] > 0.0 else 0.0
    if market.pull is not None:
        cost = cost + 0.5 * market.pull.per_mw2h * (net_mw - market.pull.target_mw) ** 2
    return np.asarray(cost)


@pytest.mark.parametrize("ladder", [None, LADDER, replace(LADDER, steps=1)])
@pytest.mark.parametrize("pull", [None, Pull(TARGET, 30.0), Pull(TARGET, 3000.0)])
@pytest.mark.parametrize("carbon_price", [0.0, 50.0])
def test_two_buses_and_a_turbine_against_a_search_over_power_flows(
    ladder: PersonalLadder | None, pull: Pull | None, carbon_price: float
) -> None:
    feeder = two_buses()
    dispatcher, day = day_of(shape_of(feeder), ladder, pull, carbon_price)
    dispatch = dispatcher.solve(day)
    (r,), (x,) = feeder.r_pu, feeder.x_pu

    def cost(period: int, p_mw: float, q_mvar: float) -> float:
        if not 0.0 <= p_mw <= 1.5 or np.hypot(p_mw, q_mvar) > 1.6:
            return 1e6
        # Two buses in closed form, on 1 MVA: v^4 + (2 (r p - x q) - 1) v^2 + (r^2 + x^2) (p^2 + q^2) = 0.
        drawn = LOAD[period] - p_mw
        half, apparent = 0.5 - r * drawn + x * q_mvar, drawn**2 + q_mvar**2
        lost = r * apparent / (half + np.sqrt(half**2 - (r**2 + x**2) * apparent))
        fuel = 300.0 * p_mw + 8.0 * p_mw**2 + carbon_price * 0.43 * p_mw
        return float(head_money(day, np.full(N, drawn + lost))[period]) + fuel + float(lost)

    least = [
        min(
            minimize(
                lambda powers, t=t: cost(t, *powers), [start, 0.0], method="Nelder-Mead",
                options={"xatol": 1e-5, "fatol": 1e-6, "maxiter": 500},
            ).fun
            for start in (0.3, 1.2)
        )
        for t in range(N)
    ]  # fmt: skip
    assert dispatch.cost_money == pytest.approx(sum(least), rel=1e-6)
    assert dispatch.bound_money == pytest.approx(dispatch.cost_money, rel=1e-6)
    net = dispatch.buy_mw - dispatch.sell_mw
    counted = 0.0 if pull is None else 0.5 * pull.per_mw2h * float(((net - TARGET) ** 2).sum())
    assert dispatch.pull_money == pytest.approx(counted, rel=1e-9)


def test_a_huge_weight_meets_the_target_and_a_tiny_one_changes_nothing() -> None:
    shape = shape_of(two_buses())
    alone = Dispatcher.solve(*day_of(shape, LADDER, None))
    huge = Dispatcher.solve(*day_of(shape, LADDER, Pull(TARGET, 1e6)))
    net = huge.buy_mw - huge.sell_mw
    # Of 3.7 MW of load 1.5 MW of gas leave 2.2 MW and losses, above the target of 2.0.
    assert net[[0, 1, 3]] == pytest.approx(TARGET[[0, 1, 3]], abs=2e-3)
    assert 2.2 < net[2] < 2.3
    assert np.abs(alone.buy_mw - net).max() > 0.3
    tiny = Dispatcher.solve(*day_of(shape, LADDER, Pull(TARGET, 1e-6)))
    assert tiny.buy_mw == pytest.approx(alone.buy_mw, abs=1e-5)
    assert tiny.cost_money == pytest.approx(alone.cost_money, rel=1e-8)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_the_relaxed_dispatch_equals_clarabels(seed: int) -> None:
    pytest.importorskip("clarabel")
    from gridarium.experiments.benchmarks.conic_reference import solve_conic

    random = np.random.default_rng(seed)
    ladder = PersonalLadder(
        random.uniform(0.0, 100.0, N), random.uniform(0.05, 1.0), random.uniform(0.0, 1.0),
        int(random.integers(1, 5)), random.uniform(0.0, 0.5, N),
    )  # fmt: skip
    pull = Pull(random.uniform(-1.0, 4.0, N), 10.0 ** random.uniform(-1.0, 4.0))
    dispatcher, day = day_of(small_shape(), *random.choice([(ladder, pull), (None, pull), (ladder, None)]))  # type: ignore[arg-type]
    form = dispatch_form(replace(dispatcher.shape, head=day.head))
    signals = day.signals
    numbers = form.at(np.concatenate([np.ravel(signals[name]) for name in form.signals]))
    x = ConeSolver(form).solve(numbers)
    assert form.cones.violation(x, numbers.cone_upper).max() <= 1e-6
    reference = solve_conic(form, numbers).cost
    assert numbers.cost @ x == pytest.approx(reference, rel=1e-5, abs=1e-3)


def small_shape() -> DispatchShape:
    units = (
        gas_turbine("one", 0.3, 1.0, 0.5, 120.0, 100.0, 1.25, 0.43),
        gas_turbine("two", 0.0, 1.2, 0.8, 200.0, 150.0, 1.5, 0.43),
    )
    return shape_of(
        FEEDER,
        turbines=units,
        storages=(StorageRatings("pool", 0.5, 1.0, 0.1, 0.9, 0.5, 0.92, 0.95, 0.5),),
        renewables=(Renewable("pv", 1.0),),
        sites=(("one", 2), ("two", 4), ("pool", 3), ("pv", 1)),
        wear_cost_per_mwh=(("pool", 5.0),),
        export_limit_mw=0.0,
    )


def recounted(dispatcher: Dispatcher, day: DispatchDay, dispatch: Dispatch) -> float:
    """The cost of a dispatch worked out from its powers, its losses by the energy balance."""
    shape, net = dispatcher.shape, dispatch.buy_mw - dispatch.sell_mw
    cost = head_money(day, net)
    carbon = day.conditions.carbon_price_per_tco2
    for unit, power, on in zip(shape.turbines, dispatch.turbine_mw, dispatch.on, strict=True):
        cost = cost + unit.fuel_cost_per_h(power, on) + carbon * unit.emission_tco2_per_mwh * power
    fed = net + dispatch.turbine_mw.sum(axis=0) + dispatch.renewable_mw.sum(axis=0)
    moved = (dispatch.discharge_mw - dispatch.charge_mw).sum(axis=0)
    lost = fed + moved - day.load_p_mw.sum(axis=0)
    lost = lost + 0.08 * dispatch.charge_mw[0] + (1.0 / 0.95 - 1.0) * dispatch.discharge_mw[0]
    return float((cost + 5.0 * dispatch.discharge_mw[0] + lost).sum())


@pytest.mark.parametrize("price", [PRICE, PRICE - 250.0])
@pytest.mark.parametrize("pull", [None, Pull(TARGET, 50.0), Pull(TARGET + 2.5, 400.0)])
def test_the_cost_of_a_dispatch_is_that_of_its_powers(price: Array, pull: Pull | None) -> None:
    # A target beyond what the feeder takes makes energy worth less than nothing: plans are refined then.
    dispatcher, day = day_of(small_shape(), LADDER, pull, 40.0, price)
    dispatch = dispatcher.solve(day)
    assert dispatch.cost_money == pytest.approx(recounted(dispatcher, day, dispatch), rel=1e-6, abs=1e-3)
    assert dispatch.cone_gap <= 1e-5
    assert dispatch.bound_money <= dispatch.cost_money + 1e-4


@pytest.mark.parametrize("pull", [None, Pull(TARGET, 40.0), Pull(TARGET + 1.0, 200.0)])
def test_the_commitment_is_the_best_of_all(pull: Pull | None) -> None:
    dispatcher, day = day_of(small_shape(), LADDER, pull)
    found = UnitCommitter(dispatcher).review(day, None)
    assert found is not None
    costs = []
    for flags in product((0.0, 1.0), repeat=2 * N):
        commitment = replace(dispatcher.everything, on=np.array(flags).reshape(2, N))
        dispatch = dispatcher.attempt(replace(day, commitment=commitment))
        costs.append(np.inf if dispatch is None else dispatch.cost_money)
    best = min(costs)
    assert found.best_money <= best + GAP * (1.0 + abs(best))
    assert found.best_money >= best - 1e-6 * abs(best)
    assert found.bound_money <= best + 1e-6 * abs(best)
    assert found.bound_money >= found.best_money - 2.0 * GAP * (1.0 + abs(best))


def test_without_carbon_in_its_cost_a_dispatch_pays_no_heed_to_a_ladder() -> None:
    # Gas at 300 and more gives way to import at 280, but not to import that pays for its carbon.
    dispatcher, day = day_of(shape_of(two_buses()), LADDER, None, price=np.full(N, 280.0))
    blind = dispatcher.solve(replace(day, carbon_in_cost=False))
    plain = dispatcher.solve(day.at_prices_alone)
    assert blind.cost_money == pytest.approx(plain.cost_money, rel=1e-8)
    assert plain.buy_mw.sum() > dispatcher.solve(day).buy_mw.sum() + 0.01
