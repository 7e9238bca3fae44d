"""Green energy that leaves a storage, recomputed from its meters alone: sums and products, no tank.

Two rules are closed forms of cumulated flows. Let X have entered by the end of a period, and Y have left. A
queue has then given back F(Y) of green energy, F being green against all energy that has entered. Where as
much green energy leaves as there is, it is Y less the most by which Y has ever gone beyond the green energy
that there was.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from gridarium.environment.arrays import Array

_BLOCK = 96
"""Periods whose products are formed at once: their table grows with the square."""
_NOTHING_MWH = 1e-12


class Metered(NamedTuple):
    """What the meters of a storage say, and how it began; series of shape (n_period,).

    Parameters
    ----------
    charge_mwh, discharge_mwh : ndarray
        At the grid terminals.
    supply_share : ndarray
        Green share of what is charged.
    efficiency_charge, efficiency_discharge : float
    initial_mwh : float
        Energy inside before the first period.
    initial_share : float
        Green share of that.
    """

    charge_mwh: Array
    discharge_mwh: Array
    supply_share: Array
    efficiency_charge: float
    efficiency_discharge: float
    initial_mwh: float
    initial_share: float


class _Inside(NamedTuple):
    """Flows into and out of what was inside before a period, and what passed through within it, MWh."""

    before: Array
    entered: Array
    green_entered: Array
    left: Array
    passed_green: Array
    green_before: float


def green_out_mwh(metered: Metered, rule: str) -> Array:
    """Green energy that leaves in each period, at the grid terminals, MWh, shape (n_period,).

    Parameters
    ----------
    metered : Metered
    rule : {"proportional", "fifo", "load-generator"}
        Perfect mixing (B11), first in first out, or as much green energy as there is.
    """
    inside = _inside(metered)
    return metered.efficiency_discharge * (_RULES[rule](inside) + inside.passed_green)


def _inside(metered: Metered) -> _Inside:
    into = metered.efficiency_charge * metered.charge_mwh
    out = metered.discharge_mwh / metered.efficiency_discharge
    before = metered.initial_mwh + np.concatenate([[0.0], np.cumsum(into - out)[:-1]])
    passed = np.maximum(out - before, 0.0)
    passed = np.where(passed > 1e-6, passed, 0.0)
    entered = into - passed
    return _Inside(
        before,
        entered,
        metered.supply_share * entered,
        np.minimum(out - passed, before),
        metered.supply_share * passed,
        metered.initial_share * metered.initial_mwh,
    )


def _mixed(inside: _Inside) -> Array:
    """G_t = G_0 prod_r k_r + sum_s g_s prod_(r > s) k_r, of which 1 - k leaves, k = 1 - left / before."""
    gone = np.divide(
        inside.left, inside.before, out=np.zeros_like(inside.left), where=inside.before > _NOTHING_MWH
    )
    found, green = [], inside.green_before
    for start in range(0, len(gone), _BLOCK):
        part = slice(start, start + _BLOCK)
        kept = 1.0 - gone[part]
        place = np.arange(len(kept))
        # Row s, column t: what is there at the end of t of a MWh that entered in s.
        stays = np.cumprod(np.where(place[None, :] > place[:, None], kept[None, :], 1.0), axis=1)
        content = green * np.cumprod(kept) + inside.green_entered[part] @ np.triu(stays)
        found.append(np.concatenate([[green], content[:-1]]) * gone[part])
        green = float(content[-1])
    return np.concatenate(found)


def _queued(inside: _Inside) -> Array:
    """F(Y_t) - F(Y_t-1), F through the points (X_t, green that has entered by then)."""
    came = np.concatenate([[0.0, inside.before[0]], inside.before[0] + np.cumsum(inside.entered)])
    green = np.concatenate(
        [[0.0, inside.green_before], inside.green_before + np.cumsum(inside.green_entered)]
    )
    return np.diff(np.interp(np.cumsum(inside.left), came, green), prepend=0.0)


def _greenest(inside: _Inside) -> Array:
    """Y_t less the most by which Y has exceeded what there was by then: all of Y but that is green."""
    asked = np.cumsum(inside.left)
    there = inside.green_before + np.concatenate([[0.0], np.cumsum(inside.green_entered)[:-1]])
    lacked = np.maximum.accumulate(np.maximum(asked - there, 0.0))
    return np.diff(asked - lacked, prepend=0.0)


_RULES: Mapping[str, Callable[[_Inside], Array]] = {
    "proportional": _mixed,
    "fifo": _queued,
    "load-generator": _greenest,
}
