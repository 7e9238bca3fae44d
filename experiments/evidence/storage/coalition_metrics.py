"""Metrics of a pool of storages: what it is worth, how it is shared, who stays, how storages are used."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise

import pandas as pd

from gridarium.experiments.evidence.grid_evidence import Tables
from gridarium.experiments.evidence.storage.coalition_games import (
    among,
    by_pool,
    distance_share,
    tabulated_games,
    title_of,
)
from gridarium.market.coalition import TabulatedGame
from gridarium.market.coalition_core import check_core, least_core
from gridarium.market.formation import Formation, formation_of
from gridarium.market.storage_pooling import utilisation_index

Metric = tuple[str, float]


def pool_shares(tables: Tables, period_h: float) -> Iterator[Metric]:
    """What the pool was worth, and paid, over all days, and how far announcements were off."""
    days, owners = tables.get("pool_days"), tables.get("storage_pool")
    if days is None or owners is None:
        return
    yield "pool_shares_money", float(days["shares_money"].sum())
    yield "pool_operator_share_money", float(days["operator_share_money"].sum())
    off = (owners["announced_money"] - owners["share_money"]).abs()
    yield "pool_announcement_error_money", float(off.mean())
    for name, rows in owners.groupby("agent", sort=False):
        yield f"pool_member_days_{name}", float(rows["member"].sum())
        yield f"pool_share_{name}_money", float(rows["share_money"].sum())


def pool_formation(tables: Tables, period_h: float) -> Iterator[Metric]:
    """Whether the pool has come to rest: 1 for a stable one, the length of a cycle, 0 while it changes."""
    owners = tables.get("storage_pool")
    if owners is None:
        return
    states = enrolled_by_day(owners)
    ended = formation_at_the_end(owners)
    yield "pool_period_days", float(ended.period_days)
    yield "pool_rests_from_day", float(ended.since_day)
    yield "pool_changes", float(sum(one != other for one, other in pairwise(states)))
    yield "pool_members_at_the_end", float(len(states[-1]))
    yield "pool_group_exits", float(tables["pool_days"]["by_group"].sum())


def enrolled_by_day(owners: pd.DataFrame) -> list[frozenset[str]]:
    """Who belongs to the pool on each day, from `storage_pool`."""
    inside = owners[owners["enrolled"] > 0.0].groupby("day")["agent"].agg(frozenset)
    return [inside.get(day, frozenset()) for day in range(int(owners["day"].max()) + 1)]


def formation_at_the_end(owners: pd.DataFrame) -> Formation:
    """What the memberships have come to: at rest if for twice as many days as there are owners."""
    return formation_of(enrolled_by_day(owners), 2 * owners["agent"].nunique())


def pool_stability(tables: Tables, period_h: float) -> Iterator[Metric]:
    """The least core of the last game among all owners, and the excess of the last split among members."""
    pools = by_pool(tables)
    for name, own in pools.items():
        if not (games := tabulated_games(own)):
            continue
        game, title = games[max(games)], _title(name, pools)
        yield f"{title}_value_of_all_money", game.total
        yield f"{title}_least_core_money", least_core(game).epsilon
        violation = core_violation_money(own, games, int(own["pool_days"]["day"].max()))
        if violation is not None:
            yield f"{title}_core_violation_money", violation


def _title(pool: str, pools: Mapping[str, Tables]) -> str:
    return title_of(pool, pools).replace(" ", "_")


def core_violation_money(tables: Tables, games: dict[int, TabulatedGame], day: int) -> float | None:
    """What the members of a day that gain most by being the pool alone would gain; None without two members.

    Where the operator is a player its share is no member's, and coalitions need it: no such excess is told.
    """
    own = tables["storage_pool"].query("day == @day and member > 0")
    of_day = tables["pool_days"].query("day == @day")
    number = int(of_day["game"].iloc[0])
    if len(own) < 2 or number not in games or float(of_day["operator_share_money"].iloc[0]) != 0.0:
        return None
    players = tuple(name for name in games[number].players if name in set(own["agent"]))
    shares = own.set_index("agent")["share_money"].loc[list(players)].to_numpy()
    return check_core(among(games[number], players), shares).excess


def pool_splits(tables: Tables, period_h: float) -> Iterator[Metric]:
    """How far other ways of sharing are from the Shapley value, by number of sub-pools (K)."""
    pools = by_pool(tables)
    for name, own in pools.items():
        table = own.get("sub_pools", pd.DataFrame(columns=["sub_pools"]))
        for count, rows in table.groupby("sub_pools", sort=True):
            exact = rows["shapley_money"].to_numpy()
            for rule in ("owen", "capacity"):
                shares = rows[f"{rule}_money"].to_numpy()
                yield f"{_title(name, pools)}_{rule}_distance_k{count}_share", distance_share(shares, exact)


def storage_use(tables: Tables, period_h: float) -> Iterator[Metric]:
    """The utilisation index of storages that a pool may have (A23), members or not: their mean."""
    owners, storages = tables.get("storage_pool"), tables.get("storages")
    if owners is None or storages is None:
        return
    rated = owners.groupby("agent")["p_max_mw"].first()
    found = [
        utilisation_index(rows["p_charge_mw"].to_numpy(), rows["p_discharge_mw"].to_numpy(), float(p_max))
        for name, p_max in rated.items()
        for rows in (storages[storages["agent"] == name],)
        if len(rows) > 1
    ]
    if found:
        yield "storage_utilisation_share", sum(found) / len(found)
