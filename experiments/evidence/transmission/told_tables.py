"""Certificates of what the tables of a TIES say: its days, plans, prices and followers, column by column."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, Union

import numpy as np
import pandas as pd

from gridarium.agents.transmission.bulk_system import BulkPlan
from gridarium.agents.transmission.ties import Ties
from gridarium.agents.transmission.ties_day import TiesDay
from gridarium.environment.arrays import Array
from gridarium.experiments.evidence.grid_evidence import GridEvidence, by_period, rows_of
from gridarium.experiments.evidence.transmission.bulk_certificates import plays_exactly
from gridarium.experiments.parts.carbon_policy import CARBON_POLICY
from gridarium.experiments.parts.supply import REAL_TIME
from gridarium.experiments.parts.ties import TIES
from gridarium.experiments.results.records import Reading
from gridarium.market.accounts import PURCHASE, REAL_TIME_MARKET
from gridarium.market.messages.tariffs import TariffSignal

_SAME = 1e-9
_LEAST = 1e-3
"""Of MW, MWh, tCO2 and money; what is less counts as this."""

Values = Union[Sequence[float], Array, "pd.Series[Any]"]
Columns = Iterator[tuple[str, Values, Values]]
"""Name, what is told, and what is due."""


def system_told(known: GridEvidence) -> Iterator[Reading]:
    """What stands in the tables of a TIES against its plans, its days, its terms and its meters."""
    found = [
        (_apart(told, due), name)
        for ties in known.of(Ties)
        for name, told, due in chain(
            _plans(known, ties), _signals(known, ties), _days(known, ties), _followers(known, ties)
        )
    ]
    if not found:
        return
    worst, name = max(found)
    yield Reading(
        "system as told", worst, _SAME, "", True,
        "largest difference of a number in the tables of a TIES, of its plans in force, its days, prices, "
        "carbon factors, departures and followers, and the same by hand from what it keeps of them, relative "
        "to the largest of its column",
        name,
    )  # fmt: skip
    if known.grid.above is None:
        yield _balancing_energy(known)


def _apart(told: Values, due: Values) -> float:
    one, other = np.asarray(told, dtype=float), np.asarray(due, dtype=float)
    if one.shape != other.shape or not np.array_equal(np.isnan(one), np.isnan(other)):
        return float("inf")
    size = max(float(np.nanmax(np.abs(other), initial=0.0)), _LEAST)
    return float(np.nanmax(np.abs(one - other), initial=0.0)) / size


def _held(known: GridEvidence, ties: Ties, days: Iterable[Array]) -> Array:
    """A series of each day in steps, held over the settlement periods of the run."""
    per_step = round(ties.horizon.step_h / known.world.period_h)
    return np.repeat(np.concatenate(list(days)), per_step)


# What is in force.


def _plans(known: GridEvidence, ties: Ties) -> Columns:
    told = rows_of(known.tables, "bulk_plans", "ties")
    plans = [ties.in_force(day.number).plan for day in ties.days]
    of_plan: Mapping[str, Callable[[BulkPlan], Array]] = {
        "marginal_price_per_mwh": lambda plan: plan.price_per_mwh,
        "emission_t_per_h": lambda plan: plan.emission_t_per_h,
        "import_mw": lambda plan: plan.import_mw,
        "spill_mw": lambda plan: plan.spill_mw,
        "loss_mw": lambda plan: plan.loss_mw,
        "reserve_up_short_mw": lambda plan: plan.reserve_short_mw[0],
        "reserve_down_short_mw": lambda plan: plan.reserve_short_mw[1],
    }
    for name, value in of_plan.items():
        yield f"bulk_plans: {name}", told[name], np.concatenate([value(plan) for plan in plans])
    moved = np.full(len(told), np.nan)
    for day in ties.days:
        begun = day.number * ties.horizon.day_length
        for place, distance in ties.in_force(day.number).moved_mw.items():
            moved[begun + place] = distance
    yield "bulk_plans: moved_mw", told["moved_mw"], moved
    yield from _departures(known, ties, moved)


def _departures(known: GridEvidence, ties: Ties, moved: Array) -> Columns:
    """By how much loads and renewable power are away from the plan, where none was made for that.

    By meters, where followers are regional systems that keep to what they told, and feeders tell nothing.
    """
    section, loads = TIES.of(known.scenario), rows_of(known.tables, "loads", "region")
    assert section is not None
    regions = {known.grid.named(str(name)) for name in loads["agent"].unique()}
    if regions != set(ties.days[0].followers) or ties.contract.services or not plays_exactly(known):
        return
    n = len(moved)
    plans = [ties.in_force(day.number).forecast for day in ties.days]
    load = np.concatenate([plan.load_mw for plan in plans]) - by_period(loads, "p_metered_mw", n)
    plants = rows_of(known.tables, "dispatch", "renewable")
    foreseen = np.concatenate([plan.available_mw.sum(axis=0) for plan in plans])
    wind = foreseen - by_period(plants, "p_available_mw", n)
    stays = moved <= section.trigger_mw
    yield "bulk_plans: moved_mw by meters", moved[stays], np.maximum(np.abs(load), np.abs(wind))[stays]


# What was posted.


def _signals(known: GridEvidence, ties: Ties) -> Columns:
    told, days = rows_of(known.tables, "signals", "ties"), ties.days
    price = _held(known, ties, (day.signals[day.followers[0]].price_per_mwh for day in days))
    market = REAL_TIME.of(known.scenario).price_per_mwh
    yield "signals: price_per_mwh", told["price_per_mwh"], price
    yield "signals: price_below_per_mwh", told["price_below_per_mwh"], price
    yield "signals: export_price_below_per_mwh", told["export_price_below_per_mwh"], 0.0 * price
    if known.grid.above is None:
        yield "signals: wholesale_price_per_mwh", told["wholesale_price_per_mwh"], market + 0.0 * price
    loads = _held(known, ties, (np.sum(list(day.loads_mw.values()), axis=0) for day in days))
    yield "signals: p_load_plan_mw", told["p_load_plan_mw"], loads
    factor = _held(known, ties, (_of_supply(day.plan, day.plan.emission_t_per_h) for day in days))
    yield "signals: factor_tco2_per_mwh", told["factor_tco2_per_mwh"], factor
    green = _held(known, ties, (_of_supply(day.plan, day.plan.renewable_mw.sum(axis=0)) for day in days))
    yield "signals: green_share", told["green_share"], green.clip(0.0, 1.0)


def _of_supply(plan: BulkPlan, part: Array) -> Array:
    """A part over all that is fed in by a plan: units, renewable plants, storages, imports; 0 of nothing."""
    fed = (plan.unit_mw, plan.renewable_mw, plan.discharge_mw)
    supplied = sum((one.sum(axis=0) for one in fed), plan.import_mw)
    return np.where(supplied > 0.0, part / np.where(supplied > 0.0, supplied, 1.0), 0.0)


# Its days.


def _days(known: GridEvidence, ties: Ties) -> Columns:
    told, step_h = rows_of(known.tables, "days", "ties"), ties.horizon.step_h
    days = ties.days
    due: Mapping[str, list[float]] = {
        "day": list(range(len(days))),
        "rounds": [day.rounds[-1].round for day in days],
        "most_rounds": [_longest(day) for day in days],
        "negotiations": [day.negotiations for day in days],
        "revisions": [day.revisions for day in days],
        "forced_commitments": [day.forced for day in days],
        "level": [day.level for day in days],
        "renewals": [day.renewals for day in days],
        "dispatch_cost_money": [day.plan.cost_money for day in days],
        "commitment_cost_money": [day.review.held_money for day in days],
        "commitment_best_money": [day.review.best_money for day in days],
        "emission_planned_tco2": [step_h * float(day.plan.emission_t_per_h.sum()) for day in days],
    }
    if CARBON_POLICY.of(known.scenario).emission_cap_tco2_per_day is None:
        # Nobody moves prices of carbon but to meet a cap.
        due = {**due, "level": [1.0 for _ in days]}
    for name, values in due.items():
        yield f"days: {name}", told[name], values


def _longest(day: TiesDay) -> int:
    """Rounds of the longest stretch that one of them has ended."""
    longest = since = 0
    for one in day.rounds:
        since += 1
        if one.ended:
            longest, since = max(longest, since), 0
    return longest


# What its followers were told, and told it.


def _followers(known: GridEvidence, ties: Ties) -> Columns:
    personal = rows_of(known.tables, "personal_carbon", "follower")
    abatement = rows_of(known.tables, "abatement", "follower")
    days, hours = ties.days, known.world.period_h
    for row, follower in enumerate(days[0].followers):
        name = known.grid.local(follower)
        told, signals = personal[personal["agent"] == name], [day.signals[follower] for day in days]
        base = _held(known, ties, (day.base_mw[follower] for day in days))
        load = _held(known, ties, (day.loads_mw[follower] for day in days))
        factor = _held(known, ties, (signal.factor_tco2_per_mwh for signal in signals))
        steps = [_ladder(signal) for signal in signals]
        of_periods = {
            "p_base_mw": base,
            "p_plan_mw": load,
            "factor_tco2_per_mwh": factor,
            "first_price_per_tco2": _held(known, ties, (price for price, _ in steps)),
            "quota_t_per_h": _held(known, ties, (quota for _, quota in steps)),
        }
        for column, due in of_periods.items():
            yield f"personal_carbon: {column} of {name}", told[column], due
        series = {"base_mwh": base, "plan_mwh": load, "personal_tco2": factor * load}
        of_days = {
            column: hours * values.reshape(len(days), -1).sum(axis=1) for column, values in series.items()
        }
        of_days["shapley_tco2"] = np.array([day.abatement_tco2[row] for day in days])
        of_days["alone_tco2"] = np.array([day.alone_tco2[row] for day in days])
        sums = abatement[abatement["agent"] == name]
        for column, due in of_days.items():
            yield f"abatement: {column} of {name}", sums[column], due


def _ladder(signal: TariffSignal) -> tuple[Array, Array]:
    """First price and quota of a ladder; nothing without one."""
    nothing = np.zeros_like(signal.price_per_mwh)
    ladder = signal.ladder
    return (nothing, nothing) if ladder is None else (ladder.base_price_per_tco2, ladder.quota_t_per_h)


# What it bought at the head.


def _balancing_energy(known: GridEvidence) -> Reading:
    """Balancing energy of each period at the price of the scenario, against ledger and head."""
    n, price = known.world.periods_done, REAL_TIME.of(known.scenario).price_per_mwh
    head, ledger = known.tables["heads"], known.tables["ledger"]
    own = ledger[(ledger["account"] == REAL_TIME_MARKET) & (ledger["purpose"] == PURCHASE)]
    due = price * np.maximum(by_period(head, "p_metered_mw", n), 0.0) * known.world.period_h
    apart = _apart(by_period(own, "amount_money", n), due)
    prices = (("price_per_mwh", price), ("export_price_per_mwh", 0.0))
    told = [_apart(head[column], np.full(len(head), value)) for column, value in prices]
    return Reading(
        "balancing energy", max(apart, *told), 1e-6, "", True,
        "largest difference of what was paid for balancing energy in a period, and what the head's table "
        "says of its prices, and the price of the scenario on what has passed the head, relative to the "
        "largest of its kind; what is left over earns nothing",
    )  # fmt: skip
