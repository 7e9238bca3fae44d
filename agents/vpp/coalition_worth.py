"""What coalitions of storage owners are worth to a virtual power plant on a day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import numpy as np

from gridarium.agents.vpp.fleet import key_of, plan_of
from gridarium.agents.vpp.fleet_start import PlantStorage
from gridarium.agents.vpp.green_day import GreenDay, GreenPlan, replay
from gridarium.agents.vpp.planners import VppPlanner
from gridarium.agents.vpp.plant_day import VppDay
from gridarium.environment.arrays import Array, Flags
from gridarium.market.cleanness_shares import OwnerSchedule, saving_game

Valuing = Literal["replanned", "as-scheduled"]
"""Whether each coalition is planned for anew, or worth what the members' schedules save."""


class PlantValuer:
    """Values coalitions region by region: regions do not touch each other's bills, so v is additive.

    Parameters
    ----------
    planner : VppPlanner
    valuing : {"replanned", "as-scheduled"}

    Notes
    -----
    ``v(S) = bill of nobody - bill of S``, wear among the bill's costs (A7 for B7). Storages of a region are
    alike and planned as one, so that a coalition is worth what its capacity there is worth. All members
    together are worth what their plan in force saves. Of a plan that looks further the first day counts.
    """

    def __init__(self, planner: VppPlanner, valuing: Valuing) -> None:
        self._planner, self._valuing = planner, valuing
        self._known: dict[tuple[object, ...], float] = {}

    def values_money(self, day: VppDay, owners: Sequence[str], coalitions: Flags) -> Array:
        """Values of coalitions of a day, shape (n_coalition,), given as rows of flags by owner.

        Nobody is worth anything on a day that the operator has not settled, or who has not told its content.
        """
        values = np.zeros(len(coalitions))
        if day.is_final:
            for region, able in day.able.items():
                inside = coalitions[:, [owners.index(one.owner) for one in able]]
                values += self._of_region(day, region, able, inside)
        return values

    def _of_region(self, day: VppDay, region: str, able: Sequence[PlantStorage], inside: Flags) -> Array:
        if self._valuing == "as-scheduled":
            return self._as_scheduled(day, region, able, inside)
        fleet = day.fleets.get(region)
        members = {one.owner for one in fleet.members} if fleet is not None else set()
        planned = np.array([one.owner in members for one in able])
        capacity = inside @ np.array([one.ratings.e_max_mwh for one in able])
        values = np.array([self._replanned(day, region, float(mwh)) for mwh in capacity])
        if fleet is not None:
            in_force = saving_money(fleet.day, fleet.plan, day.n_step)
            values[(inside == planned).all(axis=1)] = in_force
        return values

    def _replanned(self, day: VppDay, region: str, capacity_mwh: float) -> float:
        """What some capacity would save, from what is known or by a search."""
        template, posted = replace(day.template(region), pull=None), day.terms[region].nodal_price_per_mwh
        key = (region, round(capacity_mwh, 9), key_of(self._planner.seen(template, posted)), key_of(template))
        if key not in self._known:
            self._known[key] = value_money(self._planner, template, posted, capacity_mwh, day.n_step)
        return self._known[key]

    def _as_scheduled(self, day: VppDay, region: str, able: Sequence[PlantStorage], inside: Flags) -> Array:
        """What the members' parts of the plan save, while the others rest."""
        fleet = day.fleets.get(region)
        if fleet is None:
            return np.zeros(len(inside))
        parts, n = dict(fleet.parts()), day.n_step
        first, powers = fleet.day.region.cut(0, n), day.planned_mw(region)
        schedules = [
            OwnerSchedule(one.owner, *(parts.get(one.owner, 0.0) * power for power in powers)) for one in able
        ]
        worn = fleet.day.wear_cost_per_mwh * float(powers[1].sum()) * first.period_h
        owed = worn * np.array([parts.get(one.owner, 0.0) for one in able])
        game = saving_game(first, schedules, fleet.day.pricing)
        masks = inside.astype(np.int64) @ (1 << np.arange(len(able)))
        return np.asarray(game.values[masks] - inside @ owed)


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

    Planned anew, as the planner sees the horizon, and worth what it is worth as that is; without a pull,
    which is nobody's money.
    """
    if capacity_mwh <= 0.0:
        return 0.0
    part = scaled(replace(day, pull=None), capacity_mwh / day.ratings.e_max_mwh)
    plan = plan_of(planner.found(planner.seen(part, posted_per_mwh)))
    return saving_money(part, replay(part, plan.charge_mw, plan.discharge_mw), n_step)
