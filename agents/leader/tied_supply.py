"""What a leader whose price is tied to its carbon factor may dispatch, and what it plans."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from gridarium.environment.arrays import Array, Flags
from gridarium.environment.storage import StorageRatings
from gridarium.environment.thermal_unit import ThermalUnit


@dataclass(frozen=True)
class NetworkTangent:
    """A quantity of the network near a dispatch, straight in what is drawn and fed in.

    Parameters
    ----------
    constant : ndarray
        With everything at zero, shape (n_period,), or () for one number of the whole day.
    per_load : ndarray, shape (n_period,)
        Change per MW of all loads together.
    per_turbine, per_renewable, per_storage : ndarray, shape (n_unit, n_period)
        Change per MW that a unit feeds in.
    """

    constant: Array
    per_load: Array
    per_turbine: Array
    per_renewable: Array
    per_storage: Array

    def moved(self, plan: TiedPlan) -> Array:
        """What it makes of a plan beyond its constant, by period, shape (n_period,)."""
        return np.asarray(
            self.per_load * plan.load_mw
            + (self.per_turbine * plan.turbine_mw).sum(axis=0)
            + (self.per_renewable * plan.renewable_mw).sum(axis=0)
            + (self.per_storage * (plan.discharge_mw - plan.charge_mw)).sum(axis=0)
        )


class BarrierPlace(NamedTuple):
    """Which limit of the network a tangent stands for.

    Parameters
    ----------
    bus, period : int
    is_low : bool
        Whether it is the lower limit of the voltage.
    """

    bus: int
    period: int
    is_low: bool


@dataclass(frozen=True)
class TiedSupply:
    """What a leader may dispatch for its followers; arrays of shape (n_period,) or (n_unit, n_period).

    Parameters
    ----------
    wholesale_price_per_mwh, export_price_per_mwh, grid_factor_tco2_per_mwh : ndarray, shape (n_period,)
        Of the head of the grid.
    import_limit_mw, export_limit_mw : float
    turbines : tuple of ThermalUnit
    running : ndarray of bool, shape (n_turbine, n_period)
        Whether a turbine is committed; one that is not costs and gives nothing.
    available_mw : ndarray, shape (n_renewable, n_period)
    storages : tuple of StorageRatings
    initial_mwh, wear_cost_per_mwh : ndarray, shape (n_storage,)
        Energy before the day, and the cost of each MWh discharged.
    first_tco2 : ndarray, shape (n_storage,)
        Content of each virtual pool before the day, V_0.
    losses : NetworkTangent, optional
        MW lost on the way in each period; none on one bus.
    barriers : mapping of BarrierPlace to NetworkTangent
        What must not exceed 0 for the network to carry a dispatch; a constant of shape () each.
    """

    wholesale_price_per_mwh: Array
    export_price_per_mwh: Array
    grid_factor_tco2_per_mwh: Array
    import_limit_mw: float
    export_limit_mw: float
    turbines: tuple[ThermalUnit, ...]
    running: Flags
    available_mw: Array
    storages: tuple[StorageRatings, ...]
    initial_mwh: Array
    wear_cost_per_mwh: Array
    first_tco2: Array
    losses: NetworkTangent | None = None
    barriers: Mapping[BarrierPlace, NetworkTangent] = field(default_factory=dict)


@dataclass(frozen=True)
class TiedPlan:
    """A price with the dispatch and the pool flows that make its factor; MW, tCO2/h, (n_unit, n_period).

    Parameters
    ----------
    price_per_mwh, load_mw, buy_mw, sell_mw : ndarray, shape (n_period,)
    turbine_mw, renewable_mw, charge_mw, discharge_mw : ndarray
    inflow_t_per_h, outflow_t_per_h : ndarray
        Liability into and out of each pool.
    emission_t_per_h : ndarray, shape (n_period,)
    """

    price_per_mwh: Array
    load_mw: Array
    buy_mw: Array
    sell_mw: Array
    turbine_mw: Array
    renewable_mw: Array
    charge_mw: Array
    discharge_mw: Array
    inflow_t_per_h: Array
    outflow_t_per_h: Array
    emission_t_per_h: Array

    @property
    def surplus_mw(self) -> Array:
        """What is fed in beyond the load, MW, shape (n_period,): what may be lost on the way."""
        fed = self.turbine_mw.sum(axis=0) + self.renewable_mw.sum(axis=0) + self.discharge_mw.sum(axis=0)
        return np.asarray(self.buy_mw - self.sell_mw + fed - self.charge_mw.sum(axis=0) - self.load_mw)

    @property
    def factor_tco2_per_mwh(self) -> Array:
        """Carbon factor of the load, shape (n_period,) (C3)."""
        carried = self.emission_t_per_h - self.inflow_t_per_h.sum(axis=0) + self.outflow_t_per_h.sum(axis=0)
        return np.asarray(carried / self.load_mw)
