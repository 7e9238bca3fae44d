"""One world of ever more feeders: what an outer round of its negotiation costs, and what shares cost."""

from __future__ import annotations

import multiprocessing
import resource
import sys
import time
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from gridarium.agents.feeder.dso import Dso
from gridarium.agents.transmission.ties import Ties
from gridarium.agents.transmission.ties_day import TiesDay
from gridarium.agents.transmission.ties_planner import AbatementRule
from gridarium.experiments.benchmarks.world_instances import world_of
from gridarium.experiments.reading.plain_yaml import Tree
from gridarium.experiments.running.case_run import problems_of
from gridarium.experiments.running.world_build import BuiltWorld, build
from gridarium.experiments.scenario import check_case

N_FEEDERS = (3, 6, 12, 24, 48)
N_OWNERS = (2, 3, 4, 5, 6, 7, 8)
POOLED_FEEDERS = 3
"""Feeders with a pool, where the number of owners is what changes."""
_ORDERS = 100
"""Of followers joining, from which Shapley values are sampled: the fewest that make an interval."""
_BYTES_PER_MIB, _KIB_PER_MIB = 2.0**20, 2.0**10


class Negotiated(NamedTuple):
    """The day before delivery of one world, and the shares that are worked out beside its rounds.

    Parameters
    ----------
    rounds : int
        Of the outer negotiation.
    at_rest : bool
    cpu_s : float
        Of the day before delivery.
    per_round_s : float
        Of an outer round after the first one, all that happens on the feeders included.
    solver_share : float
        Of the time that passes, in solvers.
    messages : int
    peak_mib : float
        Largest resident memory of the process until then.
    abatement_s : float
        Of the Shapley values of what feeders avoid, of one round.
    pools_s : float
        Of the values of all coalitions of all pools, of one day.
    """

    rounds: int
    at_rest: bool
    cpu_s: float
    per_round_s: float
    solver_share: float
    messages: int
    peak_mib: float
    abatement_s: float
    pools_s: float


def bench_world(most: int = N_FEEDERS[-1]) -> dict[str, float]:
    """Negotiate a day of worlds of 3 to 48 feeders, and work out Shapley values in each.

    Parameters
    ----------
    most : int
        Feeders of the largest world.

    Returns
    -------
    dict of str to float
        For each number N of feeders `rounds_N`, `per_round_s_N` (process CPU time), `solver_share_N`,
        `messages_N`, `peak_mib_N` (of a process of its own), `abatement_s_N` and `pools_s_N` (of
        `Negotiated`); `pools_s_owners_N` for N owners in each pool of three feeders. `exponent`,
        `rounds_exponent`, `abatement_exponent`, `pools_exponent`: slopes of their logarithms against that of
        feeders; `pools_owners_exponent`: against that of owners; `pools_factor_per_owner`: by what a further
        owner multiplies the time. `kib_per_feeder`: slope of memory against feeders; `at_rest_share` of all
        these days.
    """
    counts = [count for count in N_FEEDERS if count <= most]
    days = [in_own_process(world_of(count)) for count in counts]
    pooled = [in_own_process(world_of(POOLED_FEEDERS, kinds=["a"], owners=owners)) for owners in N_OWNERS]
    found: dict[str, float] = {}
    for count, day in zip(counts, days, strict=True):
        found |= {
            f"rounds_{count}": day.rounds,
            f"per_round_s_{count}": day.per_round_s,
            f"solver_share_{count}": day.solver_share,
            f"messages_{count}": day.messages,
            f"peak_mib_{count}": day.peak_mib,
            f"abatement_s_{count}": day.abatement_s,
            f"pools_s_{count}": day.pools_s,
        }
    by_owners = [day.pools_s for day in pooled]
    found |= {f"pools_s_owners_{n}": spent for n, spent in zip(N_OWNERS, by_owners, strict=True)}
    return found | {
        "exponent": slope(counts, [day.per_round_s for day in days]),
        "rounds_exponent": slope(counts, [day.rounds for day in days]),
        "abatement_exponent": slope(counts, [day.abatement_s for day in days]),
        "pools_exponent": slope(counts, [day.pools_s for day in days]),
        "pools_owners_exponent": slope(N_OWNERS, by_owners),
        "pools_factor_per_owner": float(np.exp(np.polyfit(N_OWNERS, np.log(by_owners), 1)[0])),
        "kib_per_feeder": _KIB_PER_MIB * float(np.polyfit(counts, [day.peak_mib for day in days], 1)[0]),
        "at_rest_share": float(np.mean([day.at_rest for day in days])),
    }


def slope(counts: Sequence[int], values: Sequence[float]) -> float:
    """Exponent of a power law through values against counts, by least squares of logarithms."""
    return float(np.polyfit(np.log(counts), np.log(values), 1)[0])


def in_own_process(tree: Tree) -> Negotiated:
    """Peak memory is that of a process, so that each world needs a fresh one."""
    with multiprocessing.get_context("spawn").Pool(1) as workers:
        return workers.apply(negotiate, (tree,))


def negotiate(tree: Tree) -> Negotiated:
    """The negotiation of a day and the first quarter of an hour of it; then the shares, on their own."""
    scenario, faults = check_case(tree)
    assert scenario is not None, faults
    built = build(scenario)
    started, begun = time.process_time(), time.perf_counter()
    built.world.step()
    cpu_s, passed_s = time.process_time() - started, time.perf_counter() - begun
    ties = built.one(Ties)
    (day,) = ties.days
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return Negotiated(
        len(day.rounds),
        day.rounds[-1].judgement.distance <= day.rules.tolerance,
        cpu_s,
        float(np.mean(list(round_seconds(day)))),
        sum(problem.solver_s for problem in problems_of(built)) / passed_s,
        built.world.bus.sent,
        peak / (_BYTES_PER_MIB if sys.platform == "darwin" else _KIB_PER_MIB),
        _abatement_s(ties, day),
        _pools_s(built),
    )


def round_seconds(day: TiesDay) -> Iterator[float]:
    """Process CPU time of each round after the first one of a negotiation, s."""
    for before, after in zip(day.rounds, day.rounds[1:], strict=False):
        if not before.ended:
            yield after.cpu_s - before.cpu_s


def _abatement_s(ties: Ties, day: TiesDay) -> float:
    """Process CPU time of sampled Shapley values of abatement, with as few orders as make an interval, s."""
    followers = len(day.followers)
    rule = AbatementRule("sampled", 2 + _ORDERS * max(1, followers - 1))
    started = time.process_time()
    ties.planner.share_abatement(day, rule, np.random.default_rng(1))
    return time.process_time() - started


def _pools_s(built: BuiltWorld) -> float:
    """Process CPU time of the values of coalitions that all pools want to know of the first day, s."""
    started = time.process_time()
    for dso in built.of(Dso):
        if dso.pooled is not None:
            dso.pooled.values_money(dso.days[0])
    return time.process_time() - started
