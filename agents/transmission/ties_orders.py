"""The commands by which a TIES has a plan carried out."""

from __future__ import annotations

from collections.abc import Callable

from gridarium.agents.transmission.bulk_system import BulkPlan, BulkSystem
from gridarium.environment.arrays import Array, series
from gridarium.market.messages.commands import Command, RenewableSetpoint, StorageCommand, UnitSchedule


class TiesOrders:
    """Makes the commands of one TIES and numbers them, so that a later one replaces it.

    Parameters
    ----------
    system : BulkSystem
    named : callable
        From the name of a unit within the grid to that in the world.
    """

    def __init__(self, system: BulkSystem, named: Callable[[str], str]) -> None:
        self._system, self._named = system, named
        self._issue = 0

    def rest_of_day(self, plan: BulkPlan, period: int, place: int) -> dict[str, Command]:
        """Commands to units, storages and renewable plants for the rest of a day.

        Parameters
        ----------
        plan : BulkPlan
            Of the day, in settlement periods.
        period, place : int
            The first settlement period that they are about, in the run and in its day.
        """
        self._issue += 1
        issue, orders = self._issue, dict[str, Command]()

        def left(values: Array) -> Array:
            return series(values[place:])

        for row, unit in enumerate(self._system.units):
            orders[self._named(unit.name)] = UnitSchedule(
                issue,
                period,
                left(plan.unit_mw[row]),
                left(plan.absorbed_tco2_per_h[row]),
                left(plan.regenerated_tco2_per_h[row]),
                left(plan.on[row]),
                left(plan.unit_mvar[row]),
            )
        for row, storage in enumerate(self._system.storages):
            orders[self._named(storage.name)] = StorageCommand(
                issue,
                period,
                left(plan.charge_mw[row]),
                left(plan.discharge_mw[row]),
                left(plan.storage_mvar[row]),
            )
        for row, name in enumerate(self._system.renewables):
            orders[self._named(name)] = RenewableSetpoint(
                issue, period, left(plan.renewable_mw[row]), left(plan.renewable_mvar[row])
            )
        return orders
