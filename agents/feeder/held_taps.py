"""Positions of a DSO's tap changer on a day: held while prices are negotiated, looked at in between."""

from __future__ import annotations

from gridarium.agents.feeder.dispatch import DispatchDay, Dispatcher
from gridarium.agents.feeder.dso_day import DsoDay
from gridarium.agents.feeder.tap_search import TapSearch
from gridarium.environment.errors import InfeasibleError


class HeldTaps:
    """Holds what a search has found in `DsoDay.tap`, as the commitment is held.

    Dispatches of one round and the next then differ by the loads alone. After a negotiation the positions
    are held against the best ones for the loads that came of it, and better ones negotiated under anew.

    Parameters
    ----------
    dispatcher : Dispatcher
        Its shape has a tap changer.
    """

    def __init__(self, dispatcher: Dispatcher) -> None:
        self._search = TapSearch(dispatcher)

    def hold(self, day: DispatchDay, today: DsoDay) -> DispatchDay:
        """A day at the positions held; before there are any, at whatever ratios would be best."""
        if today.tap is None:
            return self._search.free(day, today.tap_before)
        return self._search.at(day, today.tap)

    def review(self, day: DispatchDay, today: DsoDay, takes: bool) -> bool:
        """Hold the positions against the best ones for a day; whether others are taken now.

        Raises
        ------
        InfeasibleError
            If no positions were found at which the units that run can supply the loads.
        """
        found = self._search.review(day, today.tap_before, today.tap)
        if found is None:
            owner, name = self._search.dispatcher.owner, self._search.changer.name
            raise InfeasibleError(f"agent {owner}: no positions of {name} were found that supply the loads")
        today.tap_review = found
        if not (takes and found.pays):
            return False
        today.tap = found.best
        return True
