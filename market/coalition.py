"""Coalitional games as tables, and what each player is worth in them: Shapley and Banzhaf exactly.

A value v(S) is a gain: more is better. A game of costs is the game of their negatives. All values and
shares are in the unit of v (money, tCO2). Games that are too large for a table: `coalition_sampling`;
values of players who stand together in groups: `coalition_unions`; stability: `coalition_core`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from gridarium.environment.arrays import Array, Flags, Index, series
from gridarium.environment.errors import Fault, InputError

MOST_PLAYERS = 16
"""Players of a game that can be tabulated: 65,536 coalitions."""


@dataclass(frozen=True, slots=True, eq=False)
class TabulatedGame:
    """Game whose every coalition has been asked for its value.

    Parameters
    ----------
    players : tuple of str, length n_player
        Names, each once, at most `MOST_PLAYERS`.
    values : ndarray, shape (2**n_player,)
        v(S) at the index that has bit i set for each member `players[i]` of S; finite, `values[0]` is 0.

    Raises
    ------
    InputError
        If there are no players, too many, or one twice; if the table has another length, a value that is
        no finite number, or an empty coalition that is worth something.

    Examples
    --------
    >>> gloves = TabulatedGame.of(["left", "right", "other right"], lambda pair: float({*pair} > {"left"}))
    >>> shapley(gloves).round(3).tolist()
    [0.667, 0.167, 0.167]
    """

    players: tuple[str, ...]
    values: Array

    def __post_init__(self) -> None:
        object.__setattr__(self, "players", check_players(self.players))
        values = series(self.values)
        if values.shape != (2 ** len(self.players),):
            allowed = f"must have one value for each of {2 ** len(self.players)} coalitions"
            raise InputError("coalitional game", [Fault("values", values.shape, allowed)])
        faults = [
            Fault(f"v({', '.join(self.members(int(mask)))})", float(values[mask]), "must be a finite number")
            for mask in np.flatnonzero(~np.isfinite(values))
        ]
        if values[0] != 0.0 and not faults:
            allowed = "must be 0: subtract what is earned without any player from all values"
            faults.append(Fault("v()", float(values[0]), allowed))
        if faults:
            raise InputError("coalitional game", faults)
        object.__setattr__(self, "values", values)

    @classmethod
    def of(cls, players: Sequence[str], value: Callable[[tuple[str, ...]], float]) -> TabulatedGame:
        """Ask a function for the value of every coalition, once each, smaller bit masks first.

        Parameters
        ----------
        players : sequence of str
            Names, at most `MOST_PLAYERS`.
        value : callable
            Takes the names of the members, in the order of `players`, and returns v; the empty one too.
        """
        names = check_players(players)
        asked = (
            tuple(name for i, name in enumerate(names) if mask >> i & 1) for mask in range(2 ** len(names))
        )
        return cls(names, np.array([value(members) for members in asked], dtype=np.float64))

    @property
    def n_player(self) -> int:
        """Number of players."""
        return len(self.players)

    @property
    def total(self) -> float:
        """Value of all players together."""
        return float(self.values[-1])

    @property
    def alone(self) -> Array:
        """Value of each player alone, shape (n_player,)."""
        return np.asarray(self.values[1 << np.arange(self.n_player)])

    @property
    def sizes(self) -> Index:
        """Number of members of each coalition, shape (2**n_player,)."""
        return coalition_sizes(self.n_player)

    def members(self, mask: int) -> tuple[str, ...]:
        """Names of the members of the coalition with this bit mask."""
        return tuple(name for i, name in enumerate(self.players) if mask >> i & 1)

    def mask(self, members: Iterable[str]) -> int:
        """Bit mask of a coalition; InputError for a name that is no player."""
        bits = {name: 1 << i for i, name in enumerate(self.players)}
        named = set(members)
        if strangers := sorted(named - bits.keys()):
            allowed = f"must be players: {', '.join(self.players)}"
            raise InputError("coalitional game", [Fault("members", name, allowed) for name in strangers])
        return sum(bits[name] for name in named)

    def value(self, members: Iterable[str]) -> float:
        """Value of a coalition, in the unit of v."""
        return float(self.values[self.mask(members)])

    def values_of(self, coalitions: Flags) -> Array:
        """Values of coalitions given as rows of flags, shape (n_coalition, n_player)."""
        return self.values[coalitions @ (1 << np.arange(self.n_player))]


def check_players(players: Sequence[str], most: int = MOST_PLAYERS) -> tuple[str, ...]:
    """Return the names of the players of a table; InputError if there are none, too many or one twice."""
    names = tuple(players)
    faults = []
    if not 1 <= len(names) <= most:
        allowed = (
            f"must be 1 to {most} players for exact values (2**n coalitions); for more, estimate them by "
            "coalition_sampling.sample_shapley, or let groups of players be one player each"
        )
        faults.append(Fault("players", len(names), allowed))
    twice = sorted({name for name in names if names.count(name) > 1}) if not faults else []
    faults += [Fault("players", name, "must be named once") for name in twice]
    if faults:
        raise InputError("coalitional game", faults)
    return names


def coalition_sizes(n_player: int) -> Index:
    """Return the number of members of each coalition by bit mask, shape (2**n_player,)."""
    return np.bitwise_count(np.arange(2**n_player)).astype(np.int64)


def orders_weight(n_player: int) -> Array:
    """Probability that a given set of s others, and no one else, comes before a player, shape (n_player,).

    Notes
    -----
    ``s! (n - s - 1)! / n!``, the weights of A8.
    """
    return np.array([1.0 / (n_player * math.comb(n_player - 1, s)) for s in range(n_player)])


def marginal_means(values: Array, weights: Array) -> Array:
    """Return each player's weighted sum of what it adds to the coalitions of the others.

    Parameters
    ----------
    values : ndarray, shape (2**n_player,)
        v(S) by bit mask.
    weights : ndarray, shape (2**(n_player - 1),)
        Weight of each coalition of the others, whose bits move together where the player's own is missing.

    Returns
    -------
    ndarray, shape (n_player,)
        In the unit of v; exactly 0 for a player who adds nothing anywhere.
    """
    n_player = len(values).bit_length() - 1
    shares = np.empty(n_player)
    for i in range(n_player):
        halves = values.reshape(-1, 2, 2**i)
        # No product of BLAS: for so short a sum its threads take longer to meet than to add.
        shares[i] = (weights * (halves[:, 1] - halves[:, 0]).ravel()).sum()
    return shares


def shapley_of_values(values: Array) -> Array:
    """Shapley value of a table of values by bit mask, shape (2**n_player,), as `shapley`."""
    n_player = len(values).bit_length() - 1
    return marginal_means(values, orders_weight(n_player)[coalition_sizes(n_player - 1)])


def shapley(game: TabulatedGame) -> Array:
    """Return the Shapley value: what a player adds on average over all orders of joining.

    Parameters
    ----------
    game : TabulatedGame

    Returns
    -------
    ndarray, shape (n_player,)
        Shares in the unit of v; their sum is v(N).

    Notes
    -----
    A8 and D18, ``sum_S |S|! (n - |S| - 1)! / n! (v(S + i) - v(S))`` over the S without i [1]_.

    References
    ----------
    .. [1] L. S. Shapley, 1953, doi:10.1515/9781400881970-018
    """
    return shapley_of_values(game.values)


def banzhaf(game: TabulatedGame) -> Array:
    """Return the Banzhaf value: what a player adds on average to all coalitions of the others.

    Parameters
    ----------
    game : TabulatedGame

    Returns
    -------
    ndarray, shape (n_player,)
        In the unit of v; their sum is in general not v(N).

    References
    ----------
    .. [1] P. Dubey and L. S. Shapley, 1979, doi:10.1287/moor.4.2.99
    """
    others = 2 ** (game.n_player - 1)
    return marginal_means(game.values, np.full(others, 1.0 / others))


@dataclass(frozen=True, slots=True)
class Additivity:
    """How near a game is to one in which every player earns the same in all company.

    Parameters
    ----------
    variance_share : float
        Share of the variance of v over all coalitions that a constant plus one worth per player explains,
        in [0, 1]; 1 for a game that is additive.
    largest_interaction : float
        Largest ``|v(S) - sum_i v(i)|`` as a share of the largest ``|v(S)|``, at least 0; 0 if additive.
    stand_alone_gap : float
        ``sum_i |phi_i - v(i)|`` as a share of ``sum_i |phi_i|``, at least 0: how much of the Shapley value
        is not what the players earn alone; 0 if additive, infinite where all Shapley values are 0 and what
        players earn alone is not.
    """

    variance_share: float
    largest_interaction: float
    stand_alone_gap: float


def additivity(game: TabulatedGame) -> Additivity:
    """Measure how near a game is to additive, which says whether Shapley and stand-alone shares agree.

    Parameters
    ----------
    game : TabulatedGame

    Returns
    -------
    Additivity
        Of a game in which no coalition is worth anything: additive.

    Notes
    -----
    The additive function nearest to v in the least squares over all coalitions has the Banzhaf values as
    slopes [1]_, so it explains the variance ``sum_i beta_i**2 / 4``.

    References
    ----------
    .. [1] P. L. Hammer and R. Holzman, Zeitschrift für Operations Research 36 (1992), 3-21
    """
    size = float(np.abs(game.values).max())
    if size == 0.0:
        return Additivity(1.0, 0.0, 0.0)
    values, alone = game.values / size, game.alone / size
    shares = shapley_of_values(values)
    slopes = banzhaf(game) / size
    variance = float(values.var())
    interaction = values - membership(game.n_player) @ alone
    rest, shared = float(np.abs(shares - alone).sum()), float(np.abs(shares).sum())
    return Additivity(
        min(float(slopes @ slopes) / 4.0 / variance, 1.0),
        float(np.abs(interaction).max()),
        0.0 if rest == 0.0 else rest / shared if shared > 0.0 else np.inf,
    )


def membership(n_player: int) -> Array:
    """Return 1 where a player is a member of a coalition, else 0, shape (2**n_player, n_player)."""
    masks = np.arange(2**n_player)[:, None]
    return (masks >> np.arange(n_player) & 1).astype(np.float64)
