"""The sequence of convex steps ends at KKT points, below the proven bound, with and without a network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from gridarium.agents.devices.renewable_plant import RenewablePlant
from gridarium.agents.feeder.dispatch import DispatchDay, Dispatcher
from gridarium.agents.feeder.dso import Dso
from gridarium.agents.leader.convex_sequence import SequenceOptions, sequential_convex_optimum
from gridarium.agents.leader.convex_step_problem import SingleLevelPoint
from gridarium.agents.leader.follower_model import FollowerModel
from gridarium.agents.leader.full_information import SearchEffort, full_information_optimum
from gridarium.agents.leader.kkt_residual import kkt_residual
from gridarium.agents.leader.problem import LeaderProblem, SupplyCut
from gridarium.environment.arrays import Array
from gridarium.environment.errors import InfeasibleError
from gridarium.experiments.benchmarks.leader_instances import random_instance
from gridarium.experiments.parts.consumers import load_of
from gridarium.experiments.running.world_build import build
from gridarium.experiments.scenario import load_scenario
from gridarium.market.price_limits import LimitRules

Supply = Callable[[Array], SupplyCut]


@pytest.mark.parametrize("seed", [3, 5, 9])
def test_random_days_end_at_kkt_points_below_the_bound(seed: int) -> None:
    problem = random_instance(seed)
    outcome = sequential_convex_optimum(problem)
    informed = full_information_optimum(problem, SearchEffort(round_limit=1))
    assert outcome.converged
    assert outcome.residual.worst <= 1e-6
    assert problem.allows(outcome.price_per_mwh)
    assert outcome.profit_money == pytest.approx(problem.profit(outcome.price_per_mwh), rel=1e-9)
    assert outcome.profit_money <= informed.bound_money * (1.0 + 1e-6)
    assert outcome.profit_money >= informed.profit_money * (1.0 - 0.01)
    profits = [one.profit_money for one in outcome.history]
    assert np.all(np.diff(profits) >= -1e-9 * profits[-1])


@pytest.mark.parametrize("seed", range(4))
def test_three_periods(seed: int) -> None:
    problem = random_instance(seed, n_period=3, n_follower=1 + seed % 2)
    outcome = sequential_convex_optimum(problem)
    bound = full_information_optimum(problem, SearchEffort(relative_gap=1e-5)).bound_money
    assert outcome.converged
    assert outcome.residual.worst <= 1e-6
    assert 0.97 * bound <= outcome.profit_money <= bound * (1.0 + 1e-6)


def test_residual_tells_wrong_kkt_conditions() -> None:
    """Followers other than the steps believe, and multipliers that are off, show in their parts."""
    problem = random_instance(5)
    outcome = sequential_convex_optimum(problem)
    softer = [replace(one, beta_per_mwh_per_mw=0.9 * one.beta_per_mwh_per_mw) for one in problem.followers]
    believed = sequential_convex_optimum(problem.with_followers(softer))
    wrong = kkt_residual(problem, believed.point, 0.0)
    assert wrong.stationarity > 1e-3
    assert wrong.response > 1e-3

    def part(name: str, point: SingleLevelPoint) -> float:
        return float(getattr(kkt_residual(problem, point, 0.0), name))

    point = outcome.point
    level = float(problem.reference_price_per_mwh.max())
    moved = replace(point, shift_mw=point.shift_mw + 0.01)
    assert part("follower_feasibility", moved) >= 0.01 / problem.base_mw.max()
    assert part("stationarity", replace(point, neutral_price_per_mwh=point.neutral_price_per_mwh + 1.0)) == (
        pytest.approx(1.0 / level, rel=1e-6)
    )
    # Adding as much to both multipliers keeps stationarity and breaks a product.
    both = replace(
        point,
        upper_price_per_mwh=point.upper_price_per_mwh + 1.0,
        lower_price_per_mwh=point.lower_price_per_mwh + 1.0,
    )
    assert part("stationarity", both) == pytest.approx(0.0, abs=1e-9)
    assert part("complementarity", both) > 1e-5
    assert part("dual_sign", replace(point, upper_price_per_mwh=point.upper_price_per_mwh - 1.0)) > 1e-4
    assert part("leader_feasibility", replace(point, price_per_mwh=1.01 * point.price_per_mwh)) > 1e-3


def test_reference_price_is_not_called_optimal() -> None:
    problem = random_instance(5)
    first = sequential_convex_optimum(problem, options=SequenceOptions(round_limit=1))
    assert not first.converged
    assert first.residual.leader_stationarity > 1e-3


def feeder_day() -> tuple[LeaderProblem, Supply]:
    """Hours of the five-bus day with all consumers, and the tangents of its dispatch."""
    case = load_scenario("adcef-small", ["horizon_h=8"]).cases["adcef"]
    built = build(case)
    # The supplier's terms are known once the first day has been negotiated.
    built.world.step()
    shape, market, load = (
        built.one(Dso).shape,
        built.one(Dso).today.conditions,
        load_of(case, built.one(Dso).horizon),
    )
    reference = np.array(market.tou_price_per_mwh)
    followers = []
    for group in case.consumers.values():
        base = group.share * load
        most = group.flexible_share * base
        beta = group.beta_per_mwh_per_mw / group.share
        followers.append(FollowerModel(base, reference, beta, most, np.minimum(most, base.max() - base)))
    p, q = shape.feeder.p_load_mw, shape.feeder.q_load_mvar
    share, reactive = p / p.sum(), q / p.sum()
    available = np.array(
        [next(iter(plant.rows())).values["p_available_mw"] for plant in built.of(RenewablePlant)]
    )
    content = np.array([unit.soc_initial * unit.e_max_mwh for unit in shape.storages])
    dispatcher = Dispatcher(built.world, "dso", shape)
    quota = market.flat_carbon_price_per_tco2 * market.quota_tco2_per_mwh

    def supply(loads_mw: Array) -> SupplyCut:
        total = loads_mw.sum(axis=0)
        p_mw, q_mvar, everything = np.outer(share, total), np.outer(reactive, total), dispatcher.everything
        plan = dispatcher.solve(DispatchDay(market, p_mw, q_mvar, available, content, True, everything))
        marginal = share @ plan.price_per_mwh + reactive @ plan.price_per_mvarh - quota
        cost = plan.cost_money - quota * float(total.sum()) * shape.period_h
        return SupplyCut(cost - float(marginal @ total) * shape.period_h, marginal)

    base_mw = np.array([one.base_mw for one in followers])
    limits = LimitRules().at(reference, base_mw.sum(axis=0), shape.period_h)
    return LeaderProblem(reference, tuple(followers), limits, (supply(base_mw),), shape.period_h), supply


def test_a_feeder_in_the_loop() -> None:
    problem, supply = feeder_day()
    options = SequenceOptions(gain=1e-6, round_limit=40)
    outcome = sequential_convex_optimum(problem, options=options, supply=supply)

    def profit(price: Array) -> float:
        loads = problem.loads(price)
        return replace(problem, supply=(supply(loads),)).profit(price, loads)

    residual, price = outcome.residual, outcome.price_per_mwh
    assert problem.allows(price)
    assert max(residual.stationarity, residual.dual_sign, residual.complementarity) <= 1e-6
    assert max(residual.follower_feasibility, residual.response, residual.leader_feasibility) <= 1e-6
    assert max(residual.bilinear, residual.supply) <= 1e-6
    assert outcome.profit_money == pytest.approx(profit(price), rel=1e-7)
    assert outcome.profit_money >= profit(problem.reference_price_per_mwh)
    random = np.random.default_rng(0)
    for size in (0.1, 1.0, 10.0):
        for _ in range(5):
            low, high = problem.limits.low_price_per_mwh, problem.limits.high_price_per_mwh
            other = np.clip(price + size * random.normal(size=len(price)), low, high)
            if problem.allows(other):
                assert profit(other) <= outcome.profit_money * (1.0 + 1e-6)


def test_loads_that_nothing_supplies_are_refused() -> None:
    with pytest.raises(InfeasibleError, match="cannot be supplied"):
        sequential_convex_optimum(random_instance(5), supply=lambda loads: None)
