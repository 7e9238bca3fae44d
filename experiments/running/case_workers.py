"""The cases of a run, one after the other here or side by side in processes."""

from __future__ import annotations

import contextlib
import gc
from collections import deque
from collections.abc import Iterator, Mapping
from functools import cache
from typing import NamedTuple

from gridarium.experiments.processes.case_log import CaseLog
from gridarium.experiments.processes.crew import Crew
from gridarium.experiments.processes.endings import settled
from gridarium.experiments.processes.workers import (
    Done,
    Ended,
    ExecutorError,
    Failed,
    Printed,
    Said,
    Tell,
)
from gridarium.experiments.results.records import Progress
from gridarium.experiments.running.case_outcome import CaseOutcome
from gridarium.experiments.schema.scenario import Scenario

_MOST_NAMED = 3

Ending = CaseOutcome | Exception
"""What a case left, or the error that ended it."""


def play_cases(
    cases: Mapping[str, Scenario],
    crew: Crew | None,
    progress: Progress | None = None,
    log: CaseLog | None = None,
) -> Iterator[tuple[str, Ending]]:
    """Run cases, and yield the name and the ending of each as it ends; one that fails keeps no other back.

    Parameters
    ----------
    cases : mapping of str to Scenario
    crew : Crew or None
        Who runs them side by side; None runs them in this process.
    progress : callable, optional
        Called with the share done and the cases that run.
    log : CaseLog, optional
        Keeps what the code of a case prints.

    Raises
    ------
    ExecutorError
        If processes cannot work.
    """
    shares, log = _Shares(cases, progress), log or CaseLog()
    tasks = [CaseTask(name, scenario) for name, scenario in cases.items()]
    if crew is not None:
        yield from _side_by_side(tasks, crew, shares, log)
        return
    for task in tasks:
        try:
            with contextlib.redirect_stdout(log.of(task.name)):
                ending: Ending = task.do(shares.teller(task.name))
        except KeyboardInterrupt:
            raise
        # A case may be anybody's code: whatever it raises ends this case alone.
        except BaseException as error:  # noqa: BLE001
            ending = settled(error)
        shares.end(task.name)
        yield task.name, ending


class Standing(NamedTuple):
    """How a case stands: the share of it that is done, and what it is doing where that can be said."""

    share: float
    doing: str = ""


class CaseTask(NamedTuple):
    """One case to run."""

    name: str
    scenario: Scenario

    def do(self, tell: Tell) -> CaseOutcome:
        """Run it, and tell how it stands on the way."""
        from gridarium.experiments.running.case_run import run_case

        _settle_memory()
        outcome = run_case(self.name, self.scenario, lambda share, doing: tell(Standing(share, doing)))
        tell(Standing(1.0))
        return outcome


@cache
def _settle_memory() -> None:
    """Tell the collector once that what was imported stays to the end."""
    gc.freeze()


class _Shares:
    """How far each case is, and all of them together."""

    def __init__(self, cases: Mapping[str, Scenario], progress: Progress | None) -> None:
        self._progress = progress
        self._shares = dict.fromkeys(cases, 0.0)
        self._running: dict[str, str] = {}

    def teller(self, name: str) -> Tell:
        """Return what is told how a case stands."""
        return lambda said: self.show(name, said)

    def end(self, name: str) -> None:
        """Take a case from those that run."""
        self._shares[name] = 1.0
        self._running.pop(name, None)

    def show(self, name: str, said: object) -> None:
        """Show how a case stands."""
        assert isinstance(said, Standing)
        self._shares[name], self._running[name] = said
        named = [f"{case}: {doing}" if doing else case for case, doing in self._running.items()][:_MOST_NAMED]
        more = len(self._running) - len(named)
        if said.share >= 1.0:
            del self._running[name]
        if self._progress:
            doing = ", ".join(named) + (f" and {more} more" if more else "")
            self._progress(sum(self._shares.values()) / len(self._shares), doing)


def _side_by_side(
    tasks: list[CaseTask], crew: Crew, shares: _Shares, log: CaseLog
) -> Iterator[tuple[str, Ending]]:
    for task, answer in crew.answers(deque(tasks)):
        match answer:
            case Said(standing):
                shares.show(task.name, standing)
                continue
            case Printed(text):
                log.of(task.name).write(text)
                continue
            case Done(outcome):
                ending: Ending = outcome
            case Failed(error):
                ending = error
            case Ended(how):
                ending = ExecutorError(f"its process died, {how}")
        shares.end(task.name)
        yield task.name, ending
