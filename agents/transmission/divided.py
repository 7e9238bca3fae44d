"""One of many equal parts of a system: power, money and tonnes divided, prices and factors as they are."""

from __future__ import annotations

from dataclasses import replace

from gridarium.agents.feeder.dispatch_problem import DispatchShape
from gridarium.agents.transmission.bulk_system import BulkSystem
from gridarium.environment.storage import StorageRatings
from gridarium.environment.thermal_unit import CapturePlant, ThermalUnit
from gridarium.market.quota_ladder import QuotaLadder


def divided_unit(unit: ThermalUnit, parts: float) -> ThermalUnit:
    """A part of a unit: at a part of the power it costs and emits a part."""
    return replace(
        unit,
        p_min_mw=unit.p_min_mw / parts,
        p_max_mw=unit.p_max_mw / parts,
        s_max_mva=unit.s_max_mva / parts,
        p_initial_mw=unit.p_initial_mw / parts,
        ramp_mw_per_h=unit.ramp_mw_per_h / parts,
        ramp_down_mw_per_h=unit.ramp_down_mw_per_h / parts,
        cost_quadratic_per_mw2h=unit.cost_quadratic_per_mw2h * parts,
        cost_fixed_per_h=unit.cost_fixed_per_h / parts,
        start_stop_money=unit.start_stop_money / parts,
        capture=None if unit.capture is None else divided_capture(unit.capture, parts),
    )


def divided_capture(plant: CapturePlant, parts: float) -> CapturePlant:
    """A part of a capture plant: it takes up a part of the carbon, and a part of the power."""
    return replace(
        plant,
        fixed_mw=plant.fixed_mw / parts,
        tank_tco2=plant.tank_tco2 / parts,
        tank_initial_tco2=plant.tank_initial_tco2 / parts,
    )


def divided_storage(storage: StorageRatings, parts: float) -> StorageRatings:
    """A part of a storage."""
    return storage.resized(lambda size: size / parts)


def divided_ladder(ladder: QuotaLadder, parts: float) -> QuotaLadder:
    """A ladder on a part of the emission."""
    return replace(
        ladder,
        quota_tco2=ladder.quota_tco2 / parts,
        interval_tco2=ladder.interval_tco2 / parts,
        purchase_limit_tco2=ladder.purchase_limit_tco2 / parts,
    )


def divided_system(system: BulkSystem, parts: float) -> BulkSystem:
    """A part of a bulk system."""
    return replace(
        system,
        units=tuple(divided_unit(unit, parts) for unit in system.units),
        storages=tuple(divided_storage(storage, parts) for storage in system.storages),
        carbon=divided_ladder(system.carbon, parts),
        import_limit_mw=system.import_limit_mw / parts,
        uneven_capture_per_t2=system.uneven_capture_per_t2 * parts,
    )


def divided_grid(grid: DispatchShape, parts: float) -> DispatchShape:
    """A part of a network: one of equal ones side by side, with the same voltages."""
    return replace(
        grid,
        feeder=grid.feeder.scaled(1.0 / parts, parts),
        turbines=tuple(divided_unit(unit, parts) for unit in grid.turbines),
        storages=tuple(divided_storage(storage, parts) for storage in grid.storages),
        renewables=tuple(replace(plant, s_max_mva=plant.s_max_mva / parts) for plant in grid.renewables),
        import_limit_mw=grid.import_limit_mw / parts,
        export_limit_mw=grid.export_limit_mw / parts,
    )
