"""The DSO's accounts of a day: settlement by period, carbon as metered, true-up at the end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gridarium.agents.feeder.carbon_pool import PoolPlan
from gridarium.agents.feeder.dispatch import Dispatch, Dispatcher
from gridarium.environment.arrays import Array
from gridarium.environment.world import World
from gridarium.market.messages.tariffs import MarketConditions
from gridarium.market.settlement import PeriodAccount, settle_period, settle_true_up
from gridarium.market.supply import Situation
from gridarium.market.tariffs import Offer, Tariff, carbon_revenue, granted_discount


@dataclass(frozen=True)
class DayAhead:
    """What a DSO has planned for given loads; its base of price, schedules and settlement."""

    dispatch: Dispatch
    pool: PoolPlan
    offer: Offer
    situation: Situation

    @property
    def carbon_worth_per_mwh(self) -> Array:
        """What the carbon market pays for a MWh of load before any emission, shape (n_period,)."""
        conditions = self.situation.conditions
        allowed = conditions.quota_tco2_per_mwh - self.offer.negative_factor_tco2_per_mwh
        return conditions.carbon_price_per_tco2 * allowed

    def net_cost_money(self, carbon_market: bool) -> float:
        """Cost of supply, less what the carbon market pays where there is one, money per day.

        The dispatch must have had carbon in its cost where carbon is traded.
        """
        cost = self.dispatch.cost_money
        if carbon_market:
            worth = self.carbon_worth_per_mwh @ self.situation.load_mw
            cost -= float(worth) * self.situation.period_h
        return cost


class DayAccounts:
    """Settles one delivery day of a DSO.

    Parameters
    ----------
    world : World
    operator : str
        Its account.
    tariff : Tariff
    dispatcher : Dispatcher
        For the cost of the plan.
    plan : DayAhead
        The final one.
    price_per_mwh : ndarray, shape (n_period,)
        The final price.
    consumers : sequence of str
        Whose meters count.
    """

    def __init__(
        self,
        world: World,
        operator: str,
        tariff: Tariff,
        dispatcher: Dispatcher,
        plan: DayAhead,
        price_per_mwh: Array,
        consumers: Sequence[str],
    ) -> None:
        self._world, self._operator, self._tariff = world, operator, tariff
        self._plan, self._price = plan, price_per_mwh
        self._fuel_cost_per_h = dispatcher.fuel_cost_per_h(plan.dispatch)
        self._wear_cost_per_h = dispatcher.wear_cost_per_h(plan.dispatch)
        self._consumers = tuple(consumers)
        self._conditions: MarketConditions = plan.situation.conditions
        self.settled_factor = np.zeros(world.n_period)

    def settle(self, period: int) -> float:
        """Book a period as it was metered; after the last one true up carbon and budget.

        Returns
        -------
        float
            Emission below the quota, tCO2.
        """
        world = self._world
        planned = float(self._plan.offer.factor_tco2_per_mwh[period])
        self.settled_factor[period] = planned
        settle_period(world.ledger, self._operator, self._account(period))
        below = self._conditions.quota_tco2_per_mwh - planned
        reduction = below * float(self._metered(period)) * world.period_h
        return reduction + (self._true_up() if period == world.n_period - 1 else 0.0)

    def emission_tco2(self) -> Array:
        """Physical emission of each period as metered: import at the grid's factor, and turbines."""
        turbine = self._plan.situation.supply.turbine_t_per_h
        imported = np.array([max(0.0, float(state.flow.p_slack_mw[0])) for state in self._world.states])
        periods = len(imported)
        grid = self._conditions.grid_factor_tco2_per_mwh[:periods] * imported
        return np.asarray((grid + turbine[:periods]) * self._world.period_h)

    def carbon_revenue_money(self, period: int | slice = slice(None)) -> Array:
        """What the carbon market owes, money per period, by settled factor and metered load."""
        return carbon_revenue(
            self.settled_factor[period],
            self._metered(period),
            self._conditions.quota_tco2_per_mwh,
            self._conditions.carbon_price_per_tco2,
            self._world.period_h,
        )

    def budget_excess_money(self) -> float:
        """Discounts beyond the carbon revenue, money per day; negative where revenue is left (C8)."""
        discount = granted_discount(
            self._price,
            self._conditions.tou_price_per_mwh,
            self._metered(),
            self._world.period_h,
        )
        return discount - float(self.carbon_revenue_money().sum())

    def _true_up(self) -> float:
        """Spread over the day what metered emission and loads leave of the planned carbon balance.

        Returns the reduction that this adds, tCO2.
        """
        world, plan, hours = self._world, self._plan, self._world.period_h
        load = self._metered()
        held = (plan.pool.inflow_t_per_h - plan.pool.outflow_t_per_h).sum() * hours
        credit = -float(plan.offer.negative_factor_tco2_per_mwh @ load) * hours
        owed = float(self.emission_tco2().sum()) - held - credit
        energy = float(load.sum()) * hours
        correction = (owed - float(self.settled_factor @ load) * hours) / energy if energy > 0 else 0.0
        self.settled_factor += correction
        excess = self.budget_excess_money() if self._tariff.budget_balanced else 0.0
        reduction = -correction * energy
        carbon = reduction * self._conditions.carbon_price_per_tco2
        used = {name: float(world.meters[name].sum()) * hours for name in self._consumers}
        settle_true_up(
            world.ledger,
            self._operator,
            world.clock.now_s,
            world.n_period - 1,
            used,
            excess,
            carbon if self._tariff.trades_carbon else 0.0,
        )
        return reduction

    def _metered(self, period: int | slice = slice(None)) -> Array:
        """Load of all consumers as metered, MW."""
        return np.asarray(sum(self._world.meters[name][period] for name in self._consumers))

    def _account(self, period: int) -> PeriodAccount:
        hours = self._world.period_h
        slack_mwh = float(self._world.states[period].flow.p_slack_mw[0]) * hours
        conditions = self._conditions
        carbon = float(self.carbon_revenue_money(period)) if self._tariff.trades_carbon else 0.0
        return PeriodAccount(
            time_s=self._world.clock.now_s,
            period=period,
            load_mwh={name: float(self._world.meters[name][period]) * hours for name in self._consumers},
            price_per_mwh=float(self._price[period]),
            import_mwh=max(0.0, slack_mwh),
            wholesale_price_per_mwh=float(conditions.wholesale_price_per_mwh[period]),
            export_mwh=max(0.0, -slack_mwh),
            export_price_per_mwh=float(conditions.export_price_per_mwh[period]),
            fuel_money=float(self._fuel_cost_per_h[period]) * hours,
            wear_money=float(self._wear_cost_per_h[period]) * hours,
            carbon_money=carbon,
        )
