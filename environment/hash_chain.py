"""What all ledgers are: entries that are only added, each with a hash over itself and all before it."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd

from gridarium.environment.arrays import Array
from gridarium.environment.errors import LedgerError
from gridarium.environment.merkle import HASH_BYTES, MerkleTree, leaf_hash

EPOCH = pd.Timestamp(0, tz="UTC")
NO_PERIOD = np.iinfo(np.int64).min
"""Stands for no period where entries are encoded."""


class Head(NamedTuple):
    """What stands for a whole ledger when it is kept elsewhere.

    Parameters
    ----------
    size : int
        Number of entries.
    newest : str
        Hash of the newest entry, hexadecimal.
    root : str
        Hash of the Merkle tree of all entries, hexadecimal.
    """

    size: int
    newest: str
    root: str


class AppendOnly(ABC):
    """Entries in a chain of hashes, and in a Merkle tree that is built up to where it is asked for.

    - `head`, `root`, `heads`: hashes that stand for all entries
    - `hashes`, `tree`: of each entry, and for proofs
    - `verify`: detects alterations

    Parameters
    ----------
    what : str
        Name of the ledger in errors; its first hash is that of "gridarium" and this name.
    start : pandas.Timestamp
        Calendar time of clock time 0, with a time zone.
    """

    def __init__(self, what: str, start: pd.Timestamp) -> None:
        self._what, self._start, self._start_ns = what, start, int(start.as_unit("ns").value)
        self._first = first_hash(what)
        self._ids: dict[str, int] = {}
        self._names: list[str] = []
        self._hashes, self._tree = bytearray(), MerkleTree()

    @abstractmethod
    def data(self, number: int) -> bytes:
        """The bytes of an entry that its hashes are over, from what is stored of it now."""

    @abstractmethod
    def _lengths(self) -> set[int]:
        """Numbers of entries that the columns hold."""

    def __len__(self) -> int:
        """Number of entries."""
        return len(self._hashes) // HASH_BYTES

    @property
    def head(self) -> str:
        """Hash of the newest entry, hexadecimal; stands for the whole ledger when kept elsewhere."""
        return self._newest_hash().hex()

    @property
    def heads(self) -> Head:
        """Size, hash of the newest entry, and root of the tree."""
        return Head(len(self), self.head, self.tree.root().hex())

    @property
    def hashes(self) -> list[str]:
        """Hash of each entry over itself and all before it, hexadecimal."""
        text, width = self._hashes.hex(), 2 * HASH_BYTES
        return [text[at : at + width] for at in range(0, len(text), width)]

    @property
    def tree(self) -> MerkleTree:
        """The Merkle tree of all entries so far."""
        for number in range(len(self._tree), len(self)):
            self._tree.append(leaf_hash(self.data(number)))
        return self._tree

    def verify(self) -> None:
        """Recompute every hash from the entries.

        Raises
        ------
        LedgerError
            If an entry was altered, inserted, removed or moved.

        Notes
        -----
        Someone who rewrites all hashes as well is found out by comparing `head` with a copy kept elsewhere.
        """
        lengths = self._lengths() | {len(self)}
        if len(lengths) > 1:
            raise LedgerError(f"{self._what}: columns and hashes must have one length, got {sorted(lengths)}")
        previous, in_tree = self._first, len(self._tree)
        for number in range(len(self)):
            data = self.data(number)
            previous = chained(previous, data)
            leaf = leaf_hash(data)
            kept = self._hashes[number * HASH_BYTES : (number + 1) * HASH_BYTES]
            if previous != kept or (number < in_tree and leaf != self._tree.leaf(number)):
                raise LedgerError(f"{self._what}, entry {number}: altered after it was booked")
            if number >= in_tree:
                self._tree.append(leaf)

    def _seal(self, data: bytes) -> None:
        """Chain the next entry to all before it."""
        self._hashes += hashlib.sha256(self._newest_hash() + data).digest()

    def _time_ns(self, time_s: float) -> int:
        """Calendar time of a clock time, s, in ns since 1970 in UTC: what hashes are over."""
        return self._start_ns + round(time_s * 1e9)

    def _calendar(self, times_s: Array) -> pd.DatetimeIndex:
        """Calendar times of clock times, s, as tables show them: to the same ns."""
        since_start = np.rint(times_s * 1e9).astype(np.int64)
        return pd.DatetimeIndex(since_start + self._start_ns, tz="UTC").tz_convert(self._start.tz)

    def _newest_hash(self) -> bytes:
        return bytes(self._hashes[-HASH_BYTES:]) if self._hashes else self._first

    def _id(self, name: str) -> int:
        number = self._ids.get(name)
        if number is None:
            number = self._ids[name] = len(self._names)
            self._names.append(name)
        return number


def first_hash(what: str) -> bytes:
    """What the first entry of a ledger is chained to."""
    return hashlib.sha256(f"gridarium {what}".encode()).digest()


def chained(previous: bytes, data: bytes) -> bytes:
    """Hash of an entry over itself and, by the hash of the one before it, all others."""
    return hashlib.sha256(previous + data).digest()


def texts(*names: str) -> bytes:
    """Encode names, each as its length in 4 bytes and its text in UTF-8: no two series of names agree."""
    encoded = [name.encode() for name in names]
    return b"".join(len(one).to_bytes(4, "big") + one for one in encoded)


# A chain that somebody else has stored.


class Link(NamedTuple):
    """An entry as it is found: the number it has, the bytes its hashes are over, and its stored hash."""

    number: int
    data: bytes
    hash: bytes


class Break(NamedTuple):
    """Where a chain breaks first.

    Parameters
    ----------
    entry : int
        Number of the entry that does not stand where, or as, it was booked.
    what : {"altered", "removed", "inserted", "moved"}
    position : int
        Where it was found, counted from 0; where it ought to stand if it was removed.
    """

    entry: int
    what: Literal["altered", "removed", "inserted", "moved"]
    position: int


def first_break(links: Sequence[Link], what: str, size: int) -> Break | None:
    """Find the first entry of a chain that was altered, removed, inserted or moved.

    Parameters
    ----------
    links : sequence of Link
        All entries in the order in which they are stored.
    what : str
        Name of the ledger.
    size : int
        How many there were.

    Returns
    -------
    Break or None
        None if every entry follows from those before it. Whoever has written all hashes anew as well is found
        by the hash of the newest one.
    """
    previous = first_hash(what)
    for position, link in enumerate(links):
        if position == size:
            return Break(link.number, "inserted", position)
        if link.number != position or chained(previous, link.data) != link.hash:
            return _break_at(links, position, previous, size)
        previous = link.hash
    return Break(len(links), "removed", len(links)) if len(links) < size else None


def _break_at(links: Sequence[Link], position: int, previous: bytes, size: int) -> Break:
    """What has happened where an entry does not follow from those before it."""
    link, rest = links[position], range(position + 1, len(links))
    after = next((at for at in rest if _follows(links[at], position, previous)), None)
    if after is not None:
        # The right one comes later: this one has come from elsewhere, or the right one has gone there.
        if not _is_genuine(links, link):
            return Break(link.number, "inserted", position)
        if after > position + 1:
            return Break(position, "moved", after)
        return Break(link.number, "moved", position)
    gone = link.number != position and len(links) < size
    return Break(position, "removed" if gone else "altered", position)


def _follows(link: Link, position: int, previous: bytes) -> bool:
    return link.number == position and chained(previous, link.data) == link.hash


def _is_genuine(links: Sequence[Link], link: Link) -> bool:
    """Whether an entry is the only one of its number, and follows from the one before that number."""
    if sum(other.number == link.number for other in links) > 1:
        return False
    before = next((other.hash for other in links if other.number == link.number - 1), None)
    return before is not None and chained(before, link.data) == link.hash
