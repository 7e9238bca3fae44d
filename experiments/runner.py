"""Run a study: every case from build to certificates, the comparison with the paper, the folder."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from gridarium.environment.errors import Fault, GridariumError, ScenarioError
from gridarium.experiments.case_outcome import CaseOutcome
from gridarium.experiments.case_workers import Ending, play_cases
from gridarium.experiments.claims.verdicts import judge
from gridarium.experiments.crew import Crew
from gridarium.experiments.records import Progress
from gridarium.experiments.report import build_report
from gridarium.experiments.results import Result, check_out_folder, write_run
from gridarium.experiments.scenario import Study
from gridarium.experiments.scenario_schema import Scenario
from gridarium.experiments.worker_processes import checked_workers


class RunInterrupted(GridariumError):  # noqa: N818 - not an error of anything, but it ends the run
    """A run that its user has stopped; the cases that had finished are kept."""


def run(
    study: Study,
    *,
    cases: Sequence[str] | None = None,
    out: Path | None = None,
    workers: int | None = 1,
    progress: Progress | None = None,
) -> Result:
    """Run the cases of a study.

    The results are the same whatever the number of workers.

    Parameters
    ----------
    study : Study
    cases : sequence of str, optional
        Only these; all by default.
    out : Path, optional
        Folder for the results, new or empty; without it nothing is written.
    workers : int or None
        Processes that run cases side by side, at most one for each case; 1 runs them in this process, one
        after the other, None takes one for each processor. A script that asks for more than one starts
        them under `if __name__ == "__main__":`.
    progress : callable, optional
        Called with the share done and the cases that run.

    Returns
    -------
    Result

    Raises
    ------
    InputError
        If a case, the folder or the network is unusable.
    GridariumError
        If a case fails: no other is started then, those under way run to their end. What has finished is
        written, marked as failed.
    RunInterrupted
        If ctrl-C is pressed; what has finished is written, marked as failed.
    """
    chosen = _chosen(study, cases)
    count = min(checked_workers(workers), len(chosen))
    if out is not None:
        check_out_folder(out)
    with Crew(count) if count > 1 else nullcontext() as crew:
        return _run(study, chosen, out, crew, progress)


def _run(
    study: Study, chosen: Sequence[str], out: Path | None, crew: Crew | None, progress: Progress | None
) -> Result:
    started, begun = datetime.now(UTC), time.perf_counter()
    endings, interrupted = _endings({name: study.cases[name] for name in chosen}, crew, progress)
    outcomes = {name: one for name, one in endings.items() if isinstance(one, CaseOutcome)}
    failures = {name: one for name, one in endings.items() if isinstance(one, GridariumError)}
    manifest = {
        "seed": _one_or_all({name: study.cases[name].seed for name in chosen}),
        "started": started.isoformat(),
        "ended": datetime.now(UTC).isoformat(),
        "wall_s": time.perf_counter() - begun,
        **_total_effort(outcomes),
        "ledgers": {case: outcome.ledgers for case, outcome in outcomes.items()},
    }
    left_out = sorted({item for outcome in outcomes.values() for item in outcome.left_out})
    if left_out:
        manifest["left_out_of_network"] = ", ".join(left_out)
    kept = bool(outcomes) and out is not None
    if kept and progress:
        progress(1.0, "figures and report")
    if not failures and not interrupted:
        return _result(study, outcomes, manifest, out, crew)
    told = [f"case {name}: {failure}" for name, failure in failures.items()]
    told += [f"interrupted before the end of {', '.join(interrupted)}"] if interrupted else []
    manifest["failed"] = "; ".join(told)
    if kept:
        _result(study, outcomes, manifest, out, crew)
    if interrupted:
        raise RunInterrupted(
            f"{manifest['failed']}; " + (f"what had finished is in {out}" if kept else "nothing had finished")
        )
    raise next(iter(failures.values()))


def _endings(
    cases: Mapping[str, Scenario], crew: Crew | None, progress: Progress | None
) -> tuple[dict[str, Ending], list[str]]:
    """Return how each case ended, in the order of the study, and those that ctrl-C has cut short."""
    endings: dict[str, Ending] = {}
    interrupted: list[str] = []
    try:
        # What has ended before an interruption is in there.
        endings.update(play_cases(cases, crew, progress))
    except KeyboardInterrupt:
        if crew:
            crew.stop()
        interrupted = [name for name in cases if name not in endings]
    return {name: endings[name] for name in cases if name in endings}, interrupted


def _one_or_all(seeds: Mapping[str, int]) -> int | Mapping[str, int]:
    """The seed of all cases, or the seeds by case where they differ."""
    different = set(seeds.values())
    return different.pop() if len(different) == 1 else seeds


def _chosen(study: Study, cases: Sequence[str] | None) -> list[str]:
    known = list(study.cases)
    unknown = [name for name in cases or () if name not in known]
    if unknown:
        faults = [Fault("--case", name, f"must be one of {', '.join(known)}") for name in unknown]
        raise ScenarioError(study.source, faults)
    return [name for name in known if not cases or name in cases]


def _result(
    study: Study,
    outcomes: Mapping[str, CaseOutcome],
    manifest: Mapping[str, Any],
    out: Path | None,
    crew: Crew | None,
) -> Result:
    names = dict.fromkeys(name for outcome in outcomes.values() for name in outcome.tables)
    parts: dict[str, Any] = {
        "scenario": study.resolved(),
        "summary": {case: dict(outcome.summary) for case, outcome in outcomes.items()},
        "certificates": [item for outcome in outcomes.values() for item in outcome.certificates],
        "tables": {name: _joined(name, outcomes.values()) for name in names},
        "manifest": manifest,
    }
    parts["claims"] = judge(study, parts["summary"], parts["tables"], parts["certificates"])
    if out is None:
        return Result(**parts)
    return write_run(out, **parts, finish=partial(build_report, crew=crew))


def _joined(name: str, outcomes: Iterable[CaseOutcome]) -> pd.DataFrame:
    """One table of all cases that have it."""
    return pd.concat(
        [outcome.tables[name] for outcome in outcomes if name in outcome.tables], ignore_index=True
    )


def _total_effort(outcomes: Mapping[str, CaseOutcome]) -> dict[str, float]:
    total: dict[str, float] = {}
    for outcome in outcomes.values():
        for key, value in outcome.effort.items():
            total[key] = total.get(key, 0) + value
    return total
