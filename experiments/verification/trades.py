"""Trades over leased lines, against what both sides have said and what the scenario allows."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from gridarium.experiments.results.result import Result
from gridarium.experiments.verification.checks import Check
from gridarium.experiments.verification.run_tables import GridTables, Worst, grids, numbers

_SAME = 1e-9
_CONCESSION = "concession"
"""The rule by which what is accepted was asked or bid before; others reckon a price from what is declared."""
_PAIR = ["agent", "buyer", "time"]
"""Who bargains with whom, in which minute."""


def trades(run: Result, case: str) -> Iterator[Check]:
    """Prices that were agreed on against what was said last, fees of lines against one rate for each pair."""
    agreed, fees = Worst(_SAME, ""), Worst(1e-6, "")
    for grid in grids(run, case):
        made = grid.rows("trades")
        if "delivered_mwh" not in made:
            continue
        made = made[made["delivered_mwh"].notna()]
        if made.empty:
            continue
        _fees(grid, made, fees)
        if len(offers := grid.rows("offers")):
            _agreed(grid, made, offers, agreed)
    yield from agreed.checks(case, "prices agreed on", "prices of trades against those that were accepted")
    yield from fees.checks(case, "line fees", "fees by energy against one rate a day for each pair")


def _agreed(grid: GridTables, made: pd.DataFrame, offers: pd.DataFrame, worst: Worst) -> None:
    """Each trade has the price accepted in its minute, which by concession was asked or bid before."""
    said = offers.sort_values([*_PAIR, "round"], kind="stable")
    accepted = said[said["move"] == "accept"].groupby(_PAIR)["price_per_mwh"].last()
    pairs = pd.MultiIndex.from_frame(made[["seller", "buyer", "time"]])
    price = accepted.reindex(pairs).to_numpy(dtype=float)
    off = numbers(made, "price_per_mwh") - price
    names = made[["seller", "buyer", "period"]].to_numpy()
    where = [f"{seller} to {buyer}, period {period}" for seller, buyer, period in names]
    worst.add(off, lambda at: f"{grid.place}{where[at]}")
    if (grid.section.get("trading") or {}).get("rule") != _CONCESSION:
        return
    before = said[said["move"] != "accept"]
    heard = pd.MultiIndex.from_frame(before[[*_PAIR, "price_per_mwh"]])
    taken = said[said["move"] == "accept"]
    unheard = ~pd.MultiIndex.from_frame(taken[[*_PAIR, "price_per_mwh"]]).isin(heard)
    told = taken[["agent", "buyer", "period"]].to_numpy()
    worst.add(
        np.where(unheard, 1.0, 0.0).astype(np.float64, copy=False),
        lambda at: f"{grid.place}{told[at][0]} to {told[at][1]}, period {told[at][2]}",
    )


def _fees(grid: GridTables, made: pd.DataFrame, worst: Worst) -> None:
    """The same fee for each MWh that a pair sends on a day, whatever it trades (E7)."""
    sent = made[made["sent_mwh"] > 0.0]
    per_day = max(1, round(24.0 / grid.period_h))
    rate = numbers(sent, "fee_money") / numbers(sent, "sent_mwh")
    groups = [sent["seller"].to_numpy(), sent["buyer"].to_numpy(), sent["period"].to_numpy() // per_day]
    by_pair = pd.Series(rate).groupby(groups)
    spread = by_pair.max() - by_pair.min()
    names = list(spread.index)
    worst.add(
        np.asarray(spread.to_numpy(dtype=float)),
        lambda at: f"{grid.place}{names[at][0]} to {names[at][1]}",
        max(1.0, float(np.max(rate, initial=0.0))),
    )
