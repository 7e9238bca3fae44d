"""An operator as the auditor of the records: it tells owners each day what they were at its end."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace
from typing import Any

from gridarium.agents.base import GridAgent
from gridarium.environment.security.authority import Authority
from gridarium.market.messages.ledger import LedgerHead

_WAITS_S, _AGAIN_AFTER_S = 600.0, 1.0
"""How long it waits for receipts, and after what silence it tells the head again, s."""


class RecordsAuditor:
    """Signs heads of the records.

    - `tell_head`: a process that tells owners the head of now

    Parameters
    ----------
    agent : GridAgent
    owners : tuple of str
    authority : Authority
        Whose key signs; owners have its public key.
    """

    def __init__(self, agent: GridAgent, owners: tuple[str, ...], authority: Authority) -> None:
        self._agent, self._owners, self._authority = agent, owners, authority

    def tell_head(self, day: int) -> Generator[Any, Any, None]:
        """Tell every owner the signed head of a day that is over, until all have received it."""
        tree = self._agent.world.records.tree
        head = LedgerHead(day, len(tree), tree.root())
        signed = replace(head, signature=self._authority.sign(head.signed_bytes))
        told = dict.fromkeys(self._owners, signed)
        yield from self._agent.ask(told, _WAITS_S, _AGAIN_AFTER_S).answered()
