"""The trading desk: introduces buyers to sellers, as far as the operator calls for what they trade."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from gridarium.agents.base import GridAgent, on
from gridarium.agents.behaviour import Behaviour
from gridarium.agents.prosumers.trading import INTRODUCTION_S, POOL_OFFER_S, REPEAT_S, beat_of
from gridarium.environment.errors import Fault, ScenarioError
from gridarium.environment.grids import Site
from gridarium.environment.private_lines import PrivateLines
from gridarium.market.ladder import LadderTariff
from gridarium.market.messages.commands import Receipt
from gridarium.market.messages.leasing import (
    Introduction,
    LeaseTerms,
    Nomination,
    PoolCall,
    PoolOffer,
    Premium,
)

_TINY_MW = 1e-9
_WIDER = 2
"""How many times as many sellers are looked at as are introduced, and buyers a seller may have at most."""
_LEAST_REPUTATION = 0.05
_LEAST_SHARE = 0.05
"""Share of what is introduced that is reckoned with at least: even a pool that fails is tried again."""
_ROUNDING = 1e-6


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


@dataclass
class _Pool:
    """What the desk knows of a period, mean MW."""

    nominations: dict[str, Nomination] = field(default_factory=dict)
    call: tuple[PoolCall, str] | None = None
    introduced_mw: float = 0.0

    def surplus(self, name: str) -> float:
        """What a prosumer can sell."""
        return self.nominations[name].surplus_mw

    @property
    def possible_mw(self) -> float:
        """The smaller one of surpluses and deficits."""
        told = self.nominations.values()
        return min(sum(one.surplus_mw for one in told), sum(one.deficit_mw for one in told))


class P2pDesk(GridAgent):
    """Hears nominations and ratings, ranks sellers for each buyer by line fee and reputation, introduces.

    - `offers`, `calls`: what it has told the operator of each period, and what it was called for

    An operator may call the pool: then no more is introduced than it takes, in the order of fee and
    reputation, to trade what was called for, and whoever sells is promised the operator's premium. Without
    a desk prosumers deal with their neighbours; what they agree on it never learns.

    Parameters
    ----------
    site : Site
    name : str
    lines : PrivateLines
    rules : DeskRules, optional
    terms : LeaseTerms, optional
        Until the provider tells others.
    operator : str, optional
        Who is told what the pool offers, and may call it.
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
        self._pools: dict[int, _Pool] = {}
        self._reputation: dict[str, float] = {}
        self._traded_share = 1.0
        self.offers: dict[int, PoolOffer] = {}
        self.calls: dict[int, PoolCall] = {}

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
    def take_nomination(self, nomination: Nomination, sender: str) -> Receipt:
        """Note who has what, and what is said about sellers; what comes again says nothing new."""
        nominations = self._pool(nomination.period).nominations
        if nominations.get(sender) != nomination:
            nominations[sender] = nomination
            weight = self._rules.rating_weight
            for seller, rating in nomination.ratings:
                known = self._reputation.get(seller, 1.0)
                self._reputation[seller] = (1.0 - weight) * known + weight * rating
        return Receipt()

    @on(PoolCall)
    def take_call(self, call: PoolCall, sender: str) -> Receipt:
        """Introduce for this call."""
        self._pool(call.period).call = call, sender
        self.calls[call.period] = call
        return Receipt()

    def _pool(self, period: int) -> _Pool:
        return self._pools.setdefault(period, _Pool())

    def _wait_for(self, period: int) -> None:
        world = self.world
        if period < world.n_period:
            start_s = world.delivery_s + period * world.clock.period_s
            for before_s, act in ((POOL_OFFER_S, self._offer), (INTRODUCTION_S, self._introduce)):
                beat_of(world).at(max(world.clock.now_s, start_s - before_s), partial(act, period))

    def _offer(self, period: int) -> None:
        """Tell the operator what there is, and what it is likely to come to."""
        if self._operator is not None:
            told = self._pool(period).nominations.values()
            surplus, deficit = (sum(getattr(n, name) for n in told) for name in ("surplus_mw", "deficit_mw"))
            expected = self._learnt_share(period) * min(surplus, deficit)
            self.offers[period] = PoolOffer(period, surplus, deficit, expected)
            self.send(self._operator, self.offers[period])

    def _learnt_share(self, period: int) -> float:
        """Share of what was introduced that is traded, with what was told of the last period metered."""
        metered = self._pools.pop(period - 2, None)
        if metered is not None and metered.introduced_mw > _TINY_MW:
            bought = sum(n.bought_mwh for n in self._pool(period).nominations.values())
            traded = min(1.0, bought / (metered.introduced_mw * self.world.period_h))
            self._traded_share += self._rules.volume_weight * (traded - self._traded_share)
        return self._traded_share

    def _introduce(self, period: int) -> None:
        """Bring sellers and buyers of a period together, as far as the pool is called."""
        self._wait_for(period + 1)
        pool = self._pool(period)
        heard = pool.nominations
        sellers = [name for name, n in heard.items() if n.surplus_mw > _TINY_MW]
        buyers = [name for name, n in heard.items() if n.deficit_mw + n.charging_mw > _TINY_MW]
        found = self._partners(sellers, buyers)
        limits, premium = self._limits(pool, found), None
        if pool.call is not None and pool.call[0].price_per_mwh > 0.0:
            premium = Premium(pool.call[1], pool.call[0].price_per_mwh)
        pool.introduced_mw = min(pool.possible_mw, sum(min(limits[s], pool.surplus(s)) for s in found))
        introductions = {
            seller: Introduction(
                period,
                tuple(buyer for _, buyer in scores) if limits[seller] > 0.0 else (),
                self._reputation.get(seller, 1.0),
                limits[seller],
                premium,
            )
            for seller, scores in found.items()
        }
        if introductions:
            question = self.ask(introductions, INTRODUCTION_S, REPEAT_S)
            self.world.clock.process(question.answered())

    def _limits(self, pool: _Pool, found: Mapping[str, list[tuple[float, str]]]) -> dict[str, float]:
        """What each seller may send, mean MW: no more in all than trades what the pool is called for.

        Those of the least fee for what arrives come first.
        """
        free = dict.fromkeys(found, np.inf)
        if pool.call is None:
            return free
        left = max(0.0, -pool.call[0].change_mw) / max(self._traded_share, _LEAST_SHARE)
        if left >= pool.possible_mw * (1.0 - _ROUNDING):
            return free
        limits = dict.fromkeys(found, 0.0)
        for _, seller in sorted((scores[0][0], seller) for seller, scores in found.items() if scores):
            limits[seller] = min(left, pool.surplus(seller))
            left -= limits[seller]
        return limits

    def _partners(self, sellers: list[str], buyers: list[str]) -> dict[str, list[tuple[float, str]]]:
        """Buyers for each seller with their score, best first; none has more than a few times the usual."""
        count = self._rules.partners
        found: dict[str, list[tuple[float, str]]] = {seller: [] for seller in sellers}
        for buyer, near in zip(buyers, self._lines.nearest(buyers, sellers, _WIDER * count), strict=True):
            scores = {seller: self._score(seller, buyer) for seller in near}
            # In the order of distance where scores are equal.
            for seller in sorted(near, key=scores.__getitem__)[:count]:
                found[seller].append((scores[seller], buyer))
        return {seller: sorted(scores)[: _WIDER * count] for seller, scores in found.items()}

    def _score(self, seller: str, buyer: str) -> float:
        """What a MWh that really arrives costs in fees; the lower the better."""
        distance = self._lines.distance_km(seller, buyer)
        if self._terms is not None:
            terms = self._terms
            fee = LadderTariff(terms.base_fee_per_km_mwh, terms.interval_km, terms.growth).cost(distance)
        else:
            fee = distance
        return fee / max(self._reputation.get(seller, 1.0), _LEAST_REPUTATION)
