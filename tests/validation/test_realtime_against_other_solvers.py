"""Real-time answers against Pyomo's own HiGHS and Clarabel; a day's cost against perfect information."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from pyomo.contrib.solver.common.factory import SolverFactory
from pyomo.contrib.solver.common.results import SolutionStatus
from scipy import sparse

from gridarium.agents.problems.thermal_unit import ramp_limits
from gridarium.agents.solving.standard_form import StandardForm
from gridarium.agents.system.commitment_problem import CommitmentProblem, CommitmentShape
from gridarium.agents.system.perfect_information import PerfectInformation
from gridarium.agents.system.power_system import PowerSystem, SystemForecast, SystemState
from gridarium.agents.system.realtime_problem import (
    RealTimeProblem,
    RealTimeShape,
    build_realtime_model,
)
from gridarium.agents.system.system_costs import PeriodPrices, period_cost
from gridarium.agents.system.system_signals import system_signals
from gridarium.environment.forecast_error import ForecastError

Day = Callable[..., SystemForecast]


def signals_of(
    shape: RealTimeShape, quarter: int, on: np.ndarray, state: SystemState, day: SystemForecast
) -> dict[str, Any]:
    rise, fall = ramp_limits(shape.system.units, shape.period_h, on, quarter, state.on, state.gross_mw)
    running = on.T * (np.arange(shape.n_period) >= quarter)
    signals = system_signals(shape.system, day, state, quarter)
    return signals | {"on": running * 1.0, "most_rise_mw": rise.T, "most_fall_mw": fall.T}


def pyomo_cost(shape: RealTimeShape, signals: dict[str, Any]) -> float | None:
    """Optimum of Pyomo's own HiGHS with the signals fixed, USD; None where HiGHS finds no answer."""
    model = build_realtime_model(shape)
    for name, value in signals.items():
        for data, number in zip(getattr(model, name).values(), np.ravel(value), strict=True):
            data.fix(float(number))
    results = SolverFactory("highs").solve(
        model, load_solutions=False, time_limit=5, raise_exception_on_nonoptimal_result=False
    )
    solved = results.solution_status == SolutionStatus.optimal
    return float(results.incumbent_objective) if solved else None


def test_pyomos_highs_finds_the_same_cost_of_half_an_hour(power_system: PowerSystem, make_day: Day) -> None:
    shape = RealTimeShape(power_system, 2)
    on, state = np.array([[True, True, False], [True, True, True]]), SystemState.initial(power_system)
    problem, n_answer = RealTimeProblem(shape), 0
    for seed in range(12):
        day = make_day(2, np.random.default_rng(seed))
        ours = problem.solve("operator", 0, on, state, day).objective_money
        reference = pyomo_cost(shape, signals_of(shape, 0, on, state, day))
        # HiGHS's active-set method gives up on some of these; it is no reference then.
        if reference is not None:
            n_answer += 1
            assert ours == pytest.approx(reference, rel=1e-6, abs=1e-2)
    assert n_answer >= 4


@pytest.mark.parametrize("quarter", [0, 40, 95])
@pytest.mark.parametrize("seed", range(2))
def test_pyomos_highs_finds_the_same_cost_of_a_day_with_linear_fuel(
    power_system: PowerSystem, make_day: Day, seed: int, quarter: int
) -> None:
    """HiGHS's active-set method does not end on a quadratic day, its simplex method does on a linear one."""
    # A trace of curvature keeps the compiled form quadratic; it costs less than the tolerance.
    units = tuple(replace(unit, cost_quadratic_per_mw2h=1e-9) for unit in power_system.units)
    straight = tuple(replace(unit, cost_quadratic_per_mw2h=0.0) for unit in power_system.units)
    shape, day = RealTimeShape(replace(power_system, units=units)), make_day(96, np.random.default_rng(seed))
    on, state = np.ones((96, 3), dtype=bool), SystemState.initial(power_system)
    on[30:60, 2] = False
    plan = RealTimeProblem(shape).solve("operator", quarter, on, state, day)
    linear = RealTimeShape(replace(power_system, units=straight))
    reference = pyomo_cost(linear, signals_of(linear, quarter, on, state, day))
    assert plan.objective_money == pytest.approx(reference, rel=1e-6, abs=1e-2)


def clarabel_cost(form: StandardForm, signals: np.ndarray) -> float:
    """Optimum of a form at given signals, with all rows and bounds handed to Clarabel."""
    clarabel = pytest.importorskip("clarabel")
    numbers, eye = form.at(signals), sparse.eye(len(form.cost), format="csr")
    lower = np.concatenate([numbers.row_lower, numbers.lower])
    upper = np.concatenate([numbers.row_upper, numbers.upper])
    matrix = sparse.vstack([form.rows, eye]).tocsr()
    equal, below, above = lower == upper, np.isfinite(upper), np.isfinite(lower)
    below, above = below & ~equal, above & ~equal
    rows = sparse.vstack([matrix[equal], matrix[below], -matrix[above]]).tocsc()
    right = np.concatenate([upper[equal], upper[below], -lower[above]])
    cones = [clarabel.ZeroConeT(int(equal.sum())), clarabel.NonnegativeConeT(int(below.sum() + above.sum()))]
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    hessian = sparse.triu(form.hessian).tocsc()
    found = clarabel.DefaultSolver(hessian, numbers.cost, rows, right, cones, settings).solve()
    assert str(found.status) == "Solved"
    return form.objective(np.array(found.x), signals)


@pytest.mark.parametrize(("quarter", "seed"), [(0, 0), (0, 1), (17, 2), (60, 3), (95, 4)])
def test_clarabel_finds_the_same_cost_of_a_whole_day(
    power_system: PowerSystem, make_day: Day, quarter: int, seed: int
) -> None:
    shape, day = RealTimeShape(power_system), make_day(96, np.random.default_rng(seed))
    on = np.ones((96, 3), dtype=bool)
    on[:20, 2] = False
    state, problem = SystemState.initial(power_system), RealTimeProblem(shape)
    plan = problem.solve("operator", quarter, on, state, day)
    form, named = problem.problem.form, signals_of(shape, quarter, on, state, day)
    values = np.concatenate([np.ravel(named[name]) for name in form.signals])
    assert plan.objective_money == pytest.approx(clarabel_cost(form, values), rel=1e-6, abs=1e-2)


@pytest.fixture(scope="module")
def six_hours(power_system: PowerSystem) -> tuple[CommitmentProblem, RealTimeProblem, PerfectInformation]:
    """The problems of six hours, of units that may start and stop within these."""
    units = tuple(
        replace(unit, min_up_h=2, min_down_h=1, start_stop_money=0.2 * unit.start_stop_money)
        for unit in power_system.units
    )
    system = replace(power_system, units=units)
    commitment = CommitmentShape(system, 6)
    return (
        CommitmentProblem(commitment),
        RealTimeProblem(RealTimeShape(system, 24)),
        PerfectInformation(commitment),
    )


def day_ahead_and_real_time(
    commitment: CommitmentProblem,
    real_time: RealTimeProblem,
    forecast: SystemForecast,
    actual: SystemForecast,
) -> float:
    """Cost of committing on the forecast and of dispatching each quarter on what is known then."""
    system, error = real_time.shape.system, ForecastError()
    on = np.repeat(commitment.solve("operator", forecast.coarsened(4)).on, 4, axis=0)
    state, cost = SystemState.initial(system), 0.0
    for quarter, wind_mw in enumerate(actual.wind_mw):
        load = np.where(np.arange(24) == quarter, actual.load_mw, forecast.load_mw)
        wind = error.expected(forecast.wind_mw, quarter, float(wind_mw))
        known = replace(forecast, load_mw=load, wind_mw=wind)
        now = real_time.solve("operator", quarter, on, state, known).at(quarter)
        planned = forecast.flexible_mw[quarter]
        parts = period_cost(system, now, state.on, planned, PeriodPrices(300.0))
        cost += parts.total_money + parts.shortage_money
        owed = state.owed_mwh + 0.25 * (planned - now.flexible_mw)
        state = SystemState(now.on, now.gross_mw, now.tank_tco2, now.e_mwh, owed)
    return cost


@pytest.mark.parametrize("seed", range(6))
def test_nobody_beats_perfect_information(
    six_hours: tuple[CommitmentProblem, RealTimeProblem, PerfectInformation], make_day: Day, seed: int
) -> None:
    commitment, real_time, benchmark = six_hours
    random, forecast = np.random.default_rng(seed), make_day(24)
    wind = ForecastError(0.3).actual(forecast.wind_mw, random, 120.0)
    load = ForecastError(0.05).actual(forecast.load_mw, random)
    actual = replace(forecast, wind_mw=wind, load_mw=load)
    best = benchmark.solve("benchmark", actual)
    assert best.is_proven
    assert best.bound_money <= best.cost_money <= best.bound_money * (1 + 1e-4) + 1e-6
    cost = day_ahead_and_real_time(commitment, real_time, forecast, actual)
    assert best.bound_money <= cost
    # What is lost by not knowing is small where errors are small: the bound is worth something.
    assert cost <= 1.1 * best.bound_money


def test_a_day_dispatched_on_the_best_commitment_costs_its_bound(
    six_hours: tuple[CommitmentProblem, RealTimeProblem, PerfectInformation], make_day: Day
) -> None:
    _, real_time, benchmark = six_hours
    day = make_day(24, np.random.default_rng(3))
    best = benchmark.solve("benchmark", day)
    system = real_time.shape.system
    state = SystemState.initial(system)
    plan = real_time.solve("operator", 0, best.on, state, day)
    before = np.vstack([state.on, best.on[:-1]])
    switching = (best.on != before).sum(axis=0) @ np.array([unit.start_stop_money for unit in system.units])
    cost = plan.objective_money + float(switching)
    assert best.bound_money <= cost + 1e-3
    # Nine tangents to a parabola leave at most a * (width / 16) ** 2 an hour and unit.
    slack = sum(u.cost_quadratic_per_mw2h * ((u.p_max_mw - u.p_min_mw) / 16) ** 2 for u in system.units)
    assert cost <= best.bound_money * (1 + 1e-4) + 6 * slack
