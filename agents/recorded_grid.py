"""A grid below that is not there: what its operator told and what it took, as another run has recorded it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from gridarium.agents.base import GridAgent, on
from gridarium.agents.following import head_carbon_per_h, load_status
from gridarium.agents.rows import Rows
from gridarium.environment.arrays import Array, series
from gridarium.environment.errors import MessageError
from gridarium.environment.grids import Site
from gridarium.environment.horizon import Horizon
from gridarium.market.accounts import REPLICAS
from gridarium.market.messages.forecasts import ForecastRequest, LoadForecast
from gridarium.market.messages.status import LoadStatus, StatusRequest
from gridarium.market.messages.tariffs import LoadPlan, TariffSignal
from gridarium.market.settlement import HeadAccount, settle_head


@dataclass(frozen=True)
class HeadRecord:
    """What passed a head; arrays by settlement period, shape (n_period,), of one grid.

    Parameters
    ----------
    forecast_mw, plan_mw, metered_mw : ndarray
        As told before the terms of the supplier, as planned under them, and as it came; negative where fed
        back.
    factor_tco2_per_mwh : ndarray
        Carbon factor of what is fed back.
    """

    forecast_mw: Array
    plan_mw: Array
    metered_mw: Array
    factor_tco2_per_mwh: Array


class RecordedGrid(GridAgent):
    """Follows its supplier like the operator of a grid, but has decided everything beforehand.

    With it an upper level runs alone: it hears what it heard, and sees what it saw.

    Parameters
    ----------
    site : Site
        On the grid above.
    name : str
    record : HeadRecord
    supplier : str
        The operator of the grid above, who is paid.
    replicas : int, optional
        How many equal grids it stands for.
    """

    kind = "recorded_grid"

    def __init__(self, site: Site, name: str, record: HeadRecord, supplier: str, replicas: int = 1) -> None:
        super().__init__(site, name)
        self.site, self.supplier, self.replicas = site, supplier, replicas
        self._record, self._horizon = record, Horizon.of(self.world)
        self._terms: dict[int, TariffSignal] = {}

    @on(ForecastRequest)
    def tell_forecast(self, request: ForecastRequest, sender: str) -> LoadForecast:
        """Tell what was told."""
        return LoadForecast(request.day, self._of_day(self._record.forecast_mw, request.day))

    @on(TariffSignal)
    def take_terms(self, terms: TariffSignal, sender: str) -> LoadPlan:
        """Keep the terms, and answer with what was planned."""
        self._terms[terms.day] = terms
        return LoadPlan(self._of_day(self._record.plan_mw, terms.day))

    @on(StatusRequest)
    def tell_status(self, request: StatusRequest, sender: str) -> LoadStatus:
        """Tell what was planned for the rest of the day."""
        day, _ = self._horizon.place(request.period)
        return load_status(self._horizon, request.period, self._of_day(self._record.plan_mw, day))

    def operate(self, period: int) -> None:
        """Draw or feed back what was metered."""
        taken = self.replicas * float(self._record.metered_mw[period])
        self.site.draw(self.name, max(0.0, taken))
        self.site.supply(self.name, max(0.0, -taken), 0.0, float(self._record.factor_tco2_per_mwh[period]))

    def settle(self, period: int) -> None:
        """Pay for it and for its carbon as told; what is fed back earns nothing.

        Raises
        ------
        MessageError
            If no terms of the day have come: nobody has told it a price.
        """
        day, place = divmod(period, self._horizon.day_length)
        terms, taken_mw = self._terms.get(day), float(self._record.metered_mw[period])
        if terms is None:
            raise MessageError(f"agent {self.name}: {self.supplier} has told no terms of day {day}")
        carbon_per_h = head_carbon_per_h(self._horizon, terms, taken_mw, self.replicas)
        account = HeadAccount(
            time_s=self.world.clock.now_s,
            period=period,
            buyer=self.name,
            supplier=self.supplier,
            replicas_account=f"{self.name}/{REPLICAS}",
            replicas=self.replicas,
            taken_mwh=taken_mw * self.world.period_h,
            import_price_per_mwh=float(self._horizon.over_day(terms.price_per_mwh)[place]),
            export_price_per_mwh=0.0,
            carbon_money=float(carbon_per_h[place]) * self.world.period_h,
            carbon_collector=terms.carbon_collector or self.supplier,
        )
        settle_head(self.world.ledger, account)

    def rows(self) -> Iterator[Rows]:
        """What all that it stands for have taken and fed back."""
        fed_back = np.maximum(0.0, -self.replicas * self._record.metered_mw[: self.world.n_period])
        taken = self.world.meters[self.name]
        yield Rows("dispatch", {"bus": self.site.label, "p_supply_mw": fed_back, "p_demand_mw": taken})

    def _of_day(self, values: Array, day: int) -> Array:
        return series(self.replicas * values[self._horizon.periods(day)])
