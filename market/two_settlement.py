"""Two settlements of one delivery: what was declared the day before, and what departed from it."""

from __future__ import annotations

from dataclasses import dataclass

from gridarium.environment.ledger import Ledger
from gridarium.market.accounts import DAY_AHEAD, IMBALANCE


@dataclass(frozen=True)
class PositionAccount:
    """What one participant declared for a period, and what its meter shows.

    Parameters
    ----------
    time_s : float
    period : int
    participant, operator : str
        Who feeds in or draws, and who stands on the other side.
    declared_mwh, metered_mwh : float
        Net energy fed in; negative where drawn.
    day_ahead_price_per_mwh, real_time_price_per_mwh : float
    """

    time_s: float
    period: int
    participant: str
    operator: str
    declared_mwh: float
    metered_mwh: float
    day_ahead_price_per_mwh: float
    real_time_price_per_mwh: float

    @property
    def day_ahead_money(self) -> float:
        """What the participant gains on the energy it declared."""
        return self.day_ahead_price_per_mwh * self.declared_mwh

    @property
    def imbalance_money(self) -> float:
        """What it gains on the energy it fed in beyond that; negative where it fed in less."""
        return self.real_time_price_per_mwh * (self.metered_mwh - self.declared_mwh)


def settle_position(ledger: Ledger, account: PositionAccount) -> None:
    """Book both settlements of a participant against its operator, who takes the other side.

    Notes
    -----
    E.2: settlement at the day-ahead price, and deviations at the real-time price.
    """
    for amount, purpose in ((account.day_ahead_money, DAY_AHEAD), (account.imbalance_money, IMBALANCE)):
        if amount:
            ledger.book(
                account.time_s, account.operator, account.participant, amount, purpose, account.period
            )
