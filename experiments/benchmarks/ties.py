"""A TIES: its dispatch against a conic solver, Shapley values, and what further regional systems cost."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

import numpy as np

from gridarium.agents.transmission.day_dispatch import OverNetwork
from gridarium.agents.transmission.network_dispatch import NetworkDispatch
from gridarium.agents.transmission.ties import Ties
from gridarium.experiments.benchmarks.conic_reference import solve_conic
from gridarium.experiments.reading.plain_yaml import Tree
from gridarium.experiments.reading.scenario_files import read_scenario_file, without_cases
from gridarium.experiments.running.world_build import BuiltWorld, build
from gridarium.experiments.scenario import check_case, load_scenario
from gridarium.market.coalition import TabulatedGame, shapley

T = TypeVar("T")
N_REGIONS = (3, 6, 12, 24)
N_REPEATS = 7
N_PLAYERS = 16


def bench_ties(
    regions: Sequence[int] = N_REGIONS, repeats: int = N_REPEATS, scenario: str = "ries-carbon"
) -> dict[str, float]:
    """Time a TIES and its parts.

    Parameters
    ----------
    regions : sequence of int
        Numbers of regional systems that together are the load of `ries-small`.
    repeats : int
    scenario : str
        Whose network is dispatched.

    Returns
    -------
    dict of str to float
        `dispatch_to_conic`: process CPU time of a warm dispatch over the network to Clarabel's solve of the
        same form alone, median; `whole_to_parts`: of the dispatch of the system as it is to that of a part;
        `dispatch_ms`; `coalition_ms`: v(S) of one coalition; `shapley_16_ms`: from a table; `cpu_s_N` and
        `exponent` of a negotiation of one day with N regional systems under the dynamic ladder.

    Raises
    ------
    GridariumError
        If Clarabel is not installed.
    """
    built = _played(load_scenario(scenario, ["horizon_h=24", "period_h=1.0"]).cases["full"])
    times = [_negotiated_s(count) for count in regions]
    measured = _dispatched(built, repeats) | {"shapley_16_ms": _shapley_ms(repeats)}
    measured |= {f"cpu_s_{count}": cpu for count, cpu in zip(regions, times, strict=True)}
    if len(regions) > 1:
        measured["exponent"] = float(np.polyfit(np.log(regions), np.log(times), 1)[0])
    return measured


def _played(case: Any) -> BuiltWorld:
    """A world in which the first day has been negotiated."""
    built = build(case)
    built.world.step()
    return built


def _dispatched(built: BuiltWorld, repeats: int) -> dict[str, float]:
    ties = built.one(Ties)
    day, planner = ties.days[0], ties.planner
    dispatch = planner.day_dispatch
    assert isinstance(dispatch, OverNetwork)
    network, forecast = dispatch.network, planner.heard(day)
    whole = NetworkDispatch(network.shape, parts=1.0)
    start = dispatch.day(day, forecast)
    random = np.random.default_rng(1)
    own, undivided, conic = [], [], []
    whole.solve("bench", start)
    for _ in range(repeats):
        moved = 1.0 + random.uniform(-0.02, 0.02, len(start.import_price_per_mwh))
        now = replace(start, load_p_mw=moved * start.load_p_mw, load_q_mvar=moved * start.load_q_mvar)
        solution, cpu_s = _timed(partial(network.problem.solve, "bench", **network.signals(now)))
        own.append(cpu_s)
        undivided.append(_cpu_s(partial(whole.solve, "bench", now)))
        conic.append(solve_conic(network.problem.form, network.problem.form.at(solution.signals)).solve_s)
    order = planner.merit_order
    coalition = [_cpu_s(lambda: order.emission_tco2("bench", forecast, day.on, day.state)) for _ in range(20)]
    return {
        "dispatch_to_conic": statistics.median(a / b for a, b in zip(own, conic, strict=True)),
        "whole_to_parts": statistics.median(a / b for a, b in zip(undivided, own, strict=True)),
        "dispatch_ms": 1e3 * statistics.median(own),
        "coalition_ms": 1e3 * statistics.median(coalition),
    }


def _timed(work: Callable[[], T]) -> tuple[T, float]:
    """What some work gives, and its process CPU time, s."""
    started = time.process_time()
    given = work()
    return given, time.process_time() - started


def _cpu_s(work: Callable[[], object]) -> float:
    return _timed(work)[1]


def _shapley_ms(repeats: int) -> float:
    values = np.random.default_rng(2).random(2**N_PLAYERS)
    values[0] = 0.0
    game = TabulatedGame(tuple(f"p{number}" for number in range(N_PLAYERS)), values)
    return 1e3 * statistics.median(_cpu_s(lambda: shapley(game)) for _ in range(repeats))


def split_tree(count: int) -> Tree:
    """The scenario ries-small with each of its regional systems in equal parts, as the tree of a file."""
    tree: Any = read_scenario_file("ries-small").tree
    bulk = dict(tree["grids"]["bulk"])
    parts = count // len(bulk["regions"])
    bulk["regions"] = {
        f"{name}_{number}": region | {"share": 1.0 / parts}
        for name, region in bulk["regions"].items()
        for number in range(parts)
    }
    # What a coalition takes is measured by itself: a round would be as many dispatches as are sampled.
    bulk["carbon_policy"] = {**bulk["carbon_policy"], "scheme": "dynamic"}
    return {**without_cases(tree), "horizon_h": 24, "period_h": 1.0, "grids": {"bulk": bulk}}


def _negotiated_s(count: int) -> float:
    scenario, faults = check_case(split_tree(count))
    assert not faults, faults
    return _cpu_s(lambda: _played(scenario))
