"""Units that are chosen while ADMM runs, by arithmetic alone, against the joint mixed-integer programme."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyomo.environ as pyo
from pyomo.contrib.solver.common.factory import SolverFactory

from gridarium.agents.problems.unit_commitment import (
    committed,
    declare_commitment,
    declare_fuel,
    switching_cost,
)
from gridarium.agents.region.region_problem import CUT_PART, SHIFT_PART, least_share
from gridarium.agents.transmission.bulk_commitment import BulkCommitter
from gridarium.agents.transmission.bulk_families import (
    declare_drawn,
    declare_physics,
    declare_sets,
    drawn_signals,
    running_cost,
)
from gridarium.agents.transmission.commitment_search import CommitmentSearch
from gridarium.agents.transmission.exchange_commitment import ExchangeCommitter
from gridarium.agents.transmission.social_optimum import SocialPlanner
from gridarium.environment.arrays import Array, Flags
from gridarium.environment.errors import InfeasibleError, SolveError
from gridarium.experiments.benchmarks.admm_instances import AdmmDay
from gridarium.experiments.benchmarks.admm_play import AdmmPlay, Played
from gridarium.market.admm_variants import make_variant

_TANGENTS = 12


@dataclass(frozen=True)
class CommitmentPlay:
    """What commitments that were tried have come to.

    Parameters
    ----------
    costs_money : ndarray, shape (n_commitment,)
        For everybody, starts and stops among them, in the order of trying.
    rounds : int
        Of all of them.
    unsettled : int
        Of them, how many did not come to rest.
    cpu_s : float
    """

    costs_money: Array
    rounds: int
    unsettled: int
    cpu_s: float


def play_commitments(day: AdmmDay, limit: int) -> CommitmentPlay:
    """Try commitments as a TIES does: each until its loads are at rest, then one for loads that follow it."""
    committer, follower = BulkCommitter(day.bulk, False), ExchangeCommitter(day.bulk, False)
    started = time.process_time()
    search = CommitmentSearch(limit)
    on = committer.best("bench", day.forecast, day.state).on
    rounds = unsettled = 0
    while True:
        play = AdmmPlay(replace(day, on=on))
        played = _played(play)
        if played is None:
            search.note(on, None)
            break
        rounds, unsettled = rounds + played.rounds, unsettled + (not played.converged)
        search.note(on, _cost_money(play, played))
        heard = day.forecast.with_load(played.plan.net_mw.sum(axis=0))
        posted = played.posted
        proposals = [
            follower.propose("bench", heard, day.state, posted.price_per_mwh, posted.supply_penalty_per_mw2h),
            committer.best("bench", heard, day.state).on,
        ]
        new = [one for one in proposals if search.is_new(one)]
        if not new or not search.goes_on:
            break
        on = new[0]
    return CommitmentPlay(search.costs_money, rounds, unsettled, time.process_time() - started)


def _played(play: AdmmPlay) -> Played | None:
    """Rounds under one commitment; None where it cannot serve even the loads that would follow it."""
    try:
        return play.rounds(play.start(), make_variant("anderson"))
    except InfeasibleError:
        return None


def _cost_money(play: AdmmPlay, played: Played) -> float | None:
    try:
        return play.cost_money(played.plan) + switching_money(play.day, play.day.on)
    except InfeasibleError:
        return None


def switching_money(day: AdmmDay, on: Flags) -> float:
    """What starts and stops of a commitment cost."""
    before = np.column_stack([day.state.on, on[:, :-1]])
    prices = np.array([unit.start_stop_money for unit in day.bulk.system.units])
    return float(prices @ (on != before).sum(axis=1))


@dataclass(frozen=True)
class JointOptimum:
    """The joint programme of units and users.

    Parameters
    ----------
    on : ndarray of bool, shape (n_unit, n_step)
    cost_money : float
        Of its commitment with the best dispatch and responses, by a convex programme without tangents.
    bound_money : float
        What any commitment costs at least: what the search has proven, all squares met from below.
    cpu_s : float
    """

    on: Flags
    cost_money: float
    bound_money: float
    cpu_s: float


def joint_optimum(day: AdmmDay, limit_s: float = 120.0) -> JointOptimum:
    """Commit units and plan responses at once, by HiGHS through Pyomo's own interface.

    Raises
    ------
    SolveError
        If nothing is found within the time.
    """
    started = time.process_time()
    model = _joint_model(day)
    results = SolverFactory("highs").solve(
        model,
        time_limit=limit_s,
        rel_gap=1e-5,
        threads=1,
        load_solutions=False,
        raise_exception_on_nonoptimal_result=False,
    )
    if results.incumbent_objective is None:
        raise SolveError("the joint programme found nothing within its time")
    results.solution_loader.load_vars()
    on = np.array([[pyo.value(model.on[u, t]) > 0.5 for t in model.period] for u in model.unit])
    cpu_s = time.process_time() - started
    planner = SocialPlanner.of(day.bulk, day.days)
    nothing = day.forecast.with_load(np.zeros(day.bulk.n_period))
    cost = planner.best("bench", nothing, on, day.state, day.days).cost_money + switching_money(day, on)
    return JointOptimum(on, cost, float(results.objective_bound), cpu_s)


def _joint_model(day: AdmmDay) -> Any:
    """Units, storages and users of a day in one mixed-integer linear model, all numbers filled in."""
    system, n_step = day.bulk.system, day.bulk.n_period
    m = pyo.ConcreteModel(name="joint")
    declare_sets(m, system, n_step)
    declare_commitment(m, system.units, n_step)
    running = committed(m, system.units, day.bulk.period_h)
    declare_physics(m, system, running, day.bulk.period_h)
    declare_fuel(m, system.units, running, _TANGENTS)
    m.region = pyo.RangeSet(0, len(day.days) - 1)
    borne = _declare_regions(m, day)
    declare_drawn(m, system, lambda t: sum(m.region_mw[r, t] for r in m.region))
    cost = running_cost(m, system, lambda i, t: m.fuel_cost_per_h[i, t], day.bulk.period_h)
    m.cost_money = pyo.Objective(expr=cost + switching_cost(m, system.units) + borne)
    _fill_in(m, day)
    return m


def _declare_regions(m: Any, day: AdmmDay) -> Any:
    """Cuts and moves of each region, their squares met by tangents from below; what users bear."""
    hours, n_step = day.bulk.period_h, day.bulk.n_period
    m.cut_mw, m.in_mw, m.out_mw, m.region_mw = (
        pyo.Var(m.region, m.period, bounds=(0, None)) for _ in range(4)
    )
    m.cut_mw2, m.moved_mw2 = (pyo.Var(m.region, m.period, bounds=(0, None)) for _ in range(2))
    m.limits, m.tangents, m.balances = pyo.ConstraintList(), pyo.ConstraintList(), pyo.ConstraintList()
    borne: Any = 0.0
    for r, region in enumerate(day.days):
        own, base = region.demand.flexibility, region.demand.base_mw
        stake = region.stake_money / (n_step * hours)
        cut_square = (
            own.cut_cost_per_mw2h
            + CUT_PART * stake / (float(least_share(own.cut_share)) * region.peak_mw) ** 2
        )
        move_square = (
            own.shift_cost_per_mw2h
            + SHIFT_PART * stake / (float(least_share(own.shift_share)) * region.peak_mw) ** 2
        )
        leaving, arriving = _declare_windows(m, r, region.demand.flexibility.windows, n_step, hours)
        for t in m.period:
            most_cut, most_move = own.cut_share * float(base[t]), own.shift_share * float(base[t])
            moved = m.in_mw[r, t] + m.out_mw[r, t]
            m.limits.add(m.cut_mw[r, t] <= most_cut)
            m.limits.add(m.in_mw[r, t] <= (most_move if t in arriving else 0.0))
            m.limits.add(m.out_mw[r, t] <= (most_move if t in leaving else 0.0))
            drawn = float(base[t]) - m.cut_mw[r, t] + m.in_mw[r, t] - m.out_mw[r, t]
            m.balances.add(m.region_mw[r, t] == drawn)
            for square, value, most in (
                (m.cut_mw2[r, t], m.cut_mw[r, t], most_cut),
                (m.moved_mw2[r, t], moved, most_move),
            ):
                for point in np.linspace(0.0, most, _TANGENTS):
                    m.tangents.add(square >= 2.0 * float(point) * value - float(point) ** 2)
            borne += hours * (
                own.cut_cost_per_mwh * m.cut_mw[r, t]
                + cut_square * m.cut_mw2[r, t]
                + own.shift_cost_per_mwh * moved
                + move_square * m.moved_mw2[r, t]
            )
    return borne


def _declare_windows(m: Any, r: int, windows: Any, n_step: int, hours: float) -> tuple[set[int], set[int]]:
    """What leaves in a window arrives in it; the steps that load of a region may leave and enter."""
    leaving, arriving = set[int](), set[int]()
    for window in windows:
        leaves, arrives = window.steps(n_step, hours)
        out = window.transfer * sum(m.out_mw[r, t] for t in leaves)
        m.balances.add(out == sum(m.in_mw[r, t] for t in arrives))
        leaving |= {*leaves}
        arriving |= {*arrives}
    return leaving, arriving


def _fill_in(m: Any, day: AdmmDay) -> None:
    """Fix what a compiled problem is told as signals."""
    state, units = day.state, day.bulk.system.units
    nothing = day.forecast.with_load(np.zeros(day.bulk.n_period))
    on = np.zeros((len(units), day.bulk.n_period), dtype=bool)
    values = drawn_signals(day.bulk.system, nothing, on, state, day.bulk.period_h)
    least, most = BulkCommitter(day.bulk).bounds(state)
    values |= {
        "on_before": state.on.astype(float),
        "gross_before_mw": state.power_mw,
        "least_on": least,
        "most_on": most,
    }
    for name, value in values.items():
        component = m.component(name)
        if component is not None and name not in ("on", "most_rise_mw", "most_fall_mw"):
            flat: Array = np.asarray(value, dtype=np.float64).ravel()
            for data, number in zip(component.values(), flat, strict=True):
                data.fix(float(number))
