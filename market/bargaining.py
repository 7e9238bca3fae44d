"""How a seller and a buyer of energy agree on price and volume: bargaining solutions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from gridarium.market.alternating_offers import check_patience, share_before_deadline, share_without_deadline
from gridarium.market.falling_root import falling_root
from gridarium.market.shouting import Shout, Side, Trader
from gridarium.market.utility import Utility


@dataclass(frozen=True, slots=True)
class Bargain:
    """What one exporter (EP) and one importer (IP) have to agree on in one slot.

    Parameters
    ----------
    cost_per_mwh : float
        Lease fee plus reservation price of the EP for each MWh delivered, money/MWh, at least 0. Both
        arise for each MWh sent, so on a lossy line they are divided by (1 - loss).
    utility : Utility
        Value of the delivered energy to the IP.
    p_max_mwh : float
        Most that can be delivered in the slot (surplus, deficit, line), MWh, finite.
    band : tuple of float
        Lowest and highest price allowed, money/MWh.
    d_ep, d_ip : float
        Gains both have without a deal, money, at least 0.

    Notes
    -----
    E8, E9, E10: the EP gains (phi - cost) p, the IP gains V(p) - phi p.
    """

    cost_per_mwh: float
    utility: Utility
    p_max_mwh: float
    band: tuple[float, float]
    d_ep: float = 0.0
    d_ip: float = 0.0


@dataclass(frozen=True, slots=True)
class Deal:
    """Price, money/MWh delivered, and delivered energy, MWh, on which both sides agree."""

    price_per_mwh: float
    volume_mwh: float

    def gain_ep(self, bargain: Bargain) -> float:
        """What the EP has more than without a deal, money."""
        return (self.price_per_mwh - bargain.cost_per_mwh) * self.volume_mwh - bargain.d_ep

    def gain_ip(self, bargain: Bargain) -> float:
        """What the IP has more than without a deal, money."""
        volume = self.volume_mwh
        return bargain.utility.value(volume) - self.price_per_mwh * volume - bargain.d_ip


def efficient_volume(bargain: Bargain) -> float:
    """Volume with the largest gain of both together, MWh: V'(p) = cost, at most p_max."""
    return min(bargain.utility.demand(bargain.cost_per_mwh), bargain.p_max_mwh)


def nash_price(bargain: Bargain, p_mwh: float) -> float:
    """Price that maximises the product of both gains at a given volume above 0, money/MWh.

    Notes
    -----
    E11, ``0.5 (cost + d_EP / p + (V - d_IP) / p)``, clipped to the band. Whether it is a loss to one
    side is the caller's to check (`accepted`).
    """
    value = bargain.utility.value(p_mwh)
    price = 0.5 * (bargain.cost_per_mwh + (bargain.d_ep + value - bargain.d_ip) / p_mwh)
    low, high = bargain.band
    return low if price < low else high if price > high else price


def accepted(bargain: Bargain, price_per_mwh: float, p_mwh: float) -> Deal | None:
    """The deal, if its volume is above 0, its price in the band and it is no loss to either side."""
    low, high = bargain.band
    if not (p_mwh > 0.0 and low <= price_per_mwh <= high):
        return None
    if (price_per_mwh - bargain.cost_per_mwh) * p_mwh < bargain.d_ep:
        return None
    # The last digits of V(p) - phi p are noise where both are equal, as at a take-it-or-leave-it price.
    value = bargain.utility.value(p_mwh)
    if value - price_per_mwh * p_mwh < bargain.d_ip - 1e-12 * abs(value):
        return None
    return Deal(price_per_mwh, p_mwh)


def nash_outcome(bargain: Bargain) -> Deal | None:
    """Price and volume that maximise the product of both gains.

    Returns
    -------
    Deal or None
        None where no price in the band gives both sides a gain.

    Notes
    -----
    E11 with p free: p is the efficient volume and the price splits the gain evenly. Where that price is
    outside the band, the product is largest with the price at the limit b it violates (the logarithm of
    the product is concave in volume and payment) and the volume at which
    ``(b - cost) / gain_EP + (V' - b) / gain_IP = 0``.
    """
    cost, utility = bargain.cost_per_mwh, bargain.utility
    volume = min(utility.demand(cost), bargain.p_max_mwh)
    if volume <= 0.0:
        return None
    value = utility.value(volume)
    if value - cost * volume <= bargain.d_ep + bargain.d_ip:
        return None
    price = 0.5 * (cost + (bargain.d_ep + value - bargain.d_ip) / volume)
    low, high = bargain.band
    if price < low:
        return _nash_at_limit(bargain, low)
    if price > high:
        return _nash_at_limit(bargain, high)
    return Deal(price, volume)


def _nash_at_limit(bargain: Bargain, price: float) -> Deal | None:
    """Volume with the largest product of gains at a price fixed by the band; None without gains."""
    cost, utility, d_ep, d_ip = bargain.cost_per_mwh, bargain.utility, bargain.d_ep, bargain.d_ip
    margin, p_max = price - cost, bargain.p_max_mwh
    if margin <= 0.0:
        return None

    def slope(p: float) -> float:
        if d_ep == d_ip == 0.0:
            # The same sign without the factor p; a straight line for the quadratic utility.
            return utility.average(p) + utility.marginal(p) - 2.0 * price
        gain_ip = utility.value(p) - price * p - d_ip
        return margin * gain_ip + (utility.marginal(p) - price) * (margin * p - d_ep)

    # Below its own demand at this price the IP wants more, and the EP always does.
    least = max(utility.demand(price), d_ep / margin)
    if least >= p_max:
        return accepted(bargain, price, p_max)
    if utility.value(least) - price * least <= d_ip:
        return None
    return Deal(price, p_max if slope(p_max) >= 0.0 else falling_root(slope, least, p_max))


def ep_leader_outcome(bargain: Bargain) -> Deal | None:
    """The EP names the price that is best for it, the IP answers with its demand.

    Notes
    -----
    E11: ``phi* = sqrt(fee K)``, ``p* = sqrt(K / fee) - 1`` in units p0 for the logarithm, the middle of
    cost and intercept for the quadratic. Where p* is above p_max the price rises to V'(p_max). An IP
    with a gain to lose (d_ip > 0) must be left that much, so the price falls until it is.
    """
    cost, utility, p_max = bargain.cost_per_mwh, bargain.utility, bargain.p_max_mwh
    if p_max <= 0.0:
        return None
    price = utility.monopoly_price(cost)
    sold_out = utility.marginal(p_max)
    if price < sold_out:
        price = sold_out
    low, high = bargain.band
    price = low if price < low else high if price > high else price
    if bargain.d_ip > 0.0:
        price = _price_that_leaves(bargain, price)
    return accepted(bargain, price, min(utility.demand(price), p_max))


def _price_that_leaves(bargain: Bargain, price: float) -> float:
    """Highest price up to the given one at which the IP still gains what it has without a deal."""
    utility, p_max = bargain.utility, bargain.p_max_mwh

    def gain(price: float) -> float:
        volume = min(utility.demand(price), p_max)
        return utility.value(volume) - price * volume - bargain.d_ip

    lowest = max(bargain.band[0], bargain.cost_per_mwh)
    if gain(price) >= 0.0 or lowest >= price or gain(lowest) <= 0.0:
        return price
    return falling_root(gain, lowest, price)


def alternating_outcome(
    bargain: Bargain,
    delta_ep: float,
    delta_ip: float,
    deadline: int | None = None,
    first: Literal["ep", "ip"] = "ep",
) -> Deal | None:
    """Offers in turn, where waiting a round costs each side part of its gain.

    Parameters
    ----------
    bargain : Bargain
    delta_ep, delta_ip : float
        What a gain in the next round is worth now, in [0, 1].
    deadline : int or None
        Number of offers after which there is no deal; None for none (then one delta is below 1).
    first : {"ep", "ip"}
        Who makes the first offer.

    Returns
    -------
    Deal or None
        The first offer, which is accepted at once. None where no price in the band gives both a gain at
        the efficient volume.

    Raises
    ------
    InputError
        If a delta or the deadline is outside its range.

    Notes
    -----
    At the efficient volume money moves the gain from one side to the other one to one; the band cuts
    the ends off that line.
    """
    check_patience(delta_ep, delta_ip, deadline)
    cost, volume = bargain.cost_per_mwh, efficient_volume(bargain)
    if volume <= 0.0:
        return None
    gain = bargain.utility.value(volume) - cost * volume - bargain.d_ep - bargain.d_ip
    if gain <= 0.0:
        return None
    low, high = bargain.band
    least = max(0.0, ((low - cost) * volume - bargain.d_ep) / gain)
    most = min(1.0, ((high - cost) * volume - bargain.d_ep) / gain)
    if least > most:
        return None
    if deadline is None:
        share = share_without_deadline(delta_ep, delta_ip, least, most)
        if first == "ip":
            share = max(least, delta_ep * share)
    else:
        share = share_before_deadline(delta_ep, delta_ip, least, most, deadline, first == "ep")
    price = cost + (bargain.d_ep + share * gain) / volume
    return Deal(min(max(price, low), high), volume)


def posted_outcome(bargain: Bargain, price_per_mwh: float) -> Deal | None:
    """Take it or leave it: the IP buys its demand at a price clipped to the band; the EP never at a loss."""
    low, high = bargain.band
    price = min(max(price_per_mwh, low), high)
    return accepted(bargain, price, min(bargain.utility.demand(price), bargain.p_max_mwh))


def shouted_outcome(bargain: Bargain, seller: Trader, buyer: Trader, rounds: int = 10) -> Deal | None:
    """Bid and ask are called together until they cross; the price is their middle.

    The seller's limit is its cost, the buyer's the value of its first MWh, V'(0); at the price struck
    the IP takes its demand, so that neither can lose. Both learn from both shouts of a failed round
    and from the price of a deal.

    Returns
    -------
    Deal or None
        None after `rounds` rounds without a cross, or where a limit leaves no price in the band.
    """
    first_unit = bargain.utility.marginal(0.0)
    for _ in range(rounds):
        ask = seller.shout(bargain.cost_per_mwh, bargain.band)
        bid = buyer.shout(first_unit, bargain.band)
        if ask is None or bid is None:
            return None
        if bid.price_per_mwh >= ask.price_per_mwh:
            price = 0.5 * (bid.price_per_mwh + ask.price_per_mwh)
            deal = accepted(bargain, price, min(bargain.utility.demand(price), bargain.p_max_mwh))
            struck = Shout(Side.BID, price)
            seller.update(struck, deal is not None)
            buyer.update(struck, deal is not None)
            return deal
        for shout in (bid, ask):
            seller.update(shout, False)
            buyer.update(shout, False)
    return None
