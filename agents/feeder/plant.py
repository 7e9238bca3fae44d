"""Renewable plants: tell what they could deliver, deliver what they are told."""

from __future__ import annotations

from gridarium.agents.base import GridAgent, on
from gridarium.environment.arrays import Array, series
from gridarium.environment.grids import Site
from gridarium.environment.horizon import Horizon
from gridarium.market.records import ForecastRequest, Receipt, RenewableForecast, RenewableSetpoint


class RenewablePlant(GridAgent):
    """A wind or solar plant behind an inverter; idle until it is told what to deliver.

    Parameters
    ----------
    site : Site
    name : str
    available_mw : ndarray, shape (n_day * n_step,)
    s_max_mva : float
        Rating of its inverter.
    horizon : Horizon, optional
        Its days and steps; settlement periods by default.
    """

    def __init__(
        self, site: Site, name: str, available_mw: Array, s_max_mva: float, horizon: Horizon | None = None
    ) -> None:
        super().__init__(site, name)
        self.site = site
        self.horizon = horizon or Horizon.of(self.world)
        self._available_mw, self._s_max_mva = series(available_mw), s_max_mva
        self._available_by_period = series(self.horizon.by_period(self._available_mw))
        self._setpoints: dict[int, RenewableSetpoint] = {}

    @on(ForecastRequest)
    def tell_forecast(self, request: ForecastRequest, sender: str) -> RenewableForecast:
        """Tell the available power and the rating."""
        return RenewableForecast(
            series(self.horizon.of_day(self._available_mw, request.day)), self._s_max_mva
        )

    @on(RenewableSetpoint)
    def take_setpoint(self, setpoint: RenewableSetpoint, sender: str) -> Receipt:
        """Keep the schedule of the day."""
        self._setpoints[setpoint.day] = setpoint
        return Receipt()

    def operate(self, period: int) -> None:
        """Feed in what was asked, as far as it is available; free of carbon."""
        day, step = self.horizon.place(period)
        setpoint = self._setpoints.get(day)
        if setpoint is not None:
            p_mw = min(float(setpoint.p_mw[step]), float(self.available_mw[period]))
            self.site.supply(max(0.0, p_mw), float(setpoint.q_mvar[step]))

    @property
    def available_mw(self) -> Array:
        """What it could deliver, by settlement period, MW, for the record."""
        return self._available_by_period
