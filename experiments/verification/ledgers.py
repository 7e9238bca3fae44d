"""Ledgers of a run folder: each entry against its hash, and the hashes against the manifest."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from gridarium.environment.hash_chain import Break, Head, first_break
from gridarium.environment.ledger_tables import LINKS
from gridarium.environment.merkle import MerkleTree, leaf_hash
from gridarium.experiments.results.result import Result
from gridarium.experiments.verification.checks import Check


def ledgers(run: Result) -> Iterator[Check]:
    """Every ledger of every case: its table against its own hashes, and these against the manifest.

    A manifest without heads is a finding: nothing can be said of the ledgers then.
    """
    kept = run.manifest.get("ledgers")
    if not isinstance(kept, dict) or not kept:
        said = "must hold the heads of the ledgers, which this run was left without"
        yield Check("", "manifest.json: ledgers", False, said)
        return
    if not all(isinstance(heads, dict) for heads in kept.values()):
        yield Check("", "manifest.json: ledgers", False, "must hold the heads of each ledger of each case")
        return
    for name in LINKS:
        found = set(run.tables[name]["case"].astype(str)) if name in run.tables else set[str]()
        for case in sorted(found - {case for case, heads in kept.items() if name in heads}):
            yield Check(case, name, False, "the manifest has no head of it: all its entries were inserted")
    for case, heads in kept.items():
        for name, told in heads.items():
            yield _ledger(run, str(case), str(name), told)


def _ledger(run: Result, case: str, name: str, told: Any) -> Check:
    """One ledger of one case."""
    try:
        head = Head(int(told["size"]), str(told["newest"]), str(told["root"]))
        table = run.tables.get(name, pd.DataFrame())
        links = LINKS[name](table[table["case"] == case]) if len(table) else []
    except (KeyError, TypeError, ValueError) as error:
        return Check(case, name, False, f"cannot be read ({type(error).__name__}: {error})")
    broken = first_break(links, name, head.size)
    if broken is not None:
        return Check(case, name, False, _where(broken))
    tree = MerkleTree()
    for link in links:
        tree.append(leaf_hash(link.data))
    if head.size and links[-1].hash.hex() != head.newest:
        said = "entries follow from each other, but not to the head in the manifest: hashes were written anew"
        return Check(case, name, False, said)
    if tree.root().hex() != head.root:
        return Check(case, name, False, "the tree of all entries has not the root of the manifest")
    return Check(case, name, True, f"{head.size:,} entries, each as it was booked")


def _where(broken: Break) -> str:
    """Say what has happened to an entry."""
    found = {
        "moved": f", it stands in place {broken.position}",
        "inserted": f", it stands in place {broken.position}",
    }
    return f"entry {broken.entry} was {broken.what}{found.get(broken.what, '')}"
