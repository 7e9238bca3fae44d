"""Planners of a storage with a green label, the best and the bounded, all of one signature."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from gridarium.agents.optimisation import LocalProblem
from gridarium.agents.storage.stand_alone import followed_mwh
from gridarium.agents.vpp.green_day import GreenDay, GreenPlan, replay
from gridarium.agents.vpp.green_dispatch import dispatch_by_shares
from gridarium.agents.vpp.green_dispatch_problem import green_form, green_signals, shape_of
from gridarium.agents.vpp.green_search import SEARCH_GAP
from gridarium.environment.arrays import Array

GreenPlanner = Callable[[GreenDay], GreenPlan]
"""From a day to a plan as replayed. A bounded one may break the label's limits: see `keeps_limits`."""

LOW_PERCENTILE, HIGH_PERCENTILE = 20.0, 80.0


def best_plan(day: GreenDay) -> GreenPlan:
    """The plan of the share form, with a proven gap."""
    return dispatch_by_shares(day).plan


def greedy_threshold(day: GreenDay) -> GreenPlan:
    """Charges at full power up to the 20th percentile of the price, discharges from the 80th on (W.5).

    The price counts what green energy earns once it leaves: that of the grid, less its green share at the
    price of its first green MWh. What is left over at the end is made up for by the latest hours.
    """
    region, power = day.region, day.ratings.p_max_mw
    price = region.buy_price_per_mwh - day.green_share * region.first_green_price_per_mwh(day.pricing)
    low, high = np.percentile(price, (LOW_PERCENTILE, HIGH_PERCENTILE))
    wanted: Array = np.where(price <= low, power, np.where(price >= high, -power, 0.0))
    if low == high:
        wanted = np.zeros_like(price)
    energy = followed_mwh(wanted, day.ratings, day.initial_mwh, region.period_h)
    return replay(day, *day.ratings.powers_mw(energy, day.initial_mwh, region.period_h))


def blind_to_own_effect(day: GreenDay) -> GreenPlan:
    """Plans as if its discharge did not lower the nodal price below what others leave."""
    region, seen = day.region, day
    if day.pricing == "nodal":
        first = region.first_green_price_per_mwh("nodal")
        seen = replace(day, region=replace(region, green_price_per_mwh=first), pricing="uniform")
    plan = best_plan(seen)
    return replay(day, plan.charge_mw, plan.discharge_mw)


def rolling_with_persistence(day: GreenDay) -> GreenPlan:
    """Plans anew in each period, with the grid's green share as it is then for all that is left of the day.

    Prices and loads are known the day before. The label's rule for the end is kept to as long as that
    forecast leaves a way to it; the share form is solved with one envelope, and its first period done.
    """
    n, period_h = day.n_period, day.region.period_h
    ratings, (final, least) = day.ratings, day.end_mwh
    charge, discharge = np.zeros((2, n))
    for t in range(n):
        done = replay(_cut(day, 0, t), charge[:t], discharge[:t]) if t else None
        inside = float(done.energy_mwh[-1]) if done else day.initial_mwh
        green = float(done.green_mwh[-1]) if done else day.initial_green_mwh
        rest = replace(
            _cut(day, t, n),
            # Rounding may have left the band by a last digit.
            ratings=replace(
                ratings,
                soc_initial=min(max(inside / ratings.e_max_mwh, ratings.soc_min), ratings.soc_max),
            ),
            initial_share=green / inside if inside > 0.0 else 0.0,
            green_share=np.full(n - t, day.green_share[t]),
            final_mwh=final,
            least_green_mwh=least,
        )
        energy = _first_energy(rest)
        if energy is None:
            energy = _first_energy(replace(rest, least_green_mwh=0.0))
        if energy is not None:
            (charge[t],), (discharge[t],) = ratings.powers_mw(energy, inside, period_h)
    return replay(day, charge, discharge)


def _cut(day: GreenDay, start: int, stop: int) -> GreenDay:
    """Some periods of a day."""
    return replace(day, region=day.region.cut(start, stop), green_share=day.green_share[start:stop])


def _first_energy(day: GreenDay) -> Array | None:
    """Energy after the first period, shape (1,); None where no plan keeps the rule for the end."""
    problem = LocalProblem(green_form(shape_of(day, "share")), integer_gap=SEARCH_GAP, side_searches=False)
    solution = problem.attempt(day.region.name, **green_signals(day))
    return None if solution is None else solution["energy_mwh"][:1]
