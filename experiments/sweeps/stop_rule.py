"""When a sweep knows enough: an interval of the mean, looked at in the fixed order of the jobs."""

from __future__ import annotations

import math

from gridarium.experiments.sweeps.jobs import JobResult, metric_of
from gridarium.experiments.sweeps.study import SweepStudy

_LEVEL = 0.95


class StopWatch:
    """Finds the first job after which the stop rule holds, in whatever order jobs finish.

    Parameters
    ----------
    study : SweepStudy
        Its stop rule may be None: then all jobs are run.

    Attributes
    ----------
    n_job : int
        How many jobs of the list are run; falls once when the rule holds.
    decided : bool
        Whether the rule has held.
    """

    def __init__(self, study: SweepStudy) -> None:
        self._rule = study.file.stop
        # With a single point the replications are the observations.
        self._jobs_each = study.file.replications if study.n_point > 1 else 1
        self._waiting: dict[int, float] = {}
        self._next, self._count, self._mean, self._squares = 0, 0, 0.0, 0.0
        self._group: list[float] = []
        self.decided = False
        self.n_job = study.n_job
        if self._rule is not None and self._rule.most is not None:
            self.n_job = min(study.n_job, self._rule.most * self._jobs_each)

    def add(self, result: JobResult) -> None:
        """Take the result of a job; those of earlier jobs may still be missing."""
        if self._rule is None or self.decided or result.job >= self.n_job:
            return
        self._waiting[result.job] = metric_of(result, self._rule.case, self._rule.metric)
        while not self.decided and self._next in self._waiting:
            self._advance(self._waiting.pop(self._next))

    def _advance(self, value: float) -> None:
        """Take the next job's value; failures and missing values are no observations."""
        self._next += 1
        if math.isfinite(value):
            self._group.append(value)
        if self._next % self._jobs_each:
            return
        if self._group:
            self._observe(math.fsum(self._group) / len(self._group))
            self._group.clear()
        if self._is_known():
            self.decided, self.n_job = True, self._next

    def _observe(self, value: float) -> None:
        """Update mean and sum of squares (B. P. Welford, 1962, doi:10.1080/00401706.1962.10490022)."""
        self._count += 1
        step = value - self._mean
        self._mean += step / self._count
        self._squares += step * (value - self._mean)

    def _is_known(self) -> bool:
        from scipy.stats import t

        rule, count = self._rule, self._count
        if rule is None or count < max(rule.least, 2):
            return False
        error = math.sqrt(self._squares / (count - 1) / count)
        width = 2.0 * float(t.ppf(0.5 + _LEVEL / 2.0, count - 1)) * error
        return width <= rule.width * (abs(self._mean) if rule.relative else 1.0)
