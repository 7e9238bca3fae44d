"""Kinds of claims: a number must be met, a direction is judged by sign, order or shape."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import pandas as pd

from gridarium.environment.errors import GridariumError
from gridarium.experiments.processes.endings import in_one_line
from gridarium.experiments.reading.field_paths import swept_parameter
from gridarium.experiments.results.records import Certificate, Claim, Verdict
from gridarium.experiments.scenario import Study

Summary = Mapping[str, Mapping[str, float]]
FIGURE_TOLERANCE = 0.1
"""Largest distance from a printed figure, relative to it, at which a measured one counts as the same."""
RECOMPUTED = "the paper's own numbers, recomputed; not on a run"


class Finding(NamedTuple):
    """What was found.

    Parameters
    ----------
    measured : str
        As it is shown.
    holds : bool
        Whether sign, order or shape is what the paper says.
    reason : str
    value : float, optional
        What may be held against the paper's figure, in its unit.
    """

    measured: str
    holds: bool
    reason: str
    value: float | None = None


class NotMeasuredError(GridariumError):
    """A metric that a case has not got, or that nothing can be compared with; says which and why."""


@dataclass(frozen=True)
class Evidence:
    """What claims may look at."""

    study: Study
    summary: Summary
    tables: Mapping[str, pd.DataFrame]
    certificates: Sequence[Certificate]

    def has(self, *cases: str) -> bool:
        """Whether all these cases were run."""
        return all(case in self.summary for case in cases)

    def metric(self, name: str, case: str) -> float:
        """A metric of a case that was run.

        Raises
        ------
        NotMeasuredError
            If the case has no such metric, as there was nothing to measure.
        """
        if name not in self.summary.get(case, {}):
            raise NotMeasuredError(f"the case {case} of this run has no {name}: there was nothing to measure")
        value = self.summary[case][name]
        if not math.isfinite(value):
            raise NotMeasuredError(f"{name} of the case {case} of this run is {value}: no result")
        return value

    def change(self, metric: str, case: str, reference: str) -> float:
        """Relative change of a metric between two cases.

        Raises
        ------
        NotMeasuredError
            If a case has no such metric, or it is 0 in the reference.
        """
        before, after = self.metric(metric, reference), self.metric(metric, case)
        if before == 0.0:
            raise NotMeasuredError(f"{metric} is 0 in the case {reference}: no change is relative to that")
        return (after - before) / abs(before)

    def of(self, table: str, case: str) -> pd.DataFrame:
        """Rows of one case.

        Raises
        ------
        NotMeasuredError
            If nobody told any.
        """
        frame = self.tables.get(table)
        if frame is None or not (frame["case"] == case).any():
            raise NotMeasuredError(f"the case {case} of this run has no table of {table}")
        return frame[frame["case"] == case]

    def setting(self, case: str, *path: str) -> float:
        """A number that a case states.

        Raises
        ------
        NotMeasuredError
            If it states none there.
        """
        found: Any = self.study.cases[case].model_dump(mode="json")
        for name in path:
            found = found.get(name) if isinstance(found, dict) else None
        if not isinstance(found, int | float):
            raise NotMeasuredError(f"the case {case} of this run has no {'.'.join(path)}")
        return float(found)

    def sweep(self, field: str) -> dict[str, float]:
        """Values of a swept field by case, rising; empty where the study sweeps another or none."""
        found = swept_parameter(self.study.resolved(), self.summary)
        if found is None or found[0] != field:
            return {}
        return dict(sorted(found[1].items(), key=lambda item: item[1]))


Measure = Callable[[Evidence], Finding]


def unjudged(error: Exception) -> str:
    """Return why a claim could not be judged."""
    if isinstance(error, NotMeasuredError):
        return str(error)
    return f"this run could not be judged by it ({in_one_line(error)})"


def direction_verdict(holds: bool) -> Verdict:
    """Say whether a claim of direction holds."""
    return "direction reproduced" if holds else "not reproduced"


def exact(
    id_: str,
    source: str,
    statement: str,
    expected: float | str,
    measured: float | str,
    reason: str,
    rests_on: str = "",
) -> Claim:
    """A claim on a number, or on several as a text, which has to be met exactly."""
    verdict: Verdict = "number reproduced" if measured == expected else "not reproduced"
    return Claim(id_, source, statement, "number", expected, measured, verdict, reason, rests_on)


def directional(
    id_: str,
    source: str,
    statement: str,
    expected: str,
    measure: Measure,
    cases: Sequence[str] = (),
    *,
    figure: float | None = None,
    rests_on: str = "",
) -> Callable[[Evidence], Claim]:
    """A claim on sign, order or shape, not comparable where a case was not run or nothing was measured.

    Where the paper prints a `figure` and the direction holds, the figure itself counts as reproduced if the
    measured one is within `FIGURE_TOLERANCE` of it.
    """
    kind: Literal["number", "direction"] = "direction" if figure is None else "number"

    def judged(evidence: Evidence) -> Claim:
        missing = [case for case in cases if not evidence.has(case)]
        try:
            if missing:
                lacking = f"this run lacks {', '.join(missing)}"
                raise NotMeasuredError(f"needs the cases {', '.join(cases)}; {lacking}")
            found = measure(evidence)
        # A claim may meet names and numbers that nobody thought of: it costs neither itself nor others.
        except Exception as error:  # noqa: BLE001
            reason = unjudged(error)
            return Claim(id_, source, statement, kind, expected, None, "not comparable", reason)
        verdict, reason = direction_verdict(found.holds), found.reason
        if figure is not None and found.value is not None:
            met = found.holds and abs(found.value - figure) <= FIGURE_TOLERANCE * abs(figure)
            verdict = "number reproduced" if met else verdict
            within = "within" if met else "not within"
            reason = f"{within} {FIGURE_TOLERANCE:.0%} of the figure; {reason}"
        return Claim(id_, source, statement, kind, expected, found.measured, verdict, reason, rests_on)

    return judged


def incomparable(
    id_: str, source: str, statement: str, expected: str, reason: str
) -> Callable[[Evidence], Claim]:
    """A claim that cannot be compared, and why."""
    claim = Claim(id_, source, statement, "number", expected, None, "not comparable", reason)
    return lambda evidence: claim


def incomparables(
    place: Callable[[str], str], rows: Sequence[tuple[str, str, str, str, str]]
) -> tuple[Callable[[Evidence], Claim], ...]:
    """Claims that cannot be compared, of one paper.

    Parameters
    ----------
    place : callable
        Turns a section into a place in the paper.
    rows : sequence of tuple of str
        Of each its id, section, statement, expected value and reason.
    """
    return tuple(
        incomparable(id_, place(section), statement, expected, reason)
        for id_, section, statement, expected, reason in rows
    )
