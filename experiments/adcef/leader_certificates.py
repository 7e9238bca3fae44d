"""How good a leader's price is: deviations that would pay, the proven bound, the stability of its loop."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from gridarium.agents.leader.anticipation import AnticipatingLeader
from gridarium.agents.leader.certificates import leader_regret, loop_stability, outcome_spread
from gridarium.agents.leader.follower_model import FollowerModel
from gridarium.agents.leader.full_information import SearchEffort, full_information_optimum
from gridarium.agents.leader.leading import Anticipating
from gridarium.agents.leader.problem import LeaderProblem
from gridarium.environment.arrays import Array
from gridarium.experiments.adcef.build import Built, limit_rules, trades_carbon, true_followers

if TYPE_CHECKING:
    from gridarium.agents.feeder.accounts import DayAhead
    from gridarium.experiments.adcef.schema import AdcefScenario

_Measured = tuple[str, float, float, str, bool, str]

GAP_TOLERANCE = 0.01
"""Share of the bound within which a leader that searches counts as having found the optimum."""
_CUT_ROUNDS = 6
_STARTS = 3
_LOOP_ROUNDS = 40
_EFFORT = SearchEffort(relative_gap=2e-4, round_limit=3, node_limit=1000)


class LeaderBench:
    """Everyone's data beside a finished case, to judge its leader's last day from outside.

    Parameters
    ----------
    scenario : AdcefScenario
    built : Built
        After its last period.
    """

    def __init__(self, scenario: AdcefScenario, built: Built) -> None:
        self.scenario, self.built, self.dso = scenario, built, built.dso
        self.names = tuple(built.dso.connections)
        self.price = built.dso.today.signal.price_per_mwh
        self._cutter = Anticipating(built.dso.connections, limit_rules(scenario), trades_carbon(scenario))

    @cached_property
    def task(self) -> LeaderProblem:
        """The leader's problem with the true followers, and tangents of the cost at what has been seen."""
        base = {one.name: one.today.demand.base_mw for one in self.built.consumers}
        loads = np.array([base[name] for name in self.names])
        plan = self.dso.plan_for(base) or self.dso.today.plan
        task = self._cutter.task(plan, loads).with_followers(self.followers)
        return self.with_cut(task, self.price)

    @cached_property
    def followers(self) -> tuple[FollowerModel, ...]:
        """The true followers."""
        dso, today = self.dso, self.dso.today
        load = dso.horizon.of_day(self.built.load_mw, today.number)
        return true_followers(self.scenario, load, today.conditions.tou_price_per_mwh)

    def with_cut(self, task: LeaderProblem, price: Array) -> LeaderProblem:
        """The problem with one more tangent, at the answers to a price, if they can be supplied."""
        plan = self.plan(price)
        if plan is None:
            return task
        loads = np.array([follower.load(price) for follower in task.followers])
        return replace(task, supply=(*task.supply, self._cutter.supply_cut(plan, loads)))

    def plan(self, price: Array) -> DayAhead | None:
        """What the operator would plan for the true answers to a price."""
        return self.dso.plan_for(
            {name: follower.load(price) for name, follower in zip(self.names, self.followers, strict=True)}
        )

    def profit_money(self, price: Array) -> float:
        """True profit of a price; minus infinity where the answers cannot be supplied."""
        plan = self.plan(price)
        return -np.inf if plan is None else self.dso.profit_money(price, plan)

    def called_for(self, price: Array) -> Array:
        """The tariff at the true answers to a price: the best-response map."""
        plan = self.plan(price)
        return price if plan is None else plan.offer.price_per_mwh


def certify_leader(scenario: AdcefScenario, built: Built) -> Iterator[_Measured]:
    """Certificates of the leader, soft ones: a best response does not claim to be a Stackelberg price."""
    bench = LeaderBench(scenario, built)
    own = bench.profit_money(bench.price)
    found, bound = _bound(bench)
    regret = leader_regret(found, found.loads, bench.price, np.random.default_rng(scenario.seed))
    better = max(0.0, bench.profit_money(regret.price_per_mwh) - own)
    yield (
        "leader regret", better / abs(own), GAP_TOLERANCE, "", False,
        f"best deviation found by trust region and patterns in {regret.tried:,} prices within the limits, "
        "followers reacting and the feeder dispatched anew, relative to the profit",
    )  # fmt: skip
    yield (
        "leader gap", (bound - own) / abs(bound), GAP_TOLERANCE, "", False,
        "proven bound on the profit of any price within the limits, with everyone's data, less this profit, "
        "relative to the bound",
    )  # fmt: skip
    setter = built.dso.today.setter
    if isinstance(setter, Anticipating):
        yield from _foresight(setter.leader)
    else:
        yield from _loop(bench)


def _foresight(leader: AnticipatingLeader) -> Iterator[_Measured]:
    """How far the answers were from what was foreseen: followers that misreport or change show here."""
    last, scale = leader.rounds[-1], max(estimate.scale_mw for estimate in leader.estimates)
    forgotten = sum(round_.forgotten for round_ in leader.rounds)
    yield (
        "leader foresight", last.surprise_mw / scale, 1e-3, "", False,
        f"largest distance of a load from the one foreseen in the last round, relative to the largest base "
        f"load; answers contradicted earlier ones {forgotten} times",
    )  # fmt: skip


def _bound(bench: LeaderBench) -> tuple[LeaderProblem, float]:
    """The problem with tangents where a leader that knows everything would look, and its bound."""
    task, bound = bench.task, np.inf
    for _ in range(_CUT_ROUNDS):
        optimum = full_information_optimum(task, _EFFORT, bench.price if task.allows(bench.price) else None)
        bound = min(bound, optimum.bound_money)
        price = optimum.price_per_mwh
        if bound - bench.profit_money(price) <= _EFFORT.relative_gap * abs(bound):
            break
        task = bench.with_cut(task, price)
    return task, bound


def _loop(bench: LeaderBench) -> Iterator[_Measured]:
    """What can be said of a loop of best responses: its stability here, and where other starts end."""
    stability = loop_stability(bench.called_for, bench.price)
    damping = bench.scenario.negotiation.damping
    yield (
        "loop damping", damping / max(stability.damping_limit, 1e-9), 1.0, "", False,
        f"damping of the loop over the most that still settles; spectral radius of the undamped map "
        f"{stability.spectral_radius:.3g}",
    )  # fmt: skip
    prices = [bench.price, *_other_ends(bench)]
    profits = [bench.profit_money(price) for price in prices]
    spread = outcome_spread(profits, prices)[1]
    yield (
        "loop uniqueness", spread, 10.0 * bench.dso.rules.price_tolerance_per_mwh, "money/MWh", False,
        f"largest distance between prices at which the loop ends from {len(prices)} starts",
    )  # fmt: skip


def _other_ends(bench: LeaderBench) -> Iterator[Array]:
    """Prices at which the damped loop ends from random starts within the band."""
    limits, rules = bench.task.limits, bench.dso.rules
    random = np.random.default_rng(bench.scenario.seed)
    for _ in range(_STARTS - 1):
        price = random.uniform(limits.low_price_per_mwh, limits.high_price_per_mwh)
        for _ in range(_LOOP_ROUNDS):
            step = bench.called_for(price) - price
            price = price + rules.damping * step
            if np.abs(step).max() <= rules.price_tolerance_per_mwh:
                break
        yield price
