"""What a sweep runs again and again: the model of a study; here is the one that is a plain function."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple, Protocol, cast

from gridarium.environment.errors import Fault, ScenarioError
from gridarium.experiments.sweeps.study_schema import StudyFile

Values = Mapping[str, Any]
"""A point of the design: one value by factor."""


class UnknownMetricError(ScenarioError):
    """A study that asks for metrics that its function does not measure."""


UNKNOWN = UnknownMetricError.__name__
"""What a row of failures calls it."""


class JobOutcome(NamedTuple):
    """What a case of a job found."""

    metrics: Mapping[str, float]
    certificates_failed: int
    broken: tuple[str, ...] = ()


class JobModel(Protocol):
    """What a job runs.

    Attributes
    ----------
    expected : sequence of str or None
        Metrics that have to be numbers where they are measured at all; None for all of them.
    """

    expected: Sequence[str] | None

    def cases(self, values: Values, seed: int) -> Iterator[tuple[str, Callable[[], JobOutcome]]]:
        """Yield every case of a job and how to run it."""


def metrics_named(file: StudyFile) -> list[str]:
    """Return the metrics that a study asks for by name: to keep, to stop by, to rise or fall."""
    stop = [file.stop.metric] if file.stop else []
    return list(dict.fromkeys([*(file.metrics or ()), *stop, *(one.metric for one in file.expected)]))


def unknown_metrics(file: StudyFile, measured: Sequence[str]) -> list[Fault]:
    """Return a fault for each metric that a study asks for and nothing measures."""
    faults = []
    for name in metrics_named(file):
        if name not in measured:
            close = difflib.get_close_matches(name, measured, n=1)
            known = f"did you mean {close[0]}?" if close else f"measured are {', '.join(measured) or 'none'}"
            faults.append(Fault("metrics", name, f"is no metric of the function; {known}"))
    return faults


class FunctionModel:
    """A plain function `(parameters, seed) -> {case: {metric: number}}`.

    Raises
    ------
    ScenarioError
        If it cannot be imported.
    """

    def __init__(self, file: StudyFile) -> None:
        from gridarium.experiments.names.registry import load

        self._function = cast("Callable[..., Any]", load("functions", file.function or ""))
        self._fixed, self._chosen = file.set, file.cases
        self.expected: Sequence[str] | None = None
        self._file = file

    def cases(self, values: Values, seed: int) -> Iterator[tuple[str, Callable[[], JobOutcome]]]:
        """Yield every case of a job; the function is called once for all of them."""
        found = self._function({**self._fixed, **values}, seed)
        for name in self._chosen or found:
            yield name, partial(JobOutcome, found[name], 0)
        measured = list(dict.fromkeys(metric for metrics in found.values() for metric in metrics))
        if faults := unknown_metrics(self._file, measured):
            raise UnknownMetricError("function", faults)
