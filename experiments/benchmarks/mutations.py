"""Whether scenarios with other values, all of them valid, run with all that must hold, or say why not."""

from __future__ import annotations

import logging
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from gridarium.environment.errors import GridariumError, InfeasibleError, PowerFlowError, UnheardError
from gridarium.experiments.benchmarks.infeasibility import confirmed
from gridarium.experiments.benchmarks.limited_runs import play_limited
from gridarium.experiments.benchmarks.mutation_draws import (
    BASES,
    Base,
    MutationDraw,
    bases_print,
    draw_mutations,
)
from gridarium.experiments.benchmarks.outcome_file import KeptGroup, OutcomeFile
from gridarium.experiments.benchmarks.random_runs import known_of
from gridarium.experiments.benchmarks.silence import unheard
from gridarium.experiments.reading.plain_yaml import Tree, dump_yaml
from gridarium.experiments.results.records import Certificate
from gridarium.experiments.running.case_run import measure_case
from gridarium.experiments.scenario import check_case
from gridarium.experiments.telling.findings import OF_REST

logger = logging.getLogger(__name__)

Ending = Literal[
    "passed",
    "cycle",
    "infeasible",
    "unheard",
    "unconfirmed",
    "refused",
    "open",
    "uncertified",
    "traceback",
    "slow",
    "died",
]
"""All hard certificates passed; a negotiation in a cycle that is within its bars; infeasible or without a
power flow, as another solver finds too; an answer that has not come because of links, without which it does;
either of these by the run alone; another error of the project's; not at rest, and in no such cycle; another
hard certificate failed; an error that is none of the project's; more than `LIMIT_S`; its process ended."""
ENDINGS: tuple[Ending, ...] = get_args(Ending)
FINE: frozenset[Ending] = frozenset({"passed", "cycle", "infeasible", "unheard"})
COUNT, WORKERS = 10_000, 2
LIMIT_S = 60
"""Processor time that a run may take, s."""


@dataclass(frozen=True)
class MutationOutcome:
    """How one scenario ended.

    Parameters
    ----------
    drawn : MutationDraw
    ending : str
        One of `ENDINGS`.
    detail : str
        Why, where it has not passed.
    cpu_s : float
        Of the process that ran it.
    """

    drawn: MutationDraw
    ending: Ending
    detail: str
    cpu_s: float

    def plain(self) -> dict[str, Any]:
        """As a mapping."""
        return asdict(self)


def heard(seed: int, plain: Any) -> MutationOutcome:
    """An outcome from its mapping."""
    drawn = plain["drawn"]
    lists = {name: tuple(drawn[name]) for name in ("mutations", "refused")}
    return MutationOutcome(**{**plain, "drawn": MutationDraw(**{**drawn, **lists, "seed": seed})})


def bench_mutations(
    count: int = COUNT,
    first: int = 1,
    workers: int = WORKERS,
    seed: int | None = None,
    horizon_h: int | None = None,
    *,
    resume: Path | None = None,
) -> dict[str, float]:
    """Run small scenarios with one to four values drawn anew, and tell seed and fields of each bad end.

    Parameters
    ----------
    count, first : int
        How many seeds, and the first of them.
    workers : int
        Processes.
    seed : int, optional
        Only this one: its scenario is written to a folder that is told, and its end is told whatever it is.
    horizon_h : int, optional
        How long every scenario is run instead of the hours in `BASES`, h.
    resume : Path, optional
        Where outcomes are kept, each as soon as it is there; those found there are not played again.

    Returns
    -------
    dict of str to float
        The share of each ending, draws that `validate` has refused, mean and longest time, s.
    """
    seeds = range(first, first + count) if seed is None else [seed]
    bases = BASES if horizon_h is None else tuple(one._replace(horizon_h=horizon_h) for one in BASES)
    kept = None
    if resume is not None:
        played = {"bases": bases_print(bases)}
        kept = KeptGroup(OutcomeFile(resume), "mutations", lambda _: played, MutationOutcome.plain, heard)
        logger.warning("%d of %d are in %s", len(known_of(seeds, kept)), len(seeds), resume)
    outcomes = play_limited(
        partial(play, bases=bases), partial(lost, bases=bases), seeds, workers, LIMIT_S, kept
    )
    for one in outcomes:
        if one.ending not in FINE or seed is not None:
            logger.warning("%s: %s; %s", one.ending, one.detail or "nothing to tell", one.drawn.told())
    if seed is not None:
        folder = Path(tempfile.mkdtemp(prefix="mutation-"))
        logger.warning("written to %s", write_mutation(seed, folder, bases))
    return summarise(outcomes)


def summarise(outcomes: Sequence[MutationOutcome]) -> dict[str, float]:
    """Numbers of `bench_mutations`."""
    found = Counter(one.ending for one in outcomes)
    cpu_s = [one.cpu_s for one in outcomes]
    return {
        "mutated": float(len(outcomes)),
        **{f"{ending}_share": found[ending] / len(outcomes) for ending in ENDINGS},
        "drawn_anew": float(sum(len(one.drawn.refused) for one in outcomes)),
        "mean_cpu_s": float(np.mean(cpu_s)),
        "longest_cpu_s": max(cpu_s),
    }


def write_mutation(seed: int, folder: Path, bases: tuple[Base, ...] = BASES) -> Path:
    """Write the scenario of a seed, which `gridarium run` takes as it takes any other."""
    drawn, tree = draw_mutations(seed, folder, bases)
    path = folder / "scenario.yaml"
    path.write_text(dump_yaml({**tree, "title": drawn.told()[:500]}), encoding="utf-8")
    return path


def lost(seed: int, how: str, bases: tuple[Base, ...] = BASES) -> MutationOutcome:
    """The outcome of a seed whose process has ended."""
    with tempfile.TemporaryDirectory() as folder:
        drawn, _ = draw_mutations(seed, Path(folder), bases)
    if "SIGXCPU" in how or "SIGALRM" in how:
        return MutationOutcome(drawn, "slow", f"ended after {LIMIT_S} s", float(LIMIT_S))
    return MutationOutcome(drawn, "died", f"its process ended {how}", 0.0)


def play(seed: int, bases: tuple[Base, ...] = BASES) -> MutationOutcome:
    """Run the scenario of a seed, and judge how it ends."""
    started = time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        drawn, tree = draw_mutations(seed, Path(folder), bases)
        ending, detail = ended(tree)
    return MutationOutcome(drawn, ending, detail, time.process_time() - started)


def ended(tree: Tree) -> tuple[Ending, str]:
    """How the run of a case ends, and why."""
    try:
        case, faults = check_case(tree)
        if case is None:
            return "refused", f"a valid case is not when read again: {faults[0]}"
        return judged(measure_case("mutated", case)[1])
    except (InfeasibleError, PowerFlowError) as error:
        is_so, word = confirmed(error)
        return ("infeasible" if is_so else "unconfirmed"), f"{error}; {word}"
    except UnheardError as error:
        is_so, word = unheard(tree, error, lambda other: ended(other)[0] in FINE)
        return ("unheard" if is_so else "unconfirmed"), f"{error}; {word}"
    except GridariumError as error:
        return "refused", f"{type(error).__name__}: {error}"
    except Exception:  # noqa: BLE001 - what it is that nobody has foreseen is what is measured
        return "traceback", traceback.format_exc()


def judged(certificates: Sequence[Certificate]) -> tuple[Ending, str]:
    """How a finished scenario has ended, and what its failed certificates tell."""
    failed = [one for one in certificates if not one.passed]
    hard = [one for one in failed if one.hard]
    detail = "; ".join(f"{one.name} {one.value:.6g} over {one.tolerance:g} ({one.detail})" for one in hard)
    if any(_name(one) not in OF_REST for one in hard):
        return "uncertified", detail
    if hard:
        return "open", detail
    cycles = {_grid(one) for one in certificates if _name(one) == "cycle size" and one.passed and one.hard}
    restless = [one for one in failed if _name(one) == "convergence" and _grid(one) in cycles]
    if restless:
        return "cycle", "; ".join(f"{one.name} {one.detail}" for one in restless)
    return "passed", ""


def _name(certificate: Certificate) -> str:
    return certificate.name.rpartition(": ")[2]


def _grid(certificate: Certificate) -> str:
    return certificate.name.rpartition(": ")[0]
