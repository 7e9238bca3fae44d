"""Run a study: every case from build to certificates, the comparison with the paper, the folder."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from gridarium.environment.errors import Fault, GridariumError, InputError, ScenarioError
from gridarium.experiments.case_run import CaseOutcome, run_case
from gridarium.experiments.claims.verdicts import judge
from gridarium.experiments.records import Progress
from gridarium.experiments.report import build_report
from gridarium.experiments.results import Result, check_out_folder, write_run
from gridarium.experiments.scenario import Study


def run(
    study: Study,
    *,
    cases: Sequence[str] | None = None,
    out: Path | None = None,
    progress: Progress | None = None,
) -> Result:
    """Run the cases of a study.

    Parameters
    ----------
    study : Study
    cases : sequence of str, optional
        Only these; all by default.
    out : Path, optional
        Folder for the results, new or empty; without it nothing is written.
    progress : callable, optional
        Called with the share done and the case that runs.

    Returns
    -------
    Result

    Raises
    ------
    InputError
        If a case, the folder or the network is unusable.
    GridariumError
        If a case fails. The cases that were finished before are written, marked as failed.
    """
    chosen = _chosen(study, cases)
    if out is not None:
        check_out_folder(out)
    started, begun = datetime.now(UTC), time.perf_counter()
    outcomes: dict[str, CaseOutcome] = {}
    failure: GridariumError | None = None
    for number, name in enumerate(chosen):

        def show(share: float, doing: str, number: int = number) -> None:
            if progress:
                progress((number + share) / len(chosen), doing)

        try:
            outcomes[name] = run_case(name, study.cases[name], show)
        except InputError:
            raise
        except GridariumError as error:
            failure = error
            break
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
    if failure is None:
        return _result(study, outcomes, manifest, out)
    manifest["failed"] = f"case {chosen[len(outcomes)]}: {failure}"
    if outcomes and out is not None:
        _result(study, outcomes, manifest, out)
    raise failure


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
    study: Study, outcomes: Mapping[str, CaseOutcome], manifest: Mapping[str, Any], out: Path | None
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
    return write_run(out, **parts, finish=build_report)


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
