"""What a Stackelberg leader decides on: a price for followers that respond, under limits, at a cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from gridarium.agents.leader.follower_model import FollowerModel
from gridarium.environment.arrays import Array
from gridarium.market.price_limits import PriceLimits

CAP_TOLERANCE = 1e-8
"""Most that a limit may be broken, relative to its size, to count as kept."""


@dataclass(frozen=True)
class SupplyCut:
    """A tangent below the cost of supply, ``cost >= constant + sum(marginal * loads) * period_h``.

    Parameters
    ----------
    constant_money : float
    marginal_cost_per_mwh : ndarray, shape (n_period,) or (n_follower, n_period)
        Where followers stand at different buses, each has its own.
    """

    constant_money: float
    marginal_cost_per_mwh: Array


@dataclass(frozen=True)
class LeaderProblem:
    """A leader with its followers.

    Parameters
    ----------
    reference_price_per_mwh : ndarray, shape (n_period,)
        Retail price without any adjustment.
    followers : tuple of FollowerModel
    limits : PriceLimits
    supply : tuple of SupplyCut
        Convex cost of supply as the highest of tangents; one is a constant marginal cost.
    period_h : float
    follower_bill_caps_money : tuple of float
        Most that each follower may pay in a day; empty without such caps.
    """

    reference_price_per_mwh: Array
    followers: tuple[FollowerModel, ...]
    limits: PriceLimits
    supply: tuple[SupplyCut, ...]
    period_h: float = 1.0
    follower_bill_caps_money: tuple[float, ...] = ()

    @property
    def n_period(self) -> int:
        """Number of periods."""
        return len(self.reference_price_per_mwh)

    @property
    def base_mw(self) -> Array:
        """Load of all followers before any response, MW, shape (n_period,)."""
        return np.asarray(sum(follower.base_mw for follower in self.followers))

    def loads(self, price: Array) -> Array:
        """Load of each follower under a price, MW, shape (n_follower, n_period)."""
        return np.array([follower.load(price) for follower in self.followers])

    def cost(self, loads_mw: Array) -> float:
        """Cost of supplying loads, money per day; shape (n_follower, n_period)."""
        return max(
            cut.constant_money + float((cut.marginal_cost_per_mwh * loads_mw).sum()) * self.period_h
            for cut in self.supply
        )

    def profit(self, price: Array, loads_mw: Array | None = None) -> float:
        """Sales less cost of supply, money per day, with the true responses unless loads are given."""
        loads = self.loads(price) if loads_mw is None else loads_mw
        return float((loads @ price).sum()) * self.period_h - self.cost(loads)

    def excess(self, price: Array, loads_mw: Array | None = None) -> dict[str, float]:
        """By how much the limits are broken, see `PriceLimits.excess`; ``bills`` is the worst follower's."""
        loads = self.loads(price) if loads_mw is None else loads_mw
        broken = self.limits.excess(
            price, loads.sum(axis=0), self.base_mw, self.reference_price_per_mwh, self.period_h
        )
        if self.follower_bill_caps_money:
            bills = loads @ price * self.period_h
            broken["bills"] = float(np.max(bills - np.array(self.follower_bill_caps_money)))
        return broken

    def allows(self, price: Array, loads_mw: Array | None = None, tolerance: float = CAP_TOLERANCE) -> bool:
        """Whether a price keeps all limits under the true responses, or under given loads."""
        level = float(np.max(np.abs(self.reference_price_per_mwh)))
        bill = float(np.abs(self.reference_price_per_mwh) @ self.base_mw) * self.period_h
        scale = {"band": level, "average": level, "bill": bill, "bills": bill, "discount": bill}
        broken = self.excess(price, loads_mw)
        return all(value <= tolerance * scale[name] for name, value in broken.items())

    def with_followers(self, followers: Sequence[FollowerModel]) -> LeaderProblem:
        """The same leader before other followers."""
        return replace(self, followers=tuple(followers))
