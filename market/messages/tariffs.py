"""Prices of energy and carbon, and what is answered to them."""

from __future__ import annotations

from dataclasses import dataclass

from gridarium.environment.arrays import Array
from gridarium.market.carbon_price import PersonalLadder


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
    carbon_price_per_tco2, quota_tco2_per_mwh : float
        Carbon market price and the quota allotted to each MWh of load.
    """

    tou_price_per_mwh: Array
    wholesale_price_per_mwh: Array
    export_price_per_mwh: Array
    grid_factor_tco2_per_mwh: Array
    carbon_price_per_tco2: float
    quota_tco2_per_mwh: float


@dataclass(frozen=True, slots=True)
class CarbonTerms:
    """Price of the carbon market, per tCO2, and the quota allotted to each MWh of load, tCO2/MWh."""

    price_per_tco2: float
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
        What the one who is told pays for the carbon of what it draws, at the factor told.
    """

    round: int
    price_per_mwh: Array
    factor_tco2_per_mwh: Array
    reference_price_per_mwh: Array
    final: bool = False
    day: int = 0
    export_price_per_mwh: Array | None = None
    ladder: PersonalLadder | None = None


@dataclass(frozen=True, slots=True)
class LoadPlan:
    """A follower's answer to a signal.

    Parameters
    ----------
    load_mw : ndarray, shape (n_step,)
        Negative where it feeds back.
    load_mvar : ndarray, shape (n_step,), optional
        From who does not draw reactive power in a fixed proportion.
    """

    load_mw: Array
    load_mvar: Array | None = None


@dataclass(frozen=True, slots=True)
class CarbonOffer:
    """Emission below (positive) or above (negative) the quota of one period, tCO2."""

    period: int
    reduction_tco2: float
