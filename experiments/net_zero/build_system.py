"""The system of model E: units, wind, loads, and the operator that runs them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gridarium.agents.system.flexible_load import FlexibleLoad, FlexibleProfile
from gridarium.agents.system.operation import Members, OperationRules
from gridarium.agents.system.power_system import FlexibleDemand, PowerSystem
from gridarium.agents.system.system_load import SystemLoad
from gridarium.agents.system.system_operator import SystemOperator
from gridarium.agents.system.thermal_plant import ThermalPlant
from gridarium.agents.system.wind_farm import WindFarm
from gridarium.environment.arrays import Array
from gridarium.environment.clock import HOUR_S
from gridarium.environment.forecast_error import ForecastError
from gridarium.environment.grids import Grid
from gridarium.environment.thermal_unit import CapturePlant, ThermalUnit
from gridarium.experiments.net_zero.checks import DESK, LOAD, OPERATOR, PROVIDER
from gridarium.experiments.populations import behaviour_of
from gridarium.experiments.world_parts import storage_ratings

if TYPE_CHECKING:
    from gridarium.experiments.net_zero import system_sections as sections
    from gridarium.experiments.net_zero.schema import NetZeroScenario

    Columns = Mapping[str, Array]


@dataclass(frozen=True)
class SystemAgents:
    """Agents of the system; nobody where there is no operator."""

    operator: SystemOperator | None = None
    plants: tuple[ThermalPlant, ...] = ()
    wind_farms: tuple[WindFarm, ...] = ()
    load: SystemLoad | None = None
    flexible_loads: tuple[FlexibleLoad, ...] = ()


def build_system(
    grid: Grid, scenario: NetZeroScenario, columns: Columns, supplier: str, below: Sequence[str] = ()
) -> SystemAgents:
    """Make the agents of the system."""
    operator, load = scenario.operator, scenario.load
    if operator is None or load is None:
        return SystemAgents()
    carbon = scenario.carbon_market
    leader, site = grid.named(OPERATOR), grid.head
    units = tuple(thermal_unit(grid.named(name), unit) for name, unit in scenario.thermal_units.items())
    plants = tuple(
        ThermalPlant(
            site, grid.local(unit.name), unit, leader, carbon.price_per_tco2, carbon.allowance_tco2_per_mwh
        )
        for unit in units
    )
    farms = tuple(
        WindFarm(
            site,
            name,
            columns[farm.column],
            ForecastError(farm.error_bound, farm.error_persistence),
            leader,
            farm.capacity_mw,
        )
        for name, farm in scenario.wind_farms.items()
    )
    return SystemAgents(
        SystemOperator(
            site,
            OPERATOR,
            supplier,
            _power_system(grid, scenario, units),
            _members(grid, scenario, below),
            _rules(grid, scenario),
            behaviour_of(leader, operator.behaviour, grid.world.streams),
        ),
        plants,
        farms,
        _fixed_load(grid, scenario, load, columns),
        tuple(
            _flexible_load(grid, name, section, columns[load.column])
            for name, section in scenario.flexible_loads.items()
        ),
    )


def thermal_unit(name: str, unit: sections.ThermalUnit) -> ThermalUnit:
    """Ratings of a unit and its capture plant."""
    plant = unit.capture
    capture = None
    if plant is not None:
        capture = CapturePlant(
            plant.efficiency,
            plant.energy_mwh_per_tco2,
            plant.fixed_mw,
            plant.tank_tco2,
            plant.tank_initial_share * plant.tank_tco2,
        )
    own = unit.model_dump(exclude={"capture", "ramp_mw_per_h"})
    ramp = unit.ramp_mw_per_h
    return ThermalUnit(name=name, ramp_mw_per_h=ramp, ramp_down_mw_per_h=ramp, capture=capture, **own)


def _power_system(grid: Grid, scenario: NetZeroScenario, units: tuple[ThermalUnit, ...]) -> PowerSystem:
    operator, provider, carbon = scenario.operator, scenario.active_provider, scenario.carbon_market
    assert operator is not None
    return PowerSystem(
        units=units,
        storage=storage_ratings(grid.named(PROVIDER), provider.storage) if provider else None,
        loads=tuple(
            FlexibleDemand(grid.named(name), load.compensation_per_mwh)
            for name, load in scenario.flexible_loads.items()
        ),
        wind_capacity_mw=sum(farm.capacity_mw for farm in scenario.wind_farms.values()),
        carbon_price_per_tco2=carbon.price_per_tco2,
        allowance_tco2_per_mwh=carbon.allowance_tco2_per_mwh,
        wear_cost_per_mwh=provider.compensation_per_mwh if provider else 0.0,
        reserve_load_share=operator.reserve_load_share,
        reserve_wind_share=operator.reserve_wind_share,
        import_limit_mw=scenario.real_time_market.import_limit_mw,
    )


def _members(grid: Grid, scenario: NetZeroScenario, below: Sequence[str]) -> Members:
    has_desk = scenario.active_trading is not None and scenario.active_trading.desk
    return Members(
        wind_farms=tuple(map(grid.named, scenario.wind_farms)),
        loads=(grid.named(LOAD),),
        prosumers=tuple(map(grid.named, scenario.prosumers)),
        desk=grid.named(DESK) if has_desk else None,
        below=tuple(below),
    )


def _rules(grid: Grid, scenario: NetZeroScenario) -> OperationRules:
    operator = scenario.operator
    assert operator is not None
    return OperationRules(
        opens_s=grid.world.delivery_s - scenario.opens_h_before * HOUR_S,
        lead_s=operator.lead_s,
        deviation_mw=operator.trigger_mw,
        pool_fee_per_mwh=operator.pool_fee_per_mwh,
    )


def _fixed_load(
    grid: Grid, scenario: NetZeroScenario, load: sections.SystemLoad, columns: Columns
) -> SystemLoad:
    """The part of the load that does not respond; its error is drawn for the whole horizon."""
    rest = 1.0 - sum(section.share for section in scenario.flexible_loads.values())
    forecast = rest * columns[load.column]
    error = ForecastError(load.error_bound, load.error_persistence)
    actual = error.actual(forecast, grid.world.streams.stream(f"{grid.named(LOAD)}/error"))
    return SystemLoad(grid.head, LOAD, forecast, actual, grid.named(OPERATOR))


def _flexible_load(grid: Grid, name: str, section: sections.FlexibleLoad, load_mw: Array) -> FlexibleLoad:
    base = section.share * load_mw
    demand = FlexibleProfile(
        base, section.lowest_share * base, section.highest_share * base, section.compensation_per_mwh
    )
    behaviour = behaviour_of(grid.named(name), section.behaviour, grid.world.streams)
    return FlexibleLoad(grid.head, name, demand, grid.named(OPERATOR), behaviour)
