"""Rules of sharing by their definitions: shares that follow from them, or how far others are from them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import combinations
from math import factorial

import numpy as np
from scipy.optimize import linprog

from gridarium.environment.arrays import Array
from gridarium.environment.errors import SolveError

Worth = Callable[[frozenset[str]], float]
"""Value of a coalition by the names of its members."""
_TIE = 1e-6
"""Excesses that count as one, relative to the largest value."""


def subsets(names: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """All groups of some names, from nobody to everybody."""
    for size in range(len(names) + 1):
        yield from combinations(names, size)


def shapley_value(players: Sequence[str], worth: Worth) -> dict[str, float]:
    """What each player adds on average over all orders of joining (A8).

    Notes
    -----
    A group S comes right before a player in ``|S|! (n - |S| - 1)!`` of the ``n!`` orders.
    """
    n, found = len(players), dict[str, float]()
    for name in players:
        others = [one for one in players if one != name]
        found[name] = sum(
            factorial(len(group)) * factorial(n - len(group) - 1) / factorial(n)
            * (worth(frozenset({*group, name})) - worth(frozenset(group)))
            for group in subsets(others)
        )  # fmt: skip
    return found


def owen_value(unions: Sequence[Sequence[str]], worth: Worth) -> dict[str, float]:
    """What each player adds on average over those orders in which unions stay together (A9)."""
    m, found = len(unions), dict[str, float]()
    for union in unions:
        rest = [other for other in unions if other is not union]
        for name in union:
            mates, total = [one for one in union if one != name], 0.0
            for before in (chosen for size in range(m) for chosen in combinations(rest, size)):
                gone = frozenset(one for other in before for one in other)
                outer = factorial(len(before)) * factorial(m - len(before) - 1) / factorial(m)
                for group in subsets(mates):
                    k = len(group)
                    inner = factorial(k) * factorial(len(mates) - k) / factorial(len(union))
                    total += outer * inner * (worth(gone | {*group, name}) - worth(gone | {*group}))
            found[name] = total
    return found


def capacity_split(
    unions: Sequence[Sequence[str]], capacity_mwh: Mapping[str, float], worth: Worth
) -> dict[str, float]:
    """Shapley value of each union in the game of unions, then by capacity within it (A9)."""
    of_name = {str(number): frozenset(union) for number, union in enumerate(unions)}

    def of_unions(present: frozenset[str]) -> float:
        return worth(frozenset().union(*(of_name[one] for one in present)))

    found = dict[str, float]()
    for number, money in shapley_value(list(of_name), of_unions).items():
        total = sum(capacity_mwh[name] for name in of_name[number])
        for name in of_name[number]:
            part = capacity_mwh[name] / total if total else 1.0 / len(of_name[number])
            found[name] = part * money
    return found


def with_minus_without(players: Sequence[str], worth: Worth) -> dict[str, float]:
    """What each adds to all others."""
    everybody = frozenset(players)
    return {name: worth(everybody) - worth(everybody - {name}) for name in players}


def excesses(players: Sequence[str], worth: Worth, shares: Mapping[str, float]) -> tuple[Array, Array]:
    """Members of all groups but nobody and everybody, as rows of 0 and 1, and what each would gain alone."""
    groups = [group for group in subsets(players) if 0 < len(group) < len(players)]
    inside = np.array([[float(name in group) for name in players] for group in groups])
    own = np.array([worth(frozenset(group)) - sum(shares[name] for name in group) for group in groups])
    return inside.reshape(-1, len(players)), own


def least_core_gap(players: Sequence[str], worth: Worth, shares: Mapping[str, float]) -> float:
    """By how much the largest excess of shares is above the least that a split can have, money."""
    inside, own = excesses(players, worth, shares)
    if not len(own):
        return 0.0
    values = own + inside @ np.array([shares[name] for name in players])
    n = len(players)
    answer = linprog(
        np.append(np.zeros(n), 1.0),
        A_ub=-np.column_stack([inside, np.ones(len(inside))]),
        b_ub=-values,
        A_eq=[[*np.ones(n), 0.0]],
        b_eq=[worth(frozenset(players))],
        bounds=(None, None),
    )
    if answer.status != 0:
        raise SolveError(f"least core: {answer.message}")
    return float(own.max() - answer.fun)


def nucleolus_gap(
    players: Sequence[str], worth: Worth, shares: Mapping[str, float], acceptable: bool
) -> float:
    """How far a move of shares can help groups of large excess, 0 for the nucleolus, a share of a unit move.

    Parameters
    ----------
    acceptable : bool
        Whether nobody may get less than alone; else it is the prenucleolus.

    Notes
    -----
    Criterion of Kohlberg (1971, doi:10.1137/0120009): at every level of excess a move y with y(N) = 0 that
    takes nothing from any group at or above the level gives nothing to these groups.
    """
    inside, own = excesses(players, worth, shares)
    n, size = len(players), max(1e-9, float(np.abs(own).max(initial=0.0)), abs(worth(frozenset(players))))
    excess, held = own / size, np.zeros((0, n))
    if acceptable:
        bound = [abs(shares[name] - worth(frozenset({name}))) / size < _TIE for name in players]
        held = np.eye(n)[bound]
    largest, level = 0.0, np.inf
    while (below := excess[excess < level - _TIE]).size:
        level = below.max()
        above = inside[excess >= level - _TIE]
        rows = np.vstack([above, held])
        answer = linprog(
            -above.sum(axis=0),
            A_ub=-rows,
            b_ub=np.zeros(len(rows)),
            A_eq=np.ones((1, n)),
            b_eq=[0.0],
            bounds=(-1.0, 1.0),
        )
        if answer.status != 0:
            raise SolveError(f"nucleolus: {answer.message}")
        largest = max(largest, -float(answer.fun))
        if np.linalg.matrix_rank(rows) == n:
            break
    return largest
