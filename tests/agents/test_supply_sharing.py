from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridarium.agents.prosumers.supply_sharing import ShareClaim, share_by_margin, share_by_value
from gridarium.market.matching import matching_welfare
from gridarium.market.messages.leasing import Holding
from gridarium.market.utility import LogUtility, QuadraticUtility

LINE = QuadraticUtility(100.0, 1000.0)


def claim(
    cost: float, need: float = 1.0, loss: float = 0.0, line: float = 1.0, *leaves: Holding
) -> ShareClaim:
    return ShareClaim(cost, loss, need, line, LINE, tuple(sorted(leaves)))


def test_enough_for_all_is_worth_nothing_more() -> None:
    volumes, value = share_by_value([claim(40.0), claim(10.0, need=0.05)], 1.0)
    assert volumes == pytest.approx([0.06, 0.05])
    assert value == 0.0


def test_the_last_bit_of_a_scarce_supply_is_worth_the_same_everywhere() -> None:
    # 100 - 1000 p = cost + mu for costs 0 and 20, 0.1 MWh altogether: mu = 40, 0.06 and 0.04 MWh.
    volumes, value = share_by_value([claim(0.0), claim(20.0)], 0.1)
    assert volumes == pytest.approx([0.06, 0.04], rel=5e-3)
    assert value == pytest.approx(40.0, abs=0.2)


def test_a_buyer_far_away_gets_nothing_when_supply_is_dear() -> None:
    volumes, value = share_by_value([claim(0.0), claim(60.0)], 0.02)
    assert volumes == pytest.approx([0.02, 0.0], abs=1e-4)
    assert value == pytest.approx(80.0, abs=0.1)


def test_a_buyer_leaves_only_who_asks_more() -> None:
    held = Holding(50.0, 0.04)
    # At 45 it wants 0.055 in all and leaves the holding; at 55 it keeps it and wants 0.005 more.
    assert share_by_value([claim(45.0, 1.0, 0.0, 1.0, held)], 1.0)[0] == pytest.approx([0.055])
    assert share_by_value([claim(55.0, 1.0, 0.0, 1.0, held)], 1.0)[0] == pytest.approx([0.005])


def test_a_jump_of_demand_is_shared_so_that_the_supply_is_used_up() -> None:
    # At a value of 50 the buyer would take 0.01 beyond its holding or 0.05 in its place: supply is between.
    volumes, value = share_by_value([claim(0.0, 1.0, 0.0, 1.0, Holding(50.0, 0.04))], 0.03)
    assert volumes == pytest.approx([0.03], rel=1e-3)
    assert value == pytest.approx(50.0, abs=0.02)


@settings(deadline=None, max_examples=60)
@given(
    costs=st.lists(st.floats(0.0, 150.0), min_size=1, max_size=6),
    seed=st.integers(0, 2**32 - 1),
    supply=st.floats(1e-3, 0.5),
)
def test_one_seller_reaches_the_optimum_of_the_matching(costs: list[float], seed: int, supply: float) -> None:
    draws = np.random.default_rng(seed)
    claims, utilities = [], []
    for cost in costs:
        steep = draws.uniform(500.0, 5000.0)
        utility = (
            QuadraticUtility(200.0, steep) if draws.random() < 0.5 else LogUtility(draws.uniform(1, 20), 0.02)
        )
        utilities.append(utility)
        loss, need, line = draws.uniform(0.0, 0.2), draws.uniform(0.0, 0.2), draws.uniform(0.01, 0.2)
        claims.append(ShareClaim(cost / (1.0 - loss), loss, need, line * (1.0 - loss), utility))
    volumes, _ = share_by_value(claims, supply)
    sent = sum(volume / (1.0 - each.loss) for volume, each in zip(volumes, claims, strict=True))
    assert sent <= supply * (1.0 + 1e-9)
    assert all(
        0.0 <= v <= min(c.need_mwh, c.line_mwh) * (1 + 1e-9) for v, c in zip(volumes, claims, strict=True)
    )
    welfare = sum(c.utility.value(v) - c.cost_per_mwh * v for v, c in zip(volumes, claims, strict=True))
    bound = matching_welfare(
        [costs],
        [supply],
        utilities,
        [c.need_mwh for c in claims],
        [[c.line_mwh / (1.0 - c.loss) for c in claims]],
        [[c.loss for c in claims]],
    )
    assert welfare <= bound.welfare_money * (1.0 + 1e-6) + 1e-9
    assert welfare >= 0.995 * bound.welfare_money - 1e-6


def test_by_margin_the_best_are_served_first_and_none_at_a_loss() -> None:
    assert share_by_margin([0.5, 0.5, 0.5], [10.0, 30.0, -1.0], [0.0, 0.5, 0.0], 1.2) == pytest.approx(
        [0.2, 0.5, 0.0]
    )
    assert share_by_margin([], [], [], 1.0) == []
