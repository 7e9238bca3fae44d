"""Concession with time: what seller and buyer offer, move by move, before a deadline that both know."""

from __future__ import annotations


def conceded(time: float, exponent: float) -> float:
    """Share of the way from its opening to its reservation price that a side has gone.

    Parameters
    ----------
    time : float
        Since the side's first move, as a share of what there is until the deadline, in [0, 1].
    exponent : float
        beta, above 0: below 1 a side holds out and concedes late, at 1 evenly, above 1 early.

    Notes
    -----
    The polynomial time-dependent tactic ``alpha(t) = t ** (1 / beta)`` [1]_.

    References
    ----------
    .. [1] P. Faratin, C. Sierra and N. R. Jennings, Negotiation decision functions for autonomous agents,
       1998, doi:10.1016/S0921-8890(98)00029-3
    """
    return float(time ** (1.0 / exponent))


def ask_in_round(opening: float, reservation: float, round_: int, rounds: int, exponent: float) -> float:
    """What a seller asks in a round, money/MWh.

    Parameters
    ----------
    opening : float
        Its first price, not below the reservation price.
    reservation : float
        Price below which it loses; never reached, as the buyer's last answer comes after its last ask.
    round_, rounds : int
        From 0, and how many there are at most.
    exponent : float

    Notes
    -----
    Seller and buyer move in turn, 2 moves a round; the deadline is the last of them, which is the buyer's.

    Examples
    --------
    >>> [ask_in_round(160.0, 60.0, number, 3, 1.0) for number in range(3)]
    [160.0, 120.0, 80.0]
    """
    return opening - conceded(2.0 * round_ / (2.0 * rounds - 1.0), exponent) * (opening - reservation)


def bid_in_round(opening: float, reservation: float, round_: int, rounds: int, exponent: float) -> float:
    """What a buyer bids in a round, money/MWh, and up to which it accepts; arguments as for the seller.

    The reservation price is the one above which the buyer takes nothing. In the last round there is no
    further bid: this is only the highest price at which the last ask is accepted.

    Examples
    --------
    >>> [bid_in_round(40.0, 280.0, number, 3, 1.0) for number in range(3)]
    [40.0, 160.0, 280.0]
    """
    time = round_ / (rounds - 1.0) if rounds > 1 else 1.0
    return opening + conceded(time, exponent) * (reservation - opening)
