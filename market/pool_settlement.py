"""Settlement of a pool of storages: what it saves, what it is paid for cleanness, members' shares."""

from __future__ import annotations

from collections.abc import Mapping

from gridarium.environment.ledger import Ledger
from gridarium.market.accounts import ENVIRONMENTAL_PAYMENT, POOL_SHARE, POOL_VALUE


def settle_pool_value(
    ledger: Ledger, time_s: float, period: int, operator: str, pool: str, value_money: float
) -> None:
    """Book what members have saved an operator on a day; they pay where they have cost it something (A7)."""
    if value_money:
        ledger.book(time_s, operator, pool, value_money, POOL_VALUE, period)


def settle_pool_shares(
    ledger: Ledger, time_s: float, period: int, pool: str, share_money: Mapping[str, float]
) -> None:
    """Book what a pool pays each member, and the operator where it plays, of what they are worth (A8)."""
    for member, money in share_money.items():
        if money:
            ledger.book(time_s, pool, member, money, POOL_SHARE, period)


def settle_cleanness(
    ledger: Ledger, time_s: float, period: int, operator: str, pool: str, environmental_money: float
) -> None:
    """Book what an operator pays a pool for the green energy that it discharges (B5)."""
    if environmental_money:
        ledger.book(time_s, operator, pool, environmental_money, ENVIRONMENTAL_PAYMENT, period)
