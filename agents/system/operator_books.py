"""A system operator's books: what real-time energy cost, what the pool traded, a record of each quarter."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import NamedTuple

import numpy as np

from gridarium.agents.system.operation import Members, OperationRules, QuarterLook, QuarterRecord
from gridarium.agents.system.operator_view import DayPlan, OperatorView
from gridarium.agents.system.pool_outlook import PoolOutlook
from gridarium.agents.system.power_system import PowerSystem
from gridarium.agents.system.system_costs import PeriodPrices, period_cost
from gridarium.environment.grids import Grid
from gridarium.market.accounts import REPLICAS
from gridarium.market.settlement import HeadAccount, settle_head

_A_WATT_MW = 1e-6


class HeadTerms(NamedTuple):
    """What the supplier of the head asks in one period, and pays for what is fed back, money/MWh."""

    price_per_mwh: float
    export_price_per_mwh: float


class OperatorBooks:
    """Settles quarters for an operator; whoever else is due money bills it by the own meter.

    Parameters
    ----------
    grid : Grid
    owner, supplier : str
        The operator's account, and that of who supplies the head.
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
        grid: Grid,
        owner: str,
        supplier: str,
        system: PowerSystem,
        members: Members,
        rules: OperationRules,
        view: OperatorView,
        pool: PoolOutlook,
    ) -> None:
        self._grid, self._owner, self._supplier, self._system = grid, owner, supplier, system
        self._members, self._rules = members, rules
        self._view, self._pool = view, pool
        self.records: list[QuarterRecord] = []

    def settle(
        self, look: QuarterLook, plan: DayPlan, place: int, price_per_mwh: float, terms: HeadTerms
    ) -> None:
        """Pay for what passed the head, learn what the pool traded, record the quarter.

        Parameters
        ----------
        look : QuarterLook
        plan : DayPlan
            In force.
        place : int
            The quarter within its day.
        price_per_mwh : float
            As announced.
        terms : HeadTerms
            What the supplier asks in the quarter.
        """
        grid, world, period = self._grid, self._grid.world, look.quarter
        exchange = grid.states[period].exchange_mw
        # Less than a watt is rounding, and nobody's bill.
        imported, exported = (each if each > _A_WATT_MW else 0.0 for each in (exchange, -exchange))
        settle_head(world.ledger, self._head_account(period, imported, exported, terms))
        traded = self._traded_mw(period)
        self._pool.learn(period, traded * world.period_h)
        realised = replace(
            self._view.realised(period, plan.schedule.at(place)),
            market_mw=imported,
            spill_mw=exported,
            pool_mw=traded,
        )
        was_on = self.records[-1].realised.on if self.records else self._view.first_state(0)[0].on
        prices = PeriodPrices(terms.price_per_mwh, self._rules.pool_fee_per_mwh)
        planned = plan.forecast.flexible_mw[place]
        costs = period_cost(self._system, realised, was_on, planned, prices, world.period_h)
        record = QuarterRecord(**asdict(look), realised=realised, costs=costs, price_per_mwh=price_per_mwh)
        self.records.append(record)

    def _head_account(
        self, period: int, imported_mw: float, exported_mw: float, terms: HeadTerms
    ) -> HeadAccount:
        grid, world = self._grid, self._grid.world
        return HeadAccount(
            time_s=world.clock.now_s,
            period=period,
            buyer=self._owner,
            supplier=self._supplier,
            replicas_account=grid.named(REPLICAS),
            replicas=grid.replicas,
            import_mwh=imported_mw * world.period_h,
            import_price_per_mwh=terms.price_per_mwh,
            export_mwh=exported_mw * world.period_h,
            export_price_per_mwh=terms.export_price_per_mwh,
        )

    def _traded_mw(self, period: int) -> float:
        """Deficits nominated that the prosumers' meters do not show: what they got from each other, MW."""
        meters, nominated = self._grid.world.meters, float(np.nan_to_num(self._pool.deficit_mw[period]))
        drawn = sum(float(meters[name][period]) for name in self._members.prosumers if name in meters)
        return max(0.0, nominated - drawn)
