"""What the meters of a feeder show of a day: loads of those who are billed and served, and emission."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from gridarium.agents.feeder.contract import DsoContract
from gridarium.environment.arrays import Array
from gridarium.environment.grids import Grid
from gridarium.environment.thermal_unit import ThermalUnit


class DayMeters:
    """Reads the meters of one delivery day; all series by settlement periods of the day.

    Parameters
    ----------
    grid : Grid
    contract : DsoContract
        Whose meters it reads.
    turbines : iterable of ThermalUnit
        Named as within the grid.
    periods : slice
        Settlement periods of the day.
    """

    def __init__(
        self, grid: Grid, contract: DsoContract, turbines: Iterable[ThermalUnit], periods: slice
    ) -> None:
        self._grid, self._world, self._contract, self._periods = grid, grid.world, contract, periods
        self._turbines = {grid.named(unit.name): unit for unit in turbines}

    def load_mw(self) -> Array:
        """What all have drawn who are supplied, MW, shape (n_period,): they answer for carbon."""
        meters, nothing = self._world.meters, np.zeros(self._world.n_period)
        served = (meters.get(name, nothing)[self._periods] for name in self._contract.served)
        return np.asarray(sum(served, self.billed_mw()))

    def billed_mw(self) -> Array:
        """What consumers and grids below have drawn, who pay the tariff, MW, shape (n_period,)."""
        return np.asarray(sum(self.billed_by_name_mw().values()))

    def billed_by_name_mw(self) -> dict[str, Array]:
        """Load of each who pays the tariff, MW; of a grid below that of all its replicas."""
        meters, nothing = self._world.meters, np.zeros(self._world.n_period)
        metered = {name: meters.get(name, nothing)[self._periods] for name in self._contract.consumers}
        for name, grid in self._contract.below.items():
            drawn = np.zeros(self._periods.stop - self._periods.start)
            states = grid.states[self._periods]
            drawn[: len(states)] = [state.exchange_mw * grid.replicas for state in states]
            metered[name] = drawn
        return metered

    def emission_tco2(self) -> Array:
        """Physical emission of each period: what came through the head, and turbines."""
        imported = np.maximum(0.0, [state.head_t_per_h for state in self._grid.states[self._periods]])
        turbines = self.turbine_emission_tco2()[: len(imported)]
        return np.asarray(imported * self._world.period_h + turbines)

    def turbine_emission_tco2(self) -> Array:
        """What turbines have emitted by the meters of what they feed in, tCO2, shape (n_period,)."""
        fed_in, emitted = self._world.feed_in_meters, np.zeros(self._periods.stop - self._periods.start)
        for name, unit in self._turbines.items():
            if name in fed_in:
                emitted = emitted + unit.emission_tco2_per_mwh * fed_in[name][self._periods]
        return emitted * self._world.period_h
