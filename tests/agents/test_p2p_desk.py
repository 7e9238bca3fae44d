from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from gridarium.agents.prosumers.p2p_desk import DeskRules, P2pDesk
from gridarium.environment.clock import QUARTER_S, Clock
from gridarium.environment.errors import ScenarioError
from gridarium.environment.grids import Grid
from gridarium.environment.message_bus import Envelope
from gridarium.environment.network import Feeder
from gridarium.environment.private_lines import PrivateLines
from gridarium.environment.world import World
from gridarium.market.messages.commands import Receipt
from gridarium.market.messages.leasing import (
    Introduction,
    LeaseTerms,
    Nomination,
    PoolCall,
    PoolOffer,
    Premium,
    Rating,
)

PLACES = {"a": (0.0, 0.0), "b": (10.0, 0.0), "c": (30.0, 0.0), "x": (1.0, 0.0), "y": (12.0, 0.0)}


class Office:
    """A desk, and names that keep what they are told; nominations by hand."""

    def __init__(self, partners: int, n_period: int = 4) -> None:
        clock = Clock(pd.Timestamp("2026-06-15", tz="Asia/Shanghai"), QUARTER_S)
        self.world = World(
            Grid(Feeder.copper_plate(), np.zeros(n_period)),
            clock,
            n_period,
            3600.0,
            settles_after_s=QUARTER_S,
        )
        rules = DeskRules(partners, rating_weight=0.5, volume_weight=0.5)
        self.desk = P2pDesk(self.world.grid.head, "desk", PrivateLines(PLACES), rules, operator="operator")
        self.heard: list[tuple[str, Any]] = []
        names = (*PLACES, "operator")
        self.connections = {name: self.world.bus.connect(name, self._hear) for name in names}

    def _hear(self, envelope: Envelope) -> None:
        self.heard.append((envelope.recipient, envelope.payload))
        if envelope.question is not None and not envelope.answers:
            back = self.connections[envelope.recipient]
            back.send(envelope.sender, Receipt(), question=envelope.question, answers=True)

    def tell(self, period: int, **nominations: tuple[float, float, float, tuple[Rating, ...]]) -> None:
        """Nominate (surplus, deficit, bought, ratings) by name, in time for a period."""
        moment = self.world.clock.wait_until(3600.0 + 900.0 * period - 230.0)

        def send(_event: object) -> None:
            for name, (surplus, deficit, bought, ratings) in nominations.items():
                told = Nomination(period, surplus, deficit, bought, ratings)
                self.connections[name].send("desk", told)

        moment.callbacks.append(send)

    def run(self) -> Office:
        while self.world.running:
            self.world.step()
        return self

    def told(self, kind: type) -> list[Any]:
        return [(name, payload) for name, payload in self.heard if isinstance(payload, kind)]


SUN, NEED = (1.0, 0.0, 0.0, ()), (0.0, 1.0, 0.0, ())


def test_each_buyer_is_introduced_to_its_nearest_sellers() -> None:
    office = Office(1)
    office.tell(0, a=SUN, b=SUN, c=SUN, x=NEED, y=NEED)
    office.tell(1, a=SUN, b=NEED, x=NEED, y=NEED)
    office.run()
    assert office.told(Introduction) == [
        ("a", Introduction(0, ("x",))),
        ("b", Introduction(0, ("y",))),
        ("c", Introduction(0, ())),
        ("a", Introduction(1, ("x", "b"))),  # no more than twice as many as each buyer is introduced to
    ]


def test_a_bad_name_costs_introductions() -> None:
    office = Office(1)
    bad = (Rating("a", 0.0),)
    office.tell(0, a=SUN, b=SUN, x=(0.0, 1.0, 0.0, bad))
    office.tell(1, a=SUN, b=SUN, x=(0.0, 1.0, 0.0, bad))
    office.tell(2, a=SUN, b=SUN, x=(0.0, 1.0, 0.0, bad))
    office.run()
    # 1 km with reputation 0.5, 0.25, 0.125 against 9 km with reputation 1.
    told = [i.reputation for name, i in office.told(Introduction) if name == "a"]
    assert told == [0.5, 0.25, 0.125]
    chosen = [name for name, introduction in office.told(Introduction) if introduction.buyers]
    assert chosen == ["a", "a", "a"]
    assert office.desk.reputation == {"a": 0.125}
    office = Office(1)
    office.tell(0, a=SUN, b=SUN, x=(0.0, 1.0, 0.0, bad * 4))
    office.run()
    assert [name for name, introduction in office.told(Introduction) if introduction.buyers] == ["b"]


def test_the_operator_hears_sums_and_what_is_likely_to_be_traded() -> None:
    office = Office(2)
    for period, bought in enumerate((0.0, 0.0, 0.25, 0.125)):
        office.tell(period, a=SUN, x=(0.0, 0.8, bought, ()), y=NEED)
    office.run()
    offers = [offer for _, offer in office.told(PoolOffer)]
    assert [offer[:3] for offer in offers] == [(period, 1.0, pytest.approx(1.8)) for period in range(4)]
    # All of 0.25 MWh was bought in the first quarter, then half of it; each counts one half.
    assert [offer.expected_mw for offer in offers] == pytest.approx([1.0, 1.0, 1.0, 0.75])


def test_it_acknowledges_calls_and_terms() -> None:
    office = Office(2)
    office.connections["operator"].send("desk", PoolCall(1, -2.5, 10.0))
    office.connections["operator"].send("desk", LeaseTerms(1.0))
    office.run()
    assert office.told(Receipt) == [("operator", Receipt())] * 2


def limits(office: Office) -> dict[tuple[str, int], float]:
    return {(name, one.period): one.limit_mw for name, one in office.told(Introduction)}


def test_no_more_is_introduced_than_the_operator_calls_for() -> None:
    office = Office(2)
    # All that was introduced is bought, as is told two quarters later.
    for period, (change, bought) in enumerate(((-2.5, 0.0), (-1.5, 0.0), (-0.25, 0.625), (0.0, 0.375))):
        office.tell(period, a=SUN, b=SUN, c=SUN, x=(0.0, 2.0, bought, ()), y=NEED)
        office.connections["operator"].send("desk", PoolCall(period, change, 10.0))
    office.run()
    told = limits(office)
    # 3 MW are possible. Those that are cheap to reach come first: a is 1 km from x, b 2 km from y.
    assert [told["a", 1], told["b", 1], told["c", 1]] == [1.0, 0.5, 0.0]
    assert [told["a", 2], told["b", 2], told["c", 2]] == [0.25, 0.0, 0.0]
    assert [told["a", 3]] == [0.0]
    assert all(one.buyers == () for _, one in office.told(Introduction) if one.limit_mw == 0.0)
    assert {one.premium for _, one in office.told(Introduction)} == {Premium("operator", 10.0)}


def test_a_pool_that_trades_less_than_is_introduced_is_introduced_for_more() -> None:
    office = Office(2)
    # Half of the 0.25 MWh of a quarter was bought, as is told two quarters later; that counts one half.
    for period, bought in enumerate((0.0, 0.0, 0.125, 0.25)):
        office.tell(period, a=SUN, b=SUN, x=(0.0, 0.6, bought, ()), y=(0.0, 0.4, 0.0, ()))
    office.connections["operator"].send("desk", PoolCall(2, -0.6, 10.0))
    office.run()
    told = limits(office)
    assert told["a", 0] == np.inf
    assert told["a", 2] + told["b", 2] == pytest.approx(0.6 / 0.75)


def test_without_a_call_there_is_neither_limit_nor_premium() -> None:
    office = Office(1)
    office.tell(0, a=SUN, x=NEED)
    office.run()
    assert office.told(Introduction) == [("a", Introduction(0, ("x",)))]
    assert Introduction(0, ("x",)).premium is None


@pytest.mark.parametrize("fault", [{"partners": 0}, {"rating_weight": 2.0}, {"volume_weight": -0.1}])
def test_impossible_rules_are_refused(fault: dict[str, Any]) -> None:
    with pytest.raises(ScenarioError, match=next(iter(fault))):
        DeskRules(**fault)
