"""Compensators of reactive power, such as an SVC: give what they are told, within their range."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike

from gridarium.agents.base import on
from gridarium.agents.devices.commanded import CommandedAgent
from gridarium.agents.rows import Rows
from gridarium.environment.grids import Site
from gridarium.environment.horizon import Horizon
from gridarium.environment.voltage_control import Compensator
from gridarium.market.messages.commands import CompensatorSetpoint, Receipt


class CompensatorUnit(CommandedAgent):
    """Gives or draws reactive power as told (A19); nothing without a command.

    Parameters
    ----------
    site : Site
    ratings : Compensator
    horizon : Horizon, optional
        Its days; those of settlement periods by default.
    """

    kind = "compensator"

    def __init__(self, site: Site, ratings: Compensator, horizon: Horizon | None = None) -> None:
        super().__init__(site, ratings.name, horizon=horizon)
        self.ratings = ratings
        self._told_mvar, self._q_mvar = np.zeros((2, self.world.n_period))

    @on(CompensatorSetpoint)
    def take_setpoint(self, setpoint: CompensatorSetpoint, sender: str) -> Receipt:
        """Keep what it shall give for the rest of the day."""
        if (ahead := self.commands.take(setpoint)) is not None:
            self._told_mvar[ahead] = setpoint.q_mvar
        return Receipt()

    def operate(self, period: int) -> None:
        """Give what it was told, within its range."""
        q_mvar = float(np.clip(self._told_mvar[period], self.ratings.q_min_mvar, self.ratings.q_max_mvar))
        self._q_mvar[period] = q_mvar
        self.site.supply(self.name, 0.0, q_mvar)

    def rows(self) -> Iterator[Rows]:
        """What it gave."""
        power: dict[str, ArrayLike] = {"p_supply_mw": 0.0, "p_demand_mw": 0.0, "q_mvar": self._q_mvar}
        yield Rows("dispatch", {"bus": self.site.label, **power})
