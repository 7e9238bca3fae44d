"""One world of ever more feeders: what an outer round of its nested negotiation costs."""

from __future__ import annotations

import multiprocessing
import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple
from unittest.mock import patch

import numpy as np

from gridarium.agents.transmission.exchange_negotiation import ExchangeNegotiation
from gridarium.agents.transmission.ties import Ties
from gridarium.experiments.benchmarks.world_instances import world_of
from gridarium.experiments.case_run import problems_of
from gridarium.experiments.scenario import check_case
from gridarium.experiments.world_build import build

N_FEEDERS = (3, 6, 12, 24, 48)
_BYTES_PER_MIB, _KIB_PER_MIB = 2.0**20, 2.0**10


class _Negotiated(NamedTuple):
    """The day before delivery of one world: rounds, CPU time, of that in a round, solvers', and more."""

    rounds: int
    at_rest: bool
    cpu_s: float
    per_round_s: float
    solver_s: float
    messages: int
    peak_mib: float


def bench_world(most: int = N_FEEDERS[-1]) -> dict[str, float]:
    """Negotiate a day of worlds of 3 to 48 feeders, with a ladder and with a Shapley factor.

    Parameters
    ----------
    most : int
        Feeders of the largest world.

    Returns
    -------
    dict of str to float
        For each number N of feeders `rounds_N`, `per_round_s_N` (process CPU time), `shapley_per_round_s_N`
        (what the Shapley factor adds to a round), `solver_share_N`, `messages_N`, `peak_mib_N`; `exponent`
        and `shapley_exponent`: slopes of log time of a round against log feeders; `at_rest_share` of all
        these days.
    """
    counts = [count for count in N_FEEDERS if count <= most]
    plain = [_in_own_process(count, "ladder") for count in counts]
    shared = [_in_own_process(count, "full") for count in counts]
    factor_s = [
        max(with_it.per_round_s - without.per_round_s, 1e-9)
        for with_it, without in zip(shared, plain, strict=True)
    ]
    found: dict[str, float] = {}
    for count, day, factor in zip(counts, plain, factor_s, strict=True):
        found |= {
            f"rounds_{count}": day.rounds,
            f"per_round_s_{count}": day.per_round_s,
            f"shapley_per_round_s_{count}": factor,
            f"solver_share_{count}": day.solver_s / day.cpu_s,
            f"messages_{count}": day.messages,
            f"peak_mib_{count}": day.peak_mib,
        }
    everything = [*plain, *shared]
    return found | {
        "exponent": _slope(counts, [day.per_round_s for day in plain]),
        "shapley_exponent": _slope(counts, factor_s),
        "at_rest_share": sum(day.at_rest for day in everything) / len(everything),
    }


def _slope(counts: list[int], seconds: list[float]) -> float:
    return float(np.polyfit(np.log(counts), np.log(seconds), 1)[0])


def _in_own_process(count: int, scheme: str) -> _Negotiated:
    """Peak memory is that of a process, so that each world needs a fresh one."""
    with multiprocessing.get_context("spawn").Pool(1) as workers:
        return workers.apply(negotiate, (count, scheme))


def negotiate(count: int, scheme: str) -> _Negotiated:
    """The negotiation of a day, and the first quarter of an hour of it."""
    scenario, faults = check_case(world_of(count, scheme))
    assert scenario is not None, faults
    built = build(scenario)
    started = time.process_time()
    with _timed_rounds() as seconds:
        built.world.step()
    cpu_s = time.process_time() - started
    (day,) = built.one(Ties).days
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return _Negotiated(
        len(day.rounds),
        day.rounds[-1].judgement.distance <= day.rules.tolerance,
        cpu_s,
        sum(seconds) / len(seconds),
        sum(problem.solver_s for problem in problems_of(built)),
        built.world.bus.sent,
        peak / (_BYTES_PER_MIB if sys.platform == "darwin" else _KIB_PER_MIB),
    )


@contextmanager
def _timed_rounds() -> Iterator[list[float]]:
    """Process CPU time of each round after the first one of a negotiation, s, as they are played."""
    seconds: list[float] = []
    begun: list[float] = []
    judge, first = ExchangeNegotiation.judge, ExchangeNegotiation.first

    def judged(negotiation: Any, *args: Any) -> Any:
        now = time.process_time()
        if begun:
            seconds.append(now - begun.pop())
        begun.append(now)
        return judge(negotiation, *args)

    def posted(negotiation: Any, *args: Any) -> Any:
        begun.clear()
        return first(negotiation, *args)

    with (
        patch.object(ExchangeNegotiation, "judge", judged),
        patch.object(ExchangeNegotiation, "first", posted),
    ):
        yield seconds
