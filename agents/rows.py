"""What an agent tells of itself when a run is over: rows of the tables of results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike


@dataclass(frozen=True)
class Rows:
    """Rows that one agent, or one thing it runs, adds to a table.

    Whoever collects them puts the columns case, grid, agent and kind in front, and period and time where
    the rows are by period.

    Parameters
    ----------
    table : str
        Name of the table, such as "dispatch".
    values : mapping of str to array_like
        Columns by their names, which carry units; of one length, or single values that hold for all rows.
    by : {"period", "row", "bus", "branch"}
        Whether there is one row for each settlement period, in their order, or rows of any other kind. By
        "bus" or "branch" they are no rows of their own but further columns of what the grid tells of its
        buses or branches, of shape (n_bus, n_period) or (n_branch, n_period).
    agent, kind : str, optional
        Whose rows these are, where not the agent's own: something that is no agent by itself.
    """

    table: str
    values: Mapping[str, ArrayLike]
    by: Literal["period", "row", "bus", "branch"] = "period"
    agent: str | None = None
    kind: str | None = None


def columns_of(rows: Sequence[Mapping[str, ArrayLike]]) -> dict[str, ArrayLike]:
    """Rows of one kind, at least one, as columns by their names."""
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}
