"""Whether random systems of model E end with all that must hold, or say what is short."""

from __future__ import annotations

import re
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np

from gridarium.environment.errors import GridariumError, InfeasibleError
from gridarium.experiments.benchmarks.pool_instances import (
    MOST_PROSUMERS,
    PoolDraw,
    draw_pool,
    write_pool_scenario,
)
from gridarium.experiments.benchmarks.pool_supply import SUPPLIED_MWH, least_shortfall_mwh
from gridarium.experiments.benchmarks.random_runs import play_all
from gridarium.experiments.benchmarks.robustness import only_case
from gridarium.experiments.results.records import Certificate
from gridarium.experiments.running.case_run import measure_case

Ending = Literal["certified", "infeasible", "unconfirmed", "unnamed", "uncertified", "refused", "traceback"]
ENDINGS: tuple[Ending, ...] = (
    "certified",
    "infeasible",
    "unconfirmed",
    "unnamed",
    "uncertified",
    "refused",
    "traceback",
)
"""All hard certificates passed; infeasible, as the reference finds too; infeasible though the reference can
supply it; infeasible without a word on what is short; a hard certificate failed; another error of the
project's; an error that is none of the project's."""
FINE: frozenset[Ending] = frozenset({"certified", "infeasible"})
COUNT = 100
WORKERS = 2
_NAMES_WHAT_IS_SHORT = re.compile(r"infeasible: .+ must be at (least|most) \S+, needs \S+")


@dataclass(frozen=True)
class PoolOutcome:
    """How one scenario ended.

    Parameters
    ----------
    drawn : PoolDraw
    ending : str
        One of `ENDINGS`.
    detail : str
        Why, where it is not certified.
    traded_mwh : float
        Of its pool; 0 where it did not end.
    cpu_s : float
        Of the process that ran it.
    """

    drawn: PoolDraw
    ending: Ending
    detail: str
    traded_mwh: float
    cpu_s: float


def bench_pools(
    count: int = COUNT, first: int = 1, most_prosumers: int = MOST_PROSUMERS, workers: int = WORKERS
) -> dict[str, float]:
    """Run random systems, and tell seed, reason and drawn fields of each that is not certified.

    Parameters
    ----------
    count, first : int
        How many seeds, and the first of them.
    most_prosumers : int
        Of a pool.
    workers : int
        Processes.

    Returns
    -------
    dict of str to float
        How many there are of each ending, how many pools have traded; mean and longest time, s.
    """
    play, seeds = partial(play_pool, most_prosumers=most_prosumers), range(first, first + count)
    return summarise(play_all(play, seeds, workers, "certified"))


def summarise(outcomes: Sequence[PoolOutcome]) -> dict[str, float]:
    """Numbers of `bench_pools`."""
    found = Counter(outcome.ending for outcome in outcomes)
    cpu_s = [outcome.cpu_s for outcome in outcomes]
    return {
        "pools": float(len(outcomes)),
        **{ending: float(found[ending]) for ending in ENDINGS},
        "failures": float(sum(found[ending] for ending in ENDINGS if ending not in FINE)),
        "pools_with_trade": float(sum(outcome.traded_mwh > 0.0 for outcome in outcomes)),
        "mean_cpu_s": float(np.mean(cpu_s)),
        "longest_cpu_s": max(cpu_s),
    }


def play_pool(seed: int, most_prosumers: int = MOST_PROSUMERS, most_days: int = 3) -> PoolOutcome:
    """Run the scenario of a seed, and judge how it ends."""
    drawn, started = draw_pool(seed, most_prosumers, most_days), time.process_time()

    def ended(ending: Ending, detail: str, traded_mwh: float = 0.0) -> PoolOutcome:
        return PoolOutcome(drawn, ending, detail, traded_mwh, time.process_time() - started)

    with tempfile.TemporaryDirectory() as folder:
        try:
            path = write_pool_scenario(drawn, Path(folder))
            try:
                metrics, certificates = measure_case("pools", only_case(path))
            except InfeasibleError as error:
                return ended(*judged_infeasible(str(error), path))
        except GridariumError as error:
            return ended("refused", f"{type(error).__name__}: {error}")
        except Exception:  # noqa: BLE001 - what it is that nobody has foreseen is what is measured
            return ended("traceback", traceback.format_exc())
    return ended(*judged(certificates), metrics.get("p2p_mwh", 0.0))


def judged(certificates: Sequence[Certificate]) -> tuple[Ending, str]:
    """How a finished scenario has ended, and what its failed hard certificates tell."""
    failed = [one for one in certificates if one.hard and not one.passed]
    detail = "; ".join(f"{one.name} {one.value:.3g} {one.unit} ({one.meaning})" for one in failed)
    return ("uncertified" if failed else "certified"), detail


def judged_infeasible(message: str, path: Path) -> tuple[Ending, str]:
    """Whether a system that was called infeasible is, and whether the message names what is short."""
    short_mwh = least_shortfall_mwh(path)
    detail = f"{message}; the reference finds {short_mwh:.6g} MWh short"
    if short_mwh <= SUPPLIED_MWH:
        return "unconfirmed", detail
    return ("infeasible" if _NAMES_WHAT_IS_SHORT.search(message) else "unnamed"), detail
