"""A tariff: the time-of-use price, and something on top of it in the evening."""

from dataclasses import dataclass, field

import numpy as np

from gridarium.market.supply import Situation
from gridarium.market.tariffs import TariffOffer, daily_factor


@dataclass(frozen=True)
class EveningAdder:
    adder_per_mwh: float = 0.0
    begins_h: int = 17
    ends_h: int = 21
    adjustment: float = field(default=0.0, init=False)
    pool: None = field(default=None, init=False)
    credit: None = field(default=None, init=False)
    trades_carbon: bool = field(default=False, init=False)
    budget_balanced: bool = field(default=False, init=False)

    def offer(self, situation: Situation) -> TariffOffer:
        hour = np.arange(len(situation.load_mw)) * situation.period_h
        evening = (hour >= self.begins_h) & (hour < self.ends_h)
        price = situation.conditions.tou_price_per_mwh + self.adder_per_mwh * evening
        zero = np.zeros_like(price)
        return TariffOffer(price, zero + daily_factor(situation), zero, zero)
