"""Random orders of joining, drawn in units that are independent of each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from gridarium.environment.arrays import Index
from gridarium.environment.errors import Fault, InputError


class OrderDesign(Protocol):
    """A way to draw orders; within a unit they may depend on each other, so as to vary less together."""

    def orders_per_unit(self, n_player: int) -> int:
        """Orders in a unit, at least 1."""
        ...

    def draw(self, random: np.random.Generator, n_unit: int, n_player: int) -> Index:
        """Draw independent units of orders.

        Returns
        -------
        ndarray of int, shape (n_unit, orders_per_unit, n_player)
            Players, from 0, in the order of joining; each order by itself is any of all with the same
            probability.
        """
        ...


@dataclass(frozen=True, slots=True)
class PlainOrders:
    """Orders that are all independent.

    Notes
    -----
    D19 with the predecessors in a random order [1]_; sets drawn with equal probability would be biased.

    References
    ----------
    .. [1] J. Castro, D. Gómez and J. Tejada, 2009, doi:10.1016/j.cor.2008.04.004
    """

    def orders_per_unit(self, n_player: int) -> int:
        """One."""
        return 1

    def draw(self, random: np.random.Generator, n_unit: int, n_player: int) -> Index:
        """Draw orders, as `OrderDesign.draw`."""
        return _any_orders(random, n_unit, n_player)[:, None]


@dataclass(frozen=True, slots=True)
class AntitheticOrders:
    """Pairs of an order and its reverse: who came early comes late.

    Notes
    -----
    Where what a player adds rises or falls with those present, the two err in opposite directions [1]_.

    References
    ----------
    .. [1] R. Mitchell, J. Cooper, E. Frank and G. Holmes, 2022, doi:10.48550/arXiv.2104.12199
    """

    def orders_per_unit(self, n_player: int) -> int:
        """Two."""
        return 2

    def draw(self, random: np.random.Generator, n_unit: int, n_player: int) -> Index:
        """Draw pairs, as `OrderDesign.draw`."""
        orders = _any_orders(random, n_unit, n_player)
        return np.stack([orders, orders[:, ::-1]], axis=1)


@dataclass(frozen=True, slots=True)
class StratifiedOrders:
    """An order and others that begin further on in it, so that every player comes early, midway and late.

    Parameters
    ----------
    strata : int
        Orders of a unit, at least 2; of fewer players, one for each. A player's position falls once into
        each of as many equal parts of the order (to a place where the players cannot be divided).

    Raises
    ------
    InputError
        If there are fewer than 2 strata.

    Notes
    -----
    Stratified by position, that is by the number of others present [1]_, but by whole orders: a coalition
    that is asked serves two players, and the shares of a unit sum to v(N).

    References
    ----------
    .. [1] J. Castro, D. Gómez, E. Molina and J. Tejada, 2017, doi:10.1016/j.cor.2017.01.019
    """

    strata: int = 10

    def __post_init__(self) -> None:
        if self.strata < 2:
            raise InputError("orders", [Fault("strata", self.strata, "must be an integer in [2, inf)")])

    def orders_per_unit(self, n_player: int) -> int:
        """As many as strata, or players if these are fewer."""
        return min(self.strata, n_player)

    def draw(self, random: np.random.Generator, n_unit: int, n_player: int) -> Index:
        """Draw sets of one order from several beginnings, as `OrderDesign.draw`."""
        orders = _any_orders(random, n_unit, n_player)
        n_order = self.orders_per_unit(n_player)
        beginnings = np.arange(n_order) * n_player // n_order
        place = (beginnings[:, None] + np.arange(n_player)) % n_player
        return orders[:, place]


def _any_orders(random: np.random.Generator, n_order: int, n_player: int) -> Index:
    """Independent orders, all with the same probability, shape (n_order, n_player)."""
    return random.permuted(np.tile(np.arange(n_player), (n_order, 1)), axis=1)
