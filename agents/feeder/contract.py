"""What a DSO has agreed with others before any day: its contract."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gridarium.environment.arrays import Array
from gridarium.environment.grids import Grid, Place


@dataclass(frozen=True)
class DsoContract:
    """What a DSO has agreed with others, or knows of them, before any day.

    Parameters
    ----------
    tou_price_per_mwh : ndarray, shape (n_day * n_step,)
        The tariff that its customers pay without any adjustment.
    supplier, carbon_market : str
        Who supplies the head of its grid, and who buys what it emits below its quota.
    places : mapping of str to Site or SpreadSite
        Where its followers' loads meet the grid.
    below : mapping of str to Grid
        Those of its followers who are operators of a grid that hangs on this one.
    """

    tou_price_per_mwh: Array
    supplier: str
    carbon_market: str
    places: Mapping[str, Place]
    below: Mapping[str, Grid]
