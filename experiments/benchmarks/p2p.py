"""A day of trade among 10 to 10,000 prosumers, minute by minute, against bare SimPy."""

from __future__ import annotations

import math
import multiprocessing
import resource
import sys
import time
from collections.abc import Generator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import simpy

from gridarium.agents.prosumers.bargaining_rules import (
    DeclaredNashRule,
    LeaderRule,
    ZeroIntelligenceRule,
    ZipRule,
)
from gridarium.agents.prosumers.manners import BargainingRule
from gridarium.agents.prosumers.trading import book_of
from gridarium.environment.collector import rare_collections
from gridarium.experiments.benchmarks.pool_efficiency import PoolView, pool_efficiency
from gridarium.experiments.benchmarks.synthetic_pool import SyntheticPool, SyntheticPoolPlan, synthetic_pool

N_PROSUMERS = (10, 100, 1000, 10_000)
N_TIMEOUTS = 300_000
_KIB_PER_MIB = 1024.0
_BYTES_PER_MIB = 1024.0**2
_JUDGED = SyntheticPoolPlan(50, n_period=96)
_RULES: dict[str, BargainingRule] = {
    "declared-nash": DeclaredNashRule(),
    "zi-c": ZeroIntelligenceRule(),
    "zip": ZipRule(),
    "ep-leader": LeaderRule(),
}


class _Day(NamedTuple):
    """A day of one pool in a process of its own."""

    cpu_s: float
    messages: int
    trades: int
    peak_mib: float
    timeout_s: float


def bench_p2p(sizes: Sequence[int] = N_PROSUMERS) -> dict[str, float]:
    """Run the day of ever larger pools, each in its own process, and judge a small one by the optimum.

    Parameters
    ----------
    sizes : sequence of int
        Numbers of prosumers.

    Returns
    -------
    dict of str to float
        `cpu_s_N`, `messages_per_s_N`, `trades_per_s_N`, `peak_mib_N`: a day of N prosumers, and the
        process that held it; in processor time, as nothing ever waits; `over_simpy_N`: its time over that
        of as many bare SimPy timeouts, measured in the same process before and after; `exponent`: slope
        of log time against log prosumers over all sizes; `steepest_exponent`: the largest slope between
        two neighbouring sizes;
        `welfare_share_RULE`: welfare of 50 prosumers over an upper bound of it, one minute of each quarter.
    """
    days = {size: _in_own_process(size) for size in sizes}
    measured: dict[str, float] = {}
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
    for name, rule in _RULES.items():
        measured[f"welfare_share_{name}"] = _welfare_share(rule)
    return measured


def _in_own_process(size: int) -> _Day:
    """Peak memory is that of a process, so that each size needs a fresh one."""
    with multiprocessing.get_context("spawn").Pool(1) as workers:
        return workers.apply(_day, (size,))


def _day(size: int) -> _Day:
    before = _timeout_s()
    pool = synthetic_pool(SyntheticPoolPlan(size))
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


def _welfare_share(rule: BargainingRule) -> float:
    plan = replace(_JUDGED, bargaining=rule)
    pool = synthetic_pool(plan)
    _run(pool)
    view = PoolView(pool.world, pool.lines, plan.terms, pool.prosumers, pool.data)
    minutes = [(period, 7) for period in range(plan.n_period)]
    return pool_efficiency(view, book_of(pool.world.grid).trades(), minutes).share
