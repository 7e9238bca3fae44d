"""A day of an active feeder: fix and refine against a plan at a fixed tap, and a one-hot search by HiGHS."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeVar

import numpy as np

from gridarium.agents.feeder.dispatch import Dispatch, DispatchDay
from gridarium.agents.feeder.dispatch_problem import DispatchShape
from gridarium.agents.feeder.tap_search import TapReview, TapSearch
from gridarium.environment.arrays import Array
from gridarium.environment.errors import SolveError
from gridarium.environment.power_flow import AcPowerFlow
from gridarium.environment.random_streams import RandomStreams
from gridarium.experiments.benchmarks.active_network_instances import (
    N_HOUR,
    active_day,
    fresh_dispatcher,
    short_shape,
)
from gridarium.experiments.benchmarks.one_hot_taps import one_hot_form, solve_one_hot

T = TypeVar("T")
LOAD_CHANGE = 0.05
RENEWABLE_FACTORS = (0.5, 1.0, 1.5)
_BEFORE = 0
_FIRST_HOUR = 10
"""Of the short days: around noon, when the positions that are best differ most."""


class _Sample(NamedTuple):
    """One day planned both ways."""

    whole_s: float
    fixed_s: float
    same_s: float
    review: TapReview
    saving: float
    ac_voltage_pu: float
    ac_cost: float


def bench_active_network(days: int = 6, horizon: int = 24, hours: int = 4) -> dict[str, float]:
    """Plan days at the best positions, each by compiled problems that have solved nothing before.

    Parameters
    ----------
    days : int
        Loads differ by up to 5 % each hour; renewables are half, the whole, and one and a half by turns.
    horizon : int
        Their hours.
    hours : int
        Of the day on which HiGHS searches, 2 moves long.

    Returns
    -------
    dict of str to float
        `whole_to_fixed`: process CPU time of search and plan to that of a plan at the position before the
        day, median; `largest_whole_to_fixed`; `whole_to_same`: to that of a plan at the positions found, had
        they been known; `largest_gap` to the proven bound, relative; `largest_looks`: relaxed dispatches;
        `median_saving` against the position before, relative; errors of the plans by AC power flow, of
        voltage, p.u., and of cost, relative; `one_hot_to_search`: CPU time of HiGHS to the search's on the
        short day, and `one_hot_difference`: cost of the positions of HiGHS, dispatched, less that of the
        search's, relative. Times in s.

    Raises
    ------
    SolveError
        If a day cannot be supplied.
    """
    shape, random = short_shape(horizon, moves=8), RandomStreams(1).stream("load changes")
    samples = []
    _planned(shape, active_day(shape))
    for number in range(days):
        change = 1.0 + random.uniform(-LOAD_CHANGE, LOAD_CHANGE, N_HOUR)
        factor = RENEWABLE_FACTORS[number % len(RENEWABLE_FACTORS)]
        samples.append(_planned(shape, active_day(shape, change, factor)))
    ratios = [one.whole_s / one.fixed_s for one in samples]
    return {
        "whole_to_fixed": statistics.median(ratios),
        "largest_whole_to_fixed": max(ratios),
        "whole_to_same": statistics.median(one.whole_s / one.same_s for one in samples),
        "largest_whole_to_same": max(one.whole_s / one.same_s for one in samples),
        "largest_gap": max(one.review.gap for one in samples),
        "largest_looks": float(max(one.review.looks for one in samples)),
        "median_saving": statistics.median(one.saving for one in samples),
        "largest_ac_voltage_error_pu": max(one.ac_voltage_pu for one in samples),
        "largest_ac_cost_error": max(one.ac_cost for one in samples),
        "whole_cpu_s": statistics.median(one.whole_s for one in samples),
        "fixed_cpu_s": statistics.median(one.fixed_s for one in samples),
        **_against_one_hot(hours),
    }


def _planned(shape: DispatchShape, day: DispatchDay) -> _Sample:
    """Both plans of a day, and the AC power flow of the better one."""
    search = TapSearch(fresh_dispatcher(shape))
    whole_s, review = _timed(lambda: search.review(day, _BEFORE))
    if review is None:
        raise SolveError("active network: the loads of a day cannot be supplied")
    dispatchers = fresh_dispatcher(shape), fresh_dispatcher(shape)
    before = search.at(day, np.full(shape.n_period, _BEFORE))
    fixed_s, fixed = _timed(lambda: dispatchers[0].solve(before))
    same_s, _ = _timed(lambda: dispatchers[1].solve(search.at(day, review.best)))
    cost = review.dispatch.cost_money
    voltage, missed = _ac_errors(shape, day, review.dispatch)
    return _Sample(
        whole_s, fixed_s, same_s, review, (fixed.cost_money - cost) / cost, voltage, missed / abs(cost)
    )


def _ac_errors(shape: DispatchShape, day: DispatchDay, plan: Dispatch) -> tuple[float, float]:
    """Largest error of a voltage, p.u., and the cost of what passes the head that a plan misses, money."""
    site, changer = dict(shape.sites), shape.tap_changer
    assert changer is not None and plan.tap is not None
    p_mw, q_mvar = -day.load_p_mw, -day.load_q_mvar
    kinds: tuple[tuple[Sequence[Any], Array, Array], ...] = (
        (shape.turbines, plan.turbine_mw, plan.turbine_mvar),
        (shape.renewables, plan.renewable_mw, plan.renewable_mvar),
        (shape.storages, plan.discharge_mw - plan.charge_mw, plan.storage_mvar),
        (shape.compensators, np.zeros_like(plan.compensator_mvar), plan.compensator_mvar),
    )
    for units, power, reactive in kinds:
        for row, unit in enumerate(units):
            p_mw[site[unit.name]] += power[row]
            q_mvar[site[unit.name]] += reactive[row]
    heads = changer.head_vm_pu(plan.tap, shape.feeder.slack_vm_pu)
    flow = AcPowerFlow(shape.feeder).solve(p_mw.T, q_mvar.T, heads)
    missed_mw = np.abs(flow.p_slack_mw - (plan.buy_mw - plan.sell_mw))
    money = float(day.signals["buy_price"] @ missed_mw) * shape.period_h
    return float(np.abs(flow.vm_pu.T - plan.voltage_pu).max()), money


def _against_one_hot(hours: int) -> dict[str, float]:
    """A short day by HiGHS and by the search."""
    shape = short_shape(hours, moves=2)
    day, search = active_day(shape, first=_FIRST_HOUR), TapSearch(fresh_dispatcher(shape))
    form = one_hot_form(shape, search.usable, _BEFORE)
    search.review(day, _BEFORE)
    search = TapSearch(fresh_dispatcher(shape))
    own_s, review = _timed(lambda: search.review(day, _BEFORE))
    other_s, other = _timed(lambda: solve_one_hot(search, form, day, _BEFORE))
    dispatch = search.dispatcher.attempt(search.at(day, other.position))
    if review is None or dispatch is None:
        raise SolveError("active network: the loads of the short day cannot be supplied")
    cost = review.dispatch.cost_money
    return {
        "one_hot_to_search": other_s / own_s,
        "one_hot_difference": (dispatch.cost_money - cost) / cost,
        "one_hot_cpu_s": other_s,
        "search_cpu_s": own_s,
    }


def _timed(act: Callable[[], T]) -> tuple[float, T]:
    started = time.process_time()
    found = act()
    return time.process_time() - started, found
