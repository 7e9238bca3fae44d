"""A whole negotiation: how much of it is the solver, and what another follower costs."""

from __future__ import annotations

import statistics
import time
from typing import NamedTuple

import numpy as np

from gridarium.agents.feeder.consumer import Consumer
from gridarium.agents.feeder.dso import Dso
from gridarium.experiments.parts.consumers import CONSUMERS
from gridarium.experiments.parts.part import GridScenario
from gridarium.experiments.running.case_run import effort_of
from gridarium.experiments.running.world_build import BuiltWorld, build
from gridarium.experiments.scenario import load_scenario

N_AGENTS = (3, 10, 30, 100, 300)
N_REPEATS = 5
_FIXED_ROUNDS = ("negotiation.round_limit=6", "negotiation.price_tolerance_per_mwh=1e-12")
"""No run converges this far, so that runs of all sizes take the same rounds."""


class _Day(NamedTuple):
    """One case stepped to its end."""

    wall_s: float
    solver_s: float
    built: BuiltWorld


def bench_game() -> dict[str, float]:
    """Step the day of the case adcef as it is shipped, then with ever more consumers over equal rounds.

    Returns
    -------
    dict of str to float
        `solver_share`: of the time in which the shipped case is stepped, what its solvers take;
        `wall_s_N`: a day with N consumers; `exponent`: slope of log time against log consumers over all
        sizes; `steepest_exponent`: the largest slope between two neighbouring sizes; `us_per_decision`:
        one consumer's best response, us. Medians of interleaved repeats.
    """
    shipped = _shipped()
    crowds = {count: crowded(count) for count in N_AGENTS}
    _step(shipped)
    shares = [day.solver_s / day.wall_s for day in (_step(shipped) for _ in range(N_REPEATS))]
    days = [{count: _step(scenario) for count, scenario in crowds.items()} for _ in range(N_REPEATS)]
    walls = [statistics.median(repeat[count].wall_s for repeat in days) for count in N_AGENTS]
    log_agents, log_wall = np.log(N_AGENTS), np.log(walls)
    return {
        "solver_share": statistics.median(shares),
        **{f"wall_s_{count}": wall for count, wall in zip(N_AGENTS, walls, strict=True)},
        "exponent": float(np.polyfit(log_agents, log_wall, 1)[0]),
        "steepest_exponent": float((np.diff(log_wall) / np.diff(log_agents)).max()),
        "us_per_decision": statistics.median(_decision_us(repeat[N_AGENTS[-1]].built) for repeat in days),
    }


def crowded(count: int) -> GridScenario:
    """The case adcef with its classes divided into `count` consumers, for a fixed number of rounds."""
    classes = list(CONSUMERS.of(_shipped()))
    parts = [len(part) for part in np.array_split(np.arange(count), len(classes))]
    counts = [f"consumers.{name}.count={part}" for name, part in zip(classes, parts, strict=True)]
    return _shipped(*counts, *_FIXED_ROUNDS)


def _shipped(*overrides: str) -> GridScenario:
    scenario = load_scenario("adcef", overrides).cases["adcef"]
    assert isinstance(scenario, GridScenario)
    return scenario


def _step(scenario: GridScenario) -> _Day:
    built = build(scenario)
    start = time.perf_counter()
    while built.world.running:
        built.world.step()
    return _Day(time.perf_counter() - start, effort_of(built)["solver_s"], built)


def _decision_us(built: BuiltWorld) -> float:
    signal, consumers = built.one(Dso).today.signal, built.of(Consumer)
    start = time.perf_counter()
    for consumer in consumers:
        consumer.best_response(signal)
    return (time.perf_counter() - start) / len(consumers) * 1e6
