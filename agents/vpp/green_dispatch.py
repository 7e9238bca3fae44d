"""The dispatch of a storage with a green label: by the paper's envelopes, by cells, or to a proven gap."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from gridarium.agents.vpp.green_day import GreenDay, GreenPlan, even_plan, replay
from gridarium.agents.vpp.green_dispatch_problem import Ends, GreenShape, pairs, shape_of, with_rays
from gridarium.agents.vpp.green_search import Found, explained_search, search
from gridarium.agents.vpp.green_tightening import tightened
from gridarium.environment.errors import InfeasibleError, SolverLimitError

LABEL_TOLERANCE = 1e-6
"""By how much a plan may break the label's two limits, MW or MWh: the noise of a solver."""
REPAIRS = 10
"""Searches with growing margins before no schedule counts as found."""
_WIDTHS = (0.03, 0.006, 0.001)
"""How far from the best plan's green shares better plans are sought, one round after the other."""
N_RAY = 4
"""Fixed shares from which the share form is mixed once its envelopes are too wide."""


@dataclass(frozen=True)
class GreenDispatch:
    """What a method found.

    Parameters
    ----------
    plan : GreenPlan
        As replayed, with its true cost; where there is a pull, it counts in all that follows.
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
        return self.plan.counted_money - self.bound_money

    @property
    def overstated_money(self) -> float:
        """By what the first relaxed optimum is cheaper than its own schedule, replayed."""
        return self.replayed.counted_money - self.relaxed_money


def keeps_limits(day: GreenDay, plan: GreenPlan) -> bool:
    """Whether green discharge stays within the load, and as much green energy is left as there shall be."""
    if day.pricing == "none":
        return True
    return max(plan.beyond_load_mw(day), plan.missing_green_mwh(day)) <= LABEL_TOLERANCE


def dispatch_without_label(day: GreenDay) -> GreenDispatch:
    """The bill alone (scenario 3): what green discharge is worth does not enter."""
    day = replace(day, pricing="none", pull=None)
    found = explained_search(day, shape_of(day, "none"))
    return _told(found, found.plan, found.bound_money, 1)


def dispatch_by_envelopes(day: GreenDay, cells: int = 1) -> GreenDispatch:
    """The paper's reconstruction, with McCormick's envelopes over cells of both states of charge (B12).

    The schedule is replayed, and told as it is: what the envelopes overstate may break the label's limits,
    see `keeps_limits`.
    """
    found = explained_search(day, shape_of(day, "mccormick", cells))
    return _told(found, found.plan, found.bound_money, 1)


def dispatch_by_shares(
    day: GreenDay, gap_share: float = 5e-5, rounds: int = 8, near: GreenPlan | None = None
) -> GreenDispatch:
    """The share form, until its best plan is proven to be near the best of all.

    Parameters
    ----------
    day : GreenDay
    gap_share : float
        Of the bill without storage: the gap at which to stop.
    rounds : int
        Most rounds of tightening that follow the first search while the gap is wider.
    near : GreenPlan, optional
        A plan of a similar day of the same storage: where it is still good enough, no other is sought.

    Raises
    ------
    InfeasibleError
        If there is no plan.
    StorageError
        If the storage cannot follow the similar day's plan.

    Notes
    -----
    Green energy is G = s E and leaves as P_gd = s P_dis. Only charging moves the share s, by no more than one
    period's charge can (`share_links`), and at the end E is known, so that G = s E is exact there. First one
    envelope over all shares that can be reached; then better plans near its schedule, which make up for what
    the envelope misjudges. Then rounds: between which shares and energies plans lie that are better than the
    best one by more than the gap, from linear problems whose shares are also mixed from fixed ones
    (`declare_rays`); and a search among these. Where nothing is left, the gap is proven. Plans that differ by
    less than the searches' gap count as equal: of these the one found first is kept. A search that its limit
    ends has proven less: the gap is told as it is. Where no plan is found that keeps the label's limits, it
    is the even one: see `keeps_limits`.
    """
    shape, target = shape_of(day, "share"), gap_share * abs(day.idle_money)
    first = explained_search(day, shape)
    bound, n_search = first.bound_money, 1
    best = _start(day, shape, near, first.plan, bound + target)
    if best.counted_money - bound > target:
        best = _polished(day, shape, best, target)
    for number in range(rounds):
        # The same difference as that at which the last round may have ended, so that rounding adds none.
        most = best.counted_money - target
        if bound >= most:
            break
        n_search += 1
        try:
            if not number:
                shape = tightened(shape, day, most)
            shape = tightened(_mixed(shape), day, most)
            found = search(day, _mixed(shape), search_gap=gap_share / 2.0)
        except InfeasibleError:
            # No plan costs so little.
            bound = most
            break
        except SolverLimitError:
            break
        bound = max(bound, min(found.bound_money, most))
        best = _better(day, shape, found.plan, best, target)
    return _told(first, best, bound, n_search)


def bound_beside(day: GreenDay, plan: GreenPlan) -> GreenDispatch:
    """What the first search of the share form, or of the bill alone, proves beside a plan that is there.

    Raises
    ------
    InfeasibleError
        If there is no plan.
    """
    # What is not paid for keeps no limits of the label either.
    found = explained_search(day, shape_of(day, "none" if day.pricing == "none" else "share"))
    return _told(found, plan, found.bound_money, 1)


def _start(
    day: GreenDay, shape: GreenShape, near: GreenPlan | None, relaxed: GreenPlan, enough_money: float
) -> GreenPlan:
    """To rest or go evenly, what was good on a similar day, or else what a relaxed plan is repaired to."""
    known = [even_plan(day)]
    known += [] if near is None else [replay(day, near.charge_mw, near.discharge_mw)]
    plans = [plan for plan in known if _is_whole(day, plan)]
    if not plans or min(plan.counted_money for plan in plans) > enough_money:
        found = relaxed if keeps_limits(day, relaxed) else _repaired(day, shape)
        plans += [] if found is None else [found]
    if not plans and day.end_mwh[0] >= day.initial_green_mwh < day.end_mwh[1]:
        # What may end as green as it began is a start from which to end greener.
        usual = replace(day, least_green_mwh=day.initial_green_mwh)
        around = _around(shape, dispatch_by_shares(usual, rounds=0).plan, _WIDTHS[0])
        found = _repaired(day, replace(shape, share_ends=around))
        plans += [] if found is None else [found]
    return min(plans or known[:1], key=lambda each: each.counted_money)


def _is_whole(day: GreenDay, plan: GreenPlan) -> bool:
    """Whether a plan keeps the label's limits and ends with the energy it shall."""
    return keeps_limits(day, plan) and abs(float(plan.energy_mwh[-1]) - day.end_mwh[0]) <= LABEL_TOLERANCE


def _mixed(shape: GreenShape) -> GreenShape:
    """The shape with rays over what can still be reached."""
    return with_rays(shape, N_RAY)


def _better(
    day: GreenDay, shape: GreenShape, plan: GreenPlan, best: GreenPlan, step_money: float
) -> GreenPlan:
    """The best plan, or what is found near one of a search if that is already better."""
    shape = replace(shape, rays=())
    near = plan if keeps_limits(day, plan) else _repaired(day, shape)
    if near is None or near.counted_money >= best.counted_money:
        return best
    return _polished(day, shape, near, step_money)


def _told(found: Found, plan: GreenPlan, bound_money: float, n_search: int) -> GreenDispatch:
    return GreenDispatch(
        plan, found.plan, bound_money, found.relaxed_money, found.relaxed_green_mwh, n_search
    )


def _repaired(day: GreenDay, shape: GreenShape) -> GreenPlan | None:
    """The plan of a relaxed problem that keeps the limits: margins grow by what the replay misses."""
    missing, beyond = 0.0, np.zeros(day.n_period)
    for _ in range(REPAIRS):
        try:
            plan = search(day, shape, missing, beyond).plan
        except (InfeasibleError, SolverLimitError):
            # No relaxed plan has such margins, or none is easily found.
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
            gained = plan.counted_money - near.counted_money if near else 0.0
            plan = near if near and gained > 0.0 else plan
    return plan


def _around(shape: GreenShape, plan: GreenPlan, width: float) -> Ends:
    """Ends of the share near a plan's, within those of the shape."""
    share = np.concatenate([[shape.initial_share], plan.green_mwh / plan.energy_mwh])
    low, high = np.array(shape.share_ends).T
    ends = np.clip([share - width, share + width], low, high)
    return pairs(ends)
