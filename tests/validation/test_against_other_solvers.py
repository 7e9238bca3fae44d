"""Compiled answers against Pyomo's own HiGHS (LP, MILP, QP) and against Clarabel (cones)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pyomo.environ as pyo
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridarium.agents.feeder.consumer_problem import ConsumerShape, build_consumer_model
from gridarium.agents.feeder.dispatch import dispatch_problem
from gridarium.agents.feeder.dispatch_problem import SIGNALS as DISPATCH_SIGNALS
from gridarium.agents.feeder.dispatch_problem import build_dispatch_model
from gridarium.agents.optimisation import LocalProblem
from gridarium.agents.solving.cone_solver import ConeSolver
from gridarium.agents.solving.standard_form import compile_model
from gridarium.agents.storage.storage_problem import SIGNALS as STORAGE_SIGNALS
from gridarium.agents.storage.storage_problem import StorageShape, build_storage_model
from gridarium.environment.errors import InfeasibleError, SolveError
from gridarium.environment.network import Feeder
from gridarium.environment.network_reader import read_feeder
from gridarium.environment.storage import StorageRatings
from gridarium.experiments.benchmarks.dispatch import leader_shape, leader_signals

pytest.importorskip("clarabel")
from gridarium.experiments.benchmarks.conic_reference import solve_conic

SEED = st.integers(0, 2**32 - 1)
POOL = StorageRatings("pool", 0.5, 1.0, 0.1, 0.9, 0.5, 0.92, 0.95, 0.5)
LEADER = leader_shape(read_feeder("case33bw"))


def pyomo_optimum(model: Any, signals: dict[str, Any]) -> float | None:
    """Objective of Pyomo's HiGHS with the signals fixed; None where HiGHS finds no answer."""
    from pyomo.contrib.solver.common.factory import SolverFactory
    from pyomo.contrib.solver.common.results import SolutionStatus

    for name, value in signals.items():
        for data, number in zip(getattr(model, name).values(), np.ravel(value), strict=True):
            data.fix(float(number))
    results = SolverFactory("highs").solve(
        model, load_solutions=False, raise_exception_on_nonoptimal_result=False
    )
    solved = results.solution_status == SolutionStatus.optimal
    return float(results.incumbent_objective) if solved else None


STORAGE = {
    n: LocalProblem.compile(build_storage_model(StorageShape(POOL, n, 24.0 / n, 3.0)), STORAGE_SIGNALS)
    for n in (24, 96)
}


@settings(max_examples=25, deadline=None)
@given(SEED, st.sampled_from([24, 96]))
def test_storage_lp_equals_pyomos_highs(seed: int, n_period: int) -> None:
    random = np.random.default_rng(seed)
    buy = random.uniform(-50.0, 1000.0, n_period)
    signals = {"buy_price": buy, "sell_price": buy - 20.0, "initial_mwh": random.uniform(0.1, 0.9)}
    reference = pyomo_optimum(
        build_storage_model(StorageShape(POOL, n_period, 24.0 / n_period, 3.0)), signals
    )
    assert STORAGE[n_period].solve("owner", **signals).objective == pytest.approx(
        reference, rel=1e-6, abs=1e-6
    )


def unit_commitment(n_unit: int = 3, n_period: int = 6) -> Any:
    """Units with minimum output and a cost of being on; an unserved load costs more."""
    m = pyo.ConcreteModel(name="commitment")
    m.unit, m.period = pyo.RangeSet(0, n_unit - 1), pyo.RangeSet(0, n_period - 1)
    m.demand, m.price = pyo.Var(m.period), pyo.Var(m.unit)
    m.on = pyo.Var(m.unit, m.period, domain=pyo.Binary)
    m.power = pyo.Var(m.unit, m.period, bounds=(0, 2))
    m.unserved = pyo.Var(m.period, bounds=(0, None))
    m.least = pyo.Constraint(m.unit, m.period, rule=lambda m, u, t: m.power[u, t] >= 0.5 * m.on[u, t])
    m.most = pyo.Constraint(m.unit, m.period, rule=lambda m, u, t: m.power[u, t] <= 2.0 * m.on[u, t])
    m.balance = pyo.Constraint(
        m.period, rule=lambda m, t: sum(m.power[u, t] for u in m.unit) + m.unserved[t] == m.demand[t]
    )
    running = sum(m.price[u] * m.power[u, t] + (3 + u) * m.on[u, t] for u in m.unit for t in m.period)
    m.cost = pyo.Objective(expr=running + 50 * sum(m.unserved[t] for t in m.period))
    return m


COMMITMENT = LocalProblem.compile(unit_commitment(), ["demand", "price"])


@settings(max_examples=25, deadline=None)
@given(SEED)
def test_commitment_milp_equals_pyomos_highs(seed: int) -> None:
    random = np.random.default_rng(seed)
    signals = {"demand": random.uniform(0.0, 7.0, 6), "price": random.uniform(5.0, 30.0, 3)}
    reference = pyomo_optimum(unit_commitment(), signals)
    assert COMMITMENT.solve("owner", **signals).objective == pytest.approx(reference, rel=1e-6, abs=1e-6)


SHAPES = [
    ConsumerShape(24, 1.0),
    ConsumerShape(24, 1.0, has_shift_limit=True),
    ConsumerShape(24, 1.0, battery_efficiency=(0.95, 0.95)),
    ConsumerShape(96, 0.25, has_shift_limit=True, battery_efficiency=(0.9, 0.95)),
]
CONSUMERS = {shape: LocalProblem.compile(build_consumer_model(shape), shape.signals) for shape in SHAPES}


@settings(max_examples=40, deadline=None)
@given(SEED, st.sampled_from(SHAPES))
def test_consumer_qp_equals_pyomos_highs(seed: int, shape: ConsumerShape) -> None:
    random, n = np.random.default_rng(seed), shape.n_period
    base, price = random.uniform(0.4, 1.0, n), random.normal(0.0, 0.5, n)
    signals: dict[str, Any] = {"wanted_shift": -price, "most_up": 0.2 * base, "most_down": 0.2 * base}
    if shape.has_shift_limit:
        signals["shift_limit_h"] = random.uniform(0.1, 3.0)
    if shape.battery_efficiency:
        signals |= {"headroom": 1.0 - base, "price": price, "battery_power": 0.2}
        signals |= {"least_energy_h": 0.1, "most_energy_h": 0.9, "first_energy_h": random.uniform(0.1, 0.9)}
    reference = pyomo_optimum(build_consumer_model(shape), signals)
    # HiGHS's active-set QP gives up on some of these; it is no reference then.
    if reference is not None:
        ours = CONSUMERS[shape].solve("home", **signals).objective
        assert ours == pytest.approx(reference, rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("load_factor", [0.0, 0.4, 1.0, 1.05])
@pytest.mark.parametrize("price_change", [-0.9, 0.0, 1.0])
def test_dispatch_equals_clarabel(load_factor: float, price_change: float) -> None:
    problem = dispatch_problem(LEADER)
    form = problem.form
    problem.solve("dso", **leader_signals(LEADER))
    signals = leader_signals(LEADER, load_factor)
    signals["buy_price"] = (1.0 + price_change) * signals["buy_price"]
    solution = problem.solve("dso", **signals)
    numbers = form.at(solution.signals)
    cost, reference = numbers.cost @ solution.x, solve_conic(form, numbers).cost
    # Where energy is free the relaxation burns some of it, so a refined plan costs a little more.
    allowed = 1e-3 if problem.refinements else 1e-5
    assert -1e-5 <= (cost - reference) / (1.0 + abs(reference)) <= allowed
    assert form.cones.violation(solution.x, numbers.cone_upper).max() <= 1e-7


def random_feeder(random: np.random.Generator) -> Feeder:
    """A tree of 2 to 12 buses, resistive or inductive, with or without ratings."""
    n = int(random.integers(2, 13))
    size, angle = 10 ** random.uniform(-3.5, -1.5, n - 1), random.uniform(0.1, 1.4)
    p_mw = random.uniform(0.0, 0.2, n) * (np.arange(n) > 0)
    rating = random.uniform(1.5, 4.0) * p_mw.sum() if random.random() < 0.3 else np.inf
    return replace(
        LEADER.feeder,
        name="random",
        base_mva=1.0,
        bus_labels=tuple(range(n)),
        base_kv=np.full(n, 12.66),
        parent=np.array([random.integers(max(0, i - 2), i + 1) for i in range(n - 1)]),
        branch_labels=tuple(str(i) for i in range(n - 1)),
        r_pu=size * np.cos(angle),
        x_pu=size * np.sin(angle),
        ratio=np.ones(n - 1),
        shift_degree=np.zeros(n - 1),
        g_bus_pu=np.zeros(n),
        b_bus_pu=np.zeros(n),
        i_max_pu=np.full(n - 1, rating),
        p_load_mw=p_mw,
        q_load_mvar=0.4 * p_mw,
        x=np.zeros(n),
        y=np.zeros(n),
        fused_labels=(),
    )


@pytest.mark.parametrize("seed", range(40))
def test_random_dispatches_equal_clarabels_or_are_infeasible_for_both(seed: int) -> None:
    """The relaxation alone, of random trees, units, loads and prices, free and negative ones too."""
    random = np.random.default_rng(seed)
    feeder, n_period = random_feeder(random), int(random.choice([1, 3, 8]))
    shape = replace(
        LEADER,
        feeder=feeder,
        n_period=n_period,
        sites=tuple((name, int(random.integers(feeder.n_bus))) for name, _ in LEADER.sites),
        voltage_band_pu=tuple(random.choice([(0.95, 1.05), (0.9, 1.1), (0.99, 1.01)])),
        import_limit_mw=float(random.choice([1.0, 10.0])),
        export_limit_mw=float(random.choice([0.0, 2.0])),
    )
    form = compile_model(build_dispatch_model(shape), DISPATCH_SIGNALS)
    solver = ConeSolver(form)
    for _ in range(3):
        load = random.uniform(0.0, 1.2, n_period) * random.choice([0.0, 1.0, 3.0])
        price = random.uniform(*random.choice([(300.0, 900.0), (0.0, 0.1), (-40.0, 400.0)]), n_period)
        given_signals = {
            "load_p_mw": np.outer(feeder.p_load_mw, load),
            "load_q_mvar": np.outer(feeder.q_load_mvar, load),
            "buy_price": price,
            "sell_price": price - 30.0,
            "carbon_price": random.uniform(0.0, 150.0, n_period),
            "available_mw": random.uniform(0.0, 1.0, (2, n_period)),
            "on": np.ones((len(shape.turbines), n_period)),
            "may_buy": np.ones(n_period),
            "may_sell": np.ones(n_period),
            "initial_mwh": random.uniform(0.2, 0.7, 3),
        }
        values = np.concatenate([np.ravel(given_signals[name]) for name in form.signals])
        numbers = form.at(values)
        try:
            reference = solve_conic(form, numbers).cost
        except SolveError:
            with pytest.raises(InfeasibleError):
                solver.solve(numbers)
            continue
        x = solver.solve(numbers)
        assert form.cones.violation(x, numbers.cone_upper).max() <= 1e-6
        # Better than Clarabel is right as well: where energy is burnt its currents have few digits left.
        assert numbers.cost @ x <= reference + 1e-5 * (1.0 + abs(reference))


def test_a_missing_clarabel_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    from gridarium.environment.errors import GridariumError

    monkeypatch.setitem(sys.modules, "clarabel", None)
    form = compile_model(build_dispatch_model(LEADER), DISPATCH_SIGNALS)
    with pytest.raises(GridariumError, match=r"pip install gridarium\[reference\]"):
        solve_conic(form, form.at(np.zeros(sum(b.stop - b.start for b in form.signals.values()))))
