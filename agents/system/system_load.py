"""The load of the system that does not respond: foreseen with an error, drawn as it comes."""

from __future__ import annotations

import numpy as np

from gridarium.agents.base import on
from gridarium.agents.system.commanded import CommandedAgent, told
from gridarium.environment.arrays import Array, series
from gridarium.environment.grids import Site
from gridarium.market.operation_records import (
    AvailabilityRequest,
    LoadExpectation,
    LoadStatus,
    StatusRequest,
)


class SystemLoad(CommandedAgent):
    """A load that nobody commands.

    Parameters
    ----------
    site : Site
    name : str
    forecast_mw : ndarray, shape (n_period,)
        As expected the day before.
    actual_mw : ndarray, shape (n_period,)
        As it turns out; told one quarter ahead and no earlier.
    leader : str
        Who asks.
    """

    def __init__(self, site: Site, name: str, forecast_mw: Array, actual_mw: Array, leader: str) -> None:
        super().__init__(site, name, leader)
        self._forecast_mw, self._actual_mw = series(forecast_mw), series(np.maximum(0.0, actual_mw))

    @property
    def loads_mw(self) -> dict[str, Array]:
        """Forecast and actual load, MW, for the record."""
        return {"forecast": self._forecast_mw, "actual": self._actual_mw}

    @on(AvailabilityRequest)
    def tell_forecast(self, request: AvailabilityRequest, sender: str) -> LoadExpectation:
        """Tell the load expected for a day, as foreseen."""
        foreseen = self.behaviour.foresee(self, self.of_day(self._forecast_mw, request.day))
        return LoadExpectation(request.day, series(foreseen))

    @on(StatusRequest)
    def tell_load(self, request: StatusRequest, sender: str) -> LoadStatus:
        """Tell the load of the quarter that is about to begin, and what is expected after it."""
        ahead = self.rest_of_day(request.quarter)
        return LoadStatus(request.quarter, told(self._actual_mw[ahead], self._forecast_mw[ahead]))

    def operate(self, period: int) -> None:
        """Draw the load."""
        self.site.draw(self.name, float(self._actual_mw[period]))
