"""What a prosumer tells once its last period is metered: energy, sales, money, and what it was worth."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from gridarium.agents.prosumers.own_balance import Metered, Outlook
from gridarium.agents.prosumers.trading import Declaration, Move, book_of
from gridarium.agents.rows import Rows
from gridarium.environment.arrays import Array, Index
from gridarium.environment.commons import Commons
from gridarium.environment.grids import Site
from gridarium.market.trade_book import TradeColumns
from gridarium.market.utility import Utility


class Told(NamedTuple):
    """What a prosumer has kept of its periods.

    Parameters
    ----------
    metered : sequence of Metered
        Its balance in each period.
    energy_mwh : ndarray, shape (n_period,)
        Content of its battery.
    nominated : sequence of Outlook
        What it has said before each period that it would have, lack and charge.
    granted_mwh : ndarray, shape (n_period,)
        What it was to send for all shares of its supply when the period began.
    limit_mwh : ndarray, shape (n_period,)
        Most that the desk let it send; infinite where it set no limit.
    trust_money : ndarray, shape (n_period,)
        What it was worth to it to buy from those that it did (q2 R_j of E9).
    outside_price_per_mwh : float
        What energy costs that it does not get from others.
    moves : sequence of Move
        Its offers of each minute and the answers to them.
    declared : sequence of Declaration
        What it has declared to sellers before each period.
    """

    metered: Sequence[Metered]
    energy_mwh: Array
    nominated: Sequence[Outlook]
    granted_mwh: Array
    limit_mwh: Array
    trust_money: Array
    outside_price_per_mwh: float
    moves: Sequence[Move]
    declared: Sequence[Declaration]


def prosumer_rows(site: Site, name: str, told: Told, utility: Utility, worth: Utility) -> Iterator[Rows]:
    """Rows of a prosumer.

    Parameters
    ----------
    site : Site
    name : str
    told : Told
    utility, worth : Utility
        Of what it receives in a minute (E9), and what that is worth over the real-time market.
    """
    drawn = site.grid.world.meters[name]
    yield Rows("dispatch", {"bus": site.label, "p_supply_mw": 0.0, "p_demand_mw": drawn})
    balance = np.array(told.metered, dtype=float).T
    energy = {f"{field}_mwh": values for field, values in zip(Metered._fields, balance, strict=True)}
    surplus, deficit, charging = np.array(told.nominated, dtype=float).T
    energy |= {"surplus_told_mwh": surplus, "deficit_told_mwh": deficit, "charging_told_mwh": charging}
    money = _money(site, name, utility, worth)
    limit = np.where(np.isfinite(told.limit_mwh), told.limit_mwh, np.nan)
    served = energy["received_mwh"] - energy["for_battery_mwh"]
    kept = {"saved_money": told.outside_price_per_mwh * served, "trust_money": told.trust_money}
    content = {"e_mwh": told.energy_mwh, "granted_mwh": told.granted_mwh, "limit_mwh": limit}
    yield Rows("prosumers", {**energy, **content, **money, **kept})
    yield Rows("trades", _sales(site, book_of(site.grid).sold_by(name)), by="row")
    if told.moves:
        yield Rows("offers", _moves(site, told.moves), by="row")
    if told.declared:
        yield Rows("declarations", _declarations(site, told.declared), by="row")
    payoff: dict[str, ArrayLike] = {
        "item": "value of energy",
        "amount_money": float(money["value_money"].sum()),
    }
    yield Rows("payoffs", payoff, by="row")


def _sales(site: Site, sold: TradeColumns) -> dict[str, ArrayLike]:
    """What it has sold over leased lines, minute by minute."""
    world, local = site.grid.world, site.grid.local
    return {
        "period": _periods(world, sold.minute_s),
        "time": world.clock.timestamp_at(0.0) + pd.to_timedelta(sold.minute_s, unit="s"),
        "product": ["p2p"] * len(sold.buyer),
        "seller": [local(name) for name in sold.seller],
        "buyer": [local(name) for name in sold.buyer],
        "volume_mwh": sold.delivered_mwh,
        "price_per_mwh": sold.price_per_mwh,
        "contracted_mwh": sold.contracted_mwh,
        "sent_mwh": sold.sent_mwh,
        "delivered_mwh": sold.delivered_mwh,
        "fee_money": sold.fee_money,
        "premium_money": sold.premium_money,
        "outcome": sold.outcome,
    }


def _moves(site: Site, moves: Sequence[Move]) -> dict[str, ArrayLike]:
    """Its offers of each minute and the answers to them, in their order."""
    world, local = site.grid.world, site.grid.local
    minutes, buyers, rounds, kinds, prices, volumes, premiums = zip(*moves, strict=True)
    minute_s = np.array(minutes)
    return {
        "period": _periods(world, minute_s),
        "time": world.clock.timestamp_at(0.0) + pd.to_timedelta(minute_s, unit="s"),
        "buyer": [local(name) for name in buyers],
        "round": rounds,
        "move": kinds,
        "price_per_mwh": prices,
        "volume_mwh": volumes,
        "premium_per_mwh": premiums,
    }


def _declarations(site: Site, declared: Sequence[Declaration]) -> dict[str, ArrayLike]:
    """What it has declared to sellers, in the order in which it did."""
    periods, sellers, volumes, others, trust = zip(*declared, strict=True)
    return {
        "period": periods,
        "time": site.grid.world.times[list(periods)],
        "seller": [site.grid.local(name) for name in sellers],
        "volume_mwh": volumes,
        "others_mwh": others,
        "reputation": trust,
    }


def _periods(world: Commons, minute_s: Array) -> Index:
    """The period in which each minute lies."""
    return ((minute_s - world.delivery_s) // world.clock.period_s).astype(np.int64)


def _money(site: Site, name: str, utility: Utility, worth: Utility) -> Mapping[str, Array]:
    """What it was paid and has paid in each period, and sums over the minutes of utility and worth."""
    world, book = site.grid.world, book_of(site.grid)
    sold, bought = book.sold_by(name), book.bought_by(name)

    def by_period(minute_s: Array, amounts: Array) -> Array:
        return np.bincount(_periods(world, minute_s), amounts, world.n_period).astype(float)

    minutes, of_minute = np.unique(bought.minute_s, return_inverse=True)
    received = np.bincount(of_minute, bought.delivered_mwh, len(minutes))
    sums = {
        f"{what}_money": np.array([function.value(volume) for volume in received.tolist()])
        for what, function in (("utility", utility), ("value", worth))
    }
    return {
        "income_money": by_period(sold.minute_s, sold.price_per_mwh * sold.delivered_mwh),
        "fees_money": by_period(sold.minute_s, sold.fee_money),
        "premiums_money": by_period(sold.minute_s, sold.premium_money),
        "payments_money": by_period(bought.minute_s, bought.price_per_mwh * bought.delivered_mwh),
        **{what: by_period(minutes, values) for what, values in sums.items()},
    }
