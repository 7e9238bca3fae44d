"""What owners do by themselves: within ratings, back to where they began, and as their rule says."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from gridarium.agents.storage.stand_alone import (
    Idle,
    Percentile,
    PriceArbitrage,
    Regime,
    SelfConsumption,
    StorageHome,
    followed_mwh,
)
from gridarium.environment.arrays import Array
from gridarium.environment.errors import ScenarioError
from gridarium.environment.storage import StorageRatings
from gridarium.environment.world import World

MakeWorld = Callable[..., World]
RATINGS = StorageRatings("s", 1.0, 4.0, 0.0, 1.0, 0.5, 0.9, 0.8, 1.0)
PRICE = np.array([1.0, 1.0, 5.0, 5.0, 5.0, 5.0, 5.0, 5.0, 9.0, 9.0])


@pytest.fixture
def home(make_world: MakeWorld) -> Callable[..., StorageHome]:
    def made(surplus_mw: Array | None = None) -> StorageHome:
        return StorageHome(make_world(10), "s", RATINGS, 0.5, 10, 1.0, surplus_mw=surplus_mw)

    return made


def test_percentiles_charge_below_and_discharge_above(home: Callable[..., StorageHome]) -> None:
    plan = Percentile().begin(home()).plan(PRICE, 2.0)
    assert plan.charge_mw == pytest.approx([1.0, 1.0] + [0.0] * 8)
    # 1.8 MWh came in; the last discharge is cut so that the day ends as it began.
    assert plan.discharge_mw == pytest.approx([0.0] * 8 + [1.0, 0.44])
    assert plan.earnings_money == pytest.approx(1.44 * (9.0 - 0.5) - 2.0)


def test_flat_prices_are_no_reason_to_move(home: Callable[..., StorageHome]) -> None:
    plan = Percentile().begin(home()).plan(np.ones(10), 2.0)
    assert not plan.net_mw.any()


def test_own_surplus_is_stored_and_serves_own_load(home: Callable[..., StorageHome]) -> None:
    surplus = np.array([0.5, 0.5, 0.0, 0.0, 0.0, 0.0, 0.0, -0.4, -0.4, 0.0])
    plan = SelfConsumption().begin(home(surplus)).plan(PRICE, 2.0)
    assert plan.charge_mw[:2] == pytest.approx([0.5, 0.5])
    # 0.9 MWh inside give 0.72 MWh, of the 0.8 MWh of need.
    assert plan.discharge_mw[7:9] == pytest.approx([0.4, 0.32])
    assert not SelfConsumption().begin(home()).plan(PRICE, 2.0).net_mw.any()


def test_nobody_earns_more_than_by_the_best_schedule(home: Callable[..., StorageHome]) -> None:
    random = np.random.default_rng(1)
    regimes: tuple[Regime, ...] = (Percentile(), Percentile(low=40.0, high=60.0), Idle())
    for _ in range(5):
        price = random.uniform(1.0, 9.0, 10)
        best = PriceArbitrage().begin(home()).plan(price, 2.0).earnings_money
        earned = [regime.begin(home()).plan(price, 2.0).earnings_money for regime in regimes]
        assert max(earned) <= best + 1e-4
        assert earned[-1] == 0.0


@pytest.mark.parametrize("seed", range(30))
def test_any_wish_is_followed_within_ratings_and_back_to_the_beginning(seed: int) -> None:
    random = np.random.default_rng(seed)
    wanted, first = random.uniform(-2.0, 2.0, 12), float(random.uniform(0.0, 4.0))
    e_mwh = followed_mwh(wanted, RATINGS, first, 1.0)
    charge, discharge = RATINGS.powers_mw(e_mwh, first, 1.0)
    assert e_mwh.min() >= -1e-12 and e_mwh.max() <= 4.0 + 1e-12
    assert e_mwh[-1] == pytest.approx(first, abs=1e-9)
    assert max(charge.max(), discharge.max()) <= 1.0 + 1e-12
    # Never against the wish, nor further than it.
    assert (charge <= np.maximum(wanted, 0.0) + 1e-12).all()
    assert (discharge <= np.maximum(-wanted, 0.0) + 1e-12).all()


def test_percentiles_outside_their_range_are_refused() -> None:
    with pytest.raises(ScenarioError, match=r"low: got 120.0; must be a number in \[0, 100\]"):
        Percentile(low=120.0)
