"""Planned days of feeders, read with ratings and prices of the scenario, for a reference beside them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from gridarium.agents.feeder.dso import Dso
from gridarium.agents.feeder.dso_day import DsoDay
from gridarium.agents.transmission.ties import Ties
from gridarium.environment.arrays import Array
from gridarium.environment.grids import Place
from gridarium.environment.horizon import Horizon
from gridarium.environment.profiles import read_profiles
from gridarium.experiments.evidence.grid_evidence import GridEvidence, column_of
from gridarium.experiments.evidence.plans.planned_day import (
    PlannedDay,
    PlannedHead,
    PlannedPlant,
    PlannedStore,
    PlannedUnit,
    UnitNumbers,
)
from gridarium.experiments.parts.compensators import COMPENSATORS
from gridarium.experiments.parts.dso import DSO
from gridarium.experiments.parts.gas_turbines import GAS_TURBINES
from gridarium.experiments.parts.network import NETWORK, place_units
from gridarium.experiments.parts.renewables import RENEWABLES, SHARES, Renewable
from gridarium.experiments.parts.storages import STORAGES, StorageUnit
from gridarium.experiments.parts.supply import PRICES
from gridarium.experiments.reading.scenario_files import profile_path
from gridarium.market.carbon_price import PersonalLadder
from gridarium.market.messages.tariffs import MarketConditions


def feeder_days(known: GridEvidence) -> Iterator[PlannedDay]:
    """Plans of a DSO that are the dispatch of the loads it heard, and of nothing else.

    Left out are those of a leader that has decided on set points, of one that plans for scenarios, and of one
    that leaves storages to a pool: what they are best for is judged elsewhere; and those of a bounded one,
    which are best for what it perceives.
    """
    for dso in known.of(Dso) if plans_for_what_it_hears(known) else ():
        for day in dso.days:
            held = day.setter.intended is not None or day.hedge is not None or day.openings is not None
            if not held:
                yield _feeder_day(known, dso, day)


def plans_for_what_it_hears(known: GridEvidence) -> bool:
    """Whether loads are to the operator of a feeder what it was told: no behaviour changes them."""
    section = DSO.of(known.scenario)
    return section is not None and not section.behaviour


def _feeder_day(known: GridEvidence, dso: Dso, day: DsoDay) -> PlannedDay:
    section, limits, scenario = DSO.of(known.scenario), PRICES.of(known.scenario), known.scenario
    assert section is not None
    done, market, n = day.plan.dispatch, day.conditions, day.horizon.n_step
    load_mw, load_mvar = at_buses(dso.contract.loads, day.loads_mw, day.loads_mvar, known.grid.feeder.n_bus)
    load_mw = load_mw + day.drawn_by_own_mw(len(load_mw))
    worth = (load_mw * done.price_per_mwh + load_mvar * done.price_per_mvarh).sum(axis=0)
    buses = place_units(known.grid.feeder, scenario)
    may_buy, may_sell = (
        (np.ones(n), np.ones(n))
        if day.commitment is None
        else (day.commitment.may_buy, day.commitment.may_sell)
    )
    counted = market.carbon_price_per_tco2 if section.carbon_in_cost else np.zeros(n)
    head = PlannedHead(
        market.wholesale_price_per_mwh + counted * market.grid_factor_tco2_per_mwh,
        market.export_price_per_mwh,
        limits.import_limit_mw * may_buy,
        limits.export_limit_mw * may_sell,
        _carbon_lines(market) if section.carbon_in_cost else (),
        None if market.pull is None else market.pull.target_mw,
        0.0 if market.pull is None else market.pull.per_mw2h,
    )
    units = []
    for row, (name, unit) in enumerate(GAS_TURBINES.of(scenario).items()):
        # Its carbon counts with its fuel.
        carbon = counted * unit.emission_tco2_per_mwh
        cost = (unit.cost_quadratic_per_mw2h, unit.cost_linear_per_mwh + carbon, unit.cost_fixed_per_h)
        numbers = UnitNumbers(unit.p_min_mw, unit.p_max_mw, unit.s_max_mva, cost, unit.emission_tco2_per_mwh)
        on = np.asarray(done.on[row] > 0.5)
        units.append(PlannedUnit(numbers, buses[name], on, done.turbine_mw[row], done.turbine_mvar[row]))
    available = np.array(list(day.available_mw.values())).reshape(-1, n)
    plants = plants_of(known, buses, available, done.renewable_mw, done.renewable_mvar)
    own = {} if section.storage == "self-scheduled" else STORAGES.of(scenario)
    first = np.array(list(day.initial_mwh.values()))
    stores = stores_of(own, buses, first, (done.charge_mw, done.discharge_mw, done.storage_mvar))
    loading = NETWORK.of(scenario).loading_max
    return PlannedDay(
        dso.name, known.grid.feeder, day.horizon.step_h, NETWORK.of(scenario).band_pu,
        np.inf if loading is None else loading, done.voltage_pu[0], load_mw, load_mvar, head,
        section.loss_price_per_mwh, worth, True, units, plants, stores,
        [
            (buses[name], unit.q_min_mvar, unit.q_max_mvar, done.compensator_mvar[row])
            for row, (name, unit) in enumerate(COMPENSATORS.of(scenario).items())
        ],
        None, done.cost_money, done.bound_money, done.buy_mw - done.sell_mw, done.voltage_pu,
    )  # fmt: skip


def at_buses(
    places: Mapping[str, Place], loads_mw: Mapping[str, Array], loads_mvar: Mapping[str, Array], n_bus: int
) -> tuple[Array, Array]:
    """Active and reactive power drawn at each bus, shape (n_bus, n_step) each."""
    n_step = len(next(iter(loads_mw.values())))
    p, q = np.zeros((n_bus, n_step)), np.zeros((n_bus, n_step))
    for name, load in loads_mw.items():
        place, told = places[name], loads_mvar.get(name)
        p += np.outer(place.p_share, load)
        q += np.outer(place.q_share, load) if told is None else np.outer(place.p_share, told)
    return p, q


def _carbon_lines(market: MarketConditions) -> list[tuple[Array, Array]]:
    """Lines of which the highest is what a supplier's ladder asks for the carbon of what is bought (D25)."""
    ladder, factor = market.ladder, market.grid_factor_tco2_per_mwh
    if ladder is None:
        return []
    return list(_lines(ladder, np.where(factor > 1e-9, factor, 0.0)))


def _lines(ladder: PersonalLadder, factor: Array) -> Iterator[tuple[Array, Array]]:
    price, length = ladder.base_price_per_tco2, ladder.interval_t_per_h
    carries = factor > 0.0
    for number in range(ladder.steps):
        # At the beginning of a step all those before it are full.
        slope = price * (1.0 + ladder.growth * number)
        before = sum(price * (1.0 + ladder.growth * step) * length for step in range(number))
        at_zero = before - slope * (ladder.quota_t_per_h + number * length)
        yield np.where(carries, slope * factor, 0.0), np.where(carries, at_zero, 0.0)


def plants_of(
    known: GridEvidence, buses: Mapping[str, int], available: Array, p_mw: Array, q_mvar: Array
) -> list[PlannedPlant]:
    """Renewable plants with what they could deliver and what was planned, shape (n_plant, n_step) each."""
    return [
        PlannedPlant(
            buses[name], available[row], p_mw[row], q_mvar[row], _inverter_mva(known, unit),
            unit.mvar_per_mw,
        )
        for row, (name, unit) in enumerate(RENEWABLES.of(known.scenario).items())
    ]  # fmt: skip


def _inverter_mva(known: GridEvidence, unit: Renewable) -> float:
    """Rating of an inverter, by the highest point of its column on the days that are begun."""
    operator = (*known.of(Dso), *known.of(Ties))[0]
    highest = float(foreseen_mw(known, unit, operator.horizon).max())
    return unit.inverter_oversize * highest * float(np.hypot(1.0, unit.mvar_per_mw or 0.0))


def foreseen_mw(known: GridEvidence, unit: Renewable, horizon: Horizon) -> Array:
    """What a plant could deliver by its column, MW, in steps of all days, shape (n_day * n_step,)."""
    if unit.column is None:
        return np.full(horizon.n_day * horizon.n_step, unit.scale * (unit.p_mw or 0.0))
    rows = column_of(known, unit.column, horizon)
    if unit.column.endswith(SHARES):
        return np.asarray(unit.scale * known.scenario.power_scale * (unit.p_mw or 0.0) * rows)
    scale = known.scenario.power_scale if unit.column.endswith("_mw") else 1.0
    if unit.p_mw is not None:
        # A column is a shape then, of which the highest point is that of the whole file.
        whole = float(read_profiles(profile_path(known.scenario.profiles)).column(unit.column).max())
        scale *= unit.p_mw / whole if whole > 0.0 else 0.0
    return np.asarray(unit.scale * scale * rows)


def stores_of(
    units: Mapping[str, StorageUnit], buses: Mapping[str, int], first_mwh: Array, told: tuple[Array, ...]
) -> list[PlannedStore]:
    """Storages with what is in them at first; charge, discharge and reactive power as planned."""
    return [
        PlannedStore(
            buses[name], unit.p_max_mw, unit.s_max_mva or unit.p_max_mw,
            (unit.soc_min * unit.e_max_mwh, unit.soc_max * unit.e_max_mwh),
            (unit.efficiency_charge, unit.efficiency_discharge), float(first_mwh[row]),
            unit.wear_cost_per_mwh, *(series[row] for series in told),
        )
        for row, (name, unit) in enumerate(units.items())
    ]  # fmt: skip
