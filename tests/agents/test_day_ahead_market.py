"""A day-ahead market of one unit and one load: both settlements by hand, and what it does not take."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from gridarium.agents.base import GridAgent, on
from gridarium.agents.devices.system_load import SystemLoad
from gridarium.agents.devices.thermal_plant import ThermalPlant
from gridarium.agents.system.day_ahead_market import DayAheadMarket, SettlementPrices
from gridarium.environment.clock import Clock
from gridarium.environment.errors import MessageError
from gridarium.environment.grids import Grid
from gridarium.environment.network import Feeder
from gridarium.environment.thermal_unit import gas_turbine
from gridarium.environment.world import World
from gridarium.market.accounts import DAY_AHEAD, GENERATION, IMBALANCE
from gridarium.market.messages.commands import Receipt, UnitSchedule
from gridarium.market.messages.day_ahead import Declaration, Position

DELIVERY_S = 3600.0


class Office(GridAgent):
    """An operator that sends what a test wants when it wants it, and counts the receipts."""

    def __init__(self, world: World, name: str = "operator") -> None:
        super().__init__(world.grid.head, name)
        self.receipts = 0

    @on(Receipt)
    def keep(self, receipt: Receipt, sender: str) -> None:
        self.receipts += 1

    def send_at(self, time_s: float, recipient: str, payload: Any) -> None:
        def wait() -> Any:
            yield self.world.clock.wait_until(time_s)
            self.send(recipient, payload)

        self.world.clock.process(wait())


def declaration(day: int = 0, **power_mw: list[float]) -> Declaration:
    return Declaration(day, tuple(Position(name, np.array(values)) for name, values in power_mw.items()))


@pytest.fixture
def make_plate() -> Callable[..., tuple[World, Office, DayAheadMarket]]:
    """Return a function that makes two half hours: a unit runs at 6 and 8 MW, a load draws 5 and 9 MW."""

    def made() -> tuple[World, Office, DayAheadMarket]:
        clock = Clock(pd.Timestamp("2026-01-15", tz="Asia/Shanghai"), 1800.0)
        world = World(Grid(Feeder.copper_plate(), np.zeros(2)), clock, 2, DELIVERY_S)
        office, head = Office(world), world.grid.head
        ratings = gas_turbine("unit", 0.0, 10.0, 0.0, 100.0, 0.0, 10.0, 0.4)
        ThermalPlant(head, "unit", ratings, "operator", None, reimbursed=False)
        nothing = np.zeros(2)
        runs = UnitSchedule(1, 0, np.array([6.0, 8.0]), nothing, nothing, np.ones(2))
        office.send_at(0.0, "unit", runs)
        SystemLoad(head, "load", np.array([5.0, 7.0]), np.array([5.0, 9.0]))
        prices = SettlementPrices(np.array([40.0, 50.0]), np.array([300.0, 200.0]))
        market = DayAheadMarket(head, "market", "operator", {"unit": "thermal", "load": "load"}, prices)
        return world, office, market

    return made


def run(world: World) -> None:
    world.step()
    world.step()


def paid(world: World, purpose: str) -> dict[str, list[float]]:
    return {
        name: world.ledger.by_period(name, 2).get(purpose, np.zeros(2)).tolist()
        for name in ("unit", "load", "operator")
    }


def test_two_settlements_by_hand(make_plate: Callable[..., Any]) -> None:
    world, office, market = make_plate()
    office.send_at(10.0, "market", declaration(unit=[7.0, 8.0], load=[-5.0, -7.0]))
    run(world)
    # Half hours: 40 * 7 / 2 and 50 * 8 / 2; the load pays 40 * 5 / 2 and 50 * 7 / 2.
    assert paid(world, DAY_AHEAD) == {
        "unit": [140.0, 200.0], "load": [-100.0, -175.0], "operator": [-40.0, -25.0],
    }  # fmt: skip
    # The unit is 1 MW short at 300, then exact; the load draws 2 MW more than declared at 200.
    assert paid(world, IMBALANCE) == {
        "unit": [-150.0, 0.0], "load": [0.0, -200.0], "operator": [150.0, 200.0],
    }  # fmt: skip
    assert market.metered_mw["unit"].tolist() == [6.0, 8.0]
    assert market.metered_mw["load"].tolist() == [-5.0, -9.0]
    assert office.receipts == 2  # of the unit and of the market
    assert world.ledger.total() == 0.0


def test_a_unit_that_sells_bears_its_own_costs(make_plate: Callable[..., Any]) -> None:
    world, office, _ = make_plate()
    office.send_at(10.0, "market", declaration(unit=[6.0, 8.0], load=[-5.0, -7.0]))
    run(world)
    assert paid(world, GENERATION)["unit"] == [0.0, 0.0]
    # 100 money/MWh on 7 MWh, against 40 * 3 and 50 * 4.
    assert world.ledger.balance("unit") == pytest.approx(320.0 - 700.0)


def test_what_was_not_declared_is_settled_at_the_real_time_price(make_plate: Callable[..., Any]) -> None:
    world, _, market = make_plate()
    run(world)
    assert all(set(values) == {0.0} for values in paid(world, DAY_AHEAD).values())
    assert paid(world, IMBALANCE) == {
        "unit": [900.0, 800.0], "load": [-750.0, -900.0], "operator": [-150.0, 100.0],
    }  # fmt: skip
    assert all(np.isnan(declared).all() for declared in market.declared_mw.values())


def test_the_first_word_before_the_day_counts(make_plate: Callable[..., Any]) -> None:
    world, office, market = make_plate()
    office.send_at(10.0, "market", declaration(unit=[7.0, 8.0]))
    office.send_at(20.0, "market", declaration(unit=[1.0, 1.0], load=[-1.0, -1.0]))
    office.send_at(DELIVERY_S, "market", declaration(load=[-2.0, -2.0]))
    run(world)
    assert market.declared_mw["unit"].tolist() == [7.0, 8.0]
    assert market.declared_mw["load"].tolist() == [-1.0, -1.0]


def test_a_day_that_has_begun_cannot_be_declared(make_plate: Callable[..., Any]) -> None:
    world, office, market = make_plate()
    office.send_at(DELIVERY_S, "market", declaration(unit=[7.0, 8.0], load=[-5.0, -7.0]))
    run(world)
    assert office.receipts == 2
    assert all(np.isnan(declared).all() for declared in market.declared_mw.values())


@pytest.mark.parametrize(
    ("sent", "sender", "message"),
    [
        (declaration(unit=[1.0]), "operator", r"unit: power_mw must be finite, of shape \(2,\)"),
        (declaration(unit=[1.0, float("nan")]), "operator", "must be finite"),
        (declaration(storage=[1.0, 1.0]), "operator", "storage takes no part in the market"),
        (declaration(1, unit=[1.0, 1.0]), "operator", r"day 1 .* must be in \[0, 0\]"),
        (declaration(-1, unit=[1.0, 1.0]), "operator", r"must be in \[0, 0\]"),
        (declaration(unit=[1.0, 1.0]), "unit", "only operator may declare"),
    ],
)
def test_wrong_declarations_are_refused(
    make_plate: Callable[..., Any], sent: Declaration, sender: str, message: str
) -> None:
    _, _, market = make_plate()
    with pytest.raises(MessageError, match=message):
        market.take_declaration(sent, sender)
    assert all(np.isnan(declared).all() for declared in market.declared_mw.values())


def test_it_tells_its_price_and_both_settlements(make_plate: Callable[..., Any]) -> None:
    world, office, market = make_plate()
    office.send_at(10.0, "market", declaration(unit=[7.0, 8.0], load=[-5.0, -7.0]))
    run(world)
    price, unit, load = market.rows()
    assert (price.table, list(price.values["price_per_mwh"])) == ("signals", [40.0, 50.0])
    assert [(rows.table, rows.agent, rows.kind) for rows in (unit, load)] == [
        ("settlements", "unit", "thermal"),
        ("settlements", "load", "load"),
    ]
    told = {name: np.asarray(values).tolist() for name, values in load.values.items()}
    assert told == {
        "declared_mw": [-5.0, -7.0],
        "metered_mw": [-5.0, -9.0],
        "day_ahead_price_per_mwh": [40.0, 50.0],
        "real_time_price_per_mwh": [300.0, 200.0],
        "day_ahead_money": [-100.0, -175.0],
        "imbalance_money": [0.0, -200.0],
    }
