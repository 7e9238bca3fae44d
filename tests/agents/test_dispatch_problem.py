"""The dispatch is physical: AC power flow, tight cones, exclusive storage; what cannot be is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from gridarium.agents.feeder.dispatch import Dispatcher, dispatch_problem
from gridarium.agents.feeder.dispatch_problem import DispatchShape, Renewable
from gridarium.agents.feeder.own_storages import redispatch_problem
from gridarium.agents.optimisation import LocalProblem, Solution
from gridarium.environment.errors import GridariumError, InfeasibleError, RelaxationError
from gridarium.environment.network import Feeder
from gridarium.environment.network_reader import read_feeder
from gridarium.environment.power_flow import AcPowerFlow
from gridarium.environment.storage import StorageRatings
from gridarium.environment.world import World
from gridarium.experiments.benchmarks.dispatch import leader_shape, leader_signals

MakeWorld = Callable[..., World]

CASE33 = read_feeder("case33bw")
LEADER = leader_shape(CASE33)
OWNED = StorageRatings("battery", 0.4, 1.0, 0.1, 0.9, 0.5, 0.95, 0.9, 0.4)


def two_buses(i_max_pu: float = np.inf) -> Feeder:
    return replace(
        CASE33,
        name="two buses",
        bus_labels=(1, 2),
        base_kv=np.full(2, 12.66),
        parent=np.array([0]),
        branch_labels=("line",),
        r_pu=np.array([0.05]),
        x_pu=np.array([0.02]),
        ratio=np.ones(1),
        shift_degree=np.zeros(1),
        g_bus_pu=np.zeros(2),
        b_bus_pu=np.zeros(2),
        g_load_pu=np.zeros(2),
        i_max_pu=np.array([i_max_pu]),
        p_load_mw=np.array([0.0, 0.5]),
        q_load_mvar=np.array([0.0, 0.2]),
        base_mva=1.0,
        slack_vm_pu=1.0,
        x=np.zeros(2),
        y=np.zeros(2),
        fused_labels=(),
    )


def no_units(feeder: Feeder, n_period: int = 1, **change: Any) -> DispatchShape:
    plain = replace(
        LEADER,
        feeder=feeder,
        n_period=n_period,
        turbines=(),
        storages=(),
        renewables=(),
        sites=(),
        wear_cost_per_mwh=(),
        voltage_band_pu=(0.8, 1.2),
    )
    return replace(plain, **change)


def signals_of(shape: DispatchShape, p_mw: float, q_mvar: float, price: float = 400.0) -> dict[str, Any]:
    load = np.zeros((2, shape.n_period))
    load[1] = 1.0
    return {
        "load_p_mw": p_mw * load,
        "load_q_mvar": q_mvar * load,
        "buy_price": np.full(shape.n_period, price),
        "sell_price": np.zeros(shape.n_period),
        "carbon_price": np.zeros(shape.n_period),
        "available_mw": np.zeros((len(shape.renewables), shape.n_period)),
        "initial_mwh": np.zeros(len(shape.storages)),
        "on": np.ones((len(shape.turbines), shape.n_period)),
        "may_buy": np.ones(shape.n_period),
        "may_sell": np.ones(shape.n_period),
    }


def compiled(shape: DispatchShape) -> LocalProblem:
    return dispatch_problem(shape)


def assert_physical(shape: DispatchShape, signals: dict[str, Any], solution: Solution) -> None:
    """Voltages of the AC power flow at the same injections, tight cones, storage one way at a time."""
    p_mw, q_mvar = -np.array(signals["load_p_mw"]).T, -np.array(signals["load_q_mvar"]).T
    site = dict(shape.sites)
    for kind, units in (
        ("turbine", shape.turbines),
        ("renewable", shape.renewables),
        ("storage", shape.storages),
    ):
        for place, unit in enumerate(units):
            if kind == "storage":
                power = solution["p_discharge_mw"][place] - solution["p_charge_mw"][place]
            else:
                power = solution[f"p_{kind}_mw"][place]
            p_mw[:, site[unit.name]] += power
            q_mvar[:, site[unit.name]] += solution[f"q_{kind}_mvar"][place]
    flow = AcPowerFlow(shape.feeder).solve(p_mw, q_mvar)
    np.testing.assert_allclose(np.sqrt(solution["voltage_squared"]).T, flow.vm_pu, rtol=0, atol=1e-5)
    sending = solution["voltage_squared"][shape.feeder.parent] / shape.feeder.ratio[:, None] ** 2
    squares = solution["p_branch_mw"] ** 2 + solution["q_branch_mvar"] ** 2
    np.testing.assert_allclose(squares, solution["current_squared"] * sending, rtol=0, atol=1e-5)
    both = np.minimum(solution["p_charge_mw"], solution["p_discharge_mw"])
    assert both.max(initial=0.0) <= 1e-6


@pytest.mark.parametrize("p_mw", [0.0, 0.5, 2.0, -1.0])
def test_two_buses_have_a_closed_form(p_mw: float) -> None:
    feeder = two_buses()
    shape = no_units(feeder, export_limit_mw=5.0)
    solution = compiled(shape).solve("dso", **signals_of(shape, p_mw, 0.2))
    r, x = float(feeder.r_pu[0]), float(feeder.x_pu[0])
    half = 0.5 - (r * p_mw + x * 0.2)
    squared = half + np.sqrt(half**2 - (r**2 + x**2) * (p_mw**2 + 0.2**2))
    assert solution["voltage_squared"][1, 0] == pytest.approx(squared, abs=1e-7)
    loss = r * (p_mw**2 + 0.2**2) / squared
    net = solution["p_buy_mw"][0] - solution["p_sell_mw"][0]
    assert net == pytest.approx(p_mw + loss, abs=1e-6)


@pytest.mark.parametrize("load_factor", [0.0, 0.5, 1.0, 1.05])
def test_the_leaders_day_is_physical(load_factor: float) -> None:
    signals = leader_signals(LEADER, load_factor)
    assert_physical(LEADER, signals, compiled(LEADER).solve("dso", **signals))


def test_a_warm_dispatch_equals_a_cold_one() -> None:
    warm, first = compiled(LEADER), leader_signals(LEADER)
    warm.solve("dso", **first)
    again = leader_signals(LEADER, 0.93)
    hot, cold = warm.solve("dso", **again), compiled(LEADER).solve("dso", **again)
    assert hot.objective == pytest.approx(cold.objective, rel=1e-7)
    np.testing.assert_allclose(hot["voltage_squared"], cold["voltage_squared"], atol=1e-4)


@pytest.mark.parametrize("price", [0.0, -50.0])
def test_free_and_negatively_priced_energy_ends_physical(price: float) -> None:
    """Relaxed, the plan would burn energy as losses and in storages that charge and discharge at once."""
    shape = replace(LEADER, n_period=6, storages=LEADER.storages[:1], import_limit_mw=6.0)
    day = leader_signals(LEADER)
    cut = {
        name: value[..., 9:15] if np.shape(value) and np.shape(value)[-1] == 24 else value
        for name, value in day.items()
    }
    cut |= {"buy_price": np.full(6, price), "initial_mwh": np.array([0.5])}
    problem = compiled(shape)
    assert_physical(shape, cut, problem.solve("dso", **cut))
    assert problem.refinements >= 1 or price == 0.0


def test_a_price_beyond_all_others_hides_none_of_them() -> None:
    """A storage that nobody would discharge; energy is burnt beside it, so that plans are refined."""
    storage = LEADER.storages[0]
    day = {
        name: value[..., 9:13] if np.shape(value) and np.shape(value)[-1] == 24 else value
        for name, value in leader_signals(LEADER).items()
    }
    day |= {"buy_price": np.array([-50.0, -50.0, 0.0, 0.0]), "initial_mwh": np.array([0.5])}
    costs = []
    for wear_per_mwh in (1e3, 1e6):
        wear = ((storage.name, wear_per_mwh),)
        shape = replace(LEADER, n_period=4, storages=(storage,), wear_cost_per_mwh=wear)
        problem = compiled(shape)
        solution = problem.solve("dso", **day)
        assert_physical(shape, day, solution)
        assert problem.refinements == 1
        costs.append(solution.objective)
    assert costs[1] == pytest.approx(costs[0], rel=1e-5)


def test_a_branch_that_carries_nothing_has_no_current_by_the_slack_of_its_cone(
    make_world: MakeWorld,
) -> None:
    """An interior point leaves a millionth in a cone, of which the root would be a current."""
    shape = no_units(two_buses(), export_limit_mw=5.0)
    problem = compiled(shape)
    solution = problem.solve("dso", **signals_of(shape, 0.0, 0.0))
    squared = solution.x.copy()
    block = problem.form.decisions["current_squared"]
    squared[block.start : block.stop] = 1e-6
    slack = Solution(problem.form, squared, solution.signals)
    dispatcher = Dispatcher(make_world(), "dso", shape)
    assert dispatcher.currents_pu(slack).max() <= 1e-6


def test_what_only_losses_could_cure_is_refused() -> None:
    """The substation is above the band: only invented currents could bring the voltage down."""
    feeder = replace(two_buses(), slack_vm_pu=1.1)
    shape = no_units(feeder, voltage_band_pu=(0.95, 1.05))
    with pytest.raises((RelaxationError, InfeasibleError), match="agent dso: ") as refused:
        compiled(shape).solve("dso", **signals_of(shape, 0.01, 0.0))
    assert str(refused.value).count("as far as was searched") <= 1


def test_a_branch_rating_is_kept_or_refused_by_name() -> None:
    shape = no_units(two_buses(i_max_pu=0.6))
    solution = compiled(shape).solve("dso", **signals_of(shape, 0.5, 0.2))
    assert solution["current_squared"].max() <= 0.36 + 1e-7
    with pytest.raises(InfeasibleError, match=r"agent dso: infeasible: .*period 0.*current limit"):
        compiled(shape).solve("dso", **signals_of(shape, 0.7, 0.2))


def test_too_low_a_voltage_is_refused_by_name() -> None:
    shape = no_units(two_buses(), voltage_band_pu=(0.98, 1.05))
    with pytest.raises(InfeasibleError, match=r"agent dso: infeasible: .*period 0.*voltage band"):
        compiled(shape).solve("dso", **signals_of(shape, 0.9, 0.2))


@pytest.mark.parametrize("n_period", [1, 96])
def test_short_and_long_horizons(n_period: int) -> None:
    shape = no_units(two_buses(), n_period=n_period)
    solution = compiled(shape).solve("dso", **signals_of(shape, 0.5, 0.2))
    assert solution["p_buy_mw"].shape == (n_period,)
    assert np.ptp(solution["p_buy_mw"]) <= 1e-6


def test_loads_of_the_wrong_orientation_are_refused() -> None:
    signals = leader_signals(LEADER)
    signals["load_p_mw"] = np.transpose(signals["load_p_mw"])
    with pytest.raises(GridariumError, match=r"load_p_mw must have shape \(33, 24\), got \(24, 33\)"):
        compiled(LEADER).solve("dso", **signals)


def without_export(**change: object) -> DispatchShape:
    """Two buses without export; an inverter could burn a tenth of a megawatt in the line."""
    return no_units(
        two_buses(),
        2,
        storages=(OWNED,),
        renewables=(Renewable("wind", 2.0),),
        sites=(("battery", 1), ("wind", 1)),
        wear_cost_per_mwh=(("battery", 0.0),),
        export_limit_mw=0.0,
        **change,
    )


@pytest.mark.parametrize("load_mw", [0.0, 0.05])
def test_what_nobody_can_take_is_not_discharged(load_mw: float) -> None:
    own_mw, shape = np.array([[0.4 / 0.95 / 0.9 * 0.9, -0.4 * 0.9]]), without_export()
    day = signals_of(shape, load_mw, 0.0) | {"initial_mwh": np.array([0.5])}
    asked = day | {"own_mw": own_mw, "change_price": 4000.0}
    solution = redispatch_problem(shape).solve("dso", **asked)
    net_mw = solution["p_charge_mw"] - solution["p_discharge_mw"]
    assert -net_mw[0, 1] == pytest.approx(load_mw, abs=1e-3)
    # What is left of the schedules is carried by a dispatch that has no storages at all.
    rest = replace(shape, storages=(), sites=shape.sites[1:], wear_cost_per_mwh=())
    carried = signals_of(rest, load_mw, 0.0)
    carried["load_p_mw"] = carried["load_p_mw"] + np.array([[0.0, 0.0], net_mw[0]])
    found = dispatch_problem(rest).solve("dso", **carried)
    assert found["p_sell_mw"].max() <= 1e-6


def test_what_can_be_taken_stays_as_owners_want_it() -> None:
    own_mw, shape = np.array([[0.4, -0.4 * 0.95 * 0.9]]), without_export()
    day = signals_of(shape, 0.5, 0.1) | {"initial_mwh": np.array([0.5])}
    solution = redispatch_problem(shape).solve("dso", **day, own_mw=own_mw, change_price=4000.0)
    net_mw = solution["p_charge_mw"] - solution["p_discharge_mw"]
    np.testing.assert_allclose(net_mw, own_mw, atol=1e-6)
