"""Settlement of regions of a feeder with prices of their own."""

from __future__ import annotations

from dataclasses import dataclass

from gridarium.environment.ledger import Ledger
from gridarium.market.accounts import REGION_PURCHASE, REGION_SALE


@dataclass(frozen=True, slots=True)
class RegionAccount:
    """What a plant and the customers that it serves drew together in one region and period.

    Parameters
    ----------
    time_s : float
    period : int
    plant, operator : str
    taken_mwh : float
        Loads and charging less discharging; negative where more is discharged than drawn.
    buy_price_per_mwh, sell_price_per_mwh : float
        Nodal prices of what is taken and fed back.
    """

    time_s: float
    period: int
    plant: str
    operator: str
    taken_mwh: float
    buy_price_per_mwh: float
    sell_price_per_mwh: float


def settle_region(ledger: Ledger, account: RegionAccount) -> None:
    """Book what a plant pays for its net purchase in a region, or is paid for its net sale (B5)."""
    bought = account.buy_price_per_mwh * max(0.0, account.taken_mwh)
    sold = account.sell_price_per_mwh * max(0.0, -account.taken_mwh)
    if bought:
        ledger.book(account.time_s, account.plant, account.operator, bought, REGION_PURCHASE, account.period)
    if sold:
        ledger.book(account.time_s, account.operator, account.plant, sold, REGION_SALE, account.period)
