"""The commands by which a system operator has a plan carried out."""

from __future__ import annotations

from gridarium.agents.system.operator_view import OperatorView
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

_A_WATT_MW = 1e-6
_UNIT = ("net_mw", "absorbed_tco2_per_h", "regenerated_tco2_per_h")


class OperatorOrders:
    """Makes the commands of one operator and numbers them, so that a later one replaces it.

    Parameters
    ----------
    system : PowerSystem
    view : OperatorView
        For the wind that each farm can deliver.
    """

    def __init__(self, system: PowerSystem, view: OperatorView) -> None:
        self._system, self._view = system, view
        self._issue = 0

    def whole_day(
        self, plan: SystemSchedule, period: int, place: int, price_per_mwh: Array
    ) -> dict[str, Command]:
        """Commands as in `rest_of_day`; units learn when they run, too."""
        orders = self.rest_of_day(plan, period, place, price_per_mwh)
        for column, unit in enumerate(self._system.units):
            values = {name: getattr(orders[unit.name], name) for name in _UNIT}
            on = series(plan.on[place:, column].astype(float))
            orders[unit.name] = UnitSchedule(self._issue, period, **values, on=on)
        return orders

    def rest_of_day(
        self, plan: SystemSchedule, period: int, place: int, price_per_mwh: Array
    ) -> dict[str, Command]:
        """Commands for the rest of a day to units, flexible loads, the storage and wind farms.

        Parameters
        ----------
        plan : SystemSchedule
            Of the day.
        period, place : int
            The first settlement period that they are about, in the run and in its day.
        price_per_mwh : ndarray, shape (n_left,)
            Marginal price.
        """
        self._issue += 1
        system, issue, orders = self._system, self._issue, dict[str, Command]()
        for column, unit in enumerate(system.units):
            values = (series(getattr(plan, name)[place:, column]) for name in _UNIT)
            orders[unit.name] = UnitSetpoint(issue, period, *values)
        for column, load in enumerate(system.loads):
            orders[load.name] = LoadCommand(issue, period, series(plan.flexible_mw[place:, column]))
        if system.storage is not None:
            orders[system.storage.name] = StorageCommand(
                issue,
                period,
                charge_mw=series(plan.charge_mw[place:]),
                discharge_mw=series(plan.discharge_mw[place:]),
                price_per_mwh=series(price_per_mwh),
            )
        return orders | self._wind(plan.wind_mw[place:], period)

    def wind_only(
        self, plan: SystemSchedule, period: int, place: int, wanted_mw: float, otherwise_mw: float
    ) -> dict[str, Command]:
        """Under an old plan wind farms are told what to leave out or add in a period, and nobody else.

        Parameters
        ----------
        plan : SystemSchedule
            Of the day.
        period, place : int
            In the run and in its day.
        wanted_mw, otherwise_mw : float
            What all farms shall deliver in the period, and what they would without a command.
        """
        if abs(wanted_mw - otherwise_mw) <= _A_WATT_MW:
            return {}
        limit = plan.wind_mw[place:].copy()
        limit[0] = wanted_mw
        self._issue += 1
        return self._wind(limit, period)

    def _wind(self, limit_mw: Array, period: int) -> dict[str, Command]:
        """Limits of each wind farm, in proportion to what it can deliver; all arrays of shape (n_left,)."""
        shares = self._view.wind_shares(period)
        return {
            name: RenewableSetpoint(self._issue, period, series(share * limit_mw))
            for name, share in shares.items()
        }
