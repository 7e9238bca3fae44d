"""The DSO's accounts of a day: settlement by period, carbon as metered, true-up at the end."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gridarium.agents.feeder.carbon_pool import CarbonPoolPlan
from gridarium.agents.feeder.contract import DsoContract
from gridarium.agents.feeder.dispatch import Dispatch, Dispatcher
from gridarium.environment.arrays import Array
from gridarium.environment.grids import Grid
from gridarium.environment.horizon import Horizon
from gridarium.market.messages.tariffs import MarketConditions, TariffSignal
from gridarium.market.settlement import PeriodAccount, settle_period, settle_true_up
from gridarium.market.supply import Situation
from gridarium.market.tariffs import Tariff, TariffOffer, carbon_revenue, granted_discount


@dataclass(frozen=True)
class DayAhead:
    """What a DSO has planned for given loads; its base of price, schedules and settlement."""

    dispatch: Dispatch
    pool: CarbonPoolPlan
    offer: TariffOffer
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
    """Settles one delivery day of a DSO; all series by settlement periods of the day.

    Parameters
    ----------
    grid : Grid
    operator : str
        Its own account.
    contract : DsoContract
        With whom it settles, and whose meters it reads.
    tariff : Tariff
    dispatcher : Dispatcher
        For the cost of the plan.
    plan : DayAhead
        The final one.
    signal : TariffSignal
        The final one, in the steps of the plan.
    horizon : Horizon
    """

    def __init__(
        self,
        grid: Grid,
        operator: str,
        contract: DsoContract,
        tariff: Tariff,
        dispatcher: Dispatcher,
        plan: DayAhead,
        signal: TariffSignal,
        horizon: Horizon,
    ) -> None:
        self._grid, self._world, self._tariff = grid, grid.world, tariff
        self._operator, self._contract = operator, contract
        self._periods = horizon.periods(signal.day)
        hold = horizon.by_period
        self._price, self._tou = hold(signal.price_per_mwh), hold(signal.reference_price_per_mwh)
        self._wear_cost_per_h = hold(dispatcher.wear_cost_per_h(plan.dispatch))
        self._turbine_t_per_h = hold(plan.situation.supply.turbine_t_per_h)
        self._factor = hold(plan.offer.factor_tco2_per_mwh)
        self._negative_factor = hold(plan.offer.negative_factor_tco2_per_mwh)
        self._pool_gain_t_per_h = hold(plan.pool.inflow_t_per_h - plan.pool.outflow_t_per_h)
        self._conditions: MarketConditions = plan.situation.conditions
        self.settled_factor = np.zeros(horizon.day_length)

    def settle(self, period: int) -> float:
        """Book a period as it was metered; after the day's last one true up carbon and budget.

        Returns
        -------
        float
            Emission below the quota, tCO2.
        """
        place, world = period - self._periods.start, self._world
        planned = float(self._factor[place])
        self.settled_factor[place] = planned
        settle_period(world.ledger, self._operator, self._account(period))
        below = self._conditions.quota_tco2_per_mwh - planned
        reduction = below * float(self.load_mw()[place]) * world.period_h
        return reduction + (self._true_up() if period == self._periods.stop - 1 else 0.0)

    def emission_tco2(self) -> Array:
        """Physical emission of each period as metered: what came through the head, and turbines."""
        imported = np.maximum(0.0, [state.head_t_per_h for state in self._grid.states[self._periods]])
        return np.asarray((imported + self._turbine_t_per_h[: len(imported)]) * self._world.period_h)

    def carbon_revenue_money(self, place: int | slice = slice(None)) -> Array:
        """What the carbon market owes, money per period, by settled factor and metered load."""
        return carbon_revenue(
            self.settled_factor[place],
            self.load_mw()[place],
            self._conditions.quota_tco2_per_mwh,
            self._conditions.carbon_price_per_tco2,
            self._world.period_h,
        )

    def budget_excess_money(self) -> float:
        """Discounts beyond the carbon revenue, money per day; negative where revenue is left (C8)."""
        discount = granted_discount(self._price, self._tou, self.load_mw(), self._world.period_h)
        return discount - float(self.carbon_revenue_money().sum())

    def load_mw(self) -> Array:
        """What consumers and grids below have drawn, as metered, MW, shape (n_period,)."""
        return np.asarray(sum(self._metered_mw().values()))

    def _metered_mw(self) -> dict[str, Array]:
        """Load of each customer, MW; of a grid below that of all its replicas."""
        meters, nothing = self._world.meters, np.zeros(self._world.n_period)
        metered = {name: meters.get(name, nothing)[self._periods] for name in self._contract.consumers}
        for name, grid in self._contract.below.items():
            drawn = np.zeros(self._periods.stop - self._periods.start)
            states = grid.states[self._periods]
            drawn[: len(states)] = [state.exchange_mw * grid.replicas for state in states]
            metered[name] = drawn
        return metered

    def _true_up(self) -> float:
        """Spread over the day what metered emission and loads leave of the planned carbon balance.

        Returns the reduction that this adds, tCO2.
        """
        world, hours = self._world, self._world.period_h
        load = self.load_mw()
        held = self._pool_gain_t_per_h.sum() * hours
        credit = -float(self._negative_factor @ load) * hours
        owed = float(self.emission_tco2().sum()) - held - credit
        energy = float(load.sum()) * hours
        correction = (owed - float(self.settled_factor @ load) * hours) / energy if energy > 0 else 0.0
        self.settled_factor += correction
        excess = self.budget_excess_money() if self._tariff.budget_balanced else 0.0
        reduction = -correction * energy
        carbon = reduction * self._conditions.carbon_price_per_tco2
        settle_true_up(
            world.ledger,
            self._operator,
            self._contract.carbon_market,
            world.clock.now_s,
            self._periods.stop - 1,
            {name: float(mw.sum()) * hours for name, mw in self._metered_mw().items()},
            excess,
            carbon if self._tariff.trades_carbon else 0.0,
        )
        return reduction

    def _account(self, period: int) -> PeriodAccount:
        hours, place, contract = self._world.period_h, period - self._periods.start, self._contract
        carbon = float(self.carbon_revenue_money(place)) if self._tariff.trades_carbon else 0.0
        meters = self._world.meters
        return PeriodAccount(
            time_s=self._world.clock.now_s,
            period=period,
            load_mwh={name: float(meters[name][period]) * hours for name in contract.consumers},
            price_per_mwh=float(self._price[place]),
            wear_money=float(self._wear_cost_per_h[place]) * hours,
            carbon_money=carbon,
            carbon_market=contract.carbon_market,
        )
