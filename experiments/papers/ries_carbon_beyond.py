"""Statements of the paper of model D that a run cannot be held against, and why."""

from __future__ import annotations

from gridarium.experiments.claims.kinds import incomparables


def at(section: str) -> str:
    """A place in the paper."""
    return f"Sustainability 2025, 17(22), 10095, section {section}"


BEYOND = incomparables(
    at,
    (
        (
            "D-cost-level", "5", "the system costs 1.952 M USD a year, 6.51 USD/MWh", "1.952 M USD",
            "for 300 MW this is a load factor of 11 %; it is 6.51 USD per kW, and no wholesale price",
        ),
        (
            "D-time", "5", "a run takes 48.7 s, a central one 245.6 s", "48.7 s",
            "times of another machine and solver; the ratio at 24 regional systems is that at three, so no "
            "gain by size is shown",
        ),
        ("D-memory", "5", "memory falls by 82.7 % to 320 MB", "320 MB", "of another machine and program"),
        (
            "D-learning", "4", "deep learning has a Gini index of 0.35", "0.35",
            "no learner stands in this scenario, and its training is not described",
        ),
        (
            "D-monte-carlo", "5", "over 1,000 draws cost falls by 26.3 +- 2.1 %, 96 % converge", "96 %",
            "a study, ries-monte-carlo, not a run; 96 % and 2.3 % infeasible leave 1.7 % without an outcome",
        ),
        (
            "D-flexible", "4", "8.7 % of the load can be moved, 17.4 MW", "17.4 MW",
            "8.7 % of 200 MW; of the stated peak of 300 MW it is 26.1 MW",
        ),
        (
            "D-significance", "5", "differences are significant at 0.1 %", "p < 0.001",
            "tests on the paper's own samples, which are not given",
        ),
        (
            "D-score", "5", "the composite score is 100, others have 88.3 and 72.8", "100",
            "weights are not given",
        ),
        (
            "D-field", "5", "23.5 % and 15.8 % were found in Denmark and California", "23.5 %",
            "data of the sites are not given",
        ),
    ),
)  # fmt: skip
