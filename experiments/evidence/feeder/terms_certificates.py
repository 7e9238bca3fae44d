"""Certificates of what days were planned with, and of what is told of plans: prices, carbon, power, cost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike

from gridarium.agents.devices.renewable_plant import RenewablePlant
from gridarium.agents.feeder.dso import Dso
from gridarium.agents.feeder.dso_day import DsoDay
from gridarium.agents.transmission.ties import Ties
from gridarium.environment.arrays import Array
from gridarium.experiments.evidence.grid_evidence import GridEvidence, by_period, column_of, rows_of
from gridarium.experiments.evidence.plans.plan_reading import at_buses, foreseen_mw
from gridarium.experiments.evidence.shares import apart
from gridarium.experiments.parts.renewables import RENEWABLES
from gridarium.experiments.parts.supply import PRICES
from gridarium.experiments.results.records import Reading

_SAME = 1e-9
"""Two numbers of one source, relative to the largest of them."""


def terms(known: GridEvidence) -> Iterator[Reading]:
    """Prices and carbon factors that days were planned with against what is paid, and the profiles."""
    pairs = list(_terms(known))
    if not pairs:
        return
    yield Reading(
        "terms as they are", max(apart(*pair) for pair in pairs), _SAME, "", True,
        "largest difference of a price or a carbon factor that a DSO planned a day with, or tells of it, and "
        "what is paid at the head, or what the profiles say of the plain tariff; relative to the largest",
    )  # fmt: skip


def _terms(known: GridEvidence) -> Iterator[tuple[Array, Array]]:
    """What each day of a DSO was planned with and what it tells of that, beside what it was told."""
    for dso in known.of(Dso):
        heads, told = known.tables["heads"], rows_of(known.tables, "signals", "dso")

        def in_steps(values: ArrayLike, per_step: int = dso.horizon.per_step) -> Array:
            """Means over the periods of a step: a supplier may tell its terms in shorter ones."""
            found: Array = np.asarray(values, dtype=float).reshape(-1, per_step).mean(axis=1)
            return found

        own = {
            "wholesale_price_per_mwh": in_steps(heads["price_per_mwh"]),
            "export_price_per_mwh": in_steps(heads["export_price_per_mwh"]),
            "grid_factor_tco2_per_mwh": in_steps(heads["factor_told_tco2_per_mwh"]),
            "tou_price_per_mwh": column_of(known, PRICES.of(known.scenario).tou_column, dso.horizon),
        }
        for name, values in own.items():
            yield np.concatenate([getattr(day.conditions, name) for day in dso.days]), values
            if name in told:
                yield in_steps(told[name]), values


def plans_told(known: GridEvidence) -> Iterator[Reading]:
    """What tables tell of the plans of a DSO against these plans."""
    for dso in known.of(Dso):
        signals, days = rows_of(known.tables, "signals", "dso"), rows_of(known.tables, "days", "dso")
        plans = [day.plan.dispatch for day in dso.days]
        bought = dso.horizon.by_period(np.concatenate([plan.buy_mw - plan.sell_mw for plan in plans]))
        pairs = [(signals["p_nominated_mw"].to_numpy(dtype=float), bought)]
        for column, name in (
            ("dispatch_cost_money", "cost_money"),
            ("dispatch_bound_money", "bound_money"),
            ("pull_money", "pull_money"),
        ):
            own = np.array([getattr(plan, name) for plan in plans])
            pairs.append((days[column].to_numpy(dtype=float), own))
        if dso.today.signal.price_per_mwh.ndim > 1:
            price = np.concatenate([_mean_price_per_mwh(known, dso, day) for day in dso.days])
            pairs.append((signals["price_per_mwh"].to_numpy(dtype=float), dso.horizon.by_period(price)))
        yield Reading(
            "plans told", max(apart(*pair) for pair in pairs), _SAME, "", True,
            "largest difference of what a DSO is said to have nominated at its head, of the cost of a day's "
            "plan, of its bound, of what a pull costs in it, or of the mean of prices by bus, and of the "
            "plan with its loads; relative to the largest",
        )  # fmt: skip


def _mean_price_per_mwh(known: GridEvidence, dso: Dso, day: DsoDay) -> Array:
    """Mean of the prices posted by bus over the loads that a plan was made for, shape (n_step,)."""
    posted, n_bus = day.signal, known.grid.feeder.n_bus
    load, _ = at_buses(dso.contract.loads, day.loads_mw, day.loads_mvar, n_bus)
    total, plain = load.sum(axis=0), np.array(posted.reference_price_per_mwh, dtype=float)
    return np.asarray(
        np.divide((posted.price_per_mwh * load).sum(axis=0), total, out=plain, where=total > 0.0)
    )


def available(known: GridEvidence) -> Iterator[Reading]:
    """What renewable plants could deliver against their columns and the bounds of their errors."""
    operators: Sequence[Dso | Ties] = (*known.of(Dso), *known.of(Ties))
    plants = {known.grid.local(one.name): one for one in known.of(RenewablePlant)}
    units = RENEWABLES.of(known.scenario)
    if not operators or not units:
        return
    (operator, *_), worst = operators, 0.0
    rows = rows_of(known.tables, "dispatch", "renewable")
    for name, unit in units.items():
        own = foreseen_mw(known, unit, operator.horizon)
        heard = np.concatenate([_heard(known, day.available_mw, name) for day in operator.days])
        worst = max(worst, apart(heard, own))
        mine, foreseen = rows[rows["agent"] == name], operator.horizon.by_period(own)
        there_was = by_period(mine, "p_available_mw", known.world.n_period)
        most = np.minimum((1.0 + unit.error_bound) * foreseen, unit.inverter_oversize * own.max())
        least = np.zeros_like(most) if plants[name].drops else (1.0 - unit.error_bound) * foreseen
        beyond = np.maximum(there_was - most, np.minimum(least, most) - there_was)
        worst = max(worst, float(beyond.max()) / max(1.0, float(own.max())))
    yield Reading(
        "power there was", worst, _SAME, "", True,
        "largest difference of what an operator heard that a renewable plant has and its column, or by "
        "which what there was leaves the column with the largest error of the forecast; relative to the "
        "highest point",
    )  # fmt: skip


def _heard(known: GridEvidence, available_mw: Mapping[str, Array], name: str) -> Array:
    """What an operator heard of a plant, by its name within the grid."""
    return next(own for other, own in available_mw.items() if known.grid.local(other) == name)
