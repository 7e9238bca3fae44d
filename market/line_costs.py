"""Costs, capacities and losses of all lines between prosumers, as a matching takes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gridarium.environment.arrays import Array
from gridarium.environment.clock import HOUR_S, MINUTE_S
from gridarium.environment.private_lines import PrivateLines
from gridarium.market.ladder import LadderTariff
from gridarium.market.matching import MatchingPool
from gridarium.market.tangents import Index
from gridarium.market.utility import Utility


@dataclass(frozen=True)
class LineCosts:
    """What it takes to bring energy from each prosumer to each other; shape (n_prosumer, n_prosumer) each.

    Parameters
    ----------
    cost_per_mwh : ndarray
        Fee and the seller's reservation, of a MWh sent; inf without a line.
    capacity_mwh : ndarray
        Most that a line carries in a minute.
    loss : ndarray
        Share lost on the way.
    """

    cost_per_mwh: Array
    capacity_mwh: Array
    loss: Array

    @classmethod
    def of(
        cls,
        names: Sequence[str],
        lines: PrivateLines,
        fee: LadderTariff,
        reservation_prices_per_mwh: Sequence[float],
    ) -> LineCosts:
        """Of all lines between named prosumers."""
        costs = np.full((len(names), len(names)), np.inf)
        capacity, loss = np.zeros_like(costs), np.zeros_like(costs)
        for row, (seller, reserved) in enumerate(zip(names, reservation_prices_per_mwh, strict=True)):
            for column, buyer in enumerate(names):
                line = lines.between(seller, buyer)
                if line is not None:
                    costs[row, column] = fee.cost(line.distance_km) + reserved
                    capacity[row, column] = line.capacity_mw * MINUTE_S / HOUR_S
                    loss[row, column] = line.loss
        return cls(costs, capacity, loss)

    def slot(self, possible_mwh: Array, utilities: Sequence[Utility]) -> MatchingPool:
        """Sellers and buyers of a minute; sellers that are alike count as one, which changes no optimum.

        Parameters
        ----------
        possible_mwh : ndarray, shape (n_prosumer, 2)
            What each could sell, and what it needs.
        utilities : sequence of Utility, length n_prosumer
        """
        sellers, buyers = (np.flatnonzero(column > 0.0) for column in possible_mwh.T)
        between = np.ix_(sellers, buyers)
        costs, capacity, loss = (each[between] for each in (self.cost_per_mwh, self.capacity_mwh, self.loss))
        supply = possible_mwh[sellers, 0]
        first, group = _alike(costs, capacity, loss, supply)
        many = np.bincount(group) > 1
        return MatchingPool.of_matrices(
            costs[first],
            np.bincount(group, supply),
            [utilities[buyer] for buyer in buyers.tolist()],
            possible_mwh[buyers, 1],
            np.where(many[:, None], np.inf, capacity[first]),
            loss[first],
        )


def _alike(costs: Array, capacity: Array, loss: Array, supply: Array) -> tuple[Index, Index]:
    """The first seller of each group of which it does not matter who of them sends, and everybody's group.

    They have the same costs and losses to every buyer, and lines that carry all that each has.
    """
    wide = ((capacity >= supply[:, None]) | np.isinf(costs)).all(axis=1)
    alone = np.where(wide, -1.0, np.arange(len(supply)))
    keys = np.hstack([costs, loss, alone[:, None]])
    _, first, group = np.unique(keys, axis=0, return_index=True, return_inverse=True)
    order = np.argsort(first)
    return first[order], np.argsort(order)[group.ravel()]
