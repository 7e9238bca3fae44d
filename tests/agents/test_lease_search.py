"""Search for line fees on profit functions whose best terms are known."""

from __future__ import annotations

import numpy as np
import pytest

from gridarium.agents.storage.lease_rules import (
    CostPlus,
    EpsilonGreedy,
    FixedTerms,
    ProfitSearch,
    lease_grid,
)
from gridarium.agents.storage.lease_search import LeaseBounds, LeaseSearchError, LeaseSearchRule
from gridarium.environment.errors import ScenarioError
from gridarium.environment.parameters import allowed_values
from gridarium.market.messages.leasing import LeaseTerms

LOW, HIGH = LeaseTerms(0.0, 20.0, 0.0), LeaseTerms(4.0, 120.0, 1.0)
BEST = LeaseTerms(1.3, 80.0, 0.35)


def profit_money(terms: LeaseTerms) -> float:
    """Concave, greatest at BEST, where it is 100 USD."""
    away = (np.array(terms) - np.array(BEST)) / (np.array(HIGH) - np.array(LOW))
    return float(100.0 - 400.0 * away @ np.array([[1.0, 0.3, 0.0], [0.3, 0.6, 0.2], [0.0, 0.2, 0.8]]) @ away)


BOUNDS = LeaseBounds(LeaseTerms(3.0, 30.0, 0.9), LOW, HIGH)


def run(
    rule: LeaseSearchRule,
    days: int,
    noise_money: float = 0.0,
    seed: int = 0,
    bounds: LeaseBounds = BOUNDS,
) -> list[LeaseTerms]:
    search = rule.begin(bounds, np.random.default_rng(seed))
    noise = np.random.default_rng(seed + 100)
    terms = []
    for _ in range(days):
        terms.append(search.terms)
        search.learn(profit_money(search.terms) + noise_money * float(noise.standard_normal()))
    return terms


def test_profit_search_finds_the_best_terms() -> None:
    terms = run(ProfitSearch(least_step_share=0.002), 400)
    assert terms[0] == LeaseTerms(3.0, 30.0, 0.9)
    assert terms[-1].base_fee_per_km_mwh == pytest.approx(1.3, abs=0.02)
    assert terms[-1].interval_km == pytest.approx(80.0, abs=1.0)
    assert terms[-1].growth == pytest.approx(0.35, abs=0.01)
    assert profit_money(terms[-1]) == pytest.approx(100.0, abs=0.01)


@pytest.mark.parametrize("seed", range(5))
def test_profit_search_under_noise_comes_close(seed: int) -> None:
    rule = ProfitSearch(repeats=8, least_step_share=0.05)
    terms = run(rule, 1200, noise_money=3.0, seed=seed)
    assert profit_money(terms[0]) < -30.0
    assert profit_money(terms[-1]) > 92.0


@pytest.mark.parametrize("seed", range(5))
def test_repeats_keep_noise_from_misleading_the_search(seed: int) -> None:
    search = ProfitSearch(repeats=6, margin=4.0).begin(BOUNDS, np.random.default_rng(seed))
    noise = np.random.default_rng(seed)
    for _ in range(400):
        search.learn(float(noise.standard_normal()))
    # Where nothing pays better, nothing that only seems to is taken up.
    assert search.terms == BOUNDS.first


def test_profit_search_keeps_to_its_bounds() -> None:
    narrow = LeaseBounds(
        LeaseTerms(3.0, 50.0, 0.25), LeaseTerms(2.0, 50.0, 0.25), LeaseTerms(4.0, 50.0, 0.25)
    )
    terms = run(ProfitSearch(), 60, bounds=narrow)
    assert {(each.interval_km, each.growth) for each in terms} == {(50.0, 0.25)}
    assert min(each.base_fee_per_km_mwh for each in terms) == terms[-1].base_fee_per_km_mwh == 2.0


@pytest.mark.parametrize("noise_money", [0.0, 2.0])
def test_epsilon_greedy_ends_at_the_best_of_the_grid(noise_money: float) -> None:
    grid = [BOUNDS.terms_at(point) for point in lease_grid(BOUNDS, 3)]
    best = max(grid, key=profit_money)
    assert len(grid) == 27
    terms = run(EpsilonGreedy(exploration=0.3, levels=3), 1500, noise_money)
    assert terms[0] in grid
    assert terms[-200:].count(best) > 120
    greedy = run(EpsilonGreedy(exploration=0.0, levels=3), 20)
    assert len(set(greedy)) == 1


def test_profit_search_is_at_least_as_good_as_the_grid() -> None:
    brute_force = max(profit_money(BOUNDS.terms_at(point)) for point in lease_grid(BOUNDS, 5))
    assert profit_money(run(ProfitSearch(), 300)[-1]) >= brute_force


def test_fixed_terms_and_cost_plus_ignore_profit() -> None:
    assert set(run(FixedTerms(), 5)) == {LeaseTerms(3.0, 30.0, 0.9)}
    assert set(run(CostPlus(cost_per_km_mwh=0.5, markup=0.2), 5)) == {LeaseTerms(0.6, 30.0, 0.9)}
    assert set(run(CostPlus(cost_per_km_mwh=9.0), 2)) == {LeaseTerms(4.0, 30.0, 0.9)}


def test_settings_outside_their_ranges_are_named() -> None:
    with pytest.raises(LeaseSearchError, match=r"interval_km must be in \[20.0, 120.0\], got 10.0"):
        LeaseBounds(LeaseTerms(1.0, 10.0, 0.5), LOW, HIGH)
    with pytest.raises(ScenarioError, match=r"repeats: got 0; must be a whole number in \[1, 1000\]"):
        ProfitSearch(repeats=0)


def test_rules_tell_their_parameters() -> None:
    told = {kind: list(allowed_values(kind)) for kind in (FixedTerms, CostPlus, ProfitSearch, EpsilonGreedy)}
    assert told == {
        FixedTerms: [],
        CostPlus: ["cost_per_km_mwh", "markup"],
        ProfitSearch: ["step_share", "least_step_share", "repeats", "margin"],
        EpsilonGreedy: ["exploration", "levels"],
    }
