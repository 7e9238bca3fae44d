"""What anybody can check of a finished run from its folder alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from gridarium.environment.errors import Fault
from gridarium.environment.hash_chain import Break, Head, first_break
from gridarium.environment.ledger_tables import LINKS
from gridarium.environment.merkle import MerkleTree, leaf_hash
from gridarium.experiments import green_verification
from gridarium.experiments.results import Result, RunFolderError, read_run


@dataclass(frozen=True, slots=True)
class Check:
    """Something that was checked.

    Parameters
    ----------
    case, subject : str
        What was looked at.
    passed : bool
    said : str
        What was found.
    """

    case: str
    subject: str
    passed: bool
    said: str


def ledgers(run: Result) -> Iterator[Check]:
    """Every ledger of every case: its table against its own hashes, and these against the manifest.

    Raises
    ------
    RunFolderError
        If the manifest has no heads: nothing can be said then.
    """
    kept = run.manifest.get("ledgers")
    if not isinstance(kept, dict) or not kept:
        allowed = "must hold the heads of the ledgers, which this run was left without"
        raise RunFolderError(str(run.path), [Fault("manifest.json: ledgers", kept, allowed)])
    for name in LINKS:
        found = set(run.tables[name]["case"].astype(str)) if name in run.tables else set[str]()
        for case in sorted(found - {case for case, heads in kept.items() if name in heads}):
            yield Check(case, name, False, "the manifest has no head of it: all its entries were inserted")
    for case, heads in kept.items():
        for name, told in heads.items():
            yield _ledger(run, case, name, told)


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


def green_energy(run: Result) -> Iterator[Check]:
    """Green energy in storages, and certificates of what has left them, of each case that has any."""
    for case in run.summary:
        for subject, check in (
            ("green certificates", green_verification.certificates),
            ("green labels", green_verification.labels),
        ):
            try:
                outcome = check(run, case)
            except (KeyError, TypeError, ValueError, StopIteration) as error:
                outcome = False, f"cannot be read ({type(error).__name__}: {error})"
            if outcome is not None:
                yield Check(case, subject, *outcome)


CHECKS: tuple[Callable[[Result], Iterable[Check]], ...] = (ledgers, green_energy)
"""Each from what the folder holds."""


def verify(run_folder: str | Path) -> list[Check]:
    """Check a finished run from its folder.

    Raises
    ------
    RunFolderError
        If the folder holds no run, or one without anything to check it by.
    """
    run = read_run(run_folder)
    return [found for check in CHECKS for found in check(run)]
