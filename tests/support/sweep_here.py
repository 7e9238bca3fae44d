"""A sweep in this process, for tests of what sweeps leave and not of who runs their jobs."""

from __future__ import annotations

from collections import deque
from pathlib import Path

import pytest

from gridarium.experiments.sweeps import sweeper
from gridarium.experiments.sweeps.job import Job
from gridarium.experiments.sweeps.jobs import JobResult, run_job
from gridarium.experiments.sweeps.models import model_of
from gridarium.experiments.sweeps.study import SweepStudy


class ThisProcess:
    """Runs jobs one by one where they are collected: no process has to start for them."""

    capacity = 2

    def __init__(self, setup: str, workers: int) -> None:
        self._setup, self._jobs = setup, deque[Job]()

    def submit(self, job: Job) -> None:
        """Put a job in line."""
        self._jobs.append(job)

    def collect(self) -> list[JobResult]:
        """Run the first job of the line."""
        return [run_job(model_of(self._setup), self._jobs.popleft())]

    def close(self) -> None:
        """Leave what has not begun."""


def sweep_here(study: SweepStudy, out: Path, *, resume: bool = False) -> sweeper.SweepResult:
    """Run a study in this process; all but the processes is as in a sweep of one worker."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sweeper, "LocalProcesses", ThisProcess)
        return sweeper.sweep(study, out, workers=1, resume=resume)
