"""What a plant could gain by another plan, those of others held: dynamic programming for each region."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from gridarium.agents.vpp.green_day import GreenDay
from gridarium.environment.arrays import Array
from gridarium.environment.storage import StorageRatings
from gridarium.experiments.evidence.grid_evidence import GridEvidence
from gridarium.experiments.evidence.vpp.green_reference import grid_optimum
from gridarium.experiments.evidence.vpp.vpp_fleets import FleetDay, fleet_days
from gridarium.experiments.evidence.vpp.vpp_meters import green_supply_share
from gridarium.experiments.parts.distribution_operator import DISTRIBUTION_OPERATOR
from gridarium.experiments.parts.vpp_section import plants_of
from gridarium.experiments.results.records import Reading
from gridarium.market.cleanness import Pricing
from gridarium.market.messages.tariffs import Pull
from gridarium.market.regional_bill import RegionDay

_GAP_SHARE = 5e-4
_POINTS = (97, 81)
"""Of the band of energy and the range of green shares; storages should begin at one of the former."""
_CYCLE_MWH = 1e-6
_PULL = "pull_target_mw"


class _Regret(NamedTuple):
    """What a plan costs more than another one, and the bill without storages, money."""

    place: str
    gain_money: float
    bill_money: float


def regret(known: GridEvidence) -> Iterator[Reading]:
    """How far plants are from a best response of each to the others' final plans.

    Asked of several plants on nodal prices, of plans of which nothing is proven, and of those that were made
    under a pull, which then counts in both plans as if it were money.
    """
    section, days = DISTRIBUTION_OPERATOR.of(known.scenario), known.tables.get("vpp_days")
    if section is None or days is None:
        return
    several = section.pricing == "nodal" and len(plants_of(known.scenario)) > 1
    is_pulled = _PULL in known.tables["vpp_regions"]
    if not several and not is_pulled and days["bound_money"].notna().all():
        return
    found = list(_regrets(known, section.pricing))
    if not found:
        return
    worst = max(found, key=lambda one: one.gain_money / one.bill_money)
    yield Reading(
        "regret of plants", max(0.0, worst.gain_money / worst.bill_money), _GAP_SHARE, "", False,
        "most that a plant could save in a region on a day by another plan, found by dynamic programming "
        "over energy and green share, the final plans of the others held; relative to its bill without "
        "storages" + (", the pull of exchange rounds counted as if it were money" if is_pulled else ""),
        f"{max(0.0, worst.gain_money):.3g} money in {worst.place}; "
        f"{sum(max(0.0, one.gain_money) for one in found):.3g} of {len(found)} regions, days and plants",
    )  # fmt: skip


def _regrets(known: GridEvidence, pricing: Pricing) -> Iterator[_Regret]:
    """Of each plant, region and day on which its storages are planned to end as they began."""
    supply = green_supply_share(known)
    for fleet in fleet_days(known):
        if fleet.ratings is None or abs(_gained_mwh(fleet, fleet.ratings)) > _CYCLE_MWH:
            continue
        day = _day(known, fleet, fleet.ratings, pricing, supply[fleet.rows["period"].to_numpy()])
        gain = _cost_money(fleet, day) - grid_optimum(day, *_POINTS)
        yield _Regret(f"{fleet.region} on day {fleet.day} by {fleet.plant}", gain, fleet.scale_money)


def _gained_mwh(fleet: FleetDay, ratings: StorageRatings) -> float:
    """Change of the energy inside over a day, as planned."""
    into, out = ratings.efficiencies
    moved = into * fleet.values("charge_plan_mw") - fleet.values("discharge_plan_mw") / out
    return fleet.hours * float(moved.sum())


def _day(
    known: GridEvidence, fleet: FleetDay, ratings: StorageRatings, pricing: Pricing, supply_share: Array
) -> GreenDay:
    """What the plant's dispatch rested on, the others' final plans included."""
    all_regions, told, periods = (
        known.tables["price_regions"],
        known.tables["vpp_regions"],
        fleet.rows["period"],
    )
    place = all_regions[all_regions["region"] == fleet.region].set_index("period").loc[periods]
    planned = told[told["region"] == fleet.region].groupby("period")["green_plan_mw"].sum().loc[periods]
    load = fleet.values("load_mw")
    region = RegionDay(
        fleet.region,
        load,
        fleet.values("buy_price_per_mwh"),
        fleet.values("sell_price_per_mwh"),
        place["initial_price_per_mwh"].to_numpy(dtype=float),
        fleet.hours,
        np.maximum(place["load_mw"].to_numpy(dtype=float) - load, 0.0),
        np.maximum(planned.to_numpy(dtype=float) - fleet.values("green_plan_mw"), 0.0),
    )
    return GreenDay(
        region,
        ratings,
        fleet.initial_share,
        supply_share,
        pricing,
        fleet.wear_cost_per_mwh,
        pull=_pull(fleet),
    )


def _pull(fleet: FleetDay) -> Pull | None:
    """Towards what the plant was pulled in the region on the day."""
    if _PULL not in fleet.rows or fleet.rows[_PULL].isna().any():
        return None
    return Pull(fleet.values(_PULL), float(fleet.values("pull_per_mw2h")[0]))


def _cost_money(fleet: FleetDay, day: GreenDay) -> float:
    """Purchases less sales, with wear, less what green energy that is used is paid (B2, B3, B5).

    Where the price is nodal that is c0 (1 - all green / all load) a MWh, c0 where it is uniform. A pull
    counts rho / 2 (l - z)^2.
    """
    region = day.region
    charge, discharge, green = (fleet.values(f"{name}_plan_mw") for name in ("charge", "discharge", "green"))
    net = region.load_mw + charge - discharge
    energy = np.where(net > 0.0, region.buy_price_per_mwh, region.sell_price_per_mwh) * net
    load = region.load_mw + region.foreign_load_mw
    own = np.minimum(green, np.maximum(load - region.foreign_green_mw, 0.0))
    used = np.divide(region.foreign_green_mw + own, load, out=np.zeros_like(load), where=load > 0.0)
    left = {"none": 0.0 * used, "uniform": np.ones_like(used), "nodal": 1.0 - used}[day.pricing]
    paid = region.green_price_per_mwh * left * own
    counted = energy - paid + fleet.wear_cost_per_mwh * discharge
    if day.pull is not None:
        counted = counted + 0.5 * day.pull.per_mw2h * (net - day.pull.target_mw) ** 2
    return fleet.hours * float(counted.sum())
