"""The operator of a feeder that pays virtual power plants for the cleanness of what they store."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from typing import Any

import numpy as np

from gridarium.agents.distribution.cleanness_setter import CleannessSetter
from gridarium.agents.distribution.contract import OperatorContract
from gridarium.agents.distribution.green_deliveries import GreenDeliveries
from gridarium.agents.distribution.operator_day import OperatorDay, RegionalOutlook
from gridarium.agents.distribution.operator_rows import OperatorRows
from gridarium.agents.distribution.supplied_terms import ladder_price_per_tco2, moved_prices, parted_pull
from gridarium.agents.following import HeadCustomer
from gridarium.agents.leading import lead
from gridarium.agents.rows import Rows
from gridarium.environment.arrays import Array
from gridarium.environment.errors import MessageError, UnheardError
from gridarium.environment.grids import Site
from gridarium.environment.horizon import Horizon
from gridarium.environment.power_flow import PowerFlow
from gridarium.market.cleanness import green_price_per_mwh
from gridarium.market.messages.cleanness import CarbonPriceRequest, EnvironmentalReport
from gridarium.market.messages.forecasts import ForecastRequest
from gridarium.market.messages.tariffs import TariffSignal
from gridarium.market.regional_settlement import RegionAccount, settle_region
from gridarium.market.stackelberg import NegotiationRules

_LAST_DELIVERY_TIMEOUTS = 3
"""Timeouts for which a day waits for its last deliveries: plants wait for reports of storages themselves."""


class DistributionOperator(HeadCustomer):
    """Buys at the head, sells in regions at their nodal prices, and pays for green energy that is used there.

    - `days`: what it was told, what plants answered and what it has posted, day by day
    - `deliveries`: certificates that it was handed, and what it has paid for them

    Parameters
    ----------
    site : Site
    name : str
    contract : OperatorContract
    rules : NegotiationRules
        Of the first day; those of later days follow in steps of a day.
    horizon : Horizon, optional
        Days and steps of its plan; settlement periods by default.

    Notes
    -----
    Scenarios 1 to 3 of model B by messages: it publishes nodal carbon potential and price, plants answer with
    their plans, in turns. It settles with each plant by meters and by certificates.
    """

    kind = "distribution_operator"

    def __init__(
        self,
        site: Site,
        name: str,
        contract: OperatorContract,
        rules: NegotiationRules,
        horizon: Horizon | None = None,
    ) -> None:
        super().__init__(site, name, contract.supplier, horizon=horizon)
        self.contract, self.rules = contract, rules
        self._loads = tuple(self.grid.spread(region.buses) for region in contract.regions)
        self.days: list[OperatorDay] = []
        self.deliveries = GreenDeliveries(self, contract, self._green_price_per_mwh)
        self.mount(self.deliveries)

    # The story of its days.

    def process(self) -> Generator[Any, Any, None]:
        """Each day: ask what is to come, and lead the plants under each of the supplier's signals."""
        for number in range(self.horizon.n_day):
            rules = self.rules.later(number * self.horizon.day_s)
            yield self.world.clock.wait_until(max(self.world.clock.now_s, rules.opens_s))
            told = yield from self._gather(number, rules)
            today = OperatorDay(number, self.contract, self.horizon, rules, *self._expected(told))
            today.flow = self._flow(today, {})
            self.days.append(today)
            self.answer_forecasts()
            later = [one[self.supplier] for one in told if self.supplier in one]
            while not today.committed:
                yield from self._follow(today, later)

    def _gather(self, number: int, rules: NegotiationRules) -> Generator[Any, Any, list[Mapping[str, Any]]]:
        """Ask for loads and carbon prices of the days ahead, and the supplier for its terms of later ones.

        Raises
        ------
        UnheardError
            If somebody has not answered when the gate closes.
        """
        told = []
        for day in self.contract.outlook_days(number, self.horizon):
            requests: dict[str, Any] = {region.load: ForecastRequest(day) for region in self.contract.regions}
            if self.contract.carbon_market is not None:
                requests[self.contract.carbon_market] = CarbonPriceRequest(day)
            if day > number:
                requests[self.supplier] = ForecastRequest(day)
            question = self.ask_until(self.rules, rules.closes_s, requests)
            silent = yield from question.answered()
            if silent:
                raise UnheardError(self.name, f"nothing told of day {day} by", silent)
            told.append(question.replies)
        return told

    def _expected(self, told: list[Mapping[str, Any]]) -> tuple[Array, Array]:
        """Loads, shape (n_region, n_ahead), and prices of carbon, shape (n_ahead,), of the days ahead."""
        fit = self.horizon.fit
        load_mw = [[fit(one[region.load].load_mw) for region in self.contract.regions] for one in told]
        market, untold = self.contract.carbon_market, np.full(self.horizon.n_step, np.nan)
        carbon = [untold if market is None else fit(one[market].price_per_tco2) for one in told]
        return np.concatenate(load_mw, axis=1), np.concatenate(carbon)

    def _follow(self, today: OperatorDay, later: list[TariffSignal]) -> Generator[Any, Any, None]:
        """Wait for the supplier's next signal, lead the plants under it, and tell the supplier the plan."""
        asked, terms = yield from self.next_terms(today.number, today.rules.closes_s)
        self._take(today, terms, later)
        setter = CleannessSetter(self.contract, today, today.rules.damping)
        led = yield from lead(self, setter, today.rules, len(today.rounds))
        today.rounds += led.rounds
        today.committed = terms.final
        today.flow = self._flow(today, self.contract.plants)
        self.tell_plan(asked, terms)

    def _take(self, today: OperatorDay, terms: TariffSignal, later: list[TariffSignal]) -> None:
        """Take the supplier's terms, with its part of them as one of several equal grids."""
        replicas, contract, n_step = self.grid.replicas, self.contract, self.horizon.n_step
        taken_mw = today.flow.p_slack_mw
        if contract.carbon_market is None:
            today.carbon_price_per_tco2 = ladder_price_per_tco2(
                self.name, terms, self.horizon, replicas, taken_mw
            )
        today.terms, today.outlook = terms, self._outlook(today, [terms, *later])
        if terms.pull is not None:
            pull = terms.pull.each_of(replicas).over(self.horizon.fit)
            drawn_mw = {name: today.drawn_mw(name)[:, :n_step] for name in contract.plants}
            today.pulls = parted_pull(contract, pull, today.load_mw[:, :n_step], drawn_mw, taken_mw)

    def _outlook(self, today: OperatorDay, told: list[TariffSignal]) -> RegionalOutlook:
        """What is known of the days ahead.

        Raises
        ------
        MessageError
            If the supplier does not tell how green its supply is.
        """
        fit, contract = self.horizon.fit, self.contract
        green_share = []
        for terms in told:
            if terms.green_share is None:
                who = f"agent {self.name}: its supplier {self.supplier}"
                raise MessageError(f"{who} does not tell the green share of day {terms.day}")
            green_share.append(fit(terms.green_share))
        prices = contract.prices(range(today.number, today.number + len(told)), self.horizon)
        if contract.follows_supply:
            asked = np.concatenate([fit(terms.price_per_mwh) for terms in told])
            prices = moved_prices(*prices, today.load_mw, asked)
        return RegionalOutlook(
            today.load_mw,
            *prices,
            green_price_per_mwh(today.carbon_price_per_tco2, contract.avoided_tco2_per_mwh),
            np.concatenate([fit(terms.factor_tco2_per_mwh) for terms in told]),
            np.concatenate(green_share),
        )

    # What it tells its supplier.

    def head_forecast_mw(self, day: int) -> Array | None:
        """What the loads of the regions take through the head while storages rest."""
        if day >= len(self.days):
            return None
        return self._flow(self.days[day], {}).p_slack_mw

    def terms_of_day(self, day: int) -> TariffSignal:
        """The signal under which the day was settled."""
        return self.days[day].terms

    def head_plan_mw(self, day: int) -> Array:
        """What loads and storages as planned take through the head, losses among it."""
        return self.days[day].flow.p_slack_mw

    def head_plan_mvar(self, day: int) -> Array:
        """Reactive power that goes with it."""
        return self.days[day].flow.q_slack_mvar

    def _flow(self, day: OperatorDay, plants: Mapping[str, Any]) -> PowerFlow:
        """AC power flow of a day with the storages of some plants as planned, others at rest."""
        n_step, n_bus = self.horizon.n_step, self.grid.feeder.n_bus
        p_mw, q_mvar = np.zeros((n_step, n_bus)), np.zeros((n_step, n_bus))
        for row, load in enumerate(self._loads):
            p_mw -= np.outer(day.load_mw[row, :n_step], load.p_share)
            q_mvar -= np.outer(day.load_mw[row, :n_step], load.q_share)
            for name in plants:
                share = self.contract.plants[name].spread(self.contract.regions[row].name, n_bus)
                p_mw -= np.outer(day.drawn_mw(name)[row, :n_step], share)
        return self.grid.power_flow.solve(p_mw, q_mvar, np.full(n_step, self.grid.head_vm_pu))

    # What it does in a period.

    def settle(self, period: int) -> None:
        """Pay at the head, settle with each plant by meters, and report once the day is over."""
        self.pay_head(period, self.grid.states[period].exchange_mw)
        day, step = self.horizon.place(period)
        told = self.days[day].outlook
        for name, plant in self.contract.plants.items():
            for row, region in enumerate(self.contract.regions):
                taken_mw = plant.load_share * self._metered_mw(region.load, period)
                for storage, unit in plant.storages.items():
                    if unit.region == region.name:
                        taken_mw += self._metered_mw(storage, period)
                account = RegionAccount(
                    time_s=self.world.clock.now_s,
                    period=period,
                    plant=name,
                    operator=self.name,
                    taken_mwh=taken_mw * self.world.period_h,
                    buy_price_per_mwh=float(told.buy_price_per_mwh[row, step]),
                    sell_price_per_mwh=float(told.sell_price_per_mwh[row, step]),
                )
                settle_region(self.world.ledger, account)
        if self.horizon.is_last(period):
            self.world.outlast(self.world.clock.process(self._report(period)))

    def _report(self, period: int) -> Generator[Any, Any, None]:
        """Wait for the last deliveries of a day, close it, and tell each plant what it was paid."""
        clock, day = self.world.clock, self.horizon.place(period)[0]
        until_s = clock.now_s + _LAST_DELIVERY_TIMEOUTS * self.rules.reply_timeout_s
        while not self.deliveries.has_delivered(period) and clock.now_s < until_s:
            yield self.deliveries.arrival | clock.wait_until(until_s)
        periods = self.horizon.periods(day)
        self.deliveries.close(periods)
        reports = {}
        for name in self.contract.plants:
            paid = float(self.deliveries.paid_money[name][:, periods].sum())
            cancelled = float(self.deliveries.cancelled_mwh[name][:, periods].sum())
            reports[name] = EnvironmentalReport(day, paid, cancelled)
        yield from self.ask_until(self.rules, clock.now_s, reports).answered()

    def _metered_mw(self, name: str, period: int) -> float:
        """What somebody has drawn in a period, less what it has fed in."""
        drawn, fed_in = (
            float(meters[name][period]) if name in meters else 0.0
            for meters in (self.world.meters, self.world.feed_in_meters)
        )
        return drawn - fed_in

    def _green_price_per_mwh(self, row: int, period: int) -> float:
        day, step = self.horizon.place(period)
        return float(self.days[day].final_price_per_mwh[row, step])

    # What it tells of itself.

    def rows(self) -> Iterator[Rows]:
        """What passed its head, and of each region and round what came of it."""
        yield from super().rows()
        yield from OperatorRows(
            self.grid, self.contract, self.horizon, self.days, self.deliveries.total_mwh()
        ).rows()
