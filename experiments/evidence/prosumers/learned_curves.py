"""What a seller can know of its buyers' demands from their answers, worked out anew for a concession."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from gridarium.agents.prosumers.journal import Learnt

_ALIKE = 1e-3
"""Prices that differ by less than this part are one price."""
_FIRST_TRY, _LAST_TRY, _PROBE = 0.5, 1.0 / 64.0, 0.9


@dataclass(frozen=True)
class Curve:
    """Demand K / price - u of a logarithm, or (a - price) / s of a straight line; energy in MWh of a minute.

    Parameters
    ----------
    kind : {"log", "quadratic"}
    top, width : float
        K and u, or a and s.
    """

    kind: str
    top: float
    width: float

    def demand_mwh(self, price: float) -> float:
        """What is taken at a price, money/MWh."""
        if self.kind == "log":
            return max(0.0, self.top / price - self.width) if price > 0.0 else math.inf
        return max(0.0, (self.top - price) / self.width)

    def worth_per_mwh(self, volume_mwh: float) -> float:
        """Price at which a volume is taken, money/MWh."""
        if self.kind == "log":
            return self.top / (self.width + volume_mwh)
        return self.top - self.width * volume_mwh

    def best_price(self, cost: float) -> float:
        """The price at which (price - cost) times demand is largest: where d/dprice of it vanishes (E11)."""
        if self.kind == "log":
            return math.sqrt(cost * self.top / self.width)
        return 0.5 * (cost + self.top)

    def without(self, taken_mwh: float) -> Curve:
        """The demand of who has so much already."""
        if self.kind == "log":
            return Curve("log", self.top, self.width + taken_mwh)
        return Curve("quadratic", self.top - self.width * taken_mwh, self.width)


@dataclass
class Knowledge:
    """What one seller knows of one buyer.

    Parameters
    ----------
    kind : {"log", "quadratic"}
        Of its own utility, as which it takes the buyer's.
    unit_mwh, cap_per_mwh : float
        Unit of its own logarithm, and the highest price.
    """

    kind: str
    unit_mwh: float
    cap_per_mwh: float
    tried: float = _FIRST_TRY
    answers: list[tuple[float, float]] = field(default_factory=list)
    curve: Curve | None = None

    def learn(self, told: Learnt) -> None:
        """Take in an answer, as `ConcedingManner` says that a seller does."""
        if told.is_bid and told.volume_mwh <= 0.0 and not told.limited:
            self.tried = max(0.5 * self.tried, _LAST_TRY)
            taken = 0.0 if self.curve is None else self.curve.demand_mwh(told.price_per_mwh)
            if self.curve is not None and told.price_per_mwh > 0.0 and taken > 0.0:
                self.curve = self.curve.without(taken)
        if not told.is_bid and told.limited:
            self.tried += 0.5 * (1.0 - self.tried)
        if told.limited or told.volume_mwh <= 0.0:
            return
        price = told.price_per_mwh
        if self.answers and abs(self.answers[-1][0] - price) <= _ALIKE * price:
            self.answers.pop()
        self.answers = [*self.answers[-1:], (price, told.volume_mwh)]
        self.curve = self.through(self.answers) or self.curve

    def opening(self, floor: float) -> float:
        """Where it opens with a stranger."""
        return (1.0 - self.tried) * floor + self.tried * self.cap_per_mwh

    def asked(self, cost: float, floor: float) -> float:
        """The opening with which it would ask for a demand; off the best where one answer is all it has."""
        if self.curve is None:
            return self.opening(floor)
        best = self.curve.best_price(cost) * (_PROBE if len(self.answers) == 1 else 1.0)
        return min(max(best, floor), self.cap_per_mwh)

    def opened(self, cost: float, floor: float, low: float, volume_mwh: float) -> float:
        """The best price for a volume: never below that at which all of it is taken, nor below cost."""
        if self.curve is None:
            return self.opening(floor)
        best = max(self.curve.best_price(cost), self.curve.worth_per_mwh(volume_mwh))
        best = min(max(best, low), self.cap_per_mwh)
        taken = min(self.curve.demand_mwh(best), volume_mwh)
        return max(best, floor) if taken > 0.0 and best >= cost else floor

    def through(self, answers: list[tuple[float, float]]) -> Curve | None:
        """The curve of its kind through one or two answers at prices above 0."""
        if self.kind == "log":
            return self._logarithm([one for one in answers if one[0] > 0.0])
        (price, volume), first = answers[-1], answers[0]
        if len(answers) == 2 and (first[0] - price) * (volume - first[1]) > 0.0:
            slope = (first[0] - price) / (volume - first[1])
            return Curve("quadratic", price + slope * volume, slope)
        if self.cap_per_mwh > price:
            return Curve("quadratic", self.cap_per_mwh, (self.cap_per_mwh - price) / volume)
        return None

    def _logarithm(self, answers: list[tuple[float, float]]) -> Curve | None:
        """K and u of v = K / price - u at both answers: two equations, linear in both."""
        if not answers:
            return None
        price, volume = answers[-1]
        if len(answers) == 2:
            before, then = answers[0]
            top = price * before * (volume - then) / (before - price)
            if top > 0.0 and top > volume * price:
                return Curve("log", top, top / price - volume)
        return Curve("log", price * (volume + self.unit_mwh), self.unit_mwh)
