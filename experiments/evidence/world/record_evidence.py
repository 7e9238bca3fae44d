"""What owners found when they checked their own entries in the records: metrics and a certificate."""

from __future__ import annotations

from collections.abc import Iterator

from gridarium.experiments.evidence.grid_evidence import GridEvidence, Tables
from gridarium.experiments.results.records import Reading

Metric = tuple[str, float]


def record_checks(tables: Tables, period_h: float) -> Iterator[Metric]:
    """Parts of all entries shown that were proven, and of all checks that nothing was wrong in."""
    checks = tables.get("record_checks")
    if checks is None:
        return
    shown = float(checks["shown"].sum())
    if shown:
        yield "records_proven_share", float(checks["proven"].sum()) / shown
    yield "records_verified_share", float(checks["verified"].mean())


def owners_proofs(known: GridEvidence) -> Iterator[Reading]:
    """Checks in which an owner has found something wrong."""
    checks = known.tables.get("record_checks")
    if checks is None:
        return
    failed = checks[checks["verified"] < 1.0]
    said = sorted({f"{row.agent}, day {row.day}: {row.fault}" for row in failed.itertuples()})
    yield Reading(
        "owners' proofs", float(len(failed)), 0.0, "", False,
        "checks, by owner and day, in which entries shown to the owner were not those it remembers, or not "
        "in the head that the operator had signed, or that head did not begin with the one before",
        said[0] if said else "",
    )  # fmt: skip
