"""Certificates of owners of storages on a feeder: schedules at the tariff, and what meters say is due."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

from gridarium.agents.feeder.dso import Dso
from gridarium.environment.arrays import Array, Flags
from gridarium.experiments.evidence.feeder.outage_certificates import may_depart
from gridarium.experiments.evidence.grid_evidence import GridEvidence, has_prices_by_bus, rows_of
from gridarium.experiments.evidence.plans.plan_reading import plans_for_what_it_hears
from gridarium.experiments.evidence.shares import LEAST_MONEY
from gridarium.experiments.evidence.storage.storage_schedule import Told
from gridarium.experiments.parts.dso import DSO
from gridarium.experiments.parts.pooling import commanded_wear_per_mwh
from gridarium.experiments.parts.storage_pool import pool_of
from gridarium.experiments.parts.storages import STORAGES, StorageUnit
from gridarium.experiments.results.records import Reading
from gridarium.market.accounts import CHARGE, DISCHARGE, STORAGE_COMPENSATION, WEAR

_REGRET = 1e-4
"""Share of what is traded within which a schedule is the best one: to break ties costs less."""
_TIES = 1e-4
_ROUNDING = 1e-6
_ARBITRAGE = "arbitrage"


class _OwnerDays(NamedTuple):
    """One owner's days in settlement periods; shape (n_day, n_period) each.

    `tou`, `posted` are prices, money/MWh; `alone_mw` what it would draw by itself at the first, `own_mw` what
    it has scheduled at the second, nan where it is commanded, `planned_mw` what it is to draw.
    """

    name: str
    unit: StorageUnit
    tou: Array
    posted: Array
    alone_mw: Array
    own_mw: Array
    planned_mw: Array
    charge_mw: Array
    discharge_mw: Array
    first_mwh: Array

    @property
    def schedules_itself(self) -> Flags:
        """On which days, shape (n_day,)."""
        return np.asarray(np.isfinite(self.own_mw).all(axis=1))

    def earned_money(self, net_mw: Array, price: Array, period_h: float) -> Array:
        """What schedules earn at a price at which all energy is traded, less wear, money, shape (n_day,)."""
        worn = self.unit.wear_cost_per_mwh * np.maximum(-net_mw, 0.0)
        return np.asarray(-(net_mw * price + worn).sum(axis=1) * period_h)


def owners_of(known: GridEvidence, dso: Dso) -> Iterator[_OwnerDays]:
    """Owners of a feeder's storages, from its tables."""
    signals = rows_of(known.tables, "signals", "dso").sort_values("period")
    posted = "tou_price_per_mwh" if has_prices_by_bus(known.tables) else "price_per_mwh"
    n_day = dso.horizon.n_day

    def by_day(rows: pd.DataFrame, column: str) -> Array:
        return rows.sort_values("period")[column].to_numpy(dtype=float).reshape(n_day, -1)

    schedules, done = known.tables.get("storage_schedules"), rows_of(known.tables, "storages", "storage")
    if schedules is None:
        return
    for name, unit in STORAGES.of(known.scenario).items():
        own, metered = schedules[schedules["agent"] == name], done[done["agent"] == name]
        if own.empty or metered.empty:
            continue
        held = by_day(metered, "e_mwh")
        first = np.concatenate([[unit.soc_initial * unit.e_max_mwh], held[:-1, -1]])
        yield _OwnerDays(
            name,
            unit,
            by_day(signals, "tou_price_per_mwh"),
            by_day(signals, posted),
            by_day(own, "p_baseline_mw"),
            by_day(own, "p_own_mw"),
            by_day(own, "p_planned_mw"),
            by_day(metered, "p_charge_mw"),
            by_day(metered, "p_discharge_mw"),
            first,
        )


def schedules(known: GridEvidence) -> Iterator[Reading]:
    """Whether owners' schedules are the best ones at the tariff, and earn what is told of them."""
    if may_depart(known):
        # What is inside at first, and who is reached, depends on what fails.
        return
    hours, regrets, ties, apart, scale = (
        known.world.period_h,
        list[float](),
        list[float](),
        [0.0],
        LEAST_MONEY,
    )
    for dso in known.of(Dso):
        for one in owners_of(known, dso):
            if one.unit.alone.regime == _ARBITRAGE:
                for each in _schedules(one, dso):
                    regrets.append(abs(each.regret_money) / each.traded_money)
                    ties.append(each.tie_gap)
            earned = one.earned_money(one.alone_mw, one.tou, hours)
            heard = [day.baselines[known.grid.named(one.name)] for day in dso.days]
            apart += np.abs(earned - [each.earnings_money for each in heard]).tolist()
            apart += (np.abs(one.first_mwh - [each.e_mwh for each in heard]) * np.abs(one.tou).max()).tolist()
            apart += np.abs(earned - _told_alone(known, one.name, earned)).tolist()
            scale = max(scale, float(np.abs(earned).max()))
    if regrets:
        yield Reading(
            "owner regret", max(0.0, *regrets), _REGRET, "", True,
            "most that an owner of a storage could gain on a day by another schedule, by itself at the plain "
            "tariff or at the one that it was told, relative to what it trades (A20)",
        )  # fmt: skip
        yield Reading(
            "owner ties", max(ties), _TIES, "", True,
            "most by which a schedule is not the one that its owner takes of those that earn as much: evenly "
            "spread, relative to its squares, or earliest or latest, as a share of the day",
        )  # fmt: skip
    if len(apart) > 1:
        yield Reading(
            "owner earnings", max(apart), _ROUNDING * scale, "money", True,
            "largest difference of what an owner was said to earn by itself on a day and its schedule at the "
            "tariff less wear, or of what it said was inside and its meter at that tariff",
        )  # fmt: skip


def _told_alone(known: GridEvidence, name: str, earned: Array) -> Array:
    """What the pool was told that an owner would have earned alone; its earnings where it was told nothing.

    Owners tell of the newest tariff that they have heard, that of the day before.
    """
    pool = known.tables.get("storage_pool")
    own = None if pool is None else pool[pool["agent"] == name].sort_values("day")
    if own is None or own.empty:
        return earned
    told = own["alone_money"].to_numpy(dtype=float)
    newest = np.concatenate([[np.nan], earned[:-1]])
    return np.where(np.isnan(told), earned, told + earned - newest)


def _schedules(one: _OwnerDays, dso: Dso) -> Iterator[Told]:
    """Each schedule of an owner with the price it was made at, in steps; each different one once."""
    seen, n = set[bytes](), dso.horizon.n_step
    for number, first in enumerate(one.first_mwh):
        for price, net_mw in ((one.tou, one.alone_mw), (one.posted, one.own_mw)):
            if np.isfinite(net_mw[number]).all():
                steps, net = (values[number].reshape(n, -1).mean(axis=1) for values in (price, net_mw))
                key = np.concatenate([steps, net, [first]]).tobytes()
                if key not in seen:
                    seen.add(key)
                    yield Told(one.unit, steps, net, float(first), dso.horizon.step_h)


def payments(known: GridEvidence) -> Iterator[Reading]:
    """What owners traded, wore and were paid for commands, by tariff and meters, against the ledger."""
    for dso in known.of(Dso):
        ledger, operator = known.tables["ledger"], known.grid.local(dso.name)
        apart, scale, worn = [0.0], LEAST_MONEY, 0.0
        commanded = dict(commanded_wear_per_mwh(known.scenario))
        for one in owners_of(known, dso):
            due = dict(_dues(known, one))
            booked = _booked(ledger, one.name)
            apart += [abs(money - booked.get(purpose, 0.0)) for purpose, money in due.items()]
            scale = max(scale, *map(abs, due.values()))
            given = np.maximum(-one.planned_mw[~one.schedules_itself], 0.0).sum() * known.world.period_h
            worn += commanded[one.name] * float(given)
        if len(apart) == 1:
            continue
        apart.append(abs(worn + _booked(ledger, operator).get(WEAR, 0.0)))
        yield Reading(
            "payments of owners", max(apart), _ROUNDING * max(scale, worn), "money", True,
            "largest difference, by owner and purpose, of the ledger and what the tariff asks for the energy "
            "of the owner's meter, its own wear, and what it would have earned where it is commanded; and of "
            "what the operator paid for wear and what its plans ask for",
        )  # fmt: skip


def equal_rules(known: GridEvidence) -> Iterator[Reading]:
    """What is told of the last day by rules for ties, against that day where all owners follow one rule."""
    told = known.tables.get("equal_schedules")
    if told is None or may_depart(known) or not plans_for_what_it_hears(known):
        return
    days = known.tables["days"].sort_values("day")
    for dso in known.of(Dso):
        if dso.days[-1].hedge is not None:
            continue
        own = [one for one in owners_of(known, dso) if one.schedules_itself[-1]]
        moved = sum(float(np.abs(one.planned_mw[-1] - one.own_mw[-1]).sum()) for one in own)
        apart, hours = [0.0], known.world.period_h
        for rule, rows in told.groupby("rule"):
            if {one.unit.equal_schedules for one in own} == {rule}:
                money = float(days["dispatch_cost_money"].iloc[-1])
                apart.append(abs(float(rows["cost_money"].iloc[0]) - money) / max(LEAST_MONEY, abs(money)))
                apart.append(abs(float(rows["redispatched_mwh"].iloc[0]) - moved * hours))
        best = [_last_earned(one, hours) for one in own]
        apart += [
            abs(float(money) - sum(best)) / max(LEAST_MONEY, *map(abs, best), abs(sum(best)))
            for money in told["earnings_money"]
            if all(one.unit.alone.regime == _ARBITRAGE for one in own)
        ]
        yield Reading(
            "equal schedules", max(apart), _REGRET, "", True,
            "largest difference of the earnings that a rule for ties gives the owners on the last day and "
            "what they earn, and, of the rule that all of them follow, of cost, relative, and of what is "
            "redispatched, MWh",
        )  # fmt: skip


def _last_earned(one: _OwnerDays, period_h: float) -> float:
    """What an owner's schedule earns on the last day."""
    return float(one.earned_money(one.own_mw[-1:], one.posted[-1:], period_h)[0])


def _booked(ledger: pd.DataFrame, account: str) -> Mapping[str, float]:
    """Received less paid by purpose."""
    sums = ledger[ledger["account"] == account].groupby("purpose")["amount_money"].sum()
    return {str(purpose): float(money) for purpose, money in sums.items()}


def _dues(known: GridEvidence, one: _OwnerDays) -> Iterator[tuple[str, float]]:
    """What an owner is due by purpose, negative where it pays."""
    hours, alone = known.world.period_h, one.schedules_itself
    price, charged, discharged = (part[alone] for part in (one.posted, one.charge_mw, one.discharge_mw))
    yield CHARGE, -float((price * charged).sum()) * hours
    yield DISCHARGE, float((price * discharged).sum()) * hours
    yield WEAR, -one.unit.wear_cost_per_mwh * float(discharged.sum()) * hours
    owed = one.earned_money(one.own_mw, one.posted, hours) - one.earned_money(
        one.planned_mw, one.posted, hours
    )
    section, operator = pool_of(known.scenario), DSO.of(known.scenario)
    paid_alone = operator is not None and (section is None or section.outside == "stand-alone")
    told = one.earned_money(one.alone_mw, one.tou, hours) if paid_alone else np.zeros(len(alone))
    yield STORAGE_COMPENSATION, float(np.maximum(np.where(alone, owed, told), 0.0).sum())
