"""Tangents of what a period costs, in the schedules of storages and in what renewables could deliver."""

from __future__ import annotations

import numpy as np

from gridarium.agents.feeder.recourse import PeriodCosts
from gridarium.environment.arrays import Array

_DIGITS = 5
"""Decimals in which two tangents are the same one, in money and money/MW."""


class CostTangents:
    """What is known of the cost of one period: it is at least the highest of these tangents.

    Cost >= constant + storage_price p_storage + available_price p_available, in every scenario: the cost of a
    period is convex in both together.

    Parameters
    ----------
    n_storage, n_renewable : int
    """

    def __init__(self, n_storage: int, n_renewable: int) -> None:
        self.constant = np.empty(0)
        self.storage_price = np.empty((0, n_storage))
        self.available_price = np.empty((0, n_renewable))
        self._known: set[bytes] = set()

    def __len__(self) -> int:
        return len(self.constant)

    def add(self, costs: PeriodCosts, storage_mw: Array, available_mw: Array) -> None:
        """Learn tangents at a schedule, shape (n_storage,), and points, shape (n_point, n_renewable)."""
        constant = (
            costs.cost_money
            - costs.storage_price @ storage_mw
            - (costs.available_price * available_mw).sum(axis=1)
        )
        rows = np.column_stack([constant, costs.storage_price, costs.available_price])
        new = []
        # Minus zero is another key than zero.
        for place, key in enumerate(np.round(rows, _DIGITS) + 0.0):
            if (known := key.tobytes()) not in self._known:
                self._known.add(known)
                new.append(place)
        self.constant = np.concatenate([self.constant, constant[new]])
        self.storage_price = np.concatenate([self.storage_price, costs.storage_price[new]])
        self.available_price = np.concatenate([self.available_price, costs.available_price[new]])

    def values(self, storage_mw: Array, available_mw: Array) -> Array:
        """All tangents at a schedule and points of renewables, money, shape (n_point, n_tangent)."""
        flat = self.constant + self.storage_price @ storage_mw
        return np.asarray(flat + available_mw @ self.available_price.T)
