"""What a day costs at given schedules of storages, by scenario and period, with its slopes."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from gridarium.agents.feeder.dispatch import DispatchDay
from gridarium.agents.feeder.dispatch_problem import OPENING_SIGNALS, DispatchShape
from gridarium.agents.feeder.recourse_problem import recourse_form, recourse_signals
from gridarium.agents.solving.highs_solver import HighsSolver
from gridarium.agents.solving.standard_form import StandardForm
from gridarium.environment.arrays import Array
from gridarium.environment.errors import SolveError
from gridarium.environment.power_flow import AcPowerFlow

CONE_TOLERANCE = 1e-3
"""Violation of a branch cone at which cuts end, MW squared: some 1e-5 of the cost of a day."""
RATING_TOLERANCE = 1e-5
"""The same of a rating, which no later completion keeps: what it is exceeded by is sold."""
_ROUND_LIMIT = 200


@dataclass(frozen=True)
class PeriodCosts:
    """Recourse of one period at one schedule, for several states of the renewables.

    Parameters
    ----------
    cost_money : ndarray, shape (n_point,)
        Of the relaxed power flow, which no physical recourse undercuts.
    storage_price : ndarray, shape (n_point, n_storage)
        Its change per MW that a storage feeds in.
    available_price : ndarray, shape (n_point, n_renewable)
        Its change per MW that could be had.
    decisions : ndarray, shape (n_point, n_decision)
    """

    cost_money: Array
    storage_price: Array
    available_price: Array
    decisions: Array


@dataclass(frozen=True)
class ExactCosts:
    """Recourse of a whole schedule as the AC power flow has it.

    Parameters
    ----------
    cost_money : ndarray, shape (n_scenario, n_period)
    voltage_excess_pu : float
        How far a voltage leaves the band at most; what the relaxation has ended with.
    changed_mwh : float
        How far storages had to leave their schedule in the worst scenario.
    """

    cost_money: Array
    voltage_excess_pu: float
    changed_mwh: float


class Recourse:
    """Solves the recourse of one day again and again, each period on a live linear programme of its own.

    - `solves`: programmes so far

    Parameters
    ----------
    owner : str
        Named in errors.
    shape : DispatchShape
    day : DispatchDay
        Loads, prices and commitment; which renewables there are does not matter.
    tolerance : float
        Violation of a branch cone at which tangent cuts end, MW squared; a rating is kept as well as
        `RATING_TOLERANCE` says, or as this if it is less.

    Raises
    ------
    SolveError
        If the supplier asks more than prices, by which periods hang together.

    Notes
    -----
    Without ramps nothing but the storages ties periods together, so that recourse splits by scenario and
    hour. The cost of a period is convex in what storages feed in and renewables could, together: what is
    learned in one scenario holds in all.
    """

    def __init__(
        self, owner: str, shape: DispatchShape, day: DispatchDay, tolerance: float = CONE_TOLERANCE
    ) -> None:
        if day.head.signals:
            raise SolveError(
                f"agent {owner}: a plan for scenarios knows prices alone, not {day.head.signals}"
            )
        self.owner, self.shape, self.day, self.solves = owner, shape, day, 0
        self._form = recourse_form(replace(shape, n_period=1))
        self._flow = AcPowerFlow(shape.feeder)
        self._prices = [self._given(t) for t in range(shape.n_period)]
        kept = np.where(self._form.cones.rotated, tolerance, min(tolerance, RATING_TOLERANCE))
        self._solvers = [HighsSolver(self._form, kept, _ROUND_LIMIT) for _ in range(shape.n_period)]

    def of_period(self, period: int, storage_mw: Array, available_mw: Array) -> PeriodCosts:
        """Costs and slopes of one period.

        Parameters
        ----------
        period : int
        storage_mw : ndarray, shape (n_storage,)
            Fed in, less what is drawn.
        available_mw : ndarray, shape (n_point, n_renewable)
        """
        form, solver, n_point = self._form, self._solvers[period], len(available_mw)
        blocks = form.signals
        signals = self._prices[period]
        storage, available = (
            slice(blocks[name].start, blocks[name].stop) for name in ("storage_mw", "available_mw")
        )
        signals[storage] = storage_mw
        cost, x = np.empty(n_point), np.empty((n_point, len(form.cost)))
        slopes = np.empty((n_point, len(signals)))
        # Neighbours come after each other, so that each begins near its end.
        for point in np.argsort(available_mw.sum(axis=1), kind="stable"):
            signals[available] = available_mw[point]
            x[point] = solver.solve(form.at(signals))
            cost[point] = form.objective(x[point], signals)
            slopes[point] = form.sensitivity(x[point], signals, solver.multipliers())
        self.solves += n_point
        return PeriodCosts(cost, slopes[:, storage], slopes[:, available], x)

    def exact(self, storage_mw: Array, available_mw: Array) -> ExactCosts:
        """Costs of a whole schedule in all scenarios, by the AC power flow of what is decided in each.

        Parameters
        ----------
        storage_mw : ndarray, shape (n_storage, n_period)
        available_mw : ndarray, shape (n_scenario, n_renewable, n_period)
        """
        each = [
            self.of_period(t, storage_mw[:, t], available_mw[:, :, t]) for t in range(self.shape.n_period)
        ]
        return self.completed(each)

    def completed(self, each: list[PeriodCosts]) -> ExactCosts:
        """The same costs by the AC power flow of what was decided, of all periods in their order."""
        x = np.stack([costs.decisions for costs in each])
        n_period, n_scenario = x.shape[:2]
        flat = x.reshape(n_period * n_scenario, -1)
        p_mw, q_mvar = self._injections(flat)
        taps = self.shape.tap_changer is not None
        head = np.sqrt(self._values(flat, "head_squared")[:, 0]) if taps else None
        flow = self._flow.solve(p_mw, q_mvar, head)
        day, shape = self.day.signals, self.shape

        def by_point(name: str) -> Array:
            return np.repeat(np.broadcast_to(day[name], (n_period,)), n_scenario)

        bought, sold = np.maximum(flow.p_slack_mw, 0.0), np.maximum(-flow.p_slack_mw, 0.0)
        more = by_point("buy_price") * (bought - self._values(flat, "p_buy_mw")[:, 0])
        more -= by_point("sell_price") * (sold - self._values(flat, "p_sell_mw")[:, 0])
        base = shape.feeder.base_mva
        squares = (flow.i_pu * base) ** 2 - self._values(flat, "current_squared")
        more += shape.loss_price_per_mwh * (squares @ (shape.feeder.r_pu / base))
        costs = np.stack([costs.cost_money for costs in each]) + shape.period_h * more.reshape(n_period, -1)
        low, high = shape.voltage_band_pu
        outside = np.maximum(low - flow.vm_pu[:, 1:], flow.vm_pu[:, 1:] - high)
        changed = self._values(flat, "more_mw") + self._values(flat, "less_mw")
        changed_mwh = changed.sum(axis=1).reshape(n_period, -1).sum(axis=0) * shape.period_h
        return ExactCosts(
            np.asarray(costs.T), max(0.0, float(outside.max())), float(changed_mwh.max(initial=0.0))
        )

    def _injections(self, x: Array) -> tuple[Array, Array]:
        """What is fed in at each bus, less what is drawn, shape (n_period * n_scenario, n_bus)."""
        n_period, sites = self.shape.n_period, dict(self.shape.sites)
        p_mw, q_mvar = (
            np.repeat(-load.T, len(x) // n_period, axis=0)
            for load in (self.day.load_p_mw, self.day.load_q_mvar)
        )
        shape = self.shape
        names = {
            "turbine": [unit.name for unit in shape.turbines],
            "renewable": [unit.name for unit in shape.renewables],
            "storage": [unit.name for unit in shape.storages],
            "compensator": [unit.name for unit in shape.compensators],
        }
        for kind, units in names.items():
            for place, name in enumerate(units):
                q_mvar[:, sites[name]] += self._values(x, f"q_{kind}_mvar")[:, place]
                if kind == "storage":
                    p_mw[:, sites[name]] += self._values(x, "p_discharge_mw")[:, place]
                    p_mw[:, sites[name]] -= self._values(x, "p_charge_mw")[:, place]
                elif kind != "compensator":
                    p_mw[:, sites[name]] += self._values(x, f"p_{kind}_mw")[:, place]
        return p_mw, q_mvar

    def _values(self, x: Array, name: str) -> Array:
        block = self._form.decisions[name]
        return x[:, block.start : block.stop]

    def _given(self, period: int) -> Array:
        """The signals of a period, storages and renewables left open."""
        form: StandardForm = self._form
        day = recourse_signals(self.day)
        signals = np.zeros(sum(block.stop - block.start for block in form.signals.values()))
        for name, block in form.signals.items():
            if name not in ("storage_mw", "available_mw"):
                value = np.asarray(day[name], dtype=float)
                held = value.ndim == 0 or name in OPENING_SIGNALS
                signals[block.start : block.stop] = value if held else value[..., period]
        return signals
