"""Certificates of the carbon of a DSO: what loads answer for against what the carbon flow brings them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gridarium.agents.feeder.absorbed_surplus import AbsorbedSurplus
from gridarium.agents.feeder.accounts import DayAhead
from gridarium.agents.feeder.dso import Dso
from gridarium.environment.arrays import Array
from gridarium.environment.grids import Grid
from gridarium.experiments.evidence.feeder.feeder_certificates import meets_its_plan
from gridarium.experiments.evidence.grid_evidence import GridEvidence, by_period, rows_of
from gridarium.experiments.evidence.shares import LEAST_TCO2, share_of
from gridarium.experiments.parts.storages import STORAGES
from gridarium.experiments.parts.supply import PRICES
from gridarium.experiments.parts.tariff import TARIFF
from gridarium.experiments.results.records import Reading

_FLOW_ROUNDING = 1e-6
_ROUNDING_TCO2 = 1e-3
"""What a dispatch and its AC flow may differ by over a day."""


def dso_carbon(known: GridEvidence) -> Iterator[Reading]:
    """What is allocated to loads against the emission that the carbon flow traces."""
    for dso in known.of(Dso):
        carbon = rows_of(known.tables, "carbon", "dso")
        traced = float(traced_tco2(known, len(dso.days)).sum())
        held = _pool_changes_tco2(known, len(dso.days)) if dso.tariff.pool else np.zeros(1)
        charged = float(carbon["allocated_tco2"].sum() + carbon["credit_tco2"].sum() + held.sum())
        # What no load could carry, where there was so little load.
        charged += float(carbon["kept_tco2"].sum()) if "kept_tco2" in carbon else 0.0
        yield Reading(
            "carbon balance", share_of(abs(charged - traced), traced, LEAST_TCO2), 1e-6, "", True,
            "carbon allocated to loads, credits and pool change against the emission that is traced through "
            "the grid by proportional sharing, relative to it",
        )  # fmt: skip
        signals = rows_of(known.tables, "signals", "dso")
        corrected = (signals["factor_tco2_per_mwh"] - signals["factor_planned_tco2_per_mwh"]).abs()
        yield Reading(
            "carbon correction", float(corrected.max()), 1e-3, "tCO2/MWh", False,
            "largest change of the factor when metered emission replaces the planned one",
        )  # fmt: skip
        if dso.tariff.pool:
            yield from _pool(known, dso, held)


def _pool(known: GridEvidence, dso: Dso, held_tco2: Array) -> Iterator[Reading]:
    """Whether virtual pools come back, each day or over all, and lose nothing from day to day."""
    carried = TARIFF.of(known.scenario).pool_carries_over
    left = abs(held_tco2.sum()) if carried else np.abs(held_tco2).max()
    yield Reading(
        "pool neutrality", float(left), 1e-5, "tCO2", True,
        "change of the virtual carbon pools over " + ("all days" if carried else "a day, the worst of them"),
    )  # fmt: skip
    if dso.tariff.pool == "managed":
        beyond = max(_beyond_limits_t_per_h(day.plan) for day in dso.days)
        yield Reading(
            "pool limits", beyond, _FLOW_ROUNDING, "tCO2/h", True,
            "most by which planned pool flows exceed what a storage's power may carry at the grid's highest "
            "factor, or what is emitted, or by which a content falls below zero (C2)",
        )  # fmt: skip
    if dso.tariff.pool == "managed":
        yield Reading(
            "pools told", _pools_apart(known, dso), 1e-6, "tCO2", meets_its_plan(known),
            "largest difference of what a virtual pool holds after a period, or all pools before and after a "
            "day, as told, and what they begin with, a fixed content per MWh that is inside, with their "
            "planned flows; hard where plans come true (C2)",
        )  # fmt: skip
    if carried and len(dso.days) > 1:
        after, first = _pool_ends_tco2(known, len(dso.days)), known.tables["days"]["pool_first_tco2"]
        yield Reading(
            "pool carried over", float(np.abs(first.to_numpy(dtype=float)[1:] - after[:-1]).max()), 1e-5,
            "tCO2", True, "largest difference of what a day begins with and what the day before has left",
        )  # fmt: skip


def _pools_apart(known: GridEvidence, dso: Dso) -> float:
    """How far contents as told are from first contents by the scenario and planned flows, tCO2."""
    tariff, told = TARIFF.of(known.scenario), rows_of(known.tables, "storages", "storage")
    units, hours = STORAGES.of(known.scenario), dso.horizon.period_h
    per_mwh = tariff.pool_first_tco2_per_mwh
    if per_mwh is None:
        per_mwh = PRICES.of(known.scenario).quota_tco2_per_mwh
    start = {name: per_mwh * unit.soc_initial * unit.e_max_mwh for name, unit in units.items()}
    names = [unit.name for unit in dso.shape.storages]
    first, apart = np.array([start[name] for name in names]), 0.0
    rows = rows_of(known.tables, "days", "dso")
    for day in dso.days:
        pool, periods = day.plan.pool, dso.horizon.periods(day.number)
        gained = np.cumsum(dso.horizon.by_period(pool.inflow_t_per_h - pool.outflow_t_per_h), axis=1) * hours
        if day.number == 0 or not tariff.pool_carries_over:
            before = first
        held = before[:, None] + gained
        for row, name in enumerate(names):
            own = told[told["agent"] == name]["pool_tco2"].to_numpy(dtype=float)[periods]
            apart = max(apart, float(np.abs(own - np.maximum(held[row], 0.0)).max()))
        ends = (before.sum(), np.maximum(held[:, -1], 0.0).sum())
        for column, meant in zip(("pool_first_tco2", "pool_last_tco2"), ends, strict=True):
            apart = max(apart, abs(float(rows[column].iloc[day.number]) - float(meant)))
        before = np.maximum(held[:, -1], 0.0)
    return apart


def _beyond_limits_t_per_h(plan: DayAhead) -> float:
    """How far the flows of managed pools leave their limits, tCO2/h; contents count by the period."""
    pool, dispatch, supply = plan.pool, plan.dispatch, plan.situation.supply
    if not len(pool.first_tco2):
        return 0.0
    highest, hours = float(supply.grid_factor_tco2_per_mwh.max()), plan.situation.period_h
    content = pool.first_tco2[:, None] / hours + np.cumsum(pool.inflow_t_per_h - pool.outflow_t_per_h, axis=1)
    beyond = (
        pool.inflow_t_per_h - highest * dispatch.charge_mw,
        pool.outflow_t_per_h - highest * dispatch.discharge_mw,
        pool.inflow_t_per_h.sum(axis=0) - supply.emission_t_per_h,
        -pool.inflow_t_per_h,
        -pool.outflow_t_per_h,
        -content,
    )
    return max(0.0, *(float(part.max()) for part in beyond))


def credit(known: GridEvidence) -> Iterator[Reading]:
    """What is credited for a surplus on each day against the emission that absorbing it avoids."""
    for dso in known.of(Dso):
        told = rows_of(known.tables, "credits", "dso")
        if told.empty:
            continue
        credited = told["credit_tco2"].to_numpy(dtype=float).reshape(len(dso.days), -1).sum(axis=1)
        without = np.array([_without_tco2(known.grid, dso, day.plan.outlook.surplus) for day in dso.days])
        avoided = np.maximum(0.0, without - traced_tco2(known, len(dso.days)))
        yield Reading(
            "credit cause", max(0.0, float((credited - avoided).max())), _ROUNDING_TCO2, "tCO2",
            dso.tariff.credit == "avoided",
            "largest excess of a day's credit over avoided emission: AC flow of the same day without the "
            "absorbed surplus, less the emission traced through the grid",
        )  # fmt: skip


def traced_tco2(known: GridEvidence, n_day: int) -> Array:
    """Emission of each day that carbon flow brings to loads, losses, grids below and exports, tCO2.

    What storages take is with them until they give it back, so that the change of what they hold counts.
    """
    hours = known.world.period_h
    brought = [
        float(state.source_t_per_h.sum())
        + (max(0.0, state.head_t_per_h) if known.grid.above else 0.0)
        - state.residual_t_per_h
        for state in known.grid.states
    ]
    charged = [
        float(np.nan_to_num(state.intensity_tco2_per_mwh) @ state.charge_mw) for state in known.grid.states
    ]
    released = np.asarray(charged) * hours - _stored_change_tco2(known)
    return np.asarray((np.array(brought) * hours - released).reshape(n_day, -1).sum(axis=1))


def _stored_change_tco2(known: GridEvidence) -> Array:
    """Change of the carbon that the energy of storages carries, in each period, tCO2."""
    kinds = (rows_of(known.tables, "storages", kind) for kind in ("storage", "storage_provider"))
    held = sum(
        (by_period(rows, "carbon_tco2", known.world.n_period) for rows in kinds if len(rows)),
        np.zeros(known.world.n_period),
    )
    return np.diff(held, prepend=0.0)


def _without_tco2(grid: Grid, dso: Dso, surplus: AbsorbedSurplus | None) -> float:
    """Emission of a day without the absorbed surplus, by the AC flow of its dispatch, tCO2."""
    assert surplus is not None
    shape, dispatch, day = dso.shape, surplus.dispatch, surplus.day
    at = dict(shape.sites)
    p_mw, q_mvar = -day.load_p_mw, -day.load_q_mvar
    active = np.concatenate(
        [dispatch.turbine_mw, dispatch.discharge_mw - dispatch.charge_mw, dispatch.renewable_mw]
    )
    reactive = np.concatenate([dispatch.turbine_mvar, dispatch.storage_mvar, dispatch.renewable_mvar])
    turbines, storages = (unit.name for unit in shape.turbines), (unit.name for unit in shape.storages)
    names = [*turbines, *storages, *(unit.name for unit in shape.renewables)]
    for name, p, q in zip(names, active, reactive, strict=True):
        p_mw[at[name]] += p
        q_mvar[at[name]] += q
    imported = np.maximum(0.0, grid.power_flow.solve(p_mw.T, q_mvar.T).p_slack_mw)
    gas = sum(
        float(dispatch.turbine_mw[row].sum()) * unit.emission_tco2_per_mwh
        for row, unit in enumerate(shape.turbines)
    )
    return (float(imported @ day.conditions.grid_factor_tco2_per_mwh) + gas) * shape.period_h


def _pool_changes_tco2(known: GridEvidence, n_day: int) -> Array:
    """What the virtual carbon pools hold more after each day than before it, tCO2."""
    first = known.tables["days"]["pool_first_tco2"].to_numpy(dtype=float)
    return np.asarray(_pool_ends_tco2(known, n_day) - first)


def _pool_ends_tco2(known: GridEvidence, n_day: int) -> Array:
    """What the virtual carbon pools hold after each day, tCO2."""
    storages = rows_of(known.tables, "storages", "storage")
    if storages.empty:
        return np.zeros(n_day)
    length = known.world.n_period // n_day
    ends = storages[(storages["period"] + 1) % length == 0]
    return ends.groupby("period")["pool_tco2"].sum().to_numpy(dtype=float)
