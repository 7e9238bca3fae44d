"""What stored green energy is worth in each region: published, answered with plans, delivered, reported."""

from __future__ import annotations

from dataclasses import dataclass

from gridarium.environment.arrays import Array
from gridarium.market.cleanness import Pricing
from gridarium.market.messages.tariffs import Pull


@dataclass(frozen=True, slots=True)
class CarbonPriceRequest:
    """What will the price of the carbon market be on a day, 0 for the first?"""

    day: int


@dataclass(frozen=True, slots=True)
class CarbonPrices:
    """The carbon market's answer.

    Parameters
    ----------
    day : int
    price_per_tco2 : ndarray, shape (n_step,)
    """

    day: int
    price_per_tco2: Array


@dataclass(frozen=True, slots=True)
class RegionTerms:
    """What a virtual power plant is told of one region; arrays of shape (n_step,).

    Parameters
    ----------
    region : str
    load_mw : ndarray
        What the plant buys for its customers there.
    buy_price_per_mwh, sell_price_per_mwh : ndarray
        Nodal prices of what it draws there and feeds back.
    initial_price_per_mwh : ndarray
        c0: carbon price of green energy before any is discharged.
    nodal_price_per_mwh : ndarray
        c: that price at the green discharge of all plants as answered so far; the initial one where
        the operator does not lower it, 0 where it pays nothing.
    potential_tco2_per_mwh : ndarray
        e: carbon potential of the region at that green discharge.
    foreign_load_mw, foreign_green_mw : ndarray
        Load there that others serve, and what others have answered to discharge as green.
    pull : Pull, optional
        In exchange rounds of the operator's supplier, towards what the plant's draw there, load and storages,
        is drawn.
    """

    region: str
    load_mw: Array
    buy_price_per_mwh: Array
    sell_price_per_mwh: Array
    initial_price_per_mwh: Array
    nodal_price_per_mwh: Array
    potential_tco2_per_mwh: Array
    foreign_load_mw: Array
    foreign_green_mw: Array
    pull: Pull | None = None


@dataclass(frozen=True, slots=True)
class CleannessSignal:
    """The operator's terms for a horizon that begins with a day, or its final word when `final`.

    Parameters
    ----------
    round : int
        Negotiation round of the day, from 1.
    day : int
        From 0; the plan counts for this day, further days are an outlook.
    regions : tuple of RegionTerms
        Of as many steps as the horizon has.
    green_share : ndarray, shape (n_step,)
        Of what the grid supplies.
    pricing : {"none", "uniform", "nodal"}
        How green discharge is paid.
    final : bool
    """

    round: int
    day: int
    regions: tuple[RegionTerms, ...]
    green_share: Array
    pricing: Pricing
    final: bool = False


@dataclass(frozen=True, slots=True)
class RegionPlans:
    """A plant's answer: what its storages would do together in each region, MW at the grid terminals.

    Parameters
    ----------
    day : int
    charge_mw, discharge_mw, green_discharge_mw : ndarray, shape (n_region, n_step)
        Of the day and, beyond it, of as many days as the signal looks ahead.
    """

    day: int
    charge_mw: Array
    discharge_mw: Array
    green_discharge_mw: Array


@dataclass(frozen=True, slots=True)
class GreenShares:
    """How green the grid's supply is on a day, told to those who label what they charge, shape (n_step,)."""

    day: int
    share: Array


@dataclass(frozen=True, slots=True)
class GreenDelivery:
    """Certificates that a plant hands to the operator for what has left its storages in a period.

    Parameters
    ----------
    period : int
    certificates : tuple of tuple
        Region, and number in the records, of each.
    """

    period: int
    certificates: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class EnvironmentalReport:
    """What an operator has paid a plant for the cleanness of a day that is over.

    Parameters
    ----------
    day : int
    paid_money : float
    cancelled_mwh : float
        Green energy of the certificates that it was given and has cancelled.
    """

    day: int
    paid_money: float
    cancelled_mwh: float
