"""Shares of owners against closed forms, other orders of summing, and the ledger."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from gridarium.environment.arrays import Array
from gridarium.environment.errors import InputError
from gridarium.environment.ledger import Ledger
from gridarium.market.accounts import ENVIRONMENTAL_PAYMENT, POOL_SHARE
from gridarium.market.cleanness_shares import OwnerSchedule, saving_game
from gridarium.market.coalition import TabulatedGame, shapley
from gridarium.market.pool_settlement import settle_cleanness, settle_pool_shares
from gridarium.market.pool_splits import PoolGame, WithMinusWithout
from gridarium.market.regional_bill import RegionDay

N_PERIOD = 24


def region(name: str, seed: int, sell: float = 1.0) -> RegionDay:
    rng = np.random.default_rng(seed)
    price = rng.uniform(250.0, 700.0, N_PERIOD)
    return RegionDay(
        name, rng.uniform(1.0, 2.0, N_PERIOD), price, sell * price, rng.uniform(36.0, 54.0, N_PERIOD), 0.5
    )


def schedules(count: int, seed: int) -> list[OwnerSchedule]:
    """Owners who charge in some periods and discharge in others, part of it green."""
    rng = np.random.default_rng(seed)
    power = rng.uniform(-0.2, 0.2, (count, N_PERIOD))
    discharge = np.maximum(power, 0.0)
    green = discharge * rng.uniform(0.2, 0.7, (count, N_PERIOD))
    return [
        OwnerSchedule(f"owner {i}", np.maximum(-power[i], 0.0), discharge[i], green[i]) for i in range(count)
    ]


def with_minus_without(game: TabulatedGame) -> Array:
    capacity = dict.fromkeys(game.players, 1.0)
    return WithMinusWithout().shares(PoolGame(game.players, (game.players,), capacity, game.values_of))


def energy_saving(day: RegionDay, one: OwnerSchedule) -> float:
    return float(day.buy_price_per_mwh @ (one.discharge_mw - one.charge_mw)) * day.period_h


def test_shares_at_the_nodal_price_have_closed_forms() -> None:
    """A square of sums gives each member its amount times the sum by Shapley, and twice that less its own."""
    day, owners = region("r1", 1), schedules(5, 2)
    # Nobody feeds back: energy is worth the same in all company.
    game = saving_game(day, owners, "nodal")
    green = np.array([one.green_discharge_mw for one in owners])
    total, crowd = green.sum(axis=0), day.green_price_per_mwh / day.load_mw * day.period_h
    alone = np.array([energy_saving(day, one) for one in owners])
    paid = green @ day.green_price_per_mwh * day.period_h
    assert shapley(game) == pytest.approx(alone + paid - green @ (crowd * total))
    last = alone + paid - ((2.0 * total - green) * green) @ crowd
    assert with_minus_without(game) == pytest.approx(last)
    assert last.sum() < game.total == pytest.approx(shapley(game).sum())


def test_at_one_price_for_all_regions_owners_are_worth_what_they_earn_alone() -> None:
    day, owners = region("r1", 3), schedules(4, 4)
    game = saving_game(day, owners, "uniform")
    assert shapley(game) == pytest.approx(game.alone)
    assert with_minus_without(game) == pytest.approx(game.alone)


def test_energy_sold_below_its_price_makes_owners_worth_more_together() -> None:
    """One charges what the other would have to sell; both splits by all orders of joining."""
    day = RegionDay("r1", np.array([0.1]), np.array([500.0]), np.array([300.0]), np.array([50.0]))
    none, charge, discharge = np.zeros(1), np.array([0.3]), np.array([0.4])
    owners = [OwnerSchedule("taker", charge, none, none), OwnerSchedule("giver", none, discharge, none)]
    game = saving_game(day, owners, "none")
    assert game.values.tolist() == pytest.approx([0.0, -150.0, 50.0 + 90.0, 50.0])
    # Together they draw nothing at all.
    orders = list(permutations(range(2)))
    joined = np.zeros(2)
    for order in orders:
        for place, i in enumerate(order):
            before = sum(1 << j for j in order[:place])
            joined[i] += (game.values[before | 1 << i] - game.values[before]) / len(orders)
    assert shapley(game) == pytest.approx(joined)
    assert with_minus_without(game) == pytest.approx([50.0 - 140.0, 50.0 + 150.0])


def test_payments_and_shares_in_the_ledger_conserve_money() -> None:
    day, owners = region("r1", 8), schedules(3, 9)
    green = np.sum([one.green_discharge_mw for one in owners], axis=0)
    zero = np.zeros(N_PERIOD)
    paid = float(day.bill(zero, green, green, "nodal").environmental_money)
    game = saving_game(day, owners, "nodal")
    shares = dict(zip(game.players, shapley(game).tolist(), strict=True))
    ledger = Ledger()
    settle_cleanness(ledger, 86400.0, 23, "dso", "vpp", paid)
    settle_cleanness(ledger, 86400.0, 23, "dso", "vpp", 0.0)
    settle_pool_shares(ledger, 86400.0, 23, "vpp", shares)
    purposes = [entry.purpose for entry in ledger.entries]
    assert purposes == [ENVIRONMENTAL_PAYMENT, *[POOL_SHARE] * 3]
    assert ledger.balance("dso") == pytest.approx(-paid)
    assert ledger.balance("vpp") == pytest.approx(paid - game.total)
    assert {name: ledger.balance(name) for name in shares} == pytest.approx(shares)


def test_what_is_no_game_is_refused() -> None:
    day, owners = region("r1", 10), schedules(2, 11)
    short = OwnerSchedule("short", np.zeros(3), np.zeros(N_PERIOD), np.zeros(N_PERIOD))
    with pytest.raises(InputError, match=r"region r1.*\n.*short.charge_mw: got \(3,\)"):
        saving_game(day, [*owners, short], "none")
    with pytest.raises(InputError, match="named once"):
        saving_game(day, [owners[0], owners[0]], "none")
    with pytest.raises(InputError, match="1 to 16 players"):
        saving_game(day, schedules(17, 12), "none")
