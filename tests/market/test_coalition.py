"""Exact values against an enumeration of orders, closed forms, the axioms that define them, and bad input."""

from itertools import permutations
from math import comb, factorial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridarium.environment.errors import InputError
from gridarium.market.coalition import (
    MOST_PLAYERS,
    TabulatedGame,
    additivity,
    banzhaf,
    membership,
    shapley,
)
from gridarium.market.coalition_unions import owen
from small_games import airport_game, glove_game, names, random_game, synergy_game, voting_game

SEEDS = st.integers(0, 2**32 - 1)


def shares_by_orders(game, orders):
    """What each player adds, averaged over orders that are walked one player at a time."""
    total = dict.fromkeys(game.players, 0.0)
    for order in orders:
        present = []
        for name in order:
            before = game.value(present)
            present.append(name)
            total[name] += game.value(present) - before
    return [total[name] / len(orders) for name in game.players]


def consistent_orders(unions):
    """All orders in which no union is interrupted by others."""
    found = []
    for order in permutations(unions):
        joined = [()]
        for union in order:
            joined = [head + tail for head in joined for tail in permutations(union)]
        found += joined
    return found


def random_unions(random, players):
    label = random.integers(0, random.integers(1, len(players) + 1), len(players))
    shuffled = random.permutation(label.max() + 1)
    unions = [[name for name, at in zip(players, label, strict=True) if at == k] for k in shuffled]
    return [list(random.permutation(union)) for union in unions if union]


@pytest.mark.parametrize("n_player", [1, 2, 3, 4, 5, 6])
def test_shapley_is_the_mean_over_all_orders(n_player):
    random = np.random.default_rng(n_player)
    for _ in range(10 if n_player < 6 else 2):
        game = random_game(random, n_player)
        expected = shares_by_orders(game, list(permutations(game.players)))
        np.testing.assert_allclose(shapley(game), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("seed", range(100))
def test_owen_is_the_mean_over_orders_that_keep_unions_together(seed):
    random = np.random.default_rng(seed)
    game = random_game(random, int(random.integers(2, 7)))
    unions = random_unions(random, game.players)
    expected = shares_by_orders(game, consistent_orders(unions))
    np.testing.assert_allclose(owen(game, unions), expected, rtol=0, atol=1e-12)


@given(SEEDS, st.integers(2, 9))
@settings(max_examples=30, deadline=None)
def test_owen_shares_out_what_the_unions_earn(seed, n_player):
    random = np.random.default_rng(seed)
    game = synergy_game(random, n_player)
    unions = random_unions(random, game.players)
    union_of = dict(zip(names(len(unions)), unions, strict=True))
    among = TabulatedGame.of(
        tuple(union_of), lambda present: game.value([name for union in present for name in union_of[union]])
    )
    position = {name: i for i, name in enumerate(game.players)}
    found = owen(game, unions)
    of_unions = [sum(found[position[name]] for name in union) for union in unions]
    np.testing.assert_allclose(of_unions, shapley(among), rtol=0, atol=1e-9)


@given(SEEDS, st.integers(1, 9))
@settings(max_examples=30, deadline=None)
def test_owen_of_single_players_or_of_one_union_is_shapley(seed, n_player):
    game = random_game(np.random.default_rng(seed), n_player)
    for unions in ([[name] for name in game.players], [list(game.players)]):
        np.testing.assert_allclose(owen(game, unions), shapley(game), rtol=0, atol=1e-12)


@given(SEEDS, st.integers(1, 10))
@settings(max_examples=40, deadline=None)
def test_shapley_is_efficient_and_additive(seed, n_player):
    random = np.random.default_rng(seed)
    one, other = random_game(random, n_player), random_game(random, n_player)
    both = TabulatedGame(one.players, one.values + 3.0 * other.values)
    assert shapley(one).sum() == pytest.approx(one.total, abs=1e-12)
    np.testing.assert_allclose(shapley(both), shapley(one) + 3.0 * shapley(other), rtol=0, atol=1e-12)
    np.testing.assert_allclose(banzhaf(both), banzhaf(one) + 3.0 * banzhaf(other), rtol=0, atol=1e-12)


@given(SEEDS, st.integers(2, 9))
@settings(max_examples=40, deadline=None)
def test_who_adds_nothing_gets_nothing_and_equals_get_the_same(seed, n_player):
    random = np.random.default_rng(seed)
    smaller = random_game(random, n_player - 1)
    # A null player anywhere, then two players whose exchange changes nothing.
    at = int(random.integers(n_player))
    rest = [i for i in range(n_player) if i != at]
    inside = membership(n_player).astype(bool)
    with_null = TabulatedGame(names(n_player), smaller.values_of(inside[:, rest]))
    assert shapley(with_null)[at] == 0.0
    assert banzhaf(with_null)[at] == 0.0
    np.testing.assert_allclose(shapley(with_null)[rest], shapley(smaller), rtol=0, atol=1e-12)
    game, swapped = random_game(random, n_player), inside.copy()
    swapped[:, [0, 1]] = swapped[:, [1, 0]]
    symmetric = TabulatedGame(game.players, game.values + game.values_of(swapped))
    assert shapley(symmetric)[0] == pytest.approx(shapley(symmetric)[1], abs=1e-12)


@given(st.lists(st.floats(0.1, 50), min_size=1, max_size=10))
@settings(deadline=None)
def test_airport_each_part_of_the_runway_is_shared_by_its_users(needs):
    needs = np.array(needs)
    steps = np.diff(np.sort(needs), prepend=0.0)
    lengths = np.sort(needs)
    expected = [
        -sum(steps[k] / (len(needs) - k) for k in range(len(needs)) if lengths[k] <= need) for need in needs
    ]
    np.testing.assert_allclose(shapley(airport_game(needs)), expected, rtol=1e-9)


@given(SEEDS, st.integers(1, 10))
@settings(max_examples=30, deadline=None)
def test_unanimity_is_shared_by_those_whose_consent_it_takes(seed, n_player):
    carrier = np.random.default_rng(seed).random(n_player) < 0.5
    carrier[0] = True
    game = TabulatedGame(names(n_player), membership(n_player)[:, carrier].all(axis=1).astype(float))
    np.testing.assert_allclose(shapley(game), carrier / carrier.sum(), rtol=0, atol=1e-12)
    np.testing.assert_allclose(banzhaf(game), carrier / 2.0 ** (carrier.sum() - 1), rtol=0, atol=1e-12)


@pytest.mark.parametrize("rights", [1, 2, 3, 6, 11])
def test_one_left_glove_among_right_ones(rights):
    found = shapley(glove_game(1, rights))
    assert found[0] == pytest.approx(rights / (rights + 1))
    np.testing.assert_allclose(found[1:], 1.0 / (rights * (rights + 1)))


def test_security_council():
    """Five permanent members and ten others, of 45 votes it takes 39."""
    found = shapley(voting_game(np.repeat([7.0, 1.0], [5, 10]), 39.0))
    # An ordinary member decides if all five and three other ordinary ones are before it.
    before = comb(9, 3)
    ordinary = before * factorial(8) * factorial(6) / factorial(15)
    np.testing.assert_allclose(found[5:], ordinary, rtol=1e-9)
    np.testing.assert_allclose(found[:5], (1.0 - 10.0 * ordinary) / 5.0, rtol=1e-9)
    assert found[0] == pytest.approx(0.196270, abs=5e-7)


def test_sixteen_players():
    game = synergy_game(np.random.default_rng(4), MOST_PLAYERS, n_synergy=200)
    assert shapley(game).sum() == pytest.approx(game.total)
    position = np.arange(MOST_PLAYERS)
    additive = TabulatedGame(game.players, membership(MOST_PLAYERS) @ position)
    np.testing.assert_allclose(shapley(additive), position, rtol=0, atol=1e-10)


def test_every_coalition_is_asked_once():
    asked = []

    def value(members):
        asked.append(members)
        return float(len(members) ** 2)

    game = TabulatedGame.of("abc", value)
    assert asked == [(), ("a",), ("b",), ("a", "b"), ("c",), ("a", "c"), ("b", "c"), ("a", "b", "c")]
    assert (game.total, game.alone.tolist(), game.value(["c", "a"])) == (9.0, [1.0, 1.0, 1.0], 4.0)
    assert game.sizes.tolist() == [0, 1, 1, 2, 1, 2, 2, 3]
    assert game.members(game.mask(["c", "a"])) == ("a", "c")
    assert game.values_of(np.array([[True, False, True], [False, False, False]])).tolist() == [4.0, 0.0]


@given(SEEDS, st.integers(1, 8), st.floats(0.01, 100))
@settings(max_examples=40, deadline=None)
def test_additivity_explains_what_least_squares_explain(seed, n_player, scale):
    game = random_game(np.random.default_rng(seed), n_player)
    design = np.column_stack([np.ones(2**n_player), membership(n_player)])
    rest = game.values - design @ np.linalg.lstsq(design, game.values, rcond=None)[0]
    found = additivity(TabulatedGame(game.players, scale * game.values))
    assert found.variance_share == pytest.approx(1.0 - rest.var() / game.values.var(), abs=1e-9)
    interaction = max(
        abs(game.value(members) - sum(game.value([name]) for name in members))
        for members in (game.members(mask) for mask in range(2**n_player))
    )
    assert found.largest_interaction == pytest.approx(interaction / np.abs(game.values).max(), abs=1e-9)
    gap = np.abs(shapley(game) - game.alone).sum() / np.abs(shapley(game)).sum()
    assert found.stand_alone_gap == pytest.approx(gap, abs=1e-9)


def test_additivity_of_extremes():
    additive = additivity(TabulatedGame(names(3), membership(3) @ [1.0, -2.0, 5.0]))
    assert (additive.variance_share, additive.largest_interaction) == (pytest.approx(1.0), pytest.approx(0.0))
    assert additive.stand_alone_gap == pytest.approx(0.0)
    nothing = additivity(TabulatedGame(names(2), np.zeros(4)))
    assert (nothing.variance_share, nothing.largest_interaction, nothing.stand_alone_gap) == (1.0, 0.0, 0.0)
    # Two who are worth something only together: nothing of it is earned alone.
    pair = additivity(TabulatedGame(names(2), np.array([0.0, 0.0, 0.0, 1.0])))
    assert pair.largest_interaction == pytest.approx(1.0)
    assert pair.stand_alone_gap == pytest.approx(1.0)
    # Two who earn something alone and nothing together: no share is left to compare with.
    rivals = additivity(TabulatedGame(names(2), np.array([0.0, 1.0, 1.0, 0.0])))
    assert (rivals.variance_share, rivals.largest_interaction, rivals.stand_alone_gap) == (0.0, 2.0, np.inf)


@pytest.mark.parametrize(
    ("players", "values", "said"),
    [
        ((), [0.0], "1 to 16 players"),
        (names(17), np.zeros(2**17), "sample_shapley"),
        (("a", "a"), np.zeros(4), "must be named once"),
        (("a", "b"), np.zeros(3), "4 coalitions"),
        (("a", "b"), [0.0, np.nan, 1.0, np.inf], "v(a): got nan"),
        (("a", "b"), [2.0, 3.0, 3.0, 4.0], "v(): got 2.0; must be 0"),
    ],
)
def test_bad_tables(players, values, said):
    with pytest.raises(InputError) as caught:
        TabulatedGame(players, np.asarray(values, dtype=float))
    assert said in str(caught.value)


def test_too_many_players_are_refused_before_anything_is_asked():
    with pytest.raises(InputError, match="sample_shapley"):
        TabulatedGame.of(names(40), lambda members: pytest.fail("asked"))


def test_all_values_that_are_no_numbers_are_named():
    with pytest.raises(InputError) as caught:
        TabulatedGame(("a", "b"), np.array([0.0, np.nan, 1.0, np.inf]))
    assert [fault.place for fault in caught.value.faults] == ["v(a)", "v(a, b)"]


def test_unions_that_do_not_partition():
    game = random_game(np.random.default_rng(0), 4)
    with pytest.raises(InputError) as caught:
        owen(game, [["p0", "p1", "p1"], [], ["p1", "zoe"]])
    told = [(fault.place, fault.value) for fault in caught.value.faults]
    assert told == [
        ("unions", "p1"),
        ("unions", "zoe"),
        ("unions", "p2"),
        ("unions", "p3"),
        ("unions[1]", []),
    ]


def test_strangers_are_named():
    with pytest.raises(InputError, match="zoe"):
        random_game(np.random.default_rng(0), 2).value(["p0", "zoe"])


def test_values_cannot_be_changed():
    source = np.array([0.0, 1.0, 1.0, 3.0])
    game = TabulatedGame(("a", "b"), source)
    source[3] = 99.0
    assert game.total == 3.0
    with pytest.raises(ValueError, match="read-only"):
        game.values[3] = 5.0
