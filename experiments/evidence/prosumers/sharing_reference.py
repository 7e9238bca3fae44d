"""How a supply is best shared among buyers: the price of its last MWh by bisection, with demands given."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from gridarium.environment.arrays import Array

_BISECTIONS = 80
_APART = 2e-3
"""Part of a supply by which what is shared may miss it, and of a price within which demands jump."""
_JUMP_PER_MWH = 0.02
"""Prices closer than this, money/MWh, are not told apart where demand jumps."""
_NOTHING_MWH = 1e-8


class Claimant(NamedTuple):
    """One buyer of a supply.

    Parameters
    ----------
    demand_mwh : callable
        What it takes at a price at its own end, MWh a minute.
    cost_per_mwh, loss, most_mwh : float
        The seller's cost, the share lost on the way, 1 or more where nothing arrives, and most that it takes
        or the line delivers.
    """

    demand_mwh: Callable[[float], float]
    cost_per_mwh: float
    loss: float
    most_mwh: float

    def taken_mwh(self, value_per_mwh: float) -> float:
        """What it takes where each MWh sent must earn so much beyond its cost."""
        if self.loss >= 1.0:
            return 0.0
        price = self.cost_per_mwh + value_per_mwh / (1.0 - self.loss)
        return min(max(self.demand_mwh(price), 0.0), self.most_mwh)


def value_of_supply(claims: Sequence[Claimant], supply_mwh: float) -> float:
    """What a further MWh of supply would earn beyond its cost, money/MWh; 0 where not all is taken.

    Notes
    -----
    The multiplier of the supply in ``max sum V_l(p_l) - c_l p_l``: what is sent falls in it, so that it is
    where that crosses the supply.
    """
    low, high = 0.0, 1.0
    if _sent(claims, low) <= supply_mwh:
        return 0.0
    while _sent(claims, high) > supply_mwh:
        low, high = high, 2.0 * high
    for _ in range(_BISECTIONS):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if _sent(claims, middle) > supply_mwh else (low, middle)
    return high


def value_band(claims: Sequence[Claimant], supply_mwh: float) -> tuple[float, float]:
    """Least and most that a further MWh of supply may be told to be worth, within the precision of shares."""
    least, most = (value_of_supply(claims, (1.0 + part) * supply_mwh) for part in (_APART, -_APART))
    slack = _APART * most + _JUMP_PER_MWH
    return max(0.0, least - slack), most + slack


def off_best_mwh(
    claims: Sequence[Claimant], supply_mwh: float, volumes_mwh: Sequence[float] | Array
) -> float:
    """Most by which volumes leave the best shares, MWh; what precision leaves open counts as 0.

    Volumes may lie between what is taken a little above and a little below the value of the supply, and all
    of it is used, as far as anybody takes it.
    """
    value = value_of_supply(claims, supply_mwh)
    slack, allowed = _APART * value + _JUMP_PER_MWH, _APART * supply_mwh + _NOTHING_MWH
    worst = 0.0
    for claim, volume in zip(claims, volumes_mwh, strict=True):
        least, most = claim.taken_mwh(value + slack), claim.taken_mwh(max(0.0, value - slack))
        worst = max(worst, least - volume - allowed, volume - most - allowed)
    arriving = [pair for pair in zip(claims, volumes_mwh, strict=True) if pair[0].loss < 1.0]
    sent = sum(volume / (1.0 - claim.loss) for claim, volume in arriving)
    unused = min(_sent(claims, 0.0), supply_mwh) - sent - allowed
    return float(max(0.0, worst, unused, sent - supply_mwh - _NOTHING_MWH))


def _sent(claims: Sequence[Claimant], value_per_mwh: float) -> float:
    return sum(claim.taken_mwh(value_per_mwh) / (1.0 - claim.loss) for claim in claims if claim.loss < 1.0)
