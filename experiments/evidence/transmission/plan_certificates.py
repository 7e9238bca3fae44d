"""Certificates of a bulk system's plan in force: its losses and its exchange against what came of them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gridarium.environment.arrays import Array
from gridarium.experiments.evidence.grid_evidence import GridEvidence, by_period, rows_of
from gridarium.experiments.evidence.transmission.bulk_certificates import plays_exactly
from gridarium.experiments.parts.ties import TIES
from gridarium.experiments.results.records import Reading

_LOSSES, _EXCHANGE = 2e-3, 0.05
"""Shares of the load: what a dispatch on one bus leaves open, and what agents that keep to nothing may."""
_LEAST_LOAD_MW = 1e-3


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
