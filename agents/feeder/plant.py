"""Renewable plants: tell what they could deliver, deliver what they are told."""

from __future__ import annotations

import numpy as np

from gridarium.agents.base import GridAgent, on
from gridarium.environment.arrays import Array, series
from gridarium.environment.world import World
from gridarium.market.messages.commands import Receipt, RenewableSetpoint
from gridarium.market.messages.forecasts import ForecastRequest, RenewableForecast


class RenewablePlant(GridAgent):
    """A wind or solar plant behind an inverter; idle until it is told what to deliver.

    Parameters
    ----------
    world : World
    name : str
    bus : int
        Bus index.
    available_mw : ndarray, shape (n_period,)
    s_max_mva : float
        Rating of its inverter.
    """

    def __init__(self, world: World, name: str, bus: int, available_mw: Array, s_max_mva: float) -> None:
        super().__init__(world, name)
        self.bus = bus
        self._available_mw, self._s_max_mva = series(available_mw), s_max_mva
        nothing = np.zeros(world.n_period)
        self._setpoint = RenewableSetpoint(0, 0, nothing, nothing)

    @on(ForecastRequest)
    def tell_forecast(self, request: ForecastRequest, sender: str) -> RenewableForecast:
        """Tell the available power and the rating."""
        return RenewableForecast(request.day, self._available_mw, self._s_max_mva)

    @on(RenewableSetpoint)
    def take_setpoint(self, setpoint: RenewableSetpoint, sender: str) -> Receipt:
        """Keep the newest schedule of the day."""
        if setpoint.issue > self._setpoint.issue:
            self._setpoint = setpoint
        return Receipt()

    def operate(self, period: int) -> None:
        """Feed in what was asked, as far as it is available; free of carbon."""
        place = period - self._setpoint.period
        p_mw = q_mvar = 0.0
        if place >= 0:
            p_mw = min(float(self._setpoint.p_mw[place]), float(self._available_mw[period]))
            q_mvar = 0.0 if self._setpoint.q_mvar is None else float(self._setpoint.q_mvar[place])
        self.world.injections.supply(self.bus, max(0.0, p_mw), q_mvar, 0.0)
