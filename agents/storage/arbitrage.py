"""What a storage owner would do with its storage by itself: buy low and sell high at a tariff."""

from __future__ import annotations

import numpy as np

from gridarium.agents.optimisation import LocalProblem
from gridarium.agents.storage.schedules import ArbitragePlan, Ties, earned_money
from gridarium.agents.storage.storage_problem import StorageShape, storage_form
from gridarium.environment.arrays import Array
from gridarium.environment.commons import Commons
from gridarium.environment.storage import StorageRatings

_SPREADING = 1e-5
"""Quadratic cost at full power, as a share of the highest price."""
_ORDERING = 1e-6
"""Cost of a whole day's delay, as a share of the highest price."""


class Arbitrage:
    """Plans one storage against a tariff at which it both buys and sells.

    Parameters
    ----------
    world : Commons
        Shares the compiled problem.
    owner : str
        Named in errors.
    ratings : StorageRatings
    wear_cost_per_mwh : float
        Cost of each MWh that is discharged.
    n_step : int
        Of a day.
    step_h : float
    ties : {"spread", "earliest", "latest"}

    Notes
    -----
    The energy of the day ends as it begins (A20). Prices enter as shares of the highest one, so that the cost
    that breaks ties is far below any difference of prices that a tariff means. Where a price is negative, it
    would pay to charge and discharge at once: there a search with binaries finds the directions first, and
    ties are broken among schedules of these.
    """

    def __init__(
        self,
        world: Commons,
        owner: str,
        ratings: StorageRatings,
        wear_cost_per_mwh: float,
        n_step: int,
        step_h: float,
        ties: Ties = "spread",
    ) -> None:
        self._world, self._owner, self._ratings = world, owner, ratings
        self._wear_cost_per_mwh, self._ties = wear_cost_per_mwh, ties
        self._n_step, self._step_h = n_step, step_h

    def plan(self, price_per_mwh: Array, initial_mwh: float, ties: Ties | None = None) -> ArbitragePlan:
        """The schedule that is worth most at a price, shape (n_step,), with some energy inside at first.

        Ties are broken by the storage's own rule unless another one is given.
        """
        ties = ties or self._ties
        level = max(float(np.abs(price_per_mwh).max()), self._wear_cost_per_mwh)
        if level == 0.0:
            return self._priced(np.zeros((2, self._n_step)), price_per_mwh)
        buy, sell = price_per_mwh / level, (price_per_mwh - self._wear_cost_per_mwh) / level
        directions = self._directions(buy, sell, initial_mwh) if price_per_mwh.min() < 0.0 else None
        delay = np.arange(self._n_step) / self._n_step * _ORDERING
        order = {"spread": 0.0, "earliest": 1.0, "latest": -1.0}[ties] * delay
        spreading = _SPREADING / self._ratings.p_max_mw if ties == "spread" else 0.0
        shape = StorageShape(self._ratings, self._n_step, self._step_h, 0.0, spreading, directions)
        energy = self._solve(shape, buy + order, sell - order, initial_mwh)
        return self._priced(self._ratings.powers_mw(energy, initial_mwh, self._step_h), price_per_mwh)

    def _directions(self, buy: Array, sell: Array, initial_mwh: float) -> tuple[bool, ...]:
        """Of each period whether the best schedule charges there."""
        shape = StorageShape(self._ratings, self._n_step, self._step_h, directions="one way at a time")
        energy = self._solve(shape, buy, sell, initial_mwh)
        return tuple(bool(rises) for rises in np.diff(energy, prepend=initial_mwh) > 0.0)

    def _solve(self, shape: StorageShape, buy: Array, sell: Array, initial_mwh: float) -> Array:
        """Energy at the end of each period, MWh."""
        problem = self._world.shared(shape, lambda: LocalProblem(storage_form(shape)))
        solution = problem.solve(self._owner, buy_price=buy, sell_price=sell, initial_mwh=initial_mwh)
        return solution["energy_mwh"]

    def _priced(self, powers_mw: tuple[Array, Array] | Array, price_per_mwh: Array) -> ArbitragePlan:
        charge, discharge = powers_mw
        wear = np.array(self._wear_cost_per_mwh)
        earned = earned_money(charge - discharge, price_per_mwh, wear, self._step_h)
        return ArbitragePlan(charge, discharge, float(earned))
