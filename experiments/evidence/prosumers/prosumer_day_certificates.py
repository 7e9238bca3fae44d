"""Certificates of what prosumers had, said and sent: each worked out anew from what is private to them.

References are in `prosumer_balance` and here; panels, load and batteries are those of the scenario.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from gridarium.agents.prosumers.prosumer import Prosumer
from gridarium.environment.arrays import Array
from gridarium.environment.clock import MINUTE_S, day_length
from gridarium.environment.horizon import Horizon
from gridarium.environment.random_streams import RandomStreams
from gridarium.experiments.evidence.grid_evidence import GridEvidence, by_period, rows_of
from gridarium.experiments.evidence.prosumers.offers_in_minutes import (
    minute_numbers,
    off_offers_mwh,
    part_kept,
)
from gridarium.experiments.evidence.prosumers.prosumer_balance import (
    BalanceCase,
    BalanceFound,
    balance,
    weather,
)
from gridarium.experiments.parts.members import member_sizes
from gridarium.experiments.parts.part import GridBuild
from gridarium.experiments.parts.prosumers import PROSUMERS, all_exact, classes_of, prosumers_of
from gridarium.experiments.parts.trading import trade_rules
from gridarium.experiments.reading.profiles import profiles_of
from gridarium.experiments.results.records import Reading

_ROUNDING_MWH = 1e-8
_METERS = ("surplus", "deficit", "charged", "discharged", "drawn", "spilled", "for_battery", "e")
_NOMINATED = ("surplus_told", "deficit_told", "charging_told")


def own_days(known: GridEvidence) -> Iterator[Reading]:
    """Energy, nominations and minutes of each prosumer."""
    agents = {known.grid.local(one.name): one for one in known.of(Prosumer)}
    if not agents:
        return
    cases = {name: _case(known, name) for name in agents}
    found = {name: balance(case) for name, case in cases.items()}
    yield Reading(
        "prosumer energy", _off(known, found, _METERS), _ROUNDING_MWH, "MWh", True,
        "largest difference in a period of what a prosumer had, stored, drew and spilled, and what its "
        "panels, load and battery make of its trades minute by minute (E6, E10)",
    )  # fmt: skip
    yield Reading(
        "prosumer nominations", _off(known, found, _NOMINATED), _ROUNDING_MWH, "MWh",
        all_exact(known.scenario),
        "largest difference of what a prosumer said that it would have, lack or charge, and what it could "
        "expect by its own panels, load, battery and what it had granted (E10)",
    )  # fmt: skip
    yield Reading(
        "prosumer minutes", max(_off_minutes(one, found[name]) for name, one in agents.items()),
        _ROUNDING_MWH, "MWh", True,
        "largest difference of what a prosumer took itself to have or to need in a minute, and what panels, "
        "load and battery gave it then",
    )  # fmt: skip
    if any(one.journal.entries for one in agents.values()):
        yield Reading(
            "offers as there was",
            max(off_offers_mwh(known, one, found[name]) for name, one in agents.items()),
            _ROUNDING_MWH, "MWh", all_exact(known.scenario),
            "largest difference in a minute of what a seller offered to all buyers, and what it had granted "
            "or, where that is less or all was granted, what it had",
        )  # fmt: skip
    made = rows_of(known.tables, "trades", "prosumer")
    # Who does not mean to keep its word sends less than it has.
    if len(made) and all_exact(known.scenario):
        yield Reading(
            "sent as there was", _off_supply(known, made, found), _ROUNDING_MWH, "MWh", True,
            "largest difference in a minute of what a seller sent, and what it had agreed on with all buyers "
            "or, where that is less, what it had",
        )  # fmt: skip


def _case(known: GridEvidence, name: str) -> BalanceCase:
    world, scenario = known.world, known.scenario
    kind, own = classes_of(scenario)[name], prosumers_of(scenario)[name]
    members = [known.grid.named(one) for one, its in classes_of(scenario).items() if its == kind]
    sizes = member_sizes(members, PROSUMERS.of(scenario)[kind].diversity, RandomStreams(world.streams.seed))
    panels, load = sizes[members.index(known.grid.named(name))]
    build = GridBuild(scenario, known.grid, Horizon.of(world, scenario.period_h), profiles_of(scenario))
    pv_mw, load_mw = panels * build.by_period(own.pv_column), load * build.by_period(own.load_column)
    n_minute = round(world.clock.period_s / MINUTE_S)
    sun, use = weather(world.streams.seed, known.grid.named(name), world.n_period, n_minute, own.fluctuation)
    rows = known.tables["prosumers"]
    told = rows[rows["agent"] == name]
    hour, rules = world.times.hour + world.times.minute / 60.0, trade_rules(scenario)
    return BalanceCase(
        (pv_mw - load_mw) * world.period_h,
        (pv_mw[:, None] * sun - load_mw[:, None] * use) * (world.period_h / n_minute),
        own.battery,
        own.charging_ratio,
        np.asarray((hour >= rules.window_h[0]) & (hour < rules.window_h[1])),
        day_length(world.n_period, world.clock.period_s),
        world.period_h,
        *_traded(known, name),
        told["for_battery_mwh"].to_numpy(dtype=float),
        told["granted_mwh"].to_numpy(dtype=float),
    )


def _traded(known: GridEvidence, name: str) -> tuple[Array, Array]:
    """What it sent and what arrived for it in each period, from all trades."""
    made, n = rows_of(known.tables, "trades", "prosumer"), known.world.n_period
    if made.empty:
        return np.zeros(n), np.zeros(n)
    sold, bought = made[made["seller"] == name], made[made["buyer"] == name]
    return by_period(sold, "sent_mwh", n), by_period(bought, "delivered_mwh", n)


def _off(known: GridEvidence, found: Mapping[str, BalanceFound], columns: tuple[str, ...]) -> float:
    told, worst = known.tables["prosumers"], 0.0
    for name, own in told.groupby("agent", sort=False):
        for column in columns:
            apart = own[f"{column}_mwh"].to_numpy(dtype=float) - getattr(found[str(name)], column)
            worst = max(worst, float(np.abs(apart).max()))
    return worst


def _off_minutes(agent: Prosumer, found: BalanceFound) -> float:
    told = np.array([agent.possible(period) for period in range(len(found.supply))])
    return float(np.abs(told - np.stack([found.supply, found.need], axis=1)).max())


def _off_supply(known: GridEvidence, made: pd.DataFrame, found: Mapping[str, BalanceFound]) -> float:
    """Of minutes in which no line of the seller was out."""
    kept = part_kept(known, made["seller"], made["buyer"])
    minutes = (
        made.assign(bound_mwh=made["contracted_mwh"] / kept, out=made["outcome"] == "outage")
        .groupby(["seller", "time"], sort=False)[["bound_mwh", "sent_mwh", "out"]]
        .sum()
        .query("out == 0")
        .reset_index()
    )
    if minutes.empty:
        return 0.0
    number = minute_numbers(known, pd.DatetimeIndex(minutes["time"]))
    supply = {name: one.supply.ravel() for name, one in found.items()}
    there = [supply[name][minute] for name, minute in zip(minutes["seller"], number, strict=True)]
    due = np.minimum(minutes["bound_mwh"].to_numpy(dtype=float), there)
    return float(np.abs(minutes["sent_mwh"].to_numpy(dtype=float) - due).max())
