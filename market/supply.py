"""Where the energy of a feeder comes from, and the situation in which a tariff is formed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from gridarium.environment.arrays import Array
from gridarium.market.messages.tariffs import MarketConditions


@dataclass(frozen=True)
class Supply:
    """Where the energy of each period comes from; all arrays of shape (n_period,), MW and tCO2/MWh.

    Parameters
    ----------
    grid_mw : ndarray
        Import at the substation.
    grid_factor_tco2_per_mwh : ndarray
        Carbon factor of that import.
    turbine_mw, turbine_t_per_h : ndarray
        Output of all turbines, and their emission in tCO2/h.
    renewable_mw : ndarray
        What renewables deliver.
    dirtiest_turbine_tco2_per_mwh : float
        Largest carbon factor of a turbine, whether or not it runs.
    """

    grid_mw: Array
    grid_factor_tco2_per_mwh: Array
    turbine_mw: Array
    turbine_t_per_h: Array
    renewable_mw: Array
    dirtiest_turbine_tco2_per_mwh: float = 0.0

    @property
    def dirtiest_tco2_per_mwh(self) -> float:
        """Largest carbon factor of any source of the day, tCO2/MWh."""
        return max(self.dirtiest_turbine_tco2_per_mwh, float(np.abs(self.grid_factor_tco2_per_mwh).max()))

    @property
    def bought_t_per_h(self) -> Array:
        """Carbon of the import, tCO2/h."""
        return self.grid_factor_tco2_per_mwh * self.grid_mw

    @property
    def emission_t_per_h(self) -> Array:
        """Physical emission, tCO2/h."""
        return self.bought_t_per_h + self.turbine_t_per_h

    @property
    def total_mw(self) -> Array:
        """All supply, MW."""
        return self.grid_mw + self.turbine_mw + self.renewable_mw


def system_factor(supply: Supply) -> Array:
    """Average carbon factor of the supply, tCO2/MWh; 0 where nothing is supplied.

    Notes
    -----
    Equation C1.
    """
    total = supply.total_mw
    return np.divide(supply.emission_t_per_h, total, out=np.zeros_like(total), where=total > 0)


class NodalSupply(Protocol):
    """What is supplied at each bus; arrays of shape (n_bus, n_period)."""

    @property
    def load_mw(self) -> Array:
        """Load of all followers, MW."""

    @property
    def intensity_tco2_per_mwh(self) -> Array:
        """Carbon intensity of the power that arrives; 0 where none does."""


@dataclass(frozen=True)
class Situation:
    """All that a tariff may look at; arrays of shape (n_period,).

    Parameters
    ----------
    conditions : MarketConditions
    supply : Supply
    load_mw, base_mw : ndarray
        Load as planned now, and before any response, MW.
    charge_mw, available_mw : ndarray
        Storage charging and available renewable power, MW.
    pool_in_t_per_h, pool_out_t_per_h : ndarray
        Liability entering and leaving the virtual carbon pools, tCO2/h.
    avoided_t_per_h : ndarray
        Emission that the absorbed surplus avoids on the day, shared among periods, tCO2/h.
    period_h : float
    nodes : NodalSupply, optional
        The same bus by bus, where the operator of a feeder has planned it.
    served_mw : ndarray, optional
        Part of the load that pays another price than the tariff, MW: it answers for its carbon as the rest
        does, and what the tariff gives or takes is none of its business.
    """

    conditions: MarketConditions
    supply: Supply
    load_mw: Array
    base_mw: Array
    charge_mw: Array
    available_mw: Array
    pool_in_t_per_h: Array
    pool_out_t_per_h: Array
    avoided_t_per_h: Array
    period_h: float
    nodes: NodalSupply | None = None
    served_mw: Array | None = None

    @property
    def billed_mw(self) -> Array:
        """Load that pays the tariff, MW."""
        return self.load_mw if self.served_mw is None else self.load_mw - self.served_mw
