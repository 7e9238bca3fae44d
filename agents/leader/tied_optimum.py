"""The tied leader with everyone's data: many starts, one of them the price of the published formula."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from gridarium.agents.leader.tied_live_step import Directions, TiedAnswer
from gridarium.agents.leader.tied_polish import polish_tied
from gridarium.agents.leader.tied_problem import TiedProblem
from gridarium.agents.leader.tied_sequence import TiedOptions, TiedOutcome, TiedSequence
from gridarium.agents.leader.tied_step import TiedStep
from gridarium.agents.leader.tied_supply import TiedPlan
from gridarium.environment.arrays import Array
from gridarium.environment.errors import InfeasibleError
from gridarium.market.supply import Supply, system_factor
from gridarium.market.tariffs import carbon_adjusted_price

FORMULA_ROUNDS = 60
FORMULA_DAMPING = 0.5
FORMULA_TOLERANCE_PER_MWH = 0.01
KICKED = 2
"""Ends of sequences, the best ones, from which the search goes on after random moves."""
REACHED = 1e-4
"""Distance from the best of all starts, relative to gross sales, that counts as having reached it."""


@dataclass(frozen=True)
class Formula:
    """What the published formula comes to.

    Parameters
    ----------
    price_per_mwh : ndarray, shape (n_period,)
        The tariff at the system's average factor of the least-cost dispatch, after damped best responses.
    untied_money : float
        Profit with that price and that dispatch, whether or not a pool makes the factor.
    emission_tco2 : float
        Of that dispatch.
    tied : TiedPlan
        The price next to it that has a pool, itself where it has one, with the plan that pays best.
    tied_money : float
        Profit with that.
    moved_per_mwh : float
        Largest distance between both prices.
    """

    price_per_mwh: Array
    untied_money: float
    emission_tco2: float
    tied: TiedPlan
    tied_money: float
    moved_per_mwh: float


@dataclass(frozen=True)
class TiedOptimum:
    """The best of all starts.

    Parameters
    ----------
    best : TiedOutcome
    formula : Formula
    profits_money : tuple of float
        Of all starts before kicks and exact steps, the formula's first; minus infinity without an end.
    """

    best: TiedOutcome
    formula: Formula
    profits_money: tuple[float, ...]

    def share_reached(self, problem: TiedProblem) -> float:
        """Share of the starts that end within `REACHED` of the best."""
        least = self.best.profit_money - REACHED * problem.sales()
        return float(np.mean(np.array(self.profits_money) >= least))


def tied_optimum(
    problem: TiedProblem,
    random: np.random.Generator,
    n_start: int = 8,
    options: TiedOptions | None = None,
    near: Array | None = None,
    exact: bool = True,
) -> TiedOptimum:
    """The best price under C7 that sequences of convex steps find from several starts.

    Parameters
    ----------
    problem : TiedProblem
    random : numpy.random.Generator
        For starts and kicks.
    n_start : int
        Starts, the formula's among them.
    options : TiedOptions, optional
    near : ndarray, shape (n_period,), optional
        One more start.
    exact : bool
        Whether the best end is polished by exact steps.

    Raises
    ------
    InfeasibleError
        If the loads cannot be supplied, or no price has a pool.

    Notes
    -----
    Never below the formula's price with a pool and its plan re-optimised: that is the first start, and
    sequences only climb.
    """
    sequence = TiedSequence(problem, options)
    formula = formula_outcome(problem, sequence)
    starts = [formula.tied.price_per_mwh, *_starts(problem, formula, random, n_start - 1)]
    if near is not None:
        starts.append(near)
    found = [sequence.climb(start) for start in starts]
    profits = tuple(-np.inf if one is None else one.profit_money for one in found)
    ends = sorted((one for one in found if one is not None), key=lambda one: -one.profit_money)
    kicked = [sequence.kicked(one, random) for one in ends[:KICKED]]
    own = TiedOutcome(formula.tied, formula.tied_money, 0.0, 0.0, 0)
    best = max([own, *kicked], key=lambda one: one.profit_money)
    return TiedOptimum(polish_tied(sequence, best) if exact else best, formula, profits)


def _starts(problem: TiedProblem, formula: Formula, random: np.random.Generator, count: int) -> list[Array]:
    """The tariff at one factor, at the grid's factor, and prices drawn around the formula's."""
    floor, per_tco2 = problem.zero_factor_price_per_mwh, problem.price_per_tco2
    grid = problem.supply.grid_factor_tco2_per_mwh
    given = [problem.reference_price_per_mwh, floor + per_tco2 * grid]
    width = per_tco2 * float(np.mean(grid))
    drawn = [
        formula.price_per_mwh + random.uniform(-1.0, 1.0, problem.n_period) * width
        for _ in range(max(0, count - len(given)))
    ]
    return [*given, *drawn][:count]


def formula_outcome(problem: TiedProblem, sequence: TiedSequence) -> Formula:
    """Follow the published formula, and give its price a pool.

    Raises
    ------
    InfeasibleError
        If the loads cannot be supplied, or no price has a pool.
    """
    price, plan = _formula(problem)
    untied = problem.profit(replace(plan, price_per_mwh=price))
    answer = sequence.value(price)
    if answer is None or not sequence.is_tied(answer):
        answer = _nearest(sequence, price)
    return Formula(
        price,
        untied,
        float(plan.emission_t_per_h.sum()) * problem.period_h,
        answer.plan,
        problem.profit(answer.plan),
        float(np.abs(answer.plan.price_per_mwh - price).max()),
    )


def _nearest(sequence: TiedSequence, target: Array) -> TiedAnswer:
    """The price next to a target that has a dispatch and pools, with the plan that pays best under it."""
    approach = TiedSequence(sequence.problem, sequence.options, target=target)
    # From the target itself, or else from prices that have a pool already, which themselves will do at last.
    for start in (target, sequence.problem.reference_price_per_mwh):
        climbed = sequence.climb(start)
        for end in (approach.climb(start), _approached(approach, climbed), climbed):
            if end is None:
                continue
            answer = sequence.value(end.plan.price_per_mwh, Directions.of(end.plan))
            if answer is not None and sequence.is_tied(answer):
                return answer
    raise InfeasibleError("leader: no dispatch and carbon pool make a factor that goes with its price")


def _approached(approach: TiedSequence, start: TiedOutcome | None) -> TiedOutcome | None:
    return None if start is None else approach.climb(start.plan.price_per_mwh)


def _formula(problem: TiedProblem) -> tuple[Array, TiedPlan]:
    """Damped best responses to the average factor (C1, C7), and the least-cost dispatch of the last."""
    # Without a share of carbon in the price only the cost is left, carbon at its market price included.
    least_cost = TiedStep(replace(problem, adjustment=0.0))
    price, step = problem.reference_price_per_mwh, np.zeros(problem.n_period)
    for _ in range(FORMULA_ROUNDS):
        price = price + FORMULA_DAMPING * step
        answer = least_cost.at(price)
        if answer is None:
            raise InfeasibleError("leader: the answers to the formula's price cannot be supplied")
        plan = answer.plan
        called_for = carbon_adjusted_price(
            problem.reference_price_per_mwh,
            _average_factor(problem, plan),
            problem.quota_tco2_per_mwh,
            problem.carbon_price_per_tco2,
            problem.adjustment,
        )
        step = called_for - price
        if np.abs(step).max() <= FORMULA_TOLERANCE_PER_MWH:
            break
    return price, plan


def _average_factor(problem: TiedProblem, plan: TiedPlan) -> Array:
    """The system's average factor of a plan (C1)."""
    grid = problem.supply.grid_factor_tco2_per_mwh
    turbine = plan.turbine_mw.sum(axis=0)
    own = plan.emission_t_per_h - grid * plan.buy_mw
    return system_factor(Supply(plan.buy_mw, grid, turbine, own, plan.renewable_mw.sum(axis=0)))
