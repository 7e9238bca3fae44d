"""Prices of energy and carbon, and what is answered to them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from gridarium.environment.arrays import Array
from gridarium.environment.errors import Fault, InputError
from gridarium.market.carbon_price import PersonalLadder


@dataclass(frozen=True, slots=True)
class Pull:
    """A term that draws a follower's exchange towards a target while it plans; no money ever changes hands.

    Parameters
    ----------
    target_mw : ndarray, shape (n_step,)
        z: what all replicas of a grid together shall take, MW; negative where they shall feed back.
    per_mw2h : float
        rho: weight of the square of a distance, halved, money/(MW**2 h), above 0; of each replica.

    Raises
    ------
    InputError
        If the weight is not above 0, or a target is not a number.

    Notes
    -----
    Exchange rounds: of R replicas each takes l and plans with ``rho / 2 (l - z / R)**2`` on top of its cost.
    """

    target_mw: Array
    per_mw2h: float

    def __post_init__(self) -> None:
        faults = []
        if not 0.0 < self.per_mw2h < float("inf"):
            faults.append(Fault("per_mw2h", self.per_mw2h, "money/(MW**2 h), must be above 0"))
        if not np.isfinite(self.target_mw).all():
            faults.append(Fault("target_mw", list(self.target_mw), "MW, must be finite"))
        if faults:
            raise InputError("pull", faults)

    def each_of(self, replicas: int) -> Pull:
        """What one of the replicas is told."""
        return Pull(self.target_mw / replicas, self.per_mw2h)

    def over(self, steps: Callable[[Array], Array]) -> Pull:
        """The same in other steps of the day, as a function lays series over them."""
        return Pull(steps(self.target_mw), self.per_mw2h)

    def weight_per_h(self, taken_mw: Array) -> Array:
        """What an exchange of one replica counts, of its own target; money/h that nobody pays."""
        return np.asarray(0.5 * self.per_mw2h * (taken_mw - self.target_mw) ** 2)


@dataclass(frozen=True, slots=True)
class MarketConditions:
    """What a DSO goes by on a day: its contract with customers, its supplier's terms, the carbon market's.

    Parameters
    ----------
    tou_price_per_mwh : ndarray, shape (n_period,)
        Retail time-of-use price of the contract.
    wholesale_price_per_mwh : ndarray, shape (n_period,)
        Price at which the DSO buys at the head of its grid.
    export_price_per_mwh : ndarray, shape (n_period,)
        Price paid for what it feeds back.
    grid_factor_tco2_per_mwh : ndarray, shape (n_period,)
        Carbon factor of what it buys, as told.
    carbon_price_per_tco2 : ndarray, shape (n_period,)
        Of the carbon market; of a DSO that passes on a ladder what the ladder makes it, see `priced_at`.
    quota_tco2_per_mwh : float
        Allotted to each MWh of load.
    ladder : PersonalLadder, optional
        What its supplier asks for the carbon of what it buys, beside the carbon market.
    pull : Pull, optional
        Towards what its supplier pulls what passes the head.
    passes_ladder : bool
        Whether it passes on the ladder to its customers, and trades with no carbon market.
    """

    tou_price_per_mwh: Array
    wholesale_price_per_mwh: Array
    export_price_per_mwh: Array
    grid_factor_tco2_per_mwh: Array
    carbon_price_per_tco2: Array
    quota_tco2_per_mwh: float
    ladder: PersonalLadder | None = None
    pull: Pull | None = None
    passes_ladder: bool = False

    def priced_at(self, bought_t_per_h: Array) -> MarketConditions:
        """The same with the carbon price that a DSO tells its customers, who passes on a ladder.

        It is the ladder's mean price around what is bought: steps would make it jump from plan to plan.

        Parameters
        ----------
        bought_t_per_h : ndarray, shape (n_period,)
            Carbon of what it plans to buy, tCO2/h.
        """
        if not self.passes_ladder or self.ladder is None:
            return self
        return replace(self, carbon_price_per_tco2=self.ladder.ramp_per_tco2(bought_t_per_h))

    @property
    def flat_carbon_price_per_tco2(self) -> float:
        """The carbon price of a day on which it stays the same, for who cannot plan with another one.

        Raises
        ------
        InputError
            If it moves.
        """
        low, high = float(self.carbon_price_per_tco2.min()), float(self.carbon_price_per_tco2.max())
        if low != high:
            fault = Fault("carbon_price_per_tco2", [low, high], "money/tCO2, must stay the same all day")
            raise InputError("market conditions", [fault])
        return low


@dataclass(frozen=True, slots=True)
class CarbonTerms:
    """What a carbon market asks on a day.

    Parameters
    ----------
    price_per_tco2 : ndarray, shape (n_step,)
        In steps of the day; of a price that stays, one.
    quota_tco2_per_mwh : float
        Allotted to each MWh of load.
    """

    price_per_tco2: Array
    quota_tco2_per_mwh: float


@dataclass(frozen=True, slots=True)
class TariffSignal:
    """A leader's offer for a day, or its final word when `final`; arrays in steps of the day.

    Whoever supplies the head of a grid sends it to the operator below, as an operator does to its consumers.

    Parameters
    ----------
    round : int
        Negotiation round of the day, from 1.
    price_per_mwh : ndarray, shape (n_step,)
    factor_tco2_per_mwh : ndarray, shape (n_step,)
        Carbon factor that goes with the price; may be negative.
    reference_price_per_mwh : ndarray, shape (n_step,)
        The tariff without any adjustment.
    final : bool
    day : int
        From 0.
    export_price_per_mwh : ndarray, shape (n_step,), optional
        What is paid for energy fed back; nothing is where it is left out.
    ladder : PersonalLadder, optional
        What the one who is told pays for the carbon of what it draws, at the factor told; of all replicas of
        a grid together.
    carbon_collector : str, optional
        Account that is paid for that carbon; the one who tells where it is left out.
    pull : Pull, optional
        In exchange rounds, towards what the one who tells draws the exchange of the one who is told.
    first_step : int
        The first step that is still open; what was told of earlier ones stays.
    green_share : ndarray, shape (n_step,), optional
        Share of the supply that is green, from who tells it.
    """

    round: int
    price_per_mwh: Array
    factor_tco2_per_mwh: Array
    reference_price_per_mwh: Array
    final: bool = False
    day: int = 0
    export_price_per_mwh: Array | None = None
    ladder: PersonalLadder | None = None
    carbon_collector: str | None = None
    pull: Pull | None = None
    first_step: int = 0
    green_share: Array | None = None


@dataclass(frozen=True, slots=True)
class LoadPlan:
    """A follower's answer to a signal.

    Parameters
    ----------
    load_mw : ndarray, shape (n_step,)
        Negative where it feeds back.
    load_mvar : ndarray, shape (n_step,), optional
        From who does not draw reactive power in a fixed proportion.
    own_money : float, optional
        What the plan costs the follower beside its bill, money per day; from who tells it.
    """

    load_mw: Array
    load_mvar: Array | None = None
    own_money: float | None = None


@dataclass(frozen=True, slots=True)
class CarbonOffer:
    """Emission below (positive) or above (negative) the quota of one period, tCO2."""

    period: int
    reduction_tco2: float
