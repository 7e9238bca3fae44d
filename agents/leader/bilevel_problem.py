"""The problem of a leader who foresees its followers: straight pieces of their KKT curves, as a MILP."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import highspy
import numpy as np
import pyomo.environ as pyo

from gridarium.agents.leader.leader_families import THOUSAND, declare_caps, declare_supply
from gridarium.agents.leader.problem import LeaderProblem
from gridarium.agents.leader.response_curve import ResponseCurve, neutral_bounds
from gridarium.agents.problems.flexible_load import energy_preserved
from gridarium.agents.solving.highs_solver import integer_model, reason_of, run_in_time
from gridarium.agents.solving.standard_form import StandardForm, compile_model
from gridarium.environment.arrays import Array
from gridarium.environment.errors import InfeasibleError, SolverLimitError

_LEAST_ERROR = 1e-6
"""Errors of a chord below this, money/h, are not given to the relaxation."""

Curves = Sequence[Sequence[ResponseCurve]]
"""One curve for each follower and period."""


@dataclass(frozen=True)
class RelaxedOptimum:
    """What HiGHS found of the relaxed single-level problem.

    Parameters
    ----------
    price_per_mwh : ndarray, shape (n_period,)
    margin_per_mwh : ndarray, shape (n_follower, n_period)
        Reference price less price and multiplier of energy neutrality.
    modelled_money : float
        Profit as the straight pieces have it.
    bound_money : float
        No price has a greater true profit, but for the solver's tolerances of 1e-6.
    time_s : float
    nodes : int
    """

    price_per_mwh: Array
    margin_per_mwh: Array
    modelled_money: float
    bound_money: float
    time_s: float
    nodes: int


def solve_relaxed(
    problem: LeaderProblem,
    curves: Curves,
    relative_gap: float,
    node_limit: int,
    start: Array | None = None,
) -> RelaxedOptimum:
    """Solve the single-level problem on given pieces with HiGHS, on one thread.

    Parameters
    ----------
    problem : LeaderProblem
    curves : sequence of sequence of ResponseCurve
        For each follower and period.
    relative_gap : float
    node_limit : int
        When to stop.
    start : ndarray, shape (n_period,), optional
        A price that keeps the caps, to start from.

    Raises
    ------
    InfeasibleError
        If no price of the band keeps the caps.
    SolverLimitError
        If the nodes were used up before any price was found.
    TimeLimitError
        If the solver ran into its time limit.
    """
    started = time.perf_counter()
    form = compile_model(build_bilevel_model(problem, curves), ())
    options = {
        "mip_rel_gap": relative_gap,
        "mip_max_nodes": node_limit,
        "primal_feasibility_tolerance": 1e-7,
        "dual_feasibility_tolerance": 1e-7,
        "mip_feasibility_tolerance": 1e-6,
    }
    highs = integer_model(form, form.at(np.zeros(0)), options)
    if start is not None:
        solution = highspy.HighsSolution()
        solution.col_value = _point(problem, curves, form, start)
        highs.setSolution(solution)
    status, info = run_in_time(highs, "leader"), highs.getInfo()
    if status == highspy.HighsModelStatus.kInfeasible:
        raise InfeasibleError("leader: no price of the band keeps the caps")
    if info.primal_solution_status != highspy.SolutionStatus.kSolutionStatusFeasible:
        raise SolverLimitError(f"leader: no price was found{reason_of(highs, status)}")
    x = np.array(highs.getSolution().col_value)
    price, neutral = (x[form.decisions[n].start : form.decisions[n].stop] for n in ("price", "neutral"))
    reference = np.array([follower.reference_price_per_mwh for follower in problem.followers])
    return RelaxedOptimum(
        price,
        reference - price - neutral[:, None],
        THOUSAND * (-info.objective_function_value - form.constant),
        THOUSAND * (-info.mip_dual_bound - form.constant),
        time.perf_counter() - started,
        int(info.mip_node_count),
    )


def _point(problem: LeaderProblem, curves: Curves, form: StandardForm, price: Array) -> Array:
    """Values of all variables that belong to a price and the true responses to it."""
    values = {name: np.zeros(block.stop - block.start) for name, block in form.decisions.items()}
    pieces, loads = _Pieces.of(curves), problem.loads(price)
    values["price"] = price
    values["neutral"] = np.array([follower.neutral_price(price) for follower in problem.followers])
    values["sales"] = loads @ price * problem.period_h / THOUSAND
    values["cost"] = np.array([problem.cost(loads) / THOUSAND])
    for (k, t), place in pieces.places.items():
        curve = curves[k][t]
        margin = problem.followers[k].reference_price_per_mwh[t] - price[t] - values["neutral"][k]
        shares = np.clip((margin - curve.margin[:-1]) / np.diff(curve.margin), 0.0, 1.0)
        values["share"][list(place)] = shares
    inner = [j for place in pieces.places.values() for j in place[:-1]]
    values["passed"] = (values["share"][inner] >= 1.0).astype(float)
    curved = np.flatnonzero(pieces.error > _LEAST_ERROR)
    share = values["share"][curved]
    values["slack"] = 4.0 * pieces.error[curved] * share * (1.0 - share)
    return np.concatenate([values[name].ravel() for name in form.decisions])


def build_bilevel_model(problem: LeaderProblem, curves: Curves) -> Any:
    """The leader's problem with its followers' optima as constraints, relaxed; money in thousands.

    Parameters
    ----------
    problem : LeaderProblem
    curves : sequence of sequence of ResponseCurve
        For each follower and period.

    Notes
    -----
    Stationarity and complementarity of C12 to C16 say that margin, shift and forgone money of a period lie
    on one curve. The sales are then ``sum reference P - neutral E - forgone`` (identity of C.1.5), linear in
    the pieces of that curve. They are taken in the incremental form, whose linear relaxation is the hull
    of each curve [1]_. A chord lies above the parabola; `slack` lets the forgone money fall back as far as
    the tangents at both ends and the greatest error of the piece, so that every true point is kept and
    the optimum is an upper bound.

    References
    ----------
    .. [1] J. P. Vielma, S. Ahmed, G. Nemhauser, 2010, doi:10.1287/opre.1090.0721
    """
    m = pyo.ConcreteModel(name="leader")
    m.period = pyo.RangeSet(0, problem.n_period - 1)
    m.follower = pyo.RangeSet(0, len(problem.followers) - 1)
    pieces = _Pieces.of(curves)
    _declare_price(m, problem)
    _declare_pieces(m, pieces)
    _declare_response(m, problem, curves, pieces)
    _declare_sales(m, problem, curves, pieces)
    declare_caps(m, problem, m.sales)
    declare_supply(m, problem, row_money=1.0)
    m.loss = pyo.Objective(expr=m.cost - sum(m.sales[k] for k in m.follower))
    return m


@dataclass(frozen=True)
class _Pieces:
    """All pieces of all curves in one row, and which belong to follower k in period t."""

    places: dict[tuple[int, int], range]
    rise: Array
    gain: Array
    forgone: Array
    error: Array

    @classmethod
    def of(cls, curves: Curves) -> _Pieces:
        places, start = {}, 0
        for k, row in enumerate(curves):
            for t, curve in enumerate(row):
                places[k, t] = range(start, start + curve.n_piece)
                start += curve.n_piece
        flat = [curve for row in curves for curve in row]
        return cls(
            places,
            np.concatenate([np.diff(curve.margin) for curve in flat]),
            np.concatenate([np.diff(curve.shift) for curve in flat]),
            np.concatenate([np.diff(curve.forgone) for curve in flat]),
            np.concatenate([curve.error for curve in flat]),
        )


def _declare_price(m: Any, problem: LeaderProblem) -> None:
    """Band of the price, and range of the multipliers of energy neutrality."""
    low, high = problem.limits.low_price_per_mwh, problem.limits.high_price_per_mwh
    ends = [neutral_bounds(problem, follower) for follower in problem.followers]
    m.price = pyo.Var(m.period, bounds=lambda m, t: (float(low[t]), float(high[t])))
    m.neutral = pyo.Var(m.follower, bounds=lambda m, k: ends[k])


def _declare_pieces(m: Any, pieces: _Pieces) -> None:
    """share[j+1] <= passed[j] <= share[j]: a piece is entered when the one before is full."""
    curved = [j for j, error in enumerate(pieces.error) if error > _LEAST_ERROR]
    inner = [j for place in pieces.places.values() for j in place[:-1]]
    m.share = pyo.Var(range(len(pieces.error)), bounds=(0, 1))
    m.passed = pyo.Var(inner, domain=pyo.Binary)
    m.slack = pyo.Var(curved, bounds=lambda m, j: (0.0, float(pieces.error[j])))
    m.filled = pyo.Constraint(inner, rule=lambda m, j: m.passed[j] <= m.share[j])
    m.entered = pyo.Constraint(inner, rule=lambda m, j: m.share[j + 1] <= m.passed[j])
    m.left_tangent = pyo.Constraint(
        curved, rule=lambda m, j: m.slack[j] <= 4.0 * float(pieces.error[j]) * m.share[j]
    )
    m.right_tangent = pyo.Constraint(
        curved, rule=lambda m, j: m.slack[j] <= 4.0 * float(pieces.error[j]) * (1.0 - m.share[j])
    )


def _declare_response(m: Any, problem: LeaderProblem, curves: Curves, pieces: _Pieces) -> None:
    """reference - price - neutral = margin; sum of shifts zero (C15)."""
    references = [follower.reference_price_per_mwh for follower in problem.followers]

    def margin(m: Any, k: int, t: int) -> Any:
        risen = sum(float(pieces.rise[j]) * m.share[j] for j in pieces.places[k, t])
        return m.price[t] + m.neutral[k] + risen == float(references[k][t] - curves[k][t].margin[0])

    def load(m: Any, k: int, t: int) -> Any:
        least = problem.followers[k].base_mw[t] + curves[k][t].shift[0]
        return float(least) + sum(float(pieces.gain[j]) * m.share[j] for j in pieces.places[k, t])

    m.margin = pyo.Constraint(m.follower, m.period, rule=margin)
    m.drawn = pyo.Expression(m.follower, m.period, rule=load)
    energy_mwh = [problem.period_h * float(follower.base_mw.sum()) for follower in problem.followers]
    m.energy_neutral = energy_preserved(m.drawn, lambda k: energy_mwh[k], problem.period_h)


def _declare_sales(m: Any, problem: LeaderProblem, curves: Curves, pieces: _Pieces) -> None:
    """Sales to each follower by the price-revenue identity (C.1.5)."""
    m.sales = pyo.Var(m.follower)

    def identity(m: Any, k: int) -> Any:
        follower = problem.followers[k]
        bill = -float(follower.base_mw.sum()) * m.neutral[k]
        for t in m.period:
            bill += float(follower.reference_price_per_mwh[t]) * m.drawn[k, t] - float(
                curves[k][t].forgone[0]
            )
            for j in pieces.places[k, t]:
                bill -= float(pieces.forgone[j]) * m.share[j]
                if j in m.slack:
                    bill += m.slack[j]
        return THOUSAND * m.sales[k] == problem.period_h * bill

    m.identity = pyo.Constraint(m.follower, rule=identity)
