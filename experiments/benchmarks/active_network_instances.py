"""A day of an active distribution network: 33 buses, three classes of load, taps, an SVC, pooled storage.

Loads are synthetic and keep what the paper states of them; sizes and places of all units are assumed.
"""

from __future__ import annotations

import numpy as np

from gridarium.agents.feeder.dispatch import Commitment, DispatchDay
from gridarium.agents.feeder.dispatch_problem import DispatchShape, Renewable
from gridarium.environment.arrays import Array, series
from gridarium.environment.network_reader import read_feeder
from gridarium.environment.storage import StorageRatings
from gridarium.environment.thermal_unit import gas_turbine
from gridarium.environment.voltage_control import Compensator, TapChanger
from gridarium.market.messages.tariffs import MarketConditions

N_HOUR = 24
CARBON_PRICE_PER_TCO2 = 100.0
IMPEDANCE_FACTOR = 0.35
_RESIDENTIAL_MW = (
    *(2.0, 1.9, 1.8, 1.8, 1.8, 1.9, 2.3, 2.8, 2.6, 2.3, 2.2, 2.3),
    *(2.4, 2.3, 2.3, 2.4, 2.7, 3.3, 3.9, 4.2, 4.2, 4.0, 3.0, 2.4),
)
_COMMERCIAL_MW = (
    *(0.8, 0.8, 0.8, 0.8, 0.8, 0.8, 0.8, 1.3, 2.0, 2.5, 2.7, 2.8),
    *(2.8, 2.7, 2.8, 2.7, 2.5, 2.0, 1.7, 1.5, 1.3, 1.1, 0.9, 0.8),
)
_INDUSTRIAL_MW, _INDUSTRIAL_SWING = 2.5, 0.05
_POOL_MWH = {3: 0.10, 8: 0.20, 14: 0.30, 18: 0.25, 25: 0.25, 33: 0.40}
_TURBINES = (
    gas_turbine("turbine_12", 0.0, 1.0, 20.0, 420.0, 0.0, 1.25, 0.435),
    gas_turbine("turbine_25", 0.0, 1.2, 20.0, 440.0, 0.0, 1.5, 0.435),
)
_PV_MW, _WIND_MW = 4.0, 2.5
_SITES = {"turbine_12": 12, "turbine_25": 25, "pv": 18, "wind": 33, "svc": 30}
TAP_CHANGER = TapChanger(first=-8, last=8, step_pu=0.0125, moves_per_day=8)


def load_mw() -> Array:
    """Load of the day, MW, shape (24,): highest with 8.2 MW at 19 h."""
    hour = np.arange(N_HOUR)
    industrial = _INDUSTRIAL_MW * (1.0 - _INDUSTRIAL_SWING * np.cos(2.0 * np.pi * (hour - 1) / N_HOUR))
    return np.asarray(np.array(_RESIDENTIAL_MW) + np.array(_COMMERCIAL_MW) + industrial)


def available_mw() -> Array:
    """What PV and wind could deliver, MW, shape (2, 24): a clear day, and wind that is strongest at night."""
    hour = np.arange(N_HOUR)
    sun = np.maximum(np.sin(np.pi * (hour - 5.5) / 13.0), 0.0) ** 1.5
    wind = 0.55 + 0.4 * np.cos(2.0 * np.pi * (hour - 2.0) / N_HOUR)
    return np.array([_PV_MW * sun, _WIND_MW * wind])


def conditions(hours: slice = slice(None)) -> MarketConditions:
    """Prices and factors of the supplier: valley, flat and peak; cleaner around noon."""
    hour = np.arange(N_HOUR)
    peak = ((hour >= 9) & (hour < 12)) | ((hour >= 18) & (hour < 22))
    price = np.where(hour < 7, 300.0, np.where(peak, 800.0, 550.0))[hours]
    factor = np.where((hour >= 10) & (hour < 16), 0.70, np.where(hour >= 17, 0.85, 0.82))[hours]
    return MarketConditions(
        tou_price_per_mwh=series(price),
        wholesale_price_per_mwh=series(price),
        export_price_per_mwh=series(np.zeros_like(price)),
        grid_factor_tco2_per_mwh=series(factor),
        carbon_price_per_tco2=CARBON_PRICE_PER_TCO2,
        quota_tco2_per_mwh=0.5,
    )


def active_shape(tap_changer: TapChanger | None = TAP_CHANGER, n_period: int = N_HOUR) -> DispatchShape:
    """The operator's units on the 33-bus feeder with weaker impedances."""
    feeder = read_feeder("case33bw").scaled(1.0, IMPEDANCE_FACTOR)
    storages = tuple(
        StorageRatings(f"storage_{bus}", e_mwh / 2.0, e_mwh, 0.1, 0.9, 0.5, 0.95, 0.95, e_mwh / 2.0)
        for bus, e_mwh in _POOL_MWH.items()
    )
    sites = _SITES | {storage.name: bus for storage, bus in zip(storages, _POOL_MWH, strict=True)}
    return DispatchShape(
        feeder=feeder,
        turbines=_TURBINES,
        storages=storages,
        renewables=(Renewable("pv", 1.1 * _PV_MW), Renewable("wind", 1.1 * _WIND_MW)),
        sites=tuple((name, feeder.index(label)) for name, label in sites.items()),
        wear_cost_per_mwh=tuple((storage.name, 20.0) for storage in storages),
        n_period=n_period,
        period_h=1.0,
        voltage_band_pu=(0.95, 1.05),
        loading_max=float("inf"),
        import_limit_mw=12.0,
        export_limit_mw=0.0,
        loss_price_per_mwh=1.0,
        tap_changer=tap_changer,
        compensators=(Compensator("svc", -0.3, 0.6),),
    )


def active_day(shape: DispatchShape, hours: slice = slice(None), load_factor: float = 1.0) -> DispatchDay:
    """The day, or some hours of it, of a shape; every unit runs."""
    feeder, load = shape.feeder, load_factor * load_mw()[hours]
    p_share = feeder.p_load_mw / feeder.p_load_mw.sum()
    q_share = feeder.q_load_mvar / feeder.p_load_mw.sum()
    return DispatchDay(
        conditions(hours),
        np.outer(p_share, load),
        np.outer(q_share, load),
        available_mw()[:, hours],
        np.array([storage.soc_initial * storage.e_max_mwh for storage in shape.storages]),
        True,
        Commitment(np.ones((len(shape.turbines), len(load))), np.ones_like(load), np.ones_like(load)),
    )
