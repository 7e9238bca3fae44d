"""What owners do with their storages by themselves: arbitrage, percentiles, own surplus, nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from gridarium.agents.storage.schedules import ArbitragePlan, Ties, earned_money
from gridarium.environment.arrays import Array
from gridarium.environment.parameters import Parameterised, number
from gridarium.environment.storage import StorageRatings

if TYPE_CHECKING:
    from gridarium.environment.commons import Commons

_NOTHING_MWH = 1e-12


@dataclass(frozen=True)
class StorageHome:
    """A storage, and what its owner knows of its surroundings.

    Parameters
    ----------
    world : Commons
        Shares compiled problems.
    owner : str
        Named in errors.
    ratings : StorageRatings
    wear_cost_per_mwh : float
        Cost of each MWh that is discharged.
    n_step : int
        Of a day.
    step_h : float
    ties : {"spread", "earliest", "latest"}
        Which of several schedules of equal worth is taken, where one is sought.
    surplus_mw : ndarray, shape (n_step,), optional
        What panels of the owner give beyond its load; negative where they give less.
    """

    world: Commons
    owner: str
    ratings: StorageRatings
    wear_cost_per_mwh: float
    n_step: int
    step_h: float
    ties: Ties = "spread"
    surplus_mw: Array | None = None


class StandAlone(Protocol):
    """How an owner schedules its storage by itself."""

    def plan(self, price_per_mwh: Array, initial_mwh: float, ties: Ties | None = None) -> ArbitragePlan:
        """The schedule of a day at a price, shape (n_step,), with some energy inside at first.

        It ends with as much inside as it begins. Ties matter where a best schedule is sought.
        """


class Regime(Protocol):
    """A way of living alone, before it is known with which storage."""

    def begin(self, home: StorageHome) -> StandAlone:
        """The same way with a storage."""


class PriceArbitrage:
    """Buys low and sells high: what a day is worth most by."""

    def begin(self, home: StorageHome) -> StandAlone:
        """An `Arbitrage` of the storage."""
        # What can be named is listed without a solver being loaded.
        from gridarium.agents.storage.arbitrage import Arbitrage

        return Arbitrage(
            home.world,
            home.owner,
            home.ratings,
            home.wear_cost_per_mwh,
            home.n_step,
            home.step_h,
            home.ties,
        )


@dataclass(frozen=True, eq=False)
class Percentile(Parameterised):
    """Charges at full power where the price is low, discharges where it is high.

    Parameters
    ----------
    low, high : float
        Percentiles of the day's prices up to which, and from which on.
    """

    low: float = number(20.0, 0.0, 100.0)
    high: float = number(80.0, 0.0, 100.0)

    def begin(self, home: StorageHome) -> StandAlone:
        """The rule with a storage."""

        def wanted(price: Array) -> Array:
            low, high = np.percentile(price, (self.low, self.high))
            if low == high:
                return np.zeros_like(price)
            return np.where(price <= low, 1.0, np.where(price >= high, -1.0, 0.0)) * home.ratings.p_max_mw

        return _Followed(home, wanted)


class SelfConsumption:
    """Stores the owner's own surplus and serves its own load; rests where nothing is known of either."""

    def begin(self, home: StorageHome) -> StandAlone:
        """The rule with a storage."""
        surplus = np.zeros(home.n_step) if home.surplus_mw is None else home.surplus_mw
        return _Followed(home, lambda price: surplus)


class Idle:
    """Does nothing."""

    def begin(self, home: StorageHome) -> StandAlone:
        """The rule with a storage."""
        return _Followed(home, np.zeros_like)


class _Followed:
    """A schedule that follows wanted powers as far as energy and ratings allow."""

    def __init__(self, home: StorageHome, wanted: Wanted) -> None:
        self._home, self._wanted = home, wanted

    def plan(self, price_per_mwh: Array, initial_mwh: float, ties: Ties | None = None) -> ArbitragePlan:
        """As `StandAlone.plan`."""
        home = self._home
        e_mwh = followed_mwh(self._wanted(price_per_mwh), home.ratings, initial_mwh, home.step_h)
        charge, discharge = home.ratings.powers_mw(e_mwh, initial_mwh, home.step_h)
        wear = np.array(home.wear_cost_per_mwh)
        earned = earned_money(charge - discharge, price_per_mwh, wear, home.step_h)
        return ArbitragePlan(charge, discharge, float(earned))


class Wanted(Protocol):
    """What a rule wants to draw at a price, MW, shape (n_step,); negative where it wants to feed back."""

    def __call__(self, price_per_mwh: Array, /) -> Array: ...  # noqa: D102


def followed_mwh(wanted_mw: Array, ratings: StorageRatings, initial_mwh: float, step_h: float) -> Array:
    """Energy inside at the end of each step of a day that ends as it began, MWh, shape (n_step,).

    Wanted powers are kept to as far as ratings and contents allow. What is left over, or missing, at the end
    is taken off the latest charges, or discharges.

    Parameters
    ----------
    wanted_mw : ndarray, shape (n_step,)
        To draw at the terminals; negative to feed back.
    ratings : StorageRatings
    initial_mwh : float
    step_h : float
    """
    low, high = ratings.band_mwh
    power = np.clip(wanted_mw, -ratings.p_max_mw, ratings.p_max_mw) * step_h
    gained = np.maximum(power, 0.0) * ratings.efficiency_charge
    gained -= np.maximum(-power, 0.0) / ratings.efficiency_discharge
    e_mwh, inside = np.empty_like(gained), initial_mwh
    for step, gain in enumerate(gained):
        inside = float(np.clip(inside + gain, low, high))
        e_mwh[step] = inside
    for step in reversed(range(len(e_mwh))):
        excess = e_mwh[-1] - initial_mwh
        if abs(excess) <= _NOTHING_MWH:
            break
        done = e_mwh[step] - (e_mwh[step - 1] if step else initial_mwh)
        if done * excess <= 0.0:
            continue
        room = (e_mwh[step:] - low).min() if excess > 0.0 else (high - e_mwh[step:]).min()
        e_mwh[step:] -= np.sign(excess) * min(abs(done), abs(excess), float(room))
    return e_mwh
