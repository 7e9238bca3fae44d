"""What a pool keeps: days, the values of coalitions it was told, and the shares that follow from them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from gridarium.environment.arrays import Flags
from gridarium.market.coalition import membership
from gridarium.market.messages.storage_pools import Availability, CoalitionValues, OwnerPay, Registration
from gridarium.market.pool_splits import (
    PoolGame,
    SplitRule,
    leaves_rest,
    needed_coalitions,
    shares_of_owners,
    values_of,
)
from gridarium.market.storage_pooling import OPERATOR, ClassRules, sub_pools

MOST_TABULATED = 12
"""Owners up to whom the values of all coalitions are asked, so that outsiders know what they would have."""


@dataclass
class PoolDay:
    """A day of a pool; money by owner.

    Parameters
    ----------
    number : int
    turn : str or None
        Who could change its mind; None for everybody.
    by_group : bool
        Whether a group has made itself the pool for this day.
    """

    number: int
    turn: str | None
    by_group: bool
    announced_money: dict[str, float] = field(default_factory=dict)
    answers: dict[str, Availability] = field(default_factory=dict)
    score: dict[str, float] = field(default_factory=dict)
    enrolled: frozenset[str] = frozenset()
    members: list[str] = field(default_factory=list)
    share_money: dict[str, float] = field(default_factory=dict)
    operator_money: float = 0.0
    kept_money: float = float("nan")
    game: int = -1
    pay: Mapping[str, OwnerPay] = field(default_factory=dict)

    @property
    def is_settled(self) -> bool:
        """Whether what its members were worth has been shared out."""
        return self.game >= 0

    def settle(
        self,
        share_money: Mapping[str, float],
        operator_money: float,
        game: int,
        capacity_mwh: Mapping[str, float],
        compensated: bool,
    ) -> None:
        """Take the shares of the day, and work out what each owner has got of it."""
        self.share_money, self.operator_money, self.game = dict(share_money), operator_money, game
        pay = dict[str, OwnerPay]()
        for name, capacity in capacity_mwh.items():
            member, alone = name in share_money, self.alone_money(name)
            money = share_money.get(name, 0.0) + (0.0 if member and not compensated else alone)
            pay[name] = OwnerPay(member, money, money / capacity)
        self.pay = pay

    def alone_money(self, name: str) -> float:
        """What an owner would have earned by itself, as it has told."""
        answer = self.answers.get(name)
        return float("nan") if answer is None else answer.alone_money

    def row(self, name: str) -> dict[str, ArrayLike]:
        """What came of the day for one owner."""
        return {
            "day": self.number,
            "enrolled": float(name in self.enrolled),
            "member": float(name in self.members),
            "score": self.score.get(name, float("nan")),
            "announced_money": self.announced_money[name],
            "share_money": self.share_money.get(name, float("nan")),
            "alone_money": self.alone_money(name),
        }

    @property
    def total_row(self) -> dict[str, ArrayLike]:
        """What came of it for the pool as a whole."""
        return {
            "day": self.number,
            "members": float(len(self.members)),
            "game": self.game,
            "by_group": float(self.by_group),
            "shares_money": sum(self.share_money.values()),
            "operator_share_money": self.operator_money,
            "kept_money": self.kept_money,
        }


class PoolBooks:
    """Works out shares from the newest values.

    - `number`: of the game that the newest values make, counted from 0 as they change
    - `unions`, `capacity_mwh`: sub-pools, and capacities by owner

    Parameters
    ----------
    split : SplitRule
    sub_pools : int
        Groups of owners (K).
    classes : ClassRules
    operator_plays : bool
    """

    def __init__(self, split: SplitRule, sub_pools: int, classes: ClassRules, operator_plays: bool) -> None:
        self._split, self._count, self._classes = split, sub_pools, classes
        self._operator_plays, self._seed = operator_plays, 0
        self.number = -1
        self.unions: tuple[tuple[str, ...], ...] = ()
        self.capacity_mwh: dict[str, float] = {}
        self._everything: Flags | None = None
        self._values: list[CoalitionValues] = []
        self._game: PoolGame | None = None
        self._shares: dict[frozenset[str], dict[str, float]] = {}

    def open(self, told: Mapping[str, Registration], random: np.random.Generator) -> None:
        """Begin once all owners are registered."""
        self.unions = sub_pools(told, self._classes, self._count)
        self.capacity_mwh = {name: one.ratings.e_max_mwh for name, one in told.items()}
        self._seed = int(random.integers(2**31))
        if len(told) <= MOST_TABULATED:
            self._everything = membership(len(told)) > 0.0
            self._everything.flags.writeable = False

    @property
    def knows_values(self) -> bool:
        """Whether any day has been valued."""
        return self._game is not None

    def sub_pool(self, name: str) -> int:
        """Number of the sub-pool of an owner, from 1."""
        return next(k + 1 for k, union in enumerate(self.unions) if name in union)

    def needed(self, members: frozenset[str]) -> Flags:
        """Coalitions whose values the shares of a day follow from, shape (n_coalition, n_owner)."""
        if self._everything is not None:
            return self._everything
        owners = tuple(self.capacity_mwh)
        blank = self._of(owners, lambda coalitions: np.zeros(len(coalitions)))
        found = [np.zeros((1, len(owners)), dtype=np.bool_)]
        for some in {frozenset(owners), members} - {frozenset()}:
            game = self._seen(blank.among(tuple(some)))
            at = [owners.index(name) for name in game.players if name != OPERATOR]
            asked = needed_coalitions(self._split, game)[:, len(game.players) - len(at) :]
            whole = np.zeros((len(asked), len(owners)), dtype=np.bool_)
            whole[:, at] = asked
            found.append(whole)
        flags: Flags = np.unique(np.concatenate(found), axis=0).copy()
        flags.flags.writeable = False
        return flags

    def _seen(self, game: PoolGame) -> PoolGame:
        return game.with_player(OPERATOR) if self._operator_plays else game

    def _of(self, owners: tuple[str, ...], value: Callable[[Flags], np.ndarray]) -> PoolGame:
        return PoolGame(owners, self.unions, self.capacity_mwh, value, self._seed)

    def take(self, values: CoalitionValues) -> None:
        """Take the values of a day; a day like the one before is the same game."""
        newest = self._values[-1] if self._values else None
        if newest is None or not (
            np.array_equal(newest.coalitions, values.coalitions)
            and np.array_equal(newest.values_money, values.values_money)
        ):
            self._values.append(values)
            self.number += 1
            self._shares.clear()
        self._game = self._of(values.owners, values_of(values.coalitions, values.values_money))

    def shares_money(self, members: frozenset[str]) -> dict[str, float]:
        """Shares of members, and the operator's where it plays, by the newest values."""
        assert self._game is not None
        if members not in self._shares:
            order = [name for name in self._game.players if name in members]
            self._shares[members] = shares_of_owners(self._split, self._game, order, self._operator_plays)
        return dict(self._shares[members])

    @property
    def leaves_rest(self) -> bool:
        """Whether shares need not sum to the members' value."""
        return leaves_rest(self._split)

    def kept_money(self, members: frozenset[str]) -> float:
        """What the platform keeps, or bears, of the members' value."""
        assert self._game is not None
        worth = float(self._game.value(self._game.flags([tuple(members)]))[0])
        return worth - sum(self.shares_money(members).values())

    def prospect_money(self, name: str, enrolled: frozenset[str]) -> float:
        """Share that an owner would have with those enrolled; with all owners where these are too many."""
        company = enrolled | {name} if self._everything is not None else frozenset(self.capacity_mwh)
        return self.shares_money(company)[name]

    def value_rows(self, local: Callable[[str], str]) -> Iterator[dict[str, ArrayLike]]:
        """Values of the coalitions of each game."""
        for number, values in enumerate(self._values):
            names = [local(name) for name in values.owners]
            yield {
                "game": np.full(len(values.values_money), number),
                "day": values.day,
                "coalition": [
                    "+".join(name for name, inside in zip(names, row, strict=True) if inside)
                    for row in values.coalitions
                ],
                "size": values.coalitions.sum(axis=1).astype(float),
                "value_money": values.values_money,
            }
