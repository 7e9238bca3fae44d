"""What a leader may post: a band around the reference, and caps on price level, bills and discounts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gridarium.environment.arrays import Array
from gridarium.environment.errors import Fault, InputError

LEAST_SIZE = 0.1
"""Least size of a reference price of which shares are taken, as a share of the mean size of the day's."""


@dataclass(frozen=True)
class PriceLimits:
    """Limits of a posted price; without them a leader climbs until something else stops it.

    Parameters
    ----------
    low_price_per_mwh, high_price_per_mwh : ndarray, shape (n_period,)
        Price band.
    bill_cap_money : float, optional
        Most that all followers together may pay in a day.
    average_cap_per_mwh : float, optional
        Largest mean of the posted price, each period weighing as much as its load before any response.
    discount_cap_money : float, optional
        Most that followers may pay less than the reference price asks for their load (C8).
    """

    low_price_per_mwh: Array
    high_price_per_mwh: Array
    bill_cap_money: float | None = None
    average_cap_per_mwh: float | None = None
    discount_cap_money: float | None = None

    def excess(
        self, price: Array, load_mw: Array, base_mw: Array, reference: Array, period_h: float
    ) -> dict[str, float]:
        """By how much each limit in force is broken; negative where room is left.

        Parameters
        ----------
        price, reference : ndarray, shape (n_period,)
            Posted price and the tariff without any adjustment, money/MWh.
        load_mw, base_mw : ndarray, shape (n_period,)
            Load of all followers with and without response.
        period_h : float

        Returns
        -------
        dict of str to float
            ``band`` and ``average`` in money/MWh, ``bill`` and ``discount`` in money.
        """
        broken = {
            "band": float(np.max(np.maximum(self.low_price_per_mwh - price, price - self.high_price_per_mwh)))
        }
        if self.bill_cap_money is not None:
            broken["bill"] = float(price @ load_mw) * period_h - self.bill_cap_money
        if self.average_cap_per_mwh is not None:
            broken["average"] = float(price @ base_mw / base_mw.sum()) - self.average_cap_per_mwh
        if self.discount_cap_money is not None:
            broken["discount"] = float((reference - price) @ load_mw) * period_h - self.discount_cap_money
        return broken


@dataclass(frozen=True)
class LimitRules:
    """Limits of a tariff as shares of the reference price; a day makes `PriceLimits` of them.

    A share s of x is read as ``x + (s - 1) |x|``: s x where x is positive, and as far above or below x where
    a reference price, or what a day costs at it, is negative. A price of next to nothing would leave a band
    without width: there ``|x|`` counts as a tenth of its mean over the day.

    Parameters
    ----------
    low_share, high_share : float
        Price band, as shares of the reference price; at most and at least 1, so that it lies in the band.
    bill_share : float, optional
        Most that all followers may pay in a day, as a share of what their base load costs at the reference.
    average_share : float, optional
        Largest mean of the price, as a share of that of the reference price.
    discount_share : float, optional
        Most that followers may save against the reference price, times the size of the same cost.
    """

    low_share: float = 0.6
    high_share: float = 1.4
    bill_share: float | None = 1.0
    average_share: float | None = None
    discount_share: float | None = None

    def at(self, reference_price_per_mwh: Array, base_mw: Array, period_h: float) -> PriceLimits:
        """Limits of a day, for a reference price and a base load of shape (n_period,) each.

        Without any base load there is no mean over it, and no cap on that.

        Raises
        ------
        InputError
            If the reference price is 0 all day: no share of it is a band.
        """
        if not reference_price_per_mwh.any():
            allowed = "must differ from 0 in some period of the day where a leader may post shares of it"
            raise InputError("price limits", [Fault("reference_price_per_mwh", 0.0, allowed)])
        energy, bill = float(base_mw.sum()) * period_h, float(reference_price_per_mwh @ base_mw) * period_h
        mean_share = self.average_share if energy > 0.0 else None
        return PriceLimits(
            _band(self.low_share, reference_price_per_mwh),
            _band(self.high_share, reference_price_per_mwh),
            None if self.bill_share is None else float(_part(self.bill_share, bill)),
            None if mean_share is None else float(_part(mean_share, bill / energy)),
            None if self.discount_share is None else self.discount_share * abs(bill),
        )


def sizes(reference_price_per_mwh: Array) -> Array:
    """Sizes of a day's prices of which shares may be taken, money/MWh, shape (n_period,).

    Above 0 unless all are 0.
    """
    size = np.abs(reference_price_per_mwh)
    return np.asarray(np.maximum(size, LEAST_SIZE * size.mean()))


def _band(share: float, reference_price_per_mwh: Array) -> Array:
    """One end of a band around a reference price."""
    reference, size = reference_price_per_mwh, sizes(reference_price_per_mwh)
    small = size > np.abs(reference)
    return np.where(small, reference + (share - 1.0) * size, _part(share, reference))


def _part(share: float, whole: Array | float) -> Array:
    """``whole + (share - 1) |whole|``."""
    return np.where(np.less(whole, 0.0), 2.0 - share, share) * whole
