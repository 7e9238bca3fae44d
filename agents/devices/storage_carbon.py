"""The carbon in a storage: what its energy physically carries, and what a tariff moves in time."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from gridarium.environment.arrays import Array
from gridarium.environment.attribute_tank import AttributeTank
from gridarium.environment.horizon import Horizon
from gridarium.environment.storage import StorageFlow, through_mwh
from gridarium.market.messages.commands import PoolSchedule


class StorageCarbon:
    """Two accounts of carbon beside the energy of a storage.

    The tank is physical: what was charged carries the nodal intensity of its period, what is discharged
    the mean of the content. The pool is virtual: the liability that the tariff moves in time, as told.

    - `stored_tco2`, `pool_tco2`: in tank and pool at the end of each period

    Parameters
    ----------
    name : str
        Of the storage, in errors.
    e_mwh : float
        Energy inside at the start, free of carbon.
    horizon : Horizon
    """

    def __init__(self, name: str, e_mwh: float, horizon: Horizon) -> None:
        self._name, self._hours = name, horizon.period_h
        self._tank = AttributeTank(f"{name} carbon", e_mwh, 0.0, "proportional")
        self._pool: AttributeTank | None = None
        self._has_moved = False
        n_period = horizon.n_period
        self._into_t_per_h, self._out_t_per_h = np.zeros(n_period), np.zeros(n_period)
        self._first_tco2: dict[int, float] = {}
        self.stored_tco2, self.pool_tco2 = np.zeros(n_period), np.zeros(n_period)

    @property
    def in_pool_tco2(self) -> float | None:
        """Content of the virtual pool; None before there is one."""
        return None if self._pool is None else self._pool.attribute

    def take(self, schedule: PoolSchedule | None, ahead: slice, e_mwh: float) -> None:
        """Take the flows of the virtual pool in the periods ahead, with `e_mwh` in the storage now."""
        into, out = (0.0, 0.0) if schedule is None else (schedule.in_t_per_h, schedule.out_t_per_h)
        self._into_t_per_h[ahead], self._out_t_per_h[ahead] = into, out
        overtaken = range(ahead.start, ahead.stop)
        self._first_tco2 = {at: tco2 for at, tco2 in self._first_tco2.items() if at not in overtaken}
        if schedule is not None:
            self._first_tco2[ahead.start] = schedule.first_tco2
            if self._pool is None and not self._has_moved:
                self._open_pool(ahead.start, e_mwh)

    def released_tco2(self, period: int, flow: StorageFlow, e_mwh: float) -> float:
        """Carbon that leaves with the energy of a period, given the energy inside as the period begins."""
        # From now on a schedule finds energy that is about to move: its pool waits for its first period.
        self._has_moved = True
        if period in self._first_tco2:
            self._open_pool(period, e_mwh)
        given_mwh = self._kept(flow).e_out_mwh
        return self._tank.intensity * given_mwh if self._tank.energy_mwh > 0.0 else 0.0

    def settle(self, period: int, flow: StorageFlow, taken_tco2: float) -> None:
        """Book a period; `taken_tco2` came with the energy that was charged."""
        flow = self._kept(flow)
        self._tank.step(flow.e_in_mwh, flow.e_out_mwh, taken_tco2, period=period)
        self.stored_tco2[period] = self._tank.attribute
        if self._pool is not None:
            into, out = (
                float(flows[period]) * self._hours for flows in (self._into_t_per_h, self._out_t_per_h)
            )
            self._pool.step(flow.e_in_mwh, flow.e_out_mwh, into, out, period=period)
            self.pool_tco2[period] = self._pool.attribute

    def _kept(self, flow: StorageFlow) -> StorageFlow:
        """A flow without the energy that was charged and given back within the period.

        Only where more was given than was there before: its carbon stays in what is left.
        """
        through = through_mwh(flow, self._tank.energy_mwh)
        return StorageFlow(flow.e_in_mwh - through, flow.e_out_mwh - through)

    @property
    def columns(self) -> Mapping[str, Array]:
        """What was in pool and tank at the end of each period, for a table."""
        return {"pool_tco2": self.pool_tco2, "carbon_tco2": self.stored_tco2}

    def _open_pool(self, period: int, e_mwh: float) -> None:
        """Fill the virtual pool with what the schedule that begins with a period says."""
        self._pool = AttributeTank(f"{self._name} pool", e_mwh, self._first_tco2[period], "managed")
