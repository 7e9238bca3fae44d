"""Planned days of a bulk system, read with ratings and prices of the scenario, for a reference of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from gridarium.agents.transmission.bulk_system import BulkPlan, BulkState
from gridarium.agents.transmission.real_time import DayInForce
from gridarium.agents.transmission.ties import Ties
from gridarium.agents.transmission.ties_day import TiesDay
from gridarium.environment.arrays import Array, Flags
from gridarium.environment.network import Feeder
from gridarium.experiments.evidence.grid_evidence import GridEvidence
from gridarium.experiments.evidence.plans.own_carbon import ladder_lines
from gridarium.experiments.evidence.plans.plan_reading import at_buses, plants_of, stores_of
from gridarium.experiments.evidence.plans.planned_day import (
    PlannedCapture,
    PlannedDay,
    PlannedHead,
    PlannedUnit,
    Ramps,
    SystemRules,
    UnitNumbers,
)
from gridarium.experiments.parts.network import NETWORK, place_units
from gridarium.experiments.parts.storages import STORAGES
from gridarium.experiments.parts.supply import REAL_TIME
from gridarium.experiments.parts.thermal_units import THERMAL_UNITS
from gridarium.experiments.parts.thermal_units import ThermalUnit as UnitSection
from gridarium.experiments.parts.ties import TIES
from gridarium.experiments.parts.ties_section import Ties as Section

SHORTAGE_PER_MWH, BEYOND_PER_TCO2, MISSED_PER_MWH, MISSED_PER_TCO2 = 1000.0, 1000.0, 3000.0, 3000.0
"""What a TIES counts for reserve that is missing, for emission beyond all that can be bought, and for energy
and carbon that storages and tanks miss as a day ends."""
_NOTHING_MW = 1e-9
SPILLED_PER_MWH = 0.01
"""What it counts for power that is left over, so that renewable plants rather make less."""


@dataclass(frozen=True)
class _Planned:
    """A plan with what it goes by; series over its periods.

    Parameters
    ----------
    plan : BulkPlan
    on : ndarray of bool, shape (n_unit, n_period)
    state : BulkState
        When it begins.
    hours : float
        Length of a period.
    available_mw : ndarray, shape (n_plant, n_period)
    price_per_mwh, factor_tco2_per_mwh : ndarray, shape (n_period,)
        Of imports.
    load_mw, load_mvar : ndarray, shape (n_bus, n_period)
        With losses where these are no matter of the network.
    lost_mw : ndarray, shape (n_period,)
        What of the load is losses.
    over_network : bool
    """

    plan: BulkPlan
    on: Flags
    state: BulkState
    hours: float
    available_mw: Array
    price_per_mwh: Array
    factor_tco2_per_mwh: Array
    load_mw: Array
    load_mvar: Array
    lost_mw: Array
    over_network: bool


class ToldPlan(NamedTuple):
    """A plan of a TIES as it keeps it, beside the same powers read with ratings of the scenario.

    Parameters
    ----------
    plan : BulkPlan
    day : PlannedDay
    lost_mw : ndarray, shape (n_period,), optional
        What of the load on one bus is losses; None where these are a matter of the network.
    import_factor_tco2_per_mwh : ndarray, shape (n_period,)
    """

    plan: BulkPlan
    day: PlannedDay
    lost_mw: Array | None
    import_factor_tco2_per_mwh: Array


def told_plans(known: GridEvidence) -> Iterator[ToldPlan]:
    """Plans of a TIES for the loads it heard, and those in force as of `plans_in_force`."""
    for ties, given in (*_heard(known), *_in_force(known)):
        lost = None if given.over_network else given.lost_mw
        yield ToldPlan(given.plan, _read(known, ties, given), lost, given.factor_tco2_per_mwh)


def system_days(known: GridEvidence) -> Iterator[PlannedDay]:
    """Plans of a TIES for the loads it heard: over its network, or on one bus."""
    for ties, given in _heard(known):
        yield _read(known, ties, given)


def _heard(known: GridEvidence) -> Iterator[tuple[Ties, _Planned]]:
    for ties in known.of(Ties):
        for day in ties.days:
            yield ties, _of_day(known, ties, day)


def _of_day(known: GridEvidence, ties: Ties, day: TiesDay) -> _Planned:
    plan, n_bus = day.plan, known.grid.feeder.n_bus
    load_mw, load_mvar = at_buses(ties.contract.followers, day.planned_mw, day.planned_mvar, n_bus)
    is_plate = NETWORK.of(known.scenario).is_copper_plate
    return _Planned(
        plan, np.asarray(plan.on > 0.5), day.state, day.horizon.step_h, day.available,
        day.horizon.fit(day.terms.price_per_mwh), day.horizon.fit(day.terms.factor_tco2_per_mwh), load_mw,
        0.0 * load_mvar if is_plate else load_mvar, np.zeros(load_mw.shape[1]), not is_plate,
    )  # fmt: skip


def plans_in_force(known: GridEvidence) -> Iterator[PlannedDay]:
    """Plans of a TIES that its units follow, on one bus, from where the rest of a day was planned last.

    Left out are those that count with storages and prosumers on the feeders below, and those made within a
    day where they may.
    """
    for ties, given in _in_force(known):
        yield _read(known, ties, given)


def _in_force(known: GridEvidence) -> Iterator[tuple[Ties, _Planned]]:
    for ties in known.of(Ties):
        for day in ties.days:
            now = ties.in_force(day.number)
            if ties.contract.services and (now.first or _calls(known, now)):
                continue
            rest, plan = slice(now.first, None), now.plan
            series = {
                name: value[..., rest] for name, value in vars(plan).items() if isinstance(value, np.ndarray)
            }
            own = len(STORAGES.of(known.scenario))
            held = ("charge_mw", "discharge_mw", "e_mwh", "storage_mvar")
            series |= {name: series[name][:own] for name in held}
            load, lost = now.forecast.load_mw[rest], now.forecast.loss_mw[rest]
            yield ties, _Planned(
                BulkPlan(**series, cost_money=plan.cost_money), np.asarray(series["on"] > 0.5), now.state,
                known.world.period_h,
                now.forecast.available_mw[:, rest], now.forecast.import_price_per_mwh[rest],
                now.forecast.import_factor_tco2_per_mwh[rest],
                (load + lost)[None, :], np.zeros((1, len(load))), lost, False,
            )  # fmt: skip


def _calls(known: GridEvidence, now: DayInForce) -> bool:
    """Whether a plan counts with storages or prosumers on the feeders below."""
    own = len(STORAGES.of(known.scenario))
    called = (now.plan.charge_mw[own:], now.plan.discharge_mw[own:], now.pool_mw)
    return any(bool((np.abs(part) > _NOTHING_MW).any()) for part in called)


def day_on_one_bus(known: GridEvidence, ties: Ties, day: TiesDay, load_mw: Array) -> PlannedDay:
    """A day at another load of all followers, shape (n_step,), on one bus, with the losses of its plan.

    What it plans is that of the day, and no plan for this load: a programme may begin with it.
    """
    lost = np.zeros_like(load_mw) if day.loss_mw is None else day.loss_mw
    given = _Planned(
        day.plan, np.asarray(day.on > 0.5), day.state, day.horizon.step_h, day.available,
        day.horizon.fit(day.terms.price_per_mwh), day.horizon.fit(day.terms.factor_tco2_per_mwh),
        (load_mw + lost)[None, :], np.zeros((1, len(load_mw))), lost, False,
    )  # fmt: skip
    return _read(known, ties, given)


def _read(known: GridEvidence, ties: Ties, given: _Planned) -> PlannedDay:
    section, scenario, plan, n = TIES.of(known.scenario), known.scenario, given.plan, len(given.price_per_mwh)
    assert section is not None
    feeder = known.grid.feeder if given.over_network else Feeder.copper_plate()
    names = (*THERMAL_UNITS.of(scenario), *STORAGES.of(scenario), *known.tables["dispatch"]["agent"].unique())
    buses: Mapping[str, int] = (
        place_units(feeder, scenario) if given.over_network else dict.fromkeys(names, 0)
    )
    limit = np.full(n, REAL_TIME.of(scenario).import_limit_mw)
    spilled = limit if given.over_network else np.full(n, np.inf)
    units = [
        _unit(section, given, row, unit, buses[name])
        for row, (name, unit) in enumerate(THERMAL_UNITS.of(scenario).items())
    ]
    nothing = np.zeros_like(plan.renewable_mw)
    plants = plants_of(
        known, buses, given.available_mw, plan.renewable_mw,
        plan.renewable_mvar if given.over_network else nothing,
    )  # fmt: skip
    if not given.over_network:
        # On one bus reactive power is nobody's.
        plants = [replace(one, mvar_per_mw=None) for one in plants]
    storages, mvar = STORAGES.of(scenario), plan.storage_mvar if given.over_network else 0.0 * plan.charge_mw
    stores = stores_of(storages, buses, given.state.e_mwh, (plan.charge_mw, plan.discharge_mw, mvar))
    if not given.over_network:
        ends = [unit.soc_initial * unit.e_max_mwh for unit in storages.values()]
        bands = [one.band_mwh for one in stores]
        stores = [
            replace(one, end_mwh=end, first_mwh=min(max(one.first_mwh, low), high))
            for one, end, (low, high) in zip(stores, ends, bands, strict=True)
        ]
    loading, load = NETWORK.of(scenario).loading_max, given.load_mw.sum(axis=0)
    limited = given.over_network and loading is not None
    return PlannedDay(
        ties.name, feeder, given.hours, NETWORK.of(scenario).band_pu if given.over_network else (0.0, np.inf),
        loading if limited and loading is not None else np.inf, np.full(n, feeder.slack_vm_pu),
        given.load_mw, given.load_mvar,
        PlannedHead(given.price_per_mwh, np.full(n, -SPILLED_PER_MWH), limit, spilled),
        section.loss_price_per_mwh if given.over_network else 0.0, plan.price_per_mwh * load, False, units,
        plants, stores, [], _rules(section, given, load), plan.cost_money, -np.inf,
        plan.import_mw - plan.spill_mw, None,
    )  # fmt: skip


def _rules(section: Section, given: _Planned, load_mw: Array) -> SystemRules:
    share = section.reserve_load_share
    fixed = section.reserve_renewable_share * given.available_mw.sum(axis=0) - share * given.lost_mw
    ladder = section.own_carbon
    return SystemRules(
        share, fixed, SHORTAGE_PER_MWH, ladder_lines(ladder), ladder.quota_tco2 + ladder.purchase_limit_tco2,
        BEYOND_PER_TCO2, MISSED_PER_MWH, MISSED_PER_TCO2, given.state.emitted_tco2,
        0.0 if given.over_network else section.uneven_capture_per_t2,
    )  # fmt: skip


def _unit(section: Section, given: _Planned, row: int, unit: UnitSection, bus: int) -> PlannedUnit:
    plan, state, on = given.plan, given.state, given.on[row]
    cost = (unit.cost_quadratic_per_mw2h, unit.cost_linear_per_mwh, unit.cost_fixed_per_h)
    rating = unit.p_max_mw / section.generator_power_factor if given.over_network else np.inf
    numbers = UnitNumbers(
        unit.p_min_mw, unit.p_max_mw, rating, cost, unit.emission_tco2_per_mwh, unit.ramp_mw_per_h
    )
    ramps = Ramps.of(numbers, on, bool(state.on[row]), float(state.power_mw[row]), given.hours)
    mvar = plan.unit_mvar[row] if given.over_network else np.zeros(len(on))
    capture = None
    if unit.capture is not None:
        plant = unit.capture
        capture = PlannedCapture(
            plant.efficiency, plant.energy_mwh_per_tco2, plant.fixed_mw, plant.tank_tco2,
            float(state.tank_tco2[row]), plant.tank_initial_share * plant.tank_tco2,
            plan.absorbed_tco2_per_h[row], plan.regenerated_tco2_per_h[row],
        )  # fmt: skip
    return PlannedUnit(numbers, bus, on, plan.gross_mw[row], mvar, ramps, capture)
