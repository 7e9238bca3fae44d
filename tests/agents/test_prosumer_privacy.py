"""Prosumers know of each other what messages and meters tell them, and nothing else."""

from __future__ import annotations

import sys
from types import FrameType
from typing import Any

import pytest

from gridarium.agents.base import GridAgent
from gridarium.agents.prosumers.bargaining_rules import (
    ConcessionRule,
    DeclaredAlternatingRule,
    DeclaredNashRule,
    LeaderRule,
    PostedRule,
    ZeroIntelligenceRule,
    ZipRule,
)
from gridarium.agents.prosumers.buyer import Buyer
from gridarium.agents.prosumers.manners import BargainingRule
from gridarium.agents.prosumers.own_balance import OwnBalance
from gridarium.agents.prosumers.prosumer import Prosumer
from gridarium.agents.prosumers.purchases import Purchasing
from gridarium.agents.prosumers.reputations import Reputations
from gridarium.agents.prosumers.seller import Seller
from gridarium.agents.prosumers.shares import Sharing
from gridarium.agents.prosumers.trading import book_of
from gridarium.environment.connection import Connection
from gridarium.experiments.benchmarks.synthetic_pool import SyntheticPoolPlan, synthetic_pool
from gridarium.market.ladder import LadderTariff
from gridarium.market.messages.leasing import Ask, Bid, Confirm, Grant, PriceOffer

DECLARING = (DeclaredNashRule(), DeclaredAlternatingRule())
SILENT = (ConcessionRule(), LeaderRule(), PostedRule(), ZeroIntelligenceRule(), ZipRule())
PARTS = (OwnBalance, Sharing, Seller, Reputations, Purchasing, Buyer)


def acting_agent(frame: FrameType | None, owners: dict[int, GridAgent]) -> GridAgent | None:
    """The agent that runs: the nearest caller whose `self` is one, or belongs to one."""
    while frame is not None:
        found = frame.f_locals.get("self")
        # Not isinstance: that may ask the watched object itself.
        if issubclass(type(found), GridAgent):
            return found  # type: ignore[no-any-return]
        if id(found) in owners:
            return owners[id(found)]
        frame = frame.f_back
    return None


@pytest.mark.parametrize("rule", DECLARING + SILENT)
def test_nobody_touches_anothers_private_fields(
    rule: BargainingRule, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool = synthetic_pool(SyntheticPoolPlan(6, rule, n_period=1, first_period=46), 1)
    owners: dict[int, GridAgent] = {}
    for prosumer in pool.prosumers:
        parts = [part for part in vars(prosumer).values() if isinstance(part, PARTS)]
        assert {type(part) for part in parts} == set(PARTS)
        owners |= {id(part): prosumer for part in parts}
    foreign, own = list[str](), list[str]()

    def read(thing: Any, field: str) -> Any:
        if issubclass(type(thing), GridAgent):
            owner = thing if field.startswith("_") and not field.startswith("__") else None
        else:
            owner = owners.get(id(thing))
        if owner is not None:
            reader = acting_agent(sys._getframe(1), owners)
            if reader is owner:
                own.append(field)
            elif reader is not None:
                foreign.append(f"{reader.name} reads {field} of {owner.name}")
        return object.__getattribute__(thing, field)

    with monkeypatch.context() as patch:
        for kind in (Prosumer, *PARTS):
            patch.setattr(kind, "__getattribute__", read, raising=False)
        while pool.world.running:
            pool.world.step()
    assert foreign == []
    assert len(own) > 100
    assert len(book_of(pool.world.grid)) > 0


@pytest.mark.parametrize("rule", SILENT)
def test_only_declaring_rules_send_utilities(rule: BargainingRule, monkeypatch: pytest.MonkeyPatch) -> None:
    pool = synthetic_pool(SyntheticPoolPlan(6, rule, n_period=1, first_period=46), 1)
    sent: list[Any] = []
    send = Connection.send

    def spy(connection: Connection, recipient: str, payload: Any, **more: Any) -> None:
        sent.append(payload)
        send(connection, recipient, payload, **more)

    monkeypatch.setattr(Connection, "send", spy)
    while pool.world.running:
        pool.world.step()
    bids = [payload for payload in sent if isinstance(payload, Bid)]
    assert bids
    assert all(bid.utility is None for bid in bids)
    assert not any(isinstance(payload, Confirm) for payload in sent)


def test_under_private_information_no_message_says_a_cost(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = SyntheticPoolPlan(8, ConcessionRule(), n_period=4, first_period=46)
    pool = synthetic_pool(plan, 1)
    prices: list[tuple[str, str, float]] = []
    send = Connection.send

    def spy(connection: Connection, recipient: str, payload: Any, **more: Any) -> None:
        if isinstance(payload, Ask | PriceOffer):
            prices.append((connection.name, recipient, payload.price_per_mwh))
        if isinstance(payload, Grant):
            told = (payload.cost_per_mwh, payload.value_per_mwh)
            prices.extend((connection.name, recipient, each) for each in told)
        send(connection, recipient, payload, **more)

    monkeypatch.setattr(Connection, "send", spy)
    while pool.world.running:
        pool.world.step()
    ladder = LadderTariff(plan.terms.base_fee_per_km_mwh, plan.terms.interval_km, plan.terms.growth)

    def cost(seller: str, buyer: str) -> float:
        line = pool.lines.between(seller, buyer)
        assert line is not None
        return ladder.cost(line.distance_km) / (1.0 - line.loss)

    above = [price - cost(seller, buyer) for seller, buyer, price in prices]
    assert len(above) > 500
    assert min(above) > 1e-3
