"""Who answers for the carbon of which source: by shares of the load, and by the way that power takes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from gridarium.agents.region.region import Region
from gridarium.agents.transmission.ties import Ties
from gridarium.environment.arrays import Array
from gridarium.environment.carbon_flow import CarbonFlow, carbon_flow
from gridarium.environment.clock import day_length
from gridarium.environment.grids import PeriodState
from gridarium.experiments.evidence.grid_evidence import GridEvidence, rows_of
from gridarium.market.carbon_price import shared_by_load

NETWORK = "network"
"""Who answers for what shunts draw, and for losses on the way to a bus that uses no power."""


@dataclass(frozen=True)
class Source:
    """Where carbon enters a grid: a name, a kind, and tCO2/h at each bus, shape (n_period, n_bus)."""

    name: str
    kind: str
    carbon_t_per_h: Array


@dataclass(frozen=True)
class Taker:
    """Where power leaves a grid: a name, a kind, and MW at each bus, shape (n_period, n_bus)."""

    name: str
    kind: str
    power_mw: Array


class CarbonMatrix:
    """Sources and takers of a grid, and the carbon of each source that each taker answers for.

    - `by_path`: along the flows, losses carried by who receives
    - `by_proportion`: by shares of the load of those who follow, wherever they stand (D26)

    Parameters
    ----------
    known : GridEvidence
        Of a grid with a TIES.
    """

    def __init__(self, known: GridEvidence) -> None:
        self.known, self._feeder = known, known.grid.feeder
        self._shape = (known.world.periods_done, self._feeder.n_bus)
        self.sources = [*self._units(), *self._storages_out(), *self._head_in(), *self._below_in()]
        self.followers = [*self._regions(), *self._below_out()]
        self.takers = [*self.followers, *self._storages_in(), *self._head_out()]

    def over_states(self, value: Callable[[PeriodState], Array]) -> Array:
        """A value of every settled period, shape (n_period, ...)."""
        return np.array([value(state) for state in self.known.grid.states])

    def at_bus(self, bus: int, values: Array) -> Array:
        """A series at one bus, shape (n_period, n_bus)."""
        placed = np.zeros(self._shape)
        placed[:, bus] = values
        return placed

    def _units(self) -> Iterator[Source]:
        for name, rows in rows_of(self.known.tables, "units", "thermal").groupby("agent", sort=False):
            rate = rows["emission_gross_tco2_per_h"] - rows["absorbed_tco2_per_h"]
            yield Source(str(name), "thermal", self.at_bus(self._bus_of(str(name)), rate.to_numpy()))

    def _storage_rows(self) -> Iterator[tuple[str, int, pd.DataFrame]]:
        for name, rows in rows_of(self.known.tables, "storages", "storage").groupby("agent", sort=False):
            yield str(name), self._bus_of(str(name)), rows

    def _storages_in(self) -> Iterator[Taker]:
        for name, bus, rows in self._storage_rows():
            yield Taker(name, "storage", self.at_bus(bus, rows["p_charge_mw"].to_numpy()))

    def _storages_out(self) -> Iterator[Source]:
        """What came in with what was charged, and has not stayed."""
        intensity, hours = self.intensity, self.known.world.period_h
        for name, bus, rows in self._storage_rows():
            taken = intensity[:, bus] * rows["p_charge_mw"].to_numpy()
            kept = np.diff(rows["carbon_tco2"].to_numpy(), prepend=0.0) / hours
            yield Source(name, "storage", self.at_bus(bus, np.where(taken > kept, taken - kept, 0.0)))

    def _head_in(self) -> Iterator[Source]:
        yield Source("head", "head", self.at_bus(0, np.maximum(self.known.grid.head_t_per_h, 0.0)))

    def _head_out(self) -> Iterator[Taker]:
        yield Taker("head", "head", self.at_bus(0, np.maximum(-self.known.grid.exchange_mw, 0.0)))

    def _below_in(self) -> Iterator[Source]:
        for grid in self.known.grid.below:
            assert grid.above is not None
            rate = np.maximum(-grid.head_t_per_h, 0.0) * grid.replicas
            yield Source(grid.name, "grid_below", self.at_bus(grid.above.bus, rate))

    def _below_out(self) -> Iterator[Taker]:
        for grid in self.known.grid.below:
            assert grid.above is not None
            taken = np.maximum(grid.exchange_mw, 0.0) * grid.replicas
            yield Taker(grid.name, "grid_below", self.at_bus(grid.above.bus, taken))

    def _regions(self) -> Iterator[Taker]:
        for region in self.known.of(Region):
            drawn = self.known.world.meters[region.name]
            power = np.outer(drawn, region.site.p_share)
            yield Taker(self.known.grid.local(region.name), "region", power)

    def _bus_of(self, name: str) -> int:
        dispatch = self.known.tables["dispatch"]
        labels = [str(label) for label in self._feeder.bus_labels]
        return labels.index(str(dispatch.loc[dispatch["agent"] == name, "bus"].iloc[0]))

    @cached_property
    def intensity(self) -> Array:
        """Nodal carbon intensity, tCO2/MWh, shape (n_period, n_bus); 0 where no power arrives."""
        return np.nan_to_num(self.over_states(lambda state: state.intensity_tco2_per_mwh))

    def traced(self, source: Source) -> CarbonFlow:
        """Where the carbon of one source arrives, as if all others were clean."""
        feeder, below = self._feeder, self.over_states(lambda state: state.below_mw)
        fed_in = self.over_states(lambda state: np.maximum(-state.drawn_mw, 0.0))
        power = self.over_states(lambda state: state.source_mw) + fed_in + np.maximum(-below, 0.0)
        power[:, 0] += np.maximum(self.known.grid.exchange_mw, 0.0)
        return carbon_flow(
            np.asarray(feeder.parent),
            np.arange(1, feeder.n_bus),
            self.over_states(lambda state: state.flow.p_from_mw[0]),
            self.over_states(lambda state: state.flow.p_to_mw[0]),
            power,
            source.carbon_t_per_h,
        )

    def by_path(self, source: Source) -> dict[tuple[str, str], Array]:
        """Carbon of a source by name and kind of who answers for it, tCO2/h, shape (n_period,)."""
        traced = self.traced(source)
        found = {
            (taker.name, taker.kind): (traced.intensity_tco2_per_mwh * taker.power_mw).sum(axis=1)
            for taker in self.takers
        }
        feeder = self._feeder
        shunt = self.over_states(lambda state: state.flow.vm_pu[0] ** 2) * feeder.g_bus_pu * feeder.base_mva
        lost = (traced.intensity_tco2_per_mwh * shunt + traced.stranded_tco2_per_h).sum(axis=1)
        return found | {(NETWORK, NETWORK): lost}

    def by_proportion(self, source: Source) -> dict[tuple[str, str], Array]:
        """The same by shares of the load; storages answer for nothing, and give nothing off (D26)."""
        if source.kind == "storage":
            return {}
        load = np.array([taker.power_mw.sum(axis=1) for taker in self.followers])
        (shares,) = shared_by_load(source.carbon_t_per_h.sum(axis=1)[None, :], load)
        return {(taker.name, taker.kind): row for taker, row in zip(self.followers, shares, strict=True)}


def responsibilities_table(known: GridEvidence) -> pd.DataFrame:
    """A row for each day, source, and who answers for its carbon."""
    if not known.of(Ties):
        return pd.DataFrame()
    matrix, hours = CarbonMatrix(known), known.world.period_h
    per_day = day_length(known.world.n_period, known.world.clock.period_s)
    rows: list[dict[str, object]] = []
    for source in matrix.sources:
        path, proportion = matrix.by_path(source), matrix.by_proportion(source)
        nothing = np.zeros(known.world.periods_done)
        for (name, kind), along in path.items():
            shared = proportion.get((name, kind), nothing)
            rows += [
                {
                    "grid": known.grid.name,
                    "agent": name,
                    "kind": kind,
                    "day": first // per_day,
                    "source": source.name,
                    "source_kind": source.kind,
                    "path_tco2": hours * float(along[first : first + per_day].sum()),
                    "proportion_tco2": hours * float(shared[first : first + per_day].sum()),
                }
                for first in range(0, len(along), per_day)
            ]
    return pd.DataFrame(rows)
