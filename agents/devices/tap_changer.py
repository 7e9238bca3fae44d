"""A tap changer at the head of a feeder: takes the positions that it is told, as far as it may move."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gridarium.agents.base import on
from gridarium.agents.devices.commanded import CommandedAgent
from gridarium.agents.rows import Rows
from gridarium.environment.grids import Site
from gridarium.environment.horizon import Horizon
from gridarium.environment.voltage_control import TapChanger
from gridarium.market.messages.commands import Receipt, TapCommand
from gridarium.market.messages.forecasts import ForecastRequest, TapPosition


class TapChangerUnit(CommandedAgent):
    """Sets the voltage of its grid's head in each period by its position.

    It goes no further than its last position, and no more steps on a day than it may; without a command it
    stays where it is.

    Parameters
    ----------
    site : Site
        The head of its grid.
    ratings : TapChanger
    horizon : Horizon, optional
        Days by which its steps are counted; those of settlement periods by default.

    Notes
    -----
    A18, with the limit of moves per day.
    """

    kind = "tap_changer"

    def __init__(self, site: Site, ratings: TapChanger, horizon: Horizon | None = None) -> None:
        super().__init__(site, ratings.name, horizon=horizon)
        self.ratings = ratings
        n_period = self.world.n_period
        self._told = np.full(n_period, ratings.initial)
        self._now, self._moved, self._operated = ratings.initial, 0, 0
        self.position, self.moves = np.full(n_period, ratings.initial), np.zeros(n_period, dtype=np.int64)

    @on(ForecastRequest)
    def tell_position(self, request: ForecastRequest, sender: str) -> TapPosition:
        """Tell where it will stand when a day begins, if all goes as told until then."""
        first = self.horizon.periods(request.day).start
        return TapPosition(request.day, int(self._told[first - 1]) if first > self._operated else self._now)

    @on(TapCommand)
    def take_command(self, command: TapCommand, sender: str) -> Receipt:
        """Keep the positions of the rest of the day; it stays at the last one."""
        if (ahead := self.commands.take(command)) is not None:
            self._told[ahead] = command.position
            self._told[ahead.stop :] = command.position[-1]
        return Receipt()

    def operate(self, period: int) -> None:
        """Go to the position that it was told, and set the voltage of the head."""
        ratings = self.ratings
        if period == self.horizon.rest_of_day(period).stop - self.horizon.day_length:
            self._moved = 0
        wanted = int(np.clip(self._told[period], ratings.first, ratings.last))
        left = ratings.moves_per_day - self._moved
        step = int(np.clip(wanted - self._now, -left, left))
        self._now, self._moved, self._operated = self._now + step, self._moved + abs(step), period + 1
        self.position[period], self.moves[period] = self._now, abs(step)
        rated = self.grid.feeder.slack_vm_pu
        self.grid.head_vm_pu = float(ratings.head_vm_pu(self.position[period], rated))

    def rows(self) -> Iterator[Rows]:
        """Where it stood, where it was told to, and the steps that it made."""
        yield Rows(
            "taps", {"position": self.position, "position_told": self._told.copy(), "moves": self.moves}
        )
