"""Coalitional games with known values, and random ones."""

from __future__ import annotations

import numpy as np

from gridarium.market.coalition import TabulatedGame, membership


def names(n_player: int) -> tuple[str, ...]:
    return tuple(f"p{i}" for i in range(n_player))


def random_game(random: np.random.Generator, n_player: int) -> TabulatedGame:
    """Any values at all."""
    values = random.normal(size=2**n_player)
    values[0] = 0.0
    return TabulatedGame(names(n_player), values)


def synergy_game(random: np.random.Generator, n_player: int, n_synergy: int = 30) -> TabulatedGame:
    """Superadditive: random sets of players, rather small ones, earn together what none earns without."""
    inside = membership(n_player)
    values = inside @ random.gamma(1.0, size=n_player)
    for _ in range(n_synergy):
        carrier = random.random(n_player) < random.uniform(0.1, 0.6)
        values += random.gamma(1.0) * (inside[:, carrier].all(axis=1) & carrier.any())
    return TabulatedGame(names(n_player), values)


def airport_game(needs: np.ndarray) -> TabulatedGame:
    """Gains of a runway as long as the largest member needs: minus its cost."""
    return TabulatedGame(names(len(needs)), -(membership(len(needs)) * needs).max(axis=1))


def voting_game(weights: np.ndarray, quota: float) -> TabulatedGame:
    """Worth 1 to those who reach the quota."""
    return TabulatedGame(names(len(weights)), (membership(len(weights)) @ weights >= quota).astype(float))


def glove_game(left: int, right: int) -> TabulatedGame:
    """Worth a pair for each left glove that finds a right one."""
    inside = membership(left + right)
    pairs = np.minimum(inside[:, :left].sum(axis=1), inside[:, left:].sum(axis=1))
    return TabulatedGame(names(left + right), pairs)


def bankruptcy_game(estate: float, claims: np.ndarray) -> TabulatedGame:
    """Worth what is left of the estate once all others have got what they claim."""
    others = (1.0 - membership(len(claims))) @ claims
    values = np.maximum(estate - others, 0.0)
    values[0] = 0.0
    return TabulatedGame(names(len(claims)), values)
