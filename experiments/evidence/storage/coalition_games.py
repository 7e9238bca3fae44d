"""Games of a pool as its tables tell them, and what other ways of sharing would give each owner."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from gridarium.environment.arrays import Array
from gridarium.experiments.evidence.grid_evidence import GridEvidence, Tables
from gridarium.experiments.parts.pooling import registrations
from gridarium.market.coalition import TabulatedGame, shapley
from gridarium.market.coalition_unions import owen
from gridarium.market.pool_splits import Capacity, PoolGame
from gridarium.market.storage_pooling import sub_pools


def by_pool(tables: Tables) -> dict[str, Tables]:
    """Tables of each pool of a grid: all of them where there is one, else what is told of its owners."""
    days, coalitions = tables.get("pool_days"), tables.get("coalitions")
    names = [] if days is None else [str(name) for name in dict.fromkeys(days["agent"])]
    if days is None or coalitions is None or len(names) < 2:
        return dict.fromkeys(names, tables)
    found = dict[str, Tables]()
    for name in names:
        values = coalitions[coalitions["agent"] == name]
        owners = set(owner_names(values)) if len(values) else set[str]()
        own = {
            table: rows[rows[column].isin(owners)]
            for table, column in (("storage_pool", "agent"), ("sub_pools", "owner"))
            if (rows := tables.get(table)) is not None
        }
        found[name] = {**tables, **own, "pool_days": days[days["agent"] == name], "coalitions": values}
    return found


def title_of(pool: str, pools: Mapping[str, Tables]) -> str:
    """How a pool is called in names: by its own only where there are several."""
    return "pool" if len(pools) == 1 else f"pool {pool}"


def tabulated_games(tables: Tables) -> dict[int, TabulatedGame]:
    """Games among all owners by their number, from `coalitions`; those with gaps are left out."""
    table = tables.get("coalitions")
    if table is None:
        return {}
    found = dict[int, TabulatedGame]()
    for number, rows in table.groupby("game", sort=True):
        owners = owner_names(rows)
        if len(rows) == 2 ** len(owners):
            worth = dict(zip(rows["coalition"], rows["value_money"], strict=True))
            game = TabulatedGame.of(owners, lambda members, worth=worth: worth["+".join(members)])  # type: ignore[misc]
            found[int(str(number))] = game
    return found


def owner_names(rows: pd.DataFrame) -> tuple[str, ...]:
    """All owners of a game, in the order in which its coalitions name them."""
    largest = int(rows["size"].to_numpy().argmax())
    return tuple(str(rows["coalition"].iloc[largest]).split("+"))


def among(game: TabulatedGame, members: tuple[str, ...]) -> TabulatedGame:
    """The game among some of its players."""
    return TabulatedGame.of(members, game.value)


def sub_pools_table(known: GridEvidence) -> pd.DataFrame:
    """What each owner would get of the last game with all in the pool, by number of sub-pools and rule."""
    rows = list[dict[str, object]]()
    for own in by_pool(known.tables).values():
        if games := tabulated_games(own):
            rows += _sub_pool_rows(known, games[max(games)])
    return pd.DataFrame(rows)


def _sub_pool_rows(known: GridEvidence, game: TabulatedGame) -> Iterator[dict[str, object]]:
    told, rules = registrations(known.scenario, game.players)
    capacity = {name: one.ratings.e_max_mwh for name, one in told.items()}
    exact, seen = shapley(game), set[tuple[tuple[str, ...], ...]]()
    for count in range(1, game.n_player + 1):
        unions = sub_pools(told, rules, count)
        if unions in seen:
            continue
        seen.add(unions)
        by_capacity = Capacity().shares(PoolGame(game.players, unions, capacity, game.values_of))
        for place, name in enumerate(game.players):
            yield {
                "grid": known.grid.name,
                "sub_pools": len(unions),
                "owner": name,
                "sub_pool": next(k + 1 for k, union in enumerate(unions) if name in union),
                "shapley_money": float(exact[place]),
                "owen_money": float(owen(game, unions)[place]),
                "capacity_money": float(by_capacity[place]),
            }


def distance_share(shares: Array, exact: Array) -> float:
    """Sum of absolute differences of shares, as a share of the sum of the exact ones; nan where that is 0."""
    total = abs(float(exact.sum()))
    return float(np.abs(shares - exact).sum()) / total if total > 0.0 else float("nan")
