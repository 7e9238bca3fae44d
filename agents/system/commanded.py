"""What agents under a system operator's command share: its name, and the days they count in."""

from __future__ import annotations

from gridarium.agents.base import GridAgent
from gridarium.agents.behaviour import Behaviour
from gridarium.environment.arrays import Array, series
from gridarium.environment.clock import DAY_S
from gridarium.environment.grids import Site
from gridarium.market.messages.commands import Command


class CommandedAgent(GridAgent):
    """An agent that keeps a plan for each settlement period and lets an operator rewrite what is ahead.

    Parameters
    ----------
    site : Site
        In a world of whole days, or of less than one.
    name : str
    leader : str
        Whose commands it follows.
    behaviour : Behaviour, optional
    """

    def __init__(self, site: Site, name: str, leader: str, behaviour: Behaviour | None = None) -> None:
        super().__init__(site, name, behaviour)
        world = self.world
        self.site, self.leader = site, leader
        self.day_length = min(world.n_period, round(DAY_S / world.clock.period_s))
        self._newest_issue: dict[int, int] = {}

    def day(self, period: int) -> slice:
        """The periods of the day in which a period lies."""
        first = period - period % self.day_length
        return slice(first, first + self.day_length)

    def rest_of_day(self, period: int) -> slice:
        """The periods from one on to the end of its day."""
        return slice(period, self.day(period).stop)

    def of_day(self, values: Array, day: int) -> Array:
        """The part of a series, shape (n_period,), that belongs to a day."""
        return values[day * self.day_length : (day + 1) * self.day_length]

    def follow(self, command: Command) -> bool:
        """Take note of a command; tell whether it is news rather than a copy or overtaken by a newer one."""
        day = command.period // self.day_length
        newest = self._newest_issue.get(day, -1)
        self._newest_issue[day] = max(command.issue, newest)
        return command.issue > newest


def told(actual: Array, expected: Array) -> Array:
    """What is certain of the first period, and what is expected of the others; read-only."""
    return series([*actual[:1], *expected[1:]])
