"""The load of the system that does not respond: foreseen with an error, drawn as it comes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gridarium.agents.base import GridAgent, on
from gridarium.agents.rows import Rows
from gridarium.environment.arrays import Array, series
from gridarium.environment.grids import Place
from gridarium.environment.horizon import Horizon
from gridarium.market.messages.forecasts import ForecastRequest, LoadForecast
from gridarium.market.messages.status import LoadStatus, StatusRequest


class SystemLoad(GridAgent):
    """A load that nobody commands.

    Parameters
    ----------
    site : Site or SpreadSite
        Where it is drawn: at a bus, or spread over several.
    name : str
    forecast_mw : ndarray, shape (n_period,)
        As expected the day before.
    actual_mw : ndarray, shape (n_period,)
        As it turns out; told one period ahead and no earlier.
    """

    kind = "load"

    def __init__(self, site: Place, name: str, forecast_mw: Array, actual_mw: Array) -> None:
        super().__init__(site, name)
        self.site, self.horizon = site, Horizon.of(self.world)
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
        foreseen = self.behaviour.foresee(self, self.horizon.of_day(self._forecast_mw, request.day))
        return LoadForecast(request.day, series(foreseen))

    @on(StatusRequest)
    def tell_load(self, request: StatusRequest, sender: str) -> LoadStatus:
        """Tell the load of the period that is about to begin, and what is expected after it."""
        ahead = self.horizon.rest_of_day(request.period)
        actual, foreseen = self._actual_mw[ahead], self._forecast_mw[ahead]
        return LoadStatus(request.period, series([*actual[:1], *foreseen[1:]]))

    def operate(self, period: int) -> None:
        """Draw the load."""
        self.site.draw(self.name, float(self._actual_mw[period]))
