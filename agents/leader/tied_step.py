"""One live linear programme of a tied leader, moved from anchor to anchor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from gridarium.agents.leader.follower_model import FollowerModel
from gridarium.agents.leader.tied_problem import TiedProblem
from gridarium.agents.leader.tied_step_problem import TiedAnchor, build_tied_model
from gridarium.agents.leader.tied_supply import TiedPlan
from gridarium.agents.solving.highs_solver import highs_model, run_highs
from gridarium.agents.solving.standard_form import StandardForm, compile_model
from gridarium.environment.arrays import Array, Flags
from gridarium.environment.errors import InfeasibleError


class TiedAnswer(NamedTuple):
    """What a step finds.

    Parameters
    ----------
    plan : TiedPlan
    merit_money : float
        Profit, or the distance from a target below zero, less the price of what the tie gives way.
    untied_money : float
        What bills and their carbon differ by, money per day.
    """

    plan: TiedPlan
    merit_money: float
    untied_money: float


@dataclass(frozen=True)
class Directions:
    """Which way power may go; a storage or a head that goes one way cannot go the other.

    Parameters
    ----------
    charging : ndarray of bool, shape (n_storage, n_period)
    buying : ndarray of bool, shape (n_period,)
    """

    charging: Flags
    buying: Flags

    @classmethod
    def of(cls, plan: TiedPlan) -> Directions:
        """The prevailing ones of a plan."""
        return cls(plan.charge_mw >= plan.discharge_mw, plan.buy_mw >= plan.sell_mw)

    def by_power(self) -> dict[str, Flags]:
        """Where each of the powers of a step may differ from zero."""
        return {
            "p_charge_mw": self.charging,
            "p_discharge_mw": ~self.charging,
            "p_buy_mw": self.buying,
            "p_sell_mw": ~self.buying,
        }


class TiedStep:
    """The linearised problem of a shape on a live HiGHS object; what moves is sent anew.

    Parameters
    ----------
    problem : TiedProblem
    target : ndarray, shape (n_period,), optional
        Price next to which one is sought that has a dispatch and pools; without it, that of the most profit.
    """

    def __init__(self, problem: TiedProblem, target: Array | None = None) -> None:
        self.problem = problem
        # Slopes everywhere give each line its row; the first move sends the true ones.
        dense = np.ones((problem.n_period, problem.n_period))
        anchor = TiedAnchor(problem.reference_price_per_mwh, problem.base_mw, dense)
        self._form: StandardForm = compile_model(build_tied_model(problem, anchor, target), ())
        self._highs = highs_model(self._form)
        rows = {name: i for i, name in enumerate(self._form.row_names)}
        periods = range(problem.n_period)
        self._response = np.array([rows[f"response[{t}]"] for t in periods], dtype=np.int32)
        self._tie = np.array([rows[f"tie[{t}]"] for t in periods], dtype=np.int32)
        self._price = self._columns("price")
        self._load = self._columns("total_load")
        self._sent = anchor.response_rows()[0]
        self._anchor = anchor
        self.solves = 0

    def at(self, price: Array, load_mw: Array | None = None) -> TiedAnswer | None:
        """The best dispatch and pools for the answers to a price; None where nothing supplies them.

        Parameters
        ----------
        price : ndarray, shape (n_period,)
        load_mw : ndarray, shape (n_period,), optional
            Answers as they were heard; the followers' own when left out.
        """
        anchor = TiedAnchor.of(self.problem, price)
        self._move(anchor if load_mw is None else replace(anchor, load_mw=load_mw))
        return self._solve(price, price)

    def meet(self, followers: Sequence[FollowerModel]) -> None:
        """Stand before other followers, with the same supply."""
        self.problem = self.problem.with_followers(followers)

    def within(self, radius: float) -> TiedAnswer | None:
        """The best price within a radius of the last anchor, as the lines there have it."""
        price = self._anchor.price_per_mwh
        return self._solve(price - radius, price + radius)

    def anchor_at(self, price: Array) -> None:
        """Go back to an anchor."""
        if price is not self._anchor.price_per_mwh:
            self._move(TiedAnchor.of(self.problem, price))

    def direct(self, directions: Directions | None) -> None:
        """Let power go given ways only, or all ways again."""
        for name in ("p_charge_mw", "p_discharge_mw", "p_buy_mw", "p_sell_mw"):
            columns = self._columns(name)
            most = self._form.upper[columns]
            if directions is not None:
                most = most * directions.by_power()[name].ravel()
            self._highs.changeColsBounds(len(columns), columns, self._form.lower[columns], most)

    def _columns(self, name: str) -> np.ndarray[tuple[int], np.dtype[np.int32]]:
        block = self._form.decisions[name]
        return np.arange(block.start, block.stop, dtype=np.int32)

    def _move(self, anchor: TiedAnchor) -> None:
        """Send the lines of another anchor."""
        highs, self._anchor = self._highs, anchor
        factors, sides = anchor.response_rows()
        changed = np.argwhere(factors != self._sent)
        for t, u in changed:
            highs.changeCoeff(int(self._response[t]), int(self._price[u]), float(factors[t, u]))
        self._sent = factors
        highs.changeRowsBounds(len(sides), self._response, sides, sides)
        per_price, per_load, right = anchor.tie_rows(self.problem)
        for t, row in enumerate(self._tie):
            highs.changeCoeff(int(row), int(self._price[t]), float(per_price[t]))
            highs.changeCoeff(int(row), int(self._load[t]), float(per_load[t]))
        highs.changeRowsBounds(len(right), self._tie, right, right)

    def _solve(self, low: Array, high: Array) -> TiedAnswer | None:
        self._highs.changeColsBounds(len(low), self._price, low, high)
        self.solves += 1
        try:
            return self._read(run_highs(self._highs))
        except InfeasibleError:
            return None

    def _read(self, x: Array) -> TiedAnswer:
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
        untied = float((value("short_per_h") + value("over_per_h")).sum()) * self.problem.period_h
        return TiedAnswer(plan, -self._form.objective(x, np.zeros(0)), untied)
