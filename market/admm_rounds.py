"""What is posted and answered in rounds of exchange ADMM, and how far a round is from rest."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

import numpy as np

from gridarium.environment.arrays import Array, Flags
from gridarium.environment.errors import Fault, ScenarioError

_TINY = 1e-12

DEFAULT_PENALTY = 6.0
"""R by the norm of the price over that of the load: bounds make followers stiffer than their costs do."""

LEAST_OF_MEAN = 0.01
"""Flexibility, as a part of the mean, that one without any counts as: what it draws hangs on no target."""

PenaltyShares = Literal["flexibility", "equal"]
"""Whose distance from its target weighs how much: less where one is more flexible; all grids alike."""


@dataclass(frozen=True)
class Posted:
    """What a coordinator posts in a round.

    Parameters
    ----------
    price_per_mwh : ndarray, shape (n_step,)
        y, the same for all.
    target_mw : ndarray, shape (n_follower, n_step)
        z: what each follower shall take.
    penalty_per_mw2h : ndarray, shape (n_follower,)
        rho: weight of the square of a follower's distance from its target, halved; above 0.
    """

    price_per_mwh: Array
    target_mw: Array
    penalty_per_mw2h: Array

    @property
    def state_mw(self) -> Array:
        """z + y / rho, all that the iteration remembers, MW, shape (n_follower, n_step)."""
        return np.asarray(self.target_mw + self.price_per_mwh / self.penalty_per_mw2h[:, None])

    @property
    def supply_penalty_per_mw2h(self) -> float:
        """R of the supplier's step: ``1 / R = sum_r 1 / rho_r``."""
        return 1.0 / float((1.0 / self.penalty_per_mw2h).sum())

    def scaled(self, factor: float) -> Posted:
        """The same price and targets with other penalties: multipliers stay, scaled ones follow."""
        return replace(self, penalty_per_mw2h=factor * self.penalty_per_mw2h)


class Answered(NamedTuple):
    """What each follower has answered last, and what it was posted then.

    Parameters
    ----------
    loads_mw : ndarray, shape (n_follower, n_step)
        x.
    price_per_mwh, target_mw : ndarray, shape (n_follower, n_step)
    penalty_per_mw2h : ndarray, shape (n_follower,)
    """

    loads_mw: Array
    price_per_mwh: Array
    target_mw: Array
    penalty_per_mw2h: Array

    @classmethod
    def of(cls, posted: Posted, loads_mw: Array) -> Answered:
        """All have answered what was posted last."""
        price = np.broadcast_to(posted.price_per_mwh, loads_mw.shape)
        return cls(loads_mw, price, posted.target_mw, posted.penalty_per_mw2h)

    def with_new(self, new: Answered, who: Flags) -> Answered:
        """The same with the rows of others, shape (n_follower,), where a follower is among them."""
        rows = who[:, None]
        return Answered(
            np.where(rows, new.loads_mw, self.loads_mw),
            np.where(rows, new.price_per_mwh, self.price_per_mwh),
            np.where(rows, new.target_mw, self.target_mw),
            np.where(who, new.penalty_per_mw2h, self.penalty_per_mw2h),
        )

    def urgency(self, posted: Posted) -> Array:
        """How far what followers would be asked is from what they have answered, shape (n_follower,).

        A follower answers ``z - y / rho`` and nothing else; the distance is weighed by sqrt(rho).
        """
        penalty = posted.penalty_per_mw2h[:, None]
        asked = posted.target_mw - posted.price_per_mwh / penalty
        before = self.target_mw - self.price_per_mwh / self.penalty_per_mw2h[:, None]
        return np.asarray(np.linalg.norm(np.sqrt(penalty) * (asked - before), axis=1))


class Residuals(NamedTuple):
    """How far a round is from rest, and the sizes that this is relative to.

    Parameters
    ----------
    primal_mw, dual_per_mwh : float
        Norms of the distance of loads from targets, and of what loads are optimal for from the new price.
    load_mw, price_per_mwh : float
        The larger norm of loads and targets, and the norm of the price over all followers.
    """

    primal_mw: float
    dual_per_mwh: float
    load_mw: float
    price_per_mwh: float

    @property
    def primal(self) -> float:
        """Relative to loads and targets."""
        return self.primal_mw / max(self.load_mw, _TINY)

    @property
    def dual(self) -> float:
        """Relative to the unscaled dual."""
        return self.dual_per_mwh / max(self.price_per_mwh, _TINY)

    @property
    def largest(self) -> float:
        """The larger of both relative ones."""
        return max(self.primal, self.dual)


def residuals(answered: Answered, following: Posted) -> Residuals:
    """Residuals of answers and of the price and targets that follow.

    Notes
    -----
    D.1.5: r = x - z, relative to the larger norm of both, and s relative to the norm of y = rho u. A load
    that is optimal for (y, z) with rho misses optimality at the price y+ by ``y+ - y - rho (x - z)``: this
    is s whatever lies between both, and equals ``rho (z - z+)`` in the plain iteration.
    """
    loads, asked, penalty = answered.loads_mw, answered.target_mw, answered.penalty_per_mw2h[:, None]
    price = np.broadcast_to(following.price_per_mwh, loads.shape)
    missed = price - answered.price_per_mwh - penalty * (loads - asked)

    def norm(values: Array) -> float:
        return float(np.linalg.norm(values))

    target = following.target_mw
    return Residuals(norm(loads - target), norm(missed), max(norm(loads), norm(target)), norm(price))


def flexibility_shares(flexibility_mw: Array) -> Array:
    """Share of each follower in all flexibility, shape (n_follower,), with a sum of 1.

    Parameters
    ----------
    flexibility_mw : ndarray, shape (n_follower,)
        At least 0. One of less than `LEAST_OF_MEAN` of the mean counts as that: it answers the same whatever
        its penalty is, and what all draw beyond their targets goes to the others. Where nobody has any, all
        shares are equal.
    """
    mean = float(flexibility_mw.mean())
    if mean == 0.0:
        return np.full(len(flexibility_mw), 1.0 / len(flexibility_mw))
    counted = np.maximum(flexibility_mw, LEAST_OF_MEAN * mean)
    return np.asarray(counted / counted.sum())


def default_penalty_per_mw2h(price_per_mwh: Array, load_mw: Array, share: Array) -> Array:
    """Penalties by which rounds do not depend on how many followers there are, shape (n_follower,).

    Parameters
    ----------
    price_per_mwh, load_mw : ndarray, shape (n_step,)
        Price at base load, and the base load of all.
    share : ndarray, shape (n_follower,)
        Of each follower in all flexibility; above 0, with a sum of 1.

    Raises
    ------
    ScenarioError
        If price or load is 0 at all times, or a share is not above 0.

    Notes
    -----
    ``rho_r = R / share_r`` with R = `DEFAULT_PENALTY` |price| / |load|.
    """
    sizes = (
        ("norm of the price", float(np.linalg.norm(price_per_mwh)), "money/MWh"),
        ("norm of the load", float(np.linalg.norm(load_mw)), "MW"),
        ("least share of flexibility", float(share.min()), "of all"),
    )
    faults = [
        Fault(name, size, f"{unit}, must be above 0")
        for name, size, unit in sizes
        if not 0.0 < size < math.inf
    ]
    if faults:
        raise ScenarioError("penalty of exchange rounds", faults)
    return np.asarray(DEFAULT_PENALTY * sizes[0][1] / sizes[1][1] / share)
