"""What a leader has posted and planned, with everyone's data, and the AC power flow of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from gridarium.agents.feeder.accounts import DayAhead
from gridarium.agents.feeder.dso import Dso
from gridarium.agents.leader.follower_model import FollowerModel
from gridarium.agents.leader.tied_leading import TieRules
from gridarium.environment.arrays import Array
from gridarium.environment.power_flow import AcPowerFlow, PowerFlow

STEP_MW = 1e-3
"""Distance of the power flows whose difference gives a slope, MW."""


@dataclass(frozen=True)
class LedPlan:
    """What a leader has posted and planned for its last day, beside its followers' true data.

    Parameters
    ----------
    price_per_mwh : ndarray, shape (n_period,)
    plan : DayAhead
    dso : Dso
    followers : sequence of FollowerModel
    rules : TieRules
    """

    price_per_mwh: Array
    plan: DayAhead
    dso: Dso
    followers: Sequence[FollowerModel]
    rules: TieRules

    @classmethod
    def of(cls, dso: Dso, followers: Sequence[FollowerModel], rules: TieRules) -> LedPlan:
        """What was posted and planned."""
        return cls(dso.today.signal.price_per_mwh, dso.today.plan, dso, followers, rules)

    @cached_property
    def load_p_mw(self) -> Array:
        """Active loads at the buses, shape (n_bus, n_period)."""
        today = self.dso.today
        at = [np.outer(self.dso.connections[name].p_share, load) for name, load in today.loads_mw.items()]
        return np.asarray(np.sum(at, axis=0))

    @cached_property
    def load_q_mvar(self) -> Array:
        """Reactive loads at the buses, shape (n_bus, n_period)."""
        today, at = self.dso.today, []
        for name, load in today.loads_mw.items():
            place = self.dso.connections[name]
            told = today.loads_mvar.get(name)
            own = np.outer(place.q_share, load)
            at.append(own if told is None else np.outer(place.p_share, told))
        return np.asarray(np.sum(at, axis=0))

    @cached_property
    def load_mw(self) -> Array:
        """All loads together, shape (n_period,)."""
        return np.asarray(self.load_p_mw.sum(axis=0))

    @cached_property
    def directions(self) -> list[Array]:
        """Shares of buses in what is drawn by all loads, then by each turbine, renewable and storage."""
        shape, at = self.dso.shape, dict(self.dso.shape.sites)
        kinds = (shape.turbines, shape.renewables, shape.storages)
        each = [np.eye(1, shape.feeder.n_bus, at[unit.name]).T for units in kinds for unit in units]
        return [self.load_p_mw / self.load_mw, *each]

    @cached_property
    def _fed_in(self) -> tuple[Array, Array]:
        """Active and reactive power of turbines, renewables and storages, shape (n_unit, n_period) each."""
        done = self.plan.dispatch
        active = (done.turbine_mw, done.renewable_mw, done.discharge_mw - done.charge_mw)
        reactive = (done.turbine_mvar, done.renewable_mvar, done.storage_mvar)
        return np.concatenate(active), np.concatenate(reactive)

    def flow(self, direction: Array | None = None, more_mw: float = 0.0) -> PowerFlow:
        """The AC power flow of the plan, with more drawn in a direction; reactive power as planned."""
        p_mw, q_mvar = -self.load_p_mw, -self.load_q_mvar
        for shares, active, reactive in zip(self.directions[1:], *self._fed_in, strict=True):
            p_mw = p_mw + shares * active
            q_mvar = q_mvar + shares * reactive
        if direction is not None:
            p_mw = p_mw - more_mw * direction
        return AcPowerFlow(self.dso.shape.feeder).solve(p_mw.T, q_mvar.T)

    def slopes(self) -> tuple[list[Array], list[Array]]:
        """Changes per MW drawn in each direction: of what passes the head, and of squared voltages.

        Shape (n_period,) and (n_period, n_bus) each; central differences.
        """
        imports, squares = [], []
        for shares in self.directions:
            more, less = self.flow(shares, STEP_MW), self.flow(shares, -STEP_MW)
            imports.append((more.p_slack_mw - less.p_slack_mw) / (2.0 * STEP_MW))
            squares.append((more.vm_pu**2 - less.vm_pu**2) / (2.0 * STEP_MW))
        return imports, squares
