"""The dispatch of a bulk system over its network: branch flows with cones, on top of what any grid has."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import pyomo.environ as pyo

from gridarium.agents.feeder.ac_physics import AcPhysics
from gridarium.agents.feeder.dispatch_problem import SIGNALS, DispatchShape, build_dispatch_model
from gridarium.agents.optimisation import LocalProblem, Solution
from gridarium.agents.problems.carbon_capture import CAPTURE, read_operation
from gridarium.agents.problems.limits import at_most_while
from gridarium.agents.solving.standard_form import StandardForm, compile_model
from gridarium.agents.transmission.bulk_families import (
    carbon_cost,
    declare_carbon,
    missed_tanks,
    running_signals,
    tank_signal,
)
from gridarium.agents.transmission.bulk_system import BulkPlan, BulkState, BulkSystem
from gridarium.agents.transmission.divided import divided_grid, divided_system
from gridarium.environment.arrays import Array, Flags

SIZE_MW = 4.0
"""Nominal load of a part of a network whose dispatch is solved: that of a feeder."""

_EXTRA = ("most_rise_mw", "most_fall_mw", "reserve_mw")


@dataclass(frozen=True)
class NetworkShape:
    """What fixes the structure of the dispatch over a network.

    Parameters
    ----------
    grid : DispatchShape
        Network, places and limits; its units are those of the system, its renewables have inverters.
    system : BulkSystem
    """

    grid: DispatchShape
    system: BulkSystem


@dataclass(frozen=True)
class NetworkDay:
    """What a day is dispatched with.

    Parameters
    ----------
    load_p_mw, load_q_mvar : ndarray, shape (n_bus, n_period)
    available_mw : ndarray, shape (n_renewable, n_period)
    import_price_per_mwh, import_factor_tco2_per_mwh : ndarray, shape (n_period,)
    on : ndarray of bool, shape (n_unit, n_period)
    state : BulkState
        Before the day.
    """

    load_p_mw: Array
    load_q_mvar: Array
    available_mw: Array
    import_price_per_mwh: Array
    import_factor_tco2_per_mwh: Array
    on: Flags
    state: BulkState


def build_network_model(shape: NetworkShape) -> Any:
    """The dispatch of any grid, with ramps, reserve and the carbon ladder of a bulk system (D1 to D10).

    Notes
    -----
    D9 as A13 to A17; D5 is what the losses of the branches cost to supply.
    """
    system, grid = shape.system, shape.grid
    m = build_dispatch_model(grid)
    unit = {u.name: u for u in system.units}
    m.most_rise_mw, m.most_fall_mw = (pyo.Var(m.turbine, m.period) for _ in range(2))
    m.reserve_mw = pyo.Var(m.period)

    def step(i: str, t: int) -> Any:
        return m.p_turbine_mw[i, t] - (m.p_turbine_mw[i, t - 1] if t else 0.0)

    m.ramp_up = pyo.Constraint(
        m.turbine, m.period, rule=lambda m, i, t: step(i, t) <= m.most_rise_mw[i, t], doc="ramp up (MW)"
    )
    m.ramp_down = pyo.Constraint(
        m.turbine, m.period, rule=lambda m, i, t: -step(i, t) <= m.most_fall_mw[i, t], doc="ramp down (MW)"
    )
    m.up_mw, m.down_mw = (pyo.Var(m.turbine, m.period, bounds=(0, None)) for _ in range(2))
    m.up_within_ramp = at_most_while(
        m.up_mw, lambda i: unit[i].ramp_mw_per_h * grid.period_h, lambda i, t: m.on[i, t]
    )
    m.down_within_ramp = at_most_while(
        m.down_mw, lambda i: unit[i].ramp_down_mw_per_h * grid.period_h, lambda i, t: m.on[i, t]
    )
    m.up_within_output = pyo.Constraint(
        m.turbine,
        m.period,
        rule=lambda m, i, t: m.p_turbine_mw[i, t] + m.up_mw[i, t] <= unit[i].p_max_mw * m.on[i, t],
    )
    m.down_within_output = pyo.Constraint(
        m.turbine,
        m.period,
        rule=lambda m, i, t: m.p_turbine_mw[i, t] - m.down_mw[i, t] >= unit[i].p_min_mw * m.on[i, t],
    )
    m.up_short_mw, m.down_short_mw = (pyo.Var(m.period, bounds=(0, None)) for _ in range(2))
    m.reserve_up = _held(m, m.up_mw, m.up_short_mw)
    m.reserve_down = _held(m, m.down_mw, m.down_short_mw)
    absorbed = m.absorbed_tco2_per_h if grid.captures else ()
    declare_carbon(m, system, m.p_turbine_mw, grid.period_h, absorbed)
    short = sum(m.up_short_mw[t] + m.down_short_mw[t] for t in m.period)
    m.cost_money.expr += grid.period_h * system.shortage_cost_per_mwh * short + carbon_cost(m, system)
    if grid.captures:
        m.cost_money.expr += missed_tanks(m, system)
    return m


def _held(m: Any, reserve: Any, short: Any) -> Any:
    return pyo.Constraint(
        m.period, rule=lambda m, t: sum(reserve[i, t] for i in m.turbine) + short[t] >= m.reserve_mw[t]
    )


@lru_cache(maxsize=8)
def network_form(shape: NetworkShape, parts: float) -> tuple[StandardForm, DispatchShape]:
    """The compiled dispatch of one of equal parts, and its network; pure numbers, so shared by all worlds."""
    grid, system = divided_grid(shape.grid, parts), divided_system(shape.system, parts)
    signals = (*SIGNALS, *grid.further_signals, *_EXTRA)
    return compile_model(build_network_model(NetworkShape(grid, system)), signals), grid


class NetworkDispatch:
    """The compiled dispatch of a bulk system over its network, whole days at a time.

    Its problem is that of one of many equal parts, so that a solver sees numbers of a feeder's size: squared
    currents have a base of 1 MVA, and cones of costs are in money.

    Parameters
    ----------
    shape : NetworkShape
    parts : float, optional
        By default such that the nominal load of a part is `SIZE_MW`.
    """

    def __init__(self, shape: NetworkShape, parts: float | None = None) -> None:
        self.shape = shape
        self.parts = float(shape.grid.feeder.p_load_mw.sum()) / SIZE_MW if parts is None else parts
        form, grid = network_form(shape, self.parts)
        self.problem = LocalProblem(form, AcPhysics(grid, form))

    def solve(self, owner: str, day: NetworkDay) -> BulkPlan:
        """Dispatch a day.

        Raises
        ------
        InfeasibleError
            If no flow within all limits supplies the loads with the units that run.
        """
        return self._read(self.problem.solve(owner, **self.signals(day)), day)

    def attempt(self, owner: str, day: NetworkDay) -> BulkPlan | None:
        """Dispatch a day, or None where no power flow is found that supplies its loads within all limits."""
        solution = self.problem.attempt(owner, **self.signals(day))
        return None if solution is None else self._read(solution, day)

    def signals(self, day: NetworkDay) -> dict[str, Any]:
        """Values of the signals of its problem, which is that of a part."""
        grid, system = self.shape.grid, self.shape.system
        running = running_signals(system, day.on, day.state, grid.period_h)
        reserve = system.reserve_mw(day.load_p_mw.sum(axis=0), day.available_mw)
        open_head, parts = np.ones(grid.n_period), self.parts
        tanks = {"tank_arriving_tco2": tank_signal(system, day.state, grid.n_period) / parts}
        return (tanks if grid.captures else {}) | {
            "on": running["on"],
            "most_rise_mw": running["most_rise_mw"] / parts,
            "most_fall_mw": running["most_fall_mw"] / parts,
            "load_p_mw": day.load_p_mw / parts,
            "load_q_mvar": day.load_q_mvar / parts,
            "buy_price": day.import_price_per_mwh,
            "sell_price": np.full(grid.n_period, -system.spill_cost_per_mwh),
            "carbon_price": np.zeros(grid.n_period),
            "available_mw": day.available_mw / parts,
            "initial_mwh": day.state.e_mwh / parts,
            "may_buy": open_head,
            "may_sell": open_head,
            "reserve_mw": reserve / parts,
        }

    def _read(self, solution: Solution, day: NetworkDay) -> BulkPlan:
        grid, system, parts = self.shape.grid, self.shape.system, self.parts
        net = parts * (solution["p_buy_mw"] - solution["p_sell_mw"])
        gross = parts * np.maximum(0.0, solution["p_turbine_mw"]) * day.on
        captured = {name: parts * solution[name] for name in CAPTURE} if grid.captures else {}
        units = read_operation(system.units, captured, gross, day.on)
        renewable = parts * np.maximum(0.0, solution["p_renewable_mw"])
        own = units.emission_t_per_h(system.emission_tco2_per_mwh)
        contents = parts * solution["energy_mwh"]
        powers = [
            storage.powers_mw(inside, float(first), grid.period_h)
            for storage, inside, first in zip(grid.storages, contents, day.state.e_mwh, strict=True)
        ]
        charge, discharge = np.array(powers).reshape(-1, 2, grid.n_period).swapaxes(0, 1)
        load = day.load_p_mw.sum(axis=0)
        fed = net + units.net_mw.sum(axis=0) + renewable.sum(axis=0) + (discharge - charge).sum(axis=0)
        nodal = self.problem.sensitivity(solution, "load_p_mw")
        # One more MW of load asks for more reserve, too, wherever it stands.
        nodal = nodal + system.reserve_load_share * self.problem.sensitivity(solution, "reserve_mw")
        short = np.array([solution["up_short_mw"], solution["down_short_mw"]])
        return BulkPlan(
            on=day.on.astype(float),
            unit_mw=units.net_mw,
            gross_mw=units.gross_mw,
            absorbed_tco2_per_h=units.absorbed_tco2_per_h,
            regenerated_tco2_per_h=units.regenerated_tco2_per_h,
            tank_tco2=units.tank_tco2,
            charge_mw=charge,
            discharge_mw=discharge,
            e_mwh=contents,
            renewable_mw=renewable,
            import_mw=np.maximum(0.0, net),
            spill_mw=np.maximum(0.0, -net),
            loss_mw=fed - load,
            reserve_short_mw=parts * np.maximum(0.0, short),
            price_per_mwh=(nodal * day.load_p_mw).sum(axis=0) / (load * grid.period_h),
            emission_t_per_h=own + day.import_factor_tco2_per_mwh * np.maximum(0.0, net),
            own_t_per_h=own,
            cost_money=parts * solution.objective,
            unit_mvar=parts * solution["q_turbine_mvar"] * day.on,
            storage_mvar=parts * solution["q_storage_mvar"],
            renewable_mvar=parts * solution["q_renewable_mvar"],
        )
