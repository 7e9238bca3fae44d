"""How close a pool of prosumers comes to the best that it could do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from gridarium.agents.prosumers.own_balance import ProsumerData
from gridarium.agents.prosumers.prosumer import Prosumer
from gridarium.agents.prosumers.trading import TradeRules
from gridarium.environment.clock import MINUTE_S
from gridarium.environment.private_lines import PrivateLines
from gridarium.environment.world import World
from gridarium.market.ladder import LadderTariff
from gridarium.market.line_costs import LineCosts
from gridarium.market.matching import pool_welfare
from gridarium.market.messages.leasing import LeaseTerms
from gridarium.market.trade_book import MinuteTrade
from gridarium.market.utility import Utility


@dataclass(frozen=True)
class Efficiency:
    """Welfare of some minutes, money: what trade achieved, and an upper bound of what was possible."""

    achieved_money: float
    bound_money: float

    @property
    def share(self) -> float:
        """Achieved over possible; 1 where nothing was possible."""
        return self.achieved_money / self.bound_money if self.bound_money > 0.0 else 1.0


@dataclass(frozen=True)
class PoolView:
    """What an observer who knows everything needs to judge a pool.

    Parameters
    ----------
    world : World
    lines : PrivateLines
    terms : LeaseTerms
    prosumers : sequence of Prosumer
    data : sequence of ProsumerData
        Of each of them.
    rules : TradeRules
        Of the pool.
    """

    world: World
    lines: PrivateLines
    terms: LeaseTerms
    prosumers: Sequence[Prosumer]
    data: Sequence[ProsumerData]
    rules: TradeRules

    @property
    def worth(self) -> list[Utility]:
        """What energy from others is worth to each of them."""
        return [self.rules.worth(one.utility) for one in self.data]


def pool_efficiency(
    view: PoolView, trades: Sequence[MinuteTrade], minutes: Sequence[tuple[int, int]]
) -> Efficiency:
    """Compare trades with the welfare-maximising matching.

    Parameters
    ----------
    view : PoolView
    trades : sequence of MinuteTrade
    minutes : sequence of (int, int)
        Period, and minute within it, of what is compared.

    Notes
    -----
    Welfare of a minute is ``sum_l W_l(delivered to l) - sum (fee + reservation) x sent`` (E8, E9), W_l with
    the outside option if the rules have one; payments from one to the other cancel out.
    """
    by_minute: dict[float, list[MinuteTrade]] = {}
    for trade in trades:
        by_minute.setdefault(trade.minute_s, []).append(trade)
    achieved = bound = 0.0
    places = {prosumer.name: place for place, prosumer in enumerate(view.prosumers)}
    for period, minute in minutes:
        start_s = view.world.delivery_s + period * view.world.clock.period_s + minute * MINUTE_S
        achieved += _achieved(view, places, by_minute.get(start_s, []))
        bound += _bound(view, period, minute)
    return Efficiency(achieved, bound)


def _achieved(view: PoolView, places: Mapping[str, int], trades: Sequence[MinuteTrade]) -> float:
    received: dict[int, float] = {}
    cost = 0.0
    for trade in trades:
        buyer = places[trade.buyer]
        received[buyer] = received.get(buyer, 0.0) + trade.delivered_mwh
        cost += trade.fee_money + view.data[places[trade.seller]].reservation_price_per_mwh * trade.sent_mwh
    worth = view.worth
    return sum(worth[buyer].value(volume) for buyer, volume in received.items()) - cost


def _bound(view: PoolView, period: int, minute: int) -> float:
    possible = np.array(
        [
            [supplies[minute], needs[minute]]
            for supplies, needs in (p.possible(period) for p in view.prosumers)
        ]
    )
    fee = LadderTariff(view.terms.base_fee_per_km_mwh, view.terms.interval_km, view.terms.growth)
    network = LineCosts.of(
        [one.name for one in view.prosumers],
        view.lines,
        fee,
        [one.reservation_price_per_mwh for one in view.data],
    )
    return pool_welfare(network.slot(possible, view.worth)).welfare_money
