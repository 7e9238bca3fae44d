"""Leaders with a price tied to the carbon factor, side by side: formula, learnt, fully informed, bound."""

from __future__ import annotations

import importlib.util
import logging
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from gridarium.agents.leader.tied_anticipation import TiedAnticipatingLeader
from gridarium.agents.leader.tied_optimum import tied_optimum
from gridarium.agents.leader.tied_polish import tied_residual
from gridarium.agents.leader.tied_problem import TiedProblem
from gridarium.agents.leader.tied_supply import TiedPlan
from gridarium.environment.arrays import Array
from gridarium.environment.random_streams import RandomStreams
from gridarium.experiments.benchmarks.tied_instances import tied_instance
from gridarium.experiments.benchmarks.tied_reference import TiedReference

logger = logging.getLogger(__name__)

SMALL_SEEDS, SMALL_PERIODS = range(6), 3
"""Instances of three periods on which the proven optimum beats the formula, tied or not."""
DAY_SEEDS, DAY_PERIODS = range(20), 24
LEAD = 0.002
"""Lead over the formula, relative to gross sales, from which a share of it is asked for."""


def compare_with_bound(seeds: Sequence[int]) -> pd.DataFrame:
    """The leader with full information against the optimum that SCIP proves, on small instances.

    Returns
    -------
    DataFrame
        `seed`, `sales_money`, `untied_money`, `formula_money`, `informed_money`, `proven_money` (SCIP's
        best), `bound_money`, `starts_reached` (share of the starts), `kkt_residual`.
    """
    rows = []
    for seed in seeds:
        problem = tied_instance(seed, SMALL_PERIODS)
        found = tied_optimum(problem, RandomStreams(seed).stream("tied starts"))
        proven, bound, _ = TiedReference(problem).solve()
        rows.append(
            {
                "seed": seed,
                "sales_money": problem.sales(),
                "untied_money": found.formula.untied_money,
                "formula_money": found.formula.tied_money,
                "informed_money": found.best.profit_money,
                "proven_money": proven,
                "bound_money": bound,
                "starts_reached": found.share_reached(problem),
                "kkt_residual": tied_residual(problem, found.best).worst,
            }
        )
    return pd.DataFrame(rows)


def compare_tied_leaders(seeds: Sequence[int]) -> pd.DataFrame:
    """Formula, learning leader and full information on random days.

    Returns
    -------
    DataFrame
        One row for each seed: `followers`, `sales_money`; profits `untied_money`, `formula_money`,
        `learnt_money`, `informed_money`; emissions and gains of users of the last three and of the untied
        formula, `*_tco2` and `*_users_money`; `rounds` of the learning leader, `starts_reached`,
        `kkt_residual`, `moved_per_mwh` (what gave the formula's price a pool).
    """
    return pd.DataFrame([_compare(seed) for seed in seeds])


def _compare(seed: int) -> dict[str, float]:
    problem = tied_instance(seed, DAY_PERIODS)
    streams = RandomStreams(seed)
    found = tied_optimum(problem, streams.stream("tied starts"))
    formula, best = found.formula, found.best
    learnt, rounds = learn_tied(problem, streams.stream("tied learning"))
    row = {
        "seed": float(seed),
        "followers": float(len(problem.followers)),
        "sales_money": problem.sales(),
        "untied_money": formula.untied_money,
        "untied_tco2": formula.emission_tco2,
        "untied_users_money": problem.surplus(formula.price_per_mwh),
        "rounds": float(rounds),
        "starts_reached": found.share_reached(problem),
        "kkt_residual": tied_residual(problem, best).worst,
        "moved_per_mwh": formula.moved_per_mwh,
    }
    for name, plan in (("formula", formula.tied), ("learnt", learnt), ("informed", best.plan)):
        row |= _outcome(name, problem, plan)
    return row


def _outcome(name: str, problem: TiedProblem, plan: TiedPlan | None) -> dict[str, float]:
    if plan is None:
        return dict.fromkeys((f"{name}_money", f"{name}_tco2", f"{name}_users_money"), float("nan"))
    return {
        f"{name}_money": problem.profit(plan),
        f"{name}_tco2": float(plan.emission_t_per_h.sum()) * problem.period_h,
        f"{name}_users_money": problem.surplus(plan.price_per_mwh),
    }


def learn_tied(problem: TiedProblem, random: np.random.Generator) -> tuple[TiedPlan | None, int]:
    """Let a leader learn the followers of an instance; the best tied plan, and prices posted."""
    unknown: Array = np.full(problem.n_period, np.nan)
    told = [
        replace(one, beta_per_mwh_per_mw=np.nan, most_down_mw=unknown, most_up_mw=unknown)
        for one in problem.followers
    ]
    leader = TiedAnticipatingLeader(problem.with_followers(told), random)
    while not leader.finished:
        leader.observe(problem.loads(leader.propose()))
    if leader.best is None:
        return None, len(leader.rounds)
    price = leader.best.price_per_mwh
    answer = leader.plan_for(price, problem.loads(price))
    return None if answer is None else answer.plan, len(leader.rounds)


def bench_tied_leaders() -> dict[str, float]:
    """The leader under C7 on random days, and against SCIP on small ones where that is installed.

    Returns
    -------
    dict of str to float
        Leads over the formula whose price has a pool, and over the untied one, in percent of gross sales;
        in how many instances the leader is not below it; rounds; share of the starts that reach the best;
        emission and welfare of each; shares of the proven lead.
    """
    measured = _days(compare_tied_leaders(DAY_SEEDS))
    if importlib.util.find_spec("pyscipopt") is None:
        logger.warning("proven optima left out, SCIP is missing: pip install gridarium[reference]")
        return measured
    return measured | _small(compare_with_bound(SMALL_SEEDS))


def _days(table: pd.DataFrame) -> dict[str, float]:
    percent = 100.0 / table["sales_money"]
    lead = {
        name: (table[f"{name}_money"] - table["formula_money"]) * percent
        for name in ("untied", "learnt", "informed")
    }
    beyond = {name: lead[name] - lead["untied"] for name in ("learnt", "informed")}
    ahead = lead["informed"] > 100.0 * LEAD
    measured = {"tied_days": float(len(table))}
    for name, values in lead.items():
        measured |= {
            f"tied_{name}_lead_median_percent": float(values.median()),
            f"tied_{name}_lead_least_percent": float(values.min()),
            f"tied_{name}_not_below_formula": float((values >= -1e-7).sum()),
        }
    for name, values in beyond.items():
        measured[f"tied_{name}_lead_over_untied_median_percent"] = float(values.median())
        measured[f"tied_{name}_lead_over_untied_least_percent"] = float(values.min())
    measured |= {
        "tied_days_ahead": float(ahead.sum()),
        "tied_learnt_share_of_lead_median": float((lead["learnt"] / lead["informed"])[ahead].median()),
        "tied_learnt_share_of_lead_least": float((lead["learnt"] / lead["informed"])[ahead].min()),
        "tied_learnt_most_rounds": float(table["rounds"].max()),
        "tied_starts_reached_mean": float(table["starts_reached"].mean()),
        "tied_kkt_residual_worst": float(table["kkt_residual"].max()),
        "tied_formula_most_moved_per_mwh": float(table["moved_per_mwh"].max()),
    }
    for name in ("untied", "formula", "learnt", "informed"):
        profit, users = table[f"{name}_money"], table[f"{name}_users_money"]
        measured[f"tied_{name}_emission_mean_tco2"] = float(table[f"{name}_tco2"].mean())
        measured[f"tied_{name}_users_gain_mean_money"] = float(users.mean())
        measured[f"tied_{name}_profit_mean_money"] = float(profit.mean())
        measured[f"tied_{name}_welfare_mean_money"] = float((profit + users).mean())
    measured["tied_informed_emits_more"] = float((table["informed_tco2"] > table["untied_tco2"]).sum())
    return measured


def _small(table: pd.DataFrame) -> dict[str, float]:
    """Shares of the lead that SCIP proves, over the formula with a pool and over the untied one."""
    measured = {"tied_small_days": float(len(table))}
    for name in ("formula", "untied"):
        proven = table["bound_money"] - table[f"{name}_money"]
        share = (table["informed_money"] - table[f"{name}_money"]) / proven
        measured[f"tied_small_lead_over_{name}_least_percent"] = float(
            (100.0 * proven / table["sales_money"]).min()
        )
        measured[f"tied_small_share_of_lead_over_{name}_least"] = float(share.min())
    gap = (table["bound_money"] - table["informed_money"]) / table["sales_money"]
    measured["tied_small_gap_worst_percent"] = 100.0 * float(gap.max())
    measured["tied_small_starts_reached_mean"] = float(table["starts_reached"].mean())
    measured["tied_small_kkt_residual_worst"] = float(table["kkt_residual"].max())
    return measured
