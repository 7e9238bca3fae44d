"""The commitment against all on/off patterns, each dispatched by an LP that is written here from scratch."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from named_columns import Columns

from gridarium.agents.system.commitment_problem import CommitmentProblem, CommitmentShape
from gridarium.agents.system.power_system import FlexibleDemand, PowerSystem, SystemForecast, SystemState
from gridarium.environment.errors import InfeasibleError
from gridarium.environment.storage import StorageRatings
from gridarium.environment.thermal_unit import CapturePlant, ThermalUnit

N_HOUR, N_TANGENT = 4, 3
UNITS = (
    ThermalUnit(
        "coal", 30, 90, 0.05, 18, 150, 400, 45, 30, 2, 3, 0.69, True, 60, CapturePlant(0.8, 0.25, 1.5, 15, 6)
    ),
    ThermalUnit("gas", 10, 50, 0.1, 28, 60, 150, 90, 90, 2, 1, 0.5, False, 0),
)
SYSTEM = PowerSystem(
    UNITS,
    StorageRatings("esp", 15, 30, 0.1, 0.9, 0.3, 0.95, 0.9, 15),
    (FlexibleDemand("mill", 2.0),),
    wind_capacity_mw=40.0,
    reserve_load_share=0.05,
    reserve_wind_share=0.1,
)


def allowed(on: np.ndarray) -> bool:
    """Every run and every rest that begins within the day lasts its minimum or to the day's end."""
    for i, unit in enumerate(UNITS):
        for h in range(N_HOUR):
            before = on[h - 1, i] if h else unit.on_initially
            if on[h, i] == before:
                continue
            length = unit.min_up_h if on[h, i] else unit.min_down_h
            if (on[h : h + length, i] != on[h, i]).any():
                return False
    return True


def add_unit(
    lp: Columns, i: int, h: int, on: np.ndarray, balance: list[tuple[float, tuple[object, ...]]]
) -> float:
    """Limits, ramps, reserve and fuel of a unit; returns its fixed consumption."""
    unit, gamma, theta = UNITS[i], SYSTEM.carbon_price_per_tco2, SYSTEM.allowance_tco2_per_mwh
    u = float(on[h, i])
    was = float(on[h - 1, i] if h else unit.on_initially)
    lp.add("p", i, h, cost=gamma * (unit.emission_tco2_per_mwh - theta))
    lp.add("fuel", i, h, cost=1.0)
    lp.add("up", i, h, high=unit.ramp_mw_per_h * u)
    lp.add("down", i, h, high=unit.ramp_down_mw_per_h * u)
    lp.row([(1, ("p", i, h)), (1, ("up", i, h))], unit.p_max_mw * u)
    lp.row([(-1, ("p", i, h)), (1, ("down", i, h))], -unit.p_min_mw * u)
    for point in np.linspace(unit.p_min_mw, unit.p_max_mw, N_TANGENT):
        a, b, c = unit.cost_quadratic_per_mw2h, unit.cost_linear_per_mwh, unit.cost_fixed_per_h
        lp.row([(2 * a * point + b, ("p", i, h)), (-1, ("fuel", i, h))], (a * point**2 - c) * u)
    step = [(1.0, ("p", i, h))] + ([(-1.0, ("p", i, h - 1))] if h else [])
    first = 0.0 if h else unit.p_initial_mw
    rise = unit.ramp_mw_per_h if was else max(unit.p_min_mw, unit.ramp_mw_per_h / 4)
    fall = unit.ramp_down_mw_per_h if u else max(unit.p_min_mw, unit.ramp_down_mw_per_h / 4)
    lp.row(step, (rise if was or u else 0.0) + first)
    lp.row([(-factor, name) for factor, name in step], fall - first)
    balance.append((1.0, ("p", i, h)))
    plant = unit.capture
    if plant is None:
        return 0.0
    lp.add("A", i, h, cost=-gamma)
    lp.add("EB", i, h)
    lp.add("S", i, h, high=plant.tank_tco2)
    lp.row([(1, ("A", i, h)), (-plant.efficiency * unit.emission_tco2_per_mwh, ("p", i, h))], 0.0)
    lp.row([(plant.energy_mwh_per_tco2, ("EB", i, h)), (-1, ("p", i, h))], -plant.fixed_mw * u)
    level = [(1.0, ("S", i, h)), (-1.0, ("A", i, h)), (1.0, ("EB", i, h))]
    level += [(-1.0, ("S", i, h - 1))] if h else []
    lp.row(level, 0.0 if h else plant.tank_initial_tco2, equal=True)
    if h == N_HOUR - 1:
        lp.row([(1, ("S", i, h))], plant.tank_initial_tco2, equal=True)
    balance.append((-plant.energy_mwh_per_tco2, ("EB", i, h)))
    return plant.fixed_mw * u


def dispatch_cost(on: np.ndarray, day: SystemForecast) -> float | None:
    """Optimal cost of a pattern without its starts and stops; None where there is no dispatch."""
    lp, storage = Columns(), SYSTEM.storage
    assert storage is not None
    low, high = storage.band_mwh
    rho, shortage = SYSTEM.wear_cost_per_mwh, SYSTEM.shortage_cost_per_mwh
    for h in range(N_HOUR):
        balance: list[tuple[float, tuple[object, ...]]] = []
        fixed = sum(add_unit(lp, i, h, on, balance) for i in range(len(UNITS)))
        lp.add("wind", h, high=float(day.wind_mw[h]))
        lp.add("import", h, cost=float(day.market_price_per_mwh[h]))
        lp.add("spill", h)
        lp.add("in", h, cost=rho * storage.efficiency_charge, high=storage.p_max_mw)
        lp.add("out", h, cost=rho / storage.efficiency_discharge, high=storage.p_max_mw)
        lp.add("E", h, high=high - low)
        lp.add("more", h, cost=2.0, high=float(day.flexible_most_mw[h, 0] - day.flexible_mw[h, 0]))
        lp.add("less", h, cost=2.0, high=float(day.flexible_mw[h, 0] - day.flexible_least_mw[h, 0]))
        energy = [(1.0, ("E", h)), (-storage.efficiency_charge, ("in", h))]
        energy += [(1 / storage.efficiency_discharge, ("out", h))] + ([(-1.0, ("E", h - 1))] if h else [])
        start = storage.soc_initial * storage.e_max_mwh - low
        lp.row(energy, 0.0 if h else start, equal=True)
        if h == N_HOUR - 1:
            lp.row([(1, ("E", h))], start, equal=True)
        load = float(day.load_mw[h] + day.flexible_mw[h].sum())
        reserve = SYSTEM.reserve_load_share * load + SYSTEM.reserve_wind_share * SYSTEM.wind_capacity_mw
        for side in ("up", "down"):
            lp.add("short", side, h, cost=shortage)
            terms = [(-1.0, (side, i, h)) for i in range(len(UNITS))]
            lp.row([*terms, (-1.0, ("short", side, h))], -reserve)
        for factor, name in ((1, "wind"), (1, "import"), (-1, "spill"), (1, "out"), (-1, "in")):
            balance.append((factor, (name, h)))
        balance += [(-1.0, ("more", h)), (1.0, ("less", h))]
        lp.row(balance, load + fixed, equal=True)
    signs = [(1.0, ("more", h)) for h in range(N_HOUR)] + [(-1.0, ("less", h)) for h in range(N_HOUR)]
    lp.row(signs, 0.0, equal=True)
    return lp.solve()


def switching_cost(on: np.ndarray) -> float:
    before = np.vstack([[unit.on_initially for unit in UNITS], on[:-1]])
    return float((on != before).sum(axis=0) @ [unit.start_stop_money for unit in UNITS])


def random_day(seed: int) -> SystemForecast:
    random = np.random.default_rng(seed)
    flexible = random.uniform(4.0, 10.0, (N_HOUR, 1))
    return SystemForecast(
        load_mw=random.uniform(15.0, 130.0, N_HOUR),
        wind_mw=random.uniform(0.0, 40.0, N_HOUR),
        flexible_mw=flexible,
        flexible_least_mw=0.6 * flexible,
        flexible_most_mw=1.4 * flexible,
        market_price_per_mwh=random.choice([45.0, 90.0, 300.0]) * random.uniform(0.8, 1.2, N_HOUR),
        pool_mw=np.zeros(N_HOUR),
        pool_fee_per_mwh=np.zeros(N_HOUR),
    )


PROBLEM = CommitmentProblem(CommitmentShape(SYSTEM, N_HOUR, N_TANGENT))


@pytest.mark.parametrize("seed", range(8))
def test_no_pattern_is_cheaper_than_the_commitment_and_its_own_costs_the_same(seed: int) -> None:
    day, costs = random_day(seed), {}
    for flags in itertools.product([False, True], repeat=2 * N_HOUR):
        on = np.array(flags).reshape(N_HOUR, 2)
        cost = dispatch_cost(on, day) if allowed(on) else None
        if cost is not None:
            costs[flags] = cost + switching_cost(on)
    plan = PROBLEM.solve("operator", day)
    assert plan.cost_money == pytest.approx(min(costs.values()), rel=1e-6)
    assert costs[tuple(plan.on.ravel().tolist())] == pytest.approx(plan.cost_money, rel=1e-6)


def test_patterns_that_win_differ() -> None:
    """The days above ask for different commitments, so that the comparison says something."""
    plans = {tuple(PROBLEM.solve("operator", random_day(seed)).on.ravel()) for seed in range(8)}
    assert len(plans) >= 4


def test_tangents_are_a_lower_bound_that_rises_with_their_number() -> None:
    day = random_day(3)
    bounds = [
        CommitmentProblem(CommitmentShape(SYSTEM, N_HOUR, n)).solve("operator", day).cost_money
        for n in (2, 3, 5, 9, 33)
    ]
    assert bounds == sorted(bounds)
    assert bounds[-1] - bounds[-2] < 0.1 * (bounds[1] - bounds[0])


def test_minimum_times_that_still_run_and_outages_bind() -> None:
    # Without reserve nothing but these keeps a unit on beside plenty of wind.
    calm = replace(SYSTEM, reserve_load_share=0.0, reserve_wind_share=0.0)
    problem = CommitmentProblem(CommitmentShape(calm, N_HOUR, N_TANGENT))
    day = replace(random_day(0), load_mw=np.full(N_HOUR, 5.0), wind_mw=np.full(N_HOUR, 40.0))
    running = SystemState.initial(SYSTEM)
    # From 60 MW it cannot stop at once, from its least output it can.
    assert problem.solve("operator", day, running).on[:, 0].tolist() == [True, False, False, False]
    low = replace(running, gross_mw=np.array([30.0, 0.0]))
    assert not problem.solve("operator", day, low).on[:, 0].any()
    held = problem.solve("operator", day, low, hours_in_state=np.array([1, 5]))
    assert held.on[:, 0].tolist() == [True, False, False, False]
    heavy = replace(day, load_mw=np.full(N_HOUR, 160.0))
    assert problem.solve("operator", heavy, running).on[:, 1].all()
    out = np.array([[True, True], [True, False], [True, False], [True, True]])
    assert not problem.solve("operator", heavy, running, available=out).on[1:3, 1].any()
    tripped = problem.solve("operator", heavy, low, np.array([1, 5]), np.array([[False, True]] * N_HOUR))
    assert not tripped.on[:, 0].any()


def test_a_load_beyond_all_imports_is_named() -> None:
    problem = CommitmentProblem(CommitmentShape(replace(SYSTEM, import_limit_mw=5.0), N_HOUR, N_TANGENT))
    day = replace(random_day(0), load_mw=np.array([60.0, 60.0, 400.0, 60.0]))
    with pytest.raises(InfeasibleError, match=r"agent operator: infeasible: period 2,"):
        problem.solve("operator", day)
