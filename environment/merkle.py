"""Merkle trees: one hash for all entries of a log, and short proofs of what it holds and grew from."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

HASH_BYTES = 32
_EMPTY = hashlib.sha256(b"").digest()

Proof = tuple[bytes, ...]


def leaf_hash(data: bytes) -> bytes:
    """Hash of an entry; never that of two nodes, as both begin with another byte."""
    return hashlib.sha256(b"\0" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash of two subtrees."""
    return hashlib.sha256(b"\1" + left + right).digest()


class MerkleTree:
    """Hashes of all complete subtrees of a log that only grows; two hashes are stored for each entry.

    - `append`: one more entry
    - `root`: the hash of the first entries
    - `inclusion`, `consistency`: proofs, to be checked by `includes` and `extends`

    Notes
    -----
    The tree of RFC 6962, section 2.1 [1]_: the left subtree of n entries holds the largest power of two that
    is less than n.

    References
    ----------
    .. [1] B. Laurie, A. Langley, E. Kasper, 2013, doi:10.17487/RFC6962
    """

    def __init__(self) -> None:
        self._levels = [bytearray()]

    def __len__(self) -> int:
        """Number of entries."""
        return len(self._levels[0]) // HASH_BYTES

    def leaf(self, index: int) -> bytes:
        """Hash of an entry."""
        return self._subtree(index, 0)

    def append(self, leaf: bytes) -> None:
        """Add the hash of an entry (`leaf_hash`)."""
        node, level = leaf, 0
        while True:
            nodes = self._levels[level]
            nodes += node
            if len(nodes) % (2 * HASH_BYTES):
                return
            node = hashlib.sha256(b"\1" + nodes[-2 * HASH_BYTES :]).digest()
            level += 1
            if level == len(self._levels):
                self._levels.append(bytearray())

    def root(self, size: int | None = None) -> bytes:
        """Hash of the first entries; of all by default.

        Raises
        ------
        IndexError
            If there are not so many.
        """
        size = self._within(len(self) if size is None else size, 0, len(self))
        return self._root(0, size) if size else _EMPTY

    def inclusion(self, index: int, size: int) -> Proof:
        """Proof that an entry is one of the first `size`: its siblings from the leaf to the root.

        Raises
        ------
        IndexError
            If there are not so many entries, or the entry is none of them.
        """
        self._within(index, 0, self._within(size, 1, len(self)) - 1)
        path, start = [], 0
        while size > 1:
            half = _half(size)
            if index < start + half:
                path.append(self._root(start + half, size - half))
                size = half
            else:
                path.append(self._root(start, half))
                start, size = start + half, size - half
        return tuple(reversed(path))

    def consistency(self, old_size: int, size: int) -> Proof:
        """Proof that the first `size` entries begin with what were the first `old_size`.

        Raises
        ------
        IndexError
            If there are not so many entries.
        """
        self._within(old_size, 0, self._within(size, 0, len(self)))
        if old_size in (0, size):
            return ()
        path, start, whole = list[bytes](), 0, True
        while old_size < size:
            half = _half(size)
            if old_size <= half:
                path.append(self._root(start + half, size - half))
                size = half
            else:
                path.append(self._root(start, half))
                start, old_size, size, whole = start + half, old_size - half, size - half, False
        # Who checks knows the old root itself.
        return tuple(reversed(path if whole else [*path, self._root(start, size)]))

    def _root(self, start: int, size: int) -> bytes:
        if size & (size - 1) == 0:
            return self._subtree(start, size.bit_length() - 1)
        half = _half(size)
        return node_hash(self._root(start, half), self._root(start + half, size - half))

    def _subtree(self, start: int, level: int) -> bytes:
        at = (start >> level) * HASH_BYTES
        return bytes(self._levels[level][at : at + HASH_BYTES])

    def _within(self, number: int, least: int, most: int) -> int:
        if not least <= number <= most:
            raise IndexError(f"merkle tree of {len(self)} entries: {number} is not in [{least}, {most}]")
        return number


def includes(root: bytes, size: int, index: int, leaf: bytes, proof: Sequence[bytes]) -> bool:
    """Check a proof that an entry is the one with an index among the first `size` entries.

    Parameters
    ----------
    root : bytes
        Of the first `size` entries.
    size, index : int
    leaf : bytes
        Hash of the entry as one knows it.
    proof : sequence of bytes

    Notes
    -----
    RFC 9162, section 2.1.3.2.
    """
    if not 0 <= index < size:
        return False
    at, last, found = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            return False
        if at & 1 or at == last:
            found = node_hash(sibling, found)
            at, last = _up(at, last)
        else:
            found = node_hash(found, sibling)
        at, last = at >> 1, last >> 1
    return last == 0 and found == root


def extends(root: bytes, size: int, old_root: bytes, old_size: int, proof: Sequence[bytes]) -> bool:
    """Check a proof that the first `size` entries begin with what were the first `old_size`.

    Parameters
    ----------
    root, old_root : bytes
        Of the first `size`, and the first `old_size` entries.
    size, old_size : int
    proof : sequence of bytes

    Notes
    -----
    RFC 9162, section 2.1.4.2. Anything extends nothing.
    """
    if old_size == 0:
        return size >= 0 and old_root == _EMPTY and not proof
    if old_size >= size:
        return old_size == size and old_root == root and not proof
    known = [*([old_root] if old_size & (old_size - 1) == 0 else []), *proof]
    if not known:
        return False
    at, last = old_size - 1, size - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    old = new = known[0]
    for sibling in known[1:]:
        if last == 0:
            return False
        if at & 1 or at == last:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
            at, last = _up(at, last)
        else:
            new = node_hash(new, sibling)
        at, last = at >> 1, last >> 1
    return last == 0 and old == old_root and new == root


def _half(size: int) -> int:
    """The largest power of two that is less than a size of at least 2."""
    return 1 << ((size - 1).bit_length() - 1)


def _up(at: int, last: int) -> tuple[int, int]:
    """Past the levels on which the last subtree has no sibling."""
    while at and not at & 1:
        at, last = at >> 1, last >> 1
    return at, last
