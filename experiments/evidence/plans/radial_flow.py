"""The AC power flow of a tree by sweeps from its leaves to its head and back, a reference of its own."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gridarium.environment.arrays import Array
from gridarium.environment.errors import SolveError
from gridarium.environment.network import Feeder

_SWEEPS = 200
_REST_PU = 1e-12
"""Largest change of a squared voltage in a sweep that counts as rest, p.u."""


@dataclass(frozen=True)
class RadialFlow:
    """Powers in MW and Mvar, squares in p.u. on the feeder's own base.

    Parameters
    ----------
    p_mw, q_mvar : ndarray, shape (n_branch, n_period)
        Sent into the series impedance of each branch, behind its ideal transformer.
    current_squared : ndarray, shape (n_branch, n_period)
    voltage_squared : ndarray, shape (n_bus, n_period)
    head_mw, head_mvar : ndarray, shape (n_period,)
        What comes in through the head.
    """

    p_mw: Array
    q_mvar: Array
    current_squared: Array
    voltage_squared: Array
    head_mw: Array
    head_mvar: Array


def radial_flow(feeder: Feeder, fed_mw: Array, fed_mvar: Array, head_vm_pu: Array) -> RadialFlow:
    """The flow of what is fed in at each bus less what is drawn, beside the head.

    Parameters
    ----------
    feeder : Feeder
    fed_mw, fed_mvar : ndarray, shape (n_bus, n_period)
    head_vm_pu : ndarray, shape (n_period,)

    Raises
    ------
    SolveError
        If the sweeps do not come to rest: so much no line carries.

    Notes
    -----
    A13 to A15 with ``l = (P^2 + Q^2) / v`` at the far end: backward ``P = P_j + r l``, forward
    ``v_j = v_i / k^2 - 2 (r P + x Q) + (r^2 + x^2) l``.
    """
    n_bus, n_period = fed_mw.shape
    parent, r, x = feeder.parent, feeder.r_pu[:, None], feeder.x_pu[:, None]
    square = np.repeat(np.asarray(head_vm_pu, dtype=float)[None, :] ** 2, n_bus, axis=0)
    sent = np.zeros((2, n_bus - 1, n_period))
    current = np.zeros((n_bus - 1, n_period))
    for _ in range(_SWEEPS):
        # What each bus takes from above, of what stands there and of all that hangs below.
        taken = np.array(
            [
                feeder.g_bus_pu[:, None] * square - fed_mw / feeder.base_mva,
                -feeder.b_bus_pu[:, None] * square - fed_mvar / feeder.base_mva,
            ]
        )
        for branch in reversed(range(n_bus - 1)):
            far = taken[:, branch + 1]
            current[branch] = (far**2).sum(axis=0) / square[branch + 1]
            sent[:, branch] = far + np.array([r[branch] * current[branch], x[branch] * current[branch]])
            taken[:, parent[branch]] += sent[:, branch]
        before = square.copy()
        for branch in range(n_bus - 1):
            behind = square[parent[branch]] / feeder.ratio[branch] ** 2
            drop = r[branch] * sent[0, branch] + x[branch] * sent[1, branch]
            rise = (r[branch] ** 2 + x[branch] ** 2) * current[branch]
            square[branch + 1] = behind - 2.0 * drop + rise
        if not np.all(square > 0.0):
            break
        if np.abs(square - before).max(initial=0.0) <= _REST_PU:
            p_mw, q_mvar = sent * feeder.base_mva
            head_mw, head_mvar = taken[:, 0] * feeder.base_mva
            return RadialFlow(p_mw, q_mvar, current, square, head_mw, head_mvar)
    raise SolveError(f"network {feeder.name}: the sweeps of a power flow do not come to rest")
