"""A second opinion on the leader under C7: its single-level problem in SCIP, with a proven bound."""

from __future__ import annotations

from typing import Any

import numpy as np

from gridarium.agents.leader.follower_model import FollowerModel
from gridarium.agents.leader.tied_problem import TiedProblem
from gridarium.agents.solving.highs_solver import TIME_LIMIT_S
from gridarium.environment.arrays import Array
from gridarium.environment.errors import TimeLimitError
from gridarium.experiments.benchmarks.bilevel_reference import THOUSAND, scip_module


class TiedReference:
    """The problem in SCIP: KKT conditions by indicators, C7 as a product, binaries for one-way power.

    Parameters
    ----------
    problem : TiedProblem
        On one bus.

    Notes
    -----
    C9 with C7 not put in: sales are price times load. C2, C3, C7, C12 to C16, A20.
    """

    def __init__(self, problem: TiedProblem) -> None:
        scip = scip_module()
        self.problem, self._sum, self.scip = problem, scip.quicksum, scip.Model("tied leader")
        self.scip.hideOutput()
        self.scip.setParam("lp/threads", 1)
        self._periods = range(problem.n_period)
        low, high = problem.zero_factor_price_per_mwh, _highest_price(problem)
        self.price = [self._variable(low[t], high[t]) for t in self._periods]
        shifts = [self._respond(follower, low, high) for follower in problem.followers]
        base = problem.base_mw
        self.load = [float(base[t]) + self._sum(shift[t] for shift in shifts) for t in self._periods]
        self._dispatch()
        self._pool()
        self._maximise_profit()

    def solve(self, node_limit: int = 100_000, relative_gap: float = 1e-6) -> tuple[float, float, Array]:
        """Best profit and proven bound, money per day, and the price.

        Raises
        ------
        TimeLimitError
            If SCIP ran into its time limit.
        """
        scip = self.scip
        scip.setParam("limits/totalnodes", node_limit)
        scip.setParam("limits/time", TIME_LIMIT_S)
        scip.setParam("limits/gap", relative_gap)
        scip.optimize()
        if scip.getStatus() == "timelimit":
            raise TimeLimitError(f"leader: SCIP ran into its time limit of {TIME_LIMIT_S:g} s")
        price, profit = np.full(self.problem.n_period, np.nan), float("nan")
        if scip.getNSols():
            best = scip.getBestSol()
            price = np.array([scip.getSolVal(best, variable) for variable in self.price])
            profit = THOUSAND * scip.getObjVal()
        return profit, THOUSAND * scip.getDualbound(), price

    def _variable(self, low: float = 0.0, high: float | None = None) -> Any:
        return self.scip.addVar(lb=float(low), ub=None if high is None else float(high))

    def _respond(self, follower: FollowerModel, low: Array, high: Array) -> list[Any]:
        """Shifts of one follower by its KKT conditions."""
        scip, beta = self.scip, follower.beta_per_mwh_per_mw
        neutral = self._variable(float(follower.neutral_price(high)), float(follower.neutral_price(low)))
        shifts = []
        for t in self._periods:
            down, up = float(follower.most_down_mw[t]), float(follower.most_up_mw[t])
            shift = self._variable(-down, up)
            reference = float(follower.reference_price_per_mwh[t])
            margin = reference - self.price[t] - neutral
            above = self._variable(0.0, 2.0 * float(high[t] - low[t]) + beta * (up + down) + reference)
            below = self._variable(0.0, 2.0 * float(high[t] - low[t]) + beta * (up + down) + reference)
            scip.addCons(margin == beta * shift + above - below)
            self._either(above, up - shift)
            self._either(below, shift + down)
            shifts.append(shift)
        scip.addCons(self._sum(shifts) == 0.0)
        return shifts

    def _either(self, first: Any, second: Any) -> None:
        """At most one of two that are not negative differs from zero."""
        which = self.scip.addVar(vtype="B")
        self.scip.addConsIndicator(second <= 0.0, binvar=which)
        self.scip.addConsIndicator(first <= 0.0, binvar=which, activeone=False)

    def _dispatch(self) -> None:
        supply, h, scip = self.problem.supply, self.problem.period_h, self.scip
        periods = self._periods
        self.buy = [self._variable(0.0, supply.import_limit_mw) for _ in periods]
        self.sell = [self._variable(0.0, supply.export_limit_mw) for _ in periods]
        self.turbine = [
            [self._variable(0.0, unit.p_max_mw if on[t] else 0.0) for t in periods]
            for unit, on in zip(supply.turbines, supply.running, strict=True)
        ]
        self.renewable = [[self._variable(0.0, most) for most in plant] for plant in supply.available_mw]
        self.charge, self.discharge = (
            [[self._variable(0.0, unit.p_max_mw) for _ in periods] for unit in supply.storages]
            for _ in range(2)
        )
        for unit, into, out, first in zip(
            supply.storages, self.charge, self.discharge, supply.initial_mwh, strict=True
        ):
            level = float(first)
            for t in periods:
                energy = self._variable(*unit.band_mwh)
                gained = unit.efficiency_charge * into[t] - out[t] / unit.efficiency_discharge
                scip.addCons(energy == level + h * gained)
                self._either(into[t], out[t])
                level = energy
            scip.addCons(level == float(first))
        for t in periods:
            if supply.export_limit_mw > 0.0:
                self._either(self.buy[t], self.sell[t])
            units = [*self.turbine, *self.renewable, *self.discharge]
            net = self._sum(unit[t] for unit in units) - self._sum(unit[t] for unit in self.charge)
            scip.addCons(self.buy[t] - self.sell[t] + net == self.load[t])

    def _pool(self) -> None:
        """Flows within their limits, and the tie of price and factor."""
        problem, supply, scip = self.problem, self.problem.supply, self.scip
        most, h, periods = problem.largest_factor_tco2_per_mwh, problem.period_h, self._periods
        inflow, outflow = (
            [[self._variable(0.0, most * unit.p_max_mw) for _ in periods] for unit in supply.storages]
            for _ in range(2)
        )
        for s, first in enumerate(supply.first_tco2):
            level: Any = float(first)
            for t in periods:
                scip.addCons(inflow[s][t] <= most * self.charge[s][t])
                scip.addCons(outflow[s][t] <= most * self.discharge[s][t])
                content = self._variable()
                scip.addCons(content == level + h * (inflow[s][t] - outflow[s][t]))
                level = content
            scip.addCons(level == float(first))
        self.emission = []
        floor = problem.zero_factor_price_per_mwh
        for t in periods:
            burnt = self._sum(
                unit.emission_tco2_per_mwh * power[t]
                for unit, power in zip(supply.turbines, self.turbine, strict=True)
            )
            emission = float(supply.grid_factor_tco2_per_mwh[t]) * self.buy[t] + burnt
            into, out = (self._sum(flow[t] for flow in flows) for flows in (inflow, outflow))
            scip.addCons(into <= emission)
            carried = problem.price_per_tco2 * (emission - into + out)
            scip.addCons((self.price[t] - float(floor[t])) * self.load[t] == carried)
            self.emission.append(emission)

    def _maximise_profit(self) -> None:
        problem, supply, periods = self.problem, self.problem.supply, self._periods
        profit = self.scip.addVar(lb=None)
        per_h = []
        for t in periods:
            below = problem.quota_tco2_per_mwh * self.load[t] - self.emission[t]
            trade = (
                float(supply.wholesale_price_per_mwh[t]) * self.buy[t]
                - float(supply.export_price_per_mwh[t]) * self.sell[t]
            )
            fuel = self._sum(
                unit.cost_linear_per_mwh * power[t]
                + unit.cost_quadratic_per_mw2h * power[t] * power[t]
                + unit.cost_fixed_per_h * bool(on[t])
                for unit, power, on in zip(supply.turbines, self.turbine, supply.running, strict=True)
            )
            wear = self._sum(
                float(cost) * out[t]
                for cost, out in zip(supply.wear_cost_per_mwh, self.discharge, strict=True)
            )
            sales = self.price[t] * self.load[t]
            per_h.append(sales + problem.carbon_price_per_tco2 * below - trade - fuel - wear)
        self.scip.addCons(THOUSAND * profit <= problem.period_h * self._sum(per_h))
        self.scip.setObjective(profit, "maximize")


def _highest_price(problem: TiedProblem) -> Array:
    """A price that no factor can exceed: all that could be bought at the grid's largest factor."""
    supply = problem.supply
    least = np.asarray(sum(one.base_mw - one.most_down_mw for one in problem.followers))
    beyond = sum(unit.p_max_mw for unit in supply.storages) + supply.export_limit_mw
    factor = problem.largest_factor_tco2_per_mwh
    rates = [unit.emission_tco2_per_mwh for unit in supply.turbines]
    factor = max(factor, *rates) if rates else factor
    return np.asarray(
        problem.zero_factor_price_per_mwh + problem.price_per_tco2 * factor * (1.0 + beyond / least)
    )
