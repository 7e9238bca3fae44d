"""Certificates of how pools share: the rule by its definition, from the values told of coalitions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from gridarium.experiments.evidence.grid_evidence import GridEvidence
from gridarium.experiments.evidence.storage.pool_book import (
    CONDITIONS,
    MOST_TABULATED,
    OPERATOR,
    RULES,
    PoolBook,
    books,
    shares_by_rule,
)
from gridarium.experiments.evidence.storage.share_rules import (
    Worth,
    capacity_split,
    least_core_gap,
    nucleolus_gap,
    owen_value,
    shapley_value,
)
from gridarium.experiments.results.records import Reading

_SHARE = 1e-6
"""Of the largest value, to which shares are worked out."""
_CONDITION = 1e-4


def shares(known: GridEvidence) -> Iterator[Reading]:
    """Shares of each day against the rule of the pool, and what other numbers of sub-pools would give."""
    for title, book in books(known):
        found = dict[tuple[int, frozenset[str]], float]()
        told, games, of_operator = (
            book.told("share_money"),
            book.total("game"),
            book.total("operator_share_money"),
        )
        for day, members in enumerate(book.inside("member")):
            key = (int(games[day]), members)
            if members and key[0] >= 0 and key not in found:
                said = {name: float(told[name][day]) for name in members}
                said[OPERATOR] = float(of_operator[day])
                found[key] = _off(book, key[0], [name for name in book.owners if name in members], said)
        known_rule = book.section.split in (*RULES, *CONDITIONS)
        if found and known_rule:
            size = max(1.0, *(abs(money) for game in book.games.values() for money in game.values()))
            by_condition, worst = book.section.split in CONDITIONS, float(np.max(list(found.values())))
            yield Reading(
                f"split of the {title}", worst, _CONDITION if by_condition else _SHARE * size,
                "" if by_condition else "money", True,
                "how far shares are from what excesses of all groups ask of them" if by_condition
                else "largest difference of a share and the rule of the pool by its definition, from the "
                "values told of coalitions (A8, A9)",
            )  # fmt: skip
        yield _coalitions(title, book)
        yield from _sub_pools(title, book)


def _coalitions(title: str, book: PoolBook) -> Reading:
    """How many coalitions a game lacks: all of few owners, everybody and the members of many."""
    lacking, members, games = 0, book.inside("member"), book.total("game")
    for number, game in book.games.items():
        if len(book.owners) <= MOST_TABULATED:
            lacking += 2 ** len(book.owners) - len(game)
            continue
        of_game = [inside for inside, one in zip(members, games, strict=True) if one == number]
        lacking += len({frozenset(book.owners), *of_game} - game.keys())
    return Reading(
        f"coalitions of the {title}", float(lacking), 0.0, "", True,
        "coalitions of which no value was told: of all where owners are few, of the members and everybody "
        "where they are many (A8)",
    )  # fmt: skip


def _off(book: PoolBook, game: int, members: list[str], said: Mapping[str, float]) -> float:
    """How far shares are from the rule, money, or from its conditions."""
    if book.section.split in CONDITIONS:
        plays = book.section.operator_plays
        players = [OPERATOR, *members] if plays else members
        return _condition(book.section.split, players, book.worth(game, plays), {n: said[n] for n in players})
    right = shares_by_rule(book, game, frozenset(members))
    return 0.0 if right is None else float(np.max([abs(money - said[name]) for name, money in right.items()]))


def _condition(rule: str, players: Sequence[str], worth: Worth, said: Mapping[str, float]) -> float:
    if rule == "least-core":
        size = max(1e-9, abs(worth(frozenset(players))))
        return max(0.0, least_core_gap(players, worth, said)) / size
    return nucleolus_gap(players, worth, said, acceptable=rule == "nucleolus")


def _sub_pools(title: str, book: PoolBook) -> Iterator[Reading]:
    """The table of what each owner would get by number of sub-pools, from the last game."""
    table, last = book.tables.get("sub_pools"), max(book.games)
    if table is None or not len(table) or len(book.games[last]) < 2 ** len(book.owners):
        return
    worth, apart, size = book.worth(last, False), 0.0, 1.0
    capacity = {name: unit.e_max_mwh for name, unit in book.units.items()}
    exact = shapley_value(book.owners, worth)
    for count, rows in table.groupby("sub_pools"):
        unions = book.unions(int(str(count)), book.owners)
        owen, by_capacity = owen_value(unions, worth), capacity_split(unions, capacity, worth)
        place = {name: number + 1 for number, union in enumerate(unions) for name in union}
        money = rows[["shapley_money", "owen_money", "capacity_money"]].to_numpy(dtype=float)
        for name, number, told in zip(rows["owner"], rows["sub_pool"], money, strict=True):
            right = exact[name], owen[name], by_capacity[name]
            apart = float(np.maximum(apart, np.abs(np.subtract(told, right)).max()))
            # Another sub-pool than the right one is worth all there is.
            apart = max(apart, np.inf if int(number) != place[name] else 0.0)
            size = max(size, *map(abs, right))
    counts = {len(book.unions(count, book.owners)) for count in range(1, len(book.owners) + 1)}
    if counts != {int(count) for count in table["sub_pools"]}:
        apart = np.inf
    yield Reading(
        f"sub-pools of the {title}", apart, _SHARE * size, "money", True,
        "largest difference of what an owner would get of the last game, by number of sub-pools, and rules "
        "by their definitions; without bound where it is counted to another sub-pool, or a number of them "
        "is left out that its owners can be parted in (A8, A9)",
    )  # fmt: skip
