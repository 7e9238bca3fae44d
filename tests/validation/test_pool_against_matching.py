"""What prosumers reach by messages, against the best that a planner who knows everything could do."""

from __future__ import annotations

import pytest

from gridarium.agents.prosumers.bargaining_rules import (
    ConcessionRule,
    DeclaredNashRule,
    LeaderRule,
    ZeroIntelligenceRule,
    ZipRule,
)
from gridarium.agents.prosumers.trading import book_of
from gridarium.experiments.benchmarks.pool_efficiency import Efficiency, PoolView, pool_efficiency
from gridarium.experiments.benchmarks.synthetic_pool import SyntheticPoolPlan, synthetic_pool


def efficiency(plan: SyntheticPoolPlan, seed: int = 1) -> Efficiency:
    """Of two minutes in each quarter."""
    pool = synthetic_pool(plan, seed)
    while pool.world.running:
        pool.world.step()
    view = PoolView(pool.world, pool.lines, plan.terms, pool.prosumers, pool.data, plan.rules)
    minutes = [(period, minute) for period in range(plan.n_period) for minute in (0, 8)]
    return pool_efficiency(view, book_of(pool.world.grid).trades(), minutes)


@pytest.mark.parametrize("n_prosumer", [3, 10, 50])
@pytest.mark.parametrize("first_period", [28, 48, 66])
@pytest.mark.parametrize("log_share", [0.0, 1.0])
def test_nash_bargainers_reach_95_percent_of_the_matching(
    n_prosumer: int, first_period: int, log_share: float
) -> None:
    plan = SyntheticPoolPlan(
        n_prosumer,
        DeclaredNashRule(),
        n_period=2,
        first_period=first_period,
        log_share=log_share,
        fluctuation=0.0,
    )
    found = efficiency(plan)
    assert 0.95 <= found.share <= 1.0 + 1e-6


def test_fluctuation_within_the_quarter_costs_little() -> None:
    found = efficiency(
        SyntheticPoolPlan(30, DeclaredNashRule(), n_period=4, first_period=40, fluctuation=0.15)
    )
    assert 0.95 <= found.share <= 1.0 + 1e-6


def test_without_a_desk_neighbours_do_as_well() -> None:
    found = efficiency(
        SyntheticPoolPlan(50, DeclaredNashRule(), desk=False, n_period=2, first_period=48, fluctuation=0.0)
    )
    assert 0.95 <= found.share <= 1.0 + 1e-6


@pytest.mark.parametrize(("n_prosumer", "log_share"), [(10, 0.0), (10, 1.0), (30, 0.5)])
def test_offers_under_private_information_reach_nearly_nine_tenths(n_prosumer: int, log_share: float) -> None:
    plan = SyntheticPoolPlan(n_prosumer, ConcessionRule(), n_period=8, first_period=44, log_share=log_share)
    assert 0.85 <= efficiency(plan).share <= 1.0 + 1e-6


def test_traders_without_models_waste_some_of_it_and_learning_ones_less() -> None:
    share = {
        type(rule): efficiency(
            SyntheticPoolPlan(20, rule, n_period=2, first_period=48, fluctuation=0.0)
        ).share
        for rule in (DeclaredNashRule(), LeaderRule(), ZeroIntelligenceRule(), ZipRule())
    }
    assert 0.4 < share[ZeroIntelligenceRule] < share[ZipRule] < share[DeclaredNashRule]
    # A monopolist facing a straight demand line takes half the efficient volume: three quarters of the gain.
    assert 0.7 < share[LeaderRule] < 0.95
