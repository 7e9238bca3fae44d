"""How much of what a storage is called for a feeder carries: the limits of its grid by AC power flow."""

from __future__ import annotations

import numpy as np

from gridarium.agents.feeder.day_planner import DayPlanner
from gridarium.agents.feeder.demand_corners import feed_in
from gridarium.agents.feeder.dso_day import DsoDay
from gridarium.environment.arrays import Array, Flags, Index
from gridarium.environment.errors import PowerFlowError
from gridarium.environment.power_flow import AcPowerFlow

_HALVINGS = 10
"""Of the share, so that it is known to a thousandth."""
_VOLTAGE_PU, _LOADING, _HEAD_MW = 1e-5, 1e-5, 1e-5
"""By how much a plan that rests on a limit may be off it, as solvers leave it."""


class ServiceLimits:
    """Holds calls against voltages, currents and exchange of a planned day.

    - `shares`: of a call that can be carried
    - `injections`: what is planned at the buses

    Parameters
    ----------
    planner : DayPlanner
        Knows what is planned at the buses.
    bus : int
        Where the storage stands.
    """

    def __init__(self, planner: DayPlanner, bus: int) -> None:
        self._planner, self._bus, self._shape = planner, bus, planner.dispatcher.shape
        self._flow = AcPowerFlow(self._shape.feeder)

    def shares(self, day: DsoDay, steps: Index, drawn_mw: Array) -> Array:
        """Largest share of what a storage is to draw that keeps all limits, shape (n,).

        Parameters
        ----------
        day : DsoDay
            With a plan.
        steps : ndarray of int, shape (n,)
            Of the day.
        drawn_mw : ndarray, shape (n,)
            Negative where it is to feed in.

        Notes
        -----
        By halving, with the units of the dispatch in force and the loads that were planned.
        """
        shares = np.ones(len(steps))
        broken = np.flatnonzero(~self._keeps(day, steps, drawn_mw))
        if not len(broken):
            return shares
        low, high = np.zeros(len(broken)), np.ones(len(broken))
        for _ in range(_HALVINGS):
            middle = 0.5 * (low + high)
            kept = self._keeps(day, steps[broken], middle * drawn_mw[broken])
            low, high = np.where(kept, middle, low), np.where(kept, high, middle)
        shares[broken] = low
        return shares

    def injections(self, day: DsoDay) -> tuple[Array, Array]:
        """What the dispatch in force injects at the buses, MW and Mvar, shape (n_bus, n_step) each."""
        agreed = self._planner.agreed(day)
        p_mw, q_mvar = -agreed.load_p_mw, -agreed.load_q_mvar
        feed_in(self._shape, day.in_force, p_mw, q_mvar)
        return p_mw, q_mvar

    def _keeps(self, day: DsoDay, steps: Index, drawn_mw: Array) -> Flags:
        """Whether all limits are kept in each step, shape (n,); a flow without solution keeps none."""
        p_mw, q_mvar = (values[:, steps].T for values in self.injections(day))
        p_mw[:, self._bus] -= drawn_mw
        head = day.in_force.voltage_pu[0, steps] if self._shape.tap_changer else None
        return self._within(p_mw, q_mvar, head)

    def _within(self, p_mw: Array, q_mvar: Array, head_pu: Array | None) -> Flags:
        """The same of injections, shape (n, n_bus); where some flow has no solution, half by half."""
        shape, n = self._shape, len(p_mw)
        try:
            flow = self._flow.solve(p_mw, q_mvar, head_pu)
        except PowerFlowError:
            if n == 1:
                return np.zeros(1, dtype=np.bool_)
            parts = (slice(0, n // 2), slice(n // 2, n))
            heads = (None if head_pu is None else head_pu[part] for part in parts)
            kept = [self._within(p_mw[at], q_mvar[at], pu) for at, pu in zip(parts, heads, strict=True)]
            return np.concatenate(kept)
        low, high = shape.voltage_band_pu
        vm, most = flow.vm_pu[:, 1:], shape.loading_max * shape.feeder.i_max_pu
        return np.asarray(
            (vm >= low - _VOLTAGE_PU).all(axis=1)
            & (vm <= high + _VOLTAGE_PU).all(axis=1)
            & (flow.i_pu <= most * (1.0 + _LOADING)).all(axis=1)
            & (flow.p_slack_mw <= shape.import_limit_mw + _HEAD_MW)
            & (flow.p_slack_mw >= -shape.export_limit_mw - _HEAD_MW)
        )
