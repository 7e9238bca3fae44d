"""Gas turbines of a feeder: run as scheduled, pay for their fuel, and bill it to who schedules them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gridarium.agents.base import on
from gridarium.agents.devices.commanded import CommandedAgent
from gridarium.agents.rows import Rows
from gridarium.environment.grids import Site
from gridarium.environment.thermal_unit import GasTurbineRatings
from gridarium.market.messages.commands import Receipt, TurbineSchedule
from gridarium.market.settlement import UnitAccount, settle_unit


class GasTurbine(CommandedAgent):
    """A turbine without commitment: what it is told it can run at once; idle until it is told anything.

    Parameters
    ----------
    site : Site
    name : str
    ratings : GasTurbineRatings
    leader : str
        Who pays for its fuel.
    """

    kind = "gas_turbine"

    def __init__(self, site: Site, name: str, ratings: GasTurbineRatings, leader: str) -> None:
        super().__init__(site, name)
        self._ratings, self._leader = ratings, leader
        n_period = self.world.n_period
        self._told_mw, self._q_mvar, self._p_mw = np.zeros((3, n_period))

    @on(TurbineSchedule)
    def take_schedule(self, schedule: TurbineSchedule, sender: str) -> Receipt:
        """Keep what it shall run at for the rest of the day."""
        if (ahead := self.commands.take(schedule)) is not None:
            self._told_mw[ahead], self._q_mvar[ahead] = schedule.p_mw, schedule.q_mvar
        return Receipt()

    def operate(self, period: int) -> None:
        """Run as scheduled, up to its rating; its carbon goes with the energy."""
        p_mw = min(float(self._told_mw[period]), self._ratings.p_max_mw)
        self._p_mw[period] = p_mw
        self.site.supply(p_mw, float(self._q_mvar[period]), self._ratings.emission_tco2_per_mwh)

    def settle(self, period: int) -> None:
        """Pay for the fuel, and bill it."""
        fuel_money = self._ratings.fuel_cost_per_h(float(self._p_mw[period])) * self.world.period_h
        account = UnitAccount(self.world.clock.now_s, period, self.name, self._leader, fuel_money)
        settle_unit(self.world.ledger, account)

    def rows(self) -> Iterator[Rows]:
        """What it supplied."""
        power = {"p_supply_mw": self._p_mw, "q_mvar": self._q_mvar}
        yield Rows("dispatch", {"bus": self.site.label, "p_demand_mw": 0.0, **power})
