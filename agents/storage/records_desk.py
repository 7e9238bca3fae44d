"""A platform's answers to owners who ask for proofs of their own entries in the records."""

from __future__ import annotations

from gridarium.agents.base import GridAgent, Listener, on
from gridarium.environment.records import EXECUTED, Record
from gridarium.market.messages.ledger import ProofRequest, Proofs


class RecordsDesk(Listener):
    """Shows owners their entries; a part that the platform mounts.

    Parameters
    ----------
    platform : GridAgent
    understated_share : float
        Part of what was executed that it does not show, in [0, 1]; an honest platform shows everything.
    """

    def __init__(self, platform: GridAgent, understated_share: float = 0.0) -> None:
        self._platform, self._understated_share = platform, understated_share

    @on(ProofRequest)
    def show(self, request: ProofRequest, sender: str) -> Proofs:
        """Show what is the sender's and has come between two heads; nothing if there are no such heads."""
        records = self._platform.world.records
        sizes = (request.old_size, request.size)
        if not all(isinstance(size, int) for size in sizes) or not 0 <= sizes[0] <= sizes[1] <= len(records):
            return Proofs(request.day, (), (), ())
        own, tree = records.of(sender, request.old_size, request.size), records.tree
        return Proofs(
            request.day,
            tuple(self._shown(record) for record in own),
            tuple(tree.inclusion(record.entry, request.size) for record in own),
            tree.consistency(request.old_size, request.size),
        )

    def _shown(self, record: Record) -> Record:
        """A record as the platform wants it to be seen."""
        if not self._understated_share or record.what != EXECUTED:
            return record
        part = 1.0 - self._understated_share
        return record._replace(charge_mwh=record.charge_mwh * part, discharge_mwh=record.discharge_mwh * part)
