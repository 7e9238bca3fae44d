"""Renewable plants: foresee, tell what they could deliver, deliver as much of it as they may."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike

from gridarium.agents.base import on
from gridarium.agents.devices.commanded import CommandedAgent
from gridarium.agents.rows import Rows
from gridarium.environment.arrays import Array, series
from gridarium.environment.errors import Fault, ProfileError
from gridarium.environment.forecast_error import ForecastError
from gridarium.environment.grids import Site
from gridarium.environment.horizon import Horizon
from gridarium.environment.pieces import Pieces
from gridarium.environment.uncertainty import ScenarioSet, latin_hypercube
from gridarium.market.messages.commands import Receipt, RenewableSetpoint
from gridarium.market.messages.forecasts import ForecastRequest, RenewableForecast
from gridarium.market.messages.status import RenewableStatus, StatusRequest

EXACT = ForecastError(bound=0.0)
"""What comes is what was foreseen."""


class RenewablePlant(CommandedAgent):
    """A wind or solar plant that delivers what there is, up to what it was told.

    - `forecast_mw`: what it could deliver, as made the day before
    - `drop`, `restore`, `drops`: there is less for a while, from the middle of a period on; how often so far

    Parameters
    ----------
    site : Site
    name : str
    forecast_mw : ndarray, shape (n_day * n_step,)
        As made the day before.
    error : ForecastError, optional
        Draws what becomes of it, day by day, from the plant's own stream; nothing unforeseen by default.
    capacity_mw : float, optional
        Installed power.
    untold_limit_mw : float, optional
        Most that it delivers in periods for which it was told nothing: idle by default.
    horizon : Horizon, optional
        Days and steps of its forecast; settlement periods by default.
    mvar_per_mw : float, optional
        Reactive power that it always gives for each MW; by default it gives what it is told.

    Raises
    ------
    ProfileError
        If the forecast leaves [0, capacity].
    """

    kind = "renewable"

    def __init__(
        self,
        site: Site,
        name: str,
        forecast_mw: Array,
        error: ForecastError = EXACT,
        capacity_mw: float = math.inf,
        untold_limit_mw: float = 0.0,
        horizon: Horizon | None = None,
        mvar_per_mw: float | None = None,
    ) -> None:
        super().__init__(site, name, horizon=horizon)
        self._mvar_per_mw = mvar_per_mw
        _check(name, forecast_mw, capacity_mw)
        self._error, self._capacity_mw = error, capacity_mw
        self._told_scenarios: dict[ForecastRequest, ScenarioSet] = {}
        self.forecast_mw = series(forecast_mw)
        self._foreseen_mw = series(self.horizon.by_period(self.forecast_mw))
        self._actual_mw = self._drawn()
        n_period = self.world.n_period
        self._limit_mw, self._told_mvar = np.full(n_period, untold_limit_mw), np.zeros(n_period)
        self.delivered_mw, self._q_mvar = np.zeros(n_period), np.zeros(n_period)
        self._available_mw = np.array(self._actual_mw)
        self._running, self._begun_s, self._fed = -1, 0.0, (0.0, 0.0)
        self._drops: list[float] = []
        self.drops = 0
        self._pieces = Pieces(self.world.clock.period_s)

    def _drawn(self) -> Array:
        """What becomes of the forecast, by settlement period."""
        # Named after the first plants that had one: under another name they would draw other errors.
        stream, days = self.stream("wind"), map(self.horizon.periods, range(self.horizon.n_day))
        drawn = [self._error.actual(self._foreseen_mw[day], stream, self._capacity_mw) for day in days]
        return series(np.concatenate(drawn))

    @on(ForecastRequest)
    def tell_forecast(self, request: ForecastRequest, sender: str) -> RenewableForecast:
        """Tell the forecast of a day, in steps, with scenarios of it where they are wanted."""
        foreseen = self.behaviour.foresee(self, self.horizon.of_day(self.forecast_mw, request.day))
        return RenewableForecast(request.day, series(foreseen), self._scenarios(request, foreseen))

    def _scenarios(self, request: ForecastRequest, foreseen_mw: Array) -> ScenarioSet | None:
        """Scenarios of a day; who asks again hears the same."""
        asked = request.scenarios
        if asked is not None and request not in self._told_scenarios:
            error = ForecastError(asked.bound, asked.persistence)
            drawn = latin_hypercube(
                foreseen_mw, error, asked.n_scenario, self.stream("scenarios"), self._capacity_mw
            )
            self._told_scenarios[request] = drawn
        return self._told_scenarios.get(request)

    @on(StatusRequest)
    def tell_power(self, request: StatusRequest, sender: str) -> RenewableStatus:
        """Tell the power of the period that is about to begin, and what it makes likely for the others."""
        period, available = request.period, series([])
        if period < self.world.n_period:
            foreseen = self._foreseen_mw[self.horizon.rest_of_day(period)]
            now = float(self._actual_mw[period])
            available = series(self._error.expected(foreseen, 0, now, self._capacity_mw))
        delivered = float(self.delivered_mw[period - 1]) if period else 0.0
        return RenewableStatus(period, delivered, available)

    @on(RenewableSetpoint)
    def take_setpoint(self, setpoint: RenewableSetpoint, sender: str) -> Receipt:
        """Keep what it shall deliver for the rest of the day."""
        if (ahead := self.commands.take(setpoint)) is not None:
            self._limit_mw[ahead] = setpoint.p_mw
            self._told_mvar[ahead] = 0.0 if setpoint.q_mvar is None else setpoint.q_mvar
        return Receipt()

    def operate(self, period: int) -> None:
        """Deliver what there is, up to what it was told (E30); free of carbon."""
        self._running, self._begun_s, self._fed = period, self.world.clock.now_s, (0.0, 0.0)
        self._pieces.begin()
        self._update()

    def drop(self, share: float) -> None:
        """Have less than there would be from this instant on, by a share of it: a cloud, or a lull."""
        self.drops += 1
        self._drops.append(share)
        self._update()

    def restore(self, share: float) -> None:
        """Have again what had dropped by that share."""
        self._drops.remove(share)
        self._update()

    def _update(self) -> None:
        """Deliver from this instant on what there is by now; nothing happens where no period runs."""
        period, since_s = self._running, self.world.clock.now_s - self._begun_s
        if since_s >= self._pieces.period_s or period < 0:
            return
        available = float(self._actual_mw[period]) * math.prod(1.0 - share for share in self._drops)
        p_mw = max(0.0, min(available, float(self._limit_mw[period])))
        self._pieces.rewrite(since_s)
        self._pieces.add(self._pieces.period_s, (p_mw, available))
        mean_mw, self._available_mw[period] = self._pieces.means
        before, q_mvar = self._fed, float(self._told_mvar[period])
        if self._mvar_per_mw is not None:
            q_mvar = self._mvar_per_mw * mean_mw
        self._fed = mean_mw, q_mvar
        self.delivered_mw[period], self._q_mvar[period] = mean_mw, q_mvar
        self.site.supply(self.name, mean_mw - before[0], q_mvar - before[1])
        self.site.set_apart(self.name, p_mw - mean_mw, 0.0)

    def rows(self) -> Iterator[Rows]:
        """What it delivered and what it could have."""
        power: dict[str, ArrayLike] = {
            "p_supply_mw": self.delivered_mw,
            "p_demand_mw": 0.0,
            "q_mvar": self._q_mvar,
        }
        yield Rows("dispatch", {"bus": self.site.label, **power, "p_available_mw": self._available_mw})


def _check(name: str, forecast_mw: Array, capacity_mw: float) -> None:
    outside = (forecast_mw < 0.0) | (forecast_mw > capacity_mw)
    if outside.any():
        period = int(np.argmax(outside))
        allowed = f"must be in [0, {capacity_mw:g}] MW"
        raise ProfileError(
            f"forecast of {name}", [Fault(f"period {period}", float(forecast_mw[period]), allowed)]
        )
