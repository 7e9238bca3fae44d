"""What belongs to each virtual power plant, and what the meters of agents say of it, region by region."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from gridarium.environment.arrays import Array
from gridarium.environment.horizon import Horizon
from gridarium.experiments.evidence.grid_evidence import GridEvidence
from gridarium.experiments.parts.part import GridBuild
from gridarium.experiments.parts.price_regions import PRICE_REGIONS, region_of_storage
from gridarium.experiments.parts.storages import STORAGES
from gridarium.experiments.parts.supply import PRICES
from gridarium.experiments.parts.vpp_section import owners_of, plants_of
from gridarium.experiments.reading.profiles import profiles_of

FLOWS = ("load_mw", "charge_mw", "discharge_mw")


def has_plants(known: GridEvidence) -> bool:
    """Whether plants have told what they did."""
    return "vpp_regions" in known.tables


def plant_of_owner(known: GridEvidence) -> Mapping[str, str]:
    """Which plant the storage of each owner belongs to."""
    storages = STORAGES.of(known.scenario)
    plants = plants_of(known.scenario).items()
    return {owner: name for name, plant in plants for owner in owners_of(plant, storages)}


def region_of_owner(known: GridEvidence) -> Mapping[str, str]:
    """The region in which the storage of each owner stands.

    Where regions are given, they are walked from the head along the branches of the table: the branch that a
    region begins behind leads into it, every other one stays in the region that it comes from.
    """
    section = PRICE_REGIONS.of(known.scenario)
    assert section is not None
    if section.split == "found":
        profiles = profiles_of(known.scenario)
        return region_of_storage(GridBuild(known.scenario, known.grid, _horizon(known), profiles))
    behind = {one.behind: name for name, one in section.regions.items()}
    branches = known.tables["branches"].query("period == 0")
    by_bus = dict[str, str]()
    for branch, start, end in branches[["branch", "from_bus", "to_bus"]].itertuples(index=False):
        by_bus.setdefault(start, behind[None])
        by_bus[end] = behind.get(branch, by_bus[start])
    buses = known.tables["dispatch"].drop_duplicates("agent").set_index("agent")["bus"]
    return {owner: by_bus[str(buses[owner])] for owner in plant_of_owner(known)}


def metered(known: GridEvidence) -> pd.DataFrame:
    """What agents' own meters say: load served, charge and discharge, MW, by plant, region and period."""
    dispatch, section = known.tables["dispatch"], PRICE_REGIONS.of(known.scenario)
    assert section is not None
    loads = dispatch[dispatch["agent"].isin(section.regions)]
    parts = [
        pd.DataFrame(
            {
                "agent": name,
                "region": loads["agent"],
                "period": loads["period"],
                "load_mw": plant.load_share * loads["p_demand_mw"],
            }
        )
        for name, plant in plants_of(known.scenario).items()
    ]
    owners, regions = plant_of_owner(known), region_of_owner(known)
    units = dispatch[dispatch["agent"].isin(owners)]
    parts.append(
        pd.DataFrame(
            {
                "agent": units["agent"].map(owners),
                "region": units["agent"].map(regions),
                "period": units["period"],
                "charge_mw": units["p_demand_mw"],
                "discharge_mw": units["p_supply_mw"],
            }
        )
    )
    rows = pd.concat(parts, ignore_index=True).fillna(dict.fromkeys(FLOWS, 0.0))
    return by_region(rows, *FLOWS)


def by_region(rows: pd.DataFrame, *columns: str) -> pd.DataFrame:
    """Sums of columns by plant, region and period."""
    return rows.groupby(["agent", "region", "period"])[list(columns)].sum()


def largest_difference(one: pd.DataFrame, other: pd.DataFrame) -> float:
    """Largest difference of tables of one kind; what one of them lacks counts as 0 there."""
    difference = one.sub(other, fill_value=0.0).to_numpy(dtype=float)
    return float(np.abs(difference).max(initial=0.0))


def paid_share(known: GridEvidence) -> pd.Series[float]:
    """Part of certified green energy that was used in its region, and so paid for, by row of `vpp_regions`.

    What goes beyond the load is not; below 1 only for plants that do not keep to that limit.
    """
    told = known.tables["vpp_regions"]
    places = [told["region"], told["period"]]
    certified = told["green_mw"].groupby(places).transform("sum")
    used = known.tables["price_regions"].set_index(["region", "period"])["green_discharge_mw"]
    there = pd.MultiIndex.from_arrays(places)
    share = used.reindex(there).to_numpy(dtype=float) / certified.where(certified > 0.0, np.nan)
    return pd.Series(np.nan_to_num(share.to_numpy(dtype=float), nan=1.0), index=told.index)


def green_supply_share(known: GridEvidence) -> Array:
    """Green share of the grid's supply in each period, shape (n_period,).

    From the profiles; where a grid stands above, as its operator has told it last.
    """
    if known.above is not None:
        (customer,) = known.head_customers
        days = [customer.terms_of_day(day).green_share for day in range(customer.horizon.n_day)]
        told = [customer.horizon.over_day(share) for share in days if share is not None]
        return np.concatenate(told)
    column = PRICES.of(known.scenario).green_share_column
    assert column is not None
    horizon, profiles = _horizon(known), profiles_of(known.scenario)
    return horizon.by_period(np.resize(profiles.column(column), horizon.n_day * horizon.n_step))


def periods_of_day(known: GridEvidence) -> int:
    """Settlement periods of a day, of all there are in a world of less than a day."""
    return _horizon(known).day_length


def _horizon(known: GridEvidence) -> Horizon:
    return Horizon.of(known.world, known.scenario.period_h)
