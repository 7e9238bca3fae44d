"""What an operator commits before it negotiates: which units run, and which way energy passes the head."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from gridarium.agents.feeder.commitment_master import CommitmentMaster
from gridarium.agents.feeder.dispatch import Commitment, Dispatch, DispatchDay, Dispatcher
from gridarium.environment.arrays import Array, Flags, Index

GAP = 1e-4
"""How far a commitment may be from the best, relative to the cost of the day, for a search to end."""
ROUND_LIMIT = 12
"""Most dispatches that a search asks for."""
EXCLUSION_LIMIT = 3
"""Commitments of which no tangent tells what they cost that a search looks at: it is led by tangents."""
_RUNS = 1e-3
"""Share of running beyond which a relaxed unit is taken to run."""


@dataclass(frozen=True)
class Review:
    """What a search has found, costs of the day dispatched.

    Parameters
    ----------
    best : Commitment
        The one held, where no other is cheaper by more than `GAP`.
    held_money, best_money : float
        Of the commitment held, nan where it cannot supply the loads, and of the best one; nan where there is
        nothing to choose.
    bound_money : float
        Least that any choice of units can cost, the ways through the head as they are.
    pays : bool
        Whether the best one is another than the one held.
    """

    best: Commitment
    held_money: float
    best_money: float
    bound_money: float
    pays: bool


class _Found(NamedTuple):
    commitment: Commitment
    cost_money: float
    bound_money: float


class UnitCommitter:
    """Commits the units of one DSO for given loads.

    - `dispatcher`: solves what it tries

    Parameters
    ----------
    dispatcher : Dispatcher

    Notes
    -----
    Outer approximation: a mixed-integer programme over the units alone sees the network by tangents of its
    cost in what units feed in, which each dispatch gives with its nodal prices; it proposes a commitment and
    bounds the cost of all from below [1]_. The tangents of the relaxed dispatch, whose units may run in part,
    come first; then those of each proposal, to which missing units are lent in part at a price above all:
    where it lacks units, these tangents are as steep as a cut of feasibility.

    References
    ----------
    .. [1] M. A. Duran, I. E. Grossmann, 1986, doi:10.1007/BF02592064
    """

    def __init__(self, dispatcher: Dispatcher) -> None:
        self.dispatcher = dispatcher
        units = dispatcher.shape.turbines
        self._can_save = any(unit.cost_fixed_per_h > 0.0 or unit.p_min_mw > 0.0 for unit in units)

    def review(self, day: DispatchDay, held: Commitment | None) -> Review | None:
        """The best commitment for a day's loads beside the one that is held, if there is one.

        None where the loads cannot be supplied whatever runs.
        """
        contested = self._contested(day)
        if not self._can_save and not contested.any():
            return Review(held or self.dispatcher.everything, np.nan, np.nan, np.nan, held is None)
        given = replace(day, commitment=held or self._netted(day, contested))
        kept = None if held is None else self.dispatcher.attempt(given)
        found = self._search(given, kept)
        if found is None:
            return None
        found = self._turned(day, found, np.flatnonzero(contested))
        if held is None:
            return Review(found.commitment, found.cost_money, found.cost_money, found.bound_money, True)
        held_money = np.nan if kept is None else kept.cost_money
        return Review(
            found.commitment, held_money, found.cost_money, found.bound_money, found.commitment is not held
        )

    def _contested(self, day: DispatchDay) -> Flags:
        """Periods in which export pays more than import costs, so that both at once would pay."""
        signals = day.signals
        dearer: Flags = signals["sell_price"] > signals["buy_price"]
        return dearer if self.dispatcher.shape.export_limit_mw > 0.0 else np.zeros_like(dearer)

    def _netted(self, day: DispatchDay, contested: Flags) -> Commitment:
        """Each contested period opened in the direction that the net takes at one price for both."""
        everything = self.dispatcher.everything
        market = day.conditions
        one_price = np.where(contested, day.signals["buy_price"], market.export_price_per_mwh)
        netted = self.dispatcher.relaxed(
            replace(day, conditions=replace(market, export_price_per_mwh=one_price), commitment=everything),
            spare_price_per_h=0.0,
        )
        exports = np.zeros_like(contested) if netted is None else contested & (netted.net_mw < 0.0)
        return replace(
            everything,
            may_buy=np.where(exports, 0.0, 1.0),
            may_sell=np.where(contested & ~exports, 0.0, 1.0),
        )

    def _turned(self, day: DispatchDay, found: _Found, periods: Index) -> _Found:
        """The best of the ways through the head that differ in one contested period after the other."""
        for period in periods:
            ways = found.commitment
            buy, sell = ways.may_buy.copy(), ways.may_sell.copy()
            buy[period], sell[period] = sell[period], buy[period]
            other = replace(ways, may_buy=buy, may_sell=sell)
            tried = self.dispatcher.attempt(replace(day, commitment=other))
            if tried is not None and tried.cost_money < found.cost_money - _margin(found.cost_money):
                found = _Found(other, tried.cost_money, min(found.bound_money, tried.cost_money))
        return found

    def _search(self, day: DispatchDay, kept: Dispatch | None) -> _Found | None:
        """The best choice of units that a few dispatches find, from the one that is held on.

        What was kept is the dispatch under the day's own commitment, where that one is held: solved last.
        """
        dispatcher, given = self.dispatcher, day.commitment
        best = None if kept is None else _found(day, kept)
        if not self._can_save:
            return best or self._tried(day, given.on)
        nothing_on = replace(given, on=np.zeros_like(given.on))
        relaxed = dispatcher.relaxed(replace(day, commitment=nothing_on), spare_price_per_h=0.0)
        if relaxed is None:
            return None
        master = CommitmentMaster(dispatcher.shape, day)
        master.add_cut(relaxed.cut)
        seen = set[bytes]()
        if kept is not None:
            seen.add(given.on.tobytes())
            self._teach(master, day, kept)
        proposed, bound = np.where(relaxed.on > _RUNS, 1.0, 0.0), relaxed.cost_money
        for _ in range(ROUND_LIMIT):
            if best is not None and bound >= best.cost_money - _margin(best.cost_money):
                break
            if master.exclusions >= EXCLUSION_LIMIT:
                break
            if proposed.tobytes() in seen:
                # What its tangents leave open of a choice that was dispatched is not worth another look.
                master.exclude(proposed)
            else:
                best = self._better(best, replace(day, commitment=replace(given, on=proposed)), master)
                seen.add(proposed.tobytes())
            proposal = master.propose()
            if proposal is None:
                bound = np.inf
                break
            proposed, bound = proposal
        best = best or self._tried(day, np.ones_like(given.on))
        return None if best is None else best._replace(bound_money=min(bound, best.cost_money))

    def _better(self, best: _Found | None, day: DispatchDay, master: CommitmentMaster) -> _Found | None:
        """The best so far, or a day's commitment if it is cheaper; the master learns what follows from it.

        Its relaxation is enough to see that a commitment does not pay, and takes a part of the time. Units
        that are missing are lent at a price above all, so that the tangent tells where, and how much.
        """
        relaxed = self.dispatcher.relaxed(day, self.dispatcher.lending_price_per_h(day))
        if relaxed is None:
            return best
        master.add_cut(relaxed.cut)
        lends = (relaxed.on - day.commitment.on).max(initial=0.0) > _RUNS
        if lends or (best is not None and relaxed.cost_money >= best.cost_money - _margin(best.cost_money)):
            return best
        dispatch = self.dispatcher.attempt(day)
        if dispatch is None or dispatch.cost_money - relaxed.cost_money > _margin(dispatch.cost_money):
            # Where the relaxation burns energy, no tangent tells what the network costs.
            master.exclude(day.commitment.on)
        return best if dispatch is None else _cheaper(best, _found(day, dispatch))

    def _teach(self, master: CommitmentMaster, day: DispatchDay, dispatch: Dispatch) -> None:
        """Tell the master what follows from the dispatch of a day that was solved last."""
        if dispatch.cost_money - dispatch.bound_money <= _margin(dispatch.cost_money):
            master.add_cut(self.dispatcher.cut(day))
        else:
            # Where the relaxation burns energy, the network's cost is not convex: no tangent bounds it.
            master.exclude(day.commitment.on)

    def _tried(self, day: DispatchDay, on: Array) -> _Found | None:
        """A dispatch with these units, or None where it cannot supply the loads."""
        asked = replace(day, commitment=replace(day.commitment, on=on))
        dispatch = self.dispatcher.attempt(asked)
        return None if dispatch is None else _found(asked, dispatch)


def _found(day: DispatchDay, dispatch: Dispatch) -> _Found:
    return _Found(day.commitment, dispatch.cost_money, dispatch.cost_money)


def _cheaper(one: _Found | None, other: _Found | None) -> _Found | None:
    """The first one, unless the other is cheaper by more than the gap."""
    if one is None or other is None:
        return one or other
    return other if other.cost_money < one.cost_money - _margin(one.cost_money) else one


def _margin(cost_money: float) -> float:
    return GAP * (1.0 + abs(cost_money))
