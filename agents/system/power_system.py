"""The system that an operator commits and dispatches: its parts, its state, what it expects."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from gridarium.environment.arrays import Array, Flags
from gridarium.environment.storage import StorageRatings
from gridarium.environment.thermal_unit import ThermalUnit


@dataclass(frozen=True)
class FlexibleDemand:
    """A load that can be shifted against a compensation.

    Parameters
    ----------
    name : str
    compensation_per_mwh : float
        Paid for each MWh that deviates from the plan, up or down (beta).
    """

    name: str
    compensation_per_mwh: float


@dataclass(frozen=True)
class PowerSystem:
    """Everything that fixes the structure and the constant numbers of the operator's problems.

    Parameters
    ----------
    units : tuple of ThermalUnit
    storage : StorageRatings, optional
        The provider's storage; None without one.
    loads : tuple of FlexibleDemand
    wind_capacity_mw : float
        Installed wind power (P_wcap), for the reserve.
    carbon_price_per_tco2 : float
    allowance_tco2_per_mwh : float
        Free allowance for each MWh of gross generation (theta).
    wear_cost_per_mwh : float
        Degradation of the storage for each MWh inside that enters or leaves (rho_s).
    reserve_load_share, reserve_wind_share : float
        Shares of the load and of the wind capacity that must be held in reserve (mu11, mu22).
    import_limit_mw : float
        Most power from the real-time market.
    shortage_cost_per_mwh : float
        Penalty on reserve that is missing, MW for an hour.
    missed_cost_per_mwh : float
        Penalty on storage energy, shifted load (MWh) or solvent (tCO2) not back at the day's end.
    """

    units: tuple[ThermalUnit, ...]
    storage: StorageRatings | None = None
    loads: tuple[FlexibleDemand, ...] = ()
    wind_capacity_mw: float = 0.0
    carbon_price_per_tco2: float = 12.0
    allowance_tco2_per_mwh: float = 0.7
    wear_cost_per_mwh: float = 1.43
    reserve_load_share: float = 0.05
    reserve_wind_share: float = 0.05
    import_limit_mw: float = 1000.0
    shortage_cost_per_mwh: float = 1000.0
    missed_cost_per_mwh: float = 3000.0

    @property
    def storages(self) -> tuple[StorageRatings, ...]:
        """The provider's storage, if there is one."""
        return (self.storage,) if self.storage else ()


@dataclass(frozen=True)
class SystemForecast:
    """What the operator expects of each period; hours day-ahead, quarter-hours in real time.

    Parameters
    ----------
    load_mw : ndarray, shape (n_period,)
        Load that must be served: fixed loads and deficits of prosumers, without flexible loads.
    wind_mw : ndarray, shape (n_period,)
        Wind power that is available.
    flexible_mw, flexible_least_mw, flexible_most_mw : ndarray, shape (n_period, n_load)
        Planned power of the flexible loads and the band they may be moved in.
    market_price_per_mwh : ndarray, shape (n_period,)
        Price of imports from the real-time market; exports earn nothing.
    pool_mw : ndarray, shape (n_period,)
        Most of a deficit that the prosumer pool is expected to cover; 0 without a pool.
    pool_fee_per_mwh : ndarray, shape (n_period,)
        Mean line fee of that energy.
    """

    load_mw: Array
    wind_mw: Array
    flexible_mw: Array
    flexible_least_mw: Array
    flexible_most_mw: Array
    market_price_per_mwh: Array
    pool_mw: Array
    pool_fee_per_mwh: Array

    def coarsened(self, factor: int) -> SystemForecast:
        """Means of `factor` periods each: the forecast of hours from that of quarter-hours (factor 4)."""
        means = {}
        for field in fields(self):
            value = getattr(self, field.name)
            means[field.name] = value.reshape(len(value) // factor, factor, *value.shape[1:]).mean(axis=1)
        return SystemForecast(**means)


@dataclass(frozen=True)
class SystemState:
    """Where the system stands when a period begins.

    Parameters
    ----------
    on : ndarray of bool, shape (n_unit,)
        Whether each unit ran in the period before.
    gross_mw : ndarray, shape (n_unit,)
        Gross power in the period before.
    tank_tco2 : ndarray, shape (n_unit,)
        Content of the solvent tanks; 0 without a capture plant.
    e_mwh : float
        Energy in the storage; 0 without one.
    owed_mwh : ndarray, shape (n_load,)
        Energy that each flexible load was kept from so far today and must still get; negative where it
        took more than planned.
    """

    on: Flags
    gross_mw: Array
    tank_tco2: Array
    e_mwh: float
    owed_mwh: Array

    @classmethod
    def initial(cls, system: PowerSystem) -> SystemState:
        """The state before the first period."""
        units, storage = system.units, system.storage
        return cls(
            np.array([unit.on_initially for unit in units], dtype=bool),
            np.array([unit.p_initial_mw for unit in units], dtype=float),
            np.array([unit.capture.tank_initial_tco2 if unit.capture else 0.0 for unit in units]),
            storage.soc_initial * storage.e_max_mwh if storage else 0.0,
            np.zeros(len(system.loads)),
        )
