"""What bounded rationality costs everybody together: a column that the statistics of such a sweep add."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

SHARE = "share"
"""Factor with the share of boundedly rational agents; it marks a study of their price."""

EFFICIENCY_LOSS = "efficiency_loss_percent"

_SURPLUSES = ("user_surplus_money", "dso_net_revenue_money")
_COST = "social_cost_money"
"""Of a grid: what everything costs all of its agents together."""
WORLD_COST = "world_social_cost_money"
"""Of a world of several grids, all replicas counted."""


def with_efficiency_loss(results: pd.DataFrame, factors: Sequence[str]) -> pd.DataFrame:
    """Return the results of a sweep with the efficiency loss, if it has what that takes.

    Parameters
    ----------
    results : DataFrame
        One row per run and case: replication, case, factors, metrics.
    factors : sequence of str
        Columns that are factors; one must be `share`, and 0 one of its values.

    Returns
    -------
    DataFrame
        With a column `efficiency_loss_percent`: how much of the surplus of consumers and operator is
        lost, or by how much the social cost of all grids rises, against the run without boundedly rational
        agents on the same draws, in the same case and with the same other factors; nan where that run failed.
    """
    total = _worth_to_all(results)
    if SHARE not in factors or total is None or not (results[SHARE] == 0).any():
        return results
    keys = ["replication", "case", *(name for name in factors if name != SHARE)]
    exact = results[keys].assign(exact=total)[results[SHARE] == 0].drop_duplicates(keys)
    reference = results[keys].merge(exact, how="left", on=keys)["exact"].to_numpy()
    return results.assign(**{EFFICIENCY_LOSS: 100.0 * (reference - total) / abs(reference)})


def _worth_to_all(results: pd.DataFrame) -> pd.Series[float] | None:
    """What each run is worth to everybody together, costs negative; None where nothing tells."""
    if {*_SURPLUSES} <= {*results.columns}:
        return results[list(_SURPLUSES)].sum(axis=1, skipna=False)
    if WORLD_COST in results:
        return -results[WORLD_COST]
    costs = [name for name in results.columns if name.rpartition(".")[2] == _COST]
    return -results[costs].sum(axis=1, skipna=False) if costs else None
