"""Certificates of what plants say that coalitions of owners are worth, by plans, regions and capacities."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import permutations

import pandas as pd

from gridarium.experiments.evidence.grid_evidence import GridEvidence
from gridarium.experiments.evidence.storage.coalition_games import by_pool
from gridarium.experiments.evidence.vpp.told_certificates import final_days
from gridarium.experiments.evidence.vpp.vpp_fleets import FleetDay, fleet_days
from gridarium.experiments.evidence.vpp.vpp_meters import has_plants, region_of_owner
from gridarium.experiments.parts.storages import STORAGES
from gridarium.experiments.parts.vpp_section import plants_of, platform_of
from gridarium.experiments.results.records import Reading

_SAME = 1e-6
_SEARCHED = 1e-4
"""Of the bill without storages: to which two plans of the share form are searched."""
_STAYS_MWH = 1e-6

Coalition = frozenset[str]
Game = Mapping[Coalition, float]


def worths(known: GridEvidence) -> Iterator[Reading]:
    """Values of coalitions of each plant's owners, on each day that has a game of its own."""
    if not has_plants(known) or "vpp_days" not in known.tables:
        return
    exact, returns, regions = list[float](), list[float](), region_of_owner(known)
    fleets = {(one.plant, one.region, one.day): one for one in fleet_days(known)}
    for name, plant in plants_of(known.scenario).items():
        for day, game in _games(known, name):
            own = {one.region: one for key, one in fleets.items() if key[0] == name and key[2] == day}
            scale = sum(one.scale_money for one in own.values())
            exact += [off / scale for off in _off_money(known, name, day, game, own)]
            if plant.coalition_values == "replanned" and plant.planner == "shares":
                returns += [off / scale for off in short_of_part_money(known, game, own, regions)]
    if exact:
        yield Reading(
            "values by plants", max(exact), _SAME, "", True,
            "largest difference of the value of a coalition and the sum of those of its parts in each "
            "region, and of members there and what their plan saves, relative to the bill without storages "
            "(A7 for B7)",
        )  # fmt: skip
    if returns:
        yield Reading(
            "returns of capacity", max(0.0, *returns), _SEARCHED, "", False,
            "most by which a coalition in a region is worth less than its part of what a larger one there is "
            "worth, whose plan it could follow in small, or less than rest; relative to the bill without "
            "storages",
        )  # fmt: skip


def _games(known: GridEvidence, plant: str) -> Iterator[tuple[int, Game]]:
    """Days of which a plant has told values, once its operator had its last word, with all of them."""
    pool = by_pool(known.tables).get(platform_of(plant))
    rows = None if pool is None else pool.get("coalitions")
    settled = {day for name, day in final_days(known) if name == plant}
    if rows is None:
        return
    for day, own in rows.groupby("day"):
        if int(str(day)) in settled:
            told = zip(own["coalition"], own["value_money"], strict=True)
            game = {frozenset(str(names).split("+")) - {""}: float(money) for names, money in told}
            yield int(str(day)), game


def _off_money(
    known: GridEvidence, plant: str, day: int, game: Game, fleets: Mapping[str, FleetDay]
) -> Iterator[float]:
    """How far values are from those of parts in each region, and of members from what plans save."""
    regions = region_of_owner(known)
    for coalition, money in game.items():
        parts = [frozenset(one for one in coalition if regions[one] == region) for region in fleets]
        if all(part in game for part in parts):
            yield abs(money - sum(game[part] for part in parts))
    days = known.tables["vpp_days"]
    own = days[(days["agent"] == plant) & (days["day"] == day)]
    inside = _members(known, plant, day)
    if plants_of(known.scenario)[plant].look_ahead_days > 1:
        return
    for region, idle, cost in own[["region", "idle_money", "cost_money"]].itertuples(index=False):
        members = frozenset(one for one in inside if regions[one] == region)
        if members in game:
            yield abs(game[members] - (float(idle) - float(cost)))


def _members(known: GridEvidence, plant: str, day: int) -> Coalition:
    """Owners that a plant commands on a day."""
    rows: pd.DataFrame = by_pool(known.tables)[platform_of(plant)]["storage_pool"]
    return frozenset(rows.loc[(rows["day"] == day) & (rows["member"] > 0.0), "agent"])


def short_of_part_money(
    known: GridEvidence, game: Game, fleets: Mapping[str, FleetDay], regions: Mapping[str, str]
) -> Iterator[float]:
    """By how much a coalition is worth less than its part of a larger one, or than rest where it may rest.

    Parameters
    ----------
    known : GridEvidence
    game : mapping of frozenset of str to float
        Values of coalitions, money.
    fleets : mapping of str to FleetDay
        By region.
    regions : mapping of str to str
        In which the storage of each owner stands.

    Notes
    -----
    A plan of storages that are alike does in small what it does in large, for less than its part of purchases
    and more than its part of what green energy is paid, at nodal prices that its discharge lowers less.
    """
    units = STORAGES.of(known.scenario)
    for region, fleet in fleets.items():
        capacity = {
            one: sum(units[name].e_max_mwh for name in one)
            for one in game
            if one and all(regions[name] == region for name in one)
        }
        for small, large in permutations(capacity, 2):
            if capacity[small] < capacity[large]:
                yield game[large] * capacity[small] / capacity[large] - game[small]
        ratings = fleet.ratings
        if ratings and abs(ratings.soc_initial * ratings.e_max_mwh - fleet.home_mwh) <= _STAYS_MWH:
            yield from (-game[one] for one in capacity)
