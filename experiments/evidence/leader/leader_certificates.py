"""How good a leader's price is: deviations that would pay, the proven bound, the stability of its loop."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property

import numpy as np

from gridarium.agents.feeder.acceleration import Acceleration, Heard
from gridarium.agents.feeder.accounts import DayAhead
from gridarium.agents.feeder.dso import Dso
from gridarium.agents.leader.certificates import leader_regret, loop_stability, outcome_spread
from gridarium.agents.leader.follower_model import FollowerModel
from gridarium.agents.leader.full_information import SearchEffort, full_information_optimum
from gridarium.agents.leader.leading import Anticipating
from gridarium.agents.leader.problem import LeaderProblem
from gridarium.agents.leader.tied_leading import TiedAnticipating
from gridarium.environment.arrays import Array
from gridarium.experiments.evidence.grid_evidence import GridEvidence, rows_of
from gridarium.experiments.evidence.shares import LEAST_MONEY, share_of
from gridarium.experiments.parts.consumers import CONSUMERS
from gridarium.experiments.parts.dso import trades_carbon
from gridarium.experiments.parts.leader import LEADER, certifies_leader
from gridarium.experiments.parts.negotiation import NEGOTIATION
from gridarium.experiments.parts.tariff import limit_rules
from gridarium.experiments.results.records import Reading

GAP_TOLERANCE = 0.01
"""Share of the bound within which a leader that searches counts as having found the optimum."""
_CUT_ROUNDS = 6
_STARTS = 3
_LOOP_ROUNDS = 40
_EFFORT = SearchEffort(relative_gap=1e-3, round_limit=3, node_limit=1000)
"""A tenth of the tolerance: closer bounds cost many times the search and change no verdict."""


class LeaderBench:
    """Everyone's data beside a finished case, to judge a leader's last day from outside.

    Parameters
    ----------
    known : GridEvidence
    dso : Dso
        The leader; it is asked what it would plan and earn.
    """

    def __init__(self, known: GridEvidence, dso: Dso) -> None:
        self.scenario, self.dso = known.scenario, dso
        loads = rows_of(known.tables, "loads", "consumer")
        self._loads = {known.grid.named(str(name)): own for name, own in loads.groupby("agent")}
        posted = rows_of(known.tables, "signals", "dso")
        self.price, self._reference = (
            _last_day(dso, posted[name].to_numpy(dtype=float))
            for name in ("price_per_mwh", "tou_price_per_mwh")
        )
        self._cutter = Anticipating(
            dso.connections, limit_rules(known.scenario), trades_carbon(known.scenario)
        )

    @cached_property
    def task(self) -> LeaderProblem:
        """The leader's problem with the true followers, and tangents of the cost at what has been seen."""
        base = {name: self._base_mw(name) for name in self.dso.connections}
        loads = np.array(list(base.values()))
        plan = self.dso.plan_for(base) or self.plan(self.price)
        assert plan is not None
        task = self._cutter.task(plan, loads).with_followers(self.followers)
        return self.with_cut(task, self.price)

    @cached_property
    def followers(self) -> tuple[FollowerModel, ...]:
        """The true followers."""
        return tuple(self._model(name) for name in self.dso.connections)

    def _model(self, name: str) -> FollowerModel:
        """One of a class, whose slope belongs to the load of all classes together."""
        group = CONSUMERS.of(self.scenario)[str(self._loads[name]["group"].iloc[0])]
        assert group.beta_per_mwh_per_mw is not None
        beta = group.beta_per_mwh_per_mw / (group.share / group.count)
        return FollowerModel.of(self._base_mw(name), self._reference, beta, group.flexible_share)

    def _base_mw(self, name: str) -> Array:
        return _last_day(self.dso, self._loads[name]["p_base_mw"].to_numpy(dtype=float))

    def with_cut(self, task: LeaderProblem, price: Array) -> LeaderProblem:
        """The problem with one more tangent, at the answers to a price, if they can be supplied."""
        plan = self.plan(price)
        if plan is None:
            return task
        loads = np.array([follower.load(price) for follower in task.followers])
        return replace(task, supply=(*task.supply, self._cutter.supply_cut(plan, loads)))

    def plan(self, price: Array) -> DayAhead | None:
        """What the operator would plan for the true answers to a price."""
        answers = zip(self.dso.connections, self.followers, strict=True)
        return self.dso.plan_for({name: follower.load(price) for name, follower in answers})

    def profit_money(self, price: Array) -> float:
        """True profit of a price; minus infinity where the answers cannot be supplied."""
        plan = self.plan(price)
        return -np.inf if plan is None else self.dso.profit_money(price, plan)

    def called_for(self, price: Array) -> Array:
        """The tariff at the true answers to a price: the best-response map."""
        plan = self.plan(price)
        return price if plan is None else plan.offer.price_per_mwh


def _last_day(dso: Dso, by_period: Array) -> Array:
    """A series of all settlement periods in the steps of the leader's last day."""
    horizon = dso.horizon
    return horizon.fit(by_period[horizon.periods(horizon.n_day - 1)])


def leader(known: GridEvidence) -> Iterator[Reading]:
    """Certificates of a leader's free price where the scenario asks for them."""
    for dso in known.of(Dso):
        is_tied = isinstance(dso.today.setter, TiedAnticipating)
        if certifies_leader(known.scenario) and not is_tied:
            yield from certify_leader(known, LeaderBench(known, dso))


def certify_leader(known: GridEvidence, bench: LeaderBench) -> Iterator[Reading]:
    """Certificates of a leader, soft ones: a best response does not claim to be a Stackelberg price."""
    own = bench.profit_money(bench.price)
    found, bound = _bound(bench)
    random = np.random.default_rng(known.world.streams.seed)
    regret = leader_regret(found, found.loads, bench.price, random)
    better = max(0.0, bench.profit_money(regret.price_per_mwh) - own)
    yield Reading(
        "leader regret", share_of(better, own, LEAST_MONEY), GAP_TOLERANCE, "", False,
        "best deviation found by trust region and patterns within the limits, followers reacting and the "
        "feeder dispatched anew, relative to the profit",
        f"{regret.tried:,} prices were tried",
    )  # fmt: skip
    yield Reading(
        "leader gap", share_of(bound - own, bound, LEAST_MONEY), GAP_TOLERANCE, "", False,
        "proven bound on the profit of any price within the limits, with everyone's data, less this profit, "
        "relative to the bound",
    )  # fmt: skip
    if LEADER.of(known.scenario).searches:
        yield _foresight(known)
    else:
        yield from _loop(known, bench)


def _foresight(known: GridEvidence) -> Reading:
    """How far the answers were from what was foreseen: followers that misreport or change show here."""
    last = known.tables["days"].iloc[-1]
    return Reading(
        "leader foresight", float(last["surprise_mw"] / last["largest_base_mw"]), 1e-3, "", False,
        "largest distance of a load from the one foreseen in the last round, relative to the largest base "
        "load",
        f"answers contradicted earlier ones {last['contradictions']:.0f} times",
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


def _loop(known: GridEvidence, bench: LeaderBench) -> Iterator[Reading]:
    """What can be said of a loop of best responses: its stability here, and where other starts end."""
    rules = NEGOTIATION.of(known.scenario)
    # A loop with a memory settles where a damped one would not.
    if not rules.memory:
        stability = loop_stability(bench.called_for, bench.price)
        yield Reading(
            "loop damping", rules.damping / max(stability.damping_limit, 1e-9), 1.0, "", False,
            "damping of the loop over the most that still settles",
            f"spectral radius of the undamped map {stability.spectral_radius:.3g}",
        )  # fmt: skip
    prices = [bench.price, *_other_ends(known, bench)]
    profits = [bench.profit_money(price) for price in prices]
    yield Reading(
        "loop uniqueness", outcome_spread(profits, prices)[1], 10.0 * rules.price_tolerance_per_mwh,
        "money/MWh", False,
        "largest distance between prices at which the loop ends from several starts",
        f"{len(prices)} starts",
    )  # fmt: skip


def _other_ends(known: GridEvidence, bench: LeaderBench) -> Iterator[Array]:
    """Prices at which the loop ends from random starts within the band."""
    limits, rules = bench.task.limits, NEGOTIATION.of(known.scenario)
    random = np.random.default_rng(known.world.streams.seed)
    for _ in range(_STARTS - 1):
        price = random.uniform(limits.low_price_per_mwh, limits.high_price_per_mwh)
        acceleration = Acceleration(rules.damping, rules.memory)
        for _ in range(_LOOP_ROUNDS):
            heard = Heard(price, bench.called_for(price))
            if heard.distance_per_mwh <= rules.price_tolerance_per_mwh:
                break
            price = acceleration.step(heard)
        yield price
