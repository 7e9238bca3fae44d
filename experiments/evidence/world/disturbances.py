"""What can be asked of a case in which somebody forged messages, or units failed: laws, and no plans."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from gridarium.experiments.evidence.grid_evidence import Tables
from gridarium.experiments.results.records import Certificate

OF_PLANS = frozenset(
    {
        "AC cost error",
        "AC loading error",
        "AC voltage error",
        "convergence",
        "cycle regret",
        "cycle size",
        "declared as planned",
        "elastic fixed point",
        "follower optimality",
        "follower regret",
        "nodal carbon",
        "orders as planned",
        "outlooks of the operator",
        "plan kept",
        "reports told",
        "power there was",
        "response rule",
        "storage cycle",
        "terms as they are",
        "voltage band",
        "words in time",
    }
)
"""Certificates of how well plans come true and answers suit what was posted. All others are laws that hold
whoever lies: energy, carbon and money stay balanced, units keep within their limits."""


def forged(tables: Tables) -> int:
    """How many messages that nobody honest had sent were acted upon."""
    table = tables.get("intrusions")
    return 0 if table is None else int((table["outcome"] == "acted").sum())


def judged(certificates: Iterable[Certificate], tables: Tables) -> Iterator[Certificate]:
    """Certificates of a case; where forged messages acted, those of plans show the damage and fail no run.

    Parameters
    ----------
    certificates : iterable of Certificate
    tables : mapping of str to DataFrame
        Of this case alone.
    """
    acted = forged(tables)
    for one in certificates:
        if acted and one.hard and one.name.rpartition(": ")[2] in OF_PLANS:
            told = f"{acted:,} forged messages acted in this case"
            yield replace(one, hard=False, detail=f"{one.detail}; {told}" if one.detail else told)
        else:
            yield one
