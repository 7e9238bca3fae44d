"""The trading desk: introduces buyers to sellers, and tells the operator what the pool is good for."""

from __future__ import annotations

from dataclasses import dataclass

from gridarium.agents.base import GridAgent, on
from gridarium.agents.behaviour import Behaviour
from gridarium.agents.prosumers.trading import INTRODUCTION_S, beat_of
from gridarium.environment.errors import Fault, ScenarioError
from gridarium.environment.grids import Site
from gridarium.environment.private_lines import PrivateLines
from gridarium.market.ladder import LadderTariff
from gridarium.market.messages.commands import Receipt
from gridarium.market.messages.leasing import Introduction, LeaseTerms, LeftToPool, Nomination, PoolOffer

_TINY_MW = 1e-9
_WIDER = 2
"""How many times as many sellers are looked at as are introduced, and buyers a seller may have at most."""
_LEAST_REPUTATION = 0.05


@dataclass(frozen=True)
class DeskRules:
    """How a desk works.

    Parameters
    ----------
    partners : int
        Sellers that each buyer is introduced to.
    rating_weight : float
        Of the last rating heard about a seller, in [0, 1].
    volume_weight : float
        Of the last period in what it expects the pool to trade, in [0, 1].

    Raises
    ------
    ScenarioError
        If a value is out of its range.
    """

    partners: int = 8
    rating_weight: float = 0.3
    volume_weight: float = 0.3

    def __post_init__(self) -> None:
        faults = [
            Fault(name, getattr(self, name), "must be in [0, 1]")
            for name in ("rating_weight", "volume_weight")
            if not 0.0 <= getattr(self, name) <= 1.0
        ]
        if self.partners < 1:
            faults.append(Fault("partners", self.partners, "must be a whole number in [1, inf)"))
        if faults:
            raise ScenarioError("p2p desk", faults)


class P2pDesk(GridAgent):
    """Hears nominations and ratings, ranks sellers for each buyer by line fee and reputation, introduces.

    Without it prosumers deal with their neighbours; what they agree on it never learns.

    Parameters
    ----------
    site : Site
    name : str
    lines : PrivateLines
    rules : DeskRules, optional
    terms : LeaseTerms, optional
        Until the provider tells others.
    operator : str, optional
        Who is told what the pool offers.
    behaviour : Behaviour, optional
    """

    kind = "desk"

    def __init__(
        self,
        site: Site,
        name: str,
        lines: PrivateLines,
        rules: DeskRules | None = None,
        terms: LeaseTerms | None = None,
        operator: str | None = None,
        behaviour: Behaviour | None = None,
    ) -> None:
        super().__init__(site, name, behaviour)
        self._lines, self._rules, self._operator = lines, rules or DeskRules(), operator
        self._terms = terms
        self._nominations: dict[str, Nomination] = {}
        self._reputation: dict[str, float] = {}
        self._traded_share = 1.0
        self._possible_mwh: list[float] = []
        self.called_mw: dict[int, float] = {}

    @property
    def reputation(self) -> dict[str, float]:
        """What it has heard of sellers, where it is not 1."""
        return dict(self._reputation)

    def start(self) -> None:
        """Wait for the first nominations."""
        super().start()
        self._wait_for(0)

    @on(LeaseTerms)
    def take_terms(self, terms: LeaseTerms, sender: str) -> Receipt:
        """Rank by these fees."""
        self._terms = terms
        return Receipt()

    @on(Nomination)
    def take_nomination(self, nomination: Nomination, sender: str) -> None:
        """Note who has what, and what is said about sellers."""
        self._nominations[sender] = nomination
        weight = self._rules.rating_weight
        for seller, rating in nomination.ratings:
            known = self._reputation.get(seller, 1.0)
            self._reputation[seller] = (1.0 - weight) * known + weight * rating

    @on(LeftToPool)
    def take_call(self, left: LeftToPool, sender: str) -> None:
        """Keep what the operator leaves to the pool; prosumers trade by price, not by order."""
        self.called_mw[left.period] = left.left_mw

    def _wait_for(self, period: int) -> None:
        world = self.world
        if period < world.n_period:
            start_s = world.delivery_s + period * world.clock.period_s
            moment = max(world.clock.now_s, start_s - INTRODUCTION_S)
            beat_of(world).at(moment, lambda: self._introduce(period))

    def _introduce(self, period: int) -> None:
        """Bring sellers and buyers of a period together; report to the operator."""
        self._wait_for(period + 1)
        heard = {name: n for name, n in self._nominations.items() if n.period == period}
        self._nominations = {}
        sellers = [name for name, n in heard.items() if n.surplus_mw > _TINY_MW]
        buyers = [name for name, n in heard.items() if n.deficit_mw > _TINY_MW]
        for seller, partners in self._partners(sellers, buyers).items():
            self.send(seller, Introduction(period, partners, self._reputation.get(seller, 1.0)))
        if self._operator is not None:
            self.send(self._operator, self._pool_offer(period, heard))

    def _partners(self, sellers: list[str], buyers: list[str]) -> dict[str, tuple[str, ...]]:
        """Buyers for each seller, best first; none has more than a few times the usual number."""
        count = self._rules.partners
        found: dict[str, list[tuple[float, str]]] = {seller: [] for seller in sellers}
        for buyer, near in zip(buyers, self._lines.nearest(buyers, sellers, _WIDER * count), strict=True):
            for score, seller in sorted((self._score(seller, buyer), seller) for seller in near)[:count]:
                found[seller].append((score, buyer))
        return {
            seller: tuple(buyer for _, buyer in sorted(scores)[: _WIDER * count])
            for seller, scores in found.items()
        }

    def _score(self, seller: str, buyer: str) -> float:
        """What a MWh that really arrives costs in fees; the lower the better."""
        distance = self._lines.distance_km(seller, buyer)
        if self._terms is not None:
            terms = self._terms
            fee = LadderTariff(terms.base_fee_per_km_mwh, terms.interval_km, terms.growth).cost(distance)
        else:
            fee = distance
        return fee / max(self._reputation.get(seller, 1.0), _LEAST_REPUTATION)

    def _pool_offer(self, period: int, heard: dict[str, Nomination]) -> PoolOffer:
        surplus = sum(n.surplus_mw for n in heard.values())
        deficit = sum(n.deficit_mw for n in heard.values())
        bought = sum(n.bought_mwh for n in heard.values())
        # The last period metered is the one before the running one.
        possible = self._possible_mwh[-2] if len(self._possible_mwh) > 1 else 0.0
        if possible > 0.0:
            weight = self._rules.volume_weight
            self._traded_share += weight * (min(1.0, bought / possible) - self._traded_share)
        self._possible_mwh = [*self._possible_mwh[-1:], min(surplus, deficit) * self.world.period_h]
        return PoolOffer(period, surplus, deficit, self._traded_share * min(surplus, deficit))
