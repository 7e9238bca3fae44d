"""Prices of energy and carbon, and what is answered to them."""

from __future__ import annotations

from dataclasses import dataclass

from gridarium.environment.arrays import Array


@dataclass(frozen=True, slots=True)
class MarketConditions:
    """What the upstream market tells the DSO for the next day.

    Parameters
    ----------
    tou_price_per_mwh : ndarray, shape (n_period,)
        Retail time-of-use price.
    wholesale_price_per_mwh : ndarray, shape (n_period,)
        Price at which the DSO buys at the substation.
    export_price_per_mwh : ndarray, shape (n_period,)
        Price paid for what it feeds back.
    grid_factor_tco2_per_mwh : ndarray, shape (n_period,)
        Carbon factor of the upstream grid.
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
class TariffSignal:
    """A leader's offer, or its final word when `final`.

    Parameters
    ----------
    round : int
        Negotiation round, from 1.
    price_per_mwh : ndarray, shape (n_period,)
    factor_tco2_per_mwh : ndarray, shape (n_period,)
        Carbon factor that goes with the price; may be negative.
    reference_price_per_mwh : ndarray, shape (n_period,)
        The tariff without any adjustment.
    final : bool
    """

    round: int
    price_per_mwh: Array
    factor_tco2_per_mwh: Array
    reference_price_per_mwh: Array
    final: bool = False


@dataclass(frozen=True, slots=True)
class LoadPlan:
    """A follower's answer to a signal, MW, shape (n_period,)."""

    load_mw: Array


@dataclass(frozen=True, slots=True)
class CarbonOffer:
    """Emission below (positive) or above (negative) the quota of one period, tCO2."""

    period: int
    reduction_tco2: float
