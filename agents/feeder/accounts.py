"""The DSO's accounts of a day: settlement by period, carbon as metered, true-up at the end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from gridarium.agents.feeder.carbon_pool import CarbonPoolPlan
from gridarium.agents.feeder.contract import DsoContract
from gridarium.agents.feeder.curtailment import CurtailmentDues
from gridarium.agents.feeder.day_meters import DayMeters
from gridarium.agents.feeder.day_outlook import DayOutlook
from gridarium.agents.feeder.dispatch import Dispatch, Dispatcher
from gridarium.agents.feeder.planned_carbon import PlannedCarbon
from gridarium.agents.following import head_carbon_per_h
from gridarium.environment.arrays import Array
from gridarium.environment.grids import Grid
from gridarium.environment.horizon import Horizon
from gridarium.market.factor_bounds import FactorBounds
from gridarium.market.messages.tariffs import MarketConditions, TariffSignal
from gridarium.market.settlement import (
    PeriodAccount,
    StorageAccount,
    StorageRates,
    settle_period,
    settle_storage,
    settle_storage_compensation,
    settle_true_up,
)
from gridarium.market.supply import Situation
from gridarium.market.tariffs import Tariff, TariffOffer, carbon_revenue, granted_discount, told_to

_ROUNDING_TCO2 = 1e-9


@dataclass(frozen=True)
class DayAhead:
    """What a DSO has planned for given loads; its base of price, schedules and settlement."""

    dispatch: Dispatch
    pool: CarbonPoolPlan
    offer: TariffOffer
    situation: Situation
    outlook: DayOutlook
    carbon: PlannedCarbon
    curtailment_money: float = 0.0

    @property
    def marginal_credit_tco2_per_mwh(self) -> Array:
        """Credit for a surplus that goes with the load, shape (n_period,); the rest of it is fixed."""
        return self.offer.marginal_credit_tco2_per_mwh + np.zeros_like(self.situation.load_mw)

    def credit_t_per_h(self, load_mw: Array) -> Array:
        """Credit for a surplus at a load, tCO2/h, shape (n_period,) both."""
        return self.marginal_credit_tco2_per_mwh * load_mw + self._fixed_credit_t_per_h

    @property
    def _fixed_credit_t_per_h(self) -> Array:
        return self.offer.fixed_credit_t_per_h + np.zeros_like(self.situation.load_mw)

    @property
    def carbon_worth_per_mwh(self) -> Array:
        """What the carbon market pays for a MWh more of load before any emission, shape (n_period,)."""
        conditions = self.situation.conditions
        allowed = conditions.quota_tco2_per_mwh + self.marginal_credit_tco2_per_mwh
        return conditions.carbon_price_per_tco2 * allowed

    def net_cost_money(self, carbon_market: bool) -> float:
        """Cost of supply and curtailment, less what the carbon market pays where there is one, money per day.

        The dispatch must have had carbon in its cost where carbon is traded. What a pull of the supplier
        counts in it is nobody's money, and left out.
        """
        cost = self.dispatch.cost_money - self.dispatch.pull_money + self.curtailment_money
        if carbon_market:
            conditions, load = self.situation.conditions, self.situation.load_mw
            allowed = conditions.quota_tco2_per_mwh * load + self.credit_t_per_h(load)
            cost -= float((conditions.carbon_price_per_tco2 * allowed).sum()) * self.situation.period_h
        return cost


def sales_money(price_per_mwh: Array, plan: DayAhead) -> float:
    """What followers pay for their loads of a plan at a posted price, money per day.

    What prosumers pay, who hear no price, is not in it.

    Parameters
    ----------
    price_per_mwh : ndarray, shape (n_period,) or (n_bus, n_period)
    plan : DayAhead
    """
    one_price = price_per_mwh.ndim == 1
    paid = (
        price_per_mwh @ plan.situation.billed_mw if one_price else np.vdot(price_per_mwh, plan.carbon.load_mw)
    )
    return float(paid) * plan.situation.period_h


@dataclass(frozen=True)
class DayDues:
    """What a DSO settles over a day beside the bills of its followers.

    Parameters
    ----------
    traders : tuple of str
        Those who trade at the tariff by their meters.
    owed_money : mapping of str to float
        What an owner is to get for being commanded, once the day is over.
    curtailment : CurtailmentDues
        What followers are to get for drawing less than they have told.
    terms : TariffSignal, optional
        What the supplier asks, where its ladder is passed on.
    """

    traders: tuple[str, ...] = ()
    owed_money: Mapping[str, float] = field(default_factory=dict)
    curtailment: CurtailmentDues = field(default_factory=CurtailmentDues)
    terms: TariffSignal | None = None


class DayAccounts:
    """Settles one delivery day of a DSO; all series by settlement periods of the day.

    - `meters`: what the day's meters show
    - `settle`: books a period; the last one of the day also what is left over
    - `settled_factor`, `credit_tco2`: the factor and the credit for a surplus that were settled
    - `kept_tco2`: what of the day's carbon no load could carry, so that the operator answers for it
    - `emission_tco2`, `load_mw`, `carbon_revenue_money`, `budget_excess_money`: as metered

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
    shares : mapping of str to ndarray, shape (n_bus,)
        How what each follower draws, or trades, spreads over the buses.
    dues : DayDues, optional
        None by default.
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
        shares: Mapping[str, Array],
        dues: DayDues | None = None,
    ) -> None:
        self._dues = dues or DayDues()
        self._grid, self._world, self._tariff = grid, grid.world, tariff
        self._operator, self._contract = operator, contract
        self._periods = horizon.periods(signal.day)
        hold = horizon.by_period
        self._one_price, self._tou = signal.price_per_mwh.ndim == 1, hold(signal.reference_price_per_mwh)
        self._price = {name: hold(told_to(share, signal.price_per_mwh)) for name, share in shares.items()}
        if not self._one_price:
            # A price by bus is one for users.
            self._price |= dict.fromkeys(self._dues.traders, self._tou)
        self._wear_cost_per_h = hold(dispatcher.wear_cost_per_h(plan.dispatch))
        self.meters = DayMeters(grid, contract, dispatcher.shape.turbines, self._periods)
        self._factor = hold(plan.offer.factor_tco2_per_mwh)
        self._plan, self._horizon = plan, horizon
        self._pool_gain_t_per_h = hold(plan.pool.inflow_t_per_h - plan.pool.outflow_t_per_h)
        self._conditions: MarketConditions = plan.situation.conditions
        self._carbon_price_per_tco2 = hold(self._conditions.carbon_price_per_tco2)
        self._trades_carbon = tariff.trades_carbon and contract.carbon_market is not None
        self.settled_factor = np.zeros(horizon.day_length)
        self.credit_tco2 = np.zeros(horizon.day_length)
        self.kept_tco2 = 0.0

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
        account = self._account(period)
        settle_period(world.ledger, self._operator, account)
        self._dues.curtailment.settle(
            world.ledger,
            account.time_s,
            period,
            self._horizon.place(period)[1],
            self._operator,
            account.load_mwh,
            world.period_h,
        )
        self._settle_storages(period)
        below = self._conditions.quota_tco2_per_mwh - planned
        reduction = below * float(self.load_mw()[place]) * world.period_h
        return reduction + (self._true_up() if period == self._periods.stop - 1 else 0.0)

    def emission_tco2(self) -> Array:
        """Physical emission of each period as metered."""
        return self.meters.emission_tco2()

    def load_mw(self) -> Array:
        """What all who are supplied have drawn, as metered, MW, shape (n_period,)."""
        return self.meters.load_mw()

    def carbon_revenue_money(self, place: int | slice = slice(None)) -> Array:
        """What carbon brings in, money per period: of the carbon market by settled factor and metered load.

        Where the supplier's ladder is passed on, what that has asked for what the head took, negative.
        """
        return self._carbon_revenue_money(self.load_mw(), place)

    def _carbon_revenue_money(self, load_mw: Array, place: int | slice = slice(None)) -> Array:
        """What of it falls to a load, shape (n_period,), as metered."""
        if self._dues.terms is not None:
            whole = self.load_mw()
            share = np.divide(load_mw, whole, out=np.zeros_like(whole), where=whole > 0.0)
            return -(self._ladder_money(self._dues.terms) * share)[place]
        return carbon_revenue(
            self.settled_factor[place],
            load_mw[place],
            self._conditions.quota_tco2_per_mwh,
            self._carbon_price_per_tco2[place],
            self._world.period_h,
        )

    def _ladder_money(self, terms: TariffSignal) -> Array:
        """What the supplier's ladder has asked of one grid, money per period, shape (n_period,)."""
        taken = np.zeros(self._horizon.day_length)
        states = self._grid.states[self._periods]
        taken[: len(states)] = [state.exchange_mw for state in states]
        per_h = head_carbon_per_h(self._horizon, terms, taken, self._grid.replicas)
        return per_h * self._world.period_h

    def budget_excess_money(self) -> float:
        """Discounts beyond the carbon revenue, money per day; negative where revenue is left (C8).

        Both of those who pay the tariff: who is served at another price neither gets nor pays for discounts.
        """
        return self._discount_money() - float(self._carbon_revenue_money(self.meters.billed_mw()).sum())

    def _discount_money(self) -> float:
        """Discounts to all who pay the tariff, money per day; those who pay one price count together."""
        hours = self._world.period_h
        if self._one_price:
            price = next(iter(self._price.values()), self._tou)
            return granted_discount(price, self._tou, self.meters.billed_mw(), hours)
        metered = self.meters.billed_by_name_mw().items()
        return sum(granted_discount(self._price[name], self._tou, load, hours) for name, load in metered)

    def _settle_storages(self, period: int) -> None:
        """Trade with owners by their meters; after the day's last period pay what is owed for commands."""
        world = self._world
        for owner in self._dues.traders:
            charged, discharged = (
                float(meters[owner][period]) * world.period_h
                for meters in (world.meters, world.feed_in_meters)
            )
            account = StorageAccount(
                time_s=world.clock.now_s,
                period=period,
                owner=owner,
                operator=self._operator,
                moved_mwh=0.0,
                charged_mwh=charged,
                discharged_mwh=discharged,
                price_per_mwh=float(self._price[owner][period - self._periods.start]),
                rates=StorageRates(0.0, 0.0),
            )
            settle_storage(world.ledger, account)
        if period == self._periods.stop - 1:
            settle_storage_compensation(
                world.ledger, world.clock.now_s, period, self._operator, self._dues.owed_money
            )

    def _true_up(self) -> float:
        """Spread over the day what metered emission and loads leave of the planned carbon balance.

        Returns the reduction that this adds, tCO2.
        """
        world, hours = self._world, self._world.period_h
        load = self.load_mw()
        held = self._pool_gain_t_per_h.sum() * hours
        emitted = float(self.emission_tco2().sum())
        self.credit_tco2 = self._earned_credit_tco2(load, emitted)
        owed = emitted - held - float(self.credit_tco2.sum())
        correction = self._correct(load, owed)
        excess = self.budget_excess_money() if self._tariff.budget_balanced else 0.0
        reduction = -float(correction @ load) * hours - self.kept_tco2
        carbon = -float((self._carbon_price_per_tco2 * load) @ correction) * hours
        carbon -= float(self._carbon_price_per_tco2.mean()) * self.kept_tco2
        settle_true_up(
            world.ledger,
            self._operator,
            self._contract.carbon_market,
            world.clock.now_s,
            self._periods.stop - 1,
            {name: float(mw.sum()) * hours for name, mw in self.meters.billed_by_name_mw().items()},
            excess,
            carbon if self._trades_carbon else 0.0,
        )
        return reduction

    def _correct(self, load_mw: Array, owed_tco2: float) -> Array:
        """Let the factors of the day carry what is owed, within their bounds; by how much each has moved."""
        hours, before = self._world.period_h, self.settled_factor
        energy, bounds = float(load_mw.sum()) * hours, FactorBounds.of(self._plan.situation)
        left = owed_tco2 - float(before @ load_mw) * hours
        self.settled_factor = before + (left / energy if energy > 0.0 else 0.0)
        if not bounds.hold(self.settled_factor, load_mw):
            self.settled_factor = bounds.carried(before, load_mw, owed_tco2 / hours)
            kept = owed_tco2 - float(self.settled_factor @ load_mw) * hours
            self.kept_tco2 = kept if abs(kept) > _ROUNDING_TCO2 else 0.0
        return np.asarray(self.settled_factor - before)

    def _earned_credit_tco2(self, load_mw: Array, emission_tco2: float) -> Array:
        """Credit for a surplus in each period, by load and emission as metered, tCO2.

        A credit for avoided emission is never more than what the day has avoided against the one without the
        absorbed surplus.
        """
        fit, hold, hours = self._horizon.fit, self._horizon.by_period, self._world.period_h
        credit = hold(self._plan.credit_t_per_h(fit(load_mw))) * hours
        surplus = self._plan.outlook.surplus
        if self._tariff.credit != "avoided" or surplus is None:
            return credit
        without = float(surplus.emission_t_per_h.sum()) * self._horizon.step_h
        planned, avoided = float(credit.sum()), max(0.0, without - emission_tco2)
        return credit if planned <= avoided else credit * (avoided / planned)

    def _account(self, period: int) -> PeriodAccount:
        hours, place, contract = self._world.period_h, period - self._periods.start, self._contract
        carbon = float(self.carbon_revenue_money(place)) if self._trades_carbon else 0.0
        meters = self._world.meters
        return PeriodAccount(
            time_s=self._world.clock.now_s,
            period=period,
            load_mwh={name: float(meters[name][period]) * hours for name in contract.consumers},
            price_per_mwh={name: float(self._price[name][place]) for name in contract.consumers},
            wear_money=float(self._wear_cost_per_h[place]) * hours,
            carbon_money=carbon,
            carbon_market=contract.carbon_market,
        )
