"""What agents under somebody's command share: the days they count in, and which command of a day counts."""

from __future__ import annotations

from gridarium.agents.base import GridAgent
from gridarium.agents.behaviour import Behaviour
from gridarium.environment.grids import Site
from gridarium.environment.horizon import Horizon
from gridarium.market.messages.commands import Command


class Commands:
    """The numbers of the commands that have arrived: the newest one of each day counts.

    Parameters
    ----------
    horizon : Horizon
    """

    def __init__(self, horizon: Horizon) -> None:
        self._horizon = horizon
        self._newest_issue: dict[int, int] = {}

    def has(self, day: int) -> bool:
        """Whether a command of a day has arrived."""
        return day in self._newest_issue

    def take(self, command: Command) -> slice | None:
        """Take note of a command, and tell which settlement periods it is about.

        None if it is a copy of one that was taken before, or was overtaken by a newer one.
        """
        day, _ = self._horizon.place(command.period)
        if command.issue <= self._newest_issue.get(day, -1):
            return None
        self._newest_issue[day] = command.issue
        return self._horizon.rest_of_day(command.period)


class CommandedAgent(GridAgent):
    """An agent that keeps a plan for each settlement period and lets an operator rewrite what is ahead.

    - `commands`: tells which periods a command is about

    Parameters
    ----------
    site : Site
    name : str
    behaviour : Behaviour, optional
    horizon : Horizon, optional
        Its days and steps; settlement periods by default.
    """

    def __init__(
        self, site: Site, name: str, behaviour: Behaviour | None = None, horizon: Horizon | None = None
    ) -> None:
        super().__init__(site, name, behaviour)
        self.site, self.horizon = site, horizon or Horizon.of(self.world)
        self.commands = Commands(self.horizon)
