"""Run a study: every case from build to certificates, the comparison with the paper, the folder."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from gridarium.environment.errors import Fault, GridariumError, ScenarioError
from gridarium.experiments.checking.named_code import check_code
from gridarium.experiments.claims.asked import claim_faults
from gridarium.experiments.claims.verdicts import judge, papers
from gridarium.experiments.processes.case_log import CaseLog
from gridarium.experiments.processes.crew import Crew
from gridarium.experiments.processes.endings import in_one_line
from gridarium.experiments.processes.interrupts import Interrupts
from gridarium.experiments.processes.workers import ExecutorError, checked_workers
from gridarium.experiments.results.checksums import renew
from gridarium.experiments.results.folder import RunWriteError, check_out_folder, claims_bytes, write_run
from gridarium.experiments.results.manifest import replace_file, update_manifest
from gridarium.experiments.results.played import Played, RunInterrupted
from gridarium.experiments.results.records import Claim, Progress
from gridarium.experiments.results.result import Result, RunFolderError, read_run
from gridarium.experiments.running.case_outcome import CaseOutcome
from gridarium.experiments.running.case_workers import Ending, play_cases
from gridarium.experiments.scenario import Study
from gridarium.experiments.telling.report import build_report


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
        If a case, the code that it names, the folder or the network is unusable.
    Exception
        What has ended a case, whatever it is. All others run to their end and are written, marked as failed.
    RunWriteError
        If the disk refuses; names what was written, and where.
    RunInterrupted
        If ctrl-C is pressed; what has finished is written, marked as failed.
    """
    return play(study, cases=cases, out=out, workers=workers, progress=progress).checked()


def play(
    study: Study,
    *,
    cases: Sequence[str] | None = None,
    out: Path | None = None,
    workers: int | None = 1,
    progress: Progress | None = None,
) -> Played:
    """Run the cases of a study as `run` does, and say what went wrong rather than raise it.

    Raises
    ------
    InputError
        If the names of cases, the folder or the number of workers is unusable: nothing was run.
    """
    chosen = _chosen(study, cases)
    named = dict.fromkeys(name for case in study.cases.values() for name in case.papers)
    if faults := list(claim_faults(study, zip(named, papers(named), strict=True))):
        raise ScenarioError(study.source, faults)
    count = min(checked_workers(workers), len(chosen))
    check_code(study.source, {name: study.cases[name] for name in chosen})
    if out is not None:
        check_out_folder(out)
    with Interrupts() as interrupts, Crew(count) if count > 1 else nullcontext() as crew:
        return _Run(study, chosen, out, crew, progress, interrupts).played()


class _Run:
    """A run: its cases, then what follows from them."""

    def __init__(
        self,
        study: Study,
        chosen: Sequence[str],
        out: Path | None,
        crew: Crew | None,
        progress: Progress | None,
        interrupts: Interrupts,
    ) -> None:
        self._study, self._chosen, self._out, self._crew = study, chosen, out, crew
        self._progress, self._interrupts = progress, interrupts
        self._log = CaseLog()

    def played(self) -> Played:
        """Run the cases, and keep what they have left."""
        started, begun = datetime.now(UTC), time.perf_counter()
        endings, interrupted = self._endings()
        outcomes = {name: one for name, one in endings.items() if isinstance(one, CaseOutcome)}
        failures = {name: one for name, one in endings.items() if isinstance(one, Exception)}
        printed = self._log.text(self._chosen)
        for name, error in failures.items():
            self._log.of(name).write("\n".join(getattr(error, "__notes__", ())))
        failed = {name: in_one_line(error) for name, error in failures.items()}
        failed |= {name: "; ".join(one.broken) for name, one in outcomes.items() if one.broken}
        failed |= dict.fromkeys(interrupted, "interrupted before its end")
        manifest = {
            "seed": _one_or_all({name: self._study.cases[name].seed for name in self._chosen}),
            "started": started.isoformat(),
            "ended": datetime.now(UTC).isoformat(),
            "wall_s": time.perf_counter() - begun,
            **_total_effort(outcomes),
            "ledgers": {case: outcome.ledgers for case, outcome in outcomes.items()},
            **({"failed": failed} if failed else {}),
        }
        if not outcomes:
            return Played(None, failures, interrupted, printed=printed)
        result, trouble = self._kept(_parts(self._study, outcomes, manifest), self._log.text(self._chosen))
        kept_nowhere = printed if result.path is None else ""
        return Played(result, failures, interrupted, trouble, kept_nowhere)

    def _endings(self) -> tuple[dict[str, Ending], tuple[str, ...]]:
        """Return how each case ended, in the order of the study, and those that ctrl-C has cut short."""
        cases = {name: self._study.cases[name] for name in self._chosen}
        endings: dict[str, Ending] = {}
        interrupted: tuple[str, ...] = ()
        try:
            # What has ended before an interruption is in there.
            endings.update(play_cases(cases, self._crew, self._progress, self._log))
        except KeyboardInterrupt:
            self._interrupts.close()
            if self._crew:
                self._crew.stop()
            interrupted = tuple(name for name in cases if name not in endings)
        except ExecutorError as error:
            endings |= {name: error for name in cases if name not in endings}
        self._interrupts.close()
        return {name: endings[name] for name in cases if name in endings}, interrupted

    def _kept(self, parts: dict[str, Any], log: str) -> tuple[Result, GridariumError | None]:
        """Write what was found, then judge and draw it; return what went wrong with that, too."""
        if self._out is None:
            return Result(**parts, claims=self._judged(parts)), None
        if self._progress:
            self._progress(1.0, "figures and report")
        found: list[GridariumError] = []
        finish = partial(self._finish, parts, found)
        try:
            result = write_run(self._out, **parts, claims=[], log=log, finish=finish)
            return result, next(iter(found), None)
        except (RunFolderError, RunWriteError) as error:
            try:
                return read_run(self._out), error
            except RunFolderError:
                return self._kept_elsewhere(parts, log, error)

    def _kept_elsewhere(
        self, parts: dict[str, Any], log: str, error: GridariumError
    ) -> tuple[Result, GridariumError]:
        """Write to the system's folder for temporary files what could not be written to its place."""
        claims = self._judged(parts)
        assert self._out is not None
        try:
            spare = Path(tempfile.mkdtemp(prefix=f"gridarium-{self._out.name}-"))
            written = write_run(spare, **parts, claims=claims, log=log)
        except (OSError, RunFolderError, RunWriteError) as other:
            return Result(**parts, claims=claims), RunWriteError(
                f"{error}; nor elsewhere: {in_one_line(other)}"
            )
        advice = f"make room, move {spare} there, and draw its figures by gridarium report"
        return written, RunWriteError(f"{error}; all results are in {spare}: {advice}")

    def _finish(self, parts: dict[str, Any], found: list[GridariumError], folder: Path) -> None:
        """Judge the claims and draw what was written; a step that fails costs nothing that is there."""
        self._interrupts.open()
        hint = f"the results are whole; gridarium report {self._out} draws them"
        try:
            replace_file(folder / "claims.json", claims_bytes(self._judged(parts)))
            renew(folder, ["claims.json"])
            build_report(folder, crew=self._crew)
        except KeyboardInterrupt:
            found.append(RunInterrupted(f"interrupted before figures and report were drawn; {hint}"))
        # Whatever it is: what was computed is on the disk, and its user is told.
        except Exception as error:  # noqa: BLE001
            found.append(RunWriteError(f"claims, figures and report: {in_one_line(error)}; {hint}"))
        self._interrupts.close()
        if found:
            update_manifest(folder, not_drawn={"report": in_one_line(found[0])})

    def _judged(self, parts: Mapping[str, Any]) -> list[Claim]:
        return judge(self._study, parts["summary"], parts["tables"], parts["certificates"])


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


def _parts(study: Study, outcomes: Mapping[str, CaseOutcome], manifest: Mapping[str, Any]) -> dict[str, Any]:
    """What a run has found, as it is written; claims are judged on it."""
    names = dict.fromkeys(name for outcome in outcomes.values() for name in outcome.tables)
    return {
        "scenario": study.resolved(),
        "summary": {case: dict(outcome.summary) for case, outcome in outcomes.items()},
        "certificates": [item for outcome in outcomes.values() for item in outcome.certificates],
        "tables": {name: _joined(name, outcomes.values()) for name in names},
        "manifest": dict(manifest),
    }


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
