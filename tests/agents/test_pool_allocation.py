"""What the virtual carbon pool is allocated for: the leader's profit, under conservation."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from gridarium.agents.feeder.carbon_pool import CarbonPool, CarbonPoolPlan, PoolDay, wanted_transfer
from gridarium.agents.feeder.day_outlook import sales_margin
from gridarium.agents.feeder.dispatch import Dispatch, DispatchDay, Dispatcher
from gridarium.agents.feeder.dso import Dso
from gridarium.agents.feeder.pool_problem import pool_form
from gridarium.agents.optimisation import LocalProblem
from gridarium.environment.arrays import Array
from gridarium.experiments.running.world_build import BuiltWorld, build
from gridarium.experiments.scenario import load_scenario
from gridarium.market.adcef import AdcefTariff
from gridarium.market.messages.tariffs import MarketConditions
from gridarium.market.supply import Supply, system_factor
from small_cases import FREE_TO_RUN

MARKET_GAS = (
    "gas_turbines.gas_turbine_12.cost_linear_per_mwh=400",
    "gas_turbines.gas_turbine_25.cost_linear_per_mwh=470",
    "prices.quota_tco2_per_mwh=0.3",
)


def negotiated(*changes: str) -> Dso:
    """The operator of the small feeder after a negotiation and one period."""
    built: BuiltWorld = build(load_scenario("adcef-small", [*FREE_TO_RUN, *changes]).cases["adcef"])
    built.world.step()
    return built.one(Dso)


# The margin against the objective itself, dispatched once more with a little more load.


def objective_money(dispatcher: Dispatcher, day: DispatchDay, kappa: float) -> float:
    """C9 under C7 without credit: sum TOU P - cost + (kappa - 1) lam (Em - ebar D), by its own terms."""
    dispatch, market = dispatcher.solve(day), day.conditions
    emission = float(dispatcher.supply(dispatch, market).emission_t_per_h.sum())
    load = day.load_p_mw.sum(axis=0)
    price = market.flat_carbon_price_per_tco2
    cost = dispatch.cost_money - (price * emission if day.carbon_in_cost else 0.0)
    return float(market.tou_price_per_mwh @ load) - cost + (kappa - 1.0) * price * emission


@pytest.mark.parametrize(("kappa", "carbon_in_cost"), [(1.0, True), (2.0, True), (1.0, False), (0.5, False)])
def test_the_margin_is_the_slope_of_the_leaders_objective(kappa: float, carbon_in_cost: bool) -> None:
    dso = negotiated(*MARKET_GAS)
    today, shape = dso.today, dso.shape
    dispatcher = Dispatcher(dso.world, "test", shape)
    place = next(iter(dso.connections.values()))
    load = np.asarray(sum(today.base_mw.values()))
    day = DispatchDay(
        today.conditions,
        np.outer(place.p_share, load),
        np.outer(place.q_share, load),
        np.array(list(today.available_mw.values())),
        np.array(list(today.initial_mwh.values())),
        carbon_in_cost,
        dispatcher.everything,
    )
    tariff, price = AdcefTariff(adjustment=kappa), today.conditions.carbon_price_per_tco2
    margin = sales_margin(dispatcher, day, dispatcher.solve(day), tariff, price)
    for period in (3, 8, 12, 19):
        either = []
        for more in (1e-3, -1e-3):
            raised = load + more * (np.arange(24) == period)
            shifted = replace(
                day,
                load_p_mw=np.outer(place.p_share, raised),
                load_q_mvar=np.outer(place.q_share, raised),
            )
            either.append(objective_money(dispatcher, shifted, kappa))
        assert margin[period] == pytest.approx((either[0] - either[1]) / 2e-3, abs=1.0)


# The allocation against another solver.

PERIODS = 5


def storage_day(seed: int) -> tuple[Array, Array, Array, Array, Array]:
    """Emission, wanted transfer, most in and out, and first contents of two pools."""
    random = np.random.default_rng(seed)
    emission = random.uniform(0.0, 0.5, PERIODS)
    charges = random.random((2, PERIODS)) < 0.5
    most = random.uniform(0.0, 0.6, (2, PERIODS))
    wanted = random.normal(0.0, 0.6, PERIODS)
    return emission, wanted, most * charges, most * ~charges, random.uniform(0.0, 0.3, 2)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_the_allocation_is_the_nearest_one_that_another_solver_finds(seed: int) -> None:
    emission, wanted, most_in, most_out, first = storage_day(seed)
    solution = LocalProblem(pool_form(2, PERIODS, 1.0)).solve(
        "test",
        emission_t_per_h=emission,
        wanted_t_per_h=wanted,
        most_in_t_per_h=most_in,
        most_out_t_per_h=most_out,
        first_tco2=first,
        end_tco2=first,
    )
    size = 2 * PERIODS

    def miss(x: Array) -> float:
        net = (x[size:] - x[:size]).reshape(2, PERIODS).sum(axis=0)
        return float(((net - wanted) ** 2).sum() + 1e-4 * (x**2).sum())

    def content(x: Array) -> Array:
        return first[:, None] + np.cumsum((x[:size] - x[size:]).reshape(2, PERIODS), axis=1)

    found = minimize(
        miss,
        np.zeros(2 * size),
        method="SLSQP",
        bounds=[(0.0, most) for most in (*most_in.ravel(), *most_out.ravel())],
        constraints=[
            {"type": "eq", "fun": lambda x: content(x)[:, -1] - first},
            {"type": "ineq", "fun": lambda x: content(x).ravel()},
            {"type": "ineq", "fun": lambda x: emission - x[:size].reshape(2, PERIODS).sum(axis=0)},
        ],
        options={"maxiter": 500, "ftol": 1e-12},
    )
    assert found.success
    own = np.concatenate([solution["inflow"].ravel(), solution["outflow"].ravel()])
    assert miss(own) == pytest.approx(found.fun, abs=1e-6)


def test_liability_is_wanted_where_the_margin_is_low() -> None:
    flat = np.full(3, 500.0)
    conditions = MarketConditions(flat, flat, flat, np.array([0.6, 0.8, 0.7]), np.full(3, 73.65), 0.5)
    base, margin = np.array([1.0, 2.0, 3.0]), np.array([50.0, 300.0, 200.0])
    wanted = wanted_transfer(margin, base, conditions)
    # Mean margin over the load: 1250 / 6; 0.8 t/MWh times 2 MW for a margin that differs by 500.
    assert wanted == pytest.approx((1250.0 / 6.0 - margin) * 0.8 * 2.0 / 500.0)
    assert not wanted_transfer(np.full(3, 80.0), base, conditions).any()


@pytest.mark.parametrize("change", ["tariff.adjustment=0", "prices.carbon_price_per_tco2=0"])
def test_a_price_that_does_not_follow_the_factor_moves_nothing(change: str) -> None:
    pool = negotiated(*MARKET_GAS, change).today.plan.pool
    # What an interior point leaves of flows that nothing asks for.
    assert np.abs(pool.inflow_t_per_h - pool.outflow_t_per_h).max() < 1e-5


# What the allocation is for: profit after the followers' true answers.


def instances(n: int) -> Iterator[list[str]]:
    """Random days of the small feeder."""
    random = np.random.default_rng(11)
    for _ in range(n):
        gas = random.choice([300, 400, 450, 520])
        yield [
            f"gas_turbines.gas_turbine_12.cost_linear_per_mwh={gas}",
            f"gas_turbines.gas_turbine_25.cost_linear_per_mwh={gas + random.choice([15, 70])}",
            f"prices.carbon_price_per_tco2={random.choice([73.65, 130.0])}",
            "prices.quota_tco2_per_mwh=0.3",
            f"profiles={random.choice(['adcef-ordinary', 'adcef-high-res'])}",
            *(
                f"consumers.{kind}.beta_per_mwh_per_mw={random.choice([20, 60, 120, 200])}"
                for kind in ("industrial", "commercial", "residential")
            ),
        ]


def profit_money(changes: list[str]) -> float:
    last = negotiated(*changes).today.rounds[-1]
    assert last.ended == "converged"
    return float(last.judgement.profit_money)


def least_squares(
    pool: CarbonPool, dispatch: Dispatch, supply: Supply, wanted: Array, day: PoolDay
) -> CarbonPoolPlan:
    """The allocation that brings the factor as near as it can to the system's average."""
    served = supply.total_mw + (dispatch.discharge_mw - dispatch.charge_mw).sum(axis=0)
    return _ALLOCATE(pool, dispatch, supply, system_factor(supply) * served - supply.emission_t_per_h, day)


_ALLOCATE = CarbonPool.allocate


def test_the_allocation_earns_more_than_mixing_and_than_the_average_factor(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    leads = []
    for changes in instances(3):
        managed = profit_money(changes)
        strict = profit_money([*changes, "tariff.pool=strict"])
        with monkeypatch.context() as patch:
            patch.setattr(CarbonPool, "allocate", least_squares)
            average = profit_money(changes)
        leads.append((managed - strict, managed - average))
    assert np.min(leads) > 0.0, leads
    assert np.median(leads) > 10.0, leads


def test_the_factor_is_not_the_systems_average() -> None:
    plan = negotiated(*MARKET_GAS).today.plan
    average = system_factor(plan.situation.supply)
    assert np.abs(plan.offer.factor_tco2_per_mwh - average).max() > 0.05
    charged = float(plan.offer.factor_tco2_per_mwh @ plan.situation.load_mw)
    assert charged == pytest.approx(float(plan.situation.supply.emission_t_per_h.sum()), rel=1e-12)
