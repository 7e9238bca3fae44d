"""Reputation of a seller: what it delivered of what it had promised, the last deliveries weighing most."""

from __future__ import annotations


def updated(
    reputation: float,
    delivered: float,
    contracted: float,
    weight: float = 0.1,
    on_time: bool = True,
    late_credit: float = 0.5,
) -> float:
    """Reputation after one more delivery, in [0, 1].

    Parameters
    ----------
    reputation : float
        Reputation so far, in [0, 1].
    delivered, contracted : float
        Energy that arrived and energy that was promised, both in the same unit, at least 0.
    weight : float
        Share w of the new experience, in [0, 1].
    on_time : bool
        Whether the delivery, and the word given before it, came in time.
    late_credit : float
        What a late delivery counts of one in time, in [0, 1].

    Notes
    -----
    E9 uses a reputation and leaves its change open; here ``R <- (1 - w) R + w s``, where s is the
    delivered share, at most 1 (nobody gains by sending more than agreed), times `late_credit` if late.
    Where nothing was promised nothing is learned.

    Examples
    --------
    >>> round(updated(1.0, delivered=30.0, contracted=40.0), 3)
    0.975
    """
    if contracted <= 0.0:
        return reputation
    score = min(max(delivered / contracted, 0.0), 1.0)
    if not on_time:
        score *= late_credit
    return (1.0 - weight) * reputation + weight * score
