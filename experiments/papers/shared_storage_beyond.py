"""Statements of the paper of model A that a run cannot be held against, and why."""

from __future__ import annotations

from gridarium.experiments.claims.kinds import incomparables


def at(section: str) -> str:
    """A place in the paper."""
    return f"Processes 2025, 13(11), 3749, section {section}"


BEYOND = incomparables(
    at,
    (
        (
            "A-assignment", "3.3", "tasks are assigned 30 % sooner", "-30 %",
            "a trial cited from elsewhere, without its data",
        ),
        (
            "A-disputes", "3.2", "a ledger lowers disputes by 60 %", "-60 %",
            "a trial cited from elsewhere, without its data",
        ),
        (
            "A-pool-size", "5.1", "1.5 MWh are 1.2 h of the peak of solar power", "1.25 MW",
            "a surplus of 1.8 MW from 12 to 14 h, 3.6 MWh, is said to be stored, but for 0.3 MW",
        ),
        (
            "A-emission-cuts", "5.3 to 5.7", "the cut is 3.5, 4.6, 18 to 26 or 34.5 %", "3.5 to 34.5 %",
            "four sections give four values for neighbouring cases; each is judged by itself",
        ),
    ),
)  # fmt: skip
