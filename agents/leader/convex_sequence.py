"""Sequential convex programming of a leader's single-level problem, and the KKT residual of its end."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace

import numpy as np

from gridarium.agents.leader.convex_step import (
    ConvexStep,
    StepEffort,
    Supplier,
    convex_steps,
)
from gridarium.agents.leader.convex_step_problem import SingleLevelPoint
from gridarium.agents.leader.kkt_residual import KktResidual, kkt_residual
from gridarium.agents.leader.price_polish import restore
from gridarium.agents.leader.problem import LeaderProblem
from gridarium.environment.arrays import Array
from gridarium.environment.errors import InfeasibleError

ACCEPTED, TRUSTED, DOUBTED = 0.1, 0.6, 0.3
"""Shares of the promised gain: from which a step is taken, the radius grows, and below which it shrinks."""

KEPT_CUTS = 60
"""Tangents of the cost of supply that are kept from step to step."""

PROBE = 1e-4
"""Radius within which the leader's stationarity is measured, relative to the highest reference price."""


@dataclass(frozen=True)
class SequenceOptions:
    """How a sequence of convex steps moves and when it ends.

    Parameters
    ----------
    radius : float
        First trust region, relative to the highest reference price.
    most_radius : float
        Largest one; the search over complementarity grows with it.
    tolerance : float
        Largest change of prices and loads, relative to the highest reference price and base load, that
        counts as none.
    optimality : float
        Stationarity of the leader, see `KktResidual`, that counts as none.
    gain : float
        Gain, relative to the profit, that counts as none; less than 1e-11 no solver here can tell from none.
    round_limit, node_limit : int
        Convex steps, and nodes of the search in each.
    """

    radius: float = 0.05
    most_radius: float = 0.05
    tolerance: float = 1e-7
    optimality: float = 1e-7
    gain: float = 1e-11
    round_limit: int = 120
    node_limit: int = 100


@dataclass(frozen=True)
class SequenceRound:
    """One convex step.

    Parameters
    ----------
    profit_money : float
        True profit after it.
    promised_money, gained_money : float
        Gain by the linearised problem and in truth; minus infinity where the step breaks a limit.
    price_radius_per_mwh : float
    change : float
        Largest change of prices and loads, see `SequenceOptions.tolerance`.
    """

    profit_money: float
    promised_money: float
    gained_money: float
    price_radius_per_mwh: float
    change: float


@dataclass(frozen=True)
class SequenceOutcome:
    """Where a sequence of convex steps ends.

    Parameters
    ----------
    point : SingleLevelPoint
    profit_money : float
        With the true products and the true cost of supply.
    converged : bool
    residual : KktResidual
    history : tuple of SequenceRound
    time_s : float
    """

    point: SingleLevelPoint
    profit_money: float
    converged: bool
    residual: KktResidual
    history: tuple[SequenceRound, ...]
    time_s: float

    @property
    def price_per_mwh(self) -> Array:
        """Price of the last point, shape (n_period,)."""
        return self.point.price_per_mwh

    @property
    def rounds(self) -> int:
        """Convex steps that were solved."""
        return len(self.history)


def sequential_convex_optimum(
    problem: LeaderProblem,
    start: Array | None = None,
    options: SequenceOptions | None = None,
    supply: Supplier | None = None,
) -> SequenceOutcome:
    """Improve a leader's price by convex steps until it stands still.

    Parameters
    ----------
    problem : LeaderProblem
    start : ndarray, shape (n_period,), optional
        First anchor; the reference price when left out. It is made to keep the limits.
    options : SequenceOptions, optional
    supply : callable, optional
        True cost of supply by its tangents, from the network's dispatch; without it the problem's own
        tangents are the cost.

    Raises
    ------
    InfeasibleError
        If the first anchor breaks a limit that cannot be mended, or cannot be supplied.

    Notes
    -----
    The procedure C.2, for a local optimum. Price times load is linearised at the anchor (38). Factor times
    load (39) needs no line of its own: by the carbon balance C3 it is linear in the dispatch, whose cost
    holds it. The branch flow with its cones is the dispatch problem as it stands: its optimal cost is
    convex in the loads, and tangents by nodal prices stand for it. Responses are monotone, hence true bills
    never exceed linearised ones, and steps that keep the caps on bills keep them in truth.
    """
    started = time.perf_counter()
    sequence = _Sequence(problem, options or SequenceOptions(), supply, start)
    converged = False
    while not converged and len(sequence.history) < sequence.options.round_limit:
        converged = sequence.advance()
    residual = kkt_residual(
        problem, sequence.point, sequence.promise(), sequence.bilinear_money, sequence.supply_money
    )
    spent = time.perf_counter() - started
    return SequenceOutcome(
        sequence.point, sequence.profit_money, converged, residual, tuple(sequence.history), spent
    )


@dataclass
class _Sequence:
    """A sequence under way."""

    problem: LeaderProblem
    options: SequenceOptions
    supplier: Supplier | None
    start: Array | None
    history: list[SequenceRound] = field(default_factory=list)
    bilinear_money: float = 0.0
    supply_money: float = 0.0

    def __post_init__(self) -> None:
        problem = self.problem
        self.price_scale = float(np.max(np.abs(problem.reference_price_per_mwh)))
        self.load_scale = float(np.max(problem.base_mw))
        self.radius = self.options.radius * self.price_scale
        price = restore(problem, problem.reference_price_per_mwh if self.start is None else self.start)
        self.point = SingleLevelPoint.answering(problem, price)
        self.profit_money = self._anchor_profit()
        if not np.isfinite(self.profit_money):
            raise InfeasibleError("leader: the loads at the first anchor cannot be supplied")
        self._gap_money = 1e-3 * abs(self.profit_money)
        self._tightness = np.zeros(len(problem.followers))

    def advance(self) -> bool:
        """One round of steps 5 to 7; whether the anchor stands still."""
        options, radius, before = self.options, self.radius, self.profit_money
        steps = self._steps(radius, self._gap_money)
        step, profit = self._best(steps)
        if step is None:
            self.history.append(SequenceRound(before, np.nan, -np.inf, radius, np.inf))
            self.radius *= 0.5
            return False
        promised, change, gained = step.modelled_money - before, self._change(step.point), profit - before
        left, still = step.bound_money - before, self._worth(options.optimality * radius)
        if promised <= options.gain * abs(before):
            # Where many prices are equally good a step may be long and worth nothing.
            gained, change, self.bilinear_money, self.supply_money = 0.0, 0.0, 0.0, 0.0
        else:
            self._move(step, profit, promised)
        self._learn(steps)
        self.history.append(SequenceRound(self.profit_money, promised, gained, radius, change))
        self._gap_money = min(self._gap_money, 0.1 * max(promised, still))
        if change > options.tolerance:
            return False
        # To stand still on two patterns is not enough while the straight search promises more on others.
        self.radius = min(self.radius, 0.25 * radius)
        return (
            left <= max(still, options.gain * abs(before)) or radius <= options.tolerance * self.price_scale
        )

    def promise(self) -> float:
        """Most that the straight problem promises close by, relative to the same rise of all prices."""
        radius = PROBE * self.price_scale
        steps = self._steps(radius, 0.0)
        left = steps[0].bound_money - self.profit_money if steps else np.inf
        return max(0.0, left) / self._worth(radius)

    def _steps(self, radius: float, gap_money: float) -> list[ConvexStep]:
        effort = StepEffort(gap_money, self.options.node_limit)
        return convex_steps(self.problem, self.point, radius, self._tightness, effort, self.supplier)

    def _best(self, steps: list[ConvexStep]) -> tuple[ConvexStep | None, float]:
        """The candidate of the greatest true profit, which is minus infinity where a limit is broken."""
        best: ConvexStep | None = None
        most = -np.inf
        for step in steps:
            loads, price = step.point.loads(self.problem), step.point.price_per_mwh
            problem = replace(self.problem, supply=step.cuts[-1:]) if step.cuts else self.problem
            profit = problem.profit(price, loads) if problem.allows(price, loads) else -np.inf
            if best is None or profit > most:
                best, most = step, profit
        return best, most

    def _worth(self, rise: float) -> float:
        """What all would pay more if every price rose, money."""
        return rise * float(self.problem.base_mw.sum()) * self.problem.period_h

    def _move(self, step: ConvexStep, profit: float, promised: float) -> None:
        """Take the step if it keeps its promise well enough, and set the radius."""
        point, gained = step.point, profit - self.profit_money
        price_change = point.price_per_mwh - self.point.price_per_mwh
        shift_change = point.shift_mw - self.point.shift_mw
        beta = np.array([[one.beta_per_mwh_per_mw] for one in self.problem.followers])
        curved = (1.0 - self._tightness)[:, None] * beta * shift_change**2
        self.bilinear_money = abs(float((shift_change * price_change + curved).sum())) * self.problem.period_h
        if step.cuts:
            loads = point.loads(self.problem)
            modelled = replace(self.problem, supply=(*self.problem.supply, *step.cuts[:-1])).cost(loads)
            self.supply_money = replace(self.problem, supply=step.cuts[-1:]).cost(loads) - modelled
        self._tightness = step.tightness
        if gained >= ACCEPTED * promised:
            self.point, self.profit_money = point, profit
            if gained > TRUSTED * promised:
                self.radius = min(2.0 * self.radius, self.options.most_radius * self.price_scale)
            elif gained < DOUBTED * promised:
                self.radius *= 0.5
        else:
            # A radius beyond the step's own reach would only give the same step again.
            self.radius = 0.5 * min(self.radius, float(np.abs(price_change).max()))

    def _learn(self, steps: list[ConvexStep]) -> None:
        """Keep the tangents that lie highest near the anchor."""
        if self.supplier is None:
            return
        known = [*self.problem.supply, *(cut for step in steps for cut in step.cuts)]
        loads = self.point.loads(self.problem)
        known.sort(key=lambda cut: -replace(self.problem, supply=(cut,)).cost(loads))
        self.problem = replace(self.problem, supply=tuple(known[:KEPT_CUTS]))

    def _anchor_profit(self) -> float:
        """True profit of the first anchor, minus infinity where it cannot be supplied."""
        loads = self.point.loads(self.problem)
        if self.supplier is not None:
            cut = self.supplier(loads)
            if cut is None:
                return -np.inf
            self.problem = replace(self.problem, supply=(cut,))
        return self.problem.profit(self.point.price_per_mwh, loads)

    def _change(self, point: SingleLevelPoint) -> float:
        price = np.abs(point.price_per_mwh - self.point.price_per_mwh).max() / self.price_scale
        load = np.abs(point.shift_mw - self.point.shift_mw).max() / self.load_scale
        return float(max(price, load))
