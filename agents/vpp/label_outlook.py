"""How green what storages hold will be when a day begins, foreseen while the day before is not over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from gridarium.agents.vpp.fleet_start import PlantStorage
from gridarium.agents.vpp.plant_day import VppDay
from gridarium.environment.arrays import Array
from gridarium.environment.attribute_tank import AttributeTank
from gridarium.environment.horizon import Horizon
from gridarium.market.messages.status import StorageStatus


class LabelOutlook:
    """Goes on from the newest report of a storage with what it is told to do, as labels that mix.

    - `commit`: note what was told for a day
    - `arriving_share`: green share of what a storage will hold

    Parameters
    ----------
    storages : sequence of PlantStorage
    initial_share : float
        Of what each holds at the start.
    horizon : Horizon
    """

    def __init__(self, storages: Sequence[PlantStorage], initial_share: float, horizon: Horizon) -> None:
        self._ratings = {one.owner: one.ratings for one in storages}
        self._initial_share, self._horizon = initial_share, horizon
        self._powers_mw: Mapping[str, Array] = {
            one.owner: np.zeros((2, horizon.n_period)) for one in storages
        }
        self._green_share = np.zeros(horizon.n_period)

    def commit(self, day: VppDay) -> None:
        """Note the orders of a day, and how green the supply is."""
        periods = self._horizon.periods(day.number)
        self._green_share[periods] = self._horizon.by_period(day.green_share)
        for owner, order in day.orders.items():
            self._powers_mw[owner][:, periods] = order.charge_mw, order.discharge_mw

    def arriving_share(self, owner: str, newest: StorageStatus | None, day: int) -> float:
        """Green share of what a storage will hold as a day begins; that of the start before any report.

        Parameters
        ----------
        owner : str
        newest : StorageStatus or None
            Its newest report; one without a label counts as none.
        day : int
        """
        ratings, hours = self._ratings[owner], self._horizon.period_h
        start, e_mwh = 0, ratings.soc_initial * ratings.e_max_mwh
        green_mwh = self._initial_share * e_mwh
        if newest is not None and newest.green_mwh is not None:
            start, e_mwh, green_mwh = newest.period, newest.e_mwh, newest.green_mwh
        tank = AttributeTank(f"{owner} outlook", e_mwh, green_mwh, "proportional", unit="MWh green")
        (low, high), (into, out) = ratings.band_mwh, ratings.efficiencies
        for period in range(start, self._horizon.periods(day).start):
            charge, discharge = (float(power) for power in self._powers_mw[owner][:, period])
            entered = min(charge * hours * into, max(0.0, high - tank.energy_mwh))
            left = min(discharge * hours / out, max(0.0, tank.energy_mwh - low))
            tank.step(entered, left, float(self._green_share[period]) * entered, period=period)
        return min(max(tank.intensity, 0.0), 1.0) if tank.energy_mwh > 0.0 else 0.0
