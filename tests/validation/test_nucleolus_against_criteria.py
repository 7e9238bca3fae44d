"""Nucleolus and least core against Kohlberg's criterion, closed forms and a single full linear problem."""

import numpy as np
import pytest
from scipy.optimize import linprog

from gridarium.environment.errors import InputError
from gridarium.market.coalition import TabulatedGame, membership, shapley
from gridarium.market.coalition_core import check_core, least_core, nucleolus, prenucleolus
from small_games import (
    airport_game,
    bankruptcy_game,
    glove_game,
    names,
    random_game,
    synergy_game,
    voting_game,
)

TIE = 1e-7


def proper(game):
    """Members of all coalitions but none and all, as rows of 0 and 1, and their values."""
    return membership(game.n_player)[1:-1], game.values[1:-1]


def kohlberg_gap(game, shares, rational):
    """How far a move can help coalitions of large excess, 0 for none (Kohlberg, 1971, doi:10.1137/0120009).

    Shares are the nucleolus if and only if, for every level, a move y with y(N) = 0 that takes nothing
    from a coalition at or above the level (and nothing from players who get no more than alone, if the
    shares must be acceptable) gives nothing to these coalitions.
    """
    inside, values = proper(game)
    size = np.abs(game.values).max()
    excess = (values - inside @ shares) / size
    held = np.flatnonzero((shares - game.alone) / size < TIE) if rational else []
    largest, level = 0.0, np.inf
    while (below := excess[excess < level - TIE]).size:
        level = below.max()
        above = inside[excess >= level - TIE]
        rows = np.vstack([above, np.eye(game.n_player)[held]])
        answer = linprog(
            -above.sum(axis=0),
            A_ub=-rows,
            b_ub=np.zeros(len(rows)),
            A_eq=np.ones((1, game.n_player)),
            b_eq=[0.0],
            bounds=(-1.0, 1.0),
        )
        assert answer.status == 0
        largest = max(largest, -answer.fun)
        if np.linalg.matrix_rank(rows) == game.n_player:
            # Nothing can move any more without harm to these, so lower levels add nothing.
            break
    return largest


def full_least_core(game):
    """Least core by one linear problem with all coalitions."""
    inside, values = proper(game)
    answer = linprog(
        np.append(np.zeros(game.n_player), 1.0),
        A_ub=-np.column_stack([inside, np.ones(len(inside))]),
        b_ub=-values,
        A_eq=[[*np.ones(game.n_player), 0.0]],
        b_eq=[game.total],
        bounds=(None, None),
    )
    return answer.fun


def games(seed):
    """A random game of up to 7 players: any values, few different ones, synergies, votes, gloves."""
    random = np.random.default_rng(seed)
    n_player = int(random.integers(2, 8))
    kind = seed % 5
    if kind == 0:
        return random_game(random, n_player)
    if kind == 1:
        values = random.integers(-3, 4, 2**n_player).astype(float)
        values[0] = 0.0
        return TabulatedGame(names(n_player), values)
    if kind == 2:
        return synergy_game(random, n_player, n_synergy=int(random.integers(1, 12)))
    if kind == 3:
        weights = random.integers(1, 8, n_player).astype(float)
        return voting_game(weights, random.uniform(0.4, 1.0) * weights.sum())
    left = int(random.integers(1, n_player))
    return glove_game(left, n_player - left)


@pytest.mark.parametrize("seed", range(100))
def test_random_games(seed):
    game = games(seed)
    size = np.abs(game.values).max()
    found = prenucleolus(game)
    assert found.sum() == pytest.approx(game.total, abs=1e-9 * size)
    assert kohlberg_gap(game, found, rational=False) < 1e-6
    least = least_core(game)
    assert least.epsilon == pytest.approx(full_least_core(game), abs=1e-8 * size)
    for shares in (least.shares, found):
        check = check_core(game, shares)
        assert check.excess == pytest.approx(least.epsilon, abs=1e-8 * size)
        assert check.imbalance == pytest.approx(0.0, abs=1e-8 * size)
    if game.total < game.alone.sum() - 1e-9 * size:
        with pytest.raises(InputError, match="prenucleolus"):
            nucleolus(game)
        return
    rational = nucleolus(game)
    assert (rational >= game.alone - 1e-8 * size).all()
    assert kohlberg_gap(game, rational, rational=True) < 1e-6


def test_the_criterion_refuses_other_shares():
    game = games(2)
    found = prenucleolus(game)
    for k in range(1, game.n_player):
        moved = found.copy()
        moved[[0, k]] += [1e-3, -1e-3]
        assert kohlberg_gap(game, moved, rational=False) > 1e-3


def test_acceptable_shares_can_differ_from_the_others():
    """Where a pair earns more than all three, only the condition keeps the third from paying."""
    game = TabulatedGame(("a", "b", "c"), np.array([0.0, 0.0, 0.0, 5.0, 0.0, 0.0, 0.0, 3.0]))
    np.testing.assert_allclose(prenucleolus(game), [2.0, 2.0, -1.0], atol=1e-9)
    np.testing.assert_allclose(nucleolus(game), [1.5, 1.5, 0.0], atol=1e-9)


def talmud(estate, claims):
    """Half claims are met evenly, then the rest is lost evenly (doi:10.1016/0022-0531(85)90102-4)."""

    def even(amount, caps):
        low, high = 0.0, caps.max()
        for _ in range(200):
            level = (low + high) / 2
            low, high = (level, high) if np.minimum(caps, level).sum() < amount else (low, level)
        return np.minimum(caps, high)

    half = claims / 2
    if estate <= half.sum():
        return even(estate, half)
    return claims - even(claims.sum() - estate, half)


@pytest.mark.parametrize("seed", range(20))
def test_bankruptcy_is_settled_as_in_the_talmud(seed):
    random = np.random.default_rng(seed)
    claims = random.gamma(1.0, 10.0, size=int(random.integers(2, 9)))
    estate = random.uniform(0.05, 0.95) * claims.sum()
    expected = talmud(estate, claims)
    found = nucleolus(bankruptcy_game(estate, claims))
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-9 * claims.sum())
    np.testing.assert_allclose(prenucleolus(bankruptcy_game(estate, claims)), found, rtol=0, atol=1e-8)


def three_player_nucleolus(pairs, total):
    """Closed form for players who earn nothing alone and a total above every pair, by case.

    Pairs in falling order: of players 0 and 1, 0 and 2, 1 and 2. Each case is what the excesses that bind
    imply (M. Leng and M. Parlar, Naval Research Logistics, 2010).
    """
    ab, ac, bc = pairs
    if total >= 3 * ab:
        return [total / 3] * 3
    if total >= ab + 2 * ac:
        return [(total + ab) / 4, (total + ab) / 4, (total - ab) / 2]
    if total >= ab + 2 * bc:
        return [(ab + ac) / 2, (total - ac) / 2, (total - ab) / 2]
    if total >= 2 * ac + 2 * bc - ab:
        return [(total + ab) / 4 + (ac - bc) / 2, (total + ab) / 4 - (ac - bc) / 2, (total - ab) / 2]
    return [(total + ab + ac - 2 * bc) / 3, (total + ab + bc - 2 * ac) / 3, (total + ac + bc - 2 * ab) / 3]


@pytest.mark.parametrize("seed", range(60))
def test_three_players(seed):
    random = np.random.default_rng(seed)
    ab, ac, bc = np.sort(random.uniform(0, 1, 3) ** (1 + seed % 3))[::-1]
    total = ab * random.uniform(1.0, (1.5, 2.5, 4.0)[seed % 3])
    game = TabulatedGame(("a", "b", "c"), np.array([0, 0, 0, ab, 0, ac, bc, total]))
    np.testing.assert_allclose(nucleolus(game), three_player_nucleolus((ab, ac, bc), total), atol=1e-9)


@pytest.mark.parametrize("alone", [(2.0, 5.0), (0.0, 0.0), (-3.0, 1.0)])
def test_two_players_halve_what_they_gain(alone):
    game = TabulatedGame(("a", "b"), np.array([0.0, *alone, 9.0]))
    gain = 9.0 - sum(alone)
    np.testing.assert_allclose(nucleolus(game), np.array(alone) + gain / 2, atol=1e-12)
    np.testing.assert_allclose(prenucleolus(game), shapley(game), atol=1e-12)


def airport_nucleolus(needs):
    """Recursion for airport games (S. C. Littlechild, 1974), needs rising."""
    n_player = len(needs)
    paid, done, charged = np.zeros(n_player), 0, 0.0
    while done < n_player - 1:
        # Those up to k share the least of what the next segments allow.
        rates = [(needs[k] - charged) / (k - done + 2) for k in range(done, n_player - 1)]
        rates.append((needs[-1] - charged) / (n_player - done))
        least = int(np.argmin(np.round(rates, 12)))
        upto = min(done + least, n_player - 1)
        if upto == n_player - 1:
            paid[done:] = rates[least]
            return paid
        paid[done : upto + 1] = rates[least]
        charged += rates[least] * (upto + 1 - done)
        done = upto + 1
    paid[-1] = needs[-1] - charged
    return paid


@pytest.mark.parametrize("seed", range(15))
def test_airport(seed):
    random = np.random.default_rng(seed)
    needs = np.sort(random.gamma(1.0, 10.0, size=int(random.integers(2, 9))))
    np.testing.assert_allclose(-nucleolus(airport_game(needs)), airport_nucleolus(needs), atol=1e-8)


def test_nucleolus_of_scaled_and_shifted_games():
    random = np.random.default_rng(8)
    game = synergy_game(random, 6)
    extra = 1e4 * random.normal(size=6)
    moved = TabulatedGame(game.players, 1e6 * game.values + membership(6) @ extra)
    np.testing.assert_allclose(nucleolus(moved), 1e6 * nucleolus(game) + extra, rtol=1e-9, atol=1e-3)


def test_a_loss_by_rounding_is_none():
    values = np.array([0.0, 0.1, 0.2, 0.2, 0.0, 0.0, 0.0, 0.3])
    assert values[[1, 2, 4]].sum() > values[-1]
    np.testing.assert_allclose(nucleolus(TabulatedGame(names(3), values)), [0.1, 0.2, 0.0], atol=1e-12)


def test_many_players():
    game = synergy_game(np.random.default_rng(3), 10, n_synergy=40)
    found = nucleolus(game)
    assert kohlberg_gap(game, found, rational=True) < 1e-6
    assert check_core(game, found).excess == pytest.approx(least_core(game).epsilon, abs=1e-8)


def test_gloves_the_scarce_side_gets_all():
    found = nucleolus(glove_game(2, 3))
    np.testing.assert_allclose(found, [1.0, 1.0, 0.0, 0.0, 0.0], atol=1e-9)
    assert check_core(glove_game(2, 3), found).holds(1e-9)


def test_majority_of_three_has_no_core():
    game = voting_game(np.ones(3), 2.0)
    least = least_core(game)
    assert least.epsilon == pytest.approx(1 / 3)
    np.testing.assert_allclose(least.shares, 1 / 3)
    check = check_core(game, [0.5, 0.4, 0.0])
    assert (check.coalition, check.excess, check.imbalance) == (
        ("p1", "p2"),
        pytest.approx(0.6),
        pytest.approx(-0.1),
    )
    assert not check.holds(0.5)
    assert check.holds(0.7)


def test_convex_games_have_shapley_in_the_core():
    game = synergy_game(np.random.default_rng(5), 8)
    assert check_core(game, shapley(game)).holds(1e-9)


def test_additive_games_and_single_players():
    game = TabulatedGame(names(4), membership(4) @ [1.0, 2.0, -3.0, 0.1])
    np.testing.assert_allclose(nucleolus(game), [1.0, 2.0, -3.0, 0.1])
    assert least_core(game).epsilon == 0.0
    alone = TabulatedGame(("a",), np.array([0.0, 7.0]))
    assert (nucleolus(alone).tolist(), least_core(alone).epsilon) == ([7.0], -np.inf)
    assert check_core(alone, [7.0]).holds(0.0)


@pytest.mark.parametrize("shares", [[1.0], [1.0, np.nan], [[1.0, 2.0]]])
def test_bad_shares(shares):
    with pytest.raises(InputError, match="each of 2 players"):
        check_core(glove_game(1, 1), shares)
