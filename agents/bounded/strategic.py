"""Followers with an eye on their own price: they overstate their base, or foresee how they move the price."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from gridarium.agents.bounded.choice import planner
from gridarium.agents.bounded.common import Bounded
from gridarium.environment.arrays import Array, series
from gridarium.environment.parameters import number
from gridarium.market.messages.tariffs import TariffSignal

if TYPE_CHECKING:
    from gridarium.agents.behaviour import Decider


@dataclass(frozen=True, eq=False)
class OverstatedBase(Bounded):
    """Tells a base load above its own, so that it seems to avoid more; exact at a share of 0.

    Whoever is granted a quota, or a lower price, by what it would have drawn has a reason to.

    Parameters
    ----------
    share : float
        By which the load told exceeds its own, in every step; negative for one that is understated.
    """

    departs_by = ("share",)
    share: float = number(0.0, -0.9, 10)

    def foresee(self, agent: Decider, forecast_mw: Array) -> Array:
        """The load told in place of its own."""
        return forecast_mw if self.share == 0.0 else series((1.0 + self.share) * forecast_mw)


@dataclass(frozen=True, eq=False)
class Anticipation(Bounded):
    """Foresees how its own load moves its price, and draws less for it; exact at a trust of 0.

    Who only takes prices is blind to this. The slope is learnt from the rounds, over all steps at once.

    Parameters
    ----------
    trust : float
        Share of the learnt slope that it goes by.
    forgetting : float
        Weight of the past after each round.

    Notes
    -----
    With a price p(L) a buyer's marginal cost is ``p + p' L``; p' is found by least squares with forgetting
    over what prices and own loads changed by from round to round, and never taken to be negative.
    """

    departs_by = ("trust",)
    trust: float = number(0.0, 0, 1)
    forgetting: float = number(0.8, 0, 1)
    learned: dict[str, Any] = field(default_factory=dict, init=False, repr=False)

    def begin_day(self, agent: Decider, day: int) -> None:
        """Keep the slope; the last price was that of another day."""
        self.learned.pop("price", None)

    def perceive(self, agent: Decider, signal: Any) -> Any:
        """The signal with the price that counts at the margin."""
        if self.trust == 0.0 or not isinstance(signal, TariffSignal) or not hasattr(agent, "plan_mw"):
            return signal
        load = planner(agent).plan_mw
        slope = self._learn(_whole_price(signal, load), load)
        price = signal.price_per_mwh + self.trust * slope * load
        return replace(signal, price_per_mwh=series(price))

    def _learn(self, price: Array, load_mw: Array) -> float:
        """Update the slope with one more round, money/MWh per MW; 0 before there is any."""
        past = self.learned
        if "price" in past:
            moved, answer = load_mw - past["load_mw"], price - past["price"]
            past["square"] = self.forgetting * past.get("square", 0.0) + float(moved @ moved)
            past["product"] = self.forgetting * past.get("product", 0.0) + float(moved @ answer)
        past["price"], past["load_mw"] = price, load_mw
        square = past.get("square", 0.0)
        return max(0.0, float(past["product"] / square)) if square > 1e-9 else 0.0


def _whole_price(signal: TariffSignal, load_mw: Array) -> Array:
    """What a further MWh costs at a load, its carbon included."""
    if signal.ladder is None:
        return signal.price_per_mwh
    factor = np.maximum(signal.factor_tco2_per_mwh, 0.0)
    return np.asarray(signal.price_per_mwh + factor * signal.ladder.marginal_per_tco2(factor * load_mw))
