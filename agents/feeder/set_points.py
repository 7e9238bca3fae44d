"""A dispatch that follows set points: what the network makes of a leader's own plan."""

from __future__ import annotations

from dataclasses import astuple, dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
import pyomo.environ as pyo

from gridarium.agents.feeder.dispatch import Commitment, Dispatch, DispatchDay, Dispatcher
from gridarium.agents.feeder.dispatch_problem import SIGNALS, DispatchShape, build_dispatch_model
from gridarium.agents.optimisation import LocalProblem, Solution
from gridarium.agents.solving.standard_form import StandardForm, compile_model
from gridarium.environment.arrays import Array
from gridarium.environment.commons import Commons
from gridarium.environment.power_flow import AcPowerFlow
from gridarium.environment.power_flow_slopes import PowerFlowSlopes

HEAD_PRICE, TURBINE_PRICE, RENEWABLE_PRICE = 100.0, 50.0, 10.0
"""What a MWh counts in every period: import is kept small, and what is too much is taken back from turbines
before renewables, at a price above zero, so that it is not burnt in losses; money/MWh."""

APART_PRICE = 1e3
"""Price of a MW by which a unit goes beyond its set point, or a storage off it: more than any loss that this
could save, money/MWh."""


@dataclass(frozen=True)
class SetPoints:
    """What units are to feed in, MW, shape (n_unit, n_period); of storages less what they draw."""

    turbine_mw: Array
    renewable_mw: Array
    storage_mw: Array


@dataclass(frozen=True)
class Trial:
    """A dispatch near set points.

    Parameters
    ----------
    dispatch : Dispatch
        Its cost is the true one, and its nodal prices are those of import at held units.
    missed_mw : ndarray, shape (n_period,)
        Largest distance of a unit from its set point.
    """

    dispatch: Dispatch
    missed_mw: Array


@dataclass(frozen=True)
class PointFlow:
    """The power flow of set points, whether or not it keeps the limits of the network.

    Parameters
    ----------
    net_mw : ndarray, shape (n_period,)
        What passes the head.
    vm_pu : ndarray, shape (n_period, n_bus)
    i_pu : ndarray, shape (n_period, n_branch)
    load_p_mw : ndarray, shape (n_bus, n_period)
    slopes : PowerFlowSlopes
        At this flow.
    """

    net_mw: Array
    vm_pu: Array
    i_pu: Array
    load_p_mw: Array
    slopes: PowerFlowSlopes


def build_set_point_model(shape: DispatchShape) -> Any:
    """The dispatch of a shape with units drawn to set points, as a Pyomo model.

    Notes
    -----
    C10, C11, A13 to A17, A20 as in the dispatch of least cost, whose cost gives way to one that only keeps to
    the set points.
    """
    m = build_dispatch_model(shape)
    m.turbine_set_mw = pyo.Var(m.turbine, m.period)
    m.renewable_set_mw = pyo.Var(m.renewable, m.period)
    m.storage_set_mw = pyo.Var(m.storage, m.period)
    m.turbine_beyond = pyo.Var(m.turbine, m.period, bounds=(0, None))
    m.renewable_beyond = pyo.Var(m.renewable, m.period, bounds=(0, None))
    m.storage_apart = pyo.Var(m.storage, m.period, bounds=(0, None))
    m.turbine_point = _beyond(m.p_turbine_mw, m.turbine_set_mw, m.turbine_beyond)
    m.renewable_point = _beyond(m.p_renewable_mw, m.renewable_set_mw, m.renewable_beyond)
    m.storage_above, m.storage_below = (_apart(m, sign) for sign in (1.0, -1.0))
    m.cost_money.deactivate()
    head = sum(m.p_buy_mw[t] - m.p_sell_mw[t] for t in m.period)
    units = TURBINE_PRICE * _sum(m.p_turbine_mw) + RENEWABLE_PRICE * _sum(m.p_renewable_mw)
    apart = _sum(m.turbine_beyond) + _sum(m.renewable_beyond) + _sum(m.storage_apart)
    m.kept_money = pyo.Objective(
        expr=shape.period_h * (HEAD_PRICE * head + units + APART_PRICE * apart + _sum(m.quadratic_cost_per_h))
    )
    return m


def _beyond(power: Any, wanted: Any, beyond: Any) -> Any:
    """P <= P_set + beyond, MW."""
    return pyo.Constraint(power.index_set(), rule=lambda m, i, t: power[i, t] <= wanted[i, t] + beyond[i, t])


def _apart(m: Any, sign: float) -> Any:
    """apart >= +-(P_dis - P_ch - P_set), MW."""
    return pyo.Constraint(
        m.storage,
        m.period,
        rule=lambda m, s, t: (
            m.storage_apart[s, t]
            >= sign * (m.p_discharge_mw[s, t] - m.p_charge_mw[s, t] - m.storage_set_mw[s, t])
        ),
    )


def _sum(variable: Any) -> Any:
    return sum(variable[key] for key in variable)


@lru_cache(maxsize=8)
def set_point_form(shape: DispatchShape) -> StandardForm:
    """The compiled problem of a shape."""
    model = build_set_point_model(shape)
    return compile_model(model, (*SIGNALS, "turbine_set_mw", "renewable_set_mw", "storage_set_mw"))


class SetPointDispatcher:
    """Tries out set points on the network of one DSO.

    Parameters
    ----------
    world : Commons
        Shares the compiled problem.
    dispatcher : Dispatcher
        Of the same shape; reads solutions.
    """

    def __init__(self, world: Commons, dispatcher: Dispatcher) -> None:
        self._world, self._dispatcher, self.shape = world, dispatcher, dispatcher.shape
        self._power_flow = AcPowerFlow(self.shape.feeder)

    def attempt(self, day: DispatchDay, points: SetPoints) -> Trial | None:
        """The dispatch nearest to set points, or None where no power flow is found that supplies the loads.

        What passes the head is what is left over, whichever way it goes; units that are off stay off.
        """
        flat = np.ones(self.shape.n_period)
        day = replace(day, commitment=Commitment(day.commitment.on, flat, flat))
        key = ("set points", self.shape)
        problem: LocalProblem = self._world.shared(key, lambda: LocalProblem(set_point_form(self.shape)))
        signals = day.signals | {
            "turbine_set_mw": points.turbine_mw,
            "renewable_set_mw": points.renewable_mw,
            "storage_set_mw": points.storage_mw,
        }
        solution = problem.attempt(self._dispatcher.owner, **signals)
        return None if solution is None else self._trial(problem, solution, day, points)

    def flow(self, day: DispatchDay, points: SetPoints, like: Dispatch) -> PointFlow:
        """The power flow of set points as they are, with the reactive power of a dispatch.

        Raises
        ------
        PowerFlowError
            If it has no solution.
        """
        p_mw, q_mvar = -day.load_p_mw, -day.load_q_mvar
        active = np.concatenate([points.turbine_mw, points.renewable_mw, points.storage_mw])
        reactive = np.concatenate([like.turbine_mvar, like.renewable_mvar, like.storage_mvar])
        sites = dict(self.shape.sites)
        kinds = (self.shape.turbines, self.shape.renewables, self.shape.storages)
        at = np.array([sites[unit.name] for units in kinds for unit in units], dtype=np.int64)
        np.add.at(p_mw, at, active)
        np.add.at(q_mvar, at, reactive)
        flow = self._power_flow.solve(p_mw.T, q_mvar.T)
        slopes = PowerFlowSlopes(self.shape.feeder, flow)
        return PointFlow(flow.p_slack_mw, flow.vm_pu, flow.i_pu, day.load_p_mw, slopes)

    def _trial(self, problem: LocalProblem, solution: Solution, day: DispatchDay, points: SetPoints) -> Trial:
        dispatch = self._dispatcher.read(problem, solution, day)
        units = SetPoints(
            dispatch.turbine_mw, dispatch.renewable_mw, dispatch.discharge_mw - dispatch.charge_mw
        )
        lost_per_drawn = self.flow(day, units, dispatch).slopes.lost_per_drawn()
        market = day.conditions
        carbon_per_mwh = day.counted_carbon_per_tco2 * market.grid_factor_tco2_per_mwh
        import_price = market.wholesale_price_per_mwh + carbon_per_mwh
        cost = self._cost_money(dispatch, day)
        nodal = replace(
            dispatch,
            cost_money=cost,
            # What the relaxation falls short of by, in the problem that was solved.
            bound_money=cost - (dispatch.cost_money - dispatch.bound_money),
            price_per_mwh=import_price * (1.0 + lost_per_drawn),
            price_per_mvarh=np.zeros_like(lost_per_drawn),
        )
        apart = [
            np.abs(done - wanted).max(axis=0, initial=0.0)
            for done, wanted in zip(astuple(units), astuple(points), strict=True)
        ]
        return Trial(nodal, np.max(apart, axis=0))

    def _cost_money(self, dispatch: Dispatch, day: DispatchDay) -> float:
        """What the dispatch of least cost counts as its cost, here worked out from the powers (C9)."""
        market, shape = day.conditions, self.shape
        supply = self._dispatcher.supply(dispatch, market)
        per_h = (
            market.wholesale_price_per_mwh * dispatch.buy_mw
            - market.export_price_per_mwh * dispatch.sell_mw
            + day.counted_carbon_per_tco2 * supply.emission_t_per_h
            + self._dispatcher.wear_cost_per_h(dispatch)
        ).sum()
        for turbine, power, on in zip(shape.turbines, dispatch.turbine_mw, dispatch.on, strict=True):
            per_h += float(turbine.fuel_cost_per_h(power, on).sum())
        fed = dispatch.buy_mw - dispatch.sell_mw + supply.turbine_mw + supply.renewable_mw
        fed = fed + (dispatch.discharge_mw - dispatch.charge_mw).sum(axis=0)
        lost = float((fed - day.load_p_mw.sum(axis=0)).sum())
        for storage, into, out in zip(shape.storages, dispatch.charge_mw, dispatch.discharge_mw, strict=True):
            lost += (1.0 - storage.efficiency_charge) * float(into.sum())
            lost += (1.0 / storage.efficiency_discharge - 1.0) * float(out.sum())
        return float(per_h + shape.loss_price_per_mwh * lost) * shape.period_h
