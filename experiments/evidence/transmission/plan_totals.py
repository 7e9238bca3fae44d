"""Certificates of what plans of a TIES say of themselves: losses, emission, contents, missing reserve."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gridarium.environment.arrays import Array
from gridarium.experiments.evidence.grid_evidence import GridEvidence
from gridarium.experiments.evidence.plans.planned_day import PlannedDay, PlannedUnit, SystemRules
from gridarium.experiments.evidence.plans.radial_flow import radial_flow
from gridarium.experiments.evidence.plans.system_reading import ToldPlan, told_plans
from gridarium.experiments.evidence.shares import LEAST_MW
from gridarium.experiments.results.records import Reading

_APART = 1e-6
"""Of the largest load: what a power flow is solved to in a plan."""
_BALANCE = 1e-10
"""Of the same: what rounding leaves of a sum of powers."""


def totals(known: GridEvidence) -> Iterator[Reading]:
    """Each plan of a TIES, for a day and in force: what it says follows from its powers."""
    plans = list(told_plans(known))
    apart = [_apart(told) for told in plans]
    off = [_off_balance(told) for told in plans if told.lost_mw is None]
    if off:
        yield Reading(
            "balance of plans", max(off), _BALANCE, "", True,
            "largest difference of what a plan feeds in and takes from above, less what loads draw, and what "
            "it says that the network loses, relative to the largest load",
        )  # fmt: skip
    if apart:
        yield Reading(
            "totals of plans", max(apart), _APART, "", True,
            "largest difference of what a plan says of the net power of its units, its losses, its emission, "
            "imports, contents of storages and tanks, and reserve that is missing, and the same by hand from "
            "its powers, ratings of the scenario, and an AC power flow of its own; MW, MWh, tCO2 and tCO2/h, "
            "relative to the largest load (D4, D6, D8, E1 to E4)",
        )  # fmt: skip


def _apart(told: ToldPlan) -> float:
    plan, day = told.plan, told.day
    head = plan.import_mw - plan.spill_mw
    own = _own_tco2_per_h(day)
    largest = max(float(day.load_mw.sum(axis=0).max()), LEAST_MW)
    pairs: list[tuple[Array, Array]] = [
        (plan.loss_mw, _lost_mw(told)),
        (plan.own_t_per_h, own),
        (plan.emission_t_per_h, own + told.import_factor_tco2_per_mwh * np.maximum(head, 0.0)),
        (plan.import_mw, np.maximum(head, 0.0)),
        (plan.reserve_short_mw, _short_mw(day)),
    ]
    pairs += [(row, unit.net_mw) for row, unit in zip(plan.unit_mw, day.units, strict=True)]
    pairs += [
        (row, store.first_mwh + day.hours * store.level_mwh)
        for row, store in zip(plan.e_mwh, day.stores, strict=True)
    ]
    pairs += [(row, _tank_tco2(unit, day.hours)) for row, unit in zip(plan.tank_tco2, day.units, strict=True)]
    return max(float(np.abs(said - due).max()) for said, due in pairs) / largest


def _off_balance(told: ToldPlan) -> float:
    """By its own powers over a network."""
    plan, fed = told.plan, told.day.fed[0].sum(axis=0)
    largest = max(float(told.day.load_mw.sum(axis=0).max()), LEAST_MW)
    return float(np.abs(fed + plan.import_mw - plan.spill_mw - plan.loss_mw).max()) / largest


def _lost_mw(told: ToldPlan) -> Array:
    """What the network takes of what is fed in and comes through the head; told beforehand on one bus."""
    if told.lost_mw is not None:
        return told.lost_mw
    fed = told.day.fed
    flow = radial_flow(told.day.feeder, *fed, told.day.head_vm_pu)
    return np.asarray(fed[0].sum(axis=0) + flow.head_mw)


def _own_tco2_per_h(day: PlannedDay) -> Array:
    """What units emit less what is captured."""
    emitted = np.zeros(day.n_period)
    for one in day.units:
        emitted += one.unit.emission_tco2_per_mwh * one.p_mw
        if one.capture is not None:
            emitted -= one.capture.absorbed_tco2_per_h
    return emitted


def _tank_tco2(one: PlannedUnit, hours: float) -> Array:
    """What is in a solvent tank at the end of each period; nothing without one."""
    plant = one.capture
    if plant is None:
        return np.zeros(len(one.p_mw))
    return np.asarray(
        plant.first_tco2 + hours * np.cumsum(plant.absorbed_tco2_per_h - plant.driven_tco2_per_h)
    )


def _short_mw(day: PlannedDay) -> Array:
    """Spinning reserve that is missing up and down, shape (2, n_period)."""
    rules = day.rules
    assert isinstance(rules, SystemRules)
    up, down = np.zeros(day.n_period), np.zeros(day.n_period)
    for one in day.units:
        within = np.inf if one.ramps is None else one.ramps.reserve_mw
        up += np.where(one.on, np.minimum(one.unit.p_max_mw - one.p_mw, within), 0.0)
        down += np.where(one.on, np.minimum(one.p_mw - one.unit.p_min_mw, within), 0.0)
    asked = rules.reserve_load_share * day.load_mw.sum(axis=0) + rules.reserve_fixed_mw
    return np.asarray(np.maximum(0.0, asked - np.array([up, down])))
