"""The leader's dispatch of 33 buses and 24 hours, against a conic solver on the same cones."""

from __future__ import annotations

import statistics
import time
from typing import NamedTuple

import numpy as np

from gridarium.agents.feeder.dispatch import dispatch_problem
from gridarium.agents.feeder.dispatch_problem import DispatchShape, Renewable
from gridarium.agents.optimisation import LocalProblem
from gridarium.environment.arrays import Array
from gridarium.environment.network import Feeder
from gridarium.environment.network_reader import read_feeder
from gridarium.environment.profiles import read_profiles
from gridarium.environment.random_streams import RandomStreams
from gridarium.environment.storage import StorageRatings
from gridarium.environment.thermal_unit import gas_turbine
from gridarium.experiments.benchmarks.conic_reference import solve_conic
from gridarium.experiments.reading.scenario_files import profile_path

N_REPEATS = 11
LOAD_CHANGE = 0.05
WHOLESALE_SHARE = 0.6
CARBON_PRICE_PER_TCO2 = 73.65
TURBINES = (
    gas_turbine("turbine_12", 0.0, 1.0, 0.015, 20.0, 100.0, 1.25, 0.43),
    gas_turbine("turbine_25", 0.0, 1.2, 0.02, 35.0, 150.0, 1.5, 0.43),
)
STORAGES = tuple(
    StorageRatings(name, p_mw, 2.0 * p_mw, 0.1, 0.9, 0.5, 0.92, 0.95, p_mw)
    for name, p_mw in (("storage_7", 0.5), ("storage_14", 0.4), ("storage_24", 0.8))
)
SITES = {
    "turbine_12": 12,
    "turbine_25": 25,
    "storage_7": 7,
    "storage_14": 14,
    "storage_24": 24,
    "pv": 6,
    "wind": 3,
}


class _Sample(NamedTuple):
    """One re-dispatch by both solvers."""

    compiled_s: float
    conic_s: float
    setup_s: float
    rounds: int
    cost_difference: float
    cone_gap: float


def bench_dispatch() -> dict[str, float]:
    """Re-dispatch after load changes of up to 5 % each hour, warm, against Clarabel on the same form.

    Returns
    -------
    dict of str to float
        `compiled_to_conic`: time of a whole `LocalProblem.solve` over Clarabel's solve alone, median of the
        changes; `largest_cost_difference`, relative; `largest_cone_gap` in units of the cones (MW squared);
        `largest_rounds`: quadratic programmes of a re-dispatch; times in ms, Clarabel's setup apart.

    Raises
    ------
    GridariumError
        If Clarabel is not installed.
    """
    shape = leader_shape(read_feeder("case33bw"))
    problem = dispatch_problem(shape)
    problem.solve("leader", **leader_signals(shape))
    random = RandomStreams(1).stream("load changes")
    samples = [
        _compare(
            problem, leader_signals(shape, 1.0 + random.uniform(-LOAD_CHANGE, LOAD_CHANGE, shape.n_period))
        )
        for _ in range(N_REPEATS)
    ]
    return {
        "compiled_to_conic": statistics.median(s.compiled_s / s.conic_s for s in samples),
        "largest_cost_difference": max(s.cost_difference for s in samples),
        "largest_cone_gap": max(s.cone_gap for s in samples),
        "largest_rounds": float(max(s.rounds for s in samples)),
        "compiled_ms": 1e3 * statistics.median(s.compiled_s for s in samples),
        "conic_solve_ms": 1e3 * statistics.median(s.conic_s for s in samples),
        "conic_setup_ms": 1e3 * statistics.median(s.setup_s for s in samples),
    }


def leader_shape(feeder: Feeder) -> DispatchShape:
    """The operator's units on the 33-bus feeder, over 24 hours."""
    profiles = read_profiles(profile_path("adcef-high-res"))
    renewables = (
        Renewable("pv", 1.1 * profiles.column("pv_mw").max()),
        Renewable("wind", 1.1 * profiles.column("wind_mw").max()),
    )
    return DispatchShape(
        feeder=feeder,
        turbines=TURBINES,
        storages=STORAGES,
        renewables=renewables,
        sites=tuple((name, feeder.index(label)) for name, label in SITES.items()),
        wear_cost_per_mwh=tuple((storage.name, 0.0) for storage in STORAGES),
        n_period=24,
        period_h=1.0,
        voltage_band_pu=(0.95, 1.05),
        loading_max=1.0,
        import_limit_mw=10.0,
        export_limit_mw=0.0,
        loss_price_per_mwh=1.0,
    )


def leader_signals(shape: DispatchShape, load_factor: Array | float = 1.0) -> dict[str, Array | float]:
    """Prices, renewables and loads of the high-renewables day, loads times a factor each hour."""
    profiles, feeder = read_profiles(profile_path("adcef-high-res")), shape.feeder
    share = feeder.p_load_mw / feeder.p_load_mw.sum()
    load_mw = load_factor * profiles.column("load_mw")
    carbon = CARBON_PRICE_PER_TCO2 * profiles.column("grid_tco2_per_mwh")
    return {
        "load_p_mw": np.outer(share, load_mw),
        "load_q_mvar": np.outer(share, load_mw) * feeder.q_load_mvar.sum() / feeder.p_load_mw.sum(),
        "buy_price": WHOLESALE_SHARE * profiles.column("tou_price_per_mwh") + carbon,
        "sell_price": np.zeros(shape.n_period),
        "carbon_price": np.full(shape.n_period, CARBON_PRICE_PER_TCO2),
        "available_mw": np.array([profiles.column("pv_mw"), profiles.column("wind_mw")]),
        "on": np.ones((len(shape.turbines), shape.n_period)),
        "may_buy": np.ones(shape.n_period),
        "may_sell": np.ones(shape.n_period),
        "initial_mwh": [storage.soc_initial * storage.e_max_mwh for storage in shape.storages],
    }


def _compare(problem: LocalProblem, signals: dict[str, Array | float]) -> _Sample:
    """Solve on the live problem, then by Clarabel from scratch, which it always starts from."""
    started = time.perf_counter()
    solution = problem.solve("leader", **signals)
    compiled_s = time.perf_counter() - started
    form, rounds = problem.form, problem.cone_rounds
    numbers = form.at(solution.signals)
    conic = solve_conic(form, numbers)
    gap = np.abs(form.cones.violation(solution.x, numbers.cone_upper))[form.cones.rotated].max()
    difference = abs(numbers.cost @ solution.x - conic.cost) / abs(conic.cost)
    return _Sample(compiled_s, conic.solve_s, conic.setup_s, rounds, float(difference), float(gap))
