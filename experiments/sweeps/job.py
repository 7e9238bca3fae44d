"""One run of a study, as it is handed to a worker, which need not know the study."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Job:
    """One run of a study: a design point with one seed, in all cases.

    Parameters
    ----------
    number : int
        Place in the job list, from 0: all replications of the first point, then those of the next.
    point, replication : int
        From 0.
    seed : int
        The same for one replication of all points and cases: common random numbers; with seeds of their own
        the same for all cases alone.
    values : dict
        The point, by factor.
    """

    number: int
    point: int
    replication: int
    seed: int
    values: dict[str, Any]
