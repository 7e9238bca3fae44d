"""What followers save by answering for their carbon together, against a linear programme and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import linprog

from gridarium.market.carbon_pooling import Answered, pooled_cost_per_h, saved_money, saving_game
from gridarium.market.carbon_price import PersonalLadder


def ladder(price: float, quota: float, steps: int = 3) -> PersonalLadder:
    return PersonalLadder(np.full(2, price), 2.0, 0.5, steps, np.full(2, quota))


def random_member(random: np.random.Generator) -> Answered:
    one = PersonalLadder(
        random.uniform(10.0, 60.0, 2), random.uniform(0.5, 4.0), random.uniform(0.0, 1.0),
        int(random.integers(1, 5)), random.uniform(0.0, 8.0, 2),
    )  # fmt: skip
    return Answered(random.uniform(0.0, 15.0, 2), one)


def by_linear_programme(members: list[Answered], t: int) -> float:
    """Least sum of stepped costs when tonnes may move between members."""
    cost, bounds, constant = [], [], 0.0
    for one in members:
        first = float(one.ladder.base_price_per_tco2[t])
        quota = float(one.ladder.quota_t_per_h[t])
        constant -= first * quota
        for step in range(one.ladder.steps):
            length = one.ladder.interval_t_per_h + (quota if step == 0 else 0.0)
            cost.append(first * (1.0 + one.ladder.growth * step))
            bounds.append((0.0, None if step == one.ladder.steps - 1 else length))
    total = sum(float(one.carbon_t_per_h[t]) for one in members)
    found = linprog(cost, A_eq=np.ones((1, len(cost))), b_eq=[total], bounds=bounds, method="highs")
    return float(found.fun) + constant


@pytest.mark.parametrize("seed", range(30))
def test_the_pooled_cost_is_the_least_of_all_ways_to_share_tonnes(seed: int) -> None:
    random = np.random.default_rng(seed)
    members = [random_member(random) for _ in range(int(random.integers(1, 5)))]
    expected = [by_linear_programme(members, t) for t in range(2)]
    assert pooled_cost_per_h(members) == pytest.approx(expected, rel=1e-9, abs=1e-9)


def test_one_alone_saves_nothing_and_equal_ones_with_equal_carbon_neither() -> None:
    alone = Answered(np.array([5.0, 9.0]), ladder(20.0, 3.0))
    assert pooled_cost_per_h([alone]) == pytest.approx(alone.cost_per_h)
    assert saved_money([alone], 1.0) == 0.0
    assert saved_money([alone, alone], 1.0) == pytest.approx(0.0, abs=1e-12)


def test_who_is_below_a_step_takes_over_from_who_is_above() -> None:
    dirty, clean = (Answered(np.full(2, carbon), ladder(20.0, 3.0)) for carbon in (8.0, 2.0))
    # By itself the dirty one pays 20 for two tonnes, 30 for two and 40 for one; the other has three to give.
    assert dirty.cost_per_h == pytest.approx([140.0, 140.0])
    assert saved_money([dirty, clean], 1.0) == pytest.approx(2 * (20.0 + 2 * 10.0))


def test_larger_pools_save_no_less() -> None:
    random = np.random.default_rng(5)
    game = saving_game({name: random_member(random) for name in "abcd"}, 1.0)
    for mask in range(16):
        for bit in range(4):
            assert game.values[mask | 1 << bit] >= game.values[mask] - 1e-9
