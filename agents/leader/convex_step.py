"""One convex step of a leader: which limits followers rest at by a MILP, then a convex QP."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import highspy
import numpy as np
from scipy import sparse

from gridarium.agents.leader.convex_step_problem import Reach, SingleLevelPoint, build_step_model
from gridarium.agents.leader.leader_families import THOUSAND
from gridarium.agents.leader.problem import LeaderProblem, SupplyCut
from gridarium.agents.solving.highs_solver import integer_model, run_in_time
from gridarium.agents.solving.quadratic_solver import QuadraticSolver
from gridarium.agents.solving.standard_form import StandardForm, compile_model
from gridarium.environment.arrays import Array
from gridarium.environment.errors import SolveError

COST_ERROR = 0.1
"""Error of the cost of supply, relative to the promised gain, that ends the drawing of tangents."""

CUT_LIMIT = 4
"""Most tangents drawn in one step."""

Supplier = Callable[[Array], SupplyCut | None]
"""Tangent of the cost of supply at loads, shape (n_follower, n_period); None where nothing supplies them."""


@dataclass(frozen=True)
class ConvexStep:
    """The optimum of a convex step.

    Parameters
    ----------
    point : SingleLevelPoint
    modelled_money : float
        Profit as the step has it.
    bound_money : float
        Most that the straight problem allows within the trust region.
    tightness : ndarray, shape (n_follower,)
        How much of each follower's bill lies at a cap: the sum of the caps' multipliers, in [0, 1].
    cuts : tuple of SupplyCut
        Tangents that were drawn; the last one at the step's own loads.
    """

    point: SingleLevelPoint
    modelled_money: float
    bound_money: float
    tightness: Array
    cuts: tuple[SupplyCut, ...] = ()


@dataclass(frozen=True)
class StepEffort:
    """How far the search over complementarity goes.

    Parameters
    ----------
    gap_money : float
        Distance from its optimum that is good enough.
    node_limit : int
    """

    gap_money: float
    node_limit: int


def convex_steps(
    problem: LeaderProblem,
    anchor: SingleLevelPoint,
    radius: float,
    tightness: Array,
    effort: StepEffort,
    supply: Supplier | None = None,
) -> list[ConvexStep]:
    """Solve the problem linearised at an anchor within a trust region; one or two candidates, or none.

    Parameters
    ----------
    problem : LeaderProblem
    anchor : SingleLevelPoint
    radius : float
        Most that any price may change, money/MWh.
    tightness : ndarray, shape (n_follower,)
        As the last step left it; zeros at first.
    effort : StepEffort
    supply : callable, optional
        True cost of supply, from which tangents are drawn until the step's cost is the true one.

    Notes
    -----
    First the straight problem chooses where followers rest at limits. While these stay, what (38) leaves
    out is ``-beta (d - d_k)**2`` of each sale and period, which is concave: it is kept in a second, convex
    solve on the chosen pattern and on the anchor's own, without which straight steps end in a zigzag.
    """
    reach = Reach.of(problem, anchor, radius)
    weight = 1.0 - tightness
    form = compile_model(build_step_model(problem, anchor, radius, reach, weight), ())
    own = _values(problem, anchor, form, reach)
    found = _search(form, own, effort)
    if found is None:
        return []
    chosen, bound = found
    curved = _with_curvature(form, problem, anchor, weight)
    integer = form.integer
    patterns = [own] if np.array_equal(own[integer], chosen[integer]) else [own, chosen]
    profit = problem.profit(anchor.price_per_mwh, anchor.loads(problem))
    steps = [_curved_step(curved, x, bound, problem, profit, supply) for x in patterns]
    return [one for one in steps if one is not None]


def _search(form: StandardForm, start: Array, effort: StepEffort) -> tuple[Array, float] | None:
    """Optimum of the straight problem and its bound in money."""
    options = {
        "mip_rel_gap": 0.0,
        "mip_abs_gap": effort.gap_money / THOUSAND,
        "mip_max_nodes": effort.node_limit,
    }
    highs, has_integers = integer_model(form, form.at(np.zeros(0)), options), bool(form.integer.any())
    if has_integers:
        solution = highspy.HighsSolution()
        solution.col_value = start
        highs.setSolution(solution)
    run_in_time(highs, "leader")
    info = highs.getInfo()
    if info.primal_solution_status != highspy.SolutionStatus.kSolutionStatusFeasible:
        return None
    bound = info.mip_dual_bound if has_integers else info.objective_function_value
    return np.array(highs.getSolution().col_value), -THOUSAND * (bound + form.constant)


def _with_curvature(
    form: StandardForm, problem: LeaderProblem, anchor: SingleLevelPoint, weight: Array
) -> StandardForm:
    """The same form with ``weight beta (d - d_k)**2`` of all shifts in its loss."""
    beta = np.array([one.beta_per_mwh_per_mw for one in problem.followers])
    curve = np.repeat(problem.period_h / THOUSAND * weight * beta, problem.n_period)
    block, shift = form.decisions["shift"], anchor.shift_mw.ravel()
    diagonal, cost = np.zeros(len(form.cost)), form.cost.copy()
    bend = form.decisions["bend"]
    cost[bend.start : bend.stop] = 0.0
    diagonal[block.start : block.stop] = 2.0 * curve
    cost[block.start : block.stop] -= 2.0 * curve * shift
    constant = form.constant + float(curve @ shift**2)
    return replace(form, hessian=sparse.diags(diagonal, format="csc"), cost=cost, constant=constant)


def _curved_step(
    form: StandardForm,
    pattern: Array,
    bound_money: float,
    problem: LeaderProblem,
    anchored_money: float,
    supply: Supplier | None,
) -> ConvexStep | None:
    """Optimum with the binaries of a pattern; None where there is none, or its loads cannot be supplied."""
    integer = form.integer
    lower, upper = form.lower.copy(), form.upper.copy()
    lower[integer] = upper[integer] = np.round(pattern[integer])
    form = replace(form, lower=lower, upper=upper, integer=np.zeros_like(integer))
    cuts: list[SupplyCut] = []
    while True:
        solver, nothing = QuadraticSolver(form), np.zeros(0)
        try:
            x = solver.solve(form.at(nothing))
        except SolveError:
            return None
        point, cost = _point(form, x), THOUSAND * float(x[form.decisions["cost"].start])
        modelled = -THOUSAND * form.objective(x, nothing)
        if supply is None:
            break
        loads = point.loads(problem)
        cut = supply(loads)
        if cut is None:
            return None
        cuts.append(cut)
        missed = replace(problem, supply=(cut,)).cost(loads) - cost
        promised = abs(modelled - anchored_money)
        if missed <= COST_ERROR * promised or len(cuts) >= CUT_LIMIT:
            break
        form = _with_cut(form, cut, problem)
    tightness = np.clip(_tightness(form, solver.multipliers().rows, len(problem.followers)), 0.0, 1.0)
    return ConvexStep(point, modelled, max(modelled, bound_money), tightness, tuple(cuts))


def _with_cut(form: StandardForm, cut: SupplyCut, problem: LeaderProblem) -> StandardForm:
    """The same form with one more tangent below its cost."""
    base = np.array([one.base_mw for one in problem.followers])
    marginal = problem.period_h / THOUSAND * np.broadcast_to(cut.marginal_cost_per_mwh, base.shape)
    row, block = np.zeros(len(form.cost)), form.decisions["shift"]
    row[block.start : block.stop] = -marginal.ravel()
    row[form.decisions["cost"].start] = 1.0
    least = cut.constant_money / THOUSAND + float((marginal * base).sum())
    return replace(
        form,
        rows=sparse.vstack([form.rows, sparse.csr_matrix(row[None, :])]).tocsr(),
        row_lower=np.append(form.row_lower, least),
        row_upper=np.append(form.row_upper, np.inf),
        row_signal=sparse.csr_matrix((len(form.row_lower) + 1, form.row_signal.shape[1])),
        row_names=(*form.row_names, "supply"),
    )


def _tightness(form: StandardForm, multipliers: Array, n_follower: int) -> Array:
    """Multipliers of the caps on bills, by follower."""
    total = np.zeros(n_follower)
    for name, multiplier in zip(form.row_names, multipliers, strict=True):
        if name == "bill_cap":
            total -= multiplier
        elif name.startswith("each_bill_cap"):
            total[int(name[len("each_bill_cap[") : -1])] -= multiplier
    return total


def _point(form: StandardForm, x: Array) -> SingleLevelPoint:
    values = []
    for name in ("price", "neutral", "shift", "upper", "lower"):
        block = form.decisions[name]
        values.append(x[block.start : block.stop].reshape(block.shape))
    return SingleLevelPoint(*values)


def _values(problem: LeaderProblem, anchor: SingleLevelPoint, form: StandardForm, reach: Reach) -> Array:
    """Values of all variables at the anchor."""
    up = np.array([one.most_up_mw for one in problem.followers])
    down = np.array([one.most_down_mw for one in problem.followers])
    beta = np.array([[one.beta_per_mwh_per_mw] for one in problem.followers])
    # Interior points leave a little of both factors of a product; the larger one is meant.
    at_upper = anchor.upper_price_per_mwh > beta * (up - anchor.shift_mw)
    at_lower = anchor.lower_price_per_mwh > beta * (down + anchor.shift_mw)
    values = {
        "price": anchor.price_per_mwh,
        "neutral": anchor.neutral_price_per_mwh,
        "shift": anchor.shift_mw.ravel(),
        "upper": anchor.upper_price_per_mwh.ravel(),
        "lower": anchor.lower_price_per_mwh.ravel(),
        "at_upper": np.array([at_upper[place] for place in reach.above(up)], dtype=np.float64),
        "at_lower": np.array([at_lower[place] for place in reach.below(down)], dtype=np.float64),
        "bend": np.zeros(anchor.shift_mw.size),
        "cost": np.array([problem.cost(anchor.loads(problem)) / THOUSAND]),
    }
    x = np.zeros(len(form.cost))
    for name, value in values.items():
        block = form.decisions[name]
        x[block.start : block.stop] = value
    return x
