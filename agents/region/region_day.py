"""A day of a regional system: its local problem under a signal, and what it makes of the optimum."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from gridarium.agents.optimisation import LocalProblem, Solution
from gridarium.agents.region.region_demand import RegionDemand
from gridarium.agents.region.region_problem import (
    ASKED,
    COMFORT_PART,
    CUT_PART,
    PULL,
    SHIFT_PART,
    RegionShape,
    build_region_model,
)
from gridarium.agents.solving.highs_solver import HighsSolver
from gridarium.agents.solving.standard_form import StandardForm, compile_model
from gridarium.environment.arrays import Array, series
from gridarium.environment.commons import Commons
from gridarium.market.block_prices import BlockPrices, carbon_cost_per_h
from gridarium.market.messages.tariffs import TariffSignal


@dataclass(frozen=True)
class RegionPlan:
    """What a regional system does on a day; arrays of shape (n_step,).

    Parameters
    ----------
    net_mw : ndarray
        What it draws.
    cut_mw, in_mw, out_mw, turned_down_mw : ndarray
        Load that is cut, arrives from other hours, leaves for other hours, and that rooms do without.
    drift_degc : ndarray
        Distance of rooms from their set point.
    dissatisfaction : float
        0 where nothing is asked of users, 1 where at all hours as much as may be at peak.
    """

    net_mw: Array
    cut_mw: Array
    in_mw: Array
    out_mw: Array
    turned_down_mw: Array
    drift_degc: Array
    dissatisfaction: float

    @classmethod
    def untouched(cls, base_mw: Array) -> RegionPlan:
        """Nothing is asked of anybody."""
        nothing = np.zeros_like(base_mw)
        return cls(base_mw, nothing, nothing, nothing, nothing, nothing, 0.0)


@lru_cache(maxsize=64)
def region_form(shape: RegionShape) -> StandardForm:
    """The compiled problem of a shape; pure numbers, so shared by all worlds."""
    return compile_model(build_region_model(shape), shape.signals, PULL if shape.has_target else "")


class RegionDay:
    """What one regional system needs on one day, and what it could do about it.

    - `best`, `lowest_bill`: its plan under a signal, and one that is cheap whatever its users say
    - `cost_money`, `minimised_money`: what a plan costs it under a signal, and what it has made least
    - `plan`: what it has decided on
    - `peak_mw`, `stake_money`: by which dissatisfaction is scaled

    Parameters
    ----------
    world : Commons
        Shares the compiled problem.
    owner : str
        Named in errors.
    demand : RegionDemand
        Of the day.
    peak_mw, stake_money : float
        As in `RegionShape`; a peak of 0, with which nothing may be asked of anybody, scales as 1 MW does.
    step_h : float
    """

    def __init__(
        self,
        world: Commons,
        owner: str,
        demand: RegionDemand,
        peak_mw: float,
        stake_money: float,
        step_h: float,
    ) -> None:
        self.demand, self.step_h, self._world, self._owner = demand, step_h, world, owner
        self.peak_mw, self.stake_money = peak_mw or 1.0, stake_money
        self.plan = RegionPlan.untouched(demand.base_mw)
        self.signal: TariffSignal | None = None
        self.answered_round = 0

    def best(self, signal: TariffSignal) -> RegionPlan:
        """The plan that is optimal under a signal (D11); of a renewed one, in the steps that are left."""
        return self.read(self._solved(signal).__getitem__)

    def lowest_bill(self, signal: TariffSignal) -> RegionPlan:
        """A plan of the least energy cost under a signal, whatever it asks of users; a vertex."""
        shape, solved = self.shape(signal), self._solved(signal)
        form = solved.form
        solver = self._world.shared(("vertices", shape), lambda: HighsSolver(form.without_cost()))
        cost, drawn = np.zeros_like(form.cost), form.decisions["net_mw"]
        cost[drawn.start : drawn.stop] = signal.price_per_mwh
        x = solver.solve(form.at(solved.signals)._replace(cost=cost))
        return self.read(Solution(form, x, solved.signals).__getitem__)

    def _solved(self, signal: TariffSignal) -> Solution:
        shape = self.shape(signal)
        problem = self._world.shared(shape, lambda: LocalProblem(region_form(shape)))
        if signal.pull is not None:
            problem.weigh(signal.pull.per_mw2h)
        return problem.solve(self._owner, **self.inputs(signal))

    def shape(self, signal: TariffSignal) -> RegionShape:
        """What its problem under a signal is built from."""
        return RegionShape(
            self.demand.flexibility,
            self.peak_mw,
            self.stake_money,
            len(self.demand.base_mw),
            self.step_h,
            signal.ladder.steps if signal.ladder else 1,
            signal.pull is not None,
        )

    def inputs(self, signal: TariffSignal) -> dict[str, Array]:
        """Values of the signals of its problem, by the names of its shape."""
        blocks = BlockPrices.of(
            signal.price_per_mwh, signal.factor_tco2_per_mwh, signal.ladder, 10.0 * self.peak_mw
        )
        target = {"target_mw": signal.pull.target_mw} if signal.pull else {}
        return {
            "base_mw": self.demand.base_mw,
            "price": blocks.price_per_mwh,
            "block_mw": blocks.block_mw,
            "free_mw": blocks.free_mw,
            **self._limits(signal.first_step),
            **target,
        }

    def minimised_money(self, plan: RegionPlan, signal: TariffSignal) -> float:
        """What the best plan has least of: cost, and what a pull counts, which nobody pays; money per day."""
        return self.cost_money(plan, signal) + self.pull_money(plan.net_mw, signal)

    def pull_money(self, net_mw: Array, signal: TariffSignal) -> float:
        """What the pull of a signal counts for a load, money per day that nobody pays; 0 without one."""
        return self.step_h * float(signal.pull.weight_per_h(net_mw).sum()) if signal.pull else 0.0

    def _limits(self, first_step: int) -> dict[str, Array]:
        """Least and most that may be asked; what was asked in steps that are over stays (D13, D16)."""
        own, base = self.demand.flexibility, self.demand.base_mw
        rooms = own.comfort.load_share * base if own.comfort else np.zeros_like(base)
        nothing = np.zeros_like(base)
        bands = {
            "cut_mw": (nothing, own.cut_share * base),
            "in_mw": (nothing, own.shift_share * base),
            "out_mw": (nothing, own.shift_share * base),
            "turned_down_mw": (-rooms, rooms),
        }
        is_over = np.arange(len(base)) < first_step
        asked = vars(self.plan)
        return {
            f"{bound}_{name}": np.where(is_over, asked[name], band)
            for name in ASKED
            for bound, band in zip(("least", "most"), bands[name], strict=True)
        }

    def cost_money(self, plan: RegionPlan, signal: TariffSignal) -> float:
        """Purchase, response and carbon, and what dissatisfaction is worth, of a plan; money per day.

        Without the pull of an exchange round, which no money follows.
        """
        return self.bill_money(plan.net_mw, signal) + self.own_money(plan)

    def own_money(self, plan: RegionPlan) -> float:
        """Response, and what dissatisfaction is worth: what a plan costs without any bill; money per day."""
        return self.response_money(plan) + self.discomfort_money(plan)

    def discomfort_money(self, plan: RegionPlan) -> float:
        """What the dissatisfaction of a plan is worth, money per day that nobody pays."""
        return self.stake_money * plan.dissatisfaction

    def bill_money(self, net_mw: Array, signal: TariffSignal) -> float:
        """Energy and carbon of a load under a signal, money per day."""
        energy = float(signal.price_per_mwh @ net_mw)
        carbon = carbon_cost_per_h(net_mw, signal.factor_tco2_per_mwh, signal.ladder)
        return self.step_h * (energy + float(carbon.sum()))

    def response_money(self, plan: RegionPlan) -> float:
        """What cutting and shifting cost (D11), money per day."""
        own, moved = self.demand.flexibility, plan.in_mw + plan.out_mw
        return self.step_h * float(
            own.cut_cost_per_mwh * plan.cut_mw.sum()
            + own.cut_cost_per_mw2h * (plan.cut_mw**2).sum()
            + own.shift_cost_per_mwh * moved.sum()
            + own.shift_cost_per_mw2h * (moved**2).sum()
        )

    def read(self, values: Callable[[str], Array]) -> RegionPlan:
        """The plan that values of the variables of its problem, by name, stand for."""
        comfort, base = self.demand.flexibility.comfort, self.demand.base_mw
        drift = values("drift_degc") if comfort else np.zeros_like(base)
        cut, into, out = values("cut_mw"), values("in_mw"), values("out_mw")
        return RegionPlan(
            series(values("net_mw")),
            series(cut),
            series(into),
            series(out),
            series(values("turned_down_mw")),
            series(drift),
            self._dissatisfaction(cut, into + out, drift),
        )

    def _dissatisfaction(self, cut_mw: Array, moved_mw: Array, drift_degc: Array) -> float:
        """Means of squares over the day, each relative to the most that may be asked at peak (32)."""
        own, peak = self.demand.flexibility, self.peak_mw
        parts = [(CUT_PART, cut_mw, own.cut_share * peak), (SHIFT_PART, moved_mw, own.shift_share * peak)]
        if own.comfort is not None:
            parts.append((COMFORT_PART, drift_degc, own.comfort.band_degc))
        return sum(part * float(np.mean((values / most) ** 2)) for part, values, most in parts if most > 0.0)
