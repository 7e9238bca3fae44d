"""Tables of the pool: prosumers' balances and money, trades of each minute, terms of lease by day."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from gridarium.agents.prosumers.own_balance import Metered
from gridarium.agents.prosumers.trading import book_of
from gridarium.environment.arrays import Array
from gridarium.environment.clock import DAY_S, MINUTE_S
from gridarium.experiments.net_zero.build_pool import utility_of
from gridarium.experiments.net_zero.pool_welfare import welfare_bound_money
from gridarium.experiments.tidy import periods, tidy
from gridarium.market.accounts import (
    CHARGE,
    DISCHARGE,
    LINE_FEE,
    WEAR,
    WEAR_COMPENSATION,
)

if TYPE_CHECKING:
    from gridarium.experiments.net_zero.build import Built

_MONEY = ("income_money", "fees_money", "payments_money", "value_money")


def trade_table(built: Built) -> pd.DataFrame:
    """Every trade of a minute, with its period and its time."""
    world, table = built.world, book_of(built.grid).table()
    period = ((table["minute_s"] - world.delivery_s) // world.clock.period_s).astype(int)
    start = world.clock.timestamp_at(0.0)
    time = start + pd.to_timedelta(table.pop("minute_s"), unit="s")
    table.insert(0, "period", period)
    table.insert(1, "time", pd.DatetimeIndex(time))
    table["outcome"] = table["outcome"].astype(str)
    names = {side: table[side].map(built.grid.local) for side in ("seller", "buyer")} if len(table) else {}
    return table.assign(**names)


def prosumer_table(built: Built) -> pd.DataFrame:
    """Energy and money of each prosumer in each period.

    The value of what it received is the sum of its utilities of the minutes (E9).
    """
    world, prosumers, local = built.world, built.prosumers, built.grid.local
    if not prosumers:
        names = [f"{field}_mwh" for field in Metered._fields]
        return pd.DataFrame(columns=["prosumer", "period", "time", *names, "e_mwh", *_MONEY])
    metered = np.array([one.metered for one in prosumers], dtype=float).reshape(
        len(prosumers), world.n_period, len(Metered._fields)
    )
    series = {f"{field}_mwh": metered[:, :, place] for place, field in enumerate(Metered._fields)}
    series["e_mwh"] = np.stack([one.energy_mwh for one in prosumers])
    money = _money(built)
    series |= {name: np.stack([money[local(one.name)][name] for one in prosumers]) for name in _MONEY}
    return tidy(world, {"prosumer": [local(one.name) for one in prosumers]}, series)


def _money(built: Built) -> dict[str, dict[str, Array]]:
    """Money of each prosumer in each period, by item."""
    n_period, trades = built.world.n_period, trade_table(built)
    names = [built.grid.local(one.name) for one in built.prosumers]
    money = {own: {name: np.zeros(n_period) for name in _MONEY} for own in names}
    paid = trades["price_per_mwh"] * trades["delivered_mwh"]
    sums = trades.assign(paid=paid).groupby(["seller", "buyer", "period"], sort=False)[["paid", "fee_money"]]
    for (seller, buyer, period), amount, fee in sums.sum().itertuples():
        money[seller]["income_money"][period] += amount
        money[seller]["fees_money"][period] += fee
        money[buyer]["payments_money"][period] += amount
    received = trades.groupby(["buyer", "period", "time"], sort=False, as_index=False)["delivered_mwh"].sum()
    utilities = {name: utility_of(section.utility) for name, section in built.scenario.prosumers.items()}
    for buyer, period, _, volume in received.itertuples(index=False):
        money[buyer]["value_money"][period] += utilities[buyer].value(float(volume))
    return money


def pool_table(built: Built) -> pd.DataFrame:
    """The pool as a whole in each period: what could be traded, what was, and what that was worth.

    Welfare is the buyers' value less line fees and the sellers' reservation; its bound is that of the best
    matching of every minute.
    """
    world = built.world
    possible = [[one.possible(period) for period in range(world.n_period)] for one in built.prosumers]
    n_minute = round(world.clock.period_s / MINUTE_S)
    by_minute = np.array(possible, dtype=float).reshape(len(possible), world.n_period, 2, n_minute)
    could_sell, needed = by_minute.sum(axis=(0, 3)).T
    table = periods(world).assign(surplus_mwh=could_sell, need_mwh=needed)
    trades, own = trade_table(built), prosumer_table(built)
    sums = (
        trades.groupby("period")[["sent_mwh", "delivered_mwh", "fee_money"]]
        .sum()
        .reindex(table["period"], fill_value=0.0)
    )
    paid = (
        own.groupby("period")[["payments_money", "value_money"]]
        .sum()
        .reindex(table["period"], fill_value=0.0)
    )
    reserved = {name: one.reservation_price_per_mwh for name, one in built.scenario.prosumers.items()}
    kept = (trades["seller"].map(reserved).astype(float) * trades["sent_mwh"]).groupby(trades["period"]).sum()
    held_back = kept.reindex(table["period"], fill_value=0.0).to_numpy(dtype=float)
    table["traded_mwh"] = sums["delivered_mwh"].to_numpy(dtype=float)
    table["payments_money"] = paid["payments_money"].to_numpy(dtype=float)
    table["fees_money"] = sums["fee_money"].to_numpy(dtype=float)
    table["price_per_mwh"] = np.divide(
        table["payments_money"],
        table["traded_mwh"],
        out=np.full(len(table), np.nan),
        where=table["traded_mwh"] > 0,
    )
    table["welfare_money"] = (
        paid["value_money"].to_numpy(dtype=float) - sums["fee_money"].to_numpy(dtype=float) - held_back
    )
    table["welfare_bound_money"] = welfare_bound_money(built, by_minute)
    return table


def lease_table(built: Built) -> pd.DataFrame:
    """Terms of lease and the provider's profit by source, for each day."""
    world, esp = built.world, built.provider
    columns = ["day", "base_fee_per_km_mwh", "interval_km", "growth", *_SOURCES]
    if esp is None:
        return pd.DataFrame(columns=columns)
    per_day = round(DAY_S / world.clock.period_s)
    ledger = world.ledger.table()
    own = ledger[ledger["account"] == esp.name]
    terms = {lease.day: lease.terms for lease in esp.leases}
    rows = []
    for day in range(-(-world.n_period // per_day)):
        today = own[own["period"] // per_day == day].groupby("purpose")["amount_money"].sum()
        sources = {
            source: float(sum(today.get(purpose, 0.0) for purpose in purposes))
            for source, purposes in _SOURCES.items()
        }
        now = terms[day]._asdict() if day in terms else {}
        rows.append({"day": day, **now, **sources})
    return pd.DataFrame(rows, columns=columns)


_SOURCES = {
    "line_fees_money": (LINE_FEE,),
    "energy_margin_money": (DISCHARGE, CHARGE),
    "compensation_money": (WEAR_COMPENSATION,),
    "degradation_money": (WEAR,),
}
"""Sources of the provider's profit, positive to it, by the purposes that its account is booked under."""
