"""Claims on what happens along a sweep over one field of a scenario."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from gridarium.environment.arrays import Array
from gridarium.experiments.claims.kinds import Evidence, NotMeasuredError, direction_verdict, unjudged
from gridarium.experiments.results.records import Claim

FEWEST_CASES = 3

Measured = Callable[[Evidence, str], float]
"""A figure of one case."""
Holds = Callable[..., bool]
"""Of the swept values, and the figures of all cases in the order in which they are measured."""


def of_metric(name: str) -> Measured:
    """A metric as a figure of a case."""
    return lambda evidence, case: evidence.metric(name, case)


def swept(
    id_: str,
    source: str,
    statement: str,
    expected: str,
    sweep: tuple[str, str],
    measures: Mapping[str, Measured],
    holds: Holds,
    rests_on: str = "",
) -> Callable[[Evidence], Claim]:
    """A claim on order or shape along a sweep; not comparable where no such sweep was run.

    Parameters
    ----------
    id_, source, statement, expected : str
    sweep : tuple of str
        The field that is swept, and a scenario that does so.
    measures : mapping of str to callable
        Figures of a case, by how they are shown: a format of the figure as `{}`.
    holds : callable
        Takes the values of the field, rising, then the figures of each measure, all of shape (n_case,).
    rests_on : str, optional
    """
    field, scenario = sweep

    def judged(evidence: Evidence) -> Claim:
        cases = evidence.sweep(field)
        try:
            if len(cases) < FEWEST_CASES:
                raise NotMeasuredError(f"needs a sweep over {field}, as in gridarium compare {scenario}")
            figures = [np.array([one(evidence, case) for case in cases]) for one in measures.values()]
            shown = ", ".join(_shown(tuple(measures), each) for each in zip(*figures, strict=True))
            verdict = direction_verdict(holds(np.array(list(cases.values())), *figures))
        except Exception as error:  # noqa: BLE001 - as in claims of another kind
            reason = unjudged(error)
            return Claim(id_, source, statement, "direction", expected, None, "not comparable", reason)
        reason = f"along {', '.join(cases)}"
        return Claim(id_, source, statement, "direction", expected, shown, verdict, reason, rests_on)

    return judged


def _shown(formats: tuple[str, ...], figures: tuple[float, ...]) -> str:
    return " / ".join(form.format(figure) for form, figure in zip(formats, figures, strict=True))


def falls(figures: Array, slack: float = 1e-9) -> bool:
    """Whether figures fall along the sweep, from its first case to its last."""
    return bool(np.all(np.diff(figures) < slack) and figures[0] > figures[-1])


def flattens(values: Array, figures: Array) -> bool:
    """Whether figures fall less and less per unit of the field."""
    return bool(np.all(np.diff(-np.diff(figures) / np.diff(values)) < 0))
