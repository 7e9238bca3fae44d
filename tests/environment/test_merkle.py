"""Merkle trees: roots of the reference tree of Certificate Transparency, and proofs of all small trees."""

from __future__ import annotations

import numpy as np
import pytest

from gridarium.environment.merkle import MerkleTree, extends, includes, leaf_hash

LEAVES = [bytes.fromhex(one) for one in (
    "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f",
)]  # fmt: skip
ROOTS = (
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)
"""Of the first 0 to 8 leaves, as the reference implementation of RFC 6962 prints them."""


def tree_of(size: int) -> MerkleTree:
    tree = MerkleTree()
    for number in range(size):
        tree.append(leaf_hash(str(number).encode()))
    return tree


def test_roots_are_those_of_certificate_transparency() -> None:
    tree = MerkleTree()
    for leaf in LEAVES:
        tree.append(leaf_hash(leaf))
    assert [tree.root(size).hex() for size in range(9)] == list(ROOTS)


@pytest.mark.parametrize("size", range(1, 18))
def test_every_entry_is_proven_in_every_tree_and_nothing_else_is(size: int) -> None:
    tree, other = tree_of(17), leaf_hash(b"another")
    root = tree.root(size)
    for index in range(size):
        proof, leaf = tree.inclusion(index, size), tree.leaf(index)
        assert includes(root, size, index, leaf, proof)
        assert len(proof) <= max(0, size - 1).bit_length()
        assert not includes(root, size, index, other, proof)
        assert not includes(other, size, index, leaf, proof)
        assert not any(includes(root, size, wrong, leaf, proof) for wrong in range(size) if wrong != index)
        assert not includes(root, size, index, leaf, (*proof, other))
        for at in range(len(proof)):
            assert not includes(root, size, index, leaf, (*proof[:at], other, *proof[at + 1 :]))
            assert not includes(root, size, index, leaf, (*proof[:at], *proof[at + 1 :]))


@pytest.mark.parametrize("size", range(18))
def test_every_tree_extends_every_smaller_one_and_no_other(size: int) -> None:
    tree, other = tree_of(17), leaf_hash(b"another")
    root = tree.root(size)
    for old in range(size + 1):
        proof = tree.consistency(old, size)
        assert extends(root, size, tree.root(old), old, proof)
        assert not extends(root, size, other, old, proof)
        if old:
            assert not extends(other, size, tree.root(old), old, proof)
            assert not extends(root, size, tree.root(old), old, (*proof, other))
        for at in range(len(proof)):
            assert not extends(root, size, tree.root(old), old, (*proof[:at], other, *proof[at + 1 :]))


def test_a_large_tree_proves_with_a_few_hashes() -> None:
    tree, random = tree_of(10_000), np.random.default_rng(1)
    root = tree.root()
    for index, old in random.integers(1, 10_000, (200, 2)).tolist():
        proof = tree.inclusion(index, 10_000)
        assert len(proof) <= 14
        assert includes(root, 10_000, index, leaf_hash(str(index).encode()), proof)
        assert extends(root, 10_000, tree.root(old), old, tree.consistency(old, 10_000))


def test_proofs_of_what_is_not_there_are_refused() -> None:
    tree = tree_of(5)
    for asked in (lambda: tree.inclusion(5, 5), lambda: tree.inclusion(0, 6), lambda: tree.consistency(4, 3)):
        with pytest.raises(IndexError, match="tree of 5 entries"):
            asked()
