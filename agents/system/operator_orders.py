"""The commands by which a system operator has a plan carried out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields

import numpy as np

from gridarium.agents.system.power_system import PowerSystem
from gridarium.agents.system.system_schedule import SystemSchedule
from gridarium.environment.arrays import Array, series
from gridarium.market.messages.commands import (
    Command,
    LoadCommand,
    RenewableSetpoint,
    StorageCommand,
    UnitSchedule,
    UnitSetpoint,
)

_UNIT = ("net_mw", "absorbed_tco2_per_h", "regenerated_tco2_per_h")


def joined(before: SystemSchedule, since: SystemSchedule, first: int) -> SystemSchedule:
    """One schedule of a day up to a period, another one from it on."""
    parts = {
        field.name: np.concatenate([getattr(before, field.name)[:first], getattr(since, field.name)[first:]])
        for field in fields(SystemSchedule)
    }
    return SystemSchedule(**parts)


def day_orders(
    system: PowerSystem,
    plan: SystemSchedule,
    issue: int,
    quarter: int,
    place: int,
    price_per_mwh: Array,
) -> dict[str, Command]:
    """Commands as in `quarter_orders`; units learn when they run, too."""
    orders = quarter_orders(system, plan, issue, quarter, place, price_per_mwh)
    for column, unit in enumerate(system.units):
        values = {name: getattr(orders[unit.name], name) for name in _UNIT}
        on = series(plan.on[place:, column].astype(float))
        orders[unit.name] = UnitSchedule(issue, quarter, **values, on=on)
    return orders


def quarter_orders(
    system: PowerSystem,
    plan: SystemSchedule,
    issue: int,
    quarter: int,
    place: int,
    price_per_mwh: Array,
) -> dict[str, Command]:
    """Commands for the rest of a day, to units, flexible loads and the storage.

    Parameters
    ----------
    system : PowerSystem
    plan : SystemSchedule
        Of the day.
    issue : int
        Number of the commands.
    quarter, place : int
        The first quarter that they are about, in the run and in its day.
    price_per_mwh : ndarray, shape (n_left,)
        Marginal price.
    """
    orders: dict[str, Command] = {}
    for column, unit in enumerate(system.units):
        values = (series(getattr(plan, name)[place:, column]) for name in _UNIT)
        orders[unit.name] = UnitSetpoint(issue, quarter, *values)
    for column, load in enumerate(system.loads):
        orders[load.name] = LoadCommand(issue, quarter, series(plan.flexible_mw[place:, column]))
    if system.storage is not None:
        orders[system.storage.name] = StorageCommand(
            issue,
            quarter,
            charge_mw=series(plan.charge_mw[place:]),
            discharge_mw=series(plan.discharge_mw[place:]),
            price_per_mwh=series(price_per_mwh),
        )
    return orders


def wind_orders(shares: Mapping[str, Array], limit_mw: Array, issue: int, quarter: int) -> dict[str, Command]:
    """Limits of each wind farm, in proportion to what it can deliver; all arrays of shape (n_left,)."""
    return {
        name: RenewableSetpoint(issue, quarter, series(share * limit_mw)) for name, share in shares.items()
    }
