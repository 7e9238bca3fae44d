"""Exchange ADMM against linear algebra: where it comes to rest, each step, and the rule of each variant."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest

from gridarium.environment.arrays import Array
from gridarium.environment.errors import ScenarioError
from gridarium.market.admm import ExchangeAdmm
from gridarium.market.admm_rounds import (
    DEFAULT_PENALTY,
    Answered,
    Posted,
    Residuals,
    default_penalty_per_mw2h,
    flexibility_shares,
    residuals,
)
from gridarium.market.admm_variants import (
    Anderson,
    Balanced,
    Nesterov,
    RelativelyBalanced,
    Stretched,
    VariantName,
)
from gridarium.market.admm_variants import make_variant as made

N_STEP = 4
VARIANTS: tuple[VariantName, ...] = (
    "plain", "over-relaxed", "balanced", "relatively-balanced", "nesterov", "anderson", "stretched",
)  # fmt: skip


class Game(NamedTuple):
    """Quadratic costs ``x'Px/2 + q x`` of followers and ``Z'QZ/2 + d Z`` of the supplier.

    Matrices couple steps. Shapes (n_follower, n_step, n_step), (n_follower, n_step), (n_step, n_step) and
    (n_step,).
    """

    square: Array
    linear: Array
    supply_square: Array
    supply_linear: Array

    def answer(self, posted: Posted) -> Array:
        """``argmin f(x) + y x + rho / 2 (x - z)^2`` of each follower."""
        weight = posted.penalty_per_mw2h[:, None]
        right = weight * posted.target_mw - posted.price_per_mwh - self.linear
        return np.linalg.solve(self.square + weight[:, :, None] * np.eye(N_STEP), right[:, :, None])[:, :, 0]

    def supply(self, heard_mw: Array, price: Array, pull: float) -> Array:
        """``argmin C(Z) - y Z + R / 2 (Z - X)^2``, and the marginal cost of that Z, from C itself."""
        right = pull * heard_mw + price - self.supply_linear
        taken = np.linalg.solve(self.supply_square + pull * np.eye(N_STEP), right)
        return np.asarray(self.supply_square @ taken + self.supply_linear)

    def optimum(self) -> tuple[Array, Array]:
        """Loads and price at which all marginal costs are equal, by one linear solve."""
        n = len(self.square)
        size = n * N_STEP
        matrix, right = np.zeros((size, size)), -(self.linear + self.supply_linear).ravel()
        for i in range(n):
            rows = slice(i * N_STEP, (i + 1) * N_STEP)
            matrix[rows, rows] = self.square[i]
            for j in range(n):
                matrix[rows, j * N_STEP : (j + 1) * N_STEP] += self.supply_square
        loads = np.linalg.solve(matrix, right).reshape(n, N_STEP)
        return loads, self.supply_square @ loads.sum(axis=0) + self.supply_linear

    def parts(self, count: int) -> Game:
        """Each follower in equal parts, which together cost what it does."""
        square = np.repeat(count * self.square, count, axis=0)
        return self._replace(square=square, linear=np.repeat(self.linear, count, axis=0))


def positive(random: np.random.Generator, *shape: int) -> Array:
    """Matrices with eigenvalues above 0.2, symmetric."""
    root = random.normal(size=(*shape, N_STEP, N_STEP))
    return np.asarray(root @ np.swapaxes(root, -1, -2) / N_STEP + 0.2 * np.eye(N_STEP))


def drawn(seed: int, count: int = 3) -> tuple[Game, Posted]:
    """A game, and a start that is far from its rest."""
    random = np.random.default_rng(seed)
    game = Game(
        positive(random, count),
        random.uniform(-90.0, -50.0, (count, N_STEP)),
        0.3 * positive(random),
        random.uniform(10.0, 30.0, N_STEP),
    )
    target = random.uniform(10.0, 60.0, (count, N_STEP))
    return game, Posted(random.uniform(20.0, 50.0, N_STEP), target, random.uniform(0.3, 2.0, count))


def played(game: Game, start: Posted, name: VariantName, most: int = 600) -> tuple[ExchangeAdmm, Array]:
    """Rounds to a distance of 1e-9, and the last loads."""
    admm = ExchangeAdmm(game.supply, start, made(name))
    distance = np.inf
    while distance > 1e-9 and admm.rounds < most:
        loads = game.answer(admm.posted)
        distance = admm.hear(loads).largest
    return admm, loads


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", VARIANTS)
def test_every_variant_comes_to_rest_where_all_marginal_costs_are_equal(name: VariantName, seed: int) -> None:
    game, start = drawn(seed)
    admm, loads = played(game, start, name)
    best, price = game.optimum()
    assert admm.rounds < 600
    assert loads == pytest.approx(best, rel=1e-6, abs=1e-6)
    assert admm.posted.target_mw == pytest.approx(best, rel=1e-6, abs=1e-6)
    assert admm.posted.price_per_mwh == pytest.approx(price, rel=1e-6, abs=1e-6)


def test_acceleration_takes_fewer_rounds_where_the_plain_iteration_is_slow() -> None:
    game, start = drawn(0)
    slow = start.scaled(0.03)
    rounds = {name: played(game, slow, name)[0].rounds for name in VARIANTS}
    assert all(rounds[name] < rounds["plain"] for name in VARIANTS if name != "plain")
    assert rounds["anderson"] == min(rounds.values())


@pytest.mark.parametrize(("name", "relaxation"), [("plain", 1.0), ("over-relaxed", 1.6)])
def test_each_round_is_that_of_textbook_admm(name: VariantName, relaxation: float) -> None:
    """Boyd et al., 2011, (3.5) to (3.7) and section 3.4.3, with z of all followers found at once."""
    game, start = drawn(7)
    n, rho = len(game.square), start.penalty_per_mw2h
    admm = ExchangeAdmm(game.supply, start, made(name))
    z, u = start.target_mw, start.price_per_mwh / rho[:, None]
    big = np.kron(np.ones((n, n)), game.supply_square) + np.kron(np.diag(rho), np.eye(N_STEP))
    for _ in range(12):
        x = np.array(
            [
                np.linalg.solve(
                    game.square[r] + rho[r] * np.eye(N_STEP), rho[r] * (z[r] - u[r]) - game.linear[r]
                )
                for r in range(n)
            ]
        )
        assert game.answer(admm.posted) == pytest.approx(x)
        between = relaxation * x + (1.0 - relaxation) * z
        right = rho[:, None] * (between + u) - game.supply_linear
        before, z = z, np.linalg.solve(big, right.ravel()).reshape(n, N_STEP)
        u = u + between - z
        found = admm.hear(x)
        assert admm.posted.target_mw == pytest.approx(z)
        price = np.broadcast_to(admm.posted.price_per_mwh, u.shape)
        assert price / rho[:, None] == pytest.approx(u)
        # r = x - z+, relative to the larger of both; s, relative to the unscaled dual.
        apart = float(np.linalg.norm(x - z))
        assert found.primal_mw == pytest.approx(apart)
        assert found.primal == pytest.approx(apart / max(np.linalg.norm(x), np.linalg.norm(z)))
        if name == "plain":
            moved = float(np.linalg.norm(rho[:, None] * (z - before)))
            assert found.dual_per_mwh == pytest.approx(moved)
            assert found.dual == pytest.approx(moved / np.linalg.norm(rho[:, None] * u))
        assert found.largest == max(found.primal, found.dual)


@pytest.mark.parametrize("name", VARIANTS)
def test_the_dual_residual_is_what_loads_miss_of_optimality_at_the_next_price(name: VariantName) -> None:
    game, start = drawn(5)
    admm = ExchangeAdmm(game.supply, start, made(name))
    for _ in range(8):
        posted = admm.posted
        loads = game.answer(posted)
        found = admm.hear(loads)
        # The next price before penalties and momentum: the supplier's from what the variant has passed on.
        if name in ("plain", "over-relaxed", "balanced", "relatively-balanced", "anderson", "stretched"):
            gradient = np.einsum("rij,rj->ri", game.square, loads) + game.linear
            assert found.dual_per_mwh == pytest.approx(
                float(np.linalg.norm(gradient + admm.posted.price_per_mwh)), rel=1e-6
            )


def test_other_penalties_keep_price_and_targets_and_rescale_what_is_scaled_by_them() -> None:
    _, start = drawn(2)
    other = start.scaled(4.0)
    assert other.price_per_mwh is start.price_per_mwh and other.target_mw is start.target_mw
    assert other.penalty_per_mw2h == pytest.approx(4.0 * start.penalty_per_mw2h)
    scaled = [posted.state_mw - posted.target_mw for posted in (start, other)]
    assert scaled[1] == pytest.approx(0.25 * scaled[0])
    assert other.supply_penalty_per_mw2h == pytest.approx(4.0 / sum(1.0 / start.penalty_per_mw2h))


def found_of(primal_mw: float, dual_per_mwh: float, load_mw: float = 1.0, price: float = 1.0) -> Residuals:
    return Residuals(primal_mw, dual_per_mwh, load_mw, price)


@pytest.mark.parametrize(
    ("primal_mw", "dual_per_mwh", "factor"),
    [(10.1, 1.0, 2.0), (9.9, 1.0, 1.0), (1.0, 9.9, 1.0), (1.0, 10.1, 0.5), (1.0, 0.0, 2.0), (0.0, 0.0, 1.0)],
)
def test_the_papers_rule_goes_by_absolute_residuals_ten_apart(
    primal_mw: float, dual_per_mwh: float, factor: float
) -> None:
    _, start = drawn(3)
    # By relative residuals it would be the other way round.
    found = found_of(primal_mw, dual_per_mwh, load_mw=1e6, price=1e-3)
    posted = Balanced().next_posted(1, start, start, found)
    assert posted.penalty_per_mw2h == pytest.approx(factor * start.penalty_per_mw2h)
    assert posted.price_per_mwh is start.price_per_mwh and posted.target_mw is start.target_mw


@pytest.mark.parametrize(
    ("found", "factor"),
    [
        (found_of(4.0, 1.0), 2.0),
        (found_of(1.0, 4.0), 0.5),
        (found_of(4.0, 4.0, load_mw=100.0, price=400.0), 2.0),
        (found_of(1e6, 1.0), 10.0),
        (found_of(1.0, 1e6), 0.1),
    ],
)
def test_balance_by_relative_residuals_takes_the_root_of_their_ratio_up_to_ten(
    found: Residuals, factor: float
) -> None:
    _, start = drawn(3)
    variant = RelativelyBalanced(rounds=2)
    for round_, expected in ((1, factor), (2, factor), (3, 1.0)):
        posted = variant.next_posted(round_, start, start, found)
        assert posted.penalty_per_mw2h == pytest.approx(expected * start.penalty_per_mw2h)


def along(place: float, start: Posted) -> Posted:
    """Price and targets on a line."""
    return Posted(start.price_per_mwh + place, start.target_mw + place, start.penalty_per_mw2h)


def test_nesterov_extrapolates_by_the_sequence_of_its_weights_and_starts_again() -> None:
    _, start = drawn(4)
    variant, ignored = Nesterov(), found_of(1.0, 1.0)
    t, place, before = 1.0, 0.0, 0.0
    posted = start
    # Steps beyond what was posted become shorter, so it never starts again; momentum is written out.
    for round_ in range(1, 8):
        at = float((posted.price_per_mwh - start.price_per_mwh)[0])
        before, place = place, at + 0.8**round_
        posted = variant.next_posted(round_, posted, along(place, start), ignored)
        following = 0.5 * (1.0 + np.sqrt(1.0 + 4.0 * t**2))
        expected = along(place + (t - 1.0) / following * (place - before), start)
        t = following
        assert posted.price_per_mwh == pytest.approx(expected.price_per_mwh)
        assert posted.target_mw == pytest.approx(expected.target_mw)
    assert t > 4.0
    # A step as long as the one before it is no decrease: nothing is extrapolated, then or in the next round.
    at = float((posted.price_per_mwh - start.price_per_mwh)[0])
    long = along(at + 0.8**7, start)
    posted = variant.next_posted(8, posted, long, ignored)
    assert posted is long
    short = along(at + 0.8**7 + 0.1, start)
    assert variant.next_posted(9, posted, short, ignored).price_per_mwh == pytest.approx(short.price_per_mwh)


def test_anderson_ends_a_linear_map_in_one_step_more_than_it_has_dimensions() -> None:
    """Walker and Ni, 2011, theorem 2.2: without relaxation or truncation it is GMRES, then one plain step."""
    random = np.random.default_rng(6)
    n_follower, memory = 2, 6
    size = n_follower * 3
    rotation, _ = np.linalg.qr(random.normal(size=(size, size)))
    matrix = rotation @ np.diag(np.linspace(-0.6, 0.9, size)) @ rotation.T
    offset, penalty = random.normal(size=size), np.array([0.5, 3.0])
    rest = np.linalg.solve(np.eye(size) - matrix, offset)
    variant = Anderson(relaxation=1.0, memory=memory)
    state = np.zeros(size)
    distance = []
    for _ in range(memory + 1):
        posted = Posted(np.zeros(3), state.reshape(n_follower, 3), penalty)
        moved = (matrix @ state + offset - state).reshape(n_follower, 3)
        state = variant.next_state(posted, moved).ravel()
        distance.append(float(np.linalg.norm(state - rest) / np.linalg.norm(rest)))
    assert distance[-1] < 1e-5
    assert distance[-2] > 1e-3
    assert variant.taken_back == 0


def test_anderson_takes_a_mixture_back_whose_own_step_has_grown() -> None:
    penalty = np.array([1.0, 4.0])

    def posted(state: Array) -> Posted:
        return Posted(np.zeros(2), state, penalty)

    variant = Anderson(relaxation=1.5, growth=2.0)
    first, second = np.full((2, 2), 1.0), np.full((2, 2), 3.0)
    assert variant.next_state(posted(first), 0.4 * np.ones((2, 2))) == pytest.approx(first + 0.6)
    mixed = variant.next_state(posted(second), 0.2 * np.ones((2, 2)))
    plain = second + 0.3
    # Steps of 0.6 at 1 and 0.3 at 3 on a line: nothing is left to go at 5.
    assert mixed == pytest.approx(np.full((2, 2), 5.0), rel=1e-6)
    # In the norm of sqrt(rho) a step grows to twice its length, which is kept, or beyond it, which is not.
    long = np.array([[0.4, 0.4], [0.4, 0.4]])
    kept = variant.next_state(posted(mixed), 0.999 * long)
    assert variant.taken_back == 0 and not np.allclose(kept, plain)
    variant = Anderson(relaxation=1.5, growth=2.0)
    variant.next_state(posted(first), 0.4 * np.ones((2, 2)))
    variant.next_state(posted(second), 0.2 * np.ones((2, 2)))
    assert variant.next_state(posted(mixed), 1.001 * long) == pytest.approx(plain)
    assert variant.taken_back == 1
    # It has forgotten all: the next step is a plain one, however long.
    assert variant.next_state(posted(plain), 9.0 * long) == pytest.approx(plain + 13.5 * long)


def test_anderson_mixes_nothing_across_other_penalties() -> None:
    _, start = drawn(8)
    variant, moved = Anderson(relaxation=1.0), np.ones_like(start.target_mw)
    variant.next_state(start, moved)
    other = Posted(start.price_per_mwh, start.target_mw + 0.5, 2.0 * start.penalty_per_mw2h)
    assert variant.next_state(other, 0.5 * moved) == pytest.approx(other.state_mw + 0.5)


def test_a_step_grows_where_it_stays_and_shrinks_where_it_turns_and_is_plain_elsewhere() -> None:
    _, start = drawn(13)
    variant = Stretched(alike=0.5, growth=2.0, longest=4.0, cut=0.5, shortest=0.2)
    same, turning, other = np.eye(N_STEP)[:3]
    for number, (longer, shorter) in enumerate([(1.0, 1.0), (2.0, 0.5), (4.0, 0.25), (4.0, 0.2)]):
        hours = same + (-1.0) ** number * turning + 3.0**number * other
        moved = np.outer([1.0, -2.0, 0.5], hours)
        went = variant.next_state(start, moved) - start.state_mw
        assert went == pytest.approx(moved * np.array([longer, shorter, 1.0, 1.0]))
    # Neither the same nor back: what grew is plain again, what shrank stays short.
    moved = np.outer([1.0, -2.0, 0.5], 3.0 * same - 4.0 * turning)
    went = variant.next_state(start, moved) - start.state_mw
    assert went == pytest.approx(moved * np.array([1.0, 0.2, 1.0, 1.0]))


@pytest.mark.parametrize(
    ("found", "factor"),
    [
        (found_of(3.1, 1.0), 1.2),
        (found_of(2.9, 1.0), 1.0),
        (found_of(1.0, 2.9), 1.0),
        (found_of(1.0, 3.1), 1.0 / 1.2),
        (found_of(30.0, 31.0, load_mw=1.0, price=100.0), 1.2),
    ],
)
def test_stretched_rounds_balance_relative_residuals_by_small_steps(found: Residuals, factor: float) -> None:
    _, start = drawn(3)
    posted = Stretched(ratio=3.0, balance=1.2).next_posted(1, start, start, found)
    assert posted.penalty_per_mw2h == pytest.approx(factor * start.penalty_per_mw2h)
    assert posted.price_per_mwh is start.price_per_mwh and posted.target_mw is start.target_mw


def test_a_price_that_must_travel_far_arrives_in_few_rounds() -> None:
    """Supply for 10 up to 79.3 MW and 200 beyond; a load of at least 80 MW, and 82 below a price of 150."""

    def answer(posted: Posted) -> Array:
        price, target = posted.price_per_mwh, posted.target_mw
        willing = target + (150.0 - price) / posted.penalty_per_mw2h[:, None]
        return np.asarray(np.clip(willing, 80.0, 82.0))

    def supply(heard_mw: Array, price: Array, pull: float) -> Array:
        taken = np.clip(79.3, heard_mw + (price - 200.0) / pull, heard_mw + (price - 10.0) / pull)
        return np.asarray(price + pull * (heard_mw - taken))

    rounds = {}
    for name in ("plain", "stretched"):
        start = Posted(np.array([20.0]), np.array([[82.0]]), np.array([1.0]))
        admm, found = ExchangeAdmm(supply, start, made(name)), np.inf
        while found > 1e-6 and admm.rounds < 1000:
            found = admm.hear(answer(admm.posted)).largest
        assert admm.posted.price_per_mwh == pytest.approx(200.0)
        assert admm.posted.target_mw == pytest.approx(80.0, rel=1e-4)
        rounds[name] = admm.rounds
    assert rounds["stretched"] < rounds["plain"] / 3


def test_rounds_that_take_long_weigh_targets_more_so_that_who_jumps_comes_to_rest() -> None:
    """Supply for Z**2 - Z/2, a load in [0, 1] that is worth x**2 / 2 to who takes it: Z - 1/2 = 0 in all."""

    def answer(posted: Posted) -> Array:
        grid = np.linspace(0.0, 1.0, 2001)
        price, target = posted.price_per_mwh[0], posted.target_mw[0, 0]
        cost = price * grid - 0.5 * grid**2 + 0.5 * posted.penalty_per_mw2h[0] * (grid - target) ** 2
        return grid[cost.argmin()].reshape(1, 1)

    def supply(heard_mw: Array, price: Array, pull: float) -> Array:
        taken = (0.5 + price + pull * heard_mw) / (2.0 + pull)
        return np.asarray(price + pull * (heard_mw - taken))

    residual = {}
    for firmer in (1.0, 4.0):
        start = Posted(np.array([0.2]), np.array([[0.4]]), np.array([0.6]))
        admm = ExchangeAdmm(supply, start, Stretched(patience=20, firmer=firmer, ratio=np.inf))
        for _ in range(80):
            residual[firmer] = admm.hear(answer(admm.posted)).primal
        weight = admm.posted.penalty_per_mw2h
        assert weight == pytest.approx(firmer * 0.6)
    assert residual[4.0] < 2e-3 and admm.posted.target_mw == pytest.approx(0.5, abs=2e-3)
    assert admm.posted.price_per_mwh == pytest.approx(0.5, abs=4e-3)
    assert residual[1.0] > 0.1


def test_who_has_not_answered_keeps_its_state_and_a_late_answer_moves_it_from_the_target_it_answers() -> None:
    game, start = drawn(9)
    admm = ExchangeAdmm(game.supply, start, made("plain"))
    early = game.answer(start)
    answered = Answered.of(start, early)
    states = admm.posted.state_mw
    admm.hear_some(answered, np.array([True, False, True]))
    expected = states + np.array([[1.0], [0.0], [1.0]]) * (early - start.target_mw)
    assert admm.posted.state_mw == pytest.approx(expected)
    # Now the second answers the first question, while only the third has answered the new one.
    posted = admm.posted
    news = Answered.of(posted, game.answer(posted))
    heard = np.array([False, True, True])
    both = answered.with_new(news, np.array([False, False, True]))
    assert both.penalty_per_mw2h is not news.penalty_per_mw2h
    found = admm.hear_some(both, heard)
    expected = expected + np.array(
        [np.zeros(N_STEP), early[1] - start.target_mw[1], news.loads_mw[2] - posted.target_mw[2]]
    )
    assert admm.posted.state_mw == pytest.approx(expected)
    assert admm.rounds == 2
    # Residuals are of all last answers, each at what it was asked.
    gradient = np.einsum("rij,rj->ri", game.square, both.loads_mw) + game.linear
    missed = float(np.linalg.norm(gradient + admm.posted.price_per_mwh))
    assert found.dual_per_mwh == pytest.approx(missed)
    assert found.primal_mw == pytest.approx(float(np.linalg.norm(both.loads_mw - admm.posted.target_mw)))


@pytest.mark.parametrize("name", ["plain", "over-relaxed"])
def test_rounds_with_answers_of_some_that_come_late_end_at_the_same_rest(name: VariantName) -> None:
    game, start = drawn(10)
    random = np.random.default_rng(10)
    admm = ExchangeAdmm(game.supply, start, made(name))
    due = np.full(3, -1)
    answered = asked = Answered.of(start, start.target_mw)
    for number in range(400):
        new = due < 0
        asked = asked.with_new(Answered.of(admm.posted, game.answer(admm.posted)), new)
        due[new] = number + random.integers(0, 3, new.sum())
        heard = due == number
        due[heard] = -1
        answered = answered.with_new(asked, heard)
        found = admm.hear_some(answered, heard)
    best, price = game.optimum()
    assert found.largest < 1e-8
    assert admm.posted.target_mw == pytest.approx(best, rel=1e-6)
    assert admm.posted.price_per_mwh == pytest.approx(price, rel=1e-6)


def test_urgency_is_how_far_a_follower_would_be_asked_to_move() -> None:
    _, start = drawn(11)
    moved = Posted(
        start.price_per_mwh + 3.0, start.target_mw + np.arange(3.0)[:, None], start.penalty_per_mw2h
    )
    answered = Answered.of(start, start.target_mw)
    rho = start.penalty_per_mw2h
    expected = np.sqrt(N_STEP * rho) * np.abs([0.0, 1.0, 2.0] - 3.0 / rho)
    assert answered.urgency(moved) == pytest.approx(expected)
    assert answered.urgency(start) == pytest.approx(0.0)


@pytest.mark.parametrize("name", [name for name in VARIANTS if name != "balanced"])
def test_rounds_do_not_depend_on_into_how_many_equal_parts_followers_are_split(name: VariantName) -> None:
    game, start = drawn(12)
    one = ExchangeAdmm(game.supply, start, made(name))
    many = 5
    split = Posted(
        start.price_per_mwh,
        np.repeat(start.target_mw / many, many, axis=0),
        np.repeat(many * start.penalty_per_mw2h, many),
    )
    parts = ExchangeAdmm(game.supply, split, made(name))
    finer = game.parts(many)
    for _ in range(15):
        whole = one.hear(game.answer(one.posted))
        found = parts.hear(finer.answer(parts.posted))
        assert parts.posted.price_per_mwh == pytest.approx(one.posted.price_per_mwh, rel=1e-7)
        sums = parts.posted.target_mw.reshape(-1, many, N_STEP).sum(axis=1)
        assert sums == pytest.approx(one.posted.target_mw, rel=1e-7)
        assert (found.primal, found.dual) == pytest.approx((whole.primal, whole.dual), rel=1e-5, abs=1e-12)
        # The paper's rule, which looks at absolute ones, sees another ratio.
        ratio = whole.primal_mw / whole.dual_per_mwh
        assert found.primal_mw / found.dual_per_mwh == pytest.approx(ratio / many, rel=1e-4)


def test_the_usual_penalties_are_those_of_the_parts_of_one_follower() -> None:
    price, load = np.array([3.0, 4.0]), np.array([60.0, 80.0])
    whole = default_penalty_per_mw2h(price, load, np.array([0.75, 0.25]))
    assert whole == pytest.approx(DEFAULT_PENALTY * 0.05 / np.array([0.75, 0.25]))
    parts = default_penalty_per_mw2h(price, load, np.array([0.25, 0.25, 0.25, 0.25]))
    assert parts[:3] == pytest.approx(3.0 * whole[0]) and parts[3] == pytest.approx(whole[1])
    posted = [Posted(price, np.zeros((len(rho), 2)), rho) for rho in (whole, parts)]
    assert posted[1].supply_penalty_per_mw2h == pytest.approx(posted[0].supply_penalty_per_mw2h)
    assert posted[0].supply_penalty_per_mw2h == pytest.approx(DEFAULT_PENALTY * 0.05)


@pytest.mark.parametrize(
    ("price", "load", "share", "told"),
    [
        ([0.0, 0.0], [1.0, 1.0], [1.0], "norm of the price: got 0.0; money/MWh, must be above 0"),
        ([1.0, 1.0], [0.0, 0.0], [1.0], "norm of the load: got 0.0; MW, must be above 0"),
        ([1.0, 1.0], [1.0, 1.0], [1.0, 0.0], "least share of flexibility: got 0.0"),
        ([1.0, 1.0], [1.0, 1.0], [1.5, -0.5], "least share of flexibility: got -0.5"),
        ([np.nan, 1.0], [1.0, 1.0], [1.0], "norm of the price: got nan"),
        ([np.inf, 1.0], [1.0, 1.0], [1.0], "norm of the price: got inf"),
        ([0.0, 0.0], [0.0, 0.0], [0.0], "3 faults"),
    ],
)
def test_penalties_of_nothing_are_refused_by_value(
    price: list[float], load: list[float], share: list[float], told: str
) -> None:
    with pytest.raises(ScenarioError) as raised:
        default_penalty_per_mw2h(np.array(price), np.array(load), np.array(share))
    assert told in str(raised.value)


def test_who_cannot_move_has_the_share_of_a_hundredth_of_the_mean() -> None:
    assert flexibility_shares(np.array([3.0, 1.0])).tolist() == [0.75, 0.25]
    assert flexibility_shares(np.zeros(4)).tolist() == [0.25] * 4
    shares = flexibility_shares(np.array([20.0, 10.0, 0.0]))
    assert shares == pytest.approx(np.array([20.0, 10.0, 0.1]) / 30.1)
    # What a draw that no target moves asks of the others is the same for any penalty of its own.
    price, load = np.array([3.0, 4.0]), np.array([60.0, 80.0])
    penalty = default_penalty_per_mw2h(price, load, shares)
    assert penalty[2] == pytest.approx(100.0 * penalty[1]) and np.isfinite(penalty).all()


def test_before_anybody_has_answered_the_supplier_steps_from_the_targets() -> None:
    game, start = drawn(13)
    admm = ExchangeAdmm(game.supply, start, made("plain"))
    admm.begin()
    taken = admm.posted.target_mw.sum(axis=0)
    # What it wants is what it would supply at the price that it then posts.
    assert game.supply_square @ taken + game.supply_linear == pytest.approx(admm.posted.price_per_mwh)
    assert admm.posted.state_mw == pytest.approx(start.state_mw)
    assert admm.rounds == 0
    silent = residuals(Answered.of(admm.posted, admm.posted.target_mw), admm.posted)
    assert silent.largest == 0.0
