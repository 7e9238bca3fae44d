"""Prosumers that trade without thinking it through: first acceptable offer, overconfidence, distrust."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gridarium.agents.bounded.common import Bounded
from gridarium.environment.arrays import Array
from gridarium.environment.parameters import number
from gridarium.market.messages.leasing import Accept, PriceOffer, Rating

if TYPE_CHECKING:
    from gridarium.agents.behaviour import Decider


@dataclass(frozen=True, eq=False)
class FirstAcceptable(Bounded):
    """Takes what it is offered instead of bargaining [1]_; exact at a haste of 0.

    Parameters
    ----------
    haste : float
        Probability that an offer which it would bargain about is taken as it is.
    ceiling_price_per_mwh : float
        Highest price that is acceptable.

    References
    ----------
    .. [1] H. A. Simon, A behavioral model of rational choice, 1955, doi:10.2307/1884852
    """

    roles = frozenset({"prosumer"})
    departs_by = ("haste",)
    haste: float = number(0.0, 0, 1)
    ceiling_price_per_mwh: float = number(300.0, 0, 1e5)

    def choose(self, agent: Decider, signal: Any, plan: Any) -> Any:
        """Accept the price that was offered, for as much as the exact answer asked for."""
        if not isinstance(signal, PriceOffer) or isinstance(plan, Accept) or plan.volume_mwh <= 0.0:
            return plan
        minute_s, round_, price, limit = signal
        if (
            price > self.ceiling_price_per_mwh
            or agent.stream("behaviour/trading/haste").random() >= self.haste
        ):
            return plan
        return Accept(minute_s, round_, price, min(plan.volume_mwh, limit))


@dataclass(frozen=True, eq=False)
class Overconfident(Bounded):
    """Promises more than it expects to have; exact at an excess of 0.

    Parameters
    ----------
    excess_share : float
        What it promises beyond its own forecast, as a share of it.
    """

    roles = frozenset({"prosumer"})
    departs_by = ("excess_share",)
    excess_share: float = number(0.0, 0, 10)

    def foresee(self, agent: Decider, forecast_mw: Array) -> Array:
        """Expect the sun to shine for it."""
        return forecast_mw * (1.0 + self.excess_share)


@dataclass(frozen=True, eq=False)
class ReputationWeighted(Bounded):
    """Values what a seller offers by a power of its reputation; exact at a weight of 1.

    Parameters
    ----------
    weight : float
        The power: above 1 it shuns sellers that have failed, at 0 it forgives everything.
    """

    roles = frozenset({"prosumer"})
    departs_by = ("weight",)
    weight: float = number(1.0, 0, 100)

    def perceive(self, agent: Decider, signal: Any) -> Any:
        """See a reputation distorted."""
        return Rating(signal.seller, signal.reputation**self.weight) if isinstance(signal, Rating) else signal
