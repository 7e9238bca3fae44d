"""What one finished case leaves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gridarium.experiments.results.records import Certificate

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class CaseOutcome:
    """What one finished case leaves.

    Parameters
    ----------
    tables, summary, certificates
        What it found.
    effort : mapping of str to float
        Solver time, solves, messages.
    ledgers : mapping
        Length and head of each ledger.
    broken : tuple of str
        Tables, metrics and certificates that could not be made, and why: it has failed, the rest stands.
    """

    tables: Mapping[str, pd.DataFrame]
    summary: Mapping[str, float]
    certificates: Sequence[Certificate]
    effort: Mapping[str, float]
    ledgers: Mapping[str, Mapping[str, int | str]]
    broken: tuple[str, ...] = ()
