"""Heat pumps: followers that shift their power against the price, as far as the building keeps its heat."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from gridarium.agents.base import GridAgent, on
from gridarium.agents.rows import Rows
from gridarium.environment.arrays import Array, series
from gridarium.environment.grids import Site
from gridarium.environment.horizon import Horizon
from gridarium.market.messages.forecasts import ForecastRequest, LoadForecast
from gridarium.market.messages.tariffs import LoadPlan, TariffSignal
from heat_pumps.problem import PumpShape, pump_problem


@dataclass(frozen=True)
class Building:
    """Private data: heat demand as electric power, shape (n_step,) of a day, MW; store in MWh electric."""

    demand_mw: Array
    p_max_mw: float
    e_max_mwh: float
    loss_per_h: float


class HeatPump(GridAgent):
    kind = "heat_pump"

    def __init__(self, site: Site, name: str, building: Building, leader: str, horizon: Horizon) -> None:
        super().__init__(site, name)
        self.site, self.leader, self._building, self._horizon = site, leader, building, horizon
        shape = PumpShape(horizon.n_step, horizon.step_h, building.loss_per_h)
        self._problem = self.world.shared(shape, lambda: pump_problem(shape))
        self._plan_mw = series(building.demand_mw)
        self._stored_mwh = np.full(horizon.n_step, 0.5 * building.e_max_mwh)

    @on(ForecastRequest)
    def tell_forecast(self, request: ForecastRequest, sender: str) -> LoadForecast:
        """Without a price it runs as heat is needed."""
        return LoadForecast(request.day, series(self._building.demand_mw))

    @on(TariffSignal)
    def respond(self, signal: TariffSignal, sender: str) -> LoadPlan:
        building = self._building
        solution = self._problem.solve(
            self.name,
            price=signal.price_per_mwh,
            demand=building.demand_mw,
            p_max=building.p_max_mw,
            e_max=building.e_max_mwh,
            first=0.5 * building.e_max_mwh,
        )
        self._plan_mw, self._stored_mwh = series(solution["power"]), solution["stored"]
        return LoadPlan(self._plan_mw)

    def operate(self, period: int) -> None:
        _, step = self._horizon.place(period)
        self.site.draw(self.name, float(self._plan_mw[step]))

    def rows(self) -> Iterator[Rows]:
        hold, metered = self._horizon.by_period, self.world.meters[self.name]
        loads = {"p_base_mw": hold(self._building.demand_mw), "p_plan_mw": hold(self._plan_mw)}
        yield Rows("loads", {**loads, "p_metered_mw": metered})
        yield Rows("dispatch", {"bus": self.site.label, "p_supply_mw": 0.0, "p_demand_mw": metered})
        yield Rows("buildings", {"stored_mwh": hold(self._stored_mwh)})
