"""Followers of a tariff: whoever hears a price, plans its load of a day, and tells the leader the load."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Generic, Protocol, Self, TypeVar

import numpy as np

from gridarium.agents.base import GridAgent, on
from gridarium.agents.behaviour import Behaviour, LoadChoices
from gridarium.agents.feeder.load_forecast import LoadOutturn
from gridarium.agents.guarded import own_answer
from gridarium.agents.rows import Rows, columns_of
from gridarium.environment.arrays import Array, series
from gridarium.environment.grids import Place
from gridarium.environment.horizon import Horizon
from gridarium.market.messages.forecasts import ForecastRequest, LoadForecast
from gridarium.market.messages.tariffs import LoadPlan, TariffSignal


class FollowerDay(Protocol):
    """What a follower needs on one day, and what it makes of a tariff; arrays of shape (n_step,), MW.

    - `plan_mw`: what it has decided on; `answered_round`: the round whose tariff it has answered last
    - `reference_price_per_mwh`: at which the base load is what it wants; nan until it has heard a tariff
    """

    plan_mw: Array
    answered_round: int
    reference_price_per_mwh: Array

    @property
    def base_mw(self) -> Array:
        """Load under the reference price, as foreseen."""

    @property
    def actual_base_mw(self) -> Array:
        """What that turns out to be."""

    @property
    def turned_out_mw(self) -> Array:
        """The plan at the base load that turns out."""

    @property
    def plans(self) -> LoadChoices:
        """The loads that it could keep to."""

    def decide(self, load_mw: Array) -> None:
        """Take a feasible load for its plan."""

    def best_load(self, signal: TariffSignal) -> Array:
        """Load that is its own answer to a tariff."""

    def value_money(self, load_mw: Array, signal: TariffSignal) -> float:
        """What a feasible load is worth to it under a tariff, money per day."""

    def regret_money(self, signal: TariffSignal) -> float:
        """What it loses by its plan against its own answer to a tariff, money per day."""


class FollowerDemand(Protocol):
    """A follower's private data, of a day or of several."""

    @property
    def outturn(self) -> LoadOutturn | None:
        """What the base load, being foreseen, turns out to be; None for exactly itself."""

    @property
    def deviation_share(self) -> float:
        """Largest share by which the load may come to differ from its forecast."""

    def on(self, horizon: Horizon, day: int) -> Self:
        """That of one day."""


DemandT = TypeVar("DemandT", bound=FollowerDemand)
DayT = TypeVar("DayT", bound=FollowerDay)


class LoadFollower(GridAgent, Generic[DemandT, DayT]):
    """A follower: hears a tariff, plans its load, tells the leader the load and nothing else.

    Each day is planned by itself; who plans in hours holds its plan over the quarters of an hour. A subclass
    says in `_begin` what it makes of a day.

    - `deviation_share`: by which its load may come to differ from what it foresees, either way

    Parameters
    ----------
    place : Site or SpreadSite
        Where its load meets the grid.
    name : str
    group : str
        Its class, for tables.
    demand : FollowerDemand
        Of all days.
    leader : str
        Whose tariff it takes.
    behaviour : Behaviour, optional
    horizon : Horizon, optional
        Its days and steps; settlement periods by default.
    """

    kind = "consumer"

    def __init__(
        self,
        place: Place,
        name: str,
        group: str,
        demand: DemandT,
        leader: str,
        behaviour: Behaviour | None = None,
        horizon: Horizon | None = None,
    ) -> None:
        super().__init__(place, name, behaviour)
        self._demand, self.deviation_share = demand, demand.deviation_share
        self.place, self.group, self.leader = place, group, leader
        self.horizon = horizon or Horizon.of(self.world)
        self._today = 0
        self._days = [self._begin(demand.on(self.horizon, day)) for day in range(self.horizon.n_day)]

    def _begin(self, demand: DemandT) -> DayT:
        """What it needs on a day of this demand, and what it makes of a tariff then."""
        raise NotImplementedError

    @property
    def today(self) -> DayT:
        """The day about which it has heard a tariff last."""
        return self._days[self._today]

    def day(self, number: int) -> DayT:
        """One of its days."""
        return self._days[number]

    @on(ForecastRequest)
    def tell_forecast(self, request: ForecastRequest, sender: str) -> LoadForecast:
        """Tell the base load of a day as foreseen."""
        base = series(self.behaviour.foresee(self, self._days[request.day].base_mw))
        return LoadForecast(request.day, base, deviation_share=self.deviation_share)

    @on(TariffSignal)
    def respond(self, signal: TariffSignal, sender: str) -> LoadPlan | None:
        """Plan against the tariff as perceived, and tell the plan; repeat the last one if asked again.

        A tariff that a newer one has overtaken on the way is left unanswered.
        """
        day = self._days[signal.day]
        day.reference_price_per_mwh = signal.reference_price_per_mwh
        if signal.round > day.answered_round:
            if day.answered_round == 0:
                self.behaviour.begin_day(self, signal.day)
            self._today = signal.day
            perceived = self.behaviour.perceive(self, signal)
            best = own_answer(self, signal.day, self.best_response(perceived), day.base_mw)
            day.decide(self.behaviour.choose(self, perceived, best))
            day.answered_round = signal.round
        return LoadPlan(day.plan_mw) if signal.round == day.answered_round else None

    def best_response(self, signal: TariffSignal) -> Array:
        """Load of today that is its own answer to a tariff, MW, shape (n_step,)."""
        return self.today.best_load(signal)

    @property
    def plans(self) -> LoadChoices:
        """The loads that it could keep to today, for behaviours that choose another than its own answer."""
        return self.today.plans

    @property
    def plan_mw(self) -> Array:
        """What it has decided on for today, MW, shape (n_step,)."""
        return self.today.plan_mw

    def value_money(self, load_mw: Array, signal: TariffSignal) -> float:
        """What a feasible load of today is worth to it under a tariff, money per day."""
        return self.today.value_money(load_mw, signal)

    def operate(self, period: int) -> None:
        """Draw what the behaviour makes of the plan, at the base load that turns out."""
        day, step = self.horizon.place(period)
        planned = float(self._days[day].turned_out_mw[step])
        self.place.draw(self.name, self.behaviour.act(self, period, planned))

    def rows(self) -> Iterator[Rows]:
        """Its load before and after its response, and where it drew it."""
        loads, drawn = self.loads_mw, self.drawn_mw
        values = {"p_base_mw": loads["base"], "p_plan_mw": loads["plan"], "p_metered_mw": drawn}
        if self._demand.outturn is not None:
            foreseen = np.concatenate([day.base_mw for day in self._days])
            values["p_foreseen_mw"] = self.horizon.by_period(foreseen)
            errors = [{"group": self.group, **asdict(error)} for error in self._demand.outturn.errors]
            yield Rows("forecast_errors", columns_of(errors), by="row")
        yield Rows("loads", {"group": self.group, **values})
        q_mvar = -drawn * float(self.place.q_share.sum())
        power = {"p_demand_mw": drawn, "q_mvar": q_mvar}
        yield Rows("dispatch", {"bus": self.place.label, "p_supply_mw": 0.0, **power})

    @property
    def drawn_mw(self) -> Array:
        """What it has drawn in each settlement period, as metered, MW."""
        return self.world.meters[self.name]

    @property
    def loads_mw(self) -> dict[str, Array]:
        """Base load as it turned out, and planned load, by settlement period, MW, for the record."""
        base = np.concatenate([day.actual_base_mw for day in self._days])
        plan = np.concatenate([day.plan_mw for day in self._days])
        return {"base": self.horizon.by_period(base), "plan": self.horizon.by_period(plan)}
