"""What followers save who answer for their carbon together: tonnes move to the cheapest steps of all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from gridarium.environment.arrays import Array
from gridarium.market.carbon_price import PersonalLadder
from gridarium.market.coalition import TabulatedGame


@dataclass(frozen=True)
class Answered:
    """A follower's carbon of a day and what it would pay for it alone.

    Parameters
    ----------
    carbon_t_per_h : ndarray, shape (n_step,)
        At least 0.
    ladder : PersonalLadder
    """

    carbon_t_per_h: Array
    ladder: PersonalLadder

    @property
    def cost_per_h(self) -> Array:
        """What it pays alone, money/h, shape (n_step,)."""
        return self.ladder.cost_per_h(self.carbon_t_per_h)


def pooled_cost_per_h(members: Sequence[Answered]) -> Array:
    """Least that members can pay together for all of their carbon, money/h, shape (n_step,).

    Notes
    -----
    The infimal convolution of their ladders, ``min sum_r C_r(E'_r)`` with ``sum_r E'_r = sum_r E_r`` and
    ``E'_r >= 0``: all steps are filled in the order of their prices. It is never above the sum of what they
    pay alone, and members who join never raise it.
    """
    total = np.sum([one.carbon_t_per_h for one in members], axis=0)
    steps = [_steps(one, total) for one in members]
    price = np.concatenate([prices for prices, _ in steps])
    length = np.concatenate([lengths for _, lengths in steps])
    order = np.argsort(price, axis=0, kind="stable")
    price, length = np.take_along_axis(price, order, axis=0), np.take_along_axis(length, order, axis=0)
    below = np.cumsum(length, axis=0) - length
    filled = np.clip(total - below, 0.0, length)
    at_zero = np.sum([one.ladder.cost_per_h(np.zeros_like(one.carbon_t_per_h)) for one in members], axis=0)
    return np.asarray(at_zero + (price * filled).sum(axis=0))


def _steps(one: Answered, total_t_per_h: Array) -> tuple[Array, Array]:
    """Prices and lengths of the steps of a ladder from no carbon on, shape (steps, n_step) each."""
    ladder = one.ladder
    length = np.full((ladder.steps, len(one.carbon_t_per_h)), ladder.interval_t_per_h)
    length[0] += ladder.quota_t_per_h
    # The last step has no end: it takes all carbon there is.
    length[-1] = total_t_per_h
    return ladder.prices_per_tco2, length


def saved_money(members: Sequence[Answered], step_h: float) -> float:
    """What members save on a day by answering together, at least 0."""
    if len(members) < 2:
        return 0.0
    alone = np.sum([one.cost_per_h for one in members], axis=0)
    return float((alone - pooled_cost_per_h(members)).sum()) * step_h


def saving_game(answered: Mapping[str, Answered], step_h: float) -> TabulatedGame:
    """The game in which a coalition is worth what it saves; at most 16 players.

    Raises
    ------
    InputError
        If there are none, or too many.
    """
    return TabulatedGame.of(
        tuple(answered), lambda names: max(0.0, saved_money([answered[name] for name in names], step_h))
    )
