"""The storages of a virtual power plant in one region: planned as one, and commanded pro rata."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from gridarium.agents.vpp.fleet_start import FleetStart, PlantStorage
from gridarium.agents.vpp.green_day import GreenDay, GreenPlan, even_plan, replay
from gridarium.agents.vpp.green_dispatch import (
    GreenDispatch,
    dispatch_without_label,
    keeps_limits,
)
from gridarium.agents.vpp.green_near import NearSearch
from gridarium.agents.vpp.planners import VppPlanner
from gridarium.environment.arrays import Array
from gridarium.environment.errors import SolveError
from gridarium.market.messages.cleanness import CleannessSignal, RegionTerms

KEPT_SHARE = 5e-5
"""Of the bill without storage: a plan is kept until another one is better by more. It is the gap within which
plans of the share form are best, so that no plant moves for what its planner cannot tell apart."""
_PROVEN = ("bound_money", "relaxed_money", "relaxed_green_mwh", "replayed_green_mwh", "overstated_money")


class Fleet:
    """Plans the members of one region for a day, and keeps a plan until another is worth the change.

    Under a pull it goes on from its plan with each answer instead, at first from rest.

    - `answer`: the plan under new terms; the same terms give the same plan without a search
    - `look_at`: what its planner finds under terms, while the plan stays
    - `powers_mw`, `parts`: what it does together, and which part of that is each member's
    - `day`, `plan`: by the newest terms
    - `n_search`: searches of its planner so far

    Parameters
    ----------
    members : sequence of PlantStorage
        At least one; alike.
    start : FleetStart
    planner : VppPlanner
    step_h : float
    """

    def __init__(
        self,
        members: Sequence[PlantStorage],
        start: FleetStart,
        planner: VppPlanner,
        step_h: float,
    ) -> None:
        self.members, self.planner = tuple(members), planner
        self._start, self._step_h = start, step_h
        self._key: tuple[bytes, ...] = ()
        self._near_key: tuple[bytes, ...] = ()
        self._near: NearSearch | None = None
        self._found: GreenDispatch | GreenPlan
        self._seen: GreenDay
        self._sees_it_as_is = True
        self._powers: tuple[Array, Array] | None = None
        self.day: GreenDay
        self.plan: GreenPlan
        self.n_search = 0

    def answer(self, signal: CleannessSignal, terms: RegionTerms) -> GreenPlan:
        """The plan under an operator's terms."""
        if terms.pull is not None:
            return self._go_on(signal, terms)
        if self._look(signal, terms):
            new = plan_of(self._found)
            if self._powers is None or self._is_better(new):
                self._powers = new.charge_mw, new.discharge_mw
        return self._replayed()

    def look_at(self, signal: CleannessSignal, terms: RegionTerms) -> GreenPlan:
        """The plan as it stands, under an operator's terms."""
        if self._powers is None:
            return self.answer(signal, terms)
        self._look(signal, terms)
        return self._replayed()

    def _go_on(self, signal: CleannessSignal, terms: RegionTerms) -> GreenPlan:
        """The plan that is found near the one before, as the planner sees the day.

        Raises
        ------
        SolveError
            If the planner does not go on from plans.
        """
        seen = self._see(signal, terms)
        if not self.planner.goes_on:
            raise SolveError(f"agent {seen.ratings.name}: its planner cannot plan under a pull")
        if (key := key_of(seen)) != self._near_key:
            self._near_key, self._near = key, self._near or NearSearch(seen)
            if self._powers is None:
                rest = even_plan(seen)
                self._powers = rest.charge_mw, rest.discharge_mw
            new = self._near.improved(seen, *self._powers)
            self._powers = new.charge_mw, new.discharge_mw
        return self._replayed()

    def _see(self, signal: CleannessSignal, terms: RegionTerms) -> GreenDay:
        """The day under terms, as it is and as the planner sees it."""
        self.day = self._start.day_at(signal, terms, self._step_h)
        seen = self.planner.seen(self.day, terms.nodal_price_per_mwh)
        self._sees_it_as_is = seen is self.day
        return seen

    def _look(self, signal: CleannessSignal, terms: RegionTerms) -> bool:
        """Search under terms; whether they are new."""
        seen = self._see(signal, terms)
        if (key := key_of(seen)) == self._key:
            return False
        self._key, self._seen = key, seen
        if seen.pull is None or self._powers is None:
            self._found = self.planner.found(seen)
        else:
            self._found = self.planner.judged(seen, replay(seen, *self._powers))
        self.n_search += 1
        return True

    def _is_better(self, new: GreenPlan) -> bool:
        """Whether a plan is better than the one that is kept, as its planner sees the day."""
        assert self._powers is not None
        kept = replay(self._seen, *self._powers)
        if (fits := keeps_limits(self._seen, new)) != keeps_limits(self._seen, kept):
            return fits
        return new.counted_money < kept.counted_money - KEPT_SHARE * abs(self._seen.idle_money)

    def _replayed(self) -> GreenPlan:
        assert self._powers is not None
        self.plan = replay(self.day, *self._powers)
        return self.plan

    @property
    def powers_mw(self) -> Array:
        """Charge, discharge, and green discharge as far as the region can use it, MW, shape (3, n_step)."""
        plan, room_mw = self.plan, self.day.region.green_room_mw
        return np.array([plan.charge_mw, plan.discharge_mw, np.minimum(plan.green_discharge_mw, room_mw)])

    def parts(self) -> Iterator[tuple[str, float]]:
        """Names of the owners, and the part of the fleet's capacity that is each one's."""
        for one in self.members:
            yield one.owner, one.ratings.e_max_mwh / self._start.ratings.e_max_mwh

    @property
    def figures(self) -> Mapping[str, float]:
        """What is known of the plan, by the newest terms; nan where its planner proves nothing of the day."""
        found, day, plan = self._found, self.day, self.plan
        proven = dict.fromkeys(_PROVEN, np.nan)
        if isinstance(found, GreenDispatch) and self._sees_it_as_is:
            green_mwh = float(found.replayed.green_discharge_mw.sum()) * self._step_h
            told = (found.bound_money, found.relaxed_money, found.relaxed_green_mwh, green_mwh)
            proven = dict(zip(_PROVEN, (*told, found.overstated_money), strict=True))
        return {
            "cost_money": plan.cost_money,
            **({} if day.pull is None else {"pulled_money": plan.pulled_money}),
            **proven,
            "idle_money": day.idle_money,
            "benchmark_money": dispatch_without_label(day).plan.cost_money,
            "wear_money": plan.wear_money,
            "searches": float(self.n_search),
        }


def key_of(day: GreenDay) -> tuple[bytes, ...]:
    """The same for days that are equal in all that a dispatch rests on."""
    region = day.region
    arrays = (
        region.load_mw,
        region.buy_price_per_mwh,
        region.sell_price_per_mwh,
        region.green_price_per_mwh,
        region.foreign_load_mw,
        region.foreign_green_mw,
        day.green_share,
    )
    pull = () if day.pull is None else (day.pull.target_mw.tobytes(), np.array(day.pull.per_mw2h).tobytes())
    numbers = (day.initial_mwh, day.initial_green_mwh, day.ratings.e_max_mwh, *day.end_mwh)
    return (
        *(array.tobytes() for array in arrays),
        np.array(numbers).tobytes(),
        day.pricing.encode(),
        *pull,
    )


def plan_of(found: GreenDispatch | GreenPlan) -> GreenPlan:
    """The plan that was found, proven or not."""
    return found.plan if isinstance(found, GreenDispatch) else found
