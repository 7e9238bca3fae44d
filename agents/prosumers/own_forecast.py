"""What a prosumer expects to draw from the system, by its own data, before it has traded anything."""

from __future__ import annotations

import numpy as np

from gridarium.environment.arrays import Array
from gridarium.environment.storage import StorageRatings


def draw_without_trade(
    net_mwh: Array, period_h: float, battery: StorageRatings | None, content_mwh: float, first_mwh: float
) -> Array:
    """Energy that panels and battery leave to be drawn in each period, MWh, shape (n_period,).

    Parameters
    ----------
    net_mwh : ndarray, shape (n_period,)
        Panels less load, as expected.
    period_h : float
    battery : StorageRatings or None
    content_mwh : float
        In the battery before the first period.
    first_mwh : float
        Content below which the battery gives nothing.

    Notes
    -----
    The battery takes every surplus and serves every deficit, as far as power and content allow: what a
    prosumer does that sells nothing and buys nothing for its battery (E10). What it trades is not foreseen.
    """
    drawn = np.maximum(0.0, -net_mwh)
    if battery is None:
        return drawn
    most, top = battery.p_max_mw * period_h, battery.band_mwh[1]
    content = content_mwh
    for period, net in enumerate(net_mwh.tolist()):
        if net >= 0.0:
            room = max(0.0, top - content) / battery.efficiency_charge
            content += min(net, most, room) * battery.efficiency_charge
            continue
        above = max(0.0, content - first_mwh) * battery.efficiency_discharge
        given = min(-net, most, above)
        content -= given / battery.efficiency_discharge
        drawn[period] -= given
    return drawn
