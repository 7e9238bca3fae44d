"""What an owner finds out by itself about its own entries in the records: from proofs, and from memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from gridarium.environment.merkle import extends, includes, leaf_hash
from gridarium.environment.records import ALLOCATED, EXECUTED, Record, TaskEnergies, record_data
from gridarium.market.messages.ledger import LedgerHead, Proofs


class Remembered(NamedTuple):
    """A task as its owner knows it.

    Parameters
    ----------
    what : str
        "allocated", as it was told, or "executed", as its own meter read it.
    period : int
    energies : TaskEnergies
    """

    what: str
    period: int | None
    energies: TaskEnergies


class Finding(NamedTuple):
    """What came of a check.

    Parameters
    ----------
    shown, proven : int
        Entries that the owner was shown, and how many of them are in the head.
    fault : str
        What is wrong first; empty if nothing is.
    """

    shown: int
    proven: int
    fault: str

    @property
    def is_verified(self) -> bool:
        """Whether nothing is wrong."""
        return not self.fault


def examine(
    owner: str, head: LedgerHead, old: LedgerHead, proofs: Proofs, memory: Iterable[Remembered]
) -> Finding:
    """Hold what an owner is shown against a head, the head before, and what it remembers.

    Parameters
    ----------
    owner : str
    head, old : LedgerHead
        As the auditor has told them; the old one is the last that the owner has checked.
    proofs : Proofs
        What has come of its own since the old head, by the platform.
    memory : iterable of Remembered
        What ought to have come since then.

    Notes
    -----
    Every entry is proven to be in the head, the head to begin with the old one. What is shown must be what is
    remembered, exactly and all of it: who alters, leaves out, moves or makes up an entry of the owner either
    shows something else than it remembers, or something that is not in the head. Entries of other kinds than
    tasks need only be in the head.
    """
    if len(proofs.inclusion) != len(proofs.records):
        return Finding(len(proofs.records), 0, "entries without proofs")
    pairs = list(zip(proofs.records, proofs.inclusion, strict=True))
    unproven = [record for record, path in pairs if not _is_proven(owner, head, old, record, path)]
    proven = len(pairs) - len(unproven)
    if not extends(head.root, head.size, old.root, old.size, proofs.consistency):
        return Finding(len(pairs), proven, "the records do not begin with those of the head before")
    if unproven:
        return Finding(len(pairs), proven, f"entry {unproven[0].entry} is not in the head")
    if len({record.entry for record, _ in pairs}) < len(pairs):
        return Finding(len(pairs), proven, "an entry is shown twice")
    shown = Counter(_task(record) for record, _ in pairs if record.what in (ALLOCATED, EXECUTED))
    remembered = Counter(memory)
    for task in [*(remembered - shown), *(shown - remembered)][:1]:
        which = "is not shown" if remembered[task] > shown[task] else "is shown and not remembered"
        return Finding(len(pairs), proven, f"{task.what} in period {task.period} {which}")
    return Finding(len(pairs), proven, "")


def _is_proven(
    owner: str, head: LedgerHead, old: LedgerHead, record: Record, path: tuple[bytes, ...]
) -> bool:
    """Whether a record is the owner's, has come since the old head, and is in the head."""
    is_own = record.owner == owner and record.entry >= old.size
    return is_own and includes(head.root, head.size, record.entry, leaf_hash(record_data(record)), path)


def _task(record: Record) -> Remembered:
    return Remembered(record.what, record.period, TaskEnergies(*record.values[:3]))
