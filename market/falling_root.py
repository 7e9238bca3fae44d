"""Root of a falling function of one number, in plain floats for what is called a million times."""

from __future__ import annotations

from collections.abc import Callable


def falling_root(function: Callable[[float], float], left: float, right: float) -> float:
    """Where a function that is positive at the left end and negative at the right one crosses 0.

    Parameters
    ----------
    function : callable
        Continuous, with one root in [left, right]; concave or convex near it for speed, not for truth.
    left, right : float
        Bracket, left below right. Where the function is not positive at the left, left is returned.

    Notes
    -----
    False position with the Illinois step: the value at an end that stays is halved.

    Examples
    --------
    >>> round(falling_root(lambda x: 2.0 - x * x, 0.0, 2.0), 12)
    1.414213562373
    """
    above, below, last = function(left), function(right), 0
    if above <= 0.0:
        return left
    middle, noise = left, 1e-14 * (above - below)
    for _ in range(200):
        middle = (left * below - right * above) / (below - above)
        if right - left <= 1e-14 * abs(right) or not left < middle < right:
            break
        found = function(middle)
        if abs(found) <= noise:
            break
        if found > 0.0:
            left, above = middle, found
            below = 0.5 * below if last > 0 else below
            last = 1
        else:
            right, below = middle, found
            above = 0.5 * above if last < 0 else above
            last = -1
    return middle
