"""A system operator's records: what each quarter brought and cost, and what the pool traded in it."""

from __future__ import annotations

from dataclasses import asdict, replace

import numpy as np

from gridarium.agents.system.operation import Members, OperationRules, QuarterLook, QuarterRecord
from gridarium.agents.system.operator_view import DayPlan, OperatorView
from gridarium.agents.system.pool_outlook import PoolOutlook
from gridarium.agents.system.power_system import PowerSystem
from gridarium.agents.system.system_costs import PeriodPrices, period_cost
from gridarium.environment.world import World
from gridarium.market.accounts import POOL_CALL


class OperatorBooks:
    """Records the quarters of an operator; whoever is due money bills it by the own meter.

    Parameters
    ----------
    world : World
    owner : str
        The operator.
    system : PowerSystem
    members : Members
    rules : OperationRules
    view : OperatorView
        For what agents report.
    pool : PoolOutlook
        Learns what was traded.
    """

    def __init__(
        self,
        world: World,
        owner: str,
        system: PowerSystem,
        members: Members,
        rules: OperationRules,
        view: OperatorView,
        pool: PoolOutlook,
    ) -> None:
        self._world, self._owner, self._system = world, owner, system
        self._read = 0
        self._members, self._rules = members, rules
        self._view, self._pool = view, pool
        self.records: list[QuarterRecord] = []

    def record(
        self, look: QuarterLook, plan: DayPlan, price_per_mwh: float, taken_mw: float, market_per_mwh: float
    ) -> None:
        """Learn what the pool traded, and record the quarter.

        Parameters
        ----------
        look : QuarterLook
        plan : DayPlan
            In force.
        price_per_mwh : float
            As announced.
        taken_mw : float
            Through the head; negative where fed back.
        market_per_mwh : float
            What the supplier of the head asks.
        """
        world, period = self._world, look.quarter
        place = period % len(plan.on)
        change = self._pool_change_mw(period)
        traded = max(0.0, -change)
        self._pool.learn(period, traded * world.period_h)
        realised = replace(
            self._view.realised(period, plan.schedule.at(place)),
            market_mw=max(0.0, taken_mw),
            spill_mw=max(0.0, -taken_mw),
            pool_mw=traded,
        )
        was_on = self.records[-1].realised.on if self.records else self._view.first_state(0)[0].on
        planned = plan.forecast.flexible_mw[place]
        costs = period_cost(
            self._system, realised, was_on, planned, PeriodPrices(market_per_mwh), world.period_h
        )
        short_mw = min(max(0.0, -look.called_mw - traded), realised.market_mw)
        record = QuarterRecord(
            **asdict(look),
            realised=realised,
            costs=replace(costs, line_fee_money=self._paid_for_call()),
            price_per_mwh=price_per_mwh,
            delivered_mw=change,
            pool_short_money=market_per_mwh * short_mw * world.period_h,
        )
        self.records.append(record)

    def _pool_change_mw(self, period: int) -> float:
        """What the prosumers' meters show above the deficits nominated: less, what they traded, MW."""
        meters, nominated = self._world.meters, float(np.nan_to_num(self._pool.deficit_mw[period]))
        drawn = sum(float(meters[name][period]) for name in self._members.prosumers if name in meters)
        return drawn - nominated

    def _paid_for_call(self) -> float:
        """What it has paid on energy traded for its calls since the last quarter."""
        ledger, first = self._world.ledger, self._read
        self._read = len(ledger)
        return ledger.paid(self._owner, POOL_CALL, first)
