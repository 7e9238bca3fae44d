"""Leaders side by side on random instances, and big-M against indicator constraints on the same ones."""

from __future__ import annotations

import importlib.util
import logging
import time
from collections.abc import Callable, Sequence

import pandas as pd

from gridarium.agents.leader.anticipation import AnticipatingLeader, Anticipation
from gridarium.agents.leader.convex_sequence import sequential_convex_optimum
from gridarium.agents.leader.full_information import SearchEffort, full_information_optimum
from gridarium.agents.leader.local_leaders import (
    LocalOutcome,
    best_response_leader,
    pattern_search_leader,
    trust_region_leader,
)
from gridarium.agents.leader.problem import LeaderProblem
from gridarium.environment.arrays import Array
from gridarium.environment.random_streams import RandomStreams
from gridarium.experiments.benchmarks.bilevel_reference import FORMULATIONS, Complementarity, solve_reference
from gridarium.experiments.benchmarks.leader_instances import random_instance
from gridarium.experiments.benchmarks.tied_leaders import bench_tied_leaders

logger = logging.getLogger(__name__)

BENCH_SEEDS = range(5)
FORMULATION_SEEDS = (1, 3, 4, 7, 8, 11)
"""Instances of one to three classes, whose optimum SCIP proves in seconds."""
FORMULATION_NODES = 1000

N_START = 4
_Row = dict[str, object]


def compare_leaders(
    seeds: Sequence[int],
    reference_nodes: int | None = None,
    each_bill_capped: bool = False,
    effort: SearchEffort | None = None,
) -> pd.DataFrame:
    """Profits of all leaders on random instances, against the better of the proven bounds.

    Parameters
    ----------
    seeds : sequence of int
    reference_nodes : int, optional
        Nodes for SCIP on each instance; without it only the MILP relaxation bounds.
    each_bill_capped : bool
        See `random_instance`.
    effort : SearchEffort, optional
        Of the leader with full information.

    Returns
    -------
    DataFrame
        One row for each seed and leader: `seed`, `followers`, `leader`, `profit_money`, `bound_money`, `gap`
        (share of the bound), `rounds`, `time_s`, `keeps_limits`.
    """
    rows: list[_Row] = []
    for seed in seeds:
        problem = random_instance(seed, each_bill_capped=each_bill_capped)
        rows += _compare(seed, problem, reference_nodes, effort)
    return pd.DataFrame(rows)


def _compare(
    seed: int, problem: LeaderProblem, reference_nodes: int | None, effort: SearchEffort | None
) -> list[_Row]:
    started = time.perf_counter()
    informed = full_information_optimum(problem, effort)
    rows = [_row("full-information", informed.price_per_mwh, informed.rounds, started, problem)]
    bound = informed.bound_money
    if reference_nodes is not None:
        bound = min(bound, solve_reference(problem, node_limit=reference_nodes).bound_money)
    started = time.perf_counter()
    price, rounds = play_anticipating(problem)
    rows.append(_row("anticipating", price, rounds, started, problem))
    started = time.perf_counter()
    sequence = sequential_convex_optimum(problem)
    rows.append(_row("convex-sequence", sequence.price_per_mwh, sequence.rounds, started, problem))
    for name, method in _local_methods(seed, problem).items():
        started = time.perf_counter()
        outcome = method()
        rows.append(_row(name, outcome.best.price_per_mwh, outcome.rounds, started, problem))
    known = {"seed": seed, "followers": len(problem.followers), "bound_money": bound}
    return [{**known, **row, "gap": 1.0 - float(str(row["profit_money"])) / bound} for row in rows]


def play_anticipating(problem: LeaderProblem, options: Anticipation | None = None) -> tuple[Array, int]:
    """Let an anticipating leader post prices to the followers of an instance; best price and rounds."""
    leader = AnticipatingLeader(problem, options)
    while not leader.finished:
        leader.observe(problem.loads(leader.propose()))
    return leader.propose(), len(leader.rounds)


def _local_methods(seed: int, problem: LeaderProblem) -> dict[str, Callable[[], LocalOutcome]]:
    limits, reference = problem.limits, problem.reference_price_per_mwh
    random = RandomStreams(seed).stream("pattern search")
    starts = [
        reference,
        *(random.uniform(limits.low_price_per_mwh, limits.high_price_per_mwh) for _ in range(N_START - 1)),
    ]
    return {
        "best-response": lambda: best_response_leader(problem, problem.loads, reference),
        "trust-region": lambda: trust_region_leader(problem, problem.loads, reference),
        "pattern-search": lambda: pattern_search_leader(problem, problem.loads, starts, random),
    }


def _row(leader: str, price: Array, rounds: int, started: float, problem: LeaderProblem) -> _Row:
    return {
        "leader": leader,
        "profit_money": problem.profit(price),
        "rounds": rounds,
        "time_s": time.perf_counter() - started,
        "keeps_limits": problem.allows(price),
    }


def summarise_leaders(table: pd.DataFrame) -> pd.DataFrame:
    """Median and worst of gap, rounds and time of each leader, in the order of the median gap."""
    groups = table.groupby("leader")
    summary = groups[["gap", "rounds", "time_s"]].agg(["median", "max"])
    summary.columns = pd.Index(
        f"{prefix}_{name}" for name in ("gap", "rounds", "time_s") for prefix in ("median", "worst")
    )
    summary["keeps_limits"] = groups["keeps_limits"].all()
    return summary.sort_values("median_gap")


def compare_formulations(
    seeds: Sequence[int],
    node_limit: int,
    each_bill_capped: bool = False,
    formulations: Sequence[Complementarity] = FORMULATIONS,
    within_s: float | None = None,
) -> pd.DataFrame:
    """SCIP on the same instances with each way of writing complementarity.

    Parameters
    ----------
    seeds : sequence of int
    node_limit : int
        Of each search.
    each_bill_capped : bool
        See `random_instance`.
    formulations : sequence of str, optional
    within_s : float, optional
        Time for each search, where the question is how many are solved within it.

    Returns
    -------
    DataFrame
        `seed`, `followers`, `formulation`, `status`, `profit_money`, `bound_money`, `gap`, `time_s`, `nodes`.
    """
    rows = []
    for seed in seeds:
        problem = random_instance(seed, each_bill_capped=each_bill_capped)
        for formulation in formulations:
            answer = solve_reference(problem, formulation, node_limit, within_s=within_s)
            rows.append(
                {
                    "seed": seed,
                    "followers": len(problem.followers),
                    "formulation": formulation,
                    "status": answer.status,
                    "profit_money": answer.profit_money,
                    "bound_money": answer.bound_money,
                    "gap": answer.gap,
                    "time_s": answer.time_s,
                    "nodes": answer.nodes,
                }
            )
    return pd.DataFrame(rows)


def bench_leaders() -> dict[str, float]:
    """The leaders on a few of the instances, and big-M against indicators in SCIP where that is installed.

    Returns
    -------
    dict of str to float
        For each leader median and worst gap to the bound of the relaxation in percent, most rounds, median
        and worst time, s; for big-M over indicators the median ratio of times, the ratio of all nodes, and
        how many instances both have solved; then what `bench_tied_leaders` tells.
    """
    summary = summarise_leaders(compare_leaders(BENCH_SEEDS))
    measured: dict[str, float] = {}
    for leader, row in summary.iterrows():
        measured |= {
            f"{leader}_median_gap_percent": 100.0 * float(row["median_gap"]),
            f"{leader}_worst_gap_percent": 100.0 * float(row["worst_gap"]),
            f"{leader}_most_rounds": float(row["worst_rounds"]),
            f"{leader}_median_s": float(row["median_time_s"]),
            f"{leader}_worst_s": float(row["worst_time_s"]),
        }
    measured |= bench_tied_leaders()
    if importlib.util.find_spec("pyscipopt") is None:
        logger.warning("big-M against indicators left out, SCIP is missing: pip install gridarium[reference]")
        return measured
    return measured | _big_m_to_indicator(_both_formulations())


def _both_formulations() -> pd.DataFrame:
    return compare_formulations(FORMULATION_SEEDS, FORMULATION_NODES, formulations=("indicator", "big-m"))


def _big_m_to_indicator(table: pd.DataFrame) -> dict[str, float]:
    """How SCIP does with big-M, relative to indicators, where both have proven the optimum."""
    solved = table[table["status"] == "optimal"]
    big_m, indicator = (
        solved[solved["formulation"] == name].set_index("seed")[["time_s", "nodes"]]
        for name in ("big-m", "indicator")
    )
    both = big_m.join(indicator, how="inner", lsuffix="_m", rsuffix="_i")
    return {
        "big_m_to_indicator_time": float((both["time_s_m"] / both["time_s_i"]).median()),
        "big_m_to_indicator_nodes": float(both["nodes_m"].sum() / both["nodes_i"].sum()),
        "big_m_and_indicator_solved": float(len(both)),
    }
