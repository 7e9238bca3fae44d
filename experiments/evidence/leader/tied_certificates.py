"""How good a price is that is tied to its carbon factor, and whether it is: tie, KKT residual, regret."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from gridarium.agents.feeder.dso import Dso
from gridarium.agents.leader.convex_step_problem import SingleLevelPoint
from gridarium.agents.leader.kkt_residual import KktResidual, kkt_residual
from gridarium.agents.leader.tied_leading import TiedAnticipating
from gridarium.agents.leader.tied_optimum import TiedOptimum, tied_optimum
from gridarium.agents.leader.tied_problem import TiedProblem
from gridarium.agents.leader.tied_sequence import TiedOutcome
from gridarium.agents.leader.tied_supply import TiedPlan
from gridarium.experiments.evidence.grid_evidence import GridEvidence, rows_of
from gridarium.experiments.evidence.leader.leader_certificates import LeaderBench
from gridarium.experiments.evidence.leader.led_plan import LedPlan
from gridarium.experiments.evidence.leader.tied_kkt import leader_stationarity
from gridarium.experiments.parts.leader import certifies_leader
from gridarium.experiments.results.records import Reading
from gridarium.market.tariffs import carbon_adjusted_price

TIE_PER_MWH = 1e-3
"""Distance of a price from the one that its carbon factor makes that counts as none, money/MWh."""

RESIDUAL, REGRET = 1e-2, 1e-2
"""Of the KKT conditions, each part relative to its own size; and of the profit."""

_STARTS = 3
"""Starts of the search that holds a leader's price against others, besides that price."""


def tied_leader(known: GridEvidence) -> Iterator[Reading]:
    """Certificates of a leader whose price is tied to its factor."""
    for dso in known.of(Dso):
        setter = dso.today.setter
        if not isinstance(setter, TiedAnticipating):
            continue
        yield _tie(known, dso, setter)
        if certifies_leader(known.scenario) and setter.planned is not None:
            yield from _judged(known, LeaderBench(known, dso), setter)


def _tie(known: GridEvidence, dso: Dso, setter: TiedAnticipating) -> Reading:
    """Whether the posted price is that of the factor which the plan makes, in all days (C7)."""
    posted = rows_of(known.tables, "signals", "dso")
    horizon, worst = dso.horizon, 0.0
    for number, day in enumerate(dso.days):
        rows = posted.iloc[horizon.periods(number)]
        market = day.conditions
        called_for = carbon_adjusted_price(
            rows["tou_price_per_mwh"].to_numpy(dtype=float),
            rows["factor_planned_tco2_per_mwh"].to_numpy(dtype=float),
            market.quota_tco2_per_mwh,
            market.carbon_price_per_tco2,
            setter.rules.adjustment,
        )
        worst = max(worst, float(np.abs(rows["price_per_mwh"].to_numpy(dtype=float) - called_for).max()))
    return Reading(
        "leader tie", worst, TIE_PER_MWH, "money/MWh", True,
        "largest distance of the posted price from tariff + kappa * carbon price * (factor - quota), with "
        "the factor of the dispatch and the pools that are planned",
    )  # fmt: skip


def _judged(known: GridEvidence, bench: LeaderBench, setter: TiedAnticipating) -> Iterator[Reading]:
    """The last day's price with the true followers, on the losses that its leader has seen."""
    plan = setter.planned
    assert plan is not None
    problem = setter.leader.problem.with_followers(bench.followers)
    own = TiedOutcome(plan, problem.profit(plan), 0.0, 0.0, 0)
    residual = _residual(LedPlan.of(bench.dso, bench.followers, setter.rules), problem)
    yield Reading(
        "leader KKT residual", residual.worst, RESIDUAL, "", False,
        "largest part of the KKT residual of the profit under the tie, each relative to its own size, with "
        "the true followers, slopes of losses and voltages from AC power flows, reactive power as planned",
        f"leader's stationarity {residual.leader_stationarity:.2g}",
    )  # fmt: skip
    random = np.random.default_rng(known.world.streams.seed)
    found = tied_optimum(problem, random, _STARTS, near=plan.price_per_mwh)
    yield Reading(
        "leader regret", max(0.0, found.best.profit_money - own.profit_money) / abs(own.profit_money), REGRET,
        "", False,
        "best tied price found from other starts, with losses on their tangents at the plan, relative to the "
        "profit",
        f"{_share(setter)}; {_told(problem, own, found)}",
    )  # fmt: skip


def _residual(led: LedPlan, problem: TiedProblem) -> KktResidual:
    """Conditions of the posted price and plan, none of them taken from the leader's own programmes."""
    price, plan = led.dso.today.signal.price_per_mwh, led.dso.today.plan
    task, size = problem.as_led(), float(problem.base_mw.max())
    followed = kkt_residual(task, SingleLevelPoint.answering(task, price), leader_stationarity(led))
    apart = np.abs(np.array(list(led.dso.today.loads_mw.values())) - problem.loads(price)).max()
    head_mw = plan.dispatch.buy_mw - plan.dispatch.sell_mw
    unbalanced = np.abs(led.flow().p_slack_mw - head_mw).max()
    return replace(followed, response=float(apart) / size, leader_feasibility=float(unbalanced) / size)


def _share(setter: TiedAnticipating) -> str:
    """How many of its own starts came to the best."""
    optimum = setter.leader.optimum
    if optimum is None:
        return "no search"
    share, starts = optimum.share_reached(setter.problem), len(optimum.profits_money)
    return f"{100.0 * share:.0f} % of the {starts} starts of its last search came to the best"


def _told(problem: TiedProblem, own: TiedOutcome, found: TiedOptimum) -> str:
    """Profit, emission and the gain of users, of this leader and of the formula."""
    plan, formula = own.plan, found.formula

    def told(name: str, profit: float, emission: float, users: float) -> str:
        total = profit + users
        return f"{name} profit {profit:,.0f}, users gain {users:,.0f}, both {total:,.0f}, {emission:.2f} tCO2"

    def emitted(one: TiedPlan) -> float:
        return float(one.emission_t_per_h.sum()) * problem.period_h

    users = problem.surplus(formula.price_per_mwh)
    return "; ".join(
        [
            told("here", own.profit_money, emitted(plan), problem.surplus(plan.price_per_mwh)),
            told("formula untied", formula.untied_money, formula.emission_tco2, users),
            told(
                "formula with a pool",
                formula.tied_money,
                emitted(formula.tied),
                problem.surplus(formula.tied.price_per_mwh),
            ),
        ]
    )
