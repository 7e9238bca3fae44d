"""Trade among 10 to 10,000 prosumers, minute by minute, against bare SimPy; each rule against the optimum."""

from __future__ import annotations

import math
import multiprocessing
import resource
import sys
import time
from collections.abc import Generator, Sequence
from statistics import median
from typing import Any, NamedTuple

import numpy as np
import simpy

from gridarium.agents.prosumers.bargaining_rules import (
    ConcessionRule,
    DeclaredAlternatingRule,
    DeclaredNashRule,
    LeaderRule,
    PostedRule,
    ZeroIntelligenceRule,
    ZipRule,
)
from gridarium.agents.prosumers.manners import BargainingRule
from gridarium.agents.prosumers.trading import book_of
from gridarium.environment.collector import rare_collections
from gridarium.experiments.benchmarks.pool_efficiency import PoolView, pool_efficiency
from gridarium.experiments.benchmarks.synthetic_pool import SyntheticPool, SyntheticPoolPlan, synthetic_pool

N_PROSUMERS = (10, 100, 1000, 10_000)
N_JUDGED = (10, 30, 100)
N_COMPARED = 100
N_TIMEOUTS = 300_000
RULES: dict[str, BargainingRule] = {
    "concession": ConcessionRule(),
    "declared-nash": DeclaredNashRule(),
    "declared-alternating": DeclaredAlternatingRule(),
    "ep-leader": LeaderRule(),
    "posted": PostedRule(),
    "zip": ZipRule(),
    "zi-c": ZeroIntelligenceRule(),
}
_DEFAULT, _DECLARED = "concession", "declared-nash"
_NOON = 48
DAYLIGHT = range(24, 76)
"""Quarters from sunrise to sunset, in which rules are judged."""
_JUDGED_MINUTE = 7
_SMALL = 500
"""Prosumers of all runs of a size together: small pools are run several times, five at the most."""
_KIB_PER_MIB = 1024.0
_BYTES_PER_MIB = 1024.0**2


class _Day(NamedTuple):
    """A part of a day of one pool in a process of its own."""

    cpu_s: float
    messages: int
    trades: int
    peak_mib: float
    timeout_s: float


def bench_p2p(
    quarters: int = 4,
    repeats: int = 11,
    *,
    sizes: Sequence[int] = N_PROSUMERS,
    judged: Sequence[int] = N_JUDGED,
    compared: int = N_COMPARED,
) -> dict[str, float]:
    """Run ever larger pools, each in its own process, and judge small ones by the optimum under each rule.

    Parameters
    ----------
    quarters : int
        Of the day around noon that are run for time; 96 are the whole day.
    repeats : int
        Runs of each rule when the default is compared with declared utilities.
    sizes, judged : sequence of int
        Numbers of prosumers, for time and for efficiency.
    compared : int
        Number of prosumers for the comparison of rules in time.

    Returns
    -------
    dict of str to float
        `cpu_s_N`, `messages_per_s_N`, `trades_per_s_N`, `peak_mib_N`: these quarters of N prosumers under the
        default rule, and the process that held them; in processor time, as nothing ever waits, small pools
        as the median of several runs; `over_simpy_N`: its time over that of as many bare SimPy timeouts,
        measured in the same process before and after; `exponent`: slope of log time against log prosumers
        over all sizes; `steepest_exponent`: the largest slope between two neighbouring sizes;
        `messages_per_s_over_declared`: messages a second under the default rule over those under
        `declared-nash`, median of pairs of runs; `messages_over_declared`: number of messages likewise;
        `efficiency_RULE_N`: welfare of N prosumers from sunrise to sunset over an upper bound of it, one
        minute of each quarter.
    """
    measured: dict[str, float] = {}
    days = {size: _median_day(size, quarters) for size in sizes}
    for size, day in days.items():
        measured |= {
            f"cpu_s_{size}": day.cpu_s,
            f"messages_per_s_{size}": day.messages / day.cpu_s,
            f"trades_per_s_{size}": day.trades / day.cpu_s,
            f"peak_mib_{size}": day.peak_mib,
            f"over_simpy_{size}": day.cpu_s / (day.messages * day.timeout_s),
        }
    if len(sizes) > 1:
        log_size, log_cpu = np.log(list(days)), np.log([day.cpu_s for day in days.values()])
        measured["exponent"] = float(np.polyfit(log_size, log_cpu, 1)[0])
        measured["steepest_exponent"] = float((np.diff(log_cpu) / np.diff(log_size)).max())
    measured |= _over_declared(compared, quarters, repeats)
    for size in judged:
        for name, rule in RULES.items():
            measured[f"efficiency_{name}_{size}"] = _efficiency(rule, size)
    return measured


def _median_day(size: int, quarters: int) -> _Day:
    """The run of median time; those of few prosumers are over too soon to be measured once."""
    runs = [_in_own_process(size, quarters, _DEFAULT) for _ in range(max(1, min(5, _SMALL // size)))]
    return sorted(runs)[len(runs) // 2]


def _over_declared(size: int, quarters: int, repeats: int) -> dict[str, float]:
    """The default rule beside the direct mechanism, in pairs of runs of one process."""
    with multiprocessing.get_context("spawn").Pool(1) as workers:
        pairs = workers.apply(_pairs, (size, quarters, repeats))
    return {
        "messages_per_s_over_declared": median(
            (one.messages / one.cpu_s) / (other.messages / other.cpu_s) for one, other in pairs
        ),
        "messages_over_declared": pairs[0][0].messages / pairs[0][1].messages,
    }


def _pairs(size: int, quarters: int, repeats: int) -> list[tuple[_Day, _Day]]:
    """Days of the default and of the direct mechanism; each is the first of its pair every second time."""
    pairs = []
    for repeat in range(repeats):
        order = (_DEFAULT, _DECLARED) if repeat % 2 else (_DECLARED, _DEFAULT)
        days = {rule: _day(size, quarters, rule) for rule in order}
        pairs.append((days[_DEFAULT], days[_DECLARED]))
    return pairs


def _in_own_process(size: int, quarters: int, rule: str) -> _Day:
    """Peak memory is that of a process, so that each size needs a fresh one."""
    with multiprocessing.get_context("spawn").Pool(1) as workers:
        return workers.apply(_day, (size, quarters, rule))


def _day(size: int, quarters: int, rule: str) -> _Day:
    before = _timeout_s()
    first = max(0, _NOON - quarters // 2)
    pool = synthetic_pool(SyntheticPoolPlan(size, RULES[rule], n_period=quarters, first_period=first))
    with rare_collections(spare_existing=True):
        start = time.process_time()
        _run(pool)
        cpu_s = time.process_time() - start
    timeout_s = math.sqrt(before * _timeout_s())
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    peak_mib = peak / (_BYTES_PER_MIB if sys.platform == "darwin" else _KIB_PER_MIB)
    return _Day(cpu_s, pool.world.bus.sent, len(book_of(pool.world.grid)), peak_mib, timeout_s)


def _run(pool: SyntheticPool) -> None:
    while pool.world.running:
        pool.world.step()


def _timeout_s() -> float:
    """Time of one bare SimPy timeout, s."""
    env = simpy.Environment()

    def ticker() -> Generator[Any, Any, None]:
        for _ in range(N_TIMEOUTS):
            yield env.timeout(1.0)

    env.process(ticker())
    start = time.process_time()
    env.run()
    return (time.process_time() - start) / N_TIMEOUTS


def _efficiency(rule: BargainingRule, size: int) -> float:
    plan = SyntheticPoolPlan(size, rule, n_period=len(DAYLIGHT), first_period=DAYLIGHT.start)
    pool = synthetic_pool(plan)
    _run(pool)
    view = PoolView(pool.world, pool.lines, plan.terms, pool.prosumers, pool.data, plan.rules)
    minutes = [(period, _JUDGED_MINUTE) for period in range(plan.n_period)]
    return pool_efficiency(view, book_of(pool.world.grid).trades(), minutes).share
