"""Statements of the paper of model B that a run cannot be held against, and why."""

from __future__ import annotations

from gridarium.experiments.claims.kinds import incomparables
from gridarium.experiments.papers.green_vpp_arithmetic import at

BEYOND = incomparables(
    at,
    (
        (
            "B-money-level", "Table II", "the day costs 13,055, 13,564 and 14,121 CNY", "13,055 CNY",
            "prices, loads and ratings of the storages are drawn in figures only or missing; signs and order "
            "are judged by claims of their own",
        ),
        (
            "B-green-level", "Table III", "a region discharges 0.1 to 2.7 MWh of green energy", "10.61 MWh",
            "ratings, limits and efficiencies of the storages are missing; the order is judged by a claim of "
            "its own",
        ),
        (
            "B-solver", "case study", "the programme is solved with Gurobi 11 on a Ryzen 7 5800H", "",
            "times and gaps are not printed; how far envelopes overstate green energy is a certificate here",
        ),
    ),
)  # fmt: skip
