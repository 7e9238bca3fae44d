"""What tables and the scenario say of a pool: its owners, games and days, and its rule of sharing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise

import numpy as np
import pandas as pd

from gridarium.environment.arrays import Array
from gridarium.experiments.evidence.grid_evidence import GridEvidence, Tables
from gridarium.experiments.evidence.storage.coalition_games import by_pool, owner_names, title_of
from gridarium.experiments.evidence.storage.coalition_reference import class_name
from gridarium.experiments.evidence.storage.share_rules import (
    Worth,
    capacity_split,
    owen_value,
    shapley_value,
    with_minus_without,
)
from gridarium.experiments.parts.pool_section import Pool
from gridarium.experiments.parts.storage_pool import POOL_AGENT, pool_of
from gridarium.experiments.parts.storages import STORAGES, StorageUnit
from gridarium.experiments.parts.vpp_section import plants_of, platform_of

OPERATOR = "operator "
"""Name of the operator as a player, which no owner has."""
MOST_TABULATED = 12
"""Owners up to whom all coalitions are valued; of more, all are announced what they would have together."""
RULES = ("shapley", "owen", "capacity", "with-minus-without")
"""Rules that say each share."""
CONDITIONS = ("nucleolus", "prenucleolus", "least-core")
"""Rules that say what holds of excesses."""


@dataclass(frozen=True)
class PoolBook:
    """What tables and the scenario say of a pool.

    Parameters
    ----------
    section : Pool
    units : mapping of str to StorageUnit
        Of its owners, in the order in which coalitions name them.
    tables : Tables
        Its own.
    compensates : bool
        Whether members also get what they would have earned alone.
    known_shares : dict
        Shares that were worked out, by game and members.
    """

    section: Pool
    units: Mapping[str, StorageUnit]
    tables: Tables
    compensates: bool
    known_shares: dict[tuple[int, frozenset[str]], dict[str, float] | None] = field(default_factory=dict)

    @property
    def owners(self) -> tuple[str, ...]:
        """All of them."""
        return tuple(self.units)

    @cached_property
    def games(self) -> dict[int, dict[frozenset[str], float]]:
        """Values told of coalitions, by the number of the game."""
        found = dict[int, dict[frozenset[str], float]]()
        for number, rows in self.tables["coalitions"].groupby("game"):
            of_game = zip(rows["coalition"], rows["value_money"], strict=True)
            game = {frozenset(str(name).split("+")): float(money) for name, money in of_game if name}
            found[int(str(number))] = game | {frozenset(): 0.0}
        return found

    def total(self, name: str) -> Array:
        """A column of the pool's table of days, shape (n_day,)."""
        return self.tables["pool_days"].sort_values("day")[name].to_numpy(dtype=float)

    @property
    def n_day(self) -> int:
        """Number of days."""
        return len(self.tables["pool_days"])

    def told(self, name: str) -> dict[str, Array]:
        """A column of numbers of the owners' table by day, shape (n_day,), by owner."""
        return {owner: rows[name].to_numpy(dtype=float) for owner, rows in self._by_owner.items()}

    def labels(self, name: str) -> dict[str, list[str]]:
        """A column of names of the owners' table by day, by owner."""
        return {owner: [str(one) for one in rows[name]] for owner, rows in self._by_owner.items()}

    @cached_property
    def _by_owner(self) -> dict[str, pd.DataFrame]:
        rows = self.tables["storage_pool"].sort_values("day")
        return {name: rows[rows["agent"] == name] for name in self.owners}

    def inside(self, name: str) -> list[frozenset[str]]:
        """Owners of whom a flag is set, by day."""
        flags = self.told(name)
        return [frozenset(one for one in self.owners if flags[one][day] > 0.0) for day in range(self.n_day)]

    def unions(self, count: int, members: Sequence[str]) -> list[list[str]]:
        """Sub-pools of some owners: by class, then by hours of full power, in parts of nearly equal number.

        As many as there are classes makes each class one (A9).
        """
        classes = {name: class_name(unit, self.section) for name, unit in self.units.items()}
        kinds = sorted(set(classes.values()))
        if count == len(kinds):
            parts = [[name for name in self.owners if classes[name] == kind] for kind in kinds]
        else:
            hours = {name: unit.e_max_mwh / unit.p_max_mw for name, unit in self.units.items()}
            order = sorted(self.owners, key=lambda name: (classes[name], hours[name], name))
            length, more = divmod(len(order), min(count, len(order)))
            ends = np.cumsum([length + (number < more) for number in range(min(count, len(order)))])
            parts = [order[begin:end] for begin, end in pairwise([0, *ends.tolist()])]
        kept = [[name for name in part if name in members] for part in parts]
        return [part for part in kept if part]

    def worth(self, game: int, plays: bool) -> Worth:
        """The value function of a game, nan where none was told; without an operator that plays it is 0."""
        values = self.games[game]

        def of(members: frozenset[str]) -> float:
            owners = members - {OPERATOR}
            return values.get(owners, float("nan")) if not plays or OPERATOR in members else 0.0

        return of


def books(known: GridEvidence) -> Iterator[tuple[str, PoolBook]]:
    """Each pool of a grid of which values were told, with how it is called."""
    sections = {platform_of(name): (plant.pool, False) for name, plant in plants_of(known.scenario).items()}
    own = pool_of(known.scenario)
    if own is not None:
        sections[POOL_AGENT] = own, own.outside == "stand-alone"
    pools = by_pool(known.tables)
    for name, tables in pools.items():
        rows = tables.get("coalitions")
        if name in sections and rows is not None and len(rows) and len(tables["pool_days"]):
            units = {owner: STORAGES.of(known.scenario)[owner] for owner in owner_names(rows)}
            section, compensates = sections[name]
            yield title_of(name, pools), PoolBook(section, units, tables, compensates)


def shares_by_rule(book: PoolBook, game: int, members: frozenset[str]) -> dict[str, float] | None:
    """Shares of members, and of the operator that plays; None for a rule without a definition here."""
    key, plays = (game, members), book.section.operator_plays
    if key not in book.known_shares:
        own = [name for name in book.owners if name in members]
        players = [OPERATOR, *own] if plays else own
        is_known = book.section.split in RULES
        book.known_shares[key] = _by_rule(book, players, book.worth(game, plays)) if is_known else None
    return book.known_shares[key]


def _by_rule(book: PoolBook, players: list[str], worth: Worth) -> dict[str, float]:
    rule, owners = book.section.split, [name for name in players if name != OPERATOR]
    if rule == "shapley":
        return shapley_value(players, worth)
    if rule == "with-minus-without":
        return with_minus_without(players, worth)
    unions = book.unions(book.section.sub_pools, owners)
    if len(owners) < len(players):
        unions = [[OPERATOR], *unions]
    if rule == "owen":
        return owen_value(unions, worth)
    return capacity_split(unions, {OPERATOR: 0.0} | {n: u.e_max_mwh for n, u in book.units.items()}, worth)
