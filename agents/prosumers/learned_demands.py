"""What a seller makes of the answers of its buyers: a demand for each, without having been told any."""

from __future__ import annotations

from gridarium.market.residual import residual
from gridarium.market.utility import LogUtility, QuadraticUtility, Utility

_PROBE = 0.9
"""Second price asked, over the one that seems best."""


class LearnedDemands:
    """Demand of each buyer as one seller knows it, from volumes that were taken at prices it named.

    - `of`: what is known of a buyer
    - `note`, `note_none`: learn from an answer
    - `probing`: a price to ask that tells more
    - `guess`: what a single answer tells of somebody unknown

    Parameters
    ----------
    own_utility : Utility
        The seller's own; it takes its buyers to be of the same kind.
    price_cap_per_mwh : float
        Where it takes the demand of a straight line to end, until it knows better.

    Notes
    -----
    E11 inverted: a demand K / price - u needs two answers at different prices, or one and the guess
    that u is the unit of the logarithm; so does the straight line, with the guess that demand ends at
    the price cap.
    """

    def __init__(self, own_utility: Utility, price_cap_per_mwh: float) -> None:
        self._own_utility, self._cap = own_utility, price_cap_per_mwh
        self._answers: dict[str, list[tuple[float, float]]] = {}
        self._learned: dict[str, Utility] = {}

    def of(self, buyer: str) -> Utility | None:
        """Utility behind the demand of a buyer, as far as it is known; None for a stranger."""
        return self._learned.get(buyer)

    def probing(self, buyer: str, price: float) -> float:
        """A price to ask, or one a little away from it where only a single answer of the buyer is known.

        A guess that the first answer cannot refute would confirm itself for ever.
        """
        return price * _PROBE if len(self._answers.get(buyer, ())) == 1 else price

    def note(self, buyer: str, price: float, volume_mwh: float, limited: bool) -> None:
        """Fit a demand to the last answers that the price has decided; others tell nothing."""
        if limited or volume_mwh <= 0.0:
            return
        known = self._answers.setdefault(buyer, [])
        if known and abs(known[-1][0] - price) <= 1e-3 * price:
            known[-1] = price, volume_mwh
        else:
            known[:] = [*known[-1:], (price, volume_mwh)]
        fitted = self._fit(known)
        if fitted is not None:
            self._learned[buyer] = fitted

    def note_none(self, buyer: str, price: float) -> None:
        """Learn that a buyer took nothing at a price: what it would have taken it has from others."""
        learned = self._learned.get(buyer)
        if learned is not None and price > 0.0 and (taken := learned.demand(price)) > 0.0:
            self._learned[buyer] = residual(learned, taken)

    def guess(self, price: float, volume_mwh: float) -> Utility | None:
        """Utility of somebody who takes a volume at a price; None if no demand fits."""
        return self._fit([(price, volume_mwh)])

    def _fit(self, known: list[tuple[float, float]]) -> Utility | None:
        if isinstance(self._own_utility, LogUtility):
            # At a price of 0 a logarithm asks for any volume, so that no volume tells its scale.
            priced = [(price, volume) for price, volume in known if price > 0.0]
            return _logarithm(priced, self._own_utility.unit_mwh) if priced else None
        price, volume = known[-1]
        if len(known) == 2:
            before, then = known[0]
            if (before - price) * (volume - then) > 0.0:
                slope = (before - price) / (volume - then)
                return QuadraticUtility(price + slope * volume, slope)
        room = self._cap - price
        return QuadraticUtility(price + room, room / volume) if room > 0.0 else None


def _logarithm(known: list[tuple[float, float]], unit_mwh: float) -> LogUtility:
    """The logarithm whose demand goes through one or two answers at prices above 0."""
    price, volume = known[-1]
    if len(known) == 2:
        before, then = known[0]
        scale = (volume - then) / (1.0 / price - 1.0 / before)
        if scale > 0.0 and scale / price > volume:
            return LogUtility(scale, scale / price - volume)
    return LogUtility(price * (volume + unit_mwh), unit_mwh)
