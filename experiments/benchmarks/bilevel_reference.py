"""A second opinion on leader-follower games: the single-level model in SCIP, with a proven bound."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from gridarium.agents.leader.follower_model import FollowerModel
from gridarium.agents.leader.problem import LeaderProblem
from gridarium.agents.leader.response_curve import neutral_bounds
from gridarium.agents.solving.highs_solver import TIME_LIMIT_S
from gridarium.environment.arrays import Array
from gridarium.environment.errors import GridariumError, TimeLimitError

Complementarity = Literal["indicator", "big-m", "sos1"]

FORMULATIONS: tuple[Complementarity, ...] = ("indicator", "big-m", "sos1")
THOUSAND = 1e3


@dataclass(frozen=True)
class ReferenceAnswer:
    """What SCIP found within its limits.

    Parameters
    ----------
    formulation : str
        How complementarity was written.
    status : str
        SCIP's own word.
    profit_money : float
        True profit of the best price, the followers' response computed apart from SCIP; nan without one.
    modelled_money, bound_money : float
        Best objective and proven upper bound.
    price_per_mwh : ndarray, shape (n_period,)
        nan without a solution.
    time_s : float
    nodes : int
    """

    formulation: str
    status: str
    profit_money: float
    modelled_money: float
    bound_money: float
    price_per_mwh: Array
    time_s: float
    nodes: int

    @property
    def gap(self) -> float:
        """Bound above the best objective, relative to it; inf without a solution."""
        if not np.isfinite(self.modelled_money):
            return float("inf")
        return (self.bound_money - self.modelled_money) / abs(self.modelled_money)


def solve_reference(
    problem: LeaderProblem,
    formulation: Complementarity = "indicator",
    node_limit: int = 100_000,
    start: Array | None = None,
    slackness: float = 1.0,
    within_s: float | None = None,
) -> ReferenceAnswer:
    """Solve the leader's problem with everyone's data in SCIP, on one thread.

    Parameters
    ----------
    problem : LeaderProblem
    formulation : {"indicator", "big-m", "sos1"}
        The paper's indicator constraints, big-M from the bounds of the box, or special ordered sets.
    node_limit : int
        When to stop without a proof.
    start : ndarray, shape (n_period,), optional
        A price to start from.
    slackness : float
        How many times the big-M are larger than the bounds of the box make necessary.
    within_s : float, optional
        Time after which the answer is read as it is, for comparisons of speed alone: machines differ.

    Raises
    ------
    TimeLimitError
        Without `within_s`, if SCIP ran into its time limit.
    GridariumError
        If PySCIPOpt is not installed.

    Notes
    -----
    Stationarity and complementarity of C12 to C16, revenue by the identity of C.1.5 with the square of
    the shift as SCIP's own nonlinear constraint; nothing is linearised.
    """
    model = _SingleLevel(problem, formulation, slackness)
    model.scip.setParam("limits/totalnodes", node_limit)
    model.scip.setParam("limits/time", TIME_LIMIT_S if within_s is None else within_s)
    if start is not None:
        model.suggest(start)
    started = time.perf_counter()
    model.scip.optimize()
    answer = model.answer(time.perf_counter() - started)
    if within_s is None and answer.status == "timelimit":
        raise TimeLimitError(f"leader: SCIP ran into its time limit of {TIME_LIMIT_S:g} s")
    return answer


def scip_module() -> Any:
    """PySCIPOpt, or the error that says how to install it."""
    try:
        import pyscipopt
    except ImportError as error:
        raise GridariumError("SCIP is not installed: pip install gridarium[reference]") from error
    return pyscipopt


class _SingleLevel:
    """The model in SCIP; money in thousands."""

    def __init__(self, problem: LeaderProblem, formulation: Complementarity, slackness: float = 1.0) -> None:
        self.problem, self.formulation, self.slackness = problem, formulation, slackness
        self._sum = scip_module().quicksum
        self.scip = scip_module().Model("leader")
        self.scip.hideOutput()
        self.scip.setParam("lp/threads", 1)
        limits = problem.limits
        self.price = [
            self._variable(
                f"price_{t}", float(limits.low_price_per_mwh[t]), float(limits.high_price_per_mwh[t])
            )
            for t in range(problem.n_period)
        ]
        self.responses = [self._respond(k, follower) for k, follower in enumerate(problem.followers)]
        self.revenue = problem.period_h * self._sum(response.revenue for response in self.responses)
        self._limit()
        self._maximise_profit()

    def _variable(self, name: str, low: float, high: float) -> Any:
        return self.scip.addVar(name, lb=low, ub=high)

    def _respond(self, k: int, follower: FollowerModel) -> _Response:
        """The KKT conditions of one follower."""
        least, most = neutral_bounds(self.problem, follower)
        neutral = self._variable(f"neutral_{k}", least, most)
        response = _Response(neutral, [], [], [], [], 0.0)
        terms = [-neutral * float(follower.base_mw.sum())]
        terms += [
            self._respond_in_period(f"{k}_{t}", t, follower, response, (least, most))
            for t in range(self.problem.n_period)
        ]
        self.scip.addCons(self._sum(response.shift) == 0.0)
        response.revenue = self._sum(terms)
        return response

    def _respond_in_period(
        self, label: str, t: int, follower: FollowerModel, response: _Response, neutral: tuple[float, float]
    ) -> Any:
        """Stationarity and both limits of a period; returns its part of the revenue.

        Notes
        -----
        ``p P = reference P - neutral P - beta s P - above Pmax + below Pmin`` with ``P = base + s``.
        """
        scip, limits = self.scip, self.problem.limits
        beta, base = follower.beta_per_mwh_per_mw, float(follower.base_mw[t])
        down, up = float(follower.most_down_mw[t]), float(follower.most_up_mw[t])
        reference = float(follower.reference_price_per_mwh[t])
        shift = self._variable(f"shift_{label}", -down, up)
        square = self._variable(f"square_{label}", 0.0, max(down, up) ** 2)
        scip.addCons(square == shift * shift)
        most_above = max(0.0, reference - float(limits.low_price_per_mwh[t]) - neutral[0] - beta * up)
        most_below = max(0.0, float(limits.high_price_per_mwh[t]) + neutral[1] - reference - beta * down)
        above = self._variable(f"above_{label}", 0.0, self.slackness * most_above)
        below = self._variable(f"below_{label}", 0.0, self.slackness * most_below)
        scip.addCons(reference - self.price[t] - response.neutral == beta * shift + above - below)
        self._complement(f"at_most_{label}", above, most_above, up - shift, up + down)
        self._complement(f"at_least_{label}", below, most_below, shift + down, up + down)
        response.shift.append(shift)
        response.square.append(square)
        response.above.append(above)
        response.below.append(below)
        return (
            reference * (base + shift) - beta * base * shift - beta * square
            - above * (base + up) + below * (base - down)
        )  # fmt: skip

    def _complement(self, name: str, dual: Any, most_dual: float, slack: Any, most_slack: float) -> None:
        """``dual * slack = 0`` with both not negative."""
        scip = self.scip
        if self.formulation == "sos1":
            room = self._variable(f"room_{name}", 0.0, most_slack)
            scip.addCons(room == slack)
            scip.addConsSOS1([dual, room])
            return
        active = scip.addVar(name, vtype="B")
        if self.formulation == "indicator":
            scip.addConsIndicator(slack <= 0.0, binvar=active)
            scip.addConsIndicator(dual <= 0.0, binvar=active, activeone=False)
        else:
            scip.addCons(slack <= self.slackness * most_slack * (1 - active))
            scip.addCons(dual <= self.slackness * most_dual * active)

    def _load(self, t: int) -> Any:
        return float(self.problem.base_mw[t]) + self._sum(response.shift[t] for response in self.responses)

    def _limit(self) -> None:
        limits, problem, scip = self.problem.limits, self.problem, self.scip
        periods = range(problem.n_period)
        if limits.bill_cap_money is not None:
            scip.addCons(self.revenue / THOUSAND <= limits.bill_cap_money / THOUSAND)
        for response, cap in zip(self.responses, problem.follower_bill_caps_money, strict=False):
            scip.addCons(problem.period_h * response.revenue / THOUSAND <= cap / THOUSAND)
        if limits.average_cap_per_mwh is not None:
            weight = problem.base_mw / problem.base_mw.sum()
            mean = self._sum(float(weight[t]) * self.price[t] for t in periods)
            scip.addCons(mean <= limits.average_cap_per_mwh)
        if limits.discount_cap_money is not None:
            plain = problem.period_h * self._sum(
                float(problem.reference_price_per_mwh[t]) * self._load(t) for t in periods
            )
            scip.addCons((plain - self.revenue) / THOUSAND <= limits.discount_cap_money / THOUSAND)

    def _maximise_profit(self) -> None:
        problem = self.problem
        cost = self.scip.addVar("cost", lb=None)
        for cut in problem.supply:
            marginal = np.broadcast_to(cut.marginal_cost_per_mwh, (len(self.responses), problem.n_period))
            supplied = self._sum(
                float(marginal[k, t]) * (float(problem.followers[k].base_mw[t]) + response.shift[t])
                for k, response in enumerate(self.responses)
                for t in range(problem.n_period)
            )
            self.scip.addCons(
                THOUSAND * cost >= cut.constant_money + problem.period_h * supplied, name="supply"
            )
        self.scip.setObjective(self.revenue / THOUSAND - cost, "maximize")

    def suggest(self, price: Array) -> None:
        """Give SCIP a price to start from; it completes the response itself."""
        solution = self.scip.createPartialSol()
        for variable, value in zip(self.price, price, strict=True):
            self.scip.setSolVal(solution, variable, float(value))
        self.scip.addSol(solution)

    def answer(self, time_s: float) -> ReferenceAnswer:
        """Read what was found."""
        scip, n_period = self.scip, self.problem.n_period
        price, profit, modelled = np.full(n_period, np.nan), float("nan"), float("nan")
        if scip.getNSols():
            best = scip.getBestSol()
            price = np.array([scip.getSolVal(best, variable) for variable in self.price])
            profit, modelled = self.problem.profit(price), THOUSAND * scip.getObjVal()
        return ReferenceAnswer(
            self.formulation,
            str(scip.getStatus()),
            profit,
            modelled,
            THOUSAND * scip.getDualbound(),
            price,
            time_s,
            int(scip.getNTotalNodes()),
        )


@dataclass
class _Response:
    """The variables of one follower; `revenue` is what it pays per hour of a period."""

    neutral: Any
    shift: list[Any]
    square: list[Any]
    above: list[Any]
    below: list[Any]
    revenue: Any
