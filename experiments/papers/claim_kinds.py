"""Kinds of claims: exact ones must match, directional ones are judged by sign, order or shape."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import pandas as pd

from gridarium.environment.errors import GridariumError
from gridarium.experiments.field_paths import swept_parameter
from gridarium.experiments.records import Certificate, Claim
from gridarium.experiments.scenario import Study

Summary = Mapping[str, Mapping[str, float]]
Finding = tuple[str, bool, str]
"""What was found, whether it is what the paper says, and the reason."""


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
        if name not in self.summary[case]:
            raise NotMeasuredError(f"the case {case} of this run has no {name}: there was nothing to measure")
        return self.summary[case][name]

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

    def sweep(self, field: str) -> dict[str, float]:
        """Values of a swept field by case, rising; empty where the study sweeps another or none."""
        found = swept_parameter(self.study.resolved(), self.summary)
        if found is None or found[0] != field:
            return {}
        return dict(sorted(found[1].items(), key=lambda item: item[1]))


Measure = Callable[[Evidence], Finding]


def verdict_of(reproduced: bool) -> Literal["reproduced", "not reproduced"]:
    """Say whether a claim holds."""
    return "reproduced" if reproduced else "not reproduced"


def exact(
    id_: str, source: str, statement: str, expected: float | str, measured: float | str, reason: str
) -> Claim:
    """A claim on a number, or on several as a text, which has to be met exactly."""
    return Claim(
        id_,
        source,
        statement,
        "exact",
        expected,
        measured,
        verdict_of(measured == expected),
        reason,
    )


def directional(
    id_: str,
    source: str,
    statement: str,
    expected: str,
    measure: Measure,
    cases: Sequence[str] = (),
) -> Callable[[Evidence], Claim]:
    """A claim on sign, order or shape, not comparable where a case was not run or nothing was measured."""

    def judged(evidence: Evidence) -> Claim:
        missing = [case for case in cases if not evidence.has(case)]
        if missing:
            reason = f"needs the cases {', '.join(cases)}; this run lacks {', '.join(missing)}"
            return Claim(id_, source, statement, "directional", expected, None, "not comparable", reason)
        try:
            measured, reproduced, reason = measure(evidence)
        except NotMeasuredError as error:
            return Claim(id_, source, statement, "directional", expected, None, "not comparable", str(error))
        return Claim(
            id_, source, statement, "directional", expected, measured, verdict_of(reproduced), reason
        )

    return judged


def incomparable(
    id_: str, source: str, statement: str, expected: str, reason: str
) -> Callable[[Evidence], Claim]:
    """A claim that cannot be compared, and why."""
    claim = Claim(id_, source, statement, "directional", expected, None, "not comparable", reason)
    return lambda evidence: claim
