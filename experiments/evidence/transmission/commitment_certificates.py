"""Certificates of the units that a TIES commits: against the best ones by a programme of its own."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gridarium.agents.transmission.ties import Ties
from gridarium.agents.transmission.ties_day import TiesDay
from gridarium.environment.arrays import Array, Flags
from gridarium.experiments.evidence.grid_evidence import GridEvidence
from gridarium.experiments.evidence.plans.own_carbon import ladder_lines
from gridarium.experiments.evidence.shares import LEAST_MONEY, share_of
from gridarium.experiments.evidence.transmission.commitment_reference import SystemHours, least_cost_money
from gridarium.experiments.parts.storages import STORAGES
from gridarium.experiments.parts.supply import REAL_TIME
from gridarium.experiments.parts.thermal_units import THERMAL_UNITS
from gridarium.experiments.parts.ties import TIES
from gridarium.experiments.results.records import Reading

_FORGONE = 1e-3
"""What may be forgone before other units pay, relative to the cost of the day."""
_TOLD = 3e-4
"""Of the same: what two searches that end at a gap may differ by."""


def system_commitment(known: GridEvidence) -> Iterator[Reading]:
    """The units that a TIES runs on each day, and what it says that the best ones would cost."""
    looked_at = [(day, _hours(known, day)) for ties in known.of(Ties) for day in ties.days if _is_told(day)]
    if not looked_at:
        return
    forgone, told = [], []
    for day, hours in looked_at:
        best, held = least_cost_money(hours), least_cost_money(hours, _by_hour(day, day.on) > 0.5)
        forgone.append(share_of(held - best, best, LEAST_MONEY))
        told.append(share_of(abs(day.review.best_money - best), best, LEAST_MONEY))
    yield Reading(
        "units that run", max(0.0, *forgone), _FORGONE, "", False,
        "cost of a day with the units that were held beyond that with the best ones, by a programme of whole "
        "hours on one bus of its own, relative (D1 to D4, D6 to D8, D10)",
    )  # fmt: skip
    yield Reading(
        "units told", max(told), _TOLD, "", False,
        "largest difference of what a day is told to cost with the best units and by the same programme, "
        "relative",
    )  # fmt: skip


def _is_told(day: TiesDay) -> bool:
    return bool(np.isfinite(day.review.best_money)) and bool(day.planned_mw)


def _by_hour(day: TiesDay, values: Array | Flags) -> Array:
    """Means of a series in steps over each hour, shape (..., n_hour)."""
    per_hour = max(1, round(1.0 / day.horizon.step_h))
    *others, n_step = values.shape
    return np.asarray(values.reshape(*others, n_step // per_hour, per_hour).mean(axis=-1))


def _hours(known: GridEvidence, day: TiesDay) -> SystemHours:
    section, scenario = TIES.of(known.scenario), known.scenario
    assert section is not None
    load = np.sum(list(day.planned_mw.values()), axis=0)
    available = day.available.sum(axis=0)
    reserve = section.reserve_load_share * load + section.reserve_renewable_share * available
    loss = np.zeros_like(load) if day.loss_mw is None else day.loss_mw
    units, carbon = list(THERMAL_UNITS.of(scenario).values()), section.own_carbon
    n_hour = _by_hour(day, load).shape[-1]
    may_run = np.ones((len(units), n_hour), dtype=bool) if day.unit_hours is None else day.unit_hours
    return SystemHours(
        units, list(STORAGES.of(scenario).values()), _by_hour(day, load + loss), _by_hour(day, available),
        _by_hour(day, day.horizon.fit(day.terms.price_per_mwh)), _by_hour(day, reserve),
        REAL_TIME.of(scenario).import_limit_mw, day.state.on, day.state.power_mw, day.state.hours_in_state,
        day.state.e_mwh, day.state.tank_tco2, may_run, ladder_lines(carbon),
        carbon.quota_tco2 + carbon.purchase_limit_tco2,
    )  # fmt: skip
