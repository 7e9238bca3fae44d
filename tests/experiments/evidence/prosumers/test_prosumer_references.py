"""References of prosumers' certificates: against closed forms, and numbers that are a little wrong."""

from __future__ import annotations

import math

import numpy as np
import pytest

from gridarium.agents.prosumers.journal import Learnt
from gridarium.environment.arrays import Array
from gridarium.experiments.evidence.prosumers.learned_curves import Curve, Knowledge
from gridarium.experiments.evidence.prosumers.prosumer_balance import (
    BalanceCase,
    balance,
    needed_later,
    weather,
)
from gridarium.experiments.evidence.prosumers.sharing_reference import (
    Claimant,
    off_best_mwh,
    value_band,
    value_of_supply,
)
from gridarium.experiments.parts.storage_section import Storage

TWO = (
    Claimant(lambda price: 4.0 / price - 0.001, 8.0, 0.0, 0.05),
    Claimant(lambda price: 4.0 / price - 0.001, 12.5, 0.0, 0.05),
)
"""Two with the demand of a logarithm of K = 4, for one of which the line is dearer."""


def _by_hand(supply: float) -> float:
    """The multiplier of two logarithms: 4 / (8 + m) + 4 / (12.5 + m) - 0.002 = supply, a quadratic in m."""
    rest = (supply + 0.002) / 4.0
    half = (20.5 - 2.0 / rest) / 2.0
    return -half + math.sqrt(half**2 - (100.0 - 20.5 / rest))


@pytest.mark.parametrize("supply", [0.01, 0.02, 0.06])
def test_the_value_of_a_supply_is_that_of_the_closed_form(supply: float) -> None:
    found = value_of_supply(TWO, supply)
    assert found == pytest.approx(_by_hand(supply), rel=1e-9)
    least, most = value_band(TWO, supply)
    assert least < found < most


def test_shares_that_are_one_percent_off_are_seen() -> None:
    supply, value = 0.02, _by_hand(0.02)
    best = np.array([claim.taken_mwh(value) for claim in TWO])
    assert off_best_mwh(TWO, supply, best) == 0.0
    assert off_best_mwh(TWO, supply, 0.99 * best) > 1e-5
    assert off_best_mwh(TWO, supply, 1.01 * best) > 1e-5
    moved = best + 0.01 * best[0] * np.array([1.0, -1.0])
    assert off_best_mwh(TWO, supply, moved) > 1e-5
    assert value_of_supply(TWO, 1.0) == 0.0


def test_what_is_needed_later_is_the_longest_run_without_enough_surplus() -> None:
    net = np.array([2.0, -1.0, 0.5, -3.0, 4.0, -1.0])
    assert needed_later(net).tolist() == [3.5, 2.5, 3.0, 0.0, 1.0, 0.0]


def test_weather_keeps_the_mean_of_each_period() -> None:
    sun, use = weather(7, "somebody", 4, 15, 0.3)
    assert np.allclose(sun.mean(axis=1), 1.0) and np.allclose(use.mean(axis=1), 1.0)
    assert sun.std() > 0.05 and not np.allclose(sun, use)


BATTERY = Storage(
    p_max_mw=2.0, e_max_mwh=2.0, soc_min=0.1, soc_max=0.9, soc_initial=0.2, efficiency_charge=0.95,
    efficiency_discharge=0.95,
)  # fmt: skip


def _case(sold: Array, received: Array, bought: Array, battery: Storage | None = BATTERY) -> BalanceCase:
    net = np.array([0.4, -0.3, -0.2])
    n = len(net)
    return BalanceCase(
        net, np.repeat(net[:, None] / 2.0, 2, axis=1), battery, 0.0, np.ones(n, dtype=bool), n, 1.0, sold,
        received, bought, np.zeros(n),
    )  # fmt: skip


def test_a_battery_takes_what_is_left_and_serves_what_is_missing() -> None:
    nothing = np.zeros(3)
    found = balance(_case(nothing, nothing, nothing))
    into = 0.95 * 0.4
    assert found.charged.tolist() == pytest.approx([0.4, 0.0, 0.0])
    assert found.discharged.tolist() == pytest.approx([0.0, 0.3, into * 0.95 - 0.3])
    assert found.drawn.tolist() == pytest.approx([0.0, 0.0, 0.5 - into * 0.95])
    assert found.e.tolist() == pytest.approx([0.4 + into, 0.4 + into - 0.3 / 0.95, 0.4])
    # Of what it stores nothing is to spare: it needs all of it itself.
    assert found.surplus_told.tolist() == pytest.approx([0.4, 0.0, 0.0])
    assert found.deficit_told[1] == pytest.approx(0.0)


def test_without_a_battery_what_is_sold_is_missing_and_what_is_left_is_spilled() -> None:
    nothing = np.zeros(3)
    found = balance(_case(np.array([0.1, 0.0, 0.0]), np.array([0.0, 0.3, 0.0]), nothing, None))
    assert found.spilled.tolist() == pytest.approx([0.3, 0.0, 0.0])
    assert found.drawn.tolist() == pytest.approx([0.0, 0.0, 0.2])


@pytest.mark.parametrize("true", [Curve("log", 4.0, 0.002), Curve("quadratic", 280.0, 2900.0)])
def test_two_answers_tell_the_whole_demand(true: Curve) -> None:
    mind = Knowledge(true.kind, 0.001, 300.0)
    assert mind.asked(20.0, 20.0) == pytest.approx(160.0)
    for price in (200.0, 120.0):
        mind.learn(Learnt("b", price, true.demand_mwh(price), False, True))
    assert mind.curve is not None
    assert mind.curve.top == pytest.approx(true.top) and mind.curve.width == pytest.approx(true.width)
    best = true.best_price(20.0)
    earned = [(price - 20.0) * true.demand_mwh(price) for price in (0.99 * best, best, 1.01 * best)]
    assert max(earned) == earned[1]
    assert mind.asked(20.0, 20.0) == pytest.approx(best)
    # For less than is taken at that price, the seller asks what all of it is worth.
    little = 0.8 * true.demand_mwh(best)
    assert mind.opened(20.0, 20.0, 0.0, little) == pytest.approx(true.worth_per_mwh(little))


def test_who_takes_nothing_has_what_it_would_have_taken() -> None:
    mind = Knowledge("log", 0.001, 300.0)
    mind.learn(Learnt("b", 100.0, 0.02, False, True))
    assert mind.curve is not None
    known = mind.curve
    mind.learn(Learnt("b", 100.0, 0.0, False, True))
    assert mind.tried == 0.25
    assert mind.curve.demand_mwh(100.0) == 0.0 < known.demand_mwh(100.0)
