"""The live programme behind the steps of a tied leader: units, head, losses and limits of the network."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import highspy
import numpy as np

from gridarium.agents.leader.tied_problem import TiedProblem
from gridarium.agents.leader.tied_step_problem import TiedAnchor
from gridarium.agents.leader.tied_supply import BarrierPlace, NetworkTangent, TiedPlan
from gridarium.agents.solving.standard_form import StandardForm, compile_model
from gridarium.environment.arrays import Array, Flags

RESTS_MW = 1e-6
"""Power that counts as none."""


class TiedAnswer(NamedTuple):
    """What a step finds.

    Parameters
    ----------
    plan : TiedPlan
    merit_money : float
        Profit, or the distance from a target below zero, less the price of what the tie gives way.
    untied_money : float
        What bills and their carbon differ by, and what is granted beyond the budget, money per day.
    """

    plan: TiedPlan
    merit_money: float
    untied_money: float


@dataclass(frozen=True)
class Directions:
    """Which ways power may go.

    Parameters
    ----------
    may_charge, may_discharge : ndarray of bool, shape (n_storage, n_period)
    may_buy, may_sell : ndarray of bool, shape (n_period,)
    """

    may_charge: Flags
    may_discharge: Flags
    may_buy: Flags
    may_sell: Flags

    @classmethod
    def of(cls, plan: TiedPlan) -> Directions:
        """The prevailing ones of a plan: a storage, or a head, that goes one way cannot go the other."""
        charging, buying = plan.charge_mw >= plan.discharge_mw, plan.buy_mw >= plan.sell_mw
        return cls(charging, ~charging, buying, ~buying)

    @classmethod
    def open_at_rest(cls, plan: TiedPlan) -> Directions:
        """Those of a plan; what rests may go either way."""
        return cls(
            plan.discharge_mw <= RESTS_MW,
            plan.charge_mw <= RESTS_MW,
            plan.sell_mw <= RESTS_MW,
            plan.buy_mw <= RESTS_MW,
        )

    def by_power(self) -> dict[str, Flags]:
        """Where each of the powers of a step may differ from zero."""
        return {
            "p_charge_mw": self.may_charge,
            "p_discharge_mw": self.may_discharge,
            "p_buy_mw": self.may_buy,
            "p_sell_mw": self.may_sell,
        }


_POWERS: Mapping[str, Callable[[TiedPlan], Array]] = {
    "p_buy_mw": lambda plan: plan.buy_mw,
    "p_sell_mw": lambda plan: plan.sell_mw,
    "p_turbine_mw": lambda plan: plan.turbine_mw,
    "p_renewable_mw": lambda plan: plan.renewable_mw,
    "p_charge_mw": lambda plan: plan.charge_mw,
    "p_discharge_mw": lambda plan: plan.discharge_mw,
}
_GIVES = {
    "total_load": -1.0,
    "p_turbine_mw": 1.0,
    "p_renewable_mw": 1.0,
    "p_discharge_mw": 1.0,
    "p_charge_mw": -1.0,
}
"""What a MW of each adds to the balance of a period before losses."""

_HEAD = ("p_buy_mw", "p_sell_mw")
"""Make up for what units and loads leave, within no radius of their own."""


class LiveTiedStep:
    """A model of a step on a live HiGHS object; what moves is sent anew.

    Parameters
    ----------
    problem : TiedProblem
    model : ConcreteModel
        Of that problem.
    start : callable
        Makes the HiGHS object of the compiled model.
    """

    def __init__(
        self, problem: TiedProblem, model: Any, start: Callable[[StandardForm], highspy.Highs]
    ) -> None:
        self.problem = problem
        self._form = compile_model(model, ())
        self._highs = start(self._form)
        rows = {name: i for i, name in enumerate(self._form.row_names)}
        self._rows = rows
        periods, barriers = range(problem.n_period), range(len(problem.supply.barriers))
        self._tie, self._balance, self._barrier = (
            np.array([rows[f"{name}[{i}]"] for i in number], dtype=np.int32)
            for name, number in (("tie", periods), ("balance", periods), ("barrier", barriers))
        )
        self._price, self._load = self._columns("price"), self._columns("total_load")

    def direct(self, directions: Directions | None) -> None:
        """Let power go given ways only, or all ways again."""
        for name in ("p_charge_mw", "p_discharge_mw", "p_buy_mw", "p_sell_mw"):
            columns = self._columns(name)
            most = self._form.upper[columns]
            if directions is not None:
                most = most * directions.by_power()[name].ravel()
            self._bound(name, self._form.lower[columns], most)

    def hold(self, plan: TiedPlan) -> None:
        """Let storages do as in a plan; turbines, renewables and the head make up for loads and losses."""
        self.free()
        for name, power in (("p_charge_mw", plan.charge_mw), ("p_discharge_mw", plan.discharge_mw)):
            self._bound(name, power.ravel(), power.ravel())
        # Levels follow from powers, which keep them to a rounding; bounds would refuse that.
        anything = np.full(plan.charge_mw.size, np.inf)
        self._bound("energy_mwh", -anything, anything)

    def free(self) -> None:
        """Let units and head do whatever they can."""
        for name in (*_POWERS, "energy_mwh"):
            columns = self._columns(name)
            self._bound(name, self._form.lower[columns], self._form.upper[columns])

    def keep_near(self, plan: TiedPlan, radius_mw: float, directions: Directions | None = None) -> None:
        """Let units move no further than a radius from a plan, and power go given ways only."""
        self.free()
        allowed = {} if directions is None else directions.by_power()
        for name, power in _POWERS.items():
            columns, here = self._columns(name), power(plan).ravel()
            low, high = self._form.lower[columns], self._form.upper[columns]
            if name not in _HEAD:
                low, high = (np.clip(here + move, low, high) for move in (-radius_mw, radius_mw))
            if name in allowed:
                low, high = (bound * allowed[name].ravel() for bound in (low, high))
            self._bound(name, low, high)

    def see(self, losses: NetworkTangent, barriers: Mapping[BarrierPlace, NetworkTangent]) -> None:
        """Take losses and limits of the network from other tangents."""
        problem, columns, highs = self.problem, self._columns, self._highs
        supply = replace(problem.supply, losses=losses, barriers=barriers)
        self.problem = replace(problem, supply=supply)
        of_losses = _coefficients(losses)
        # The compiled row may have either side on the left: import tells which.
        side = np.array(
            [self._form.rows[row, buy] for row, buy in zip(self._balance, columns("p_buy_mw"), strict=True)]
        )
        for name, gives in _GIVES.items():
            values = side * (gives - of_losses[name])
            for row_columns, row_values in zip(columns(name).reshape(values.shape), values, strict=True):
                for row, column, value in zip(self._balance, row_columns, row_values, strict=True):
                    highs.changeCoeff(int(row), int(column), float(value))
        constant = side * losses.constant
        highs.changeRowsBounds(len(side), self._balance, constant, constant)
        self._set_barriers(tuple(barriers.values()))

    def _set_barriers(self, barriers: Sequence[NetworkTangent]) -> None:
        """Put barriers in the place of those that there were."""
        highs, first = self._highs, len(self._form.row_names)
        anything = np.full(len(self._barrier), np.inf)
        highs.changeRowsBounds(len(self._barrier), self._barrier, -anything, anything)
        added = np.arange(first, highs.getNumRow(), dtype=np.int32)
        if len(added):
            highs.deleteRows(len(added), added)
        for barrier in barriers:
            each = _coefficients(barrier)
            columns = np.concatenate([self._columns(name) for name in each])
            values = np.concatenate([value.ravel() for value in each.values()])
            own = values != 0.0
            highs.addRow(-np.inf, -float(barrier.constant), int(own.sum()), columns[own], values[own])

    def _bound(self, name: str, low: Array, high: Array) -> None:
        columns = self._columns(name)
        self._highs.changeColsBounds(len(columns), columns, low, high)

    def _columns(self, name: str) -> np.ndarray[tuple[int], np.dtype[np.int32]]:
        block = self._form.decisions[name]
        return np.arange(block.start, block.stop, dtype=np.int32)

    def _send_tie(self, anchor: TiedAnchor) -> None:
        """Take the tie from another anchor."""
        per_price, per_load, right = anchor.tie_rows(self.problem)
        for t, row in enumerate(self._tie):
            self._highs.changeCoeff(int(row), int(self._price[t]), float(per_price[t]))
            self._highs.changeCoeff(int(row), int(self._load[t]), float(per_load[t]))
        self._highs.changeRowsBounds(len(right), self._tie, right, right)

    def _read(self, x: Array) -> TiedAnswer:
        """The plan in the decisions of a step."""

        def value(name: str) -> Array:
            block = self._form.decisions[name]
            return x[block.start : block.stop].reshape(block.shape)

        supply, n_period = self.problem.supply, self.problem.n_period
        charge, discharge, inflow, outflow = (
            value(name).reshape(len(supply.storages), n_period)
            for name in ("p_charge_mw", "p_discharge_mw", "inflow", "outflow")
        )
        turbine = value("p_turbine_mw").reshape(len(supply.turbines), n_period)
        buy = value("p_buy_mw")
        rates = np.array([unit.emission_tco2_per_mwh for unit in supply.turbines])
        plan = TiedPlan(
            price_per_mwh=value("price"),
            load_mw=value("total_load"),
            buy_mw=buy,
            sell_mw=value("p_sell_mw"),
            turbine_mw=turbine,
            renewable_mw=value("p_renewable_mw").reshape(len(supply.available_mw), n_period),
            charge_mw=charge,
            discharge_mw=discharge,
            inflow_t_per_h=inflow,
            outflow_t_per_h=outflow,
            emission_t_per_h=supply.grid_factor_tco2_per_mwh * buy + rates @ turbine,
        )
        gaps = (value(name).sum() for name in ("short_per_h", "over_per_h", "granted_beyond"))
        untied = float(sum(gaps)) * self.problem.period_h
        return TiedAnswer(plan, -self._form.objective(x, np.zeros(0)), untied)


def _coefficients(tangent: NetworkTangent) -> dict[str, Array]:
    """What each decision adds to a tangent, shape (n_unit, n_period)."""
    return {
        "total_load": tangent.per_load[None],
        "p_turbine_mw": tangent.per_turbine,
        "p_renewable_mw": tangent.per_renewable,
        "p_discharge_mw": tangent.per_storage,
        "p_charge_mw": -tangent.per_storage,
    }
