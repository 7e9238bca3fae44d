"""The cheapest path of a tap changer through a day, when each period has a cost for each position."""

from __future__ import annotations

import numpy as np

from gridarium.environment.arrays import Array, Index


def cheapest_path(cost_money: Array, position: Index, before: int, moves: int, move_money: float) -> Index:
    """The path of least cost that does not go more steps than it may.

    Parameters
    ----------
    cost_money : ndarray, shape (n_position, n_period)
        Of being at a position in a period; inf where it cannot be.
    position : ndarray of int, shape (n_position,)
    before : int
        Position before the first period.
    moves : int
        Most steps of the whole day.
    move_money : float
        Of a step.

    Returns
    -------
    ndarray of int, shape (n_period,)
        Places in `position`.

    Raises
    ------
    ValueError
        If no path has a finite cost.

    Notes
    -----
    Dynamic programming over periods, positions and steps made so far: exact for costs that are separable
    by period.
    """
    n_position, n_period = cost_money.shape
    steps = np.abs(position[:, None] - position)
    # A state's last index is the steps made, after one that stands for less than none of them.
    made = np.arange(moves + 1) - steps[:, :, None] + 1
    came_from, made = np.arange(n_position)[:, None, None], np.maximum(made, 0)
    state = np.full((n_position, moves + 2), np.inf)
    first = np.abs(position - before)
    within = first <= moves
    state[within, first[within] + 1] = (cost_money[:, 0] + move_money * first)[within]
    origins = []
    for period in range(1, n_period):
        reached = state[came_from, made] + move_money * steps[:, :, None]
        origins.append(reached.argmin(axis=0))
        state[:, 1:] = reached.min(axis=0) + cost_money[:, period, None]
    if not np.isfinite(state.min()):
        raise ValueError(f"no path from {before} within {moves} steps has a finite cost")
    place, used = np.unravel_index(int(state.argmin()), state.shape)
    path = np.empty(n_period, dtype=np.int64)
    path[-1], used = place, used - 1
    for period in range(n_period - 1, 0, -1):
        origin = origins[period - 1][path[period], used]
        used -= steps[origin, path[period]]
        path[period - 1] = origin
    return path
