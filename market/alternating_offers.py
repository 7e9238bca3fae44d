"""Who gets which share when two sides make offers in turn and waiting costs them."""

from __future__ import annotations

from gridarium.environment.errors import Fault, InputError


def check_patience(delta_ep: float, delta_ip: float, deadline: int | None) -> None:
    """Refuse discount factors and deadlines under which offers in turn have no one outcome.

    Raises
    ------
    InputError
        If a delta is outside [0, 1], the deadline below 1, or neither delta below 1 without a deadline.
    """
    ends = delta_ep * delta_ip < 1.0 if deadline is None else deadline >= 1
    if ends and 0.0 <= delta_ep <= 1.0 and 0.0 <= delta_ip <= 1.0:
        return
    deltas = {"delta_ep": delta_ep, "delta_ip": delta_ip}
    faults = [
        Fault(name, delta, "must be in [0, 1]") for name, delta in deltas.items() if not 0 <= delta <= 1
    ]
    if deadline is not None and deadline < 1:
        faults.append(Fault("deadline", deadline, "must be a number of offers, 1 or more"))
    if not faults:
        faults.append(Fault("delta_ep, delta_ip", 1.0, "one must be below 1 without a deadline"))
    raise InputError("alternating offers", faults)


def share_without_deadline(delta_ep: float, delta_ip: float, least: float, most: float) -> float:
    """Share of the gain that the EP asks for when offers may go on for ever.

    Parameters
    ----------
    delta_ep, delta_ip : float
        What a gain in the next round is worth now, in [0, 1], not both 1.
    least, most : float
        Smallest and largest share that prices in the band can give the EP, in [0, 1].

    Returns
    -------
    float
        The EP's share when it offers first; it gets ``max(least, delta_ep * share)`` when the IP does.

    Notes
    -----
    Rubinstein [1]_: the one pair of offers with which each side is indifferent between the offer it
    gets and its own next one, ``(1 - delta_ip) / (1 - delta_ep delta_ip)``, cut at the ends.

    References
    ----------
    .. [1] A. Rubinstein, Perfect equilibrium in a bargaining model, 1982, doi:10.2307/1912531
    """
    share = (1.0 - delta_ip) / (1.0 - delta_ep * delta_ip)
    if delta_ep * share < least:
        share = 1.0 - delta_ip * (1.0 - least)
    return min(share, most)


def share_before_deadline(
    delta_ep: float, delta_ip: float, least: float, most: float, deadline: int, ep_begins: bool
) -> float:
    """Share of the gain the EP gets in the first of a number of offers.

    Parameters
    ----------
    delta_ep, delta_ip, least, most : float
        As without a deadline.
    deadline : int
        Number of offers, at least 1; after them there is nothing to share.
    ep_begins : bool
        Whether the EP makes the first offer.

    Notes
    -----
    Backward induction: the last to offer takes all that the band allows; one round earlier it is offered
    what that is worth to it now.
    """
    ep_offers = ep_begins == (deadline % 2 == 1)
    share = most if ep_offers else least
    for _ in range(deadline - 1):
        ep_offers = not ep_offers
        share = min(most, 1.0 - delta_ip * (1.0 - share)) if ep_offers else max(least, delta_ep * share)
    return share
