"""Physics of a tree of grids: power from the leaves to the roots, carbon over all of it at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from gridarium.environment.arrays import Array, Index
from gridarium.environment.carbon_flow import CarbonFlow, carbon_flow
from gridarium.environment.grids import Grid, PeriodState, from_leaves_to_roots
from gridarium.environment.power_flow import PowerFlow


class GridPhysics:
    """Works out what the agents of all grids do together.

    Parameters
    ----------
    grids : sequence of Grid
        A tree, or several; each grid's place above is on another of them.

    Raises
    ------
    NetworkError
        If names are taken twice or a grid above is missing.

    Notes
    -----
    What leaves a grid's head stands, times its replicas, at its site above. The carbon of all grids is one
    system of proportional sharing (A1): a grid counts as often as it has copies, and its head is a lossless
    branch from its site above, so that a grid that feeds back passes its own intensity upward.
    """

    def __init__(self, grids: Sequence[Grid]) -> None:
        self._order = from_leaves_to_roots(grids)
        self._joint = _Joint.of(grids)

    def settle(self, period: int) -> None:
        """Add the state of the period to each grid."""
        flows = {grid: self._flow(grid) for grid in self._order}
        for grid, state in self._joint.states(period, flows).items():
            grid.states.append(state)

    def _flow(self, grid: Grid) -> PowerFlow:
        """AC power flow of a grid; what its head takes is passed on to the grid above."""
        now = grid.injections
        flow = grid.power_flow.solve(now.net_mw[None], now.q_mvar[None], np.array([grid.head_vm_pu]))
        if grid.above is not None:
            p_mw = float(flow.p_slack_mw[0]) * grid.replicas
            q_mvar = float(flow.q_slack_mvar[0]) * grid.replicas
            grid.above.grid.injections.pass_down(grid.above.bus, p_mw, q_mvar)
        return flow


@dataclass(frozen=True)
class _Joint:
    """All grids as one network: their buses one after the other, their branches, then their heads.

    Parameters
    ----------
    grids : tuple of Grid
    first_bus : mapping of Grid to int
        Place of each grid's first bus.
    from_bus, to_bus : ndarray of int
        Of all branches, then of the heads of grids that have one above.
    """

    grids: tuple[Grid, ...]
    first_bus: Mapping[Grid, int]
    from_bus: Index
    to_bus: Index

    @classmethod
    def of(cls, grids: Sequence[Grid]) -> _Joint:
        sizes = np.cumsum([0, *(grid.feeder.n_bus for grid in grids)])
        first = dict(zip(grids, sizes.tolist(), strict=False))
        below = [grid for grid in grids if grid.above is not None]
        from_bus = [grid.feeder.parent + first[grid] for grid in grids]
        to_bus = [np.arange(1, grid.feeder.n_bus) + first[grid] for grid in grids]
        seams = [(first[grid.above.grid] + grid.above.bus, first[grid]) for grid in below if grid.above]
        heads = np.array(seams, dtype=np.int64).reshape(-1, 2).T
        return cls(
            tuple(grids), first, np.concatenate([*from_bus, heads[0]]), np.concatenate([*to_bus, heads[1]])
        )

    def states(self, period: int, flows: Mapping[Grid, PowerFlow]) -> dict[Grid, PeriodState]:
        """The state of each grid, from the flows of all of them."""
        sources = {grid: _sources(grid, period, flows[grid]) for grid in self.grids}
        below = [grid for grid in self.grids if grid.above is not None]
        heads = [float(flows[grid].p_slack_mw[0]) * grid.copies for grid in below]
        p_from = [flows[grid].p_from_mw[0] * grid.copies for grid in self.grids]
        p_to = [flows[grid].p_to_mw[0] * grid.copies for grid in self.grids]
        traced = carbon_flow(
            self.from_bus,
            self.to_bus,
            np.concatenate([*p_from, heads])[None],
            np.concatenate([*p_to, heads])[None],
            np.concatenate([sources[grid][0] * grid.copies for grid in self.grids])[None],
            np.concatenate([sources[grid][1] * grid.copies for grid in self.grids])[None],
        )
        carried = dict(
            zip(below, traced.branch_tco2_per_h[0][len(self.from_bus) - len(below) :].tolist(), strict=True)
        )
        return {
            grid: self._state(grid, period, flows[grid], sources[grid][1], traced, carried)
            for grid in self.grids
        }

    def _state(
        self,
        grid: Grid,
        period: int,
        flow: PowerFlow,
        carbon: Array,
        traced: CarbonFlow,
        carried_t_per_h: Mapping[Grid, float],
    ) -> PeriodState:
        """What of the joint system belongs to one grid, of one copy of it."""
        first = self.first_bus[grid]
        own = slice(first, first + grid.feeder.n_bus)
        intensity = traced.intensity_tco2_per_mwh[0][own]
        kept = float(intensity @ traced.retained_mw[0][own] + traced.stranded_tco2_per_h[0][own].sum())
        passed = sum(t for one, t in carried_t_per_h.items() if one.above and one.above.grid is grid)
        if grid.above is None:
            head = max(0.0, float(flow.p_slack_mw[0])) * _factor(grid, period)
            inflow = float(carbon.sum())
        else:
            head = carried_t_per_h[grid] / grid.copies
            inflow = float(carbon.sum()) + head
        now = grid.injections
        return PeriodState(
            period=period,
            flow=flow,
            source_mw=now.source_mw,
            drawn_mw=now.drawn_mw,
            charge_mw=now.charge_mw,
            below_mw=now.below_mw,
            intensity_tco2_per_mwh=np.where(traced.flux_mw[0][own] > 0.0, intensity, np.nan),
            source_t_per_h=carbon,
            head_t_per_h=head,
            residual_t_per_h=inflow - (kept + passed) / grid.copies,
        )


def _sources(grid: Grid, period: int, flow: PowerFlow) -> tuple[Array, Array]:
    """Power, MW, and carbon, tCO2/h, of the sources at each bus; an exogenous head is one of them.

    Loads that feed in are sources without carbon.
    """
    source = grid.injections.source_mw + np.maximum(-grid.injections.drawn_mw, 0.0)
    carbon = grid.injections.source_t_per_h.copy()
    if grid.above is None:
        imported = max(0.0, float(flow.p_slack_mw[0]))
        source[0] += imported
        carbon[0] += imported * _factor(grid, period)
    return source, carbon


def _factor(grid: Grid, period: int) -> float:
    """Carbon factor of what an exogenous head supplies, tCO2/MWh."""
    assert grid.head_factor_tco2_per_mwh is not None
    return float(grid.head_factor_tco2_per_mwh[period])
