"""Which positions a tap changer takes through a day: fix and refine, with a proven bound."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from gridarium.agents.feeder.dispatch import Dispatch, DispatchDay, Dispatcher, RelaxedDispatch
from gridarium.agents.feeder.tap_costs import TapCosts
from gridarium.agents.feeder.tap_path import cheapest_path
from gridarium.agents.feeder.voltage_terms import HeadBand, usable_positions
from gridarium.environment.arrays import Index
from gridarium.environment.errors import Fault, NetworkError
from gridarium.environment.voltage_control import TapChanger

GAP = 1e-4
"""How far a path may be from the bound, relative to the cost of the day, for a search to end."""
ROUND_LIMIT = 8
"""Most paths whose relaxation a search looks at."""
_TRIES = 3
"""Most paths that it dispatches, where power flows of the best ones are not found."""
_WORTH_MOVING = 1e-6
"""Least gain for which the tap changer moves, over all moves of a day, relative to the cost."""


@dataclass(frozen=True)
class TapReview:
    """What a search has found, costs of the day dispatched.

    Parameters
    ----------
    best : ndarray of int, shape (n_period,)
        Positions; those held, where no others are cheaper by more than `GAP`.
    dispatch : Dispatch
        At these.
    held_money : float
        Of the positions held, nan where there are none or they cannot supply the loads.
    bound_money : float
        Least that any positions can cost: what it costs with any ratios that change no more in all, or more
        where no storage couples periods.
    pays : bool
        Whether the best ones are others than those held.
    looks : int
        Relaxed dispatches that the search has solved.
    """

    best: Index
    dispatch: Dispatch
    held_money: float
    bound_money: float
    pays: bool
    looks: int

    @property
    def gap(self) -> float:
        """How far the best path may be from the cheapest there is, relative to the cost."""
        return (self.dispatch.cost_money - self.bound_money) / _scale(self.dispatch.cost_money)


class TapSearch:
    """Finds positions of the tap changer of one DSO for given loads and units.

    - `dispatcher`: solves what it tries

    Parameters
    ----------
    dispatcher : Dispatcher
        Its shape has a tap changer.

    Raises
    ------
    NetworkError
        If no position leaves the substation in the band of voltages.

    Notes
    -----
    Fix and refine. The dispatch whose ratio may take any value in each period, and changes in all by no more
    than the day's steps, bounds the cost of all paths. A path is then the cheapest in a model of the cost of
    each period at each position, `TapCosts`, which leaves only the steps of the day to couple periods: it is
    found by dynamic programming. What its relaxed dispatch tells of the head's marginal value refines the
    model, until a path is within `GAP` of the bound or none is new. Where no storage couples periods either,
    the cheapest path of the model is a bound as well. The best path is dispatched.
    """

    def __init__(self, dispatcher: Dispatcher) -> None:
        self.dispatcher, shape = dispatcher, dispatcher.shape
        assert shape.tap_changer is not None
        self.changer: TapChanger = shape.tap_changer
        self.rated_vm_pu = shape.feeder.slack_vm_pu
        self.usable = usable_positions(self.changer, self.rated_vm_pu, shape.voltage_band_pu)
        if not len(self.usable):
            low, high = shape.voltage_band_pu
            allowed = f"must leave the substation in the band [{low:g}, {high:g}] p.u. at some position"
            raise NetworkError("tap changer", [Fault("step_pu", self.changer.step_pu, allowed)])

    def at(self, day: DispatchDay, position: Index) -> DispatchDay:
        """A day with positions held, shape (n_period,)."""
        return replace(day, head_band=HeadBand.at(self.changer, position, self.rated_vm_pu))

    def free(self, day: DispatchDay, before: int) -> DispatchDay:
        """A day whose ratio may take any value in each period, from a position on."""
        n_period = self.dispatcher.shape.n_period
        band = HeadBand.free(self.changer, self.usable, before, self.rated_vm_pu, n_period)
        return replace(day, head_band=band)

    def review(self, day: DispatchDay, before: int, held: Index | None = None) -> TapReview | None:
        """The best positions for a day's loads and units beside those that are held, if there are any.

        None where the loads cannot be supplied whatever the positions are, as far as was searched.

        Parameters
        ----------
        day : DispatchDay
        before : int
            Position before the first period.
        held : ndarray of int, shape (n_period,), optional
        """
        kept = None if held is None else self.dispatcher.attempt(self.at(day, held))
        lending = self.dispatcher.lending_price_per_h(day)
        relaxed = self.dispatcher.relaxed(self.free(day, before), lending)
        if relaxed is None:
            return None
        bound, held_money = relaxed.bound_money, np.nan if kept is None else kept.cost_money
        if held is not None and kept is not None and held_money - bound <= GAP * _scale(held_money):
            return TapReview(held, kept, held_money, min(bound, held_money), False, 1)
        looks, least = self._looks(self.free(day, before), before, relaxed, lending)
        bound = max(bound, least)
        best, found = self._dispatched(day, looks)
        if held is not None and kept is not None:
            better = found is not None and held_money - found.cost_money > GAP * _scale(held_money)
            best, found = (best, found) if better else (held, kept)
        if best is None or found is None:
            return None
        bound = min(bound, found.cost_money)
        return TapReview(best, found, held_money, bound, best is not held, 1 + len(looks))

    def _looks(
        self, day: DispatchDay, before: int, relaxed: RelaxedDispatch, lending: float
    ) -> tuple[list[tuple[float, Index]], float]:
        """Paths with what they cost at least, the cheapest first, and a bound of all paths.

        A path that cannot supply the loads costs inf.
        """
        model, bound = TapCosts.of(self.dispatcher.shape, relaxed, self.usable, day), relaxed.bound_money
        moves = self.changer.moves_per_day
        worth = _WORTH_MOVING * _scale(bound) / (1 + moves)
        looks: dict[bytes, tuple[float, Index]] = {}
        cheapest = np.inf
        for _ in range(ROUND_LIMIT):
            costs = model.cost_money()
            place = cheapest_path(costs, self.usable, before, moves, worth)
            position = self.usable[place]
            if model.is_bound:
                spared = worth * (moves - self.changer.moves(position, before))
                bound = max(bound, float(costs[place, np.arange(len(place))].sum()) - spared)
            if position.tobytes() in looks or cheapest - bound <= GAP * _scale(bound):
                break
            look = self.dispatcher.relaxed(self.at(day, position), lending)
            looks[position.tobytes()] = (np.inf if look is None else look.cost_money, position)
            if look is None:
                model.refuse(place)
                continue
            cheapest = min(cheapest, look.cost_money)
            if cheapest - bound <= GAP * _scale(bound):
                break
            model.learn(place, look)
        return sorted(looks.values(), key=lambda look: look[0]), bound

    def _dispatched(
        self, day: DispatchDay, looks: list[tuple[float, Index]]
    ) -> tuple[Index | None, Dispatch | None]:
        """The first path of which a dispatch is found."""
        for least_money, position in looks[:_TRIES]:
            dispatch = self.dispatcher.attempt(self.at(day, position)) if np.isfinite(least_money) else None
            if dispatch is not None:
                return position, dispatch
        return None, None


def _scale(cost_money: float) -> float:
    return 1.0 + abs(cost_money)
