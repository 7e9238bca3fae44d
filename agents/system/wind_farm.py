"""Wind farms: foresee, tell what the next period brings, deliver up to a limit."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from gridarium.agents.base import on
from gridarium.agents.rows import Rows
from gridarium.agents.system.commanded import CommandedAgent
from gridarium.environment.arrays import Array, series
from gridarium.environment.errors import Fault, ProfileError
from gridarium.environment.forecast_error import ForecastError
from gridarium.environment.grids import Site
from gridarium.market.messages.commands import Receipt, RenewableSetpoint
from gridarium.market.messages.forecasts import ForecastRequest, RenewableForecast
from gridarium.market.messages.status import RenewableStatus, StatusRequest


class WindFarm(CommandedAgent):
    """A wind farm whose power departs from its forecast; free to deliver until it gets a limit.

    Parameters
    ----------
    site : Site
    name : str
    forecast_mw : ndarray, shape (n_period,)
        As made the day before.
    error : ForecastError
        Draws what becomes of it, day by day, from the farm's own stream.
    leader : str
        Whose limits it keeps.
    capacity_mw : float, optional
        Installed power.

    Raises
    ------
    ProfileError
        If the forecast leaves [0, capacity].
    """

    kind = "wind"

    def __init__(
        self,
        site: Site,
        name: str,
        forecast_mw: Array,
        error: ForecastError,
        leader: str,
        capacity_mw: float = math.inf,
    ) -> None:
        super().__init__(site, name, leader)
        world = self.world
        outside = (forecast_mw < 0.0) | (forecast_mw > capacity_mw)
        if outside.any():
            period = int(np.argmax(outside))
            fault = Fault(
                f"period {period}", float(forecast_mw[period]), f"must be in [0, {capacity_mw:g}] MW"
            )
            raise ProfileError(f"forecast of {name}", [fault])
        self.capacity_mw, self._error = capacity_mw, error
        self._forecast_mw = series(forecast_mw)
        stream = self.stream("wind")
        days = [self.of_day(self._forecast_mw, day) for day in range(-(-world.n_period // self.day_length))]
        self._actual_mw = np.concatenate([error.actual(day, stream, capacity_mw) for day in days])
        self._limit_mw = np.full(world.n_period, math.inf)
        self.delivered_mw = np.zeros(world.n_period)

    def rows(self) -> Iterator[Rows]:
        """What it delivered and what it could have."""
        power = {"p_supply_mw": self.delivered_mw, "p_available_mw": self._actual_mw}
        yield Rows("dispatch", {"bus": self.site.label, "p_demand_mw": 0.0, **power})

    @on(ForecastRequest)
    def tell_forecast(self, request: ForecastRequest, sender: str) -> RenewableForecast:
        """Tell the forecast of a day."""
        foreseen = self.behaviour.foresee(self, self.of_day(self._forecast_mw, request.day))
        return RenewableForecast(request.day, series(foreseen))

    @on(StatusRequest)
    def tell_power(self, request: StatusRequest, sender: str) -> RenewableStatus:
        """Tell the power of the period that is about to begin, and what it makes likely for the others."""
        period, available = request.period, series([])
        if period < self.world.n_period:
            forecast, now = self._forecast_mw[self.rest_of_day(period)], float(self._actual_mw[period])
            available = series(self._error.expected(forecast, 0, now, self.capacity_mw))
        delivered = float(self.delivered_mw[period - 1]) if period else 0.0
        return RenewableStatus(period, delivered, available)

    @on(RenewableSetpoint)
    def take_limit(self, setpoint: RenewableSetpoint, sender: str) -> Receipt:
        """Keep the limits for the rest of the day."""
        if self.follow(setpoint):
            self._limit_mw[self.rest_of_day(setpoint.period)] = setpoint.p_mw
        return Receipt()

    def operate(self, period: int) -> None:
        """Deliver what there is, up to the limit (E30); free of carbon."""
        p_mw = max(0.0, min(float(self._actual_mw[period]), float(self._limit_mw[period])))
        self.delivered_mw[period] = p_mw
        self.site.supply(p_mw)
