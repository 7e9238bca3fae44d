"""Refined dispatches against pandapower's power flow, SCIP's global optimum, and slopes of their own cost."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pandapower as pp
import pandapower.networks as nw
import pytest

from gridarium.agents.feeder.dispatch import dispatch_problem
from gridarium.agents.feeder.dispatch_problem import DispatchShape
from gridarium.agents.optimisation import LocalProblem, Solution
from gridarium.agents.solving.standard_form import Numbers, StandardForm
from gridarium.environment.arrays import Array
from gridarium.environment.network import Feeder
from gridarium.environment.network_reader import read_feeder
from gridarium.experiments.benchmarks.dispatch import leader_shape, leader_signals

CASE33 = read_feeder("case33bw")
LEADER = leader_shape(CASE33)
NOON = slice(10, 16)
PRICES = {
    "noon": np.array([400.0, -120.0, -300.0, -80.0, -1.0, 500.0]),
    "day": np.array([-20.0, -980.0, -500.0, -980.0, -300.0, -600.0]),
}


def short_day(shape: DispatchShape, price: Array) -> dict[str, Any]:
    day = leader_signals(shape)
    cut = {
        name: value[..., NOON] if np.shape(value) and np.shape(value)[-1] == 24 else value
        for name, value in day.items()
    }
    return cut | {"buy_price": price}


def injections(shape: DispatchShape, signals: dict[str, Any], solution: Solution) -> tuple[Array, Array]:
    """What each bus gives to the feeder, MW and Mvar, shape (n_bus, n_period)."""
    p_mw, q_mvar = -np.array(signals["load_p_mw"]), -np.array(signals["load_q_mvar"])
    site = dict(shape.sites)
    for kind in ("turbine", "renewable", "storage"):
        units = {"turbine": shape.turbines, "renewable": shape.renewables, "storage": shape.storages}[kind]
        for place, unit in enumerate(units):
            if kind == "storage":
                power = solution["p_discharge_mw"][place] - solution["p_charge_mw"][place]
            else:
                power = solution[f"p_{kind}_mw"][place]
            p_mw[site[unit.name]] += power
            q_mvar[site[unit.name]] += solution[f"q_{kind}_mvar"][place]
    return p_mw, q_mvar


@pytest.mark.parametrize("name", PRICES)
def test_plans_on_33_buses_are_what_pandapower_flows(name: str) -> None:
    shape = replace(LEADER, n_period=6)
    signals, problem = short_day(shape, PRICES[name]), dispatch_problem(shape)
    solution = problem.solve("dso", **signals)
    assert problem.refinements == 1
    p_mw, q_mvar = injections(shape, signals, solution)
    net = nw.case33bw()
    net.load.drop(net.load.index, inplace=True)
    buses = [label - 1 for label in shape.feeder.bus_labels]
    for bus in buses:
        pp.create_sgen(net, bus, 0.0, 0.0)
    for t in range(shape.n_period):
        net.sgen["p_mw"], net.sgen["q_mvar"] = p_mw[:, t], q_mvar[:, t]
        pp.runpp(net, tolerance_mva=1e-10)
        voltage = np.sqrt(solution["voltage_squared"][:, t])
        np.testing.assert_allclose(voltage, net.res_bus.vm_pu[buses], rtol=0, atol=1e-7)
        head = solution["p_buy_mw"][t] - solution["p_sell_mw"][t]
        assert head == pytest.approx(net.res_ext_grid.p_mw.sum(), abs=1e-6)
        lost = shape.feeder.r_pu / shape.feeder.base_mva @ solution["current_squared"][:, t]
        assert lost == pytest.approx(net.res_line.pl_mw.sum(), abs=1e-6)
    low, high = shape.voltage_band_pu
    assert np.sqrt(solution["voltage_squared"]).min() >= low - 1e-6
    assert np.sqrt(solution["voltage_squared"]).max() <= high + 1e-6
    assert np.minimum(solution["p_charge_mw"], solution["p_discharge_mw"]).max() == 0.0
    assert problem.bound <= solution.objective + 1e-6


def small_feeder(n_bus: int) -> Feeder:
    """A chain of buses."""
    return replace(
        CASE33,
        name="chain",
        bus_labels=tuple(range(1, n_bus + 1)),
        base_kv=np.full(n_bus, 12.66),
        parent=np.arange(n_bus - 1),
        branch_labels=tuple(f"line {i}" for i in range(n_bus - 1)),
        r_pu=np.full(n_bus - 1, 0.02),
        x_pu=np.full(n_bus - 1, 0.01),
        ratio=np.ones(n_bus - 1),
        shift_degree=np.zeros(n_bus - 1),
        g_bus_pu=np.zeros(n_bus),
        b_bus_pu=np.zeros(n_bus),
        g_load_pu=np.zeros(n_bus),
        i_max_pu=np.full(n_bus - 1, np.inf),
        p_load_mw=np.zeros(n_bus),
        q_load_mvar=np.zeros(n_bus),
        base_mva=1.0,
        slack_vm_pu=1.0,
        x=np.zeros(n_bus),
        y=np.zeros(n_bus),
        fused_labels=(),
    )


def tiny(n_bus: int) -> DispatchShape:
    """One storage and one turbine at the end of a chain, three periods."""
    turbine, storage = LEADER.turbines[0], LEADER.storages[0]
    return replace(
        LEADER,
        feeder=small_feeder(n_bus),
        n_period=3,
        turbines=(turbine,),
        storages=(storage,),
        renewables=(),
        sites=((turbine.name, n_bus - 1), (storage.name, n_bus - 1)),
        wear_cost_per_mwh=((storage.name, 5.0),),
    )


def tiny_signals(shape: DispatchShape, price: Array, load_mw: float = 0.4) -> dict[str, Any]:
    load = np.zeros((shape.feeder.n_bus, 3))
    load[1:] = load_mw * np.array([1.0, 0.7, 1.3])
    return {
        "load_p_mw": load,
        "load_q_mvar": 0.4 * load,
        "buy_price": price,
        "sell_price": np.zeros(3),
        "carbon_price": np.zeros(3),
        "available_mw": np.zeros((0, 3)),
        "initial_mwh": np.array([0.5]),
        "on": np.ones((1, 3)),
        "may_buy": np.ones(3),
        "may_sell": np.ones(3),
    }


def scip_optimum(form: StandardForm, numbers: Numbers) -> tuple[float, float]:
    """Best cost and proven bound of a form whose rotated cones hold with equality, constants left out."""
    pyscipopt = pytest.importorskip("pyscipopt")
    model = pyscipopt.Model()
    model.hideOutput()
    model.setParam("limits/time", 120.0)
    model.setParam("limits/gap", 1e-6)
    x = [
        model.addVar(vtype="B" if whole else "C", lb=None if low == -np.inf else low, ub=high)
        for whole, low, high in zip(
            form.integer, numbers.lower, np.where(np.isinf(numbers.upper), 1e3, numbers.upper), strict=True
        )
    ]
    for row, (start, stop) in enumerate(pairwise(form.rows.indptr)):
        body = pyscipopt.quicksum(form.rows.data[k] * x[form.rows.indices[k]] for k in range(start, stop))
        if numbers.row_lower[row] == numbers.row_upper[row]:
            model.addCons(body == numbers.row_lower[row])
            continue
        if np.isfinite(numbers.row_lower[row]):
            model.addCons(body >= numbers.row_lower[row])
        if np.isfinite(numbers.row_upper[row]):
            model.addCons(body <= numbers.row_upper[row])
    cones = form.cones
    for k in range(len(cones)):
        squares = pyscipopt.quicksum(
            w * x[i] * x[i] for i, w in zip(cones.square[k], cones.weight[k], strict=True) if w
        )
        linear = cones.linear[k].tocoo()
        squares += pyscipopt.quicksum(v * x[i] for i, v in zip(linear.col, linear.data, strict=True))
        if cones.rotated[k]:
            model.addCons(squares == x[cones.epigraph[k]] * x[cones.scale[k]])
        else:
            model.addCons(squares <= numbers.cone_upper[k])
    model.setObjective(pyscipopt.quicksum(c * v for c, v in zip(numbers.cost, x, strict=True) if c))
    model.optimize()
    return float(model.getPrimalbound()), float(model.getDualbound())


def solved(shape: DispatchShape, signals: dict[str, Any]) -> tuple[LocalProblem, Solution]:
    problem = dispatch_problem(shape)
    return problem, problem.solve("dso", **signals)


@pytest.mark.parametrize("n_bus", [2, 3])
@pytest.mark.parametrize(
    "price",
    [[-400.0, 300.0, 500.0], [-980.0, -500.0, -700.0], [-50.0, -50.0, -50.0], [200.0, -1000.0, 100.0]],
)
def test_a_tiny_plan_is_near_scips_global_optimum(n_bus: int, price: list[float]) -> None:
    """Within 2.5 % of gross turnover, for its ends are local; the relaxation's bound lies below both."""
    shape = tiny(n_bus)
    problem, solution = solved(shape, tiny_signals(shape, np.array(price)))
    best, bound = scip_optimum(problem.form, problem.form.at(solution.signals))
    constant = problem.form.constant_at(solution.signals)
    turnover = float(np.abs(price) @ (solution["p_buy_mw"] + solution["p_sell_mw"])) + abs(constant)
    assert problem.refinements == 1
    assert solution.objective - constant >= bound - 1e-3
    assert solution.objective - constant <= best + 0.025 * turnover
    assert problem.bound - constant <= best + 1e-3


@pytest.mark.parametrize("bus", [1, 2])
@pytest.mark.parametrize("period", [0, 1, 2])
def test_nodal_prices_of_a_refined_plan_are_slopes_of_its_cost(bus: int, period: int) -> None:
    shape = tiny(3)
    signals = tiny_signals(shape, np.array([-400.0, 300.0, -200.0]))
    problem, solution = solved(shape, signals)
    assert problem.refinements == 1
    for name in ("load_p_mw", "load_q_mvar"):
        slope = problem.sensitivity(solution, name)[bus, period]
        costs = []
        for step in (1e-4, -1e-4):
            load = signals[name].copy()
            load[bus, period] += step
            costs.append(problem.solve("dso", **{**signals, name: load}).objective)
        assert slope == pytest.approx((costs[0] - costs[1]) / 2e-4, rel=2e-3, abs=0.05)
        solution = problem.solve("dso", **signals)


def test_prices_near_that_of_gas_need_no_refinement() -> None:
    """Where energy is next to free, an inaccurate relaxation leaves cones slack that physics would not."""
    problem = dispatch_problem(LEADER)
    for gas_price in (440.0, 460.0, 480.0, 520.0):
        signals = leader_signals(LEADER)
        signals["buy_price"] = np.maximum(signals["buy_price"], gas_price) * (signals["buy_price"] > 0)
        signals["available_mw"] = 1.5 * np.array(signals["available_mw"])
        solution = problem.solve("dso", **signals)
        assert solution.objective == pytest.approx(problem.bound, rel=1e-6)
    assert (problem.refinements, problem.restarts, problem.rescues) == (0, 0, 0)
