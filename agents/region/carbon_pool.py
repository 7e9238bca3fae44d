"""A pool of regional systems that answer for their carbon together, as long as each gains by it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from gridarium.agents.base import GridAgent, on
from gridarium.agents.rows import Rows, columns_of
from gridarium.environment.grids import Site
from gridarium.environment.horizon import Horizon
from gridarium.market.accounts import MAINTENANCE, POOL_FEE, POOLED_CARBON
from gridarium.market.carbon_pooling import Answered, saving_game
from gridarium.market.coalition import shapley
from gridarium.market.coalition_core import check_core
from gridarium.market.messages.carbon_pools import CarbonReport, PoolShare


@dataclass
class PoolDay:
    """What was reported for a day, and what came of it; money by follower."""

    reports: dict[str, CarbonReport] = field(default_factory=dict)
    planned_money: dict[str, float] = field(default_factory=dict)
    refunds_money: dict[str, float] = field(default_factory=dict)
    core_violation_money: float = float("nan")

    @property
    def members(self) -> tuple[str, ...]:
        """Who has joined."""
        return tuple(name for name, report in self.reports.items() if report.joins)


class CarbonPool(GridAgent):
    """Has tonnes of its members charged at the cheapest of their steps, and shares what that saves.

    It is told what each plans, tells each what membership is worth, and refunds by the meters. Who does not
    gain leaves, and whoever would gain joins, from one day to the next.

    Parameters
    ----------
    site : Site
    name : str
    candidates : sequence of str
        Regional systems that may join.
    collector : str
        Account to which carbon is paid, and which refunds what is saved.
    fee_money : float
        What membership costs a day.
    horizon : Horizon
    """

    kind = "carbon_pool"

    def __init__(
        self,
        site: Site,
        name: str,
        candidates: Sequence[str],
        collector: str,
        fee_money: float,
        horizon: Horizon,
    ) -> None:
        super().__init__(site, name)
        self._candidates, self._collector, self._fee_money = tuple(candidates), collector, fee_money
        self._horizon = horizon
        self.days = [PoolDay() for _ in range(horizon.n_day)]

    @on(CarbonReport)
    def take_report(self, report: CarbonReport, sender: str) -> None:
        """Keep a report; once all are there, tell everybody what the pool is worth to it."""
        today = self.days[report.day]
        today.reports[sender] = report
        if len(today.reports) == len(self._candidates):
            for name in self._candidates:
                today.planned_money[name] = self._worth_money(today, name)
                self.send(name, PoolShare(report.day, today.planned_money[name], self._fee_money))

    def _worth_money(self, today: PoolDay, name: str) -> float:
        """Shapley value of a follower among the members and itself, by what all have planned."""
        together = [other for other in self._candidates if other in today.members or other == name]
        answered = {
            other: Answered(np.maximum(today.reports[other].carbon_t_per_h, 0.0), today.reports[other].ladder)
            for other in together
        }
        game = saving_game(answered, self._horizon.step_h)
        return float(shapley(game)[together.index(name)])

    def settle(self, period: int) -> None:
        """After a day's last period refund what members have saved by their meters, and collect the fee."""
        if not self._horizon.is_last(period):
            return
        today = self.days[self._horizon.place(period)[0]]
        members = today.members
        if members:
            answered = {name: self._answered(today.reports[name], name, period) for name in members}
            game = saving_game(answered, self.world.period_h)
            shares = shapley(game)
            today.refunds_money = dict(zip(members, shares.tolist(), strict=True))
            if len(members) > 1:
                today.core_violation_money = check_core(game, shares).excess
        for name in members:
            self._book(self._collector, name, today.refunds_money[name], POOLED_CARBON, period)
            self._book(name, MAINTENANCE, self._fee_money, POOL_FEE, period)

    def _answered(self, report: CarbonReport, name: str, period: int) -> Answered:
        """A member's carbon by its meter, and its ladder, in settlement periods of the day."""
        horizon = self._horizon
        drawn = self.world.meters[name][horizon.periods(report.day)]
        factor = horizon.over_day(np.maximum(report.factor_tco2_per_mwh, 0.0))
        return Answered(factor * drawn, report.ladder.over(horizon.over_day))

    def _book(self, payer: str, payee: str, amount_money: float, purpose: str, period: int) -> None:
        if amount_money > 0.0:
            self.world.ledger.book(self.world.clock.now_s, payer, payee, amount_money, purpose, period)

    def rows(self) -> Iterator[Rows]:
        """Who was a member on each day, what it was told that would be worth, and what it was."""
        for name in self._candidates:
            own = [
                {
                    "day": number,
                    "member": float(name in day.members),
                    "planned_money": day.planned_money.get(name, float("nan")),
                    "refund_money": day.refunds_money.get(name, 0.0),
                    "core_violation_money": day.core_violation_money,
                }
                for number, day in enumerate(self.days)
            ]
            yield Rows("carbon_pool", columns_of(own), by="row", agent=self.grid.local(name), kind="region")
