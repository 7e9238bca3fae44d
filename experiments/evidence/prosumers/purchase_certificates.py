"""Certificates of purchases: no more than is needed, in the hours of trade, never sold on at a loss."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from gridarium.agents.prosumers.prosumer import Prosumer
from gridarium.environment.clock import MINUTE_S, day_length
from gridarium.experiments.evidence.grid_evidence import GridEvidence, rows_of
from gridarium.experiments.evidence.prosumers.pool import charging_prices
from gridarium.experiments.parts.prosumers import prosumers_of
from gridarium.experiments.parts.trading import active_trading
from gridarium.experiments.results.records import Reading

_ROUNDING_MWH, _CENT = 1e-6, 1e-6


def purchases(known: GridEvidence) -> Iterator[Reading]:
    """Limits on requests, charging, hours and prices of trades over leased lines (E10)."""
    made, trading = rows_of(known.tables, "trades", "prosumer"), active_trading(known.scenario)
    if made.empty or trading is None:
        return
    yield Reading(
        "requests", _beyond_need_mwh(known, made), _ROUNDING_MWH, "MWh", True,
        "most that was agreed for a buyer in a minute beyond what it needed then, its battery included (E10)",
    )  # fmt: skip
    hour = made["time"].dt.hour + made["time"].dt.minute / 60.0
    outside = (hour < trading.opens_h) | (hour >= trading.closes_h)
    yield Reading(
        "trading window", float(made.loc[outside, "sent_mwh"].sum()), 0.0, "MWh", True,
        "energy sent outside the hours of trade (E10)",
    )  # fmt: skip
    yield Reading(
        "charging total", _beyond_total_mwh(known), _ROUNDING_MWH, "MWh", True,
        "most that a prosumer bought for its battery in a day beyond its share of the battery's room (E10)",
    )  # fmt: skip
    yield Reading(
        "charging price", _below_charging_price(known, made), _CENT, "money/MWh", True,
        "how far a price is below what the seller paid when it last bought for its battery (E10)",
    )  # fmt: skip


def _beyond_need_mwh(known: GridEvidence, made: pd.DataFrame) -> float:
    """Sum of what was agreed in each minute, less the need that the buyer's own balance shows for it."""
    start = known.world.clock.timestamp_at(known.world.delivery_s)
    n_minute = round(known.world.clock.period_s / MINUTE_S)
    agents = {known.grid.local(one.name): one for one in known.of(Prosumer)}
    needs = {
        name: np.array([one.possible(period)[1] for period in range(known.world.n_period)]).ravel()
        for name, one in agents.items()
    }
    agreed = made.groupby(["buyer", "time"], sort=False)["contracted_mwh"].sum()
    minutes = [round((time - start).total_seconds() / MINUTE_S) for _, time in agreed.index]
    assert not minutes or max(minutes) < known.world.n_period * n_minute
    needed = [needs[buyer][minute] for (buyer, _), minute in zip(agreed.index, minutes, strict=True)]
    return max(0.0, float((agreed.to_numpy() - needed).max()))


def _beyond_total_mwh(known: GridEvidence) -> float:
    """What was bought for batteries each day, less gamma (B_max - B_0)."""
    own, per_day = known.tables["prosumers"], day_length(known.world.n_period, known.world.clock.period_s)
    bought = own.groupby(["agent", own["period"] // per_day])["for_battery_mwh"].sum()
    room = {
        name: one.charging_ratio * one.battery.e_max_mwh * (one.battery.soc_max - one.battery.soc_initial)
        for name, one in prosumers_of(known.scenario).items()
        if one.battery is not None
    }
    most = bought.index.get_level_values("agent").map(lambda name: room.get(name, 0.0))
    return max(0.0, float((bought - most.to_numpy(dtype=float)).max()))


def _below_charging_price(known: GridEvidence, made: pd.DataFrame) -> float:
    """Prices against the seller's own last purchase for its battery, from the trades in which it bought."""
    short = charging_prices(known, made["seller"], made["period"]) - made["price_per_mwh"].to_numpy()
    return float(np.nanmax(np.append(short, 0.0)))
