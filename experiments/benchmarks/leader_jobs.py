"""Leaders on random instances, round by round: what studies of leaders run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd

from gridarium.agents.leader.anticipation import QUICK, AnticipatingLeader, Anticipation
from gridarium.agents.leader.full_information import SearchEffort, full_information_optimum
from gridarium.agents.leader.local_leaders import best_response_leader
from gridarium.agents.leader.problem import LeaderProblem
from gridarium.environment.arrays import Array
from gridarium.experiments.benchmarks.leader_instances import random_instance


@dataclass(frozen=True)
class Game:
    """What a study may vary of an instance and of the leader in it.

    Parameters
    ----------
    n_class : int, optional
        Classes of followers; drawn from 1 to 3 when left out.
    beta, flexibility : float, optional
        Slope of marginal utility of a follower of the whole feeder's size, money/MWh per MW, and the share of
        the load that can be shifted, the same for all classes; drawn when left out.
    probes : int
        Probes of the anticipating leader that drive its followers to their limits, 0 to 6.
    round_limit : int
        Most prices that a leader may post.
    each_bill_capped : bool
        See `random_instance`.
    """

    n_class: int | None = None
    beta: float | None = None
    flexibility: float | None = None
    probes: int = 6
    round_limit: int = 40
    each_bill_capped: bool = False


def play(parameters: Mapping[str, Any], seed: int) -> dict[str, dict[str, float]]:
    """Let all three leaders play a random instance; a function for studies.

    Parameters
    ----------
    parameters : mapping
        Fields of `Game`.
    seed : int
        Of the instance.

    Returns
    -------
    dict of str to dict of str to float
        For each leader: `profit_money`, of the best price posted that kept the limits; `bound_money`, that no
        leader can exceed; `gap_percent`, of the bound; `rounds`, prices posted.
    """
    game = Game(**parameters)
    n_class = None if game.n_class is None else int(game.n_class)
    rounds = _rounds(seed, n_class, game.beta, game.flexibility, int(game.probes), game.each_bill_capped)
    posted = rounds[rounds["round"] <= game.round_limit]
    return {str(leader): _outcome(rows) for leader, rows in posted.groupby("leader", sort=False)}


def _outcome(rounds: pd.DataFrame) -> dict[str, float]:
    profit, bound = (float(rounds[name].iloc[-1]) for name in ("best_so_far_money", "bound_money"))
    return {
        "gap_percent": 100.0 * (1.0 - profit / bound),
        "profit_money": profit,
        "bound_money": bound,
        "rounds": float(len(rounds)),
    }


# Points of a study that differ only in the round limit share their games.
@lru_cache(maxsize=256)
def _rounds(
    seed: int,
    n_class: int | None,
    beta: float | None,
    flexibility: float | None,
    probes: int,
    each_bill_capped: bool,
) -> pd.DataFrame:
    problem = random_instance(
        seed,
        n_follower=n_class,
        each_bill_capped=each_bill_capped,
        beta_per_mwh_per_mw=beta,
        flexible_share=flexibility,
    )
    return leader_rounds(problem, Anticipation(limit_probes=probes))


def leader_rounds(
    problem: LeaderProblem, options: Anticipation | None = None, effort: SearchEffort = QUICK
) -> pd.DataFrame:
    """Let the three leaders post prices to the followers of an instance.

    Parameters
    ----------
    problem : LeaderProblem
    options : Anticipation, optional
        Of the anticipating leader.
    effort : SearchEffort
        Of the leader with full information, who posts once.

    Returns
    -------
    DataFrame
        `leader`, `round`, `profit_money` (nan where the answers broke a limit), `best_so_far_money`,
        `bound_money` (the proven bound of the instance).
    """
    informed = full_information_optimum(problem, effort)
    profits = {
        "best-response": _best_response_profits(problem),
        "anticipating": _anticipating_profits(problem, options),
        "full-information": [informed.profit_money],
    }
    return pd.concat(
        [
            pd.DataFrame(
                {
                    "leader": leader,
                    "round": np.arange(1, len(found) + 1),
                    "profit_money": found,
                    "best_so_far_money": np.fmax.accumulate(found),
                    "bound_money": informed.bound_money,
                }
            )
            for leader, found in profits.items()
        ],
        ignore_index=True,
    )


def _best_response_profits(problem: LeaderProblem) -> list[float]:
    profits: list[float] = []

    def respond(price: Array) -> Array:
        loads = problem.loads(price)
        profits.append(problem.profit(price, loads) if problem.allows(price, loads) else np.nan)
        return loads

    best_response_leader(problem, respond, problem.reference_price_per_mwh)
    return profits


def _anticipating_profits(problem: LeaderProblem, options: Anticipation | None) -> list[float]:
    leader = AnticipatingLeader(problem, options)
    while not leader.finished:
        leader.observe(problem.loads(leader.propose()))
    return [one.profit_money if one.keeps_limits else np.nan for one in leader.rounds]
