"""The commands by which a DSO has its dispatch of a day carried out."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from gridarium.agents.feeder.accounts import DayAhead
from gridarium.agents.feeder.dispatch import Dispatch
from gridarium.agents.feeder.dispatch_problem import DispatchShape
from gridarium.agents.feeder.dso_day import DsoDay
from gridarium.environment.arrays import Array, series
from gridarium.environment.horizon import Horizon
from gridarium.market.messages.commands import (
    Command,
    CompensatorSetpoint,
    PoolSchedule,
    RenewableSetpoint,
    StorageCommand,
    TapCommand,
    UnitSchedule,
)


def orders_of_day(
    today: DsoDay, shape: DispatchShape, horizon: Horizon, named: Callable[[str], str]
) -> dict[str, Command]:
    """Schedules of all units of a day; those of closed storages only where a limit of the grid needs them."""
    orders = dispatch_orders(today.plan, shape, horizon, today.number, named)
    # Of storages that are closed the dispatch says nothing.
    orders = {name: order for name, order in orders.items() if name not in today.owners_mw}
    return orders | redispatch_orders(today, horizon)


def redispatch_orders(today: DsoDay, horizon: Horizon) -> dict[str, StorageCommand]:
    """Schedules of storages, by name, that must leave those of their owners for a limit of the grid."""
    orders: dict[str, StorageCommand] = {}
    for name, wanted, net in zip(today.owners_mw, today.wanted_mw, today.own_mw, strict=True):
        if not np.array_equal(wanted, net):
            charge, discharge = (series(horizon.by_period(np.maximum(power, 0.0))) for power in (net, -net))
            first = horizon.periods(today.number).start
            orders[name] = StorageCommand(1, first, charge, discharge)
    return orders


def dispatch_orders(
    plan: DayAhead,
    shape: DispatchShape,
    horizon: Horizon,
    day: int,
    named: Callable[[str], str],
    *,
    issue: int = 1,
    first_step: int = 0,
) -> dict[str, Command]:
    """Schedules of all units and of the tap changer for a day, or the rest of one, by settlement period.

    Parameters
    ----------
    plan : DayAhead
    shape : DispatchShape
        Its units are named as within the grid.
    horizon : Horizon
    day : int
    named : callable
        Gives the name of a unit in the world.
    issue : int, optional
        Number of the commands.
    first_step : int, optional
        Of the day, with which the plan begins.
    """

    def hold(values: Array) -> Array:
        return series(horizon.by_period(values))

    dispatch, pool = plan.dispatch, plan.pool
    first = horizon.periods(day).start + first_step * horizon.per_step
    nothing = hold(np.zeros(horizon.n_step - first_step))
    orders: dict[str, Command] = {}
    for row, storage in enumerate(shape.storages):
        orders[named(storage.name)] = StorageCommand(
            issue=issue,
            period=first,
            charge_mw=hold(dispatch.charge_mw[row]),
            discharge_mw=hold(dispatch.discharge_mw[row]),
            q_mvar=hold(dispatch.storage_mvar[row]),
            pool=PoolSchedule(
                hold(pool.inflow_t_per_h[row]),
                hold(pool.outflow_t_per_h[row]),
                float(pool.first_tco2[row]),
            ),
        )
    for row, turbine in enumerate(shape.turbines):
        orders[named(turbine.name)] = UnitSchedule(
            issue=issue,
            period=first,
            net_mw=hold(dispatch.turbine_mw[row]),
            absorbed_tco2_per_h=nothing,
            regenerated_tco2_per_h=nothing,
            on=hold(dispatch.on[row]),
            q_mvar=hold(dispatch.turbine_mvar[row]),
        )
    for row, plant in enumerate(shape.renewables):
        orders[named(plant.name)] = RenewableSetpoint(
            issue=issue,
            period=first,
            p_mw=hold(dispatch.renewable_mw[row]),
            q_mvar=hold(dispatch.renewable_mvar[row]),
        )
    return orders | _voltage_orders(dispatch, shape, horizon, first, named, issue)


def _voltage_orders(
    dispatch: Dispatch,
    shape: DispatchShape,
    horizon: Horizon,
    first: int,
    named: Callable[[str], str],
    issue: int,
) -> dict[str, Command]:
    """Of what holds the voltage: compensators, and the tap changer."""
    orders: dict[str, Command] = {}
    for row, unit in enumerate(shape.compensators):
        q_mvar = series(horizon.by_period(dispatch.compensator_mvar[row]))
        orders[named(unit.name)] = CompensatorSetpoint(issue=issue, period=first, q_mvar=q_mvar)
    if shape.tap_changer:
        assert dispatch.tap is not None
        position = np.repeat(dispatch.tap, horizon.per_step)
        position.flags.writeable = False
        orders[named(shape.tap_changer.name)] = TapCommand(issue=issue, period=first, position=position)
    return orders
