"""What a system operator declares to the day-ahead market: its plan of a day, by who carries it out."""

from __future__ import annotations

from gridarium.agents.system.operation import Members
from gridarium.agents.system.operator_view import OperatorView
from gridarium.agents.system.power_system import PowerSystem
from gridarium.agents.system.system_schedule import SystemSchedule
from gridarium.environment.arrays import Array, series
from gridarium.market.messages.day_ahead import Declaration, Position


def declaration(
    day: int, system: PowerSystem, members: Members, plan: SystemSchedule, view: OperatorView
) -> Declaration:
    """Planned output of units and wind farms, and expected load of whoever draws, negative.

    Parameters
    ----------
    day : int
        That has not begun.
    system : PowerSystem
    members : Members
    plan : SystemSchedule
        Of the whole day.
    view : OperatorView
        For the forecasts of wind farms, which share the planned wind by them, and of fixed loads.
    """
    fed_in: dict[str, Array] = {unit.name: plan.net_mw[:, column] for column, unit in enumerate(system.units)}
    shares = view.wind_shares(day * len(plan.wind_mw))
    fed_in |= {name: share * plan.wind_mw for name, share in shares.items()}
    drawn: dict[str, Array] = {name: view.load_forecast_mw(day, name) for name in members.loads}
    drawn |= {load.name: plan.flexible_mw[:, column] for column, load in enumerate(system.loads)}
    net = fed_in | {name: -power for name, power in drawn.items()}
    return Declaration(day, tuple(Position(name, series(power)) for name, power in net.items()))
