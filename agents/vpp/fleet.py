"""The storages of a virtual power plant in one region: alike, planned as one, and commanded pro rata."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from gridarium.agents.vpp.green_day import GreenDay, GreenPlan, replay
from gridarium.agents.vpp.green_dispatch import (
    GreenDispatch,
    dispatch_without_label,
    keeps_limits,
)
from gridarium.agents.vpp.planners import VppPlanner
from gridarium.environment.arrays import Array
from gridarium.environment.storage import StorageRatings
from gridarium.market.messages.cleanness import CleannessSignal, RegionTerms
from gridarium.market.regional_bill import RegionDay

KEPT_SHARE = 5e-5
"""Of the bill without storage: a plan is kept until another one is better by more. It is the gap within which
plans of the share form are best, so that no plant moves for what its planner cannot tell apart."""
_ROUNDING_MWH = 1e-9
_PROVEN = ("bound_money", "relaxed_money", "relaxed_green_mwh", "replayed_green_mwh", "overstated_money")


@dataclass(frozen=True)
class PlantStorage:
    """A storage that a plant may command.

    Parameters
    ----------
    owner : str
        Name in the world of its owner.
    region : str
    ratings : StorageRatings
        Without what its owner keeps to itself.
    wear_cost_per_mwh : float
        Of each MWh discharged.
    """

    owner: str
    region: str
    ratings: StorageRatings
    wear_cost_per_mwh: float = 0.0


def fleet_start(
    name: str, storages: Sequence[PlantStorage], e_mwh: Sequence[float], green_share: Sequence[float]
) -> FleetStart:
    """Storages that are alike as one, with what each holds as a day begins; at least one.

    Parameters
    ----------
    name : str
        In errors.
    storages : sequence of PlantStorage
    e_mwh, green_share : sequence of float
        Of each.
    """
    units, held = [one.ratings for one in storages], np.array(e_mwh)
    first, e_max, total = units[0], sum(unit.e_max_mwh for unit in units), float(held.sum())
    ratings = replace(
        first,
        name=name,
        p_max_mw=sum(unit.p_max_mw for unit in units),
        e_max_mwh=e_max,
        # What owners hold is told by many and may be off the band by last digits.
        soc_initial=min(max(total / e_max, first.soc_min), first.soc_max),
        s_max_mva=sum(unit.s_max_mva for unit in units),
    )
    share = float(held @ np.array(green_share)) / total if total > 0.0 else 0.0
    home = sum(unit.soc_initial * unit.e_max_mwh for unit in units)
    return FleetStart(ratings, share, home, storages[0].wear_cost_per_mwh)


def scaled(day: GreenDay, part: float) -> GreenDay:
    """The day of a part of a fleet of storages that are alike."""
    ratings, (final, least) = day.ratings, day.end_mwh
    own = replace(
        ratings,
        p_max_mw=ratings.p_max_mw * part,
        e_max_mwh=ratings.e_max_mwh * part,
        s_max_mva=ratings.s_max_mva * part,
    )
    # Products round differently: the least green energy is not above what is there at the end.
    final *= part
    return replace(day, ratings=own, final_mwh=final, least_green_mwh=min(least * part, final))


@dataclass(frozen=True)
class FleetStart:
    """What a fleet begins a day with.

    Parameters
    ----------
    ratings : StorageRatings
        Of all together, with what is inside.
    green_share : float
        Of what is inside.
    home_mwh : float
        What all held at the start of the world, with which a horizon shall end as far as that is in reach.
    wear_cost_per_mwh : float
        Of each MWh discharged.
    """

    ratings: StorageRatings
    green_share: float
    home_mwh: float
    wear_cost_per_mwh: float

    def day_at(self, signal: CleannessSignal, terms: RegionTerms, step_h: float) -> GreenDay:
        """What a dispatch in a region rests on, by an operator's terms.

        It ends with as much green energy as there is at first; with as green a rest where that is less.
        """
        region = RegionDay(
            terms.region,
            terms.load_mw,
            terms.buy_price_per_mwh,
            terms.sell_price_per_mwh,
            terms.initial_price_per_mwh,
            step_h,
            terms.foreign_load_mw,
            terms.foreign_green_mw,
        )
        begun = self.ratings.soc_initial * self.ratings.e_max_mwh
        (into, out), passed = self.ratings.efficiencies, len(region.load_mw) * step_h * self.ratings.p_max_mw
        final = min(max(self.home_mwh, begun - passed / out), begun + passed * into)
        if abs(final - begun) <= _ROUNDING_MWH:
            final = begun
        return GreenDay(
            region,
            self.ratings,
            self.green_share,
            signal.green_share,
            signal.pricing,
            self.wear_cost_per_mwh,
            final,
            self.green_share * min(begun, final),
        )


class Fleet:
    """Plans the members of one region for a day, and keeps a plan until another is worth the change.

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
        self._found: GreenDispatch | GreenPlan
        self._seen: GreenDay
        self._sees_it_as_is = True
        self._powers: tuple[Array, Array] | None = None
        self.day: GreenDay
        self.plan: GreenPlan
        self.n_search = 0

    def answer(self, signal: CleannessSignal, terms: RegionTerms) -> GreenPlan:
        """The plan under an operator's terms."""
        if self._look(signal, terms):
            new = _plan_of(self._found)
            if self._powers is None or self._is_better(new):
                self._powers = new.charge_mw, new.discharge_mw
        return self._replayed()

    def look_at(self, signal: CleannessSignal, terms: RegionTerms) -> GreenPlan:
        """The plan as it stands, under an operator's terms."""
        if self._powers is None:
            return self.answer(signal, terms)
        self._look(signal, terms)
        return self._replayed()

    def _look(self, signal: CleannessSignal, terms: RegionTerms) -> bool:
        """Search under terms; whether they are new."""
        self.day = self._start.day_at(signal, terms, self._step_h)
        seen = self.planner.seen(self.day, terms.nodal_price_per_mwh)
        self._sees_it_as_is = seen is self.day
        if (key := key_of(seen)) == self._key:
            return False
        self._key, self._seen, self._found = key, seen, self.planner.found(seen)
        self.n_search += 1
        return True

    def _is_better(self, new: GreenPlan) -> bool:
        """Whether a plan is better than the one that is kept, as its planner sees the day."""
        assert self._powers is not None
        kept = replay(self._seen, *self._powers)
        if (fits := keeps_limits(self._seen, new)) != keeps_limits(self._seen, kept):
            return fits
        return new.cost_money < kept.cost_money - KEPT_SHARE * abs(self._seen.idle_money)

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
    numbers = (day.initial_mwh, day.initial_green_mwh, day.ratings.e_max_mwh, *day.end_mwh)
    return (
        *(array.tobytes() for array in arrays),
        np.array(numbers).tobytes(),
        day.pricing.encode(),
    )


def _plan_of(found: GreenDispatch | GreenPlan) -> GreenPlan:
    return found.plan if isinstance(found, GreenDispatch) else found


def saving_money(day: GreenDay, plan: GreenPlan, n_step: int) -> float:
    """What a plan saves in the first steps of a horizon: the bill without it, less bill and wear with it."""
    first, steps = day.region.cut(0, n_step), slice(n_step)
    green = np.minimum(plan.green_discharge_mw[steps], first.green_room_mw)
    bill = first.bill(plan.charge_mw[steps], plan.discharge_mw[steps], green, day.pricing)
    worn = day.wear_cost_per_mwh * float(plan.discharge_mw[steps].sum()) * first.period_h
    without = float(first.buy_price_per_mwh @ first.load_mw) * first.period_h
    return without - float(bill.cost_money) - worn


def value_money(
    planner: VppPlanner, day: GreenDay, posted_per_mwh: Array, capacity_mwh: float, n_step: int
) -> float:
    """What so much capacity of a region's fleet would save in the first steps of a horizon.

    Planned anew, as the planner sees the horizon, and worth what it is worth as that is.
    """
    if capacity_mwh <= 0.0:
        return 0.0
    part = scaled(day, capacity_mwh / day.ratings.e_max_mwh)
    plan = _plan_of(planner.found(planner.seen(part, posted_per_mwh)))
    return saving_money(part, replay(part, plan.charge_mw, plan.discharge_mw), n_step)
