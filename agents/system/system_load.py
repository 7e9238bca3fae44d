"""The load of the system that does not respond: foreseen with an error, drawn as it comes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gridarium.agents.base import on
from gridarium.agents.rows import Rows
from gridarium.agents.system.commanded import CommandedAgent, told
from gridarium.environment.arrays import Array, series
from gridarium.environment.grids import Site
from gridarium.market.messages.forecasts import ForecastRequest, LoadForecast
from gridarium.market.messages.status import LoadStatus, StatusRequest


class SystemLoad(CommandedAgent):
    """A load that nobody commands.

    Parameters
    ----------
    site : Site
    name : str
    forecast_mw : ndarray, shape (n_period,)
        As expected the day before.
    actual_mw : ndarray, shape (n_period,)
        As it turns out; told one period ahead and no earlier.
    leader : str
        Who asks.
    """

    kind = "load"

    def __init__(self, site: Site, name: str, forecast_mw: Array, actual_mw: Array, leader: str) -> None:
        super().__init__(site, name, leader)
        self._forecast_mw, self._actual_mw = series(forecast_mw), series(np.maximum(0.0, actual_mw))

    def rows(self) -> Iterator[Rows]:
        """Its load as foreseen and as drawn."""
        foreseen = self._forecast_mw
        yield Rows("loads", {"p_base_mw": foreseen, "p_plan_mw": foreseen, "p_metered_mw": self._actual_mw})
        drawn = self.world.meters[self.name]
        yield Rows("dispatch", {"bus": self.site.label, "p_supply_mw": 0.0, "p_demand_mw": drawn})

    @on(ForecastRequest)
    def tell_forecast(self, request: ForecastRequest, sender: str) -> LoadForecast:
        """Tell the load expected for a day, as foreseen."""
        foreseen = self.behaviour.foresee(self, self.of_day(self._forecast_mw, request.day))
        return LoadForecast(request.day, series(foreseen))

    @on(StatusRequest)
    def tell_load(self, request: StatusRequest, sender: str) -> LoadStatus:
        """Tell the load of the period that is about to begin, and what is expected after it."""
        ahead = self.rest_of_day(request.period)
        return LoadStatus(request.period, told(self._actual_mw[ahead], self._forecast_mw[ahead]))

    def operate(self, period: int) -> None:
        """Draw the load."""
        self.site.draw(self.name, float(self._actual_mw[period]))
