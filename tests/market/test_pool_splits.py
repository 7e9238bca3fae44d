"""Rules of sharing against independent implementations on random games, and axioms they must keep."""

from __future__ import annotations

from itertools import pairwise, permutations

import numpy as np
import pytest
from scipy.optimize import linprog

from gridarium.environment.arrays import Array, Flags
from gridarium.environment.errors import InputError
from gridarium.market.pool_splits import (
    Capacity,
    LeastCore,
    Nucleolus,
    Owen,
    PoolGame,
    Prenucleolus,
    SampledShapley,
    Shapley,
    SplitRule,
    WithMinusWithout,
    leaves_rest,
    needed_coalitions,
    shared,
    shares_of_owners,
    values_of,
)
from gridarium.market.storage_pooling import OPERATOR

EXACT: tuple[SplitRule, ...] = (Shapley(), Owen(), Prenucleolus(), LeastCore(), Capacity())


def random_game(seed: int) -> PoolGame:
    """A submodular game of three to six owners in two or three sub-pools."""
    random = np.random.default_rng(seed)
    size = int(random.integers(3, 7))
    names = tuple(f"o{i}" for i in range(size))
    power = random.uniform(0.1, 1.0, size)
    noise = random.uniform(0.0, 0.1, 2**size)

    def value(coalitions: Flags) -> Array:
        masks = coalitions.astype(np.int64) @ (1 << np.arange(size))
        return np.where(masks > 0, 1.0 - np.exp(-(coalitions @ power)) + noise[masks], 0.0)

    cut = sorted(random.choice(np.arange(1, size), 2 if size > 3 else 1, replace=False).tolist())
    unions = tuple(names[i:j] for i, j in zip([0, *cut], [*cut, size], strict=True))
    return PoolGame(
        names, unions, dict(zip(names, random.uniform(0.1, 1.0, size).tolist(), strict=True)), value
    )


def by_orders(game: PoolGame, together: bool) -> Array:
    """Mean marginal contributions over all orders, or over those in which sub-pools stay together."""
    total, count = np.zeros(len(game.players)), 0
    for order in permutations(range(len(game.players))):
        if together:
            seen = [next(k for k, u in enumerate(game.unions) if game.players[i] in u) for i in order]
            if sum(a != b for a, b in pairwise(seen)) != len(game.unions) - 1:
                continue
        path = np.zeros((len(order) + 1, len(order)), dtype=bool)
        for step, player in enumerate(order):
            path[step + 1 :, player] = True
        total[list(order)] += np.diff(game.value(path))
        count += 1
    return total / count


@pytest.mark.parametrize("seed", range(100))
def test_shapley_and_owen_are_means_over_orders(seed: int) -> None:
    game = random_game(seed)
    assert Shapley().shares(game) == pytest.approx(by_orders(game, together=False), abs=1e-12)
    assert Owen().shares(game) == pytest.approx(by_orders(game, together=True), abs=1e-12)


@pytest.mark.parametrize("seed", range(100))
def test_least_core_and_prenucleolus_have_the_least_largest_excess(seed: int) -> None:
    game = random_game(seed)
    size = len(game.players)
    rows = (np.arange(1, 2**size - 1)[:, None] >> np.arange(size) & 1).astype(float)
    worth, total = game.value(rows > 0.0), float(game.value(np.ones((1, size), dtype=bool))[0])
    answer = linprog(
        [*np.zeros(size), 1.0],
        A_ub=-np.column_stack([rows, np.ones(len(rows))]),
        b_ub=-worth,
        A_eq=[[*np.ones(size), 0.0]],
        b_eq=[total],
        bounds=(None, None),
    )
    for rule in (LeastCore(), Prenucleolus()):
        shares = rule.shares(game)
        assert shares.sum() == pytest.approx(total)
        assert (worth - rows @ shares).max() == pytest.approx(answer.fun, abs=1e-7)


@pytest.mark.parametrize("rule", EXACT, ids=lambda rule: type(rule).__name__)
@pytest.mark.parametrize("seed", range(5))
def test_shares_sum_to_the_value_of_all(rule: SplitRule, seed: int) -> None:
    game = random_game(seed)
    everybody = np.ones((1, len(game.players)), dtype=bool)
    assert rule.shares(game).sum() == pytest.approx(float(game.value(everybody)[0]))


def with_a_dummy_and_twins() -> PoolGame:
    """`twin` and `other` are worth the same in all company, `dummy` nothing anywhere."""

    def value(coalitions: Flags) -> Array:
        return np.sqrt(coalitions @ np.array([1.0, 1.0, 0.0, 2.0]))

    names = ("twin", "other", "dummy", "big")
    return PoolGame(names, (("twin", "other"), ("dummy", "big")), dict.fromkeys(names, 1.0), value)


@pytest.mark.parametrize("rule", [Shapley(), Owen(), Prenucleolus(), SampledShapley(40_000)])
def test_who_adds_nothing_gets_nothing_and_twins_the_same(rule: SplitRule) -> None:
    shares = shared(rule, with_a_dummy_and_twins())
    tolerance = 0.01 if isinstance(rule, SampledShapley) else 1e-9
    if not isinstance(rule, Prenucleolus):
        assert shares["dummy"] == pytest.approx(0.0, abs=1e-9)
    assert shares["twin"] == pytest.approx(shares["other"], abs=tolerance)


def test_capacity_divides_what_sub_pools_add() -> None:
    game = with_a_dummy_and_twins()
    # Both sub-pools are worth sqrt(2) alone and 2 together.
    assert shared(Capacity(), game) == pytest.approx(dict.fromkeys(game.players, 0.5))


def test_a_game_among_some_and_with_an_operator() -> None:
    game = with_a_dummy_and_twins()
    assert shared(Shapley(), game.among(["twin", "other"])) == pytest.approx(
        {"twin": np.sqrt(2.0) / 2.0, "other": np.sqrt(2.0) / 2.0}
    )
    found = shares_of_owners(Shapley(), game, ["twin", "other"], operator_plays=True)
    # In a third of the orders an owner comes last, in a sixth after the operator alone.
    own = (np.sqrt(2.0) - 1.0) / 3.0 + 1.0 / 6.0
    assert found == pytest.approx({"twin": own, "other": own, OPERATOR: np.sqrt(2.0) - 2.0 * own})
    assert shares_of_owners(Shapley(), game, [], operator_plays=True) == {}


@pytest.mark.parametrize("rule", [*EXACT, SampledShapley(600)])
def test_a_rule_asks_for_no_more_than_it_has_said(rule: SplitRule) -> None:
    game = random_game(3)
    asked = needed_coalitions(rule, game)
    table = values_of(asked, game.value(asked))
    assert rule.shares(PoolGame(game.players, game.unions, game.capacity_mwh, table)) == pytest.approx(
        rule.shares(game)
    )


def test_a_nucleolus_of_owners_who_earn_more_alone_is_refused() -> None:
    game = random_game(0)
    with pytest.raises(InputError, match="prenucleolus does not ask for that"):
        Nucleolus().shares(game)


@pytest.mark.parametrize("seed", range(5))
def test_with_minus_without_is_what_each_adds_when_it_comes_last(seed: int) -> None:
    game = random_game(seed)
    last = [game.table.total - game.table.value({*game.players} - {name}) for name in game.players]
    assert WithMinusWithout().shares(game) == pytest.approx(last)
    # By a submodular game, all but for its noise, who comes last adds least.
    assert sum(last) < game.table.total
    assert leaves_rest(WithMinusWithout())
    assert not leaves_rest(Shapley())
    asked = needed_coalitions(WithMinusWithout(), game)
    assert len(asked) == len(game.players) + 1
