"""Indices of fairness: their ranges, what leaves them unchanged, and definitions written out in loops."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridarium.environment.errors import InputError
from gridarium.market.fairness import envy, gini, jain, proportionality

AMOUNTS = st.lists(st.floats(0, 1e6), min_size=1, max_size=12).filter(lambda found: sum(found) > 1e-3)
PAIRS = st.lists(st.tuples(st.floats(0, 1e4), st.floats(0, 1e4)), min_size=1, max_size=10).filter(
    lambda found: min(np.sum(found, axis=0)) > 1e-3
)


@given(AMOUNTS, st.floats(1e-3, 1e3), st.randoms())
def test_jain(amounts, unit, random):
    found = jain(amounts)
    assert found == pytest.approx(sum(amounts) ** 2 / (len(amounts) * sum(x * x for x in amounts)))
    assert 1.0 / len(amounts) - 1e-12 <= found <= 1.0 + 1e-12
    shuffled = random.sample(amounts, len(amounts))
    assert jain([unit * x for x in shuffled]) == pytest.approx(found)
    # One over one plus the squared coefficient of variation.
    assert found == pytest.approx(1.0 / (1.0 + (np.std(amounts) / np.mean(amounts)) ** 2))


@given(AMOUNTS, st.floats(1e-3, 1e3), st.randoms())
def test_gini(amounts, unit, random):
    found = gini(amounts)
    n = len(amounts)
    difference = sum(abs(x - y) for x in amounts for y in amounts) / n**2
    assert found == pytest.approx(difference / (2 * np.mean(amounts)), abs=1e-12)
    assert 0.0 <= found <= 1.0 - 1.0 / n + 1e-12
    shuffled = random.sample(amounts, n)
    assert gini([unit * x for x in shuffled]) == pytest.approx(found, abs=1e-12)
    assert gini(amounts * 3) == pytest.approx(found, abs=1e-12)


@given(st.integers(1, 12), st.floats(1e-6, 1e9))
def test_equal_amounts_and_one_who_has_it_all(n, amount):
    assert jain([amount] * n) == pytest.approx(1.0)
    assert gini([amount] * n) == pytest.approx(0.0, abs=1e-12)
    alone = [amount] + [0.0] * (n - 1)
    assert jain(alone) == pytest.approx(1.0 / n)
    assert gini(alone) == pytest.approx(1.0 - 1.0 / n, abs=1e-12)


@given(st.lists(st.floats(1, 1e4), min_size=2, max_size=8), st.data())
def test_a_gift_to_someone_poorer_is_fairer(amounts, data):
    rich, poor = int(np.argmax(amounts)), int(np.argmin(amounts))
    gift = data.draw(st.floats(0, 1)) * (amounts[rich] - amounts[poor]) / 2
    after = list(amounts)
    after[rich] -= gift
    after[poor] += gift
    assert jain(after) >= jain(amounts) - 1e-12
    assert gini(after) <= gini(amounts) + 1e-12


def test_huge_amounts():
    assert jain([1e300, 1e300, 0.0]) == pytest.approx(2 / 3)
    assert gini([1e308, 1e308]) == 0.0


@given(PAIRS)
def test_proportionality(pairs):
    paid, caused = (list(column) for column in zip(*pairs, strict=True))
    found = proportionality(paid, caused)
    for k, (payment, contribution) in enumerate(pairs):
        share, due = payment / sum(paid), contribution / sum(caused)
        assert found.points[k] == pytest.approx(share - due, abs=1e-12)
        if due > 1e-9:
            assert found.relative[k] == pytest.approx(share / due - 1.0, rel=1e-6, abs=1e-6)
    assert found.points.sum() == pytest.approx(0.0, abs=1e-12)
    assert 0.0 <= found.largest_gap <= 1.0
    assert proportionality(caused, [7.0 * each for each in caused]).largest_gap == pytest.approx(
        0.0, abs=1e-12
    )


def test_who_causes_nothing():
    found = proportionality([1.0, 0.0, 3.0], [0.0, 0.0, 4.0])
    assert found.relative.tolist() == [np.inf, 0.0, -0.25]
    assert found.largest_gap == 0.25


@given(st.integers(1, 6), st.integers(0, 2**32 - 1))
def test_envy(n, seed):
    values = np.random.default_rng(seed).normal(size=(n, n))
    found = envy(values)
    for member in range(n):
        wanted = max(values[member, other] - values[member, member] for other in range(n))
        assert found.amount[member] == pytest.approx(wanted)
        assert values[member, found.of[member]] == values[member].max()
    assert found.largest == found.amount.max()
    # The same bundle for all: nobody can envy.
    assert envy(np.repeat(values[:, :1], n, axis=1)).largest == 0.0
    # Cut by own choice from what is there: each gets the best, wherever it is.
    assert envy(np.where(np.eye(n) == 1.0, values.max(axis=1), values)).largest == 0.0


def test_who_ties_envies_nobody():
    assert envy([[2.0, 2.0], [3.0, 3.0]]).of.tolist() == [0, 1]


@pytest.mark.parametrize("index", [jain, gini, lambda amounts: proportionality([1.0], amounts)])
@pytest.mark.parametrize(
    ("amounts", "said"),
    [
        ([], "at least one"),
        ([[1.0]], "at least one"),
        ([0.0, 0.0], "must not all be 0"),
        ([1.0, -2.0, np.nan], "[1]: got -2.0"),
        ([1.0, np.inf], "[1]: got inf"),
    ],
)
def test_bad_amounts(index, amounts, said):
    with pytest.raises(InputError) as caught:
        index(amounts)
    assert said in str(caught.value)


def test_bad_pairs():
    with pytest.raises(InputError, match="as many as payments, 2"):
        proportionality([1.0, 2.0], [1.0, 2.0, 3.0])
    with pytest.raises(InputError, match="a row and a column"):
        envy([[1.0, 2.0]])
    with pytest.raises(InputError, match=r"values\[1, 0\]: got nan"):
        envy([[1.0, 2.0], [np.nan, 3.0]])
