"""How coalitions form: groups that would rather go alone, and what a run of memberships comes to."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import numpy as np

Outcome = Literal["stable", "cycling", "still changing"]
Shares = Callable[[tuple[str, ...]], Mapping[str, float]]


@dataclass(frozen=True)
class Formation:
    """What a sequence of states has come to.

    Parameters
    ----------
    outcome : {"stable", "cycling", "still changing"}
    period_days : int
        1 for a stable one, the length of a cycle, 0 while it is still changing.
    since_day : int
        First day of the state or cycle in which it ends; the number of days where it is still changing.
    """

    outcome: Outcome
    period_days: int
    since_day: int


def formation_of(states: Sequence[Hashable], quiet_days: int) -> Formation:
    """Tell whether a sequence of states has come to rest, or goes round in a cycle.

    Parameters
    ----------
    states : sequence
        One a day.
    quiet_days : int
        Days over which a state must hold to count as stable, and a cycle must have been repeated; a cycle
        must also have been gone through three times.

    Notes
    -----
    The shortest period p is taken for which the end of the sequence repeats itself.
    """
    n = len(states)
    for period in range(1, n // 3 + 1):
        first = n - period
        while first > 0 and states[first - 1] == states[first - 1 + period]:
            first -= 1
        if n - first >= max(quiet_days, 3 * period if period > 1 else 1):
            return Formation("stable" if period == 1 else "cycling", period, first)
    return Formation("still changing", 0, n)


@dataclass(frozen=True)
class Group:
    """Players who all gain by being the coalition themselves.

    Parameters
    ----------
    members : tuple of str
    share_money : mapping of str to float
    """

    members: tuple[str, ...]
    share_money: Mapping[str, float]


def blocking_group(
    players: Sequence[str],
    proposer: str,
    shares: Shares,
    present_money: Mapping[str, float],
    least_gain_money: float,
    needed: Sequence[str] = (),
) -> Group | None:
    """The group that pays its proposer best among those in which everybody gains; None without one.

    Parameters
    ----------
    players : sequence of str
        The members of the coalition that there is; a group is some of them, at least two and not all.
    proposer : str
        A member of any group that is looked at.
    shares : callable
        Takes the members of a group, in the order of `players`; tells what each would have.
    present_money : mapping of str to float
        What each has now.
    least_gain_money : float
        By which each must gain.
    needed : sequence of str, optional
        Who belongs to every group beside its members, and must gain as well.

    Notes
    -----
    Of groups that pay the proposer the same the smaller one, then the first by names. When it leaves, the
    coalition that it leaves falls apart: the model gamma of [1]_, in which a group has what it is worth
    while all others stand alone.

    References
    ----------
    .. [1] S. Hart and M. Kurz, 1983, doi:10.2307/1912051
    """
    best: Group | None = None
    others = [name for name in players if name != proposer]
    for size in range(1, len(players) - 1):
        for company in combinations(others, size):
            members = tuple(name for name in players if name == proposer or name in company)
            found = shares(members)
            gains = [found[name] - present_money[name] for name in (*members, *needed)]
            # Whose pay is not known is not counted on.
            if not np.min(gains) > least_gain_money:
                continue
            if best is None or found[proposer] > best.share_money[proposer] + least_gain_money:
                best = Group(members, found)
    return best
