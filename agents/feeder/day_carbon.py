"""Where the followers of a DSO draw on a day, and the carbon that its dispatch brings there."""

from __future__ import annotations

from gridarium.agents.feeder.dispatch import Dispatch, DispatchDay
from gridarium.agents.feeder.dispatch_problem import DispatchShape
from gridarium.agents.feeder.dso_day import DsoDay
from gridarium.agents.feeder.planned_carbon import PlannedCarbon, PlannedStorages
from gridarium.environment.arrays import Array


def carbon_of_day(
    shape: DispatchShape, dispatch: Dispatch, day: DispatchDay, today: DsoDay, load_mw: Array
) -> PlannedCarbon:
    """Carbon that a dispatch brings to loads of shape (n_bus, n_step), MW."""
    storages = PlannedStorages.of(shape, dispatch, day.initial_mwh).with_own(
        today.own, today.own_mw, today.own_initial_mwh
    )
    factor = today.conditions.grid_factor_tco2_per_mwh
    return PlannedCarbon(shape, dispatch, load_mw, factor, storages, today.outlook.carbon_before)
