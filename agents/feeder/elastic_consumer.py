"""Elastic consumers: followers who answer relative price changes by elasticities, within bounds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from gridarium.agents.feeder.load_follower import LoadFollower
from gridarium.agents.feeder.load_forecast import LoadOutturn, scaled_response
from gridarium.agents.rows import Rows
from gridarium.environment.arrays import Array, series
from gridarium.environment.horizon import Horizon
from gridarium.market.elasticity import Elasticity, ResponseBounds, relative_change
from gridarium.market.messages.tariffs import TariffSignal


@dataclass(frozen=True)
class ElasticDemand:
    """An elastic consumer's private data.

    Parameters
    ----------
    base_mw : ndarray, shape (n_step,)
        Load under the reference price, of a day or of several.
    elasticity : Elasticity
    bounds : ResponseBounds
    curtailment_cost_per_mwh : float
        What it loses with each MWh that it draws below its base load.
    outturn : LoadOutturn, optional
        What the base load, being foreseen, turns out to be; exactly itself where it is left out.
    deviation_share : float
        Largest share by which the load may come to differ from its forecast.
    """

    base_mw: Array
    elasticity: Elasticity
    bounds: ResponseBounds
    curtailment_cost_per_mwh: float = 0.0
    outturn: LoadOutturn | None = None
    deviation_share: float = 0.0

    def on(self, horizon: Horizon, day: int) -> ElasticDemand:
        """The demand of one day."""
        outturn = self.outturn.on(horizon, day) if self.outturn else None
        return replace(self, base_mw=horizon.of_day(self.base_mw, day), outturn=outturn)


class ElasticPlans:
    """Loads within the bounds of an elastic consumer; the material of bounded choices.

    Parameters
    ----------
    base_mw : ndarray, shape (n_step,)
    bounds : ResponseBounds
    """

    def __init__(self, base_mw: Array, bounds: ResponseBounds) -> None:
        self.base_mw, self._bounds = base_mw, bounds

    def cheapest(self, price: Array, /) -> Array:
        """The load with the lowest bill: all that may be left out is, in the dearest hours first."""
        share, base = self._bounds.flexible_share, self.base_mw
        change = np.where(price > 0.0, -share, share)
        if self._bounds.saving_share is None:
            return np.asarray(base * (1.0 + change))
        missing = (1.0 - self._bounds.saving_share) * float(base.sum()) - float((base * (1.0 + change)).sum())
        load = base * (1.0 + change)
        for step in np.argsort(price, kind="stable"):
            added = min(max(missing, 0.0), float((1.0 + share) * base[step] - load[step]))
            load[step] += added
            missing -= added
        return np.asarray(load)

    def nearest(self, load_mw: Array) -> Array:
        """The feasible load nearest to any load, relative to the base load."""
        change = np.divide(load_mw, self.base_mw, out=np.ones_like(self.base_mw), where=self.base_mw > 0.0)
        return self._bounds.keep(self.base_mw, change - 1.0)

    def between(self, first_mw: Array, second_mw: Array, weight: float) -> Array:
        """The mixture with a weight in [0, 1] on the second."""
        return np.asarray((1.0 - weight) * first_mw + weight * second_mw)


class ElasticDay:
    """What one elastic consumer needs on one day, and what it makes of a tariff.

    Parameters
    ----------
    owner : str
        The consumer, named in errors.
    demand : ElasticDemand
        Of the day.
    step_h : float
        Length of a step of the day, h.
    """

    def __init__(self, owner: str, demand: ElasticDemand, step_h: float) -> None:
        self._owner, self.demand, self._step_h = owner, demand, step_h
        self._elasticities = demand.elasticity.matrix(len(demand.base_mw), step_h)
        self.plans = ElasticPlans(demand.base_mw, demand.bounds)
        self.plan_mw = series(demand.base_mw)
        self.answered_round = 0
        self.reference_price_per_mwh = np.full_like(demand.base_mw, np.nan)

    @property
    def base_mw(self) -> Array:
        """Load under the reference price, as foreseen, MW, shape (n_step,)."""
        return self.demand.base_mw

    @property
    def actual_base_mw(self) -> Array:
        """What that turns out to be, MW, shape (n_step,)."""
        outturn = self.demand.outturn
        return self.demand.base_mw if outturn is None else outturn.actual_mw

    @property
    def turned_out_mw(self) -> Array:
        """The plan at the base load that turns out, MW, shape (n_step,)."""
        if self.demand.outturn is None:
            return self.plan_mw
        return scaled_response(self.plan_mw, self.base_mw, self.actual_base_mw)

    def decide(self, load_mw: Array) -> None:
        """Take a feasible load for its plan."""
        self.plan_mw = series(load_mw)

    def best_load(self, signal: TariffSignal) -> Array:
        """Load that its elasticities and bounds make of a tariff, MW, shape (n_step,); equations A5, A6."""
        change = relative_change(
            self._elasticities, signal.price_per_mwh, signal.reference_price_per_mwh, f"agent {self._owner}"
        )
        return self.demand.bounds.keep(self.demand.base_mw, change)

    def value_money(self, load_mw: Array, signal: TariffSignal) -> float:
        """What is lost by another load than its own answer to a tariff, money per day, at most 0.

        Elasticities tell no utility. Near its own answer an hour's demand line falls by
        ``pi0 / (-eps_tt P0)`` for each MW, and half of that times the square of the distance is lost.
        """
        base, away = self.demand.base_mw, load_mw - self.best_load(signal)
        drawn = base > 0.0
        slope = signal.reference_price_per_mwh[drawn] / (-self.demand.elasticity.own * base[drawn])
        return -0.5 * float(slope @ away[drawn] ** 2) * self._step_h

    def regret_money(self, signal: TariffSignal) -> float:
        """What is lost by its plan against its own answer to a tariff, money per day."""
        return -self.value_money(self.plan_mw, signal)


class ElasticConsumer(LoadFollower[ElasticDemand, ElasticDay]):
    """A follower whose answer to a tariff follows from its elasticities, equations A4 to A6.

    Parameters
    ----------
    place : Site or SpreadSite
        Where its load meets the grid.
    name : str
    group : str
        Its class, for tables.
    demand : ElasticDemand
        Of all days.
    leader : str
        Whose tariff it takes.
    behaviour : Behaviour, optional
    horizon : Horizon, optional
        Its days and steps; settlement periods by default.
    """

    def _begin(self, demand: ElasticDemand) -> ElasticDay:
        return ElasticDay(self.name, demand, self.horizon.step_h)

    def rows(self) -> Iterator[Rows]:
        """Its load, and what it lost by drawing less than its base load."""
        yield from super().rows()
        cost_per_mwh = self._demand.curtailment_cost_per_mwh
        if cost_per_mwh:
            cut_mw = np.maximum(0.0, self.loads_mw["base"] - self.drawn_mw)
            lost = cost_per_mwh * float(cut_mw.sum()) * self.world.period_h
            yield Rows("payoffs", {"item": "curtailment", "amount_money": -lost}, by="row")
