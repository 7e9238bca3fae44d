"""Sampled Shapley values: unbiased orders, intervals that hold, stop rules, and hundreds of players."""

from itertools import permutations

import numpy as np
import pytest
from scipy import stats

from gridarium.environment.errors import InputError
from gridarium.market.coalition import TabulatedGame, membership, shapley
from gridarium.market.coalition_orders import AntitheticOrders, PlainOrders, StratifiedOrders
from gridarium.market.coalition_sampling import sample_shapley
from gridarium.market.mean_intervals import mean_intervals
from small_games import airport_game, bankruptcy_game, glove_game, random_game, synergy_game, voting_game

DESIGNS = (PlainOrders(), AntitheticOrders(), StratifiedOrders(), StratifiedOrders(strata=3))


def sampled(game, seed, units=100, design=None, **options):
    design = design or AntitheticOrders()
    asked = design.orders_per_unit(game.n_player) * (game.n_player - 1)
    random = np.random.default_rng(seed)
    return sample_shapley(
        game.n_player, game.values_of, random, most_evaluations=2 + units * asked, orders=design, **options
    )


@pytest.mark.parametrize("design", DESIGNS)
def test_each_order_by_itself_is_any_of_all(design):
    orders = design.draw(np.random.default_rng(0), 12_000, 4)
    assert orders.shape == (12_000, design.orders_per_unit(4), 4)
    kinds = {order: k for k, order in enumerate(permutations(range(4)))}
    for k in range(orders.shape[1]):
        counts = np.bincount([kinds[tuple(order)] for order in orders[:, k]], minlength=24)
        assert stats.chisquare(counts).pvalue > 1e-4


def test_pairs_are_reverses_and_strata_are_visited_once():
    random = np.random.default_rng(1)
    pairs = AntitheticOrders().draw(random, 50, 7)
    np.testing.assert_array_equal(pairs[:, 1], pairs[:, 0, ::-1])
    orders = StratifiedOrders(strata=4).draw(random, 50, 12)
    stratum = np.sort(np.argsort(orders, axis=2) // 3, axis=1)
    assert (stratum == np.arange(4)[:, None]).all()
    all_places = np.argsort(StratifiedOrders(strata=99).draw(random, 50, 12), axis=2)
    assert (np.sort(all_places, axis=1) == np.arange(12)[:, None]).all()


@pytest.mark.parametrize("design", DESIGNS)
def test_estimates_sum_to_the_value_of_all_and_come_near_the_exact_ones(design):
    game = synergy_game(np.random.default_rng(2), 9)
    found = sampled(game, 3, units=3000, design=design)
    assert found.mean.sum() == pytest.approx(game.total)
    assert found.n_evaluation == 2 + 3000 * design.orders_per_unit(9) * 8
    assert (found.n_unit, found.reached) == (3000, True)
    # Four standard errors or so.
    assert (np.abs(found.mean - shapley(game)) < 2.1 * found.half_width).all()
    np.testing.assert_array_equal(
        found.half_width, np.maximum(found.high - found.mean, found.mean - found.low)
    )


def twelve():
    """Games of 12 players far from additive: smooth, skewed, rarely decisive, and any values at all."""
    random = np.random.default_rng(5)
    return {
        "synergy": synergy_game(random, 12),
        "few synergies": synergy_game(random, 12, n_synergy=6),
        "airport": airport_game(10.0 * random.gamma(1.0, size=12)),
        "votes": voting_game(np.array([10, 8, 7, 5, 5, 4, 3, 3, 2, 2, 1, 1.0]), 35.0),
        "gloves": glove_game(4, 8),
        "any": random_game(random, 12),
        "bankruptcy": bankruptcy_game(50.0, 10.0 * random.gamma(1.0, size=12)),
    }


@pytest.mark.parametrize("design", DESIGNS[:3])
def test_intervals_cover_the_exact_values(design):
    covered = []
    for game in twelve().values():
        exact = shapley(game)
        for seed in range(40):
            found = sampled(game, seed, design=design, units=100)
            covered.append((found.low <= exact) & (exact <= found.high))
    # 280 trials of 12 players, who depend on each other: three points are about four standard errors.
    assert 0.93 <= np.mean(covered) <= 0.98


def test_intervals_are_of_the_wanted_confidence():
    game = twelve()["synergy"]
    exact = shapley(game)
    found = [sampled(game, seed, confidence=0.6) for seed in range(200)]
    covered = np.mean([(each.low <= exact) & (exact <= each.high) for each in found])
    assert covered == pytest.approx(0.6, abs=0.05)


def test_pairs_are_exact_where_gains_are_linear_in_the_company():
    """Early and late companies of a player are all others together, whatever the order."""
    worth = np.random.default_rng(3).gamma(1.0, size=12)
    game = TabulatedGame(tuple("abcdefghijkl"), (membership(12) @ worth) ** 2)
    found = sampled(game, 1, units=50, design=AntitheticOrders(), half_width=1e-6)
    assert found.reached
    np.testing.assert_allclose(found.mean, worth * worth.sum(), rtol=1e-12)
    assert not sampled(game, 1, units=50, design=PlainOrders(), half_width=1e-6).reached


def test_strata_are_exact_where_only_the_number_present_matters():
    worth = np.random.default_rng(4).normal(size=12)
    game = TabulatedGame(tuple("abcdefghijkl"), np.sqrt(membership(12).sum(axis=1)) + membership(12) @ worth)
    found = sampled(game, 1, units=50, design=StratifiedOrders(strata=12), half_width=1e-6)
    assert found.reached
    np.testing.assert_allclose(found.mean, worth + np.sqrt(12) / 12, rtol=1e-12)
    # With as many orders.
    some = sampled(game, 1, units=50, design=StratifiedOrders(strata=4))
    few = sampled(game, 1, units=200, design=PlainOrders())
    assert some.half_width.max() < few.half_width.min()


def test_stops_at_the_half_width_and_still_covers():
    game = twelve()["bankruptcy"]
    exact = shapley(game)
    found = [sampled(game, seed, units=5000, half_width=0.6) for seed in range(150)]
    assert all(each.reached and each.half_width.max() <= 0.6 for each in found)
    assert all(each.n_evaluation < 2 + 5000 * 22 for each in found)
    covered = np.mean([(each.low <= exact) & (exact <= each.high) for each in found])
    assert 0.92 <= covered <= 0.985


def test_says_when_evaluations_end_first():
    found = sampled(twelve()["votes"], 1, units=120, half_width=1e-3)
    assert (found.reached, found.n_unit, found.n_evaluation) == (False, 120, 2 + 120 * 22)
    assert found.half_width.max() > 1e-3


def test_same_seed_same_estimate_however_large():
    game = twelve()["any"]
    one, other = sampled(game, 7, units=6000), sampled(game, 7, units=6000)
    np.testing.assert_array_equal(one.mean, other.mean)
    np.testing.assert_array_equal(one.low, other.low)
    assert not np.array_equal(one.mean, sampled(game, 8, units=6000).mean)


@pytest.mark.parametrize("design", DESIGNS)
def test_hundreds_of_players(design):
    """An airport of 150 kinds of aircraft, whose exact values are known."""
    needs = np.sort(np.random.default_rng(0).gamma(1.0, 10.0, size=150))
    exact = -np.cumsum(np.diff(needs, prepend=0.0) / np.arange(150, 0, -1))
    covered = []
    for seed in range(4):
        found = sample_shapley(
            150,
            lambda coalitions: -(coalitions * needs).max(axis=1),
            np.random.default_rng(seed),
            most_evaluations=80_000,
            orders=design,
        )
        assert found.mean.sum() == pytest.approx(-needs[-1])
        covered.append((found.low <= exact) & (exact <= found.high))
    assert np.mean(covered) > 0.93


def test_additive_games_are_known_at_once():
    worth = np.linspace(-2.0, 5.0, 40)
    found = sample_shapley(
        40,
        lambda coalitions: coalitions @ worth,
        np.random.default_rng(0),
        most_evaluations=9000,
        half_width=1e-9,
    )
    assert found.reached
    assert found.n_unit == 50
    assert ((found.low <= worth) & (worth <= found.high)).all()


def test_who_may_be_decisive_but_was_never_seen_so():
    """A player who matters in one order of 1,260: its interval knows that 60 orders say little."""
    inside = membership(10)
    exactly = (inside[:, :5].all(axis=1)) & (inside.sum(axis=1) == 5)
    game = TabulatedGame(tuple("abcdefghij"), (inside[:, 1:].sum(axis=1) >= 5) + 1.0 * exactly)
    assert shapley(game)[0] == pytest.approx(1 / 1260)
    found = sampled(game, 3, design=PlainOrders(), units=60)
    assert found.mean[0] == 0.0
    # An event of probability p is missed 60 times by a chance of 2.5 % if (1 - p)**60 = 0.025.
    assert (1.0 - found.high[0]) ** 60 == pytest.approx(0.025, rel=1e-6)
    assert found.low[0] == pytest.approx(-found.high[0])


def test_one_player():
    found = sample_shapley(
        1, lambda coalitions: 3.0 * coalitions[:, 0], np.random.default_rng(0), most_evaluations=2
    )
    assert (found.mean.tolist(), found.n_evaluation) == ([3.0], 2)
    assert found.low[0] <= 3.0 <= found.high[0]


@pytest.mark.parametrize("skew", ["exponential", "lognormal"])
def test_intervals_of_skewed_means(skew):
    random = np.random.default_rng(11)
    n, trials = 50, 4000
    values = (
        random.exponential(size=(n, trials))
        if skew == "exponential"
        else np.exp(0.7 * random.normal(size=(n, trials)))
    )
    mean = 1.0 if skew == "exponential" else np.exp(0.245)
    low, high = mean_intervals(values, 0.95)
    covered = np.mean((low <= mean) & (mean <= high))
    student = stats.t.ppf(0.975, n - 1) * values.std(axis=0, ddof=1) / np.sqrt(n)
    plain = np.mean(np.abs(values.mean(axis=0) - mean) <= student)
    assert plain < covered - 0.005
    assert 0.94 < covered < 0.97


def test_intervals_of_symmetric_means_are_those_of_student():
    values = np.concatenate([x := np.random.default_rng(0).normal(size=(20, 3)), -x])
    low, high = mean_intervals(values, 0.9)
    expected = stats.t.interval(0.9, 39, loc=0.0, scale=values.std(axis=0, ddof=1) / np.sqrt(40))
    np.testing.assert_allclose((low, high), expected, rtol=1e-9)


def test_intervals_follow_unit_origin_and_sign():
    values = np.random.default_rng(1).exponential(size=(30, 4))
    low, high = mean_intervals(values, 0.95)
    np.testing.assert_allclose(mean_intervals(5.0 - 2.0 * values, 0.95), (5.0 - 2.0 * high, 5.0 - 2.0 * low))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"n_player": 0}, "n_player: got 0"),
        ({"most_evaluations": 100}, "at least 902: 50 units of 2 orders, each of 9 coalitions"),
        ({"half_width": 0.0}, "half_width: got 0.0"),
        ({"half_width": float("nan")}, "half_width: got nan"),
        ({"confidence": 1.0}, "confidence: got 1.0"),
        ({"value": lambda coalitions: coalitions.sum(axis=1) + 1.0}, "v(): got 1.0; must be 0"),
        ({"value": lambda coalitions: coalitions.sum(axis=1)[:1]}, "each of 2 coalitions"),
        ({"value": lambda coalitions: np.where(coalitions[:, 0], np.nan, 0.0)}, "must be a finite number"),
    ],
)
def test_bad_input(changes, said):
    given = {
        "n_player": 10,
        "value": lambda coalitions: coalitions.sum(axis=1),
        "random": np.random.default_rng(0),
        "most_evaluations": 10_000,
    }
    with pytest.raises(InputError) as caught:
        sample_shapley(**(given | changes))
    assert said in str(caught.value)


def test_bad_strata():
    with pytest.raises(InputError, match="strata: got 1"):
        StratifiedOrders(strata=1)
