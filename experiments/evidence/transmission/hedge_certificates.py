"""Certificates of plans for scenarios: their bound, their costs by fresh dispatches, corners of demand."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gridarium.agents.feeder.dso import Dso
from gridarium.agents.feeder.hedging import Hedge
from gridarium.agents.feeder.recourse import Recourse
from gridarium.environment.arrays import Array
from gridarium.experiments.evidence.grid_evidence import GridEvidence
from gridarium.experiments.results.records import Reading

PROVEN_GAP = 2e-4
"""How far a plan may be from the bound, relative to the mean cost."""
_FINE_TOLERANCE = 1e-4
"""Violation of a branch cone at which fresh dispatches end, MW squared: a tenth of the plan's own."""
_OUTSIDE_PU = 1e-5


def hedges(known: GridEvidence) -> Iterator[Reading]:
    """Of all days of a DSO that were planned for scenarios, the worst."""
    found = [day.hedge for dso in known.of(Dso) for day in dso.days if day.hedge is not None]
    if not found:
        return
    dso = known.of(Dso)[0]
    fresh = [_fresh_money(dso, hedge) for hedge in found]
    yield _proven(found)
    yield _priced_again(found, fresh)
    yield from _regret(found, fresh)
    yield from _corners(found)


def _fresh_money(dso: Dso, hedge: Hedge) -> tuple[Array, float]:
    """Cost of the plan in every scenario by new programmes of a finer tolerance, and voltages outside."""
    recourse = Recourse(dso.name, dso.shape, hedge.shape_day, _FINE_TOLERANCE)
    exact = recourse.exact(hedge.plan.schedule.net_mw, hedge.available_mw)
    cost = exact.cost_money.sum(axis=1) + hedge.plan.schedule.own_money
    return np.asarray(cost), exact.voltage_excess_pu


def _mean(hedge: Hedge) -> float:
    return 1.0 + abs(float(hedge.weights @ hedge.plan.cost_money))


def _proven(found: list[Hedge]) -> Reading:
    gap = max((hedge.plan.value_money - hedge.plan.bound_money) / _mean(hedge) for hedge in found)
    return Reading(
        "scenario plan", max(0.0, gap), PROVEN_GAP, "", False,
        "what the attitude of the operator judges its plan by, above the bound of any schedule of storages, "
        "relative to the mean cost over all scenarios (A21)",
    )  # fmt: skip


def _priced_again(found: list[Hedge], fresh: list[tuple[Array, float]]) -> Reading:
    apart = [
        float(np.abs(cost - hedge.plan.cost_money).max()) / _mean(hedge)
        for hedge, (cost, _) in zip(found, fresh, strict=True)
    ]
    outside = max(voltage for _, voltage in fresh)
    return Reading(
        "scenario costs", max(apart), PROVEN_GAP, "", True,
        "largest difference of the cost of a scenario from that of fresh dispatches with storages at their "
        "schedules, relative to the mean cost",
        f"AC voltages of these at most {outside:.1e} p.u. outside of the band",
    )  # fmt: skip


def _regret(found: list[Hedge], fresh: list[tuple[Array, float]]) -> Iterator[Reading]:
    """rho by the costs of fresh dispatches, against the plan of the forecast."""
    above = []
    for hedge, (cost, _) in zip(found, fresh, strict=True):
        if hedge.terms.attitude.kind == "min-max-regret":
            rho = hedge.terms.attitude.value_money(cost, hedge.weights, hedge.best_money)
            above.append((rho - hedge.forecast_value_money) / _mean(hedge))
    if above:
        yield Reading(
            "worst regret", max(0.0, *above), PROVEN_GAP, "", True,
            "worst regret of the plan, by fresh dispatches, above that of the plan for the forecast alone, "
            "relative to the mean cost: more than the gap of the search cannot be",
        )  # fmt: skip


def _corners(found: list[Hedge]) -> Iterator[Reading]:
    corners = [corner for hedge in found for corner in hedge.corners]
    if corners:
        worst = max(corners, key=lambda corner: corner.outside_pu)
        yield Reading(
            "demand corners", worst.outside_pu, _OUTSIDE_PU, "p.u.", False,
            "how far an AC voltage leaves the allowed band where loads are at ends of their intervals and "
            "units as commanded (A22)",
            f"lowest {min(float(corner.vm_min_pu.min()) for corner in corners):.4f} p.u., highest "
            f"{max(float(corner.vm_max_pu.max()) for corner in corners):.4f} p.u.",
        )  # fmt: skip
