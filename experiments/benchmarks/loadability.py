"""How much of its load a feeder can carry at most: a bound on AC power flow, which shares nothing with it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import sparse

from gridarium.environment.arrays import Array
from gridarium.environment.network import Feeder
from gridarium.experiments.benchmarks.conic_reference import run_clarabel

SURE = 1e-4
"""By how much less than the load, relative, what can be carried must be to prove that there is no flow."""


class _Layout(NamedTuple):
    """Columns of the programme: share of the load, branches' flows and squared currents, squared voltages."""

    n_branch: int

    @property
    def n_column(self) -> int:
        return 4 * self.n_branch + 2

    def p(self, branch: int) -> int:
        """Active power that enters a branch."""
        return 1 + branch

    def q(self, branch: int) -> int:
        """Reactive power that enters it."""
        return 1 + self.n_branch + branch

    def current(self, branch: int) -> int:
        """Its squared current."""
        return 1 + 2 * self.n_branch + branch

    def voltage(self, bus: int) -> int:
        """Squared voltage of a bus."""
        return 1 + 3 * self.n_branch + bus


def most_carried(feeder: Feeder, injection_mva: Array, head_vm_pu: float) -> float:
    """Bound the multiple of some injections that any AC power flow of a feeder can carry.

    Parameters
    ----------
    feeder : Feeder
    injection_mva : ndarray of complex, shape (n_bus,)
        Generation minus load at each bus.
    head_vm_pu : float
        Voltage of the substation, p.u.

    Returns
    -------
    float
        No power flow exists for a greater multiple; inf where the relaxation sets no limit.

    Raises
    ------
    SolveError
        If Clarabel finds no answer.

    Notes
    -----
    The branch flow model relaxed to second-order cones, without limits of voltage or current [1]_. Its points
    are a convex set that contains the state without load, so a bound below 1 proves that the load itself has
    no power flow. Powers count on a base at which the longest way has an impedance of 1 p.u.

    References
    ----------
    .. [1] M. Farivar, S. Low, 2013, doi:10.1109/TPWRS.2013.2255317
    """
    # What is injected at the substation itself passes no branch.
    injection_pu = injection_mva / feeder.base_mva
    largest = float(np.abs(injection_pu[1:]).max(initial=0.0))
    if largest == 0.0:
        return float("inf")
    far = max(
        float(np.hypot(feeder.r_pu, feeder.x_pu)[list(feeder.path(bus))].sum()) for bus in range(feeder.n_bus)
    )
    columns = _Layout(feeder.n_branch)
    cost = np.zeros(columns.n_column)
    cost[0] = -1.0
    equal, sides = _equations(feeder, columns, injection_pu / largest, far, head_vm_pu)
    cones = _cones(feeder, columns)
    # The share and all squared voltages are not negative.
    signs = [0, *(columns.voltage(bus) for bus in range(feeder.n_bus))]
    above = sparse.csr_matrix(
        (-np.ones(len(signs)), (range(len(signs)), signs)), (len(signs), columns.n_column)
    )
    matrix = sparse.vstack([equal, above, cones]).tocsc()
    right = np.concatenate([sides, np.zeros(len(signs) + cones.shape[0])])
    answer = run_clarabel(
        sparse.csc_matrix((columns.n_column, columns.n_column)),
        cost,
        matrix,
        right,
        (len(sides), len(signs), [4] * feeder.n_branch),
    )
    if answer.status == "DualInfeasible":
        return float("inf")
    return float(answer.solved().x[0]) / (largest * far)


def _equations(
    feeder: Feeder, columns: _Layout, direction: Array, far: float, head_vm_pu: float
) -> tuple[sparse.csr_matrix, Array]:
    """Voltage of the substation, voltage drops and balances of both powers, as ``A x = b``."""
    n_row = 1 + 3 * feeder.n_branch
    matrix, right = sparse.lil_matrix((n_row, columns.n_column)), np.zeros(n_row)
    matrix[0, columns.voltage(0)], right[0] = 1.0, head_vm_pu**2
    for branch, parent in enumerate(feeder.parent):
        bus, first = branch + 1, 1 + 3 * branch
        r, x = feeder.r_pu[branch] / far, feeder.x_pu[branch] / far
        matrix[first, columns.voltage(bus)] = -1.0
        matrix[first, columns.voltage(parent)] = 1.0 / feeder.ratio[branch] ** 2
        matrix[first, columns.p(branch)], matrix[first, columns.q(branch)] = -2.0 * r, -2.0 * x
        matrix[first, columns.current(branch)] = r**2 + x**2
        for row, flow, loss, injected, shunt in (
            (first + 1, columns.p, r, direction[bus].real, -feeder.g_bus_pu[bus]),
            (first + 2, columns.q, x, direction[bus].imag, feeder.b_bus_pu[bus]),
        ):
            matrix[row, flow(branch)], matrix[row, columns.current(branch)] = 1.0, -loss
            matrix[row, columns.voltage(bus)], matrix[row, 0] = shunt * far, injected
            for child in np.flatnonzero(feeder.parent == bus):
                matrix[row, flow(int(child))] = -1.0
    return matrix.tocsr(), right


def _cones(feeder: Feeder, columns: _Layout) -> sparse.csr_matrix:
    """``p^2 + q^2 <= v current`` behind each transformer, as ``-A x`` in second-order cones of 4 rows."""
    matrix = sparse.lil_matrix((4 * feeder.n_branch, columns.n_column))
    for branch, parent in enumerate(feeder.parent):
        first, behind = 4 * branch, 1.0 / feeder.ratio[branch] ** 2
        matrix[first, columns.voltage(parent)] = matrix[first + 3, columns.voltage(parent)] = -behind
        matrix[first, columns.current(branch)], matrix[first + 3, columns.current(branch)] = -1.0, 1.0
        matrix[first + 1, columns.p(branch)] = matrix[first + 2, columns.q(branch)] = -2.0
    return matrix.tocsr()
