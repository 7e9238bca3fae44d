"""First offers of each minute of a seller, against what it had granted before and what it then had."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from gridarium.agents.prosumers.journal import Shared
from gridarium.agents.prosumers.prosumer import Prosumer
from gridarium.environment.arrays import Array, Index
from gridarium.environment.clock import HOUR_S, MINUTE_S
from gridarium.experiments.evidence.grid_evidence import GridEvidence, rows_of
from gridarium.experiments.evidence.prosumers.pool import line_km
from gridarium.experiments.evidence.prosumers.prosumer_balance import BalanceFound
from gridarium.experiments.parts.lines import LINES

_SCARCE, _UNSURE = 1e-3, 1e-3
"""Part of a supply that may be left where it counts as all granted, and within which that is not judged."""
_CARRIED = 1.0 - 1e-9


def minute_numbers(known: GridEvidence, times: pd.DatetimeIndex) -> Index:
    """Number of each minute since the first period began."""
    start = known.world.clock.timestamp_at(known.world.delivery_s)
    return np.rint((times - start).total_seconds() / MINUTE_S).astype(np.int64)


def part_kept(known: GridEvidence, sellers: Iterable[str], buyers: Iterable[str]) -> Array:
    """Share of what sellers send that arrives at buyers, by the lengths of their lines, shape (n,)."""
    lines = LINES.of(known.scenario)
    assert lines is not None
    pairs = list(zip(sellers, buyers, strict=True))
    kept = {pair: 1.0 - lines.loss_per_km * line_km(known, *pair) for pair in dict.fromkeys(pairs)}
    return np.array([kept[pair] for pair in pairs])


def off_offers_mwh(known: GridEvidence, seller: Prosumer, found: BalanceFound) -> float:
    """Most by which all first offers of a minute miss what there was to offer, MWh at the seller's end.

    Of minutes in which every buyer with a share was made one that its line carries: what had been granted, or
    what there really was where that is less. Where all that had been nominated was granted, what there was.
    """
    name, said = known.grid.local(seller.name), rows_of(known.tables, "offers", "prosumer")
    if said.empty:
        return 0.0
    first = said[(said["agent"] == name) & (said["move"] == "offer") & (said["round"] == 0)]
    if first.empty:
        return 0.0
    kept, lines = part_kept(known, first["agent"], first["buyer"]), LINES.of(known.scenario)
    assert lines is not None
    sent = first["volume_mwh"].to_numpy(dtype=float) / kept
    full = sent >= lines.capacity_mw * MINUTE_S / HOUR_S * _CARRIED
    minutes = (
        first.assign(sent_mwh=sent, full=full)
        .groupby("time", sort=False)
        .agg({"period": "first", "sent_mwh": "sum", "buyer": "nunique", "full": "any"})
    )
    own = known.tables["prosumers"]
    own = own[own["agent"] == name].set_index("period")
    per_minute, granted = MINUTE_S / known.world.clock.period_s, _granted_mwh(seller)
    supply = found.supply.ravel()[minute_numbers(known, pd.DatetimeIndex(minutes.index))]
    columns = ("granted_mwh", "surplus_told_mwh", "limit_mwh")
    told = {name: dict(zip(own.index, own[name].astype(float), strict=True)) for name in columns}
    worst = 0.0
    kept_columns = (minutes[name].tolist() for name in minutes.columns)
    for period, sent_mwh, buyers, is_full, there in zip(*kept_columns, supply.tolist(), strict=True):
        shares = granted[period]
        if is_full or buyers < sum(one > 0.0 for one in shares.values()):
            continue
        due = [min(there, told["granted_mwh"][period] * per_minute)]
        left = 1.0 - sum(shares.values()) / (told["surplus_told_mwh"][period] * per_minute)
        if np.isnan(told["limit_mwh"][period]) and left < _SCARCE + _UNSURE:
            due = [there] if left < _SCARCE - _UNSURE / 2.0 else [*due, there]
        worst = max(worst, min(abs(sent_mwh - one) for one in due))
    return worst


def _granted_mwh(seller: Prosumer) -> dict[int, dict[str, float]]:
    """What each buyer was granted last for each minute, at the seller's end, by period."""
    found: dict[int, dict[str, float]] = {}
    for entry in seller.journal.entries:
        if isinstance(entry, Shared):
            of_period = found.setdefault(entry.period, {})
            of_period |= {one.buyer: one.volume_mwh / (1.0 - one.loss) for one in entry.shares}
    return found
