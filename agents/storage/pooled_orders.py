"""What whoever commands members of a pool does beside commanding: asks who they are, and records orders."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import Any

from gridarium.agents.base import GridAgent
from gridarium.agents.questions import Question
from gridarium.environment.errors import UnheardError
from gridarium.environment.records import ALLOCATED
from gridarium.market.messages.commands import Command, StorageCommand
from gridarium.market.messages.ledger import allocated
from gridarium.market.messages.storage_pools import PoolMembers


def hear_members(agent: GridAgent, question: Question, pool: str) -> Generator[Any, Any, PoolMembers]:
    """Put the question who is a member, and wait for the pool's answer; a part of a process.

    Raises
    ------
    UnheardError
        If the pool has not answered when the question closes.
    """
    if (yield from question.answered()):
        raise UnheardError(agent.name, "no members from", [pool])
    told: PoolMembers = question.replies[pool]
    return told


def record_orders(agent: GridAgent, orders: Mapping[str, Command]) -> None:
    """Write what storages are told to do into the records, for each period that it is about."""
    world = agent.world
    for name, order in orders.items():
        if not isinstance(order, StorageCommand):
            continue
        for period, told in enumerate(allocated(order, world.period_h), order.period):
            world.records.write(world.clock.now_s, agent.name, name, ALLOCATED, period, **told._asdict())
