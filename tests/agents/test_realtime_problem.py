"""The rest of the day in quarter-hours: each limit by hand, plans that stay optimal, nothing silent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from gridarium.agents.system.power_system import FlexibleDemand, PowerSystem, SystemForecast, SystemState
from gridarium.agents.system.realtime_problem import RealTimePlan, RealTimeProblem, RealTimeShape
from gridarium.agents.system.system_costs import PeriodPrices, period_cost
from gridarium.environment.errors import InfeasibleError, RelaxationError, SolveError
from gridarium.environment.storage import StorageRatings
from gridarium.environment.thermal_unit import CapturePlant, ThermalUnit

PLAIN = ThermalUnit("coal", 20, 100, 1e-6, 20, 0, 0, 400, 400, 1, 1, 0.7, True, 50)
ALONE = PowerSystem((PLAIN,), reserve_load_share=0.0, reserve_wind_share=0.0)


def forecast(load_mw: list[float], wind_mw: float = 0.0, n_load: int = 0, **more: Any) -> SystemForecast:
    n, flexible = len(load_mw), np.full((len(load_mw), n_load), 10.0)
    plain = SystemForecast(
        np.array(load_mw),
        np.full(n, wind_mw),
        flexible,
        0.5 * flexible,
        1.5 * flexible,
        np.full(n, 300.0),
        np.zeros(n),
        np.zeros(n),
    )
    return replace(plain, **more)


def dispatched(
    system: PowerSystem,
    day: SystemForecast,
    on: Any = True,
    quarter: int = 0,
    state: SystemState | None = None,
) -> RealTimePlan:
    n = len(day.load_mw)
    commitment = np.broadcast_to(np.asarray(on), (n, len(system.units)))
    problem = RealTimeProblem(RealTimeShape(system, n))
    return problem.solve("operator", quarter, commitment, state or SystemState.initial(system), day)


def with_unit(**change: Any) -> PowerSystem:
    return replace(ALONE, units=(replace(PLAIN, **change),))


def test_a_ramp_binds_and_the_market_covers_the_rest() -> None:
    plan = dispatched(with_unit(ramp_mw_per_h=40.0), forecast([50.0, 80.0, 80.0, 80.0]))
    # The step is known, so the unit starts to rise a quarter early and spills what nobody takes yet.
    assert plan.gross_mw[:, 0] == pytest.approx([60.0, 70.0, 80.0, 80.0], abs=1e-4)
    assert plan.market_mw == pytest.approx([0.0, 10.0, 0.0, 0.0], abs=1e-4)
    assert plan.spill_mw == pytest.approx([10.0, 0.0, 0.0, 0.0], abs=1e-4)


def test_a_falling_ramp_spills_what_nobody_takes() -> None:
    plan = dispatched(with_unit(ramp_down_mw_per_h=40.0), forecast([50.0, 30.0, 30.0], wind_mw=5.0))
    assert plan.gross_mw[:, 0] == pytest.approx([45.0, 35.0, 25.0], abs=1e-4)
    # Wind is spilled before power of the unit.
    assert plan.wind_mw == pytest.approx([5.0, 0.0, 5.0], abs=1e-4)
    assert plan.spill_mw == pytest.approx([0.0, 5.0, 0.0], abs=1e-4)


def test_reserve_keeps_a_unit_below_its_limit() -> None:
    system = replace(ALONE, reserve_load_share=0.1)
    plan = dispatched(system, forecast([100.0, 100.0]))
    assert plan.gross_mw[:, 0] == pytest.approx([90.0, 90.0], abs=1e-4)
    assert plan.market_mw == pytest.approx([10.0, 10.0], abs=1e-4)
    assert plan.reserve_up_short_mw.tolist() == [0.0, 0.0]


def test_reserve_down_keeps_a_unit_above_its_least_output() -> None:
    system = replace(ALONE, reserve_wind_share=0.1, wind_capacity_mw=100.0)
    plan = dispatched(system, forecast([40.0, 40.0], wind_mw=30.0))
    assert plan.gross_mw[:, 0] == pytest.approx([30.0, 30.0], abs=1e-4)
    assert plan.wind_mw == pytest.approx([10.0, 10.0], abs=1e-4)


def test_reserve_beyond_all_ramps_is_reported_as_a_shortage() -> None:
    # A quarter's ramp is 10 MW, 12 MW are asked for, up and down.
    system = replace(with_unit(ramp_mw_per_h=40.0, ramp_down_mw_per_h=40.0), reserve_load_share=0.24)
    plan = dispatched(system, forecast([50.0, 50.0]))
    assert plan.reserve_up_short_mw == pytest.approx([2.0, 2.0], abs=1e-4)
    assert plan.reserve_down_short_mw == pytest.approx([2.0, 2.0], abs=1e-4)


def test_absorption_ends_where_the_tank_is_full() -> None:
    # At first regeneration would take imports, later there is room; absorption itself is free.
    plant = CapturePlant(0.8, 0.2, 0.0, 20.0, 5.0)
    system = with_unit(p_max_mw=60.0, capture=plant)
    plan = dispatched(system, forecast([60.0, 60.0, 20.0, 20.0]))
    assert plan.tank_tco2[1, 0] == pytest.approx(20.0, abs=1e-4)
    assert 0.25 * plan.absorbed_tco2_per_h[:2, 0].sum() == pytest.approx(15.0, abs=1e-4)
    assert plan.regenerated_tco2_per_h[:2, 0] == pytest.approx([0.0, 0.0], abs=1e-4)
    assert plan.tank_tco2[3, 0] == pytest.approx(5.0, abs=1e-4)
    assert plan.market_mw == pytest.approx(np.zeros(4), abs=1e-4)
    consumption = plan.gross_mw - plan.net_mw
    assert consumption == pytest.approx(0.2 * plan.regenerated_tco2_per_h, abs=1e-9)


def test_capture_is_at_most_its_share_of_the_flue_gas_and_costs_its_fixed_power() -> None:
    plant = CapturePlant(0.8, 0.1, 2.0, 0.0, 0.0)
    plan = dispatched(with_unit(capture=plant), forecast([50.0, 50.0]))
    gross = 52.0 / (1 - 0.1 * 0.8 * 0.7)
    assert plan.gross_mw[:, 0] == pytest.approx(gross, abs=1e-4)
    assert plan.absorbed_tco2_per_h[:, 0] == pytest.approx(0.8 * 0.7 * gross, abs=1e-4)


def test_flexible_loads_move_from_imports_to_spare_hours_and_keep_their_energy() -> None:
    system = replace(ALONE, loads=(FlexibleDemand("mill", 3.0),))
    day = forecast([95.0, 95.0, 50.0, 50.0], n_load=1)
    plan = dispatched(system, day)
    # 5 MW of each of the first two quarters are above the unit's limit; beyond them shifting does not pay.
    assert plan.flexible_mw[:2, 0] == pytest.approx([5.0, 5.0], abs=1e-3)
    assert plan.flexible_mw.sum() == pytest.approx(40.0, abs=1e-4)
    assert plan.market_mw == pytest.approx(np.zeros(4), abs=1e-3)
    assert plan.missed_flexible_mwh.tolist() == [0.0]
    far = dispatched(system, replace(day, flexible_least_mw=0.8 * day.flexible_mw))
    assert far.flexible_mw[:2, 0] == pytest.approx([8.0, 8.0], abs=1e-3)
    assert far.market_mw[:2] == pytest.approx([3.0, 3.0], abs=1e-3)


def test_storage_carries_spilled_wind_to_imports_and_returns_to_its_start() -> None:
    storage = StorageRatings("esp", 20.0, 20.0, 0.1, 0.9, 0.5, 0.9, 0.8, 20.0)
    system = replace(ALONE, storage=storage)
    day = replace(forecast([20.0, 110.0]), wind_mw=np.array([20.0, 0.0]))
    plan = dispatched(system, day)
    assert plan.charge_mw == pytest.approx([20.0, 0.0], abs=1e-3)
    # 20 MW * 0.9 * 0.8 come back, the last 10 MW of the load are above the unit's limit.
    assert plan.discharge_mw == pytest.approx([0.0, 14.4], abs=1e-3)
    assert plan.e_mwh == pytest.approx([14.5, 10.0], abs=1e-3)
    assert plan.market_mw == pytest.approx([0.0, 0.0], abs=1e-3)


def test_the_pool_is_used_before_the_market_up_to_what_it_is_expected_to_deliver() -> None:
    day = forecast([110.0], pool_mw=np.array([6.0]), pool_fee_per_mwh=np.array([40.0]))
    plan = dispatched(ALONE, day)
    assert (plan.pool_mw[0], plan.market_mw[0]) == pytest.approx((6.0, 4.0), abs=1e-4)


def test_storage_that_would_gain_from_losses_is_refused() -> None:
    storage = StorageRatings("esp", 20.0, 20.0, 0.1, 0.9, 0.5, 0.9, 0.8, 20.0)
    system = replace(ALONE, storage=storage, wear_cost_per_mwh=-50.0)
    with pytest.raises(
        RelaxationError, match=r"agent operator: storage esp, period \d: one direction at a time"
    ):
        dispatched(system, forecast([50.0, 50.0]))


def test_a_load_that_nothing_can_serve_is_named() -> None:
    system = replace(ALONE, import_limit_mw=10.0)
    with pytest.raises(InfeasibleError, match="agent operator: infeasible: period 1,"):
        dispatched(system, forecast([50.0, 150.0]))


def test_units_start_and_stop_at_the_output_that_ramps_allow() -> None:
    on = np.array([[False], [True], [True], [False]])
    system = with_unit(ramp_mw_per_h=40.0, ramp_down_mw_per_h=40.0, on_initially=False, p_initial_mw=0.0)
    plan = dispatched(system, forecast([60.0, 60.0, 60.0, 60.0]), on)
    assert plan.gross_mw[:, 0] == pytest.approx([0.0, 20.0, 20.0, 0.0], abs=1e-4)


def test_a_tripped_unit_and_one_that_strayed_can_still_be_planned() -> None:
    day = forecast([60.0] * 4)
    state = replace(SystemState.initial(ALONE), gross_mw=np.array([90.0]))
    tripped = dispatched(with_unit(ramp_down_mw_per_h=40.0), day, False, 0, state)
    assert tripped.market_mw == pytest.approx([60.0] * 4, abs=1e-4)
    slow = with_unit(ramp_mw_per_h=4.0, ramp_down_mw_per_h=40.0)
    low = dispatched(slow, day, True, 0, replace(state, gross_mw=np.array([5.0])))
    assert low.gross_mw[:, 0] == pytest.approx([20.0, 21.0, 22.0, 23.0], abs=1e-4)
    stop = np.array([[True], [True], [False], [False]])
    falling = dispatched(with_unit(ramp_down_mw_per_h=40.0), day, stop, 0, state)
    assert falling.gross_mw[:, 0] == pytest.approx([80.0, 70.0, 0.0, 0.0], abs=1e-4)


def test_what_cannot_be_made_good_before_the_day_ends_is_reported() -> None:
    storage = StorageRatings("esp", 20.0, 20.0, 0.1, 0.9, 0.5, 1.0, 1.0, 20.0)
    system = replace(ALONE, storage=storage, loads=(FlexibleDemand("mill", 3.0),))
    state = replace(SystemState.initial(system), e_mwh=3.0, owed_mwh=np.array([4.0]))
    plan = dispatched(system, forecast([40.0] * 4, n_load=1), True, 3, state)
    # A quarter at 20 MW returns 5 of 7 MWh, a quarter at 15 instead of 10 MW 1.25 of 4 MWh.
    assert plan.missed_e_mwh == pytest.approx(2.0, abs=1e-3)
    assert plan.missed_flexible_mwh == pytest.approx([2.75], abs=1e-3)
    assert np.isnan(plan.gross_mw[:3]).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"wind_mw": np.zeros(3)}, r"forecast: wind_mw must have shape \(2,\), got \(3,\)"),
        ({"flexible_mw": np.zeros((2, 1))}, r"forecast: flexible_mw must have shape \(2, 0\)"),
        ({"load_mw": np.array([np.nan, 1.0])}, "signals must be finite"),
    ],
)
def test_arrays_that_do_not_fit_are_named(change: dict[str, Any], message: str) -> None:
    day = replace(forecast([50.0, 50.0]), **change)
    with pytest.raises(SolveError, match=message):
        dispatched(ALONE, day)


def test_quarters_and_states_that_do_not_fit_are_named() -> None:
    with pytest.raises(SolveError, match=r"quarter must be in \[0, 1\], got 2"):
        dispatched(ALONE, forecast([50.0, 50.0]), True, 2)
    problem = RealTimeProblem(RealTimeShape(ALONE, 2))
    with pytest.raises(SolveError, match=r"on must have shape \(2, 1\), got \(2,\)"):
        problem.solve("operator", 0, np.ones(2, bool), SystemState.initial(ALONE), forecast([50.0, 50.0]))
    state = replace(SystemState.initial(ALONE), owed_mwh=np.zeros(2))
    with pytest.raises(SolveError, match=r"state: owed_mwh must have shape \(0,\), got \(2,\)"):
        dispatched(ALONE, forecast([50.0]), True, 0, state)


def test_storage_outside_its_band_is_named() -> None:
    storage = StorageRatings("esp", 20.0, 20.0, 0.1, 0.9, 0.5, 1.0, 1.0, 20.0)
    system = replace(ALONE, storage=storage)
    state = replace(SystemState.initial(system), e_mwh=19.0)
    with pytest.raises(SolveError, match=r"state: e_mwh must be in \[2, 18\] MWh, got 19"):
        dispatched(system, forecast([50.0]), True, 0, state)


def run_day(
    problem: RealTimeProblem, on: np.ndarray, days: Callable[[int], SystemForecast]
) -> tuple[list[float], list[RealTimePlan]]:
    """Follow each quarter's plan for one quarter; costs with penalties, and the plans."""
    system, n = problem.shape.system, problem.shape.n_period
    state, costs, plans = SystemState.initial(system), [], []
    for quarter in range(n):
        day = days(quarter)
        plan = problem.solve("operator", quarter, on, state, day)
        now, prices = plan.at(quarter), PeriodPrices(300.0)
        parts = period_cost(system, now, on[quarter], day.flexible_mw[quarter], prices)
        costs.append(parts.total_money + parts.shortage_money)
        plans.append(plan)
        owed = state.owed_mwh + 0.25 * (day.flexible_mw[quarter] - now.flexible_mw)
        state = SystemState(now.on, now.gross_mw, now.tank_tco2, now.e_mwh, owed)
    return costs, plans


@pytest.fixture(scope="module")
def short_day(power_system: PowerSystem) -> RealTimeProblem:
    return RealTimeProblem(RealTimeShape(power_system, 24))


COMMITMENT = np.ones((24, 3), dtype=bool)
COMMITMENT[:8, 2] = COMMITMENT[20:, 2] = False


@pytest.mark.parametrize("seed", range(3))
def test_with_a_right_forecast_every_plan_is_the_rest_of_the_first(
    short_day: RealTimeProblem, make_day: Callable[..., SystemForecast], seed: int
) -> None:
    day = make_day(24, np.random.default_rng(seed))
    costs, plans = run_day(short_day, COMMITMENT, lambda quarter: day)
    rest = np.cumsum(costs[::-1])[::-1]
    assert [plan.objective_money for plan in plans] == pytest.approx(rest, rel=1e-5, abs=0.5)


@pytest.mark.parametrize("seed", range(6))
def test_a_day_of_surprises_keeps_every_limit(
    short_day: RealTimeProblem, make_day: Callable[..., SystemForecast], seed: int
) -> None:
    random = np.random.default_rng(seed)
    days = [make_day(24, random) for _ in range(24)]
    flexible = make_day(24)
    days = [
        replace(
            day,
            flexible_mw=flexible.flexible_mw,
            flexible_least_mw=flexible.flexible_least_mw,
            flexible_most_mw=flexible.flexible_most_mw,
        )
        for day in days
    ]
    _, plans = run_day(short_day, COMMITMENT, lambda quarter: days[quarter])
    done = [plan.at(quarter) for quarter, plan in enumerate(plans)]
    system = short_day.shape.system
    gross = np.array([now.gross_mw for now in done])
    for i, unit in enumerate(system.units):
        on = COMMITMENT[:, i]
        assert (gross[on, i] >= unit.p_min_mw - 1e-4).all()
        assert (gross[on, i] <= unit.p_max_mw + 1e-4).all()
        assert (gross[~on, i] == 0.0).all()
        steps = np.diff(gross[:, i])[on[1:] & on[:-1]]
        assert np.abs(steps).max() <= 0.25 * unit.ramp_mw_per_h + 1e-4
    for now, day in zip(done, range(24), strict=True):
        supply = now.net_mw.sum() + now.wind_mw + now.discharge_mw + now.pool_mw + now.market_mw
        demand = days[day].load_mw[day] + now.flexible_mw.sum() + now.charge_mw + now.spill_mw
        assert supply == pytest.approx(demand, abs=1e-3)
        assert (now.absorbed_tco2_per_h <= 0.8 * 0.69 * now.gross_mw + 1e-4).all()
    shifted = sum(now.flexible_mw for now in done) - flexible.flexible_mw.sum(axis=0)
    assert shifted == pytest.approx([0.0, 0.0], abs=1e-2)
    assert done[-1].e_mwh == pytest.approx(28.0, abs=1e-2)
    assert done[-1].tank_tco2 == pytest.approx([30.0, 20.0, 0.0], abs=1e-2)
    assert plans[-1].missed_e_mwh == 0.0
