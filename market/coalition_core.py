"""Whether coalitions stay together: the core, the least core and the nucleolus of a tabulated game."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from gridarium.environment.arrays import Array
from gridarium.environment.errors import Fault, InputError
from gridarium.market.coalition import TabulatedGame, membership
from gridarium.market.coalition_excesses import ExcessStages

_TOLERANCE = 1e-12
"""Of what players earn alone, as a share of the largest value."""


@dataclass(frozen=True, slots=True)
class CoreCheck:
    """How far shares are from the core.

    Parameters
    ----------
    coalition : tuple of str
        Members of the coalition, neither empty nor all, that loses most by staying; empty with one player.
    excess : float
        What it would earn by leaving, ``v(S) - x(S)``, in the unit of v; -inf with one player.
    imbalance : float
        Sum of the shares minus v(N), in the unit of v.
    """

    coalition: tuple[str, ...]
    excess: float
    imbalance: float

    def holds(self, tolerance: float) -> bool:
        """Whether the shares are in the core but for a tolerance in the unit of v."""
        return self.excess <= tolerance and abs(self.imbalance) <= tolerance


def check_core(game: TabulatedGame, shares: ArrayLike) -> CoreCheck:
    """Find the coalition that gains most by leaving.

    Parameters
    ----------
    game : TabulatedGame
    shares : array_like, shape (n_player,)
        What each player gets, in the unit of v.

    Returns
    -------
    CoreCheck

    Raises
    ------
    InputError
        If there is not one finite share for each player.
    """
    given = np.asarray(shares, dtype=np.float64)
    if given.shape != (game.n_player,) or not np.isfinite(given).all():
        allowed = f"must be a finite number for each of {game.n_player} players"
        raise InputError("core", [Fault("shares", given.tolist(), allowed)])
    imbalance = float(given.sum()) - game.total
    if game.n_player == 1:
        return CoreCheck((), -np.inf, imbalance)
    excess = (game.values - membership(game.n_player) @ given)[1:-1]
    worst = int(excess.argmax())
    return CoreCheck(game.members(worst + 1), float(excess[worst]), imbalance)


@dataclass(frozen=True, slots=True, eq=False)
class LeastCore:
    """Shares that make the largest excess as small as can be.

    Parameters
    ----------
    epsilon : float
        The largest excess, in the unit of v: above 0 no shares are in the core, and a coalition stays only
        if leaving costs at least this; -inf with one player.
    shares : ndarray, shape (n_player,)
        One of the shares that reach it; they sum to v(N).
    """

    epsilon: float
    shares: Array


def least_core(game: TabulatedGame) -> LeastCore:
    """Find the smallest excess that no coalition need exceed.

    Parameters
    ----------
    game : TabulatedGame

    Returns
    -------
    LeastCore

    Raises
    ------
    SolveError
        If the linear problem is not solved.

    Notes
    -----
    ``min epsilon`` with ``x(N) = v(N)`` and ``x(S) >= v(S) - epsilon`` for all S but none and all [1]_;
    the coalitions that bind are added one by one.

    References
    ----------
    .. [1] M. Maschler, B. Peleg and L. S. Shapley, 1979, doi:10.1287/moor.4.4.303
    """
    gains, size = _normalised(game)
    if game.n_player == 1 or size == 0.0:
        return LeastCore(-np.inf if game.n_player == 1 else 0.0, game.alone)
    answer = ExcessStages(gains, np.full(game.n_player, -np.inf)).solve()
    return LeastCore(size * answer.epsilon, game.alone + size * answer.shares)


def prenucleolus(game: TabulatedGame) -> Array:
    """Return the shares whose excesses are smallest, the largest first, whatever a player earns alone.

    Parameters
    ----------
    game : TabulatedGame

    Returns
    -------
    ndarray, shape (n_player,)
        In the unit of v; they sum to v(N), and are in the core if there is one. Players may get less than
        alone: they have to where all together earn less than each alone.

    Raises
    ------
    SolveError
        If a linear problem is not solved.

    Notes
    -----
    As `nucleolus`, without its condition [1]_.

    References
    ----------
    .. [1] A. Sobolev, 1975; B. Peleg and P. Sudhölter, 2007, doi:10.1007/978-3-540-72945-7
    """
    return _least_excesses(game, -np.inf)


def nucleolus(game: TabulatedGame) -> Array:
    """Return the shares whose excesses are smallest, the largest first, none less than a player earns alone.

    Parameters
    ----------
    game : TabulatedGame

    Returns
    -------
    ndarray, shape (n_player,)
        In the unit of v; they sum to v(N), and are in the core if there is one.

    Raises
    ------
    InputError
        If all together earn less than each alone: no shares are acceptable to all.
    SolveError
        If a linear problem is not solved.

    Notes
    -----
    Excesses ``v(S) - x(S)`` in falling order are lexicographically least [1]_. A sequence of linear
    problems [2]_: each makes the largest excess that is not yet settled as small as can be, and settles
    the coalitions that have this excess in all its solutions. A positive dual proves that; a coalition
    whose excess follows from settled ones is left out, since it could hold up the others.

    References
    ----------
    .. [1] D. Schmeidler, 1969, doi:10.1137/0117107
    .. [2] M. Maschler, B. Peleg and L. S. Shapley, 1979, doi:10.1287/moor.4.4.303

    Examples
    --------
    >>> claims = {"a": 100.0, "b": 200.0, "c": 300.0}  # on an estate of 200
    >>> def left(present: tuple[str, ...]) -> float:
    ...     return max(0.0, 200.0 - sum(claim for name, claim in claims.items() if name not in present))
    >>> nucleolus(TabulatedGame.of("abc", left)).round(6).tolist()  # as in the Talmud
    [50.0, 75.0, 75.0]
    """
    shortfall = float(game.alone.sum()) - game.total
    if shortfall > _TOLERANCE * float(np.abs(game.values).max()):
        allowed = (
            f"must be at least what the players earn alone, {game.total + shortfall}; prenucleolus does not "
            "ask for that"
        )
        raise InputError("nucleolus", [Fault("v(N)", game.total, allowed)])
    return _least_excesses(game, 0.0)


def _least_excesses(game: TabulatedGame, least: float) -> Array:
    """Shares with lexicographically least excesses, each at least `least` above what a player earns alone."""
    gains, size = _normalised(game)
    if size == 0.0:
        return game.alone
    if np.isfinite(least):
        # What is lost here is rounding: a real loss has been refused.
        gains[-1] = max(gains[-1], 0.0)
    stages = ExcessStages(gains, np.full(game.n_player, least))
    return game.alone + size * stages.run()


def _normalised(game: TabulatedGame) -> tuple[Array, float]:
    """Gains of coalitions over their members alone as shares of the largest, and that one.

    Core and nucleolus follow such changes of unit and origin; solvers like small numbers.
    """
    gains = game.values - membership(game.n_player) @ game.alone
    size = float(np.abs(gains).max())
    if size <= 1e-14 * float(np.abs(game.values).max()):
        return np.zeros_like(gains), 0.0
    return gains / size, size
