"""Consumers: followers with quadratic utility who shift load against the price."""

from __future__ import annotations

from collections.abc import Iterator

from gridarium.agents.feeder.consumer_day import ConsumerDay, Demand
from gridarium.agents.feeder.load_follower import LoadFollower
from gridarium.agents.rows import Rows
from gridarium.environment.arrays import Array


class Consumer(LoadFollower[Demand, ConsumerDay]):
    """A follower whose answer to a tariff is its optimum, equation C12.

    Parameters
    ----------
    place : Site or SpreadSite
        Where its load meets the grid.
    name : str
    group : str
        Its class, for tables.
    demand : Demand
        Of all days.
    leader : str
        Whose tariff it takes.
    behaviour : Behaviour, optional
    horizon : Horizon, optional
        Its days and steps; settlement periods by default.
    """

    def _begin(self, demand: Demand) -> ConsumerDay:
        return ConsumerDay(self.world, self.name, demand, self.horizon.step_h)

    def rows(self) -> Iterator[Rows]:
        """Its load, and what that was worth to it."""
        yield from super().rows()
        utility = sum(day.utility_money(load) for day, load in self._loads_by_day())
        yield Rows("payoffs", {"item": "utility", "amount_money": utility}, by="row")

    @property
    def discomfort_money(self) -> float:
        """What moving its load has cost it in utility, money of the run."""
        return sum(day.discomfort_money(load) for day, load in self._loads_by_day())

    def _loads_by_day(self) -> Iterator[tuple[ConsumerDay, Array]]:
        """Each day with what it drew, MW, shape (n_step,)."""
        for number, day in enumerate(self._days):
            yield day, self.horizon.fit(self.drawn_mw[self.horizon.periods(number)])
