"""How losses and voltages of a feeder change with what is drawn or fed in, near an AC power flow."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gridarium.environment.arrays import Array
from gridarium.environment.network import Feeder
from gridarium.environment.power_flow import PowerFlow


class PowerFlowSlopes:
    """Derivatives of a solved power flow by power drawn or fed in, the substation's voltage held.

    Parameters
    ----------
    feeder : Feeder
    flow : PowerFlow
        Of that feeder.

    Notes
    -----
    With J the Jacobian of injections by angles and magnitudes, these change by ``J^-1`` with the injections,
    and a quantity with gradient g by them changes by the adjoint ``J^-T g`` [1]_.

    References
    ----------
    .. [1] R. D. Zimmerman, AC power flows, generalized OPF costs and their derivatives, MATPOWER Technical
       Note 2, 2010
    """

    def __init__(self, feeder: Feeder, flow: PowerFlow) -> None:
        self._n_bus, self._base_mva = feeder.n_bus, feeder.base_mva
        self._admittance = _admittance(feeder)
        self._v_pu = flow.vm_pu * np.exp(1j * np.deg2rad(flow.va_degree))

    def lost_per_drawn(self) -> Array:
        """MW more lost per MW more drawn at a bus, shape (n_bus, n_period)."""
        each = [self._lost(period) for period in range(len(self._v_pu))]
        return np.array(each).reshape(len(each), self._n_bus).T

    def fall_per_drawn(self, bus: int, period: int) -> Array:
        """Fall of the squared voltage of a bus per MW more drawn at each, p.u., shape (n_bus,)."""
        v_pu = np.abs(self._v_pu[period])
        gradient = np.zeros(2 * self._n_bus)
        gradient[self._n_bus + bus] = 2.0 * v_pu[bus]
        return self._by_injection(gradient, self._jacobian(period)) / self._base_mva

    def rise_per_fed_in(self, buses: Sequence[int], period: int) -> tuple[Array, Array]:
        """Rise of all voltages per MW, and per Mvar, fed in at some buses, p.u., shape (n_bus, n) each."""
        free = np.r_[1 : self._n_bus, self._n_bus + 1 : 2 * self._n_bus]
        fed_in = np.zeros((2 * self._n_bus, 2 * len(buses)))
        for column, bus in enumerate(buses):
            fed_in[bus, column] = fed_in[self._n_bus + bus, len(buses) + column] = 1.0 / self._base_mva
        changes = np.zeros_like(fed_in)
        changes[free] = np.linalg.solve(self._jacobian(period)[np.ix_(free, free)], fed_in[free])
        rise = changes[self._n_bus :]
        return rise[:, : len(buses)], rise[:, len(buses) :]

    def _lost(self, period: int) -> Array:
        jacobian = self._jacobian(period)
        # What is not drawn from a bus must come through the substation, and what is lost with it.
        lost = -self._by_injection(jacobian[0], jacobian) - 1.0
        lost[0] = 0.0
        return lost

    def _by_injection(self, gradient: Array, jacobian: Array) -> Array:
        """Change per p.u. injected at each bus of what changes by a gradient with angles and magnitudes."""
        free = np.r_[1 : self._n_bus, self._n_bus + 1 : 2 * self._n_bus]
        changes = np.zeros(2 * self._n_bus)
        changes[free] = np.linalg.solve(jacobian[np.ix_(free, free)].T, gradient[free])
        return changes[: self._n_bus]

    def _jacobian(self, period: int) -> Array:
        """Of active, then reactive injections, by angles, then magnitudes; p.u., all buses."""
        v_pu = self._v_pu[period]
        i_pu, unit = self._admittance @ v_pu, v_pu / np.abs(v_pu)
        by_angle = 1j * v_pu[:, None] * (np.diag(i_pu) - self._admittance * v_pu).conj()
        by_size = v_pu[:, None] * (self._admittance * unit).conj() + np.diag(i_pu.conj() * unit)
        return np.block([[by_angle.real, by_size.real], [by_angle.imag, by_size.imag]])


def _admittance(feeder: Feeder) -> Array:
    """Bus admittance matrix, p.u., shape (n_bus, n_bus)."""
    matrix = np.diag(feeder.g_bus_pu + 1j * feeder.b_bus_pu)
    turns = feeder.ratio * np.exp(1j * np.deg2rad(feeder.shift_degree))
    series = 1.0 / (feeder.r_pu + 1j * feeder.x_pu)
    above, below = feeder.parent, np.arange(1, feeder.n_bus)
    np.add.at(matrix, (above, above), series / np.abs(turns) ** 2)
    np.add.at(matrix, (below, below), series)
    np.add.at(matrix, (above, below), -series / turns.conj())
    np.add.at(matrix, (below, above), -series / turns)
    return matrix
