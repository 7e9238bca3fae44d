"""What a check finds, and what it is found in."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from gridarium.environment.errors import GridariumError
from gridarium.experiments.results.result import Result


@dataclass(frozen=True, slots=True)
class Check:
    """Something that was checked.

    Parameters
    ----------
    case, subject : str
        What was looked at.
    passed : bool
    said : str
        What was found.
    """

    case: str
    subject: str
    passed: bool
    said: str


Outcome = tuple[bool, str]
"""Whether all is in order, and what was found."""
OfCase = Callable[[Result, str], Iterable[Check]]
"""Looks at one case of a run."""


def checked(run: Result, case: str, subject: str, look: OfCase) -> Iterator[Check]:
    """Yield what a check finds of a case; what keeps it from looking is found as well.

    Parameters
    ----------
    run : Result
    case, subject : str
    look : callable
    """
    try:
        yield from look(run, case)
    # Whatever stands in a folder that anybody may have changed: it is not in order.
    except (GridariumError, ArithmeticError, LookupError, TypeError, ValueError, AttributeError) as error:
        yield Check(case, subject, False, f"cannot be checked ({type(error).__name__}: {error})")
    except StopIteration:
        yield Check(case, subject, False, "cannot be checked: what it belongs to is not there")
