"""How a pool shares out what it is worth: rules by name, each of which asks for the coalitions it needs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Protocol

import numpy as np

from gridarium.environment.arrays import Array, Flags
from gridarium.environment.parameters import Parameterised, count
from gridarium.market.coalition import TabulatedGame, shapley
from gridarium.market.coalition_core import least_core, nucleolus, prenucleolus
from gridarium.market.coalition_sampling import CoalitionValues, sample_shapley
from gridarium.market.coalition_unions import owen
from gridarium.market.storage_pooling import OPERATOR


@dataclass(frozen=True)
class PoolGame:
    """A game among owners, with what beside v some rules go by.

    Parameters
    ----------
    players : tuple of str
    unions : tuple of tuple of str
        Sub-pools; every player is in exactly one.
    capacity_mwh : mapping of str to float
    value : callable
        Takes coalitions as rows of flags, shape (n_coalition, n_player); returns v of each.
    seed : int
        Of random orders.
    """

    players: tuple[str, ...]
    unions: tuple[tuple[str, ...], ...]
    capacity_mwh: Mapping[str, float]
    value: CoalitionValues
    seed: int = 0

    @property
    def table(self) -> TabulatedGame:
        """Values of all coalitions; InputError where they are too many."""
        return TabulatedGame.of(self.players, lambda members: float(self.value(self.flags([members]))[0]))

    def flags(self, coalitions: Sequence[Sequence[str]]) -> Flags:
        """Coalitions given by names as rows of flags."""
        return np.array([[name in one for name in self.players] for one in coalitions], dtype=np.bool_)

    def among(self, members: Sequence[str]) -> PoolGame:
        """The game among some of the players, in their order: the others never join."""
        kept = tuple(name for name in self.players if name in members)
        at = [self.players.index(name) for name in kept]

        def value(coalitions: Flags) -> Array:
            whole = np.zeros((len(coalitions), len(self.players)), dtype=np.bool_)
            whole[:, at] = coalitions
            return self.value(whole)

        unions = tuple(tuple(name for name in union if name in kept) for union in self.unions)
        return replace(self, players=kept, unions=tuple(filter(None, unions)), value=value)

    def with_player(self, name: str) -> PoolGame:
        """The game with one more player, first, without whom nobody earns anything."""

        def value(coalitions: Flags) -> Array:
            return np.where(coalitions[:, 0], self.value(coalitions[:, 1:]), 0.0)

        return PoolGame(
            (name, *self.players),
            ((name,), *self.unions),
            {name: 0.0, **self.capacity_mwh},
            value,
            self.seed,
        )

    @property
    def of_unions(self) -> PoolGame:
        """The game in which each sub-pool is one player (A9): v of the sub-pools that are present."""
        inside = self.flags(self.unions)
        names = tuple("+".join(union) for union in self.unions)
        capacity = [sum(self.capacity_mwh[name] for name in union) for union in self.unions]
        return PoolGame(
            names,
            tuple((name,) for name in names),
            dict(zip(names, capacity, strict=True)),
            lambda coalitions: self.value(coalitions.astype(np.int64) @ inside.astype(np.int64) > 0),
            self.seed,
        )


class SplitRule(Protocol):
    """How v(N) is shared out among the players."""

    def shares(self, game: PoolGame) -> Array:
        """Shares of the players in the unit of v, shape (n_player,).

        They sum to v(N), unless the rule says with a true `leaves_rest` that the platform keeps, or bears,
        what is left.
        """


def leaves_rest(rule: SplitRule) -> bool:
    """Whether the shares of a rule need not sum to v(N)."""
    return bool(getattr(rule, "leaves_rest", False))


def shared(rule: SplitRule, game: PoolGame) -> dict[str, float]:
    """Shares by name; nothing where there is nobody."""
    return dict(zip(game.players, rule.shares(game).tolist(), strict=True)) if game.players else {}


def shares_of_owners(
    rule: SplitRule, game: PoolGame, members: Sequence[str], operator_plays: bool
) -> dict[str, float]:
    """Shares of the members of a pool by name; with that of the operator where it is a player, too."""
    if not members:
        return {}
    own = game.among(members)
    return shared(rule, own.with_player(OPERATOR) if operator_plays else own)


def needed_coalitions(rule: SplitRule, game: PoolGame) -> Flags:
    """Coalitions that a rule asks for, each once, shape (n_coalition, n_player); v is not asked.

    No shipped rule lets values decide which coalitions it asks for.
    """
    asked: list[Flags] = [np.ones((1, len(game.players)), dtype=np.bool_)]

    def note(coalitions: Flags) -> Array:
        asked.append(np.asarray(coalitions, dtype=np.bool_))
        return np.zeros(len(coalitions))

    shared(rule, replace(game, value=note))
    return np.asarray(np.unique(np.concatenate(asked), axis=0))


class Shapley:
    """Shapley value, exactly (A8)."""

    def shares(self, game: PoolGame) -> Array:
        """As `coalition.shapley`."""
        return shapley(game.table)


@dataclass(frozen=True, eq=False)
class SampledShapley(Parameterised):
    """Shapley value, estimated from random orders of joining.

    Parameters
    ----------
    evaluations : int
        Most coalitions that are asked.
    """

    evaluations: int = count(20_000, 100, 10_000_000)

    def shares(self, game: PoolGame) -> Array:
        """As `coalition_sampling.sample_shapley`; the same seed gives the same orders."""
        random = np.random.default_rng(game.seed)
        found = sample_shapley(len(game.players), game.value, random, most_evaluations=self.evaluations)
        return found.mean


class Owen:
    """Owen value over the sub-pools, exactly (A9)."""

    def shares(self, game: PoolGame) -> Array:
        """As `coalition_unions.owen`."""
        return owen(game.table, game.unions)


class Capacity:
    """Each sub-pool's Shapley value in the game of sub-pools, then by capacity within it (A9)."""

    def shares(self, game: PoolGame) -> Array:
        """2^K coalitions are asked."""
        found = dict[str, float]()
        for union, money in zip(game.unions, shapley(game.of_unions.table).tolist(), strict=True):
            capacity = np.array([game.capacity_mwh[name] for name in union])
            part = capacity / capacity.sum() if capacity.any() else np.full(len(union), 1.0 / len(union))
            found |= dict(zip(union, (part * money).tolist(), strict=True))
        return np.array([found[name] for name in game.players])


class Nucleolus:
    """Nucleolus; an error where all together earn less than each alone."""

    def shares(self, game: PoolGame) -> Array:
        """As `coalition_core.nucleolus`."""
        return nucleolus(game.table)


class Prenucleolus:
    """Prenucleolus: as the nucleolus, whatever a player earns alone."""

    def shares(self, game: PoolGame) -> Array:
        """As `coalition_core.prenucleolus`."""
        return prenucleolus(game.table)


class LeastCore:
    """A point of the least core."""

    def shares(self, game: PoolGame) -> Array:
        """As `coalition_core.least_core`."""
        return least_core(game.table).shares


class WithMinusWithout:
    """What each adds to all others: their shares sum to less than v(N) where players crowd each other."""

    leaves_rest: ClassVar[bool] = True

    def shares(self, game: PoolGame) -> Array:
        """v(N) less v without the player; n + 1 coalitions are asked.

        Notes
        -----
        What the paper calls its Shapley or contribution method [1]_.

        References
        ----------
        .. [1] MPCE 2024, 12(2), 346-358, doi:10.35833/MPCE.2023.000762
        """
        everybody = np.ones((1, len(game.players)), dtype=np.bool_)
        values = game.value(np.concatenate([everybody, ~np.eye(len(game.players), dtype=np.bool_)]))
        return np.asarray(values[0] - values[1:])


Values = Callable[[Flags], Array]


def values_of(coalitions: Flags, values_money: Array) -> Values:
    """A value function that looks coalitions up; the empty one is worth nothing.

    Parameters
    ----------
    coalitions : ndarray of bool, shape (n_coalition, n_player)
    values_money : ndarray, shape (n_coalition,)

    Raises
    ------
    KeyError
        From the function, for a coalition that is not there.
    """
    known = {row.tobytes(): money for row, money in zip(coalitions, values_money.tolist(), strict=True)}
    known[np.zeros(coalitions.shape[1], dtype=np.bool_).tobytes()] = 0.0
    return lambda asked: np.array([known[row.tobytes()] for row in np.ascontiguousarray(asked, dtype=bool)])
