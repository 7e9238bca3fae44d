"""What a distribution operator tells once its days are over: of each region, and of each round."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from gridarium.agents.distribution.contract import OperatorContract
from gridarium.agents.distribution.operator_day import OperatorDay
from gridarium.agents.distribution.price_region import PriceRegion
from gridarium.agents.leading import round_rows
from gridarium.agents.rows import Rows, columns_of
from gridarium.environment.arrays import Array
from gridarium.environment.grids import Grid
from gridarium.environment.horizon import Horizon
from gridarium.market.cleanness import carbon_potential_tco2_per_mwh


@dataclass(frozen=True)
class OperatorRows:
    """Rows of a distribution operator beyond those of any customer at a head.

    Parameters
    ----------
    grid : Grid
    contract : OperatorContract
    horizon : Horizon
    days : sequence of OperatorDay
        All of them, settled.
    certified_mwh : ndarray, shape (n_region, n_period)
        Green energy of the certificates that it has cancelled.
    """

    grid: Grid
    contract: OperatorContract
    horizon: Horizon
    days: Sequence[OperatorDay]
    certified_mwh: Array

    def rows(self) -> Iterator[Rows]:
        """All of them."""
        rounds = [row for day in self.days for row in _rounds(day)]
        if rounds:
            yield Rows("rounds", columns_of(rounds), by="row")
        for row, region in enumerate(self.contract.regions):
            yield Rows("price_regions", self._region(row, region))

    def _region(self, row: int, region: PriceRegion) -> dict[str, ArrayLike]:
        load_mw = self._metered_mw(region.load, fed_in=False)
        storages = [
            name
            for plant in self.contract.plants.values()
            for name, unit in plant.storages.items()
            if unit.region == region.name
        ]
        nothing = np.zeros(self.horizon.n_period)
        green_mw = self.certified_mwh[row] / self.horizon.period_h
        initial = self._over_days([day.outlook.initial_tco2_per_mwh for day in self.days])
        return {
            "region": region.name,
            "load_mw": load_mw,
            "charge_mw": sum((self._metered_mw(name, fed_in=False) for name in storages), nothing),
            "discharge_mw": sum((self._metered_mw(name, fed_in=True) for name in storages), nothing),
            "green_discharge_mw": green_mw,
            "initial_tco2_per_mwh": initial,
            "potential_tco2_per_mwh": carbon_potential_tco2_per_mwh(initial, load_mw, green_mw),
            "initial_price_per_mwh": self._over_days(
                [day.outlook.initial_price_per_mwh for day in self.days]
            ),
            "nodal_price_per_mwh": self._over_days([day.final_price_per_mwh[row] for day in self.days]),
            "traced_tco2_per_mwh": self._traced(region),
            "buses": len(region.buses),
        }

    def _over_days(self, series: Sequence[Array]) -> Array:
        """A series of each day, in steps of it and perhaps of further ones, over all settlement periods."""
        n_step = self.horizon.n_step
        return self.horizon.by_period(np.concatenate([values[:n_step] for values in series]))

    def _metered_mw(self, name: str, fed_in: bool) -> Array:
        meters = self.grid.world.feed_in_meters if fed_in else self.grid.world.meters
        return meters.get(name, np.zeros(self.horizon.n_period))

    def _traced(self, region: PriceRegion) -> Array:
        """Nodal carbon intensity by carbon flow, mean over the loads of a region."""
        share = self.grid.spread(region.buses).p_share
        there = share > 0.0
        return np.array([state.intensity_tco2_per_mwh[there] @ share[there] for state in self.grid.states])


def _rounds(day: OperatorDay) -> Iterator[dict[str, ArrayLike]]:
    return round_rows(
        day.number,
        day.rounds,
        lambda judged: {
            "price_change_per_mwh": judged.distance,
            "load_change_mw": judged.load_change_mw,
            "refused": judged.refused,
        },
    )
