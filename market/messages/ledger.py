"""Records between an operator, the platform of a pool, and owners who check their own entries."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from gridarium.environment.merkle import Proof
from gridarium.environment.records import Record, TaskEnergies
from gridarium.market.messages.commands import StorageCommand


def allocated(command: StorageCommand, period_h: float) -> Iterator[TaskEnergies]:
    """What a command allocates to a storage in each period that it is about, as it stands in the records."""
    q_mvar = np.zeros_like(command.charge_mw) if command.q_mvar is None else command.q_mvar
    for powers in zip(
        command.charge_mw.tolist(), command.discharge_mw.tolist(), q_mvar.tolist(), strict=True
    ):
        yield TaskEnergies(*(power * period_h for power in powers))


@dataclass(frozen=True, slots=True)
class LedgerHead:
    """What the records are at the end of a day, as their auditor has them; repeated until it is received.

    Parameters
    ----------
    day : int
    size : int
        Number of entries.
    root : bytes
        Hash of the Merkle tree of all entries.
    signature : bytes or None
        The auditor's, where it has a key to sign with.
    """

    day: int
    size: int
    root: bytes
    signature: bytes | None = None

    @property
    def signed_bytes(self) -> bytes:
        """What a signature is of."""
        return f"gridarium head of records: day {self.day}, size {self.size}, root ".encode() + self.root


@dataclass(frozen=True, slots=True)
class ProofRequest:
    """An owner's question: what is mine in the records, and is it in the head that I have been told?

    Parameters
    ----------
    day : int
    size : int
        Of the head of that day.
    old_size : int
        Of the last head that the owner has checked: it asks for what has come since.
    """

    day: int
    size: int
    old_size: int


@dataclass(frozen=True, slots=True)
class Proofs:
    """A platform's answer.

    Parameters
    ----------
    day : int
    records : tuple of Record
        Of the owner, since the old head.
    inclusion : tuple of tuple of bytes
        Of each record: the hashes that lead from it to the root.
    consistency : tuple of bytes
        That the new records begin with the old ones.
    """

    day: int
    records: tuple[Record, ...]
    inclusion: tuple[Proof, ...]
    consistency: Proof
