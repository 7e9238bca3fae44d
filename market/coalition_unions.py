"""Value of players who stand together in unions: what a union earns among unions is shared within it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gridarium.environment.arrays import Array, Index
from gridarium.environment.errors import Fault, InputError
from gridarium.market.coalition import (
    TabulatedGame,
    coalition_sizes,
    membership,
    orders_weight,
    shapley_of_values,
)


def owen(game: TabulatedGame, unions: Sequence[Sequence[str]]) -> Array:
    """Return the Owen value: what a player adds on average over the orders in which unions stay together.

    Parameters
    ----------
    game : TabulatedGame
    unions : sequence of sequence of str
        Names of the members of each union; every player is in exactly one.

    Returns
    -------
    ndarray, shape (n_player,)
        Shares in the unit of v, in the order of `game.players`. Their sum is v(N), and that of a union is
        the Shapley value of the union in the game of unions.

    Raises
    ------
    InputError
        If the unions do not partition the players.

    Notes
    -----
    A9. Within a union the Shapley value is taken of the game in which T earns what it adds on average to
    the other unions that come before; this is the definition of [1]_ with its two sums in one order.
    Of unions of one player each, and of one union of all, it is the Shapley value.

    References
    ----------
    .. [1] G. Owen, 1977, doi:10.1007/978-3-642-45494-3_7

    Examples
    --------
    >>> gloves = TabulatedGame.of(["left", "right", "other right"], lambda pair: float({*pair} > {"left"}))
    >>> owen(gloves, [["left"], ["right", "other right"]]).tolist()
    [0.5, 0.25, 0.25]
    """
    _check_partition(game, unions)
    masks = np.array([game.mask(union) for union in unions])
    position = {name: i for i, name in enumerate(game.players)}
    shares = np.empty(game.n_player)
    # The unions that come before, by the bits of the others; then weights by their number.
    before = membership(len(unions) - 1).astype(np.int64)
    weights = orders_weight(len(unions))[coalition_sizes(len(unions) - 1)]
    for k, union in enumerate(unions):
        members: Index = np.array([position[name] for name in union])
        others = before @ np.delete(masks, k)
        inside = membership(len(members)).astype(np.int64) @ (1 << members)
        added = game.values[others[:, None] | inside] - game.values[others][:, None]
        shares[members] = shapley_of_values(weights @ added)
    return shares


def _check_partition(game: TabulatedGame, unions: Sequence[Sequence[str]]) -> None:
    """Raise an InputError that names all players who are in no union or in several, and all strangers."""
    named = [name for union in unions for name in union]
    faults = [
        Fault("unions", name, "must be in exactly one union")
        for name in sorted(set(named))
        if named.count(name) > 1
    ]
    faults += [Fault("unions", name, "must be a player") for name in sorted(set(named) - set(game.players))]
    faults += [Fault("unions", name, "must be in a union") for name in game.players if name not in named]
    faults += [Fault(f"unions[{k}]", [], "must have a member") for k, union in enumerate(unions) if not union]
    if faults:
        raise InputError("coalitional game", faults)
