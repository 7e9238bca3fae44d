"""How a plan goes on under a pull: better ones near it, by prices of green energy, without any search."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from gridarium.agents.optimisation import LocalProblem
from gridarium.agents.storage.storage_problem import StorageShape
from gridarium.agents.vpp.green_day import GreenDay, GreenPlan, even_plan, replay
from gridarium.agents.vpp.green_dispatch import LABEL_TOLERANCE, keeps_limits
from gridarium.agents.vpp.green_slopes import GreenSlopes, label_slopes, reward_slopes
from gridarium.agents.vpp.near_problem import near_form
from gridarium.environment.arrays import Array

_STEPS = 6
"""Most steps of one answer; each from where the last one has led."""
_ENOUGH = 1e-8
"""Gain of a step below which no other follows, as a share of the bill without storage."""
_HOLDS = (1.0, 0.0, 4.0, 16.0, 64.0)
"""Weights that hold a step near its start, in those of the pull, of which the first that gains is gone.

With none first, a plan jumps from round to round; without it, it may stay where only a long step gains.
"""
_TRIES = 24
"""Prices of green energy at the end that are tried in one step."""
_MARGINS = 6
"""Tries to keep green discharge within the load, by margins that grow."""
_AT_ONCE = 1e-6
"""Most of its power by which a storage charges and discharges at once, for rounding."""
_FINE = 20.0
"""How much more green energy than there must be may be left at the end, in tolerances of the label."""


class _Start(NamedTuple):
    """What a step starts from: a plan, and what further charge and discharge do to reward and label there."""

    day: GreenDay
    plan: GreenPlan
    reward: GreenSlopes
    label: GreenSlopes


class NearSearch:
    """Improves a storage's schedule for a day whose terms have moved; it holds a live solver.

    Parameters
    ----------
    day : GreenDay
        Any of those that are asked for: storage, length and final energy stay.

    Notes
    -----
    Sequential convex steps. What green energy earns is taken by its derivatives at the plan; the dispatch
    with the pull is a convex problem (`build_near_model`). Green energy at the end has the least price at
    which as much is left as there must be. The first step is gone that gains by the exact replay. What
    comes is a best plan near the one before, not of all.

    A step is shortened by a weight on its distance from its start, not by going a part of its way: half way
    between two plans that leave enough green energy there may be too little.
    """

    def __init__(self, day: GreenDay) -> None:
        storage = StorageShape(day.ratings, day.n_period, day.region.period_h)
        self._problem = LocalProblem(near_form(storage, day.end_mwh[0]))
        self._label_price = 0.0

    def improved(self, day: GreenDay, charge_mw: Array, discharge_mw: Array) -> GreenPlan:
        """The best plan that is found near a schedule.

        Parameters
        ----------
        day : GreenDay
            With a pull.
        charge_mw, discharge_mw : ndarray, shape (n_period,)
            May break the label's limits by the day's terms; where no plan is found that keeps them, the even
            one is it.
        """
        plan, enough = replay(day, charge_mw, discharge_mw), _ENOUGH * abs(day.idle_money)
        for _ in range(_STEPS):
            start = _Start(day, plan, reward_slopes(day, plan), label_slopes(day, plan))
            found = next(filter(None, (self._gaining(start, hold) for hold in _HOLDS)), None)
            if found is None:
                break
            gained = plan.counted_money - found.counted_money if keeps_limits(day, plan) else np.inf
            plan = found
            if gained <= enough:
                break
        return plan if keeps_limits(day, plan) else even_plan(day)

    def _gaining(self, start: _Start, hold: float) -> GreenPlan | None:
        """Where a held step leads; None where it gains nothing, or no price keeps the label's limits."""
        day, plan = start.day, start.plan
        beyond = np.zeros(day.n_period)
        for _ in range(_MARGINS):
            found = self._labelled(start, beyond, hold)
            if found is None:
                return None
            if keeps_limits(day, found):
                gains = found.counted_money < plan.counted_money or not keeps_limits(day, plan)
                return found if gains else None
            beyond += 1.5 * np.maximum(found.green_discharge_mw - day.region.green_room_mw, 0.0)
        return None

    def _labelled(self, start: _Start, beyond_mw: Array, hold: float) -> GreenPlan | None:
        """The plan at the least price of green energy at the end that leaves enough; by false position."""
        day = start.day
        if day.pricing == "none":
            return self._at(start, start.reward, beyond_mw, hold)
        fine, most = _FINE * LABEL_TOLERANCE, float(np.abs(day.region.buy_price_per_mwh).max())

        def at(price: float) -> tuple[GreenPlan, float]:
            slopes = GreenSlopes(*(r + price * s for r, s in zip(start.reward, start.label, strict=True)))
            found = self._at(start, slopes, beyond_mw, hold)
            # A tenth of the tolerance is for the rounding of others who replay it.
            return found, float(found.green_mwh[-1]) - day.end_mwh[1] + 0.1 * LABEL_TOLERANCE

        low, (free, low_left) = 0.0, at(0.0)
        if low_left >= 0.0:
            self._label_price = 0.0
            return free
        high = self._label_price or 0.1 * most
        best, high_left = at(high)
        while high_left < 0.0 and high < 1e3 * most:
            low, low_left, high = high, high_left, 3.0 * high
            best, high_left = at(high)
        if high_left < 0.0:
            return None
        for number in range(_TRIES):
            if high_left <= fine or high - low <= 1e-12 * high:
                break
            # Every third time the middle, where one end does not move.
            part = 0.5 if number % 3 == 2 else -low_left / (high_left - low_left)
            price = low + min(max(part, 0.02), 0.98) * (high - low)
            found, left = at(price)
            if left >= 0.0:
                high, high_left, best = price, left, found
            else:
                low, low_left = price, left
        self._label_price = high
        return best

    def _at(self, start: _Start, slopes: GreenSlopes, beyond_mw: Array, hold: float) -> GreenPlan:
        """The plan of the convex problem at values of charge and discharge, held near the start."""
        day, plan = start.day, start.plan
        region, pull, hours = day.region, day.pull, day.region.period_h
        assert pull is not None
        energy = np.concatenate([[day.initial_mwh], plan.energy_mwh[:-1]])
        green = np.concatenate([[day.initial_green_mwh], plan.green_mwh[:-1]])
        share = np.divide(green, energy, out=np.zeros_like(energy), where=energy > 0.0)
        most = np.full(day.n_period, day.ratings.p_max_mw)
        if day.pricing != "none":
            room = np.maximum(region.green_room_mw - beyond_mw, 0.0)
            np.divide(room, share, out=most, where=share * most > room)
        weight = (1.0 + hold) * pull.per_mw2h
        drawn_mw = day.drawn_mw(plan.charge_mw, plan.discharge_mw)
        terms = {
            "buy_price": region.buy_price_per_mwh / weight,
            "sell_price": region.sell_price_per_mwh / weight,
            "charge_value": slopes.charge / hours / weight,
            "discharge_value": (slopes.discharge / hours - day.wear_cost_per_mwh) / weight,
            "load_mw": region.load_mw,
            "target_mw": (np.asarray(pull.target_mw) + hold * drawn_mw) / (1.0 + hold),
            "initial_mwh": np.array(day.initial_mwh),
        }
        return _through(day, self._one_way(day, terms, most))

    def _one_way(self, day: GreenDay, terms: Mapping[str, Array], discharge_most_mw: Array) -> Array:
        """Energy inside, MWh; a period that charges and discharges at once is left the way that it leads."""
        into, out = day.ratings.efficiencies
        most = np.array([np.full(day.n_period, day.ratings.p_max_mw), discharge_most_mw])
        while True:
            solution = self._problem.solve(
                day.region.name, **terms, charge_most_mw=most[0], discharge_most_mw=most[1]
            )
            charge, discharge = solution["p_charge_mw"], solution["p_discharge_mw"]
            both = np.minimum(charge, discharge) > _AT_ONCE * day.ratings.p_max_mw
            if not both.any():
                return solution["energy_mwh"]
            fills = into * charge >= discharge / out
            most = np.where(both & np.array([~fills, fills]), 0.0, most)


def _through(day: GreenDay, energy_mwh: Array) -> GreenPlan:
    """The plan that leads through states of charge, to the last of the day."""
    energy = np.concatenate([energy_mwh[:-1], [day.end_mwh[0]]])
    return replay(day, *day.ratings.powers_mw(energy, day.initial_mwh, day.region.period_h))
