"""Followers as a leader may think of them: quadratic utility, energy kept, and a response in closed form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gridarium.environment.arrays import Array


@dataclass(frozen=True)
class FollowerModel:
    """A follower that shifts load against the price, within a box and without changing its energy.

    Parameters
    ----------
    base_mw, reference_price_per_mwh : ndarray, shape (n_period,)
        Load at the reference price, and that price.
    beta_per_mwh_per_mw : float
        Slope of its marginal utility.
    most_down_mw, most_up_mw : ndarray, shape (n_period,)
        Most that it may take away or add in a period.

    Notes
    -----
    Equations C12 to C16; without a new peak (C16), `most_up_mw` is the headroom where that is less.
    """

    base_mw: Array
    reference_price_per_mwh: Array
    beta_per_mwh_per_mw: float
    most_down_mw: Array
    most_up_mw: Array

    @classmethod
    def of(
        cls,
        base_mw: Array,
        reference_price_per_mwh: Array,
        beta_per_mwh_per_mw: float,
        flexible_share: float,
    ) -> FollowerModel:
        """A consumer with a share of its load to shift and no new peak (C14, C16)."""
        flexible = flexible_share * base_mw
        most_up = np.minimum(flexible, np.max(base_mw) - base_mw)
        return cls(base_mw, reference_price_per_mwh, beta_per_mwh_per_mw, flexible, most_up)

    def neutral_price(self, price_per_mwh: Array) -> Array:
        """Multiplier of energy neutrality under each price, money/MWh; shape (..., n_period) to (...).

        Notes
        -----
        The sum of the shifts falls monotonically with the multiplier and is linear between the
        multipliers at which a period meets a limit, so the root is read off between two of these.
        """
        wanted = self.reference_price_per_mwh - price_per_mwh
        beta = self.beta_per_mwh_per_mw
        kinks = np.sort(
            np.concatenate([wanted - beta * self.most_up_mw, wanted + beta * self.most_down_mw], axis=-1)
        )
        totals = self._shift(wanted[..., None, :] - kinks[..., None]).sum(axis=-1)
        # The total falls along the kinks, from all periods at their upper to all at their lower limit.
        after = (totals > 0.0).sum(axis=-1, keepdims=True)
        before = np.maximum(after - 1, 0)
        left, right = (np.take_along_axis(totals, at, axis=-1)[..., 0] for at in (before, after))
        start, end = (np.take_along_axis(kinks, at, axis=-1)[..., 0] for at in (before, after))
        share = np.where(right < left, left / np.where(right < left, left - right, 1.0), 0.0)
        return np.asarray(np.where(right == 0.0, end, start + share * (end - start)))

    def shift(self, price_per_mwh: Array) -> Array:
        """Best response to each price as a shift of load, MW, shape (..., n_period)."""
        wanted = self.reference_price_per_mwh - price_per_mwh
        return self._shift(wanted - self.neutral_price(price_per_mwh)[..., None])

    def load(self, price_per_mwh: Array) -> Array:
        """Best response to each price as a load, MW, shape (..., n_period)."""
        return self.base_mw + self.shift(price_per_mwh)

    def slope(self, price_per_mwh: Array) -> Array:
        """Change of the load per change of prices, MW per money/MWh, shape (n_period, n_period).

        Notes
        -----
        Periods within the box move by ``-1/beta`` each, all together by nothing. At a kink this is the
        slope of one side.
        """
        margin = self.reference_price_per_mwh - price_per_mwh - self.neutral_price(price_per_mwh)
        beta = self.beta_per_mwh_per_mw
        free = (margin < beta * self.most_up_mw) & (margin > -beta * self.most_down_mw)
        moved = np.diag(free.astype(np.float64))
        return (np.outer(free, free) / max(int(free.sum()), 1) - moved) / beta

    def _shift(self, margin: Array) -> Array:
        return np.clip(margin / self.beta_per_mwh_per_mw, -self.most_down_mw, self.most_up_mw)


def merge(followers: Sequence[FollowerModel]) -> FollowerModel:
    """One follower that moves about as the given ones do together; exactly so where none meets a limit.

    Parameters
    ----------
    followers : sequence of FollowerModel
        With the same reference price.
    """
    return FollowerModel(
        np.sum([one.base_mw for one in followers], axis=0),
        followers[0].reference_price_per_mwh,
        1.0 / sum(1.0 / one.beta_per_mwh_per_mw for one in followers),
        np.sum([one.most_down_mw for one in followers], axis=0),
        np.sum([one.most_up_mw for one in followers], axis=0),
    )
