"""How close a pool of prosumers comes to the best that it could do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from gridarium.agents.prosumers.own_balance import ProsumerData
from gridarium.agents.prosumers.prosumer import Prosumer
from gridarium.environment.clock import HOUR_S, MINUTE_S
from gridarium.environment.private_lines import PrivateLines
from gridarium.environment.world import World
from gridarium.market.ladder import LadderTariff
from gridarium.market.line_lease import LeaseTerms, MinuteTrade
from gridarium.market.matching import matching_welfare


@dataclass(frozen=True)
class Efficiency:
    """Welfare of some minutes, USD: what trade achieved, and an upper bound of what was possible."""

    achieved_usd: float
    bound_usd: float

    @property
    def share(self) -> float:
        """Achieved over possible; 1 where nothing was possible."""
        return self.achieved_usd / self.bound_usd if self.bound_usd > 0.0 else 1.0


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
    """

    world: World
    lines: PrivateLines
    terms: LeaseTerms
    prosumers: Sequence[Prosumer]
    data: Sequence[ProsumerData]


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
    Welfare of a minute is ``sum_l V_l(delivered to l) - sum (fee + reservation) x sent`` (E8, E9); payments
    from one to the other cancel out.
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
        cost += trade.fee_usd + view.data[places[trade.seller]].reservation_usd_per_mwh * trade.sent_mwh
    return sum(view.data[buyer].utility.value(volume) for buyer, volume in received.items()) - cost


def _bound(view: PoolView, period: int, minute: int) -> float:
    possible = [prosumer.possible(period) for prosumer in view.prosumers]
    sellers = [place for place, (supplies, _) in enumerate(possible) if supplies[minute] > 0.0]
    buyers = [place for place, (_, needs) in enumerate(possible) if needs[minute] > 0.0]
    if not sellers or not buyers:
        return 0.0
    ladder = LadderTariff(view.terms.base_usd_per_km_mwh, view.terms.interval_km, view.terms.growth)
    costs = np.full((len(sellers), len(buyers)), np.inf)
    loss, line_mwh = np.zeros_like(costs), np.zeros_like(costs)
    for row, seller in enumerate(sellers):
        for column, buyer in enumerate(buyers):
            line = view.lines.between(view.prosumers[seller].name, view.prosumers[buyer].name)
            if line is not None:
                costs[row, column] = ladder.cost(line.distance_km) + view.data[seller].reservation_usd_per_mwh
                loss[row, column] = line.loss
                line_mwh[row, column] = line.capacity_mw * MINUTE_S / HOUR_S
    matching = matching_welfare(
        costs,
        [possible[seller][0][minute] for seller in sellers],
        [view.data[buyer].utility for buyer in buyers],
        [possible[buyer][1][minute] for buyer in buyers],
        line_mwh,
        loss,
    )
    return matching.welfare_usd
