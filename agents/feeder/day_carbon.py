"""Where the followers of a DSO draw on a day, and the carbon that its dispatch brings there."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from gridarium.agents.feeder.dispatch import Dispatch, DispatchDay
from gridarium.agents.feeder.dispatch_problem import DispatchShape
from gridarium.agents.feeder.dso_day import DsoDay
from gridarium.agents.feeder.planned_carbon import PlannedCarbon, PlannedStorages
from gridarium.environment.arrays import Array
from gridarium.environment.grids import Place


def at_buses(loads_mw: Mapping[str, Array], places: Mapping[str, Place], shape: DispatchShape) -> Array:
    """What followers draw at the buses, MW, shape (n_bus, n_step)."""
    p_mw = np.zeros((shape.feeder.n_bus, shape.n_period))
    for name, load in loads_mw.items():
        p_mw += np.outer(places[name].p_share, load)
    return p_mw


def reactive_at_buses(
    loads_mw: Mapping[str, Array],
    told_mvar: Mapping[str, Array],
    places: Mapping[str, Place],
    shape: DispatchShape,
) -> Array:
    """What goes with loads at the buses, Mvar, shape (n_bus, n_step): as told, or in the proportion there."""
    q_mvar = np.zeros((shape.feeder.n_bus, shape.n_period))
    for name, load in loads_mw.items():
        place = places[name]
        if name in told_mvar:
            q_mvar += np.outer(place.p_share, told_mvar[name])
        else:
            q_mvar += np.outer(place.p_share * place.q_per_p, load)
    return q_mvar


def carbon_of_day(
    shape: DispatchShape, dispatch: Dispatch, day: DispatchDay, today: DsoDay, load_mw: Array
) -> PlannedCarbon:
    """Carbon that a dispatch brings to loads of shape (n_bus, n_step), MW."""
    storages = PlannedStorages.of(shape, dispatch, day.initial_mwh).with_own(
        today.own, today.own_mw, today.own_initial_mwh
    )
    factor = today.conditions.grid_factor_tco2_per_mwh
    return PlannedCarbon(shape, dispatch, load_mw, factor, storages, today.outlook.carbon_before)
