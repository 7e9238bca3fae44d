"""Consumers of a run against the conditions of their optimum, from what the scenario says of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from gridarium.environment.arrays import Array
from gridarium.experiments.results.result import Result
from gridarium.experiments.verification.checks import Check
from gridarium.experiments.verification.run_tables import GridTables, Worst, grids, numbers, resolved

_SAME = 1e-5
"""Of a load, relative to its peak: what a solver may leave."""
_UNIFORM = ("tou", "static-carbon", "adcef")
"""Tariffs with one price for all buses, which `signals` tells."""
_BISECTIONS = 200


def followers(run: Result, case: str) -> Iterator[Check]:
    """Plans of consumers against the closed form of their optimum under the posted tariff.

    Notes
    -----
    A consumer maximises C13 less its bill over loads that keep the energy of a day and move within its
    flexible share: ``P = clip(base + (reference - price - mu) / beta)`` with the multiplier of the energy,
    found by bisection. No problem of an agent is solved for it.
    """
    if resolved(run, case).get("communication", {}).get("attacks"):
        said = "messages are attacked: consumers may have heard another tariff than the one posted"
        yield Check(case, "followers not checked", True, said)
        return
    plans, unasked = Worst(_SAME, "of the peak"), list[str]()
    for grid in grids(run, case):
        groups = grid.section.get("consumers") or {}
        for name, group in groups.items():
            rows = grid.rows("loads", agent=str(name))
            if not _has_closed_form(grid, group) or len(rows) != grid.n_period:
                unasked.append(f"{grid.place}{name}")
                continue
            for day in _days(grid):
                _plan(grid, str(name), group, day, plans)
    yield from plans.checks(case, "followers", "plans of consumers against the closed form of their optimum")
    if unasked:
        said = f"{', '.join(unasked)}: bounded, many, nodal or with a battery: no closed form from tables"
        yield Check(case, "followers not checked", True, said)


def _has_closed_form(grid: GridTables, group: Mapping[str, Any]) -> bool:
    tariff = grid.section.get("tariff") or {}
    plain = not any(group.get(name) for name in ("behaviour", "mixture", "battery", "forecast", "elasticity"))
    alone = (
        group.get("count") == 1 and group.get("agent") == "consumer" and group.get("shiftable_mwh") is None
    )
    return plain and alone and tariff.get("kind") in _UNIFORM and not group.get("deviation_share")


def _days(grid: GridTables) -> list[slice]:
    count = int(grid.rows("days")["day"].max()) + 1
    length = grid.n_period // count
    return [slice(day * length, (day + 1) * length) for day in range(count)]


def _plan(grid: GridTables, name: str, group: Mapping[str, Any], day: slice, worst: Worst) -> None:
    rows, told = grid.rows("loads", agent=name), grid.rows("signals", kind="dso")
    base, plan = numbers(rows, "p_base_mw")[day], numbers(rows, "p_plan_mw")[day]
    price = numbers(told, "price_per_mwh")[day]
    reference = numbers(told, "tou_price_per_mwh")[day]
    peak = float(base.max())
    flexible = float(group["flexible_share"]) * base
    low, high = base - flexible, base + np.minimum(flexible, peak - base)
    # The slope of a scenario is that of all load; a group answers in proportion.
    slope = grid.money_rate * float(group["beta_per_mwh_per_mw"]) / float(group["share"])
    best = _optimum(base, (reference - price) / slope, low, high)
    worst.add(plan - best, lambda at: f"{grid.place}{name}, period {day.start + at}", max(peak, 1e-9))


def _optimum(base: Array, wanted: Array, low: Array, high: Array) -> Array:
    """The load that comes closest to base plus what is wanted, with the energy of base."""
    reach = float(np.ptp(wanted) + np.abs(wanted).max() + 2.0 * np.abs(base).max()) + 1.0
    below, above = -reach, reach
    for _ in range(_BISECTIONS):
        middle = 0.5 * (below + above)
        excess = float((np.clip(base + wanted - middle, low, high) - base).sum())
        below, above = (middle, above) if excess > 0.0 else (below, middle)
    return np.asarray(np.clip(base + wanted - 0.5 * (below + above), low, high))
