"""Certificates of what a provider of storage and lines earned on each day, by source, against the ledger."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gridarium.environment.clock import day_length
from gridarium.experiments.evidence.grid_evidence import GridEvidence
from gridarium.experiments.parts.lines import LESSOR
from gridarium.experiments.results.records import Reading
from gridarium.market.accounts import CHARGE, DISCHARGE, LINE_FEE, WEAR, WEAR_COMPENSATION

_SAME = 1e-6
_SOURCES = {
    "line_fees_money": (LINE_FEE,),
    "energy_margin_money": (CHARGE, DISCHARGE),
    "compensation_money": (WEAR_COMPENSATION,),
    "degradation_money": (WEAR,),
}
"""Payments of which a column of `leases` is the sum."""


def earnings(known: GridEvidence) -> Iterator[Reading]:
    """Sums of payments of each day against what is told of them."""
    leases, ledger = known.tables.get("leases"), known.tables.get("ledger")
    if leases is None or ledger is None:
        return
    per_day = day_length(known.world.n_period, known.world.clock.period_s)
    own = ledger[(ledger["account"] == LESSOR) & (ledger["period"] >= 0)]
    days = leases["day"].to_numpy(dtype=int)
    apart = [0.0]
    for column, purposes in _SOURCES.items():
        rows = own[own["purpose"].isin(purposes)]
        due = rows.groupby(rows["period"] // per_day)["amount_money"].sum().reindex(days, fill_value=0.0)
        apart.append(float(np.abs(leases[column].to_numpy(dtype=float) - due.to_numpy(dtype=float)).max()))
    yield Reading(
        "earnings of the provider", max(apart), _SAME, "money", True,
        "largest difference of what a provider of storage and lines is said to have earned on a day, by "
        "source, and the payments of that day",
    )  # fmt: skip
