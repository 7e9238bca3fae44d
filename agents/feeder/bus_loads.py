"""What followers draw at the buses of a feeder."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from gridarium.agents.feeder.dispatch_problem import DispatchShape
from gridarium.environment.arrays import Array
from gridarium.environment.grids import Place


def bus_loads(
    loads_mw: Mapping[str, Array],
    loads_mvar: Mapping[str, Array],
    places: Mapping[str, Place],
    shape: DispatchShape,
) -> tuple[Array, Array]:
    """Active and reactive power at each bus, MW and Mvar, shape (n_bus, n_step) each.

    Parameters
    ----------
    loads_mw, loads_mvar : mapping of str to ndarray, shape (n_step,)
        By the names of those who draw them; reactive power is that of the place where nobody tells it.
    places : mapping of str to Site or SpreadSite
    shape : DispatchShape
    """
    p_mw = np.zeros((shape.feeder.n_bus, shape.n_period))
    q_mvar = np.zeros_like(p_mw)
    for name, load in loads_mw.items():
        place = places[name]
        p_mw += np.outer(place.p_share, load)
        if name in loads_mvar:
            q_mvar += np.outer(place.p_share, loads_mvar[name])
        else:
            q_mvar += np.outer(place.q_share, load)
    return p_mw, q_mvar
