"""What further energy is worth to a buyer that already holds some."""

from __future__ import annotations

from gridarium.market.outside_option import OverMarket, over_market
from gridarium.market.utility import LogUtility, QuadraticUtility, Utility


def residual(utility: Utility, held_mwh: float, share: float = 1.0) -> Utility:
    """The utility W(p) = share (V(held + p) - V(held)), which is of the same family as V.

    Parameters
    ----------
    utility : LogUtility, QuadraticUtility, or one of these over the market
    held_mwh : float
        Energy of the slot that the buyer has from others, MWh, at least 0.
    share : float
        By which the value is discounted, in (0, 1], such as the reputation of the seller.

    Raises
    ------
    TypeError
        If the utility is of another family.

    Notes
    -----
    From E9: ``K ln(1 + (h + p) / p0) - K ln(1 + h / p0) = K ln(1 + p / (p0 + h))``.
    """
    if held_mwh <= 0.0 and share == 1.0:
        return utility
    if isinstance(utility, OverMarket):
        return over_market(residual(utility.utility, held_mwh, share), share * utility.price_per_mwh)
    if isinstance(utility, LogUtility):
        return LogUtility(share * utility.scale_money, utility.unit_mwh + held_mwh)
    if isinstance(utility, QuadraticUtility):
        slope = share * utility.slope_per_mwh2
        return QuadraticUtility(share * utility.marginal(held_mwh), slope)
    known = "LogUtility, QuadraticUtility or OverMarket"
    raise TypeError(f"residual: utility must be {known}, got {type(utility).__name__}")
