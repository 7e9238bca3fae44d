"""The leader under C7: closed form, brute force, invariants of the paper, and the traps of its model."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from gridarium.agents.leader.tied_anticipation import TiedAnticipatingLeader
from gridarium.agents.leader.tied_live_step import Directions
from gridarium.agents.leader.tied_optimum import tied_optimum
from gridarium.agents.leader.tied_polish import tied_residual
from gridarium.agents.leader.tied_problem import TiedProblem
from gridarium.agents.leader.tied_sequence import TiedSequence
from gridarium.agents.leader.tied_step import TiedStep
from gridarium.agents.leader.tied_supply import TiedPlan
from gridarium.environment.errors import InfeasibleError
from gridarium.experiments.benchmarks.tied_instances import tied_instance
from gridarium.experiments.benchmarks.tied_leaders import learn_tied

SMALL = (0, 1, 4, 11)
"""Of three periods; in the first and last of them the formula's price has no pool as it stands."""


def best(problem: TiedProblem, n_start: int = 3) -> TiedPlan:
    """The plan of the best of a few starts."""
    return tied_optimum(problem, np.random.default_rng(0), n_start).best.plan


def bare(seed: int, n_period: int = 3) -> TiedProblem:
    """An instance without storage, turbines and renewables."""
    problem = tied_instance(seed, n_period)
    nothing = np.zeros((0, n_period))
    supply = replace(
        problem.supply,
        turbines=(),
        running=nothing.astype(bool),
        available_mw=nothing,
        storages=(),
        initial_mwh=np.zeros(0),
        wear_cost_per_mwh=np.zeros(0),
        first_tco2=np.zeros(0),
    )
    return replace(problem, supply=supply)


@pytest.mark.parametrize("adjustment", [1.0, 0.5])
def test_bare_import_leaves_one_price(adjustment: float) -> None:
    """With nothing but the grid the factor is the grid's, and the price is C7 of it."""
    problem = replace(bare(2), adjustment=adjustment, budget_balanced=False)
    plan = best(problem)
    above = problem.supply.grid_factor_tco2_per_mwh - problem.quota_tco2_per_mwh
    price = problem.reference_price_per_mwh + adjustment * problem.carbon_price_per_tco2 * above
    assert plan.price_per_mwh == pytest.approx(price, abs=1e-6)
    assert plan.load_mw == pytest.approx(problem.loads(price).sum(axis=0), abs=1e-7)


def test_two_periods_by_brute_force() -> None:
    """A grid over what is charged and what enters the pool; loads and price by their own fixed point."""
    problem = tied_instance(3, 2)
    unit = replace(problem.supply.storages[0], soc_initial=0.1)
    nothing = np.zeros((0, 2))
    supply = replace(
        problem.supply,
        turbines=(),
        running=nothing.astype(bool),
        available_mw=nothing,
        storages=(unit,),
        initial_mwh=np.array([unit.band_mwh[0]]),
        first_tco2=np.zeros(1),
    )
    problem = replace(problem, supply=supply)
    found = best(problem, 8)
    most = _brute_force(problem)
    assert np.isfinite(most)
    assert problem.profit(found) >= most - 1e-6 * abs(most)
    assert problem.profit(found) <= most + 2e-3 * abs(most)


def _brute_force(problem: TiedProblem) -> float:
    """The storage starts empty, so it charges in the first period what it gives back in the second."""
    unit, grid = problem.supply.storages[0], problem.supply.grid_factor_tco2_per_mwh
    most = -np.inf
    room = (unit.band_mwh[1] - unit.band_mwh[0]) / unit.efficiency_charge
    for charge in np.linspace(0.0, min(unit.p_max_mw, room), 16):
        back = charge * unit.efficiency_charge * unit.efficiency_discharge
        for moved in np.linspace(0.0, grid.max() * back, 16):
            price = problem.reference_price_per_mwh
            for _ in range(60):
                load = problem.loads(price).sum(axis=0)
                emission = grid * (load + np.array([charge, -back]))
                factor = (emission + np.array([-moved, moved])) / load
                called_for = problem.zero_factor_price_per_mwh + problem.carbon_price_per_tco2 * factor
                price = price + 0.5 * (called_for - price)
            if np.abs(called_for - price).max() > 1e-6 or moved > emission[0] or load[1] < back:
                continue
            bought = load + np.array([charge, -back])
            carbon = problem.carbon_price_per_tco2 * (problem.quota_tco2_per_mwh - factor)
            profit = (price + carbon) @ load - problem.supply.wholesale_price_per_mwh @ bought
            most = max(most, float(profit))
    return most


@pytest.mark.parametrize("seed", SMALL)
def test_invariants_and_kkt_conditions(seed: int) -> None:
    """C8 is an identity at kappa = 1; what loads carry is what was emitted; never below the formula."""
    problem = tied_instance(seed, 3)
    found = tied_optimum(problem, np.random.default_rng(0), 4)
    plan = found.best.plan
    tied = (found.formula.tied, plan)
    for one in tied:
        discount = (problem.reference_price_per_mwh - one.price_per_mwh) @ one.load_mw
        allowed = problem.quota_tco2_per_mwh * one.load_mw.sum()
        worth = problem.carbon_price_per_tco2 * (allowed - one.emission_t_per_h.sum())
        assert discount == pytest.approx(worth, abs=1e-6 * problem.sales())
        assert one.factor_tco2_per_mwh @ one.load_mw == pytest.approx(one.emission_t_per_h.sum(), rel=1e-9)
        assert problem.tie_error_per_mwh(one) <= 1e-4
        assert max(problem.broken(one).values()) <= 1e-6
        assert one.load_mw == pytest.approx(problem.loads(one.price_per_mwh).sum(axis=0), abs=1e-8)
        assert np.all(one.inflow_t_per_h.sum(axis=0) <= one.emission_t_per_h + 1e-9)
        assert np.all(np.minimum(one.charge_mw, one.discharge_mw) <= 1e-9)
    assert found.best.profit_money >= found.formula.tied_money
    assert tied_residual(problem, found.best).worst <= 1e-3


def test_residual_tells_other_prices() -> None:
    problem = tied_instance(1, 3)
    found = tied_optimum(problem, np.random.default_rng(0), 4)
    # The formula's price is tied too, but a small change of it pays.
    formula = replace(found.best, plan=found.formula.tied, profit_money=found.formula.tied_money)
    assert tied_residual(problem, formula).leader_stationarity >= 0.01
    dearer = replace(found.best.plan, price_per_mwh=found.best.plan.price_per_mwh + 1.0)
    moved = tied_residual(problem, replace(found.best, plan=dearer))
    assert moved.leader_feasibility >= 0.9 / problem.reference_price_per_mwh.max()
    less = [replace(one, most_down_mw=0.8 * one.most_down_mw) for one in problem.followers]
    assert tied_residual(problem.with_followers(less), found.best).response >= 1e-3


def test_slope_is_the_change_of_the_load() -> None:
    for seed in range(4):
        problem = tied_instance(seed, 6)
        price = problem.reference_price_per_mwh + np.random.default_rng(seed).normal(0.0, 10.0, 6)
        for one in problem.followers:
            slope = one.slope(price)
            for t in range(6):
                step = 1e-5 * np.eye(6)[t]
                change = (one.load(price + step) - one.load(price - step)) / 2e-5
                assert slope[:, t] == pytest.approx(change, abs=1e-6)


def test_no_adjustment_leaves_the_tariff() -> None:
    problem = replace(tied_instance(4, 3), adjustment=0.0, budget_balanced=False)
    found = tied_optimum(problem, np.random.default_rng(0), 3)
    assert found.best.plan.price_per_mwh == pytest.approx(problem.reference_price_per_mwh, abs=1e-6)
    assert found.best.plan.load_mw == pytest.approx(problem.base_mw, abs=1e-7)


@pytest.mark.parametrize(("adjustment", "quota"), [(1.5, 0.6), (0.5, 0.3)])
def test_budget_is_a_floor_or_a_ceiling_of_emission(adjustment: float, quota: float) -> None:
    """C8 at another kappa; without it the leader would leave it."""
    problem = replace(tied_instance(1, 3), adjustment=adjustment, quota_tco2_per_mwh=quota)
    free, bound = best(replace(problem, budget_balanced=False)), best(problem)
    assert problem.budget_left(free) < -1.0
    assert problem.budget_left(bound) >= -1e-4
    discount = (problem.reference_price_per_mwh - bound.price_per_mwh) @ bound.load_mw
    revenue = problem.quota_tco2_per_mwh * bound.load_mw.sum() - bound.emission_t_per_h.sum()
    assert discount <= problem.carbon_price_per_tco2 * revenue + 1e-4


def test_load_that_may_fall_to_zero_is_refused() -> None:
    problem = tied_instance(4, 3)
    all_off = [replace(one, most_down_mw=one.base_mw) for one in problem.followers]
    with pytest.raises(InfeasibleError, match="period 0: load may fall to zero"):
        problem.with_followers(all_off)


def test_power_goes_one_way_where_waste_would_pay() -> None:
    """Energy that costs nothing at noon would be washed through the storage to buy room in the pool."""
    problem = tied_instance(11, 3)
    free = replace(problem.supply, wholesale_price_per_mwh=np.array([-50.0, 100.0, -50.0]))
    problem = replace(problem, supply=replace(free, export_limit_mw=2.0))
    both_ways = TiedStep(problem).at(problem.reference_price_per_mwh)
    assert both_ways is not None
    assert np.minimum(both_ways.plan.charge_mw, both_ways.plan.discharge_mw).max() > 0.01
    plan = best(problem, 4)
    assert problem.broken(plan)["ways"] <= 1e-9


def test_turbine_that_is_off_gives_nothing() -> None:
    problem = tied_instance(4, 3)
    off = replace(problem.supply, running=np.array([[False, True, True], [False, False, False]]))
    plan = best(replace(problem, supply=off))
    assert not plan.turbine_mw[~off.running].any()


def test_ways_of_a_plan_are_kept() -> None:
    problem = tied_instance(4, 3)
    sequence = TiedSequence(problem)
    outcome = sequence.climb(problem.reference_price_per_mwh)
    assert outcome is not None
    ways = Directions.of(outcome.plan)
    other = replace(ways, may_charge=ways.may_discharge, may_discharge=ways.may_charge)
    turned = sequence.value(outcome.plan.price_per_mwh, other)
    assert turned is not None
    assert not turned.plan.charge_mw[~other.may_charge].any()
    assert turned.merit_money < outcome.profit_money


@pytest.mark.parametrize("seed", [1, 11])
def test_learning_leader_comes_to_what_full_information_gives(seed: int) -> None:
    problem = tied_instance(seed, 4)
    informed = tied_optimum(problem, np.random.default_rng(0), 4)
    plan, rounds = learn_tied(problem, np.random.default_rng(1))
    assert plan is not None
    assert rounds <= 40
    assert problem.tie_error_per_mwh(plan) <= 1e-3
    assert plan.load_mw == pytest.approx(problem.loads(plan.price_per_mwh).sum(axis=0), abs=1e-9)
    lead = informed.best.profit_money - informed.formula.tied_money
    assert problem.profit(plan) >= informed.best.profit_money - 0.05 * lead


def test_answers_that_do_not_come_true_are_learnt_from() -> None:
    """A class that moves less than its first answers promised is found out, and the price is tied again."""
    problem = tied_instance(1, 4)
    stiffer = [replace(one, beta_per_mwh_per_mw=1.5 * one.beta_per_mwh_per_mw) for one in problem.followers]
    later = problem.with_followers(stiffer)
    leader = TiedAnticipatingLeader(problem, np.random.default_rng(1))
    while not leader.finished:
        true = problem if len(leader.rounds) < 8 else later
        leader.observe(true.loads(leader.propose()))
    assert leader.best is not None
    price = leader.best.price_per_mwh
    answer = leader.plan_for(price, later.loads(price))
    assert answer is not None
    assert later.tie_error_per_mwh(answer.plan) <= 1e-3
