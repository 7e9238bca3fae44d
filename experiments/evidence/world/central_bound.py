"""A yardstick of a world: what its day has cost everybody, against the least that one plan for all could."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from gridarium.agents.devices.thermal_plant import ThermalPlant
from gridarium.agents.feeder.consumer import Consumer
from gridarium.agents.feeder.consumer_day import ConsumerDay
from gridarium.agents.feeder.consumer_problem import LoadUtility
from gridarium.environment.arrays import Array
from gridarium.environment.grids import Grid
from gridarium.environment.world import World
from gridarium.experiments.evidence.grid_evidence import Tables, agents_of, by_period, rows_of, tables_of_grid
from gridarium.experiments.evidence.shares import ratio
from gridarium.experiments.evidence.world.central_day import (
    CentralDay,
    FlexibleLoad,
    Plant,
    Played,
    Store,
    borne_money,
    cost_money,
    emission_tco2,
    with_loads_held,
)
from gridarium.experiments.evidence.world.central_programme import least_cost_money
from gridarium.experiments.parts.lines import LESSOR
from gridarium.experiments.parts.part import GridScenario
from gridarium.experiments.parts.prosumers import PROSUMERS, classes_of
from gridarium.experiments.parts.provider import active_provider
from gridarium.experiments.parts.storage_section import Storage
from gridarium.experiments.parts.storages import STORAGES
from gridarium.experiments.parts.supply import REAL_TIME
from gridarium.experiments.parts.ties import TIES

_AT_LIMIT = 1e-6
"""By how much a load may leave its limits by rounding, MW."""
_NET = ("p_demand_mw", "p_supply_mw")


def central_bounds_table(world: World, sections: Mapping[str, GridScenario], tables: Tables) -> pd.DataFrame:
    """One row for a world whose TIES asks for it, or none.

    Commitment is as it was; all else that somebody decides on is decided anew, with what became of wind, sun
    and loads known. Loads without a utility, and consumers that have left the limits of theirs, draw what
    they drew. Networks, reserves and lines bind nobody, and losses are none: so no plan of these units costs
    less. With losses as they were the other benchmark is no bound, as other flows lose otherwise.
    """
    (root, *others) = (grid for grid in world.grids if grid.above is None)
    section = TIES.of(sections[root.name])
    if others or section is None or not section.central_bound:
        return pd.DataFrame()
    found = _Collected(world)
    for grid in world.grids:
        _OfGrid(grid, sections[grid.name], tables_of_grid(tables, grid.name), found).collect()
    market = REAL_TIME.of(sections[root.name])
    head = tables_of_grid(tables, root.name)["heads"]["p_metered_mw"].to_numpy(dtype=float)
    bought_mw = np.maximum(head, 0.0)
    day = CentralDay(
        world.period_h,
        found.held_mw,
        found.available_mw,
        np.full(world.n_period, market.price_per_mwh),
        np.full(world.n_period, market.factor_tco2_per_mwh),
        # What was balanced in real time may have been more than the limit.
        np.maximum(market.import_limit_mw, bought_mw),
        section.own_carbon.base_price_per_tco2,
        found.plants,
        found.stores,
        found.loads,
    )
    played = found.played(bought_mw)
    outcome, bound = cost_money(day, played), least_cost_money(day)
    supply = least_cost_money(with_loads_held(day, played), found.lost_mw) + borne_money(day, played)
    return pd.DataFrame(
        {
            "grid": [root.name],
            "outcome_money": outcome,
            "bound_money": bound,
            "supply_bound_money": supply,
            "gap_percent": 100.0 * (ratio(outcome, bound) - 1.0),
            "supply_gap_percent": 100.0 * (ratio(outcome, supply) - 1.0),
            "borne_money": borne_money(day, played),
            "emission_tco2": emission_tco2(day, played),
            "carbon_price_per_tco2": day.carbon_price_per_tco2,
            "lost_mwh": float(found.lost_mw.sum()) * world.period_h,
        }
    )


@dataclass
class _Collected:
    """All grids of a world together: what is decided on, what was done, and what is held."""

    world: World
    plants: list[Plant] = field(default_factory=list)
    stores: list[Store] = field(default_factory=list)
    loads: list[FlexibleLoad] = field(default_factory=list)
    plant_rows: list[tuple[Array, Array]] = field(default_factory=list)
    store_rows: list[tuple[Array, Array]] = field(default_factory=list)
    load_rows: list[Array] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.held_mw, self.available_mw, self.lost_mw = np.zeros((3, self.world.n_period))

    def played(self, import_mw: Array) -> Played:
        """What all have done."""
        n = self.world.n_period
        gross, absorbed = np.array(self.plant_rows).reshape(-1, 2, n).swapaxes(0, 1)
        charge, discharge = np.array(self.store_rows).reshape(-1, 2, n).swapaxes(0, 1)
        return Played(gross, absorbed, charge, discharge, np.array(self.load_rows).reshape(-1, n), import_mw)


class _OfGrid:
    """Collects what stands on one grid.

    Parameters
    ----------
    grid : Grid
    scenario : GridScenario
    tables : mapping of str to DataFrame
        Of the grid.
    found : _Collected
    """

    def __init__(self, grid: Grid, scenario: GridScenario, tables: Tables, found: _Collected) -> None:
        self._grid, self._scenario, self._tables, self._found = grid, scenario, tables, found
        self._n, self._hours = grid.world.n_period, grid.world.period_h
        # What a MW on this grid is to the world.
        self._copies = grid.copies
        dispatch = tables["dispatch"]
        self._dispatch = dispatch[~dispatch["kind"].isin(["head", "grid_below"])]
        self._decided: set[str] = set()

    def collect(self) -> None:
        """Take everything that stands on the grid."""
        self._take_losses()
        self._take_plants()
        self._take_stores()
        self._take_prosumers()
        self._take_consumers()
        self._take_renewables()
        held = self._dispatch[~self._dispatch["agent"].isin(self._decided)]
        self._found.held_mw += self._copies * self._net(held)

    def _net(self, rows: pd.DataFrame) -> Array:
        """What is drawn less what is fed in, MW, shape (n_period,)."""
        drawn, fed_in = (by_period(rows, column, self._n) for column in _NET)
        return drawn - fed_in

    def _by_agent(self, table: str, *kinds: str) -> Iterator[tuple[str, pd.DataFrame]]:
        """The rows of each agent of some kinds; none where there is no such agent."""
        rows = rows_of(self._tables, table, *kinds)
        if len(rows):
            yield from ((str(name), own) for name, own in rows.groupby("agent", sort=False))

    def _take_losses(self) -> None:
        """What came in at the head, and from below, and was not drawn."""
        dispatch = self._tables["dispatch"]
        head, below = dispatch[dispatch["kind"] == "head"], dispatch[dispatch["kind"] == "grid_below"]
        lost = -self._net(head) - self._net(below) - self._net(self._dispatch)
        self._found.lost_mw += self._copies * lost

    def _take_plants(self) -> None:
        units = {
            self._grid.local(one.name): one for one in agents_of(self._grid) if isinstance(one, ThermalPlant)
        }
        for name, rows in self._by_agent("units", "thermal", "gas_turbine"):
            plant = units[name]
            gross, absorbed, tank = (
                rows[column].to_numpy(dtype=float)
                for column in ("gross_mw", "absorbed_tco2_per_h", "tank_tco2")
            )
            is_free = plant.kind == "gas_turbine"
            on = rows["on"].to_numpy() > 0.5
            self._found.plants.append(Plant(plant.unit, self._copies, on, is_free, float(tank[-1])))
            self._found.plant_rows.append((gross, absorbed))
            self._decided.add(name)

    def _take_stores(self) -> None:
        sections = dict(self._storages())
        for name, rows in self._by_agent("storages", "storage", "storage_provider"):
            unit, wear = sections[name]
            charge, discharge, energy = (
                rows[column].to_numpy(dtype=float) for column in ("p_charge_mw", "p_discharge_mw", "e_mwh")
            )
            self._found.stores.append(_store(unit, self._copies, float(energy[-1]), wear))
            self._found.store_rows.append((charge, discharge))
            self._decided.add(name)

    def _storages(self) -> Iterator[tuple[str, tuple[Storage, tuple[float, float]]]]:
        """Storages of the grid by name, and what a MWh costs that is charged, and discharged."""
        for name, unit in STORAGES.of(self._scenario).items():
            yield name, (unit, (0.0, unit.wear_cost_per_mwh))
        provider = active_provider(self._scenario)
        if provider is not None:
            shared, rate = provider.storage, provider.degradation_cost_per_mwh
            yield LESSOR, (shared, (rate * shared.efficiency_charge, rate / shared.efficiency_discharge))

    def _take_prosumers(self) -> None:
        """Panels and loads are held; the batteries of a class, of equal parts, are one."""
        own = self._tables.get("prosumers")
        if own is None:
            return
        needed = by_period(own, "deficit_mwh", self._n) - by_period(own, "surplus_mwh", self._n)
        self._found.held_mw += self._copies * needed / self._hours
        self._decided.update(classes_of(self._scenario))
        for kind, rows in own.groupby("class", sort=False):
            battery = PROSUMERS.of(self._scenario)[str(kind)].battery
            if battery is None:
                continue
            charge, discharge, energy = (
                by_period(rows, column, self._n) for column in ("charged_mwh", "discharged_mwh", "e_mwh")
            )
            self._found.stores.append(_store(battery, self._copies, float(energy[-1])))
            self._found.store_rows.append((charge / self._hours, discharge / self._hours))

    def _take_consumers(self) -> None:
        """Those with a utility that have kept to their limits; the others are held."""
        loads = rows_of(self._tables, "loads", "consumer")
        for consumer in (one for one in agents_of(self._grid) if type(one) is Consumer):
            name = self._grid.local(consumer.name)
            drawn = loads.loc[loads["agent"] == name, "p_metered_mw"].to_numpy(dtype=float)
            days = [consumer.day(number) for number in range(consumer.horizon.n_day)]
            demand = days[0].demand
            if demand.battery is not None or demand.outturn is not None:
                continue
            load = _flexible(consumer, days, self._copies, drawn)
            if np.any(
                np.abs(drawn - load.utility.base_mw) > load.flexible_share * load.utility.base_mw + _AT_LIMIT
            ):
                continue
            self._found.loads.append(load)
            self._found.load_rows.append(drawn)
            self._decided.add(name)

    def _take_renewables(self) -> None:
        rows = self._dispatch[self._dispatch["kind"] == "renewable"]
        self._found.available_mw += self._copies * by_period(rows, "p_available_mw", self._n)
        self._decided.update(rows["agent"])


def _store(
    unit: Storage, copies: int, last_mwh: float, wear_per_mwh: tuple[float, float] = (0.0, 0.0)
) -> Store:
    """A storage that ends as full as it did."""
    low, high, first = (share * unit.e_max_mwh for share in (unit.soc_min, unit.soc_max, unit.soc_initial))
    efficiencies = unit.efficiency_charge, unit.efficiency_discharge
    return Store(copies, unit.p_max_mw, (low, high), first, last_mwh, efficiencies, wear_per_mwh)


def _flexible(consumer: Consumer, days: list[ConsumerDay], copies: int, drawn_mw: Array) -> FlexibleLoad:
    over = consumer.horizon.by_period
    base, reference = (
        over(np.concatenate([getattr(day, name) for day in days]))
        for name in ("base_mw", "reference_price_per_mwh")
    )
    demand = days[0].demand
    utility = LoadUtility(base, reference, demand.beta_per_mwh_per_mw)
    return FlexibleLoad(copies, utility, demand.flexible_share, drawn_mw.reshape(len(days), -1).sum(axis=1))
