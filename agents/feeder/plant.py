"""Renewable plants: tell what they could deliver, deliver what they are told."""

from __future__ import annotations

import numpy as np

from gridarium.agents.base import GridAgent, on
from gridarium.environment.arrays import Array, series
from gridarium.environment.grids import Site
from gridarium.market.records import ForecastRequest, Receipt, RenewableForecast, RenewableSetpoint


class RenewablePlant(GridAgent):
    """A wind or solar plant behind an inverter; idle until it is told what to deliver.

    Parameters
    ----------
    site : Site
    name : str
    available_mw : ndarray, shape (n_period,)
    s_max_mva : float
        Rating of its inverter.
    """

    def __init__(self, site: Site, name: str, available_mw: Array, s_max_mva: float) -> None:
        super().__init__(site, name)
        self.site = site
        self._available_mw, self._s_max_mva = series(available_mw), s_max_mva
        nothing = np.zeros(self.world.n_period)
        self._setpoint = RenewableSetpoint(nothing, nothing)

    @on(ForecastRequest)
    def tell_forecast(self, request: ForecastRequest, sender: str) -> RenewableForecast:
        """Tell the available power and the rating."""
        return RenewableForecast(self._available_mw, self._s_max_mva)

    @on(RenewableSetpoint)
    def take_setpoint(self, setpoint: RenewableSetpoint, sender: str) -> Receipt:
        """Keep the schedule of the day."""
        self._setpoint = setpoint
        return Receipt()

    def operate(self, period: int) -> None:
        """Feed in what was asked, as far as it is available; free of carbon."""
        p_mw = min(float(self._setpoint.p_mw[period]), float(self._available_mw[period]))
        self.site.supply(max(0.0, p_mw), float(self._setpoint.q_mvar[period]))
