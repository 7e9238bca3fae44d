"""The matching bound on cases whose optimum is known by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridarium.environment.errors import InputError
from gridarium.market.bargaining import Bargain, Deal, nash_outcome
from gridarium.market.line_costs import LineCosts
from gridarium.market.matching import MatchingPool, matching_welfare, pool_welfare, stacked
from gridarium.market.tangents import lower_envelope
from gridarium.market.utility import LogUtility, QuadraticUtility

LINE = QuadraticUtility(200.0, 2000.0)
UTILITIES = st.one_of(
    st.builds(LogUtility, st.floats(0.5, 20), st.floats(0.0005, 0.1)),
    st.builds(QuadraticUtility, st.floats(50, 500), st.floats(500, 10_000)),
)


@pytest.mark.parametrize(
    ("supply", "demand", "line", "volume"),
    [(0.2, 0.2, np.inf, 0.08), (0.05, 0.2, np.inf, 0.05), (0.2, 0.03, np.inf, 0.03), (0.2, 0.2, 0.02, 0.02)],
)
def test_one_pair(supply, demand, line, volume):
    found = matching_welfare([[40.0]], [supply], [LINE], [demand], line)
    exact = LINE.value(volume) - 40.0 * volume
    assert found.achieved_money <= exact * (1 + 1e-9) <= found.welfare_money * (1 + 2e-9)
    assert found.welfare_money == pytest.approx(exact, rel=1e-4)
    assert found.tangent_error_money <= 1e-4 * found.welfare_money
    assert found.delivered_mwh[0] == pytest.approx(volume, rel=0.02)


def test_loss_is_paid_for():
    # A MWh delivered costs 40 / 0.8 = 50: V' = 200 - 2000 p = 50 at 0.075, sent 0.09375.
    found = pool_welfare(
        MatchingPool.of_matrices([[40.0]], [1.0], [LINE], [1.0], loss=0.2), relative_error=1e-9, max_rounds=40
    )
    assert found.welfare_money == pytest.approx(LINE.value(0.075) - 50 * 0.075)
    assert found.sent_mwh[0] == pytest.approx(0.09375, rel=1e-4)


def test_cheap_line_goes_to_who_wants_it_most():
    keen, cool = QuadraticUtility(300.0, 1000.0), QuadraticUtility(100.0, 1000.0)
    found = matching_welfare([[20.0, 20.0]], [0.05], [keen, cool], [0.1, 0.1])
    np.testing.assert_allclose(found.delivered_mwh, [0.05, 0.0], atol=1e-9)


def test_without_lines_or_supply_there_is_no_welfare():
    for costs, supply in ([[np.inf]], [0.1]), ([[40.0]], [0.0]), ([[250.0]], [0.1]):
        found = matching_welfare(costs, supply, [LINE], [0.1])
        assert (found.welfare_money, found.achieved_money) == pytest.approx((0.0, 0.0), abs=1e-12)
        assert found.delivered_mwh.tolist() == [0.0]


def random_pool(rng, n_ep, n_ip):
    utilities = [
        QuadraticUtility(rng.uniform(150, 350)) if rng.random() < 0.5 else LogUtility(rng.uniform(2, 9), 0.01)
        for _ in range(n_ip)
    ]
    costs = np.where(rng.random((n_ep, n_ip)) < 0.8, rng.uniform(20, 150, (n_ep, n_ip)), np.inf)
    return MatchingPool.of_matrices(
        costs, rng.uniform(0, 0.08, n_ep), utilities, rng.uniform(0, 0.08, n_ip), 0.05, rng.uniform(0, 0.05)
    )


@pytest.mark.parametrize("capacity", [0.01, 1.0])
def test_sellers_alike_count_as_one(capacity):
    rng = np.random.default_rng(6)
    of_place = rng.uniform(5, 60, (3, 12))
    place = np.arange(12) % 3
    costs = of_place[place]
    np.fill_diagonal(costs, np.inf)
    loss = np.where(np.isinf(costs), 0.0, 0.001 * costs)
    possible = np.zeros((12, 2))
    possible[:7, 0], possible[6:, 1] = rng.uniform(0.001, 0.03, 7), rng.uniform(0.001, 0.05, 6)
    utilities = [LogUtility(float(k), 0.01) for k in rng.uniform(1, 4, 12)]
    network = LineCosts(costs, np.full_like(costs, capacity), loss)
    merged = network.slot(possible, utilities)
    apart = MatchingPool.of_matrices(
        costs[:7, 6:], possible[:7, 0], utilities[6:], possible[6:, 1], capacity, loss[:7, 6:]
    )
    # Lines that are too thin for what their sellers have keep these apart; one that buys, too, is alone.
    wide = int((possible[:6, 0] <= capacity).sum())
    assert len(merged.supply_mwh) == (
        4 if wide == 6 else 7 - wide + len({*place[:6][possible[:6, 0] <= capacity]})
    )
    assert merged.supply_mwh.sum() == pytest.approx(possible[:, 0].sum())
    found, expected = (pool_welfare(one, relative_error=1e-8, max_rounds=40) for one in (merged, apart))
    assert found.welfare_money == pytest.approx(expected.welfare_money, rel=1e-6)


def test_stacked_slots_are_each_slot_alone():
    rng = np.random.default_rng(4)
    pools = [random_pool(rng, int(rng.integers(0, 4)), int(rng.integers(0, 4))) for _ in range(30)]
    together = pool_welfare(stacked(pools), relative_error=1e-7, max_rounds=30)
    alone = [pool_welfare(pool, relative_error=1e-8, max_rounds=30) for pool in pools]
    assert together.welfare_by_slot_money.shape == (30,)
    np.testing.assert_allclose(
        together.welfare_by_slot_money, [one.welfare_money for one in alone], atol=1e-5
    )
    assert together.welfare_money == pytest.approx(sum(one.achieved_money for one in alone), rel=1e-6)


@settings(max_examples=60, deadline=None)
@given(UTILITIES, st.floats(0, 200), st.floats(0.001, 0.3), st.floats(0, 0.3))
def test_no_bargain_is_better_than_the_bound(utility, cost, supply, demand):
    found = matching_welfare([[cost]], [supply], [utility], [demand])
    deal = nash_outcome(Bargain(cost, utility, min(supply, demand), (0.0, 1e6))) or Deal(0.0, 0.0)
    welfare = utility.value(deal.volume_mwh) - cost * deal.volume_mwh
    assert found.achieved_money <= welfare + 1e-7 * (1 + welfare)
    assert welfare <= found.welfare_money + 1e-7 * (1 + welfare)


@given(UTILITIES, st.lists(st.floats(0.0, 0.3), min_size=1, max_size=8), st.floats(0, 1))
def test_envelope_is_above_the_utility_and_touches_it(utility, volumes, share):
    touched = [0.0, *volumes]
    pieces = lower_envelope([utility], [touched])
    assert (pieces.width >= 0).all()
    assert (np.diff(pieces.slope) <= 0).all()
    assert pieces.width.sum() == pytest.approx(max(touched))
    ends = np.concatenate([[0.0], np.cumsum(pieces.width)])
    heights = np.concatenate([[0.0], np.cumsum(pieces.width * pieces.slope)])
    p = share * max(touched)
    scale = 1e-7 * (1e-9 + abs(utility.marginal(0.0)) * max(touched))
    assert np.interp(p, ends, heights) >= utility.value(p) - scale
    for volume in volumes:
        assert np.interp(volume, ends, heights) == pytest.approx(utility.value(volume), abs=10 * scale)


def test_all_faults_at_once():
    with pytest.raises(InputError) as caught:
        pool_welfare(MatchingPool.of_matrices([[-1.0]], [np.nan], [LINE], [np.inf], -1.0, 1.0), n_tangent=1)
    assert [fault.place for fault in caught.value.faults] == [
        "supply_mwh[0]", "demand_max_mwh[0]", "cost_per_mwh[0]", "line_mwh[0]", "loss[0]", "n_tangent",
    ]  # fmt: skip
