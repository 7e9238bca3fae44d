"""Storages of a virtual power plant in a region as one, day by day, and the least cost of energy alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import coo_array

from gridarium.environment.arrays import Array
from gridarium.environment.errors import SolveError
from gridarium.environment.storage import StorageRatings
from gridarium.experiments.evidence.grid_evidence import GridEvidence
from gridarium.experiments.evidence.shares import LEAST_MONEY
from gridarium.experiments.evidence.vpp.vpp_meters import periods_of_day, plant_of_owner, region_of_owner
from gridarium.experiments.parts.storage_section import storage_ratings
from gridarium.experiments.parts.storages import STORAGES
from gridarium.experiments.parts.vpp_section import plants_of


@dataclass(frozen=True)
class FleetDay:
    """What a plant could do in a region on a day, and what it was told to.

    Parameters
    ----------
    plant, region : str
    day : int
    ratings : StorageRatings, optional
        Of members together, with what was inside as the day began; None where no storage is a member.
    home_mwh : float
        What they held at the start of the run.
    initial_share : float
        Green share of what is inside as the day begins.
    wear_cost_per_mwh : float
        Of what members discharge.
    rows : DataFrame
        Of `vpp_regions`, by period.
    hours : float
        Length of a period, h.
    per_step : int
        Periods of a step of its plans, in which they go one way.
    """

    plant: str
    region: str
    day: int
    ratings: StorageRatings | None
    home_mwh: float
    initial_share: float
    wear_cost_per_mwh: float
    rows: pd.DataFrame
    hours: float
    per_step: int = 1

    def values(self, name: str) -> Array:
        """A column of its rows, shape (n_period,)."""
        return np.asarray(self.rows[name].to_numpy(dtype=float))

    @property
    def idle_money(self) -> float:
        """What its load costs without storages."""
        return self.hours * float(self.values("buy_price_per_mwh") @ self.values("load_mw"))

    @property
    def scale_money(self) -> float:
        """What amounts are told relative to, above 0.

        The bill without storages; where there is hardly any load, or a price of 0, what an hour of its
        storages' full power costs at the mean size of the prices.
        """
        power_mw = 0.0 if self.ratings is None else self.ratings.p_max_mw
        moved = power_mw * float(np.abs(self.values("buy_price_per_mwh")).mean())
        return max(abs(self.idle_money), moved, LEAST_MONEY)

    @property
    def wear_money(self) -> float:
        """What the energy that was discharged wears."""
        return self.hours * self.wear_cost_per_mwh * float(self.values("discharge_mw").sum())

    @property
    def benchmark_money(self) -> float:
        """The least cost of energy, with wear, where storages end the day with what they began the run with.

        That is scenario 3, as far as that content is in reach.

        A linear programme, with whole numbers in steps of negative prices: there alone, as it may sell for
        at most the price at which it buys, charge and discharge in one step would gain something.
        """
        if self.ratings is None:
            return self.idle_money
        return float(_energy_costs_money(self, self.ratings).sum())


def fleet_days(known: GridEvidence) -> Iterator[FleetDay]:
    """Each plant, region and day of a run."""
    told, per_day, plants = known.tables["vpp_regions"], periods_of_day(known), plants_of(known.scenario)
    owners, regions = plant_of_owner(known), region_of_owner(known)
    for (plant, region), own in told.groupby(["agent", "region"], sort=False):
        rows = own.sort_values("period", kind="stable")
        names = [name for name, one in owners.items() if one == plant and regions[name] == region]
        for start in range(0, known.world.n_period, per_day):
            day = start // per_day
            members = [name for name in names if _is_member(known, name, day)]
            ratings = _ratings(known, members, f"{plant} in {region}") if members else None
            fleet = FleetDay(
                str(plant),
                str(region),
                day,
                ratings,
                0.0 if ratings is None else ratings.soc_initial * ratings.e_max_mwh,
                plants[str(plant)].initial_green_share,
                STORAGES.of(known.scenario)[names[0]].wear_cost_per_mwh if names else 0.0,
                rows.iloc[start : start + per_day],
                known.world.period_h,
                round(known.scenario.period_h / known.world.period_h),
            )
            yield _as_it_begins(known, fleet, members, start) if ratings and start else fleet


def _is_member(known: GridEvidence, owner: str, day: int) -> bool:
    """Whether a plant commands a storage on a day; all of them where there is no pool."""
    pool = known.tables.get("storage_pool")
    if pool is None:
        return True
    own = pool[(pool["agent"] == owner) & (pool["day"] == day)]
    return bool((own["member"] > 0.0).any())


def _ratings(known: GridEvidence, members: list[str], name: str) -> StorageRatings:
    sections = STORAGES.of(known.scenario)
    every = [
        storage_ratings(one, sections[one], reserve_share=sections[one].pooling.reserve_share)
        for one in members
    ]
    p_max, e_max, s_max = (
        sum(getattr(one, field) for one in every) for field in ("p_max_mw", "e_max_mwh", "s_max_mva")
    )
    return replace(every[0], name=name, p_max_mw=p_max, e_max_mwh=e_max, s_max_mva=s_max)


def _as_it_begins(known: GridEvidence, fleet: FleetDay, members: list[str], start: int) -> FleetDay:
    """With what members held at the end of the period before."""
    assert fleet.ratings is not None
    rows, ratings = known.tables["storages"], fleet.ratings
    before = rows[rows["agent"].isin(members) & (rows["period"] == start - 1)]
    energy, green = float(before["e_mwh"].sum()), float(before["green_mwh"].sum())
    soc = min(max(energy / ratings.e_max_mwh, ratings.soc_min), ratings.soc_max)
    share = min(1.0, max(0.0, green / energy)) if energy > 0.0 else 0.0
    return replace(fleet, ratings=replace(ratings, soc_initial=soc), initial_share=share)


def benchmarks_money(known: GridEvidence, fleets: Sequence[FleetDay]) -> list[float]:
    """The least cost of energy of each of all fleet days.

    Of plants that look ahead it is their part of the least cost of the whole run, storages ending it as they
    began; nan where other storages are members on other days.
    """
    plants = plants_of(known.scenario)
    found = []
    for fleet in fleets:
        if plants[fleet.plant].look_ahead_days == 1:
            found.append(fleet.benchmark_money)
            continue
        own = [one for one in fleets if (one.plant, one.region) == (fleet.plant, fleet.region)]
        found.append(_part_of_run_money(own, fleet.day))
    return found


def _part_of_run_money(days: Sequence[FleetDay], day: int) -> float:
    first = days[0]
    if any(one.home_mwh != first.home_mwh for one in days):
        return float("nan")
    if first.ratings is None:
        return days[day].idle_money
    costs = _energy_costs_money(replace(first, rows=pd.concat([one.rows for one in days])), first.ratings)
    start = sum(len(one.rows) for one in days[:day])
    return float(costs[start : start + len(days[day].rows)].sum())


def _energy_costs_money(fleet: FleetDay, ratings: StorageRatings) -> Array:
    """Of each period in the least sum of buy Pb - sell Ps + wear Pdis with Pb - Ps = L + Pch - Pdis.

    Raises
    ------
    SolveError
        If there is none.
    """
    n, hours, (into, out) = len(fleet.rows), fleet.hours, ratings.efficiencies
    bought, sold, charge, discharge, energy = (place * n + np.arange(n) for place in range(5))
    first, reach = ratings.soc_initial * ratings.e_max_mwh, n * hours * ratings.p_max_mw
    last = min(max(fleet.home_mwh, first - reach / out), first + reach * into)
    t, most, charges = np.arange(n), ratings.p_max_mw, 5 * n + np.arange(n) // fleet.per_step
    # Rows 0 to n: balance of the region; n to 2 n: that of the storage; 2 n: its end; then one way a step.
    entries = [
        (t, bought, 1.0), (t, sold, -1.0), (t, charge, -1.0), (t, discharge, 1.0),
        (n + t, energy, 1.0), (n + t[1:], energy[:-1], -1.0),
        (n + t, charge, -hours * into), (n + t, discharge, hours / out),
        (np.array([2 * n]), energy[-1:], 1.0),
        (2 * n + 1 + t, charge, 1.0), (2 * n + 1 + t, charges, -most),
        (3 * n + 1 + t, discharge, 1.0), (3 * n + 1 + t, charges, most),
    ]  # fmt: skip
    row, column = (np.concatenate([entry[place] for entry in entries]) for place in (0, 1))
    factor = np.concatenate([np.full(len(rows), value) for rows, _, value in entries])
    matrix = coo_array((factor, (row, column)), shape=(4 * n + 1, 6 * n)).tocsr()
    equal = np.concatenate([fleet.values("load_mw"), [first], np.zeros(n - 1), [last]])
    low = np.concatenate([equal, np.full(2 * n, -np.inf)])
    high = np.concatenate([equal, np.zeros(n), np.full(n, most)])
    buy, sell = fleet.values("buy_price_per_mwh"), fleet.values("sell_price_per_mwh")
    wear, none = np.full(n, fleet.wear_cost_per_mwh), np.zeros(n)
    cost = hours * np.concatenate([buy, -sell, none, wear, none, none])
    least = np.concatenate([np.zeros(4 * n), np.full(n, ratings.band_mwh[0]), none])
    ends = (np.inf, np.inf, most, most, ratings.band_mwh[1], 1.0)
    whole = np.zeros(6 * n)
    whole[charges[np.minimum(buy, sell) < 0.0]] = 1.0
    found = milp(
        cost,
        integrality=whole,
        bounds=Bounds(least, np.repeat(ends, n)),
        constraints=LinearConstraint(matrix, low, high),
    )
    if found.status != 0:
        raise SolveError(f"benchmark of {ratings.name}, day {fleet.day}: {found.message}")
    return np.asarray((cost * found.x).reshape(6, n).sum(axis=0))
