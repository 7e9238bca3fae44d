"""The dispatch of a storage with a green label: by the paper's envelopes, by cells, or to a proven gap."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from gridarium.agents.optimisation import LocalProblem, Solution
from gridarium.agents.storage.green_day import GreenDay, GreenPlan, even_plan, replay
from gridarium.agents.storage.green_dispatch_problem import (
    Ends,
    GreenShape,
    green_form,
    green_signals,
    pairs,
    shape_of,
)
from gridarium.agents.storage.green_tightening import tightened
from gridarium.environment.arrays import Array
from gridarium.environment.errors import InfeasibleError

SEARCH_GAP = 1e-5
"""How far from the best a search may end, relative to the bill."""
LABEL_TOLERANCE = 1e-6
"""By how much a plan may break the label's two limits, MW or MWh: the noise of a solver."""
REPAIRS = 10
"""Searches with growing margins before no schedule counts as found."""
_WIDTHS = (0.03, 0.006, 0.001)
"""How far from the best plan's green shares better plans are sought, one round after the other."""


@dataclass(frozen=True)
class GreenDispatch:
    """What a method found.

    Parameters
    ----------
    plan : GreenPlan
        As replayed, with its true cost.
    replayed : GreenPlan
        The first relaxed optimum's schedule, replayed.
    bound_money : float
        No schedule that keeps all limits costs less.
    relaxed_money, relaxed_green_mwh : float
        Cost and green discharge of that optimum, as relaxed.
    n_search : int
        Searches that proved the bound.
    """

    plan: GreenPlan
    replayed: GreenPlan
    bound_money: float
    relaxed_money: float
    relaxed_green_mwh: float
    n_search: int

    @property
    def gap_money(self) -> float:
        """What the plan costs above the bound."""
        return self.plan.cost_money - self.bound_money

    @property
    def overstated_money(self) -> float:
        """By what the first relaxed optimum is cheaper than its own schedule, replayed."""
        return self.replayed.cost_money - self.relaxed_money


def keeps_limits(day: GreenDay, plan: GreenPlan) -> bool:
    """Whether green discharge stays within the load, and as much green energy is left as was there before."""
    if day.pricing == "none":
        return True
    return max(plan.beyond_load_mw(day), plan.missing_green_mwh(day)) <= LABEL_TOLERANCE


def dispatch_without_label(day: GreenDay) -> GreenDispatch:
    """The bill alone (scenario 3): what green discharge is worth does not enter."""
    day = replace(day, pricing="none")
    found = _solve(day, shape_of(day, "none"))
    return _told(found, found.plan, found.bound_money, 1)


def dispatch_by_envelopes(day: GreenDay, cells: int = 1) -> GreenDispatch:
    """The paper's reconstruction, with McCormick's envelopes over cells of both states of charge (B12).

    The schedule is replayed, and told as it is: what the envelopes overstate may break the label's limits,
    see `keeps_limits`.
    """
    found = _solve(day, shape_of(day, "mccormick", cells))
    return _told(found, found.plan, found.bound_money, 1)


def dispatch_by_shares(
    day: GreenDay, gap_share: float = 5e-5, rounds: Sequence[int] = (1, 2, 4)
) -> GreenDispatch:
    """The share form, until its best plan is proven to be near the best of all.

    Parameters
    ----------
    day : GreenDay
    gap_share : float
        Of the bill without storage: the gap at which to stop.
    rounds : sequence of int
        Cells of the green share at each moment, in searches that follow the first one while the gap is wider.

    Notes
    -----
    Green energy is G = s E and leaves as P_gd = s P_dis. Only charging moves the share s, by no more than one
    period's charge can (`share_links`), and at the end E is known, so that G = s E is exact there. First one
    envelope over all shares that can be reached; then better plans near its schedule, which make up for what
    the envelope misjudges; then shares are bounded by linear problems that cost at most as much as the best
    plan, and cut into cells. Plans that differ by less than the searches' gap count as equal: of these the
    one found first is kept.
    """
    shape, target = shape_of(day, "share"), gap_share * abs(day.idle_money)
    first = _solve(day, shape)
    bound, n_search = first.bound_money, 1
    near = first.plan if keeps_limits(day, first.plan) else _repaired(day, shape)
    # A storage that rests, or goes evenly where it shall be, keeps all limits.
    best = near or even_plan(day)
    if best.cost_money - bound > target:
        best = _polished(day, shape, best, target)
    for cells in rounds:
        if best.cost_money - bound <= target:
            break
        shape = tightened(shape, day, best.cost_money)
        found = _solve(day, replace(shape, cells=cells), search_gap=gap_share / 2.0)
        bound, n_search = max(bound, found.bound_money), n_search + 1
        plan = found.plan if keeps_limits(day, found.plan) else _repaired(day, shape)
        if plan is not None:
            plan = _polished(day, shape, plan, target)
            best = min(best, plan, key=lambda each: each.cost_money)
    return _told(first, best, bound, n_search)


class _Found(NamedTuple):
    """A relaxed optimum and the replay of its schedule."""

    relaxed_money: float
    relaxed_green_mwh: float
    plan: GreenPlan
    bound_money: float


def _told(found: _Found, plan: GreenPlan, bound_money: float, n_search: int) -> GreenDispatch:
    return GreenDispatch(
        plan, found.plan, bound_money, found.relaxed_money, found.relaxed_green_mwh, n_search
    )


def _solve(
    day: GreenDay,
    shape: GreenShape,
    missing_mwh: float = 0.0,
    beyond_mw: Array | float = 0.0,
    search_gap: float = SEARCH_GAP,
) -> _Found:
    problem = LocalProblem(green_form(shape), integer_gap=search_gap, side_searches=False)
    solution = problem.solve(day.region.name, **green_signals(day, missing_mwh, beyond_mw))
    plan = replay(day, *_powers(day, solution))
    labelled = "green_discharge_mw" in solution.form.decisions
    green = float(solution["green_discharge_mw"].sum()) * day.region.period_h if labelled else 0.0
    return _Found(solution.objective, green, plan, problem.bound)


def _powers(day: GreenDay, solution: Solution) -> tuple[Array, Array]:
    return day.ratings.powers_mw(solution["energy_mwh"], day.initial_mwh, day.region.period_h)


def _repaired(day: GreenDay, shape: GreenShape) -> GreenPlan | None:
    """The plan of a relaxed problem that keeps the limits: margins grow by what the replay misses."""
    missing, beyond = 0.0, np.zeros(day.n_period)
    for _ in range(REPAIRS):
        try:
            plan = _solve(day, shape, missing, beyond).plan
        except InfeasibleError:
            # No relaxed plan has such margins.
            return None
        if keeps_limits(day, plan):
            return plan
        missing += 1.05 * plan.missing_green_mwh(day)
        beyond += 1.05 * np.maximum(plan.green_discharge_mw - day.region.green_room_mw, 0.0)
    return None


def _polished(day: GreenDay, shape: GreenShape, plan: GreenPlan, step_money: float) -> GreenPlan:
    """The best plan that is found near one, near that again, and nearer, while `step_money` is gained."""
    for width in _WIDTHS:
        gained = np.inf
        while gained > step_money:
            near = _repaired(day, replace(shape, share_ends=_around(shape, plan, width)))
            gained = plan.cost_money - near.cost_money if near else 0.0
            plan = near if near and gained > 0.0 else plan
    return plan


def _around(shape: GreenShape, plan: GreenPlan, width: float) -> Ends:
    """Ends of the share near a plan's, within those of the shape."""
    share = np.concatenate([[shape.initial_share], plan.green_mwh / plan.energy_mwh])
    low, high = np.array(shape.share_ends).T
    ends = np.clip([share - width, share + width], low, high)
    return pairs(ends)
