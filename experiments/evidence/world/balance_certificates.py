"""Certificates that every grid has: energy, carbon and money balance, and its storages."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from gridarium.agents.transmission.ties import Ties
from gridarium.environment.arrays import Array
from gridarium.environment.storage import StorageRatings
from gridarium.experiments.evidence.feeder.outage_certificates import planned_ends_mwh
from gridarium.experiments.evidence.grid_evidence import GridEvidence, rows_of
from gridarium.experiments.parts.provider import active_provider
from gridarium.experiments.parts.storage_section import storage_ratings
from gridarium.experiments.parts.storages import STORAGES
from gridarium.experiments.results.records import Reading

_ROUNDING = 1e-6
_CENT = 1e-6


def energy_balance(known: GridEvidence) -> Iterator[Reading]:
    """Everything that stands on the grid against the losses of its AC flow."""
    dispatch = known.tables["dispatch"].groupby("period")[["p_supply_mw", "p_demand_mw"]].sum()
    lost = np.array([float(state.flow.loss_mw[0]) for state in known.grid.states])
    gap = np.abs(dispatch["p_supply_mw"] - dispatch["p_demand_mw"] - lost).max()
    yield Reading(
        "energy balance", float(gap), _ROUNDING, "MW", True,
        "largest difference of supply and demand plus AC losses in a period",
    )  # fmt: skip


def carbon_flow(known: GridEvidence) -> Iterator[Reading]:
    """Carbon by proportional sharing."""
    states, hours = known.grid.states, known.world.period_h
    put_in = sum(float(state.source_t_per_h.sum()) + max(0.0, state.head_t_per_h) for state in states)
    traced = max(abs(state.residual_t_per_h) for state in states)
    yield Reading(
        "carbon flow", traced / max(put_in, 1e-9 / hours), _ROUNDING, "", True,
        "carbon of sources against carbon of loads and losses by proportional sharing, relative to emission",
        is_invariant=True,
    )  # fmt: skip


def storage_of_feeder(known: GridEvidence) -> Iterator[Reading]:
    """Storages under a schedule that ends each day as it began."""
    contents = rows_of(known.tables, "storages", "storage")
    if contents.empty:
        return
    units, ends = STORAGES.of(known.scenario), planned_ends_mwh(known)
    drifts = [0.0]
    for name, own in contents.groupby("agent", sort=False):
        first = _first_mwh(storage_ratings(str(name), units[str(name)]))
        wanted = ends.get(str(name), first)
        if wanted is not None:
            drifts.append(abs(float(own["e_mwh"].iloc[-1]) - wanted))
    systems = known.of(Ties)
    yield Reading(
        "storage cycle", max(drifts), 1e-5, "MWh", not systems,
        "largest difference of a storage's energy after and before the day"
        + (", or from what was planned for its end as it was dispatched anew" if ends else "")
        + (", which a system short of supply may plan at a penalty" if systems else ""),
    )  # fmt: skip
    if systems:
        yield _ends_as_planned(known, systems[0], contents)


def _ends_as_planned(known: GridEvidence, ties: Ties, contents: pd.DataFrame) -> Reading:
    """Contents of a system's storages when the run ends against the plan in force."""
    last = contents.groupby("agent", sort=False)["e_mwh"].last()
    planned_mwh = ties.plan_of(ties.horizon.n_day - 1).e_mwh[:, -1]
    off = [
        abs(float(last[one.name]) - float(planned))
        for one, planned in zip(ties.shape.system.storages, planned_mwh, strict=False)
    ]
    return Reading(
        "planned storage end", max(off), 1e-5, "MWh", True,
        "largest difference of a storage's energy when the run ends from the end of the plan in force",
    )  # fmt: skip


def storage_of_provider(known: GridEvidence) -> Iterator[Reading]:
    """A provider's storage under commands of an operator, which may leave it as it likes."""
    contents = rows_of(known.tables, "storages", "storage_provider")
    provider = active_provider(known.scenario)
    if contents.empty or provider is None:
        return
    ratings = storage_ratings("provider", provider.storage)
    charge, discharge, energy = (
        contents[name].to_numpy(dtype=float) for name in ("p_charge_mw", "p_discharge_mw", "e_mwh")
    )
    worst = max(_balance_error_mwh(ratings, charge, discharge, energy, known.world.period_h))
    yield Reading(
        "storage energy", worst, _ROUNDING, "MWh", True,
        "largest error of the stored energy, step outside its band, or charge while it discharges (E6)",
    )  # fmt: skip
    yield Reading(
        "storage cycle", abs(float(energy[-1]) - _first_mwh(ratings)), 1e-3, "MWh", False,
        "difference of the stored energy after and before the run",
    )  # fmt: skip


def _first_mwh(ratings: StorageRatings) -> float:
    return ratings.soc_initial * ratings.e_max_mwh


def _balance_error_mwh(
    ratings: StorageRatings, charge_mw: Array, discharge_mw: Array, e_mwh: Array, hours: float
) -> tuple[float, float, float]:
    """Error of the balance, step outside the band, and power in both directions at once."""
    moved = charge_mw * ratings.efficiency_charge - discharge_mw / ratings.efficiency_discharge
    expected = _first_mwh(ratings) + np.cumsum(moved) * hours
    low, high = ratings.soc_min * ratings.e_max_mwh, ratings.soc_max * ratings.e_max_mwh
    outside = np.maximum(np.maximum(low - e_mwh, e_mwh - high), 0.0)
    both = np.minimum(charge_mw, discharge_mw)
    return float(np.abs(e_mwh - expected).max()), float(outside.max()), float(both.max())


def payments_in_time(known: GridEvidence) -> Iterator[Reading]:
    """Whether each payment belongs to a period of the run, and was booked in it or later."""
    ledger: pd.DataFrame | None = known.tables.get("ledger")
    if ledger is None or ledger.empty:
        return
    period, world = ledger["period"].to_numpy(dtype=float), known.world
    begin = world.delivery_s + period * world.clock.period_s
    booked = (ledger["time"] - world.clock.timestamp_at(0.0)).dt.total_seconds().to_numpy(dtype=float)
    odd = (period >= world.n_period) | (booked < begin - _ROUNDING)
    yield Reading(
        "payments in time", float(odd.sum()), 0.0, "", True,
        "payments for a period that is none of the run, or that had not begun when they were booked",
    )  # fmt: skip


def money(known: GridEvidence) -> Iterator[Reading]:
    """Zero sums of the ledger, as a whole and at each instant."""
    ledger: pd.DataFrame | None = known.tables.get("ledger")
    total = 0.0 if ledger is None else abs(float(ledger["amount_money"].sum()))
    yield Reading(
        "money balance", total, _CENT, "money", True, "sum of all bookings, each made twice",
        is_invariant=True,
    )  # fmt: skip
    if ledger is not None and len(ledger):
        by_time = ledger.groupby("time")["amount_money"].sum().abs().max()
        yield Reading(
            "money each minute", float(by_time), _CENT, "money", True,
            "largest sum of the bookings of a minute", is_invariant=True,
        )  # fmt: skip
