"""Certificates of a pool of storages: shares, money, stability."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from gridarium.agents.feeder.dso import Dso
from gridarium.experiments.evidence.grid_evidence import GridEvidence, Tables
from gridarium.experiments.evidence.storage.coalition_games import (
    by_pool,
    owner_names,
    tabulated_games,
    title_of,
)
from gridarium.experiments.evidence.storage.coalition_metrics import (
    core_violation_money,
    formation_at_the_end,
)
from gridarium.experiments.results.records import Reading
from gridarium.market.accounts import POOL_SHARE, POOL_VALUE
from gridarium.market.coalition_core import least_core

_CENT = 0.01
_ROUNDING = 1e-6


def pool_money(known: GridEvidence) -> Iterator[Reading]:
    """Shares of each day against the value of its members, and both against the ledger."""
    pools = by_pool(known.tables)
    for name, own in pools.items():
        yield from _pool_money(known, own, name, title_of(name, pools))


def _pool_money(known: GridEvidence, tables: Tables, pool: str, title: str) -> Iterator[Reading]:
    days, owners = tables["pool_days"], tables["storage_pool"]
    kept = days.get("kept_money", pd.Series(0.0, days.index)).fillna(0.0)
    shared = (days["shares_money"] + days["operator_share_money"] + kept).to_numpy()
    worth = np.array([_value_of_members(tables, int(day)) for day in days["day"]])
    off_money, tolerance = float(np.abs(shared - worth).max()), _ROUNDING * max(1.0, np.abs(worth).max())
    yield Reading(
        f"shares of the {title}", off_money, tolerance, "money", True,
        "largest difference on a day of all shares, with what the platform says it keeps by a rule that "
        "leaves it a rest, and the value of the members",
    )  # fmt: skip
    ledger = known.tables["ledger"]
    by_account = _booked(ledger, POOL_SHARE)
    told = owners.groupby("agent")["share_money"].sum()
    wrong = [abs(by_account.get(str(name), 0.0) - float(money)) for name, money in told.items()]
    # Whoever commands the members, an operator or a plant, pays the platform what they are worth.
    wrong.append(abs(_booked(ledger, POOL_VALUE).get(pool, 0.0) - float(worth.sum())))
    for dso in known.of(Dso):
        paid = -_booked(ledger, POOL_VALUE).get(known.grid.local(dso.name), 0.0)
        back = by_account.get(known.grid.local(dso.name), 0.0)
        wrong += [abs(paid - float(worth.sum())), abs(paid - back - float(told.sum()))]
    tolerance = _ROUNDING * max(1.0, float(np.abs(worth).sum()))
    yield Reading(
        f"payments of the {title}", max(wrong), tolerance, "money", True,
        "what the ledger shows that the operator paid the pool and the pool its members, against values and "
        "shares of all days",
    )  # fmt: skip


def _booked(ledger: pd.DataFrame, purpose: str) -> Mapping[str, float]:
    """Received less paid for a purpose by account."""
    own = ledger[ledger["purpose"] == purpose]
    sums = own.groupby("account")["amount_money"].sum()
    return {str(name): float(money) for name, money in sums.items()}


def _value_of_members(tables: Tables, day: int) -> float:
    """Value of the members of a day, from the values of the game of that day."""
    coalitions = tables.get("coalitions")
    if coalitions is None:
        # Nobody has played a game.
        return 0.0
    days, owners = tables["pool_days"], tables["storage_pool"]
    rows = coalitions[coalitions["game"] == days.loc[days["day"] == day, "game"].iloc[0]]
    if rows.empty:
        # Of several pools, one whose owners nobody could ask.
        return 0.0
    inside = set(owners.loc[(owners["day"] == day) & (owners["member"] > 0.0), "agent"])
    members = "+".join(name for name in owner_names(rows) if name in inside)
    return float(rows.set_index("coalition")["value_money"].get(members, 0.0))


def stability(known: GridEvidence) -> Iterator[Reading]:
    """Whether a group would rather be the pool alone, and whether the pool has come to rest."""
    pools = by_pool(known.tables)
    for name, own in pools.items():
        yield from _stability(own, title_of(name, pools))


def _stability(tables: Tables, title: str) -> Iterator[Reading]:
    days, owners, of_several = tables["pool_days"], tables["storage_pool"], title.removeprefix("pool")
    games = tabulated_games(tables)
    excess = None if not games else core_violation_money(tables, games, int(days["day"].max()))
    if excess is not None:
        epsilon = least_core(games[max(games)]).epsilon
        empty = "empty" if epsilon > _CENT else "not empty"
        yield Reading(
            f"core violation{of_several}", max(0.0, excess), _CENT, "money", False,
            "what the members of the last day that gain most by being the pool alone would gain together",
            f"the core of all owners is {empty}: the least excess that a split can have is {epsilon:.4g}",
        )  # fmt: skip
    if days["day"].nunique() > 1:
        ended = formation_at_the_end(owners)
        yield Reading(
            f"formation of the {title}", abs(ended.period_days - 1.0), 0.0, "days", False,
            "how far the length of the cycle in which memberships end is from one day, a stable pool; still "
            "changing counts as 1",
            ended.outcome if ended.outcome == "still changing"
            else f"{ended.outcome} from day {ended.since_day} on, period {ended.period_days}",
        )  # fmt: skip
