"""What agents send each other: frozen records of prices, forecasts, plans, schedules and readings."""

from __future__ import annotations

from dataclasses import dataclass

from gridarium.environment.arrays import Array
from gridarium.environment.storage import StorageRatings


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
class ForecastRequest:
    """The leader asks for tomorrow's forecast, ratings or prices."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """A command has arrived."""


@dataclass(frozen=True, slots=True)
class LoadForecast:
    """A consumer's base load, MW, shape (n_period,)."""

    base_mw: Array


@dataclass(frozen=True, slots=True)
class RenewableForecast:
    """What a renewable plant could deliver, MW, shape (n_period,), and its inverter's rating, MVA."""

    available_mw: Array
    s_max_mva: float


@dataclass(frozen=True, slots=True)
class StorageOffer:
    """Ratings of a storage, and the energy in it, MWh."""

    ratings: StorageRatings
    e_mwh: float


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
class StorageSchedule:
    """A day of charging, discharging, reactive power and virtual carbon for one storage.

    Parameters
    ----------
    charge_mw, discharge_mw, q_mvar : ndarray, shape (n_period,)
    pool_in_t_per_h, pool_out_t_per_h : ndarray, shape (n_period,)
        Carbon liability that enters and leaves its virtual carbon pool, tCO2/h.
    pool_first_tco2 : float
        Content of the pool before the first period, tCO2.
    """

    charge_mw: Array
    discharge_mw: Array
    q_mvar: Array
    pool_in_t_per_h: Array
    pool_out_t_per_h: Array
    pool_first_tco2: float


@dataclass(frozen=True, slots=True)
class StorageState:
    """Energy and virtual carbon that a storage holds at the end of a period."""

    period: int
    e_mwh: float
    pool_tco2: float


@dataclass(frozen=True, slots=True)
class RenewableSetpoint:
    """What a renewable plant shall deliver, MW and Mvar, shape (n_period,) each."""

    p_mw: Array
    q_mvar: Array


@dataclass(frozen=True, slots=True)
class CarbonOffer:
    """Emission below (positive) or above (negative) the quota of one period, tCO2."""

    period: int
    reduction_tco2: float
