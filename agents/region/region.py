"""Regional systems (RIES): followers at a bulk system, each one agent with users and a problem of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import ArrayLike

from gridarium.agents.base import GridAgent, on
from gridarium.agents.behaviour import Behaviour
from gridarium.agents.following import load_status
from gridarium.agents.region.region_choices import RegionChoices
from gridarium.agents.region.region_day import RegionDay
from gridarium.agents.region.region_demand import RegionDemand
from gridarium.agents.rows import Rows
from gridarium.environment.arrays import Array, series
from gridarium.environment.errors import SolveError
from gridarium.environment.grids import Place
from gridarium.environment.horizon import Horizon
from gridarium.market.accounts import PERSONAL_CARBON, RETAIL
from gridarium.market.block_prices import carbon_cost_per_h
from gridarium.market.carbon_price import PersonalLadder
from gridarium.market.messages.carbon_pools import CarbonReport, PoolShare
from gridarium.market.messages.forecasts import ForecastRequest, LoadForecast
from gridarium.market.messages.status import LoadStatus, StatusRequest
from gridarium.market.messages.tariffs import LoadPlan, TariffSignal


class Region(GridAgent):
    """A follower that hears prices of energy and carbon, plans for its users, and tells what it will draw.

    It pays its supplier for the energy that its meter shows, and for its carbon steps unless a signal names
    somebody else who collects them.

    Parameters
    ----------
    site : Place
    name : str
    demand : RegionDemand
        Of all days.
    supplier : str
        Whose signals it takes.
    behaviour : Behaviour, optional
    horizon : Horizon, optional
        Its days and steps; settlement periods by default.
    pool : str, optional
        A pool in which it may answer for its carbon together with others.
    """

    kind = "region"

    def __init__(
        self,
        site: Place,
        name: str,
        demand: RegionDemand,
        supplier: str,
        behaviour: Behaviour | None = None,
        horizon: Horizon | None = None,
        pool: str | None = None,
    ) -> None:
        super().__init__(site, name, behaviour)
        self.site, self.supplier = site, supplier
        self.horizon = horizon or Horizon.of(self.world)
        weight = demand.flexibility.dissatisfaction_weight
        daily_mwh = float(demand.base_mw.sum()) * self.horizon.step_h / self.horizon.n_day
        stake = weight / (1.0 - weight) * demand.reference_price_per_mwh * daily_mwh
        peak = float(demand.base_mw.max())
        self._days = [
            RegionDay(self.world, self.name, demand.on(self.horizon, day), peak, stake, self.horizon.step_h)
            for day in range(self.horizon.n_day)
        ]
        self._pool, self._joins = pool, True
        self._today = 0
        self._choices: RegionChoices

    def day(self, number: int) -> RegionDay:
        """One of its days."""
        return self._days[number]

    # What it lets behaviours know that choose another load than the best.

    @property
    def plans(self) -> RegionChoices:
        """The loads that it could keep to on the day that it has heard a signal about last."""
        return self._choices

    @property
    def plan_mw(self) -> Array:
        """The load that it has decided on for that day, MW, shape (n_step,)."""
        return self._days[self._today].plan.net_mw

    def value_money(self, load_mw: Array, signal: TariffSignal) -> float:
        """What a load is worth on that day: less than nothing, as all of it costs; money per day."""
        return -self._days[self._today].cost_money(self._choices.completed(load_mw), signal)

    def best_response(self, signal: TariffSignal) -> Array:
        """The load of that day that is optimal under a signal, MW, shape (n_step,)."""
        return self._days[self._today].best(signal).net_mw

    # What it tells the supplier.

    @on(ForecastRequest)
    def tell_forecast(self, request: ForecastRequest, sender: str) -> LoadForecast:
        """Tell the base load of a day as foreseen."""
        demand = self._days[request.day].demand
        told = series(self.behaviour.foresee(self, demand.base_mw))
        return LoadForecast(request.day, told, demand.flexibility_mw)

    @on(TariffSignal)
    def respond(self, signal: TariffSignal, sender: str) -> LoadPlan | None:
        """Plan against a signal as perceived and tell the load; repeat the last answer if asked again."""
        day = self._days[signal.day]
        if signal.round > day.answered_round:
            if day.answered_round == 0:
                self.behaviour.begin_day(self, signal.day)
            self._today, self._choices = signal.day, RegionChoices(day, signal)
            perceived: TariffSignal = self.behaviour.perceive(self, signal)
            best = day.best(perceived)
            chosen = self.behaviour.choose(self, perceived, best.net_mw)
            day.plan = best if chosen is best.net_mw else self._choices.completed(chosen)
            day.signal, day.answered_round = signal, signal.round
        if signal.final and self._pool is not None and signal.ladder is not None:
            self._report(self._pool, signal, signal.ladder)
        if signal.round != day.answered_round:
            return None
        own = day.own_money(day.plan) if signal.pull is not None else None
        return LoadPlan(series(day.plan.net_mw), own_money=own)

    def _report(self, pool: str, signal: TariffSignal, ladder: PersonalLadder) -> None:
        """Tell the pool what it plans to answer for, and whether it joins."""
        factor = np.maximum(signal.factor_tco2_per_mwh, 0.0)
        carbon = series(factor * self._days[signal.day].plan.net_mw)
        self.send(pool, CarbonReport(signal.day, carbon, series(factor), ladder, self._joins))

    @on(PoolShare)
    def hear_share(self, share: PoolShare, sender: str) -> None:
        """Decide about the next day: it joins as long as its share covers the fee."""
        self._joins = share.share_money >= share.fee_money

    @on(StatusRequest)
    def tell_status(self, request: StatusRequest, sender: str) -> LoadStatus:
        """Tell what it will draw from a settlement period on until the day ends, as planned."""
        day, _ = self.horizon.place(request.period)
        return load_status(self.horizon, request.period, self.horizon.by_period(self._days[day].plan.net_mw))

    # What it does.

    def operate(self, period: int) -> None:
        """Draw what the behaviour makes of the plan."""
        day, step = self.horizon.place(period)
        planned = float(self._days[day].plan.net_mw[step])
        self.site.draw(self.name, self.behaviour.act(self, period, planned))

    def settle(self, period: int) -> None:
        """Pay for energy and carbon of a period as metered, at the signal answered last.

        Raises
        ------
        SolveError
            If no signal has ever come: nobody has told it a price.
        """
        number, step = self.horizon.place(period)
        signal = self._days[number].signal
        if signal is None:
            raise SolveError(f"agent {self.name}: no price of day {number} was ever told")
        world, drawn = self.world, float(self.world.meters[self.name][period])
        hours = world.period_h
        energy = hours * drawn * float(signal.price_per_mwh[step])
        flat = np.full_like(signal.price_per_mwh, drawn)
        carbon = hours * float(carbon_cost_per_h(flat, signal.factor_tco2_per_mwh, signal.ladder)[step])
        for payee, amount, purpose in (
            (self.supplier, energy, RETAIL),
            (signal.carbon_collector or self.supplier, carbon, PERSONAL_CARBON),
        ):
            if amount:
                world.ledger.book(world.clock.now_s, self.name, payee, amount, purpose, period)

    # What it tells of itself.

    @property
    def loads_mw(self) -> dict[str, Array]:
        """Base and planned load by settlement period, MW."""
        return {
            "base": self._over(lambda day: day.demand.base_mw),
            "plan": self._over(lambda day: day.plan.net_mw),
        }

    def rows(self) -> Iterator[Rows]:
        """Its load, what it asks of its users, and what that costs and is worth on each day."""
        drawn, loads = self.world.meters[self.name], self.loads_mw
        own = self.grid.local(self.name)
        power = {"p_base_mw": loads["base"], "p_plan_mw": loads["plan"], "p_metered_mw": drawn}
        yield Rows("loads", {"group": own, **power})
        yield Rows("dispatch", {"bus": self.site.label, "p_supply_mw": 0.0, "p_demand_mw": drawn})
        asked: dict[str, ArrayLike] = {
            "cut_mw": self._over(lambda day: day.plan.cut_mw),
            "in_mw": self._over(lambda day: day.plan.in_mw),
            "out_mw": self._over(lambda day: day.plan.out_mw),
            "turned_down_mw": self._over(lambda day: day.plan.turned_down_mw),
            "drift_degc": self._over(lambda day: day.plan.drift_degc),
        }
        yield Rows("responses", asked)
        yield Rows(
            "satisfaction",
            {
                "day": np.arange(len(self._days)),
                "satisfaction": [1.0 - day.plan.dissatisfaction for day in self._days],
                "response_money": [day.response_money(day.plan) for day in self._days],
                "discomfort_money": [day.discomfort_money(day.plan) for day in self._days],
            },
            by="row",
        )

    def _over(self, of_day: Callable[[RegionDay], Array]) -> Array:
        """A series of all days, by settlement period."""
        return self.horizon.by_period(np.concatenate([of_day(day) for day in self._days]))
