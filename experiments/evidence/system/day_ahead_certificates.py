"""Certificates of a day-ahead market: both settlements of what was declared, and who stands against them."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from gridarium.experiments.evidence.grid_evidence import GridEvidence, rows_of
from gridarium.experiments.parts.day_ahead_market import DAY_AHEAD_MARKET
from gridarium.experiments.parts.supply import REAL_TIME
from gridarium.experiments.results.records import Reading
from gridarium.market.accounts import DAY_AHEAD, IMBALANCE

_CENT = 1e-2


def settlements(known: GridEvidence) -> Iterator[Reading]:
    """Bookings of the market against declarations, meters and prices, and their sum (E.2)."""
    table, ledger = known.tables.get("settlements"), known.tables.get("ledger")
    if table is None or ledger is None:
        return
    due = _due_money(known, table)
    booked = _booked_money(ledger, list(due.columns))
    accounts = booked.reindex(due.index, fill_value=0.0)
    yield Reading(
        "two settlements", float((accounts - due).abs().to_numpy().max()), 1e-6, "money", True,
        "largest difference in a period between what a participant was paid for what it declared, or for its "
        "deviation, and declared energy times the day-ahead price, or metered less declared energy times the "
        "real-time price",
    )  # fmt: skip
    (operator,) = known.head_customers
    own = booked[booked.index.get_level_values("agent") == known.grid.local(operator.name)]
    left = due.groupby(level="period").sum().add(own.droplevel("agent"), fill_value=0.0)
    yield Reading(
        "positions closed", float(left.abs().to_numpy().max()), _CENT, "money", True,
        "largest sum in a period, over all participants and the operator, of what is due on declarations or "
        "on deviations; the operator takes the other side of both",
    )  # fmt: skip


def _due_money(known: GridEvidence, table: pd.DataFrame) -> pd.DataFrame:
    """What each participant is due, by agent and period, from meters that it told itself."""
    told = table.set_index(["agent", "period"])
    declared, metered = told["declared_mw"].fillna(0.0), _metered_mw(known).reindex(told.index)
    section, real_time = DAY_AHEAD_MARKET.of(known.scenario), REAL_TIME.of(known.scenario).price_per_mwh
    # The prices of a column are in the profiles, of which the market tells.
    fixed = None if section is None else section.price_per_mwh
    price = told["day_ahead_price_per_mwh"] if fixed is None else fixed
    hours = known.world.period_h
    return pd.DataFrame(
        {DAY_AHEAD: price * declared * hours, IMBALANCE: real_time * (metered - declared) * hours}
    )


def _metered_mw(known: GridEvidence) -> pd.Series:
    """What units, wind farms and loads fed in, less what they drew, by agent and period."""
    parts = [
        rows_of(known.tables, "units", "thermal").assign(net=lambda rows: rows["net_mw"]),
        rows_of(known.tables, "dispatch", "renewable").assign(net=lambda rows: rows["p_supply_mw"]),
        rows_of(known.tables, "loads", "load", "flexible_load").assign(
            net=lambda rows: -rows["p_metered_mw"]
        ),
    ]
    return pd.concat(parts).set_index(["agent", "period"])["net"]


def _booked_money(ledger: pd.DataFrame, purposes: list[str]) -> pd.DataFrame:
    """What each account has received less what it has paid for some purposes, by agent and period."""
    rows = ledger[ledger["purpose"].isin(purposes)]
    sums = rows.groupby([rows["account"].rename("agent"), "period", "purpose"])["amount_money"].sum()
    return sums.unstack("purpose").reindex(columns=purposes).fillna(0.0)
