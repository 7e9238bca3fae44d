"""What a DSO plans for given loads: dispatch, virtual carbon pool and tariff that go together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from gridarium.agents.feeder.absorbed_surplus import absorbed_surplus
from gridarium.agents.feeder.accounts import DayAhead, sales_money
from gridarium.agents.feeder.bus_loads import bus_loads
from gridarium.agents.feeder.carbon_pool import CarbonPool, CarbonPoolPlan, PoolTerms
from gridarium.agents.feeder.commitment import Review, UnitCommitter
from gridarium.agents.feeder.day_carbon import carbon_of_day
from gridarium.agents.feeder.day_outlook import DayOutlook, best_transfer
from gridarium.agents.feeder.dispatch import Dispatch, DispatchDay, Dispatcher
from gridarium.agents.feeder.dispatch_problem import DispatchShape
from gridarium.agents.feeder.dso_day import DsoDay
from gridarium.agents.feeder.hedged_days import hedge_day
from gridarium.agents.feeder.hedging import HedgeTerms
from gridarium.agents.feeder.held_taps import HeldTaps
from gridarium.agents.feeder.own_storages import OwnStorages, Redispatch
from gridarium.agents.feeder.price_setting import Intention
from gridarium.agents.feeder.set_points import PointFlow, SetPointDispatcher, SetPoints, Trial
from gridarium.environment.arrays import Array
from gridarium.environment.commons import Commons
from gridarium.environment.errors import InfeasibleError
from gridarium.environment.grids import Place
from gridarium.environment.horizon import Horizon
from gridarium.market.adcef import uncredited_offer
from gridarium.market.supply import Situation
from gridarium.market.tariffs import Tariff


class DayPlanner:
    """Plans days of one DSO again and again.

    Parameters
    ----------
    world : Commons
        Shares the compiled problems.
    owner : str
        Named in errors.
    shape : DispatchShape
    tariff : Tariff
    places : mapping of str to Site or SpreadSite
        Where the followers' loads meet the grid.
    horizon : Horizon
    carbon_in_cost : bool
        Whether carbon is priced in the dispatch.
    pool_terms : PoolTerms
    own : OwnStorages, optional
        Storages that their owners may schedule; none by default. `redispatch` changes what they draw where a
        limit of the grid asks it.
    """

    def __init__(
        self,
        world: Commons,
        owner: str,
        shape: DispatchShape,
        tariff: Tariff,
        places: Mapping[str, Place],
        horizon: Horizon,
        carbon_in_cost: bool,
        pool_terms: PoolTerms,
        own: OwnStorages | None = None,
    ) -> None:
        self._tariff, self._places, self._horizon = tariff, places, horizon
        self._carbon_in_cost = carbon_in_cost
        self.redispatch = Redispatch(world, owner, shape, own or OwnStorages())
        self.dispatcher = Dispatcher(world, owner, shape)
        self._committer = UnitCommitter(self.dispatcher)
        self._taps = HeldTaps(self.dispatcher) if shape.tap_changer else None
        self._set_points = SetPointDispatcher(world, self.dispatcher)
        self._pool = CarbonPool(world, owner, shape.storages, tariff.pool, horizon.step_h, pool_terms)

    def plan(
        self, today: DsoDay, loads_mw: Mapping[str, Array], pool: CarbonPoolPlan | None = None
    ) -> DayAhead:
        """Plan a day; units are committed anew where those that run cannot supply the loads.

        Parameters
        ----------
        today : DsoDay
        loads_mw : mapping of str to ndarray, shape (n_step,)
            Of each follower.
        pool : CarbonPoolPlan, optional
            Flows of the virtual pools, from a leader that has chosen them; allocated if left out.

        Raises
        ------
        InfeasibleError
            If the loads cannot be supplied whatever runs; names agent, period and constraint family.
        """
        planned = self.attempt(today, loads_mw, pool)
        if planned is None:
            today.commitment = self.reviewed(today, loads_mw).best
            if today.tap is None:
                self.review_taps(today, loads_mw, takes=True)
            today.forced += 1
            day = self._dispatch_day(today, loads_mw)
            planned = self._planned(self.dispatcher.solve(day), day, today, loads_mw, pool)
        return planned

    def reviewed(self, today: DsoDay, loads_mw: Mapping[str, Array]) -> Review:
        """The commitment that is held against the best one for some loads.

        Where owners' schedules of their storages break a limit of the grid whatever runs, the least change of
        them that breaks none is kept in `today.redispatched_mw`. Positions of a tap changer at which nothing
        can supply the loads are held no longer.

        Raises
        ------
        InfeasibleError
            If the loads cannot be supplied whatever runs.
        """
        day, found = self._dispatch_day(today, loads_mw), None
        if not today.own.units or self._carries(day):
            found = self._committer.review(day, today.commitment)
        if today.own.units and found is None:
            given = replace(day, load_p_mw=day.load_p_mw - today.drawn_by_own_mw(len(day.load_p_mw)))
            today.redispatched_mw = self.redispatch.changed(
                given, today.wanted_mw, today.own_initial_mwh, today.own
            )
            day = self._dispatch_day(today, loads_mw)
            found = self._committer.review(day, today.commitment)
        if found is None and today.tap is not None:
            today.tap = None
            return self.reviewed(today, loads_mw)
        if found is None:
            self.dispatcher.solve(replace(day, commitment=self.dispatcher.everything))
            raise InfeasibleError(f"agent {self.dispatcher.owner}: no commitment can supply the loads")
        return found

    def review_taps(self, today: DsoDay, loads_mw: Mapping[str, Array], takes: bool) -> bool:
        """Hold the positions of the tap changer against the best ones for some loads; see `HeldTaps`."""
        return self._taps is not None and self._taps.review(self._dispatch_day(today, loads_mw), today, takes)

    def attempt(
        self, today: DsoDay, loads_mw: Mapping[str, Array], pool: CarbonPoolPlan | None = None
    ) -> DayAhead | None:
        """Plan a day with the units that run, or None where these cannot supply its loads."""
        if today.setter.intended is not None:
            return self._as_intended(today, loads_mw, today.setter.intended)
        day = self._dispatch_day(today, loads_mw)
        dispatch = self.dispatcher.attempt(day)
        return None if dispatch is None else self._planned(dispatch, day, today, loads_mw, pool)

    def hedge(self, today: DsoDay, terms: HedgeTerms) -> None:
        """Plan storages anew for the scenarios of a day, at the loads and the offer that were agreed."""
        day = self._dispatch_day(today, today.loads_mw)
        today.hedge = hedge_day(self.dispatcher, day, today, self._places, terms)
        planned = self._planned(today.hedge.dispatch, day, today, today.loads_mw, None)
        situation = replace(planned.situation, conditions=today.plan.situation.conditions)
        today.plan = replace(planned, offer=today.plan.offer, situation=situation)

    def bench(self, today: DsoDay) -> PlannerBench:
        """What its leader may know of a day, and try out."""
        return PlannerBench(self, today)

    def try_out(self, today: DsoDay, loads_mw: Mapping[str, Array], points: SetPoints) -> Trial | None:
        """The dispatch nearest to set points, or None where the loads cannot be supplied."""
        return self._set_points.attempt(self._dispatch_day(today, loads_mw), points)

    def flow(
        self, today: DsoDay, loads_mw: Mapping[str, Array], points: SetPoints, like: Dispatch
    ) -> PointFlow:
        """The power flow of set points as they are, with the reactive power of a dispatch."""
        return self._set_points.flow(self._dispatch_day(today, loads_mw), points, like)

    def _as_intended(
        self, today: DsoDay, loads_mw: Mapping[str, Array], intended: Intention
    ) -> DayAhead | None:
        """The plan of a leader that has decided on units and pools; its factor carries no credit."""
        trial = self.try_out(today, loads_mw, intended.points)
        if trial is None:
            return None
        day = self._dispatch_day(today, loads_mw)
        planned = self._planned(trial.dispatch, day, today, loads_mw, intended.pool)
        return replace(planned, offer=uncredited_offer(planned.situation, self._tariff.adjustment))

    def look_ahead(self, today: DsoDay, before: DsoDay | None) -> DayOutlook:
        """What can be told of a day from its base loads and the supplier's terms, before any round.

        Parameters
        ----------
        today : DsoDay
        before : DsoDay or None
            The day before, with its final plan.

        Raises
        ------
        InfeasibleError
            If the base loads cannot be supplied.
        """
        market, base_mw = today.conditions, np.asarray(sum(today.base_mw.values()))
        wanted, surplus = np.zeros_like(base_mw), None
        if self._tariff.pool == "managed" or self._tariff.credit:
            day = self._dispatch_day(today, today.base_mw)
            base = self.dispatcher.solve(day)
            if self._tariff.pool == "managed":
                wanted = best_transfer(self.dispatcher, day, base, base_mw, self._tariff)
            if self._tariff.credit:
                surplus = absorbed_surplus(self._committer, day, base, today.unmanaged_charge_mw)
        last = today.number == self._horizon.n_day - 1
        pool, left = (None, None) if before is None else (before.outlook.pool, before.plan.pool)
        begun = self._pool.begin(market.quota_tco2_per_mwh, pool, left, last)
        return DayOutlook(wanted, surplus, begun, None if before is None else before.plan.carbon)

    def profit_money(self, price: Array, plan: DayAhead) -> float:
        """Sales at a price less the net cost of a plan, money per day."""
        trades = self._tariff.trades_carbon and not plan.situation.conditions.passes_ladder
        return sales_money(price, plan) - plan.net_cost_money(trades and self._carbon_in_cost)

    def _dispatch_day(self, today: DsoDay, loads_mw: Mapping[str, Array]) -> DispatchDay:
        """What is to be dispatched for some loads."""
        p_mw, q_mvar = bus_loads(loads_mw, today.loads_mvar, self._places, self.dispatcher.shape)
        p_mw += today.drawn_by_own_mw(len(p_mw))
        day = DispatchDay(
            today.conditions,
            p_mw,
            q_mvar,
            np.array(list(today.available_mw.values())).reshape(-1, self._horizon.n_step),
            np.array(list(today.initial_mwh.values())),
            self._carbon_in_cost,
            today.commitment or self.dispatcher.everything,
            today.openings,
        )
        return day if self._taps is None else self._taps.hold(day, today)

    def agreed(self, today: DsoDay) -> DispatchDay:
        """What was dispatched for the loads heard last."""
        return self._dispatch_day(today, today.loads_mw)

    def without_own(self, today: DsoDay) -> DispatchDay:
        """What was dispatched for the loads heard last, without what storages of owners draw, all closed."""
        day = self._dispatch_day(today, today.loads_mw)
        return replace(
            day, load_p_mw=day.load_p_mw - today.drawn_by_own_mw(len(day.load_p_mw)), openings=None
        )

    def _carries(self, day: DispatchDay) -> bool:
        """Whether the grid carries a day, with the units that run or with all."""
        dispatcher = self.dispatcher
        if dispatcher.attempt(day) is not None:
            return True
        if np.all(day.commitment.on):
            return False
        return dispatcher.attempt(replace(day, commitment=dispatcher.everything)) is not None

    def _planned(
        self,
        dispatch: Dispatch,
        day: DispatchDay,
        today: DsoDay,
        loads_mw: Mapping[str, Array],
        pool: CarbonPoolPlan | None,
    ) -> DayAhead:
        """Carbon pool and tariff that go with a dispatch."""
        load, outlook = np.asarray(sum(loads_mw.values())), today.outlook
        supply = self.dispatcher.supply(dispatch, today.conditions)
        conditions = today.conditions.priced_at(supply.bought_t_per_h)
        shape = self.dispatcher.shape
        drawn_mw, _ = bus_loads(loads_mw, today.loads_mvar, self._places, shape)
        carbon = carbon_of_day(shape, dispatch, day, today, drawn_mw)
        pool = pool or self._pool.allocate(dispatch, supply, outlook.wanted_transfer_t_per_h, outlook.pool)
        situation = Situation(
            conditions=conditions,
            supply=supply,
            load_mw=load,
            base_mw=np.asarray(sum(today.base_mw.values())),
            charge_mw=dispatch.charge_mw.sum(axis=0) + np.maximum(today.own_mw, 0.0).sum(axis=0),
            available_mw=day.available_mw.sum(axis=0),
            pool_in_t_per_h=pool.inflow_t_per_h.sum(axis=0),
            pool_out_t_per_h=pool.outflow_t_per_h.sum(axis=0),
            avoided_t_per_h=outlook.surplus.avoided_t_per_h if outlook.surplus else np.zeros_like(load),
            period_h=self._horizon.step_h,
            nodes=carbon,
            served_mw=np.asarray(sum(today.served_mw.values())) if today.served_mw else None,
        )
        cut_money = today.curtailment.planned_money(loads_mw, self._horizon.step_h)
        return DayAhead(dispatch, pool, self._tariff.offer(situation), situation, outlook, carbon, cut_money)


class PlannerBench:
    """What a leader may know and try out of a day, a `Bench`.

    Parameters
    ----------
    planner : DayPlanner
    today : DsoDay
    """

    def __init__(self, planner: DayPlanner, today: DsoDay) -> None:
        self._planner, self._today = planner, today

    @property
    def shape(self) -> DispatchShape:
        """Feeder, units and limits."""
        return self._planner.dispatcher.shape

    @property
    def available_mw(self) -> Array:
        """What renewables could deliver, MW, shape (n_renewable, n_period)."""
        rows = list(self._today.available_mw.values())
        return np.array(rows).reshape(len(rows), self.shape.n_period)

    @property
    def initial_mwh(self) -> Array:
        """What storages hold at first, shape (n_storage,)."""
        return np.array(list(self._today.initial_mwh.values()))

    @property
    def on(self) -> Array:
        """1 where a turbine runs, shape (n_turbine, n_period)."""
        return (self._today.commitment or self._planner.dispatcher.everything).on

    def try_out(self, loads_mw: Mapping[str, Array], points: SetPoints) -> Trial | None:
        """The dispatch nearest to set points for some loads; None where these cannot be supplied."""
        return self._planner.try_out(self._today, loads_mw, points)

    def flow(self, loads_mw: Mapping[str, Array], points: SetPoints, like: Dispatch) -> PointFlow:
        """The power flow of set points as they are, with the reactive power of a dispatch."""
        return self._planner.flow(self._today, loads_mw, points, like)
