"""What a world is negotiating while it runs, seen from outside in the messages that pass."""

from __future__ import annotations

from collections.abc import Callable

from gridarium.environment.links import Envelope
from gridarium.experiments.running.world_build import BuiltWorld
from gridarium.market.messages.cleanness import CleannessSignal
from gridarium.market.messages.tariffs import TariffSignal


class RoundsObserved:
    """Hears the messages of a world, and tells each round of the day ahead that one of its roots begins.

    Grids below negotiate within these rounds; of them nothing is told.

    Parameters
    ----------
    built : BuiltWorld
        Its bus records.
    tell : callable
        Called with a few words, such as "day 1, day ahead: round 12".
    """

    def __init__(self, built: BuiltWorld, tell: Callable[[str], None]) -> None:
        roots = [grid for grid in built.world.grids if grid.above is None]
        named = [(grid, built.sections[grid.name].operator_name) for grid in roots]
        self._leaders = {grid.named(name) for grid, name in named if name is not None}
        self._tell, self._told = tell, (-1, 0)
        built.world.bus.observer = self._hear

    def _hear(self, envelope: Envelope) -> None:
        match envelope.payload:
            case (
                TariffSignal(round=number, day=day, final=False, first_step=0)
                | CleannessSignal(round=number, day=day, final=False)
            ) if envelope.sender in self._leaders and (day, number) != self._told:
                self._told = day, number
                self._tell(f"day {day + 1}, day ahead: round {number}")
