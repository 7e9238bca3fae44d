"""Rules of sharing by definition against games with known answers, and against the shipped rules."""

from __future__ import annotations

import numpy as np
import pytest

from gridarium.experiments.evidence.storage.share_rules import (
    capacity_split,
    least_core_gap,
    nucleolus_gap,
    owen_value,
    shapley_value,
    with_minus_without,
)
from gridarium.market.coalition import TabulatedGame, shapley
from gridarium.market.coalition_core import least_core, nucleolus, prenucleolus
from gridarium.market.coalition_unions import owen

PLAYERS = ("a", "b", "c", "d")
UNIONS = (("a", "d"), ("b",), ("c",))


def game(seed: int) -> TabulatedGame:
    random = np.random.default_rng(seed)
    worth = {mask: float(random.uniform(0.0, 10.0)) * bin(mask).count("1") for mask in range(1, 16)}
    # Nobody has to be content with less than alone.
    worth[15] += 40.0
    return TabulatedGame.of(
        PLAYERS, lambda members: worth.get(sum(1 << PLAYERS.index(name) for name in members), 0.0)
    )


def gloves(members: frozenset[str]) -> float:
    """A left glove and two right ones: a pair is worth 1."""
    return float("left" in members and len(members) > 1)


def test_glove_game_by_hand() -> None:
    players = ("left", "right", "other")
    assert shapley_value(players, gloves) == pytest.approx({"left": 2 / 3, "right": 1 / 6, "other": 1 / 6})
    assert owen_value((("left",), ("right", "other")), gloves) == pytest.approx(
        {"left": 0.5, "right": 0.25, "other": 0.25}
    )
    capacity = {"left": 1.0, "right": 3.0, "other": 1.0}
    assert capacity_split((("left",), ("right", "other")), capacity, gloves) == pytest.approx(
        {"left": 0.5, "right": 0.375, "other": 0.125}
    )
    assert with_minus_without(players, gloves) == {"left": 1.0, "right": 0.0, "other": 0.0}
    all_to_left = {"left": 1.0, "right": 0.0, "other": 0.0}
    assert nucleolus_gap(players, gloves, all_to_left, acceptable=True) == pytest.approx(0.0, abs=1e-9)
    assert least_core_gap(players, gloves, all_to_left) == pytest.approx(0.0, abs=1e-9)
    even = dict.fromkeys(players, 1 / 3)
    assert nucleolus_gap(players, gloves, even, acceptable=True) > 0.1
    assert least_core_gap(players, gloves, even) == pytest.approx(1 / 3)


@pytest.mark.parametrize("seed", range(5))
def test_shipped_rules_agree_with_their_definitions(seed: int) -> None:
    table = game(seed)

    def worth(members: frozenset[str]) -> float:
        return table.value(members)

    assert list(shapley_value(PLAYERS, worth).values()) == pytest.approx(shapley(table).tolist())
    own = owen_value(UNIONS, worth)
    assert [own[name] for name in PLAYERS] == pytest.approx(owen(table, UNIONS).tolist())
    for shares, acceptable in ((prenucleolus(table), False), (nucleolus(table), True)):
        told = dict(zip(PLAYERS, shares.tolist(), strict=True))
        assert nucleolus_gap(PLAYERS, worth, told, acceptable) < 1e-6
        told["a"], told["b"] = told["a"] + 0.1, told["b"] - 0.1
        assert nucleolus_gap(PLAYERS, worth, told, acceptable) > 1e-3
    told = dict(zip(PLAYERS, least_core(table).shares.tolist(), strict=True))
    assert abs(least_core_gap(PLAYERS, worth, told)) < 1e-6
