"""The day-ahead market: who will feed in and draw what on a day, as declared before it."""

from __future__ import annotations

from dataclasses import dataclass

from gridarium.environment.arrays import Array


@dataclass(frozen=True, slots=True)
class Position:
    """What one participant will feed in on a day.

    Parameters
    ----------
    participant : str
        Name in the world.
    power_mw : ndarray, shape (n_period,)
        Net, by settlement period of the day; negative where it draws.
    """

    participant: str
    power_mw: Array


@dataclass(frozen=True, slots=True)
class Declaration:
    """What an operator declares to the day-ahead market; answered by a receipt and repeated until then.

    Parameters
    ----------
    day : int
        From 0.
    positions : tuple of Position
        One for each participant that it declares.

    Notes
    -----
    Second step of the procedure E.2.
    """

    day: int
    positions: tuple[Position, ...]
