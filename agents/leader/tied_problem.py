"""The leader's problem with a price that is tied to the carbon factor: C9 under C7, on one bus."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from gridarium.agents.leader.follower_model import FollowerModel
from gridarium.agents.leader.problem import LeaderProblem
from gridarium.agents.leader.tied_supply import TiedPlan, TiedSupply
from gridarium.environment.arrays import Array
from gridarium.environment.errors import InfeasibleError
from gridarium.market.factor_bounds import LEAST_LOAD, FactorBounds
from gridarium.market.price_limits import PriceLimits


@dataclass(frozen=True)
class TiedProblem:
    """A leader whose price is the tariff plus kappa times the carbon price of its factor above the quota.

    Parameters
    ----------
    reference_price_per_mwh : ndarray, shape (n_period,)
        Time-of-use price.
    followers : tuple of FollowerModel
    supply : TiedSupply
    carbon_price_per_tco2, quota_tco2_per_mwh : float
        lambda and the quota factor.
    adjustment : float
        kappa.
    period_h : float
    budget_balanced : bool
        Whether discounts may cost no more than the carbon revenue (C8).

    Raises
    ------
    InfeasibleError
        If followers may take all load away in a period, where no factor is defined.

    Notes
    -----
    With neutral pools and no credit, C7 makes of C9 ``sum TOU P - cost + (kappa - 1) lambda (Em - quota D)``:
    neither the price nor its product with the load is left in it. C8 is ``(kappa - 1) (Em - quota D) >= 0``,
    an identity at kappa = 1, a floor under emission above and a ceiling below it. The factor carries no
    credit for a surplus (C4): what is credited is no emission that a pool could move.
    """

    reference_price_per_mwh: Array
    followers: tuple[FollowerModel, ...]
    supply: TiedSupply
    carbon_price_per_tco2: float
    quota_tco2_per_mwh: float
    adjustment: float = 1.0
    period_h: float = 1.0
    budget_balanced: bool = True

    def __post_init__(self) -> None:
        least = sum(follower.base_mw - np.nan_to_num(follower.most_down_mw) for follower in self.followers)
        empty = np.flatnonzero(least <= LEAST_LOAD * self.base_mw.max())
        if len(empty):
            raise InfeasibleError(
                f"leader, period {empty[0]}: load may fall to zero, and no load has no carbon factor; "
                f"it must stay above {LEAST_LOAD:g} of the largest base load"
            )

    @property
    def n_period(self) -> int:
        """Number of periods."""
        return len(self.reference_price_per_mwh)

    @property
    def base_mw(self) -> Array:
        """Load of all followers before any response, MW, shape (n_period,)."""
        return np.asarray(sum(follower.base_mw for follower in self.followers))

    @property
    def price_per_tco2(self) -> float:
        """What a tCO2 of the load's factor adds to its price, kappa lambda."""
        return self.adjustment * self.carbon_price_per_tco2

    @property
    def zero_factor_price_per_mwh(self) -> Array:
        """Price of a load without any carbon, money/MWh, shape (n_period,): the lowest that C7 allows."""
        return self.reference_price_per_mwh - self.price_per_tco2 * self.quota_tco2_per_mwh

    @property
    def largest_factor_tco2_per_mwh(self) -> float:
        """The largest factor of the grid, which caps what a MWh brings into a pool or takes out (C2)."""
        return float(self.supply.grid_factor_tco2_per_mwh.max())

    @property
    def bounds(self) -> FactorBounds:
        """Of the factor, as a tariff keeps it."""
        units = [unit.emission_tco2_per_mwh for unit in self.supply.turbines]
        dirtiest = max([self.largest_factor_tco2_per_mwh, *units])
        return FactorBounds.over_load(dirtiest, self.base_mw)

    @cached_property
    def limits(self) -> PriceLimits:
        """The band that prices under C7 cannot leave by much; probes are posted within it."""
        high = self.zero_factor_price_per_mwh + 2.0 * self.price_per_tco2 * self.largest_factor_tco2_per_mwh
        return PriceLimits(self.zero_factor_price_per_mwh, high)

    def loads(self, price: Array) -> Array:
        """Load of each follower under a price, MW, shape (n_follower, n_period)."""
        return np.array([follower.load(price) for follower in self.followers])

    def slope(self, price: Array) -> Array:
        """Change of the total load per change of prices, MW per money/MWh, shape (n_period, n_period)."""
        return np.asarray(sum(follower.slope(price) for follower in self.followers))

    def tied_price(self, plan: TiedPlan) -> Array:
        """The price that a plan's factor makes, money/MWh, shape (n_period,) (C7)."""
        return self.zero_factor_price_per_mwh + self.price_per_tco2 * plan.factor_tco2_per_mwh

    def tie_error_per_mwh(self, plan: TiedPlan) -> float:
        """Largest distance of a plan's price from the one that its factor makes, money/MWh."""
        return float(np.abs(plan.price_per_mwh - self.tied_price(plan)).max())

    def broken(self, plan: TiedPlan) -> dict[str, float]:
        """How far a plan is from what it must keep, each relative to its own size (C2, C7, A13, A20).

        Returns
        -------
        dict of str to float
            `tie`, `budget`, `balance`, `pool` (levels and ends of contents, flows beyond power or emission),
            `storage` (levels, ends) and `ways` (power in both directions at once).
        """
        supply, h, size = self.supply, self.period_h, float(self.base_mw.max())
        most = self.largest_factor_tco2_per_mwh
        into, out = plan.inflow_t_per_h, plan.outflow_t_per_h
        content = supply.first_tco2[:, None] + h * np.cumsum(into - out, axis=1)
        gain = np.array([unit.efficiencies for unit in supply.storages]).reshape(-1, 2)
        stored = gain[:, :1] * plan.charge_mw - plan.discharge_mw / gain[:, 1:]
        energy = supply.initial_mwh[:, None] + h * np.cumsum(stored, axis=1)
        low, high = np.array([unit.band_mwh for unit in supply.storages]).reshape(-1, 2).T[:, :, None]
        return {
            "tie": self.tie_error_per_mwh(plan) / float(np.abs(self.reference_price_per_mwh).max()),
            "budget": max(0.0, -self.budget_left(plan)) / self.sales(),
            "balance": float(np.abs(self.lost_mw(plan) - plan.surplus_mw).max()) / size,
            "pool": _largest(
                -content,
                np.abs(content[:, -1] - supply.first_tco2),
                into - most * plan.charge_mw,
                out - most * plan.discharge_mw,
                into.sum(axis=0) - plan.emission_t_per_h,
            )
            / (most * size),
            "storage": _largest(low - energy, energy - high, np.abs(energy[:, -1] - supply.initial_mwh))
            / size,
            "ways": _largest(
                np.minimum(plan.charge_mw, plan.discharge_mw), np.minimum(plan.buy_mw, plan.sell_mw)
            )
            / size,
        }

    def budget_left(self, plan: TiedPlan) -> float:
        """Carbon revenue beyond what discounts cost, money per day; without a balance to keep, 0 (C8)."""
        above = float(plan.emission_t_per_h.sum() - self.quota_tco2_per_mwh * plan.load_mw.sum())
        rate = (self.adjustment - 1.0) * self.carbon_price_per_tco2
        return rate * above * self.period_h if self.budget_balanced else 0.0

    def lost_mw(self, plan: TiedPlan) -> Array:
        """Losses as the supply has them, MW, shape (n_period,)."""
        losses = self.supply.losses
        return np.zeros(self.n_period) if losses is None else losses.constant + losses.moved(plan)

    def cost(self, plan: TiedPlan) -> float:
        """Purchase, generation and wear less what exports earn, money per day."""
        supply = self.supply
        per_h = plan.buy_mw @ supply.wholesale_price_per_mwh - plan.sell_mw @ supply.export_price_per_mwh
        for unit, power, on in zip(supply.turbines, plan.turbine_mw, supply.running, strict=True):
            per_h += float(unit.fuel_cost_per_h(power, on).sum())
        per_h += float(supply.wear_cost_per_mwh @ plan.discharge_mw.sum(axis=1))
        return float(per_h) * self.period_h

    def profit(self, plan: TiedPlan) -> float:
        """Sales and carbon revenue less cost, money per day (C9).

        With neutral pools the carbon of all loads is what was emitted.
        """
        below = self.quota_tco2_per_mwh * plan.load_mw.sum() - plan.emission_t_per_h.sum()
        sales = float(plan.price_per_mwh @ plan.load_mw)
        return (sales + self.carbon_price_per_tco2 * float(below)) * self.period_h - self.cost(plan)

    def sales(self) -> float:
        """Size of the sales at the reference price to the base load, money per day, never negative."""
        return float(np.abs(self.reference_price_per_mwh) @ self.base_mw) * self.period_h

    def surplus(self, price: Array) -> float:
        """What followers gain against the reference price, money per day: utility less bill (C12, C13)."""
        total = 0.0
        for one in self.followers:
            load, moved = one.load(price), one.shift(price)
            utility = one.reference_price_per_mwh @ moved - 0.5 * one.beta_per_mwh_per_mw * moved @ moved
            total += float(utility - price @ load + one.reference_price_per_mwh @ one.base_mw)
        return total * self.period_h

    def as_led(self) -> LeaderProblem:
        """The same followers before a leader with a free price in the band, whose supply costs nothing."""
        return LeaderProblem(self.reference_price_per_mwh, self.followers, self.limits, (), self.period_h)

    def with_followers(self, followers: Sequence[FollowerModel]) -> TiedProblem:
        """The same leader before other followers."""
        return replace(self, followers=tuple(followers))


def _largest(*values: Array) -> float:
    """The largest of all values, at least 0."""
    return max(0.0, *(float(part.max(initial=0.0)) for part in values))
