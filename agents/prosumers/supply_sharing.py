"""How a seller shares its supply among buyers: by declared value, or by the margin it earns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from gridarium.market.messages.leasing import Holding
from gridarium.market.utility import Utility

_PRECISION = 1e-3
"""Part of the supply by which what is shared may differ from it before it is scaled."""
_STEP_PER_MWH = 0.01
"""Width of a jump of demand in the value of supply; within it both sides are mixed."""
_SEARCHES = 60


class ShareClaim(NamedTuple):
    """What a buyer would take, as a seller sees it; all energy at the buyer's end, MWh a minute.

    Parameters
    ----------
    cost_per_mwh : float
        The seller's cost, fee and losses included.
    loss : float
        Share of the energy sent that does not arrive.
    need_mwh : float
        Most that the buyer would take at any price.
    line_mwh : float
        Most that the line delivers.
    utility : Utility
        Value of the energy.
    leaves : tuple of Holding
        What the buyer would leave first for a better price.
    """

    cost_per_mwh: float
    loss: float
    need_mwh: float
    line_mwh: float
    utility: Utility
    leaves: tuple[Holding, ...] = ()


def share_by_value(claims: Sequence[ShareClaim], supply_mwh: float) -> tuple[list[float], float]:
    """Share a supply so that its last bit is worth the same to all who get some.

    Parameters
    ----------
    claims : sequence of ShareClaim
    supply_mwh : float
        Most that can be sent, MWh a minute.

    Returns
    -------
    volumes_mwh : list of float
        At the buyers' ends.
    value_per_mwh : float
        What a further MWh of supply would be worth beyond its cost; 0 where not all is taken.

    Notes
    -----
    The optimum of ``max sum_l V_l(p_l) - c_l p_l`` with ``sum_l p_l / (1 - loss_l) <= supply`` has
    ``V_l'(p_l) = c_l + mu / (1 - loss_l)``; mu by bisection, as what is sent falls in mu. Where demand
    jumps, both sides of the jump are mixed so that the supply is used up.
    """
    generous, sent = _at_value(claims, 0.0)
    if sent <= supply_mwh:
        return generous, 0.0
    low, high = 0.0, max((c.utility.marginal(0.0) - c.cost_per_mwh) * (1.0 - c.loss) for c in claims)
    frugal, least = [0.0] * len(claims), 0.0
    for search in range(_SEARCHES):
        # The secant is quick where demand is smooth, halving where it jumps.
        weight = (supply_mwh - least) / (sent - least) if search % 3 < 2 else 0.5
        value = high + min(max(weight, 0.02), 0.98) * (low - high)
        volumes, total = _at_value(claims, value)
        if abs(total - supply_mwh) <= _PRECISION * supply_mwh:
            scale = min(1.0, supply_mwh / total)
            return [scale * volume for volume in volumes], value
        if total > supply_mwh:
            low, generous, sent = value, volumes, total
        else:
            high, frugal, least = value, volumes, total
        if high - low <= _STEP_PER_MWH:
            break
    weight = (supply_mwh - least) / (sent - least)
    return [few + weight * (many - few) for few, many in zip(frugal, generous, strict=True)], high


def _at_value(claims: Sequence[ShareClaim], value_per_mwh: float) -> tuple[list[float], float]:
    """Volumes at the buyers' ends when a MWh sent must earn a value beyond its cost, and what is sent."""
    volumes, sent = [], 0.0
    for cost, loss, need, line, utility, leaves in claims:
        price = cost + value_per_mwh / (1.0 - loss)
        volume = utility.demand(price)
        if volume > need:
            volume = need
        for leaving_price, held in leaves:
            if leaving_price >= price:
                break
            volume -= held
        if volume > 0.0:
            if volume > line:
                volume = line
            volumes.append(volume)
            sent += volume / (1.0 - loss)
        else:
            volumes.append(0.0)
    return volumes, sent


def share_by_margin(
    wanted_mwh: Sequence[float],
    margins_per_mwh: Sequence[float],
    losses: Sequence[float],
    supply_mwh: float,
) -> list[float]:
    """Serve the buyers in the order of what a MWh sent to them earns; nobody at a loss.

    Parameters
    ----------
    wanted_mwh, margins_per_mwh : sequence of float
        At the buyers' ends: what they would take, and price minus cost.
    losses : sequence of float
    supply_mwh : float
        Most that can be sent.
    """
    volumes = [0.0] * len(wanted_mwh)
    order = sorted(range(len(volumes)), key=lambda i: -margins_per_mwh[i] * (1.0 - losses[i]))
    for i in order:
        if margins_per_mwh[i] < 0.0 or supply_mwh <= 0.0:
            break
        volumes[i] = min(wanted_mwh[i], supply_mwh * (1.0 - losses[i]))
        supply_mwh -= volumes[i] / (1.0 - losses[i])
    return volumes
