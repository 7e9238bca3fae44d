"""Rules by which the prosumers of a pool bargain; each declares its parameters and makes manners."""

from __future__ import annotations

from dataclasses import dataclass

from gridarium.agents.prosumers.conceding_manner import ConcedingManner, Concession
from gridarium.agents.prosumers.learning_manners import LeaderManner, ShoutManner
from gridarium.agents.prosumers.manners import (
    AlternatingManner,
    Manner,
    NashManner,
    PostedManner,
    Stream,
)
from gridarium.agents.prosumers.trading import TradeRules
from gridarium.environment.parameters import Parameterised, count, number
from gridarium.market.alternating_offers import check_patience
from gridarium.market.shouting import Side, ZeroIntelligence, ZipTrader
from gridarium.market.utility import Utility


@dataclass(frozen=True)
class ConcessionRule(Parameterised):
    """Offers and counter-offers under private information; each side concedes with time.

    Sellers know their own cost, buyers their own utility; neither is ever sent.

    Parameters
    ----------
    concession_ep, concession_ip : float
        Exponent of the concession of seller and buyer: below 1 late, at 1 evenly, above 1 early.
    opening_ip : float
        A buyer's first bid, as a share of the price on which it last agreed with the seller.
    """

    concession_ep: float = number(1.0, 0.02, 50)
    concession_ip: float = number(1.0, 0.02, 50)
    opening_ip: float = number(0.9, 0, 1)

    def manner(self, rules: TradeRules, own_utility: Utility, stream: Stream) -> Manner:
        """Make a manner that has learned nothing yet."""
        concession = Concession(self.concession_ep, self.concession_ip, self.opening_ip)
        return ConcedingManner(rules, own_utility, concession)


@dataclass(frozen=True)
class DeclaredNashRule(Parameterised):
    """A direct mechanism with declared utilities: the price halves the gain of both (E11).

    Buyers send their utility and sellers their cost. That they tell the truth is assumed, not induced: who
    understated its utility or overstated its cost would gain.
    """

    def manner(self, rules: TradeRules, own_utility: Utility, stream: Stream) -> Manner:
        """Make a manner that knows the price of each volume."""
        return NashManner(rules)


@dataclass(frozen=True)
class DeclaredAlternatingRule(Parameterised):
    """A direct mechanism with declared utilities: the first of the offers that patient sides would exchange.

    Each side works that offer out from what both have declared, and it is accepted at once: nothing is
    exchanged. That they tell the truth is assumed, not induced.

    Parameters
    ----------
    patience_ep, patience_ip : float
        Worth of a gain one round later to seller and buyer.
    deadline : int, optional
        Number of offers; no limit if left out, and then one patience is below 1.

    Raises
    ------
    InputError
        If a parameter is outside its range, or offers would go on for ever.
    """

    patience_ep: float = number(0.9, 0, 1)
    patience_ip: float = number(0.9, 0, 1)
    deadline: int | None = count(None, 1, 1000)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_patience(self.patience_ep, self.patience_ip, self.deadline)

    def manner(self, rules: TradeRules, own_utility: Utility, stream: Stream) -> Manner:
        """Make a manner that knows the first offer."""
        return AlternatingManner(rules, self.patience_ep, self.patience_ip, self.deadline)


@dataclass(frozen=True)
class PostedRule(Parameterised):
    """One price for all, to take or to leave.

    Parameters
    ----------
    price_per_mwh : float, optional
        The middle of the price band if left out.
    """

    price_per_mwh: float | None = number(None, 0, 1e6)

    def manner(self, rules: TradeRules, own_utility: Utility, stream: Stream) -> Manner:
        """Make a manner that knows the price."""
        middle = 0.5 * sum(rules.price_band_per_mwh)
        return PostedManner(rules, middle if self.price_per_mwh is None else self.price_per_mwh)


@dataclass(frozen=True)
class LeaderRule(Parameterised):
    """The seller names its best price by what it has learned of each buyer's demand (E11)."""

    def manner(self, rules: TradeRules, own_utility: Utility, stream: Stream) -> Manner:
        """Make a manner that has learned nothing yet."""
        return LeaderManner(rules, own_utility)


@dataclass(frozen=True)
class ZeroIntelligenceRule(Parameterised):
    """Both shout random prices that are no loss (ZI-C)."""

    def manner(self, rules: TradeRules, own_utility: Utility, stream: Stream) -> Manner:
        """Make a manner with a trader without memory for each role."""
        seller = ZeroIntelligence(stream("shouts/ask"), Side.ASK)
        return ShoutManner(rules, seller, ZeroIntelligence(stream("shouts/bid"), Side.BID))


@dataclass(frozen=True)
class ZipRule(Parameterised):
    """Both shout prices with margins that they move by what they hear (ZIP).

    Parameters
    ----------
    relative_step : float
        Largest relative distance of a new price from the last shout.
    absolute_step_per_mwh : float
        Largest absolute one, added to it.
    """

    relative_step: float = number(0.05, 0, 1)
    absolute_step_per_mwh: float = number(0.05, 0, 1e3)

    def manner(self, rules: TradeRules, own_utility: Utility, stream: Stream) -> Manner:
        """Make a manner with a trader of its own margin for each role."""
        steps = {"relative_step": self.relative_step, "absolute_step_per_mwh": self.absolute_step_per_mwh}
        seller = ZipTrader(stream("shouts/ask"), Side.ASK, **steps)
        return ShoutManner(rules, seller, ZipTrader(stream("shouts/bid"), Side.BID, **steps))
