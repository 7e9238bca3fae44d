"""What a run states about itself: certificates, claims, figures and its progress."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from gridarium.experiments.names.formatting import unit_in

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Progress = Callable[[float, str], None]
"""Called with the share of the run that is done, in [0, 1], and what is being done."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """A measured distance from physics, balance or equilibrium, and how far it may be.

    Parameters
    ----------
    case, name : str
        What was measured, and in which case of the study.
    value, tolerance : float
        Both in `unit`; nan when there was nothing to measure.
    unit : str
        Unit of both, "" for shares and counts.
    passed : bool
        Whether the value is within its tolerance.
    hard : bool
        Whether a run that fails it has failed.
    meaning : str
        One sentence for the reader of the report, the same in all cases.
    detail : str
        What is to be said of this case alone; mostly nothing.
    is_invariant : bool
        Whether it is true by construction, so that only a broken program or an altered folder fails it; such
        ones are counted apart.
    """

    case: str
    name: str
    value: float
    tolerance: float
    unit: str
    passed: bool
    hard: bool
    meaning: str
    detail: str = ""
    is_invariant: bool = False

    def of_grid(self, grid: str) -> Certificate:
        """Return it under the name of a grid."""
        return dataclasses.replace(self, name=f"{grid}: {self.name}")

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as they stand in certificates.json."""
        return dataclasses.asdict(self)


class Reading(NamedTuple):
    """A certificate before it is judged; fields as in `Certificate`, the unit of money being "money"."""

    name: str
    value: float
    tolerance: float
    unit: str
    hard: bool
    meaning: str
    detail: str = ""
    is_invariant: bool = False

    def certificate(self, case: str, currency: str) -> Certificate:
        """Return it judged, money in the currency of this code: up to its tolerance it passes, nan never."""
        passed = bool(self.value <= self.tolerance)
        unit = unit_in(self.unit, currency)
        return Certificate(
            case,
            self.name,
            self.value,
            self.tolerance,
            unit,
            passed,
            self.hard,
            self.meaning,
            self.detail,
            self.is_invariant,
        )


def passed_of(certificates: Sequence[Certificate], invariants: bool = False) -> str:
    """How many of the certificates have passed, or of the invariants, which are counted apart."""
    own = [one for one in certificates if one.is_invariant == invariants]
    return f"{sum(one.passed for one in own)} of {len(own)}"


Verdict = Literal["number reproduced", "direction reproduced", "not reproduced", "not comparable"]


@dataclass(frozen=True, slots=True)
class Claim:
    """A statement of a paper, and what this run says about it.

    Parameters
    ----------
    id, source, statement : str
        Short name, place in the paper, the statement in one sentence.
    kind : {"number", "direction"}
        Whether the paper prints a number or only a sign, an order or a shape.
    expected, measured : float, str or None
        The paper's and the run's value; None when there is none.
    verdict : {"number reproduced", "direction reproduced", "not reproduced", "not comparable"}
        The outcome; a number counts as reproduced only within the tolerance that the reason states.
    reason : str
        Why.
    rests_on : str
        What the verdict depends on beside the paper: assumed values, or the paper's own arithmetic; empty
        where there is no such thing.
    """

    id: str
    source: str
    statement: str
    kind: Literal["number", "direction"]
    expected: float | str | None
    measured: float | str | None
    verdict: Verdict
    reason: str
    rests_on: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as they stand in claims.json."""
        return dataclasses.asdict(self)


class Drawing(NamedTuple):
    """A figure, the name of its file and its caption."""

    name: str
    caption: str
    figure: Figure
