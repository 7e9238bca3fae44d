"""Renewable plants: tell what they could deliver, deliver what they are told."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gridarium.agents.base import GridAgent, on
from gridarium.agents.rows import Rows
from gridarium.environment.arrays import Array, series
from gridarium.environment.grids import Site
from gridarium.environment.horizon import Horizon
from gridarium.market.messages.commands import Receipt, RenewableSetpoint
from gridarium.market.messages.forecasts import ForecastRequest, RenewableForecast


class RenewablePlant(GridAgent):
    """A wind or solar plant behind an inverter; idle until it is told what to deliver.

    Parameters
    ----------
    site : Site
    name : str
    available_mw : ndarray, shape (n_day * n_step,)
    horizon : Horizon, optional
        Its days and steps; settlement periods by default.
    """

    kind = "renewable"

    def __init__(self, site: Site, name: str, available_mw: Array, horizon: Horizon | None = None) -> None:
        super().__init__(site, name)
        self.site = site
        self.horizon = horizon or Horizon.of(self.world)
        self._available_mw = series(available_mw)
        self._available_by_period = series(self.horizon.by_period(self._available_mw))
        self._setpoints: dict[int, RenewableSetpoint] = {}
        self._p_mw, self._q_mvar = np.zeros(self.world.n_period), np.zeros(self.world.n_period)

    @on(ForecastRequest)
    def tell_forecast(self, request: ForecastRequest, sender: str) -> RenewableForecast:
        """Tell the available power."""
        available = series(self.horizon.of_day(self._available_mw, request.day))
        return RenewableForecast(request.day, available)

    @on(RenewableSetpoint)
    def take_setpoint(self, setpoint: RenewableSetpoint, sender: str) -> Receipt:
        """Keep the newest schedule of its day."""
        day, _ = self.horizon.place(setpoint.period)
        known = self._setpoints.get(day)
        if known is None or setpoint.issue > known.issue:
            self._setpoints[day] = setpoint
        return Receipt()

    def operate(self, period: int) -> None:
        """Feed in what was asked, as far as it is available; free of carbon."""
        setpoint = self._setpoints.get(self.horizon.place(period)[0])
        p_mw = q_mvar = 0.0
        if setpoint is not None and period >= setpoint.period:
            place = period - setpoint.period
            p_mw = min(float(setpoint.p_mw[place]), float(self._available_by_period[period]))
            q_mvar = 0.0 if setpoint.q_mvar is None else float(setpoint.q_mvar[place])
        self._p_mw[period], self._q_mvar[period] = max(0.0, p_mw), q_mvar
        self.site.supply(max(0.0, p_mw), q_mvar)

    def rows(self) -> Iterator[Rows]:
        """What it delivered and what it could have."""
        yield Rows(
            "dispatch",
            {
                "bus": self.site.label,
                "p_supply_mw": self._p_mw,
                "p_demand_mw": 0.0,
                "q_mvar": self._q_mvar,
                "p_available_mw": self._available_by_period,
            },
        )
