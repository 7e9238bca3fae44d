"""Certificates of a bulk system's plan in force: its losses and its exchange against what came of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from gridarium.agents.transmission.bulk_system import BulkPlan
from gridarium.agents.transmission.ties import Ties
from gridarium.environment.arrays import Array
from gridarium.experiments.evidence.grid_evidence import GridEvidence, by_period, rows_of
from gridarium.experiments.evidence.transmission.bulk_certificates import plays_exactly
from gridarium.experiments.parts.renewables import RENEWABLES
from gridarium.experiments.parts.storages import STORAGES
from gridarium.experiments.parts.thermal_units import THERMAL_UNITS
from gridarium.experiments.parts.ties import TIES
from gridarium.experiments.results.records import Reading

_LOSSES, _EXCHANGE = 2e-3, 0.05
"""Shares of the load: what a dispatch on one bus leaves open, and what agents that keep to nothing may."""
_LEAST_LOAD_MW = 1e-3
_A_WATT_MW = 1e-6


def plan_in_force(known: GridEvidence) -> Iterator[Reading]:
    """How near the plan of a TIES is to the AC flow of what was carried out."""
    plans = rows_of(known.tables, "bulk_plans", "ties")
    if plans.empty:
        return
    flows = known.grid.states
    lost = np.array([float(state.flow.loss_mw[0]) for state in flows])
    load = np.array([float(np.maximum(state.drawn_mw + state.below_mw, 0.0).sum()) for state in flows])
    largest = max(float(load.max()), _LEAST_LOAD_MW)
    yield Reading(
        "planned losses", _furthest(plans["loss_mw"].to_numpy(dtype=float), lost) / largest, _LOSSES, "",
        False, "largest difference of planned losses and those of the AC flow, relative to the largest load",
    )  # fmt: skip
    if known.grid.above is not None or "heads" not in known.tables:
        return
    taken = by_period(known.tables["heads"], "p_metered_mw", len(flows))
    planned = (plans["import_mw"] - plans["spill_mw"]).to_numpy(dtype=float)
    section = TIES.of(known.scenario)
    assert section is not None
    # Load and renewable power may each be as far from the plan as triggers no other one.
    unseen = 2.0 * section.trigger_mw / largest + _LOSSES
    yield Reading(
        "planned exchange", _furthest(planned, taken) / largest,
        unseen if plays_exactly(known) else max(unseen, _EXCHANGE), "", False,
        "largest difference of balancing energy as planned and what passed the head, relative to the largest "
        "load: what units, storages and loads have not done as they were told to; up to what departures of "
        "load and renewable power come to that trigger no new plan",
    )  # fmt: skip


def _furthest(planned: Array, done: Array) -> float:
    return float(np.abs(planned - done).max(initial=0.0))


def orders(known: GridEvidence) -> Iterator[Reading]:
    """Whether units and storages of a TIES do what the plan in force says, reactive power of all with it."""
    found = [_astray(known, ties) for ties in known.of(Ties)]
    if not found:
        return
    bus = known.world.bus
    all_heard = not (bus.lost or bus.refused)
    yield Reading(
        "orders carried out", max(found), _A_WATT_MW, "MW", plays_exactly(known) and all_heard,
        "largest difference of active or reactive power that a unit or a storage fed in, or of reactive "
        "power of a renewable plant, and the plan in force",
    )  # fmt: skip


def _astray(known: GridEvidence, ties: Ties) -> float:
    plans, done = [ties.in_force(day.number).plan for day in ties.days], known.tables["dispatch"]
    apart = [0.0]
    for name, p_mw, q_mvar in _planned(known, plans):
        own = done[done["agent"] == name]
        apart.append(_furthest(q_mvar, own["q_mvar"].to_numpy(dtype=float)))
        if p_mw is not None:
            fed = (own["p_supply_mw"] - own["p_demand_mw"]).to_numpy(dtype=float)
            apart.append(_furthest(p_mw, fed))
    return max(apart)


def _planned(known: GridEvidence, plans: Sequence[BulkPlan]) -> Iterator[tuple[str, Array | None, Array]]:
    """Name, active and reactive power by plan; none of either where a plant gives what there is."""
    scenario = known.scenario

    def joined(series: Callable[[BulkPlan], Array]) -> Array:
        return np.concatenate([series(plan) for plan in plans], axis=-1)

    net, mvar = joined(lambda plan: plan.unit_mw), joined(lambda plan: plan.unit_mvar)
    for row, name in enumerate(THERMAL_UNITS.of(scenario)):
        yield name, net[row], mvar[row]
    given, held = (
        joined(lambda plan: plan.discharge_mw - plan.charge_mw),
        joined(lambda plan: plan.storage_mvar),
    )
    for row, name in enumerate(STORAGES.of(scenario)):
        yield name, given[row], held[row]
    green = joined(lambda plan: plan.renewable_mvar)
    for row, (name, unit) in enumerate(RENEWABLES.of(scenario).items()):
        if unit.mvar_per_mw is None:
            yield name, None, green[row]
