"""What agents send each other: frozen records of prices, forecasts, plans, schedules and readings."""

from __future__ import annotations

from dataclasses import dataclass

from gridarium.environment.arrays import Array
from gridarium.environment.storage import StorageRatings


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
class ForecastRequest:
    """What will there be on a day, 0 for the first: forecasts, ratings, terms."""

    day: int = 0


@dataclass(frozen=True, slots=True)
class CarbonTerms:
    """Price of the carbon market, per tCO2, and the quota allotted to each MWh of load, tCO2/MWh."""

    price_per_tco2: float
    quota_tco2_per_mwh: float


@dataclass(frozen=True, slots=True)
class Receipt:
    """A command has arrived."""


@dataclass(frozen=True, slots=True)
class LoadForecast:
    """A load before any response to prices, MW, shape (n_step,)."""

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
    """

    round: int
    price_per_mwh: Array
    factor_tco2_per_mwh: Array
    reference_price_per_mwh: Array
    final: bool = False
    day: int = 0
    export_price_per_mwh: Array | None = None


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
    day: int = 0


@dataclass(frozen=True, slots=True)
class StorageState:
    """Energy and virtual carbon that a storage holds at the end of a period."""

    period: int
    e_mwh: float
    pool_tco2: float


@dataclass(frozen=True, slots=True)
class RenewableSetpoint:
    """What a renewable plant shall deliver on a day, MW and Mvar, shape (n_step,) each."""

    p_mw: Array
    q_mvar: Array
    day: int = 0


@dataclass(frozen=True, slots=True)
class CarbonOffer:
    """Emission below (positive) or above (negative) the quota of one period, tCO2."""

    period: int
    reduction_tco2: float
