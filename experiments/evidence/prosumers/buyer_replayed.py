"""What a buyer without doubts should bid for, keep and give back before a period, by its worth of energy."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import combinations

from gridarium.experiments.evidence.prosumers.worth_of_energy import wanted_mwh
from gridarium.experiments.parts.prosumers import Utility
from gridarium.market.messages.leasing import Ask, Bid, Grant, Holding

_CRUMB_MWH = 1e-9
_ROUNDING = 1e-12
_CHEAPER = 0.98
"""Part of a price that a rival must undercut where both sides declare."""


@dataclass
class _Held:
    """A share that it keeps: volume in a minute, cost and value told with it, turn."""

    volume_mwh: float
    cost_per_mwh: float
    value_per_mwh: float
    turn: int


@dataclass
class Buying:
    """A buyer's part before all periods.

    Parameters
    ----------
    utility : Utility
        Of the scenario.
    market_per_mwh : float, optional
        Price of being served otherwise, where it bears that in mind.
    need_mwh : mapping of int to float
        What it needs in each minute of a period, as it has nominated.
    declares : bool
        Whether both sides declare what energy costs and is worth.
    turns : int
        Of a seller before a period.
    """

    utility: Utility
    market_per_mwh: float | None
    need_mwh: dict[int, float]
    declares: bool
    turns: int
    _held: dict[int, dict[str, _Held]] = field(default_factory=dict)

    def bids(self, ask: Ask, seller: str) -> tuple[Bid, ...]:
        """What it may answer, without the utility that it declares.

        Prices that are a rounding apart may count as equal or not.
        """
        need = self.need_mwh.get(ask.period, 0.0)
        if need <= _CRUMB_MWH:
            return (Bid(ask.period, ask.turn, 0.0),)
        others = [one for name, one in self._held.get(ask.period, {}).items() if name != seller]
        if self.declares:
            leaves = sorted(
                Holding(max(0.0, self._keeps_up_to(one, ask.turn)), one.volume_mwh) for one in others
            )
            return (Bid(ask.period, ask.turn, need, leaves=tuple(leaves)),)
        wanted = self._wanted_mwh(ask.price_per_mwh)
        price, sure, tied = ask.price_per_mwh, 0.0, list[float]()
        for one in others:
            if one.value_per_mwh != price and abs(one.value_per_mwh - price) <= _ROUNDING * price:
                tied.append(one.volume_mwh)
            elif one.value_per_mwh <= price:
                sure += one.volume_mwh
        return tuple(
            Bid(ask.period, ask.turn, max(0.0, min(wanted, need) - sure - sum(some)), wanted >= need)
            for count in range(len(tied) + 1)
            for some in combinations(tied, count)
        )

    def keep(self, grant: Grant, seller: str) -> list[tuple[str, int, float]]:
        """Take a share, and give back, from the dearest on, what is too much: seller, turn, what is kept."""
        need = self.need_mwh.get(grant.period, 0.0)
        if need <= _CRUMB_MWH:
            return []
        held = self._held.setdefault(grant.period, {})
        held.pop(seller, None)
        if grant.volume_mwh > 0.0:
            held[seller] = _Held(grant.volume_mwh, grant.cost_per_mwh, grant.value_per_mwh, grant.turn)
        total, back = 0.0, []
        for name, one in sorted(held.items(), key=lambda item: self._dearness(item[1], grant.turn)):
            wanted = min(self._wanted_mwh(self._keeps_up_to(one, grant.turn)), need)
            kept = min(one.volume_mwh, max(0.0, wanted - total))
            total += kept
            if kept < one.volume_mwh - _CRUMB_MWH:
                one.volume_mwh = kept
                back.append((name, one.turn, kept))
                if kept <= _CRUMB_MWH:
                    del held[name]
        return back

    def held_mwh(self, period: int, seller: str) -> float:
        """What it keeps of a seller's share."""
        one = self._held.get(period, {}).get(seller)
        return 0.0 if one is None else one.volume_mwh

    def _keeps_up_to(self, one: _Held, turn: int) -> float:
        """After the last turn nobody can place what comes back, so that only its cost is saved."""
        if not self.declares:
            return one.value_per_mwh
        return _CHEAPER * (one.value_per_mwh if turn < self.turns else one.cost_per_mwh)

    def _dearness(self, one: _Held, turn: int) -> float:
        """By which shares are given back; of equal ones, but for a rounding, who came first is kept."""
        return round(self._keeps_up_to(one, turn), 9)

    def _wanted_mwh(self, price: float) -> float:
        return wanted_mwh(self.utility, self.market_per_mwh, price)
