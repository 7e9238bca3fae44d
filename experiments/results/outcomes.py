"""What came of each case, and how it differs from the first: carbon by source, money by class of agents."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import pandas as pd

from gridarium.experiments.reading.plain_yaml import Tree
from gridarium.experiments.reading.scenario_files import merge, without_cases
from gridarium.experiments.results.case_differences import Difference, differences
from gridarium.experiments.results.result import Result
from gridarium.market import accounts as chart

OUTSIDE = "head"
"""Kind of what comes from outside the world, through the head of a grid that hangs on none."""
_NO_AGENT = "counterparty"
_OUTSIDE_ACCOUNTS = frozenset(
    {chart.UPSTREAM, chart.REAL_TIME_MARKET, chart.CARBON_MARKET, chart.DAY_AHEAD_MARKET}
)
"""Accounts of who stands for the rest of the world, even where an agent does."""
_WORTH = ("utility", "value of energy")
"""Items of payoffs that are no payments: what energy is worth to who draws it."""


class Who(NamedTuple):
    """Agents of one kind on one grid, those of its replicas included.

    Parameters
    ----------
    grid : str
        Name of the grid, "" where there is no other.
    kind : str
    copies : int
        How many of the grid there are in the world.
    """

    grid: str
    kind: str
    copies: int


def trees_of(result: Result) -> dict[str, Tree]:
    """The resolved scenario of each case that was run."""
    base = without_cases(result.scenario)
    own = result.scenario.get("cases", {})
    return {case: merge(base, own.get(case, {})) for case in result.summary}


def copies_of(tree: Tree) -> dict[str, int]:
    """How many of each grid there are in the world: its replicas times those of the grids above."""
    grids = tree.get("grids") or {"": {}}

    def copies(name: str) -> int:
        above = grids[name].get("under")
        return int(grids[name].get("replicas", 1)) * (1 if above is None else copies(above))

    return {name: copies(name) for name in grids}


@dataclass(frozen=True)
class Outcome:
    """What came of one case.

    Parameters
    ----------
    case : str
    carbon_tco2 : mapping of Who to float
        What the units of each grid emitted net of capture, and what came with power from outside.
    money : mapping of Who to float
        What each class of agents within the world was paid less what it paid, with what energy is worth to
        it where it tells.
    unvalued : frozenset of Who
        Those who paid for energy and told no worth of it.
    """

    case: str
    carbon_tco2: Mapping[Who, float]
    money: Mapping[Who, float]
    unvalued: frozenset[Who]

    @property
    def total_tco2(self) -> float:
        """Carbon of the whole world."""
        return sum(self.carbon_tco2.values())


@dataclass(frozen=True)
class Comparison:
    """A case against the first one.

    Parameters
    ----------
    first, other : Outcome
    found : sequence of Difference
        Fields in which they differ.
    is_single : bool
        Whether they differ in one switch: in one place, and in no less than any other case does.
    """

    first: Outcome
    other: Outcome
    found: Sequence[Difference]
    is_single: bool

    @property
    def carbon_tco2(self) -> float:
        """How much more carbon the other case emits."""
        return self.other.total_tco2 - self.first.total_tco2

    @cached_property
    def carbon_by_source(self) -> dict[Who, float]:
        """The same by source, the largest change first."""
        return _changes(self.first.carbon_tco2, self.other.carbon_tco2)

    @cached_property
    def gains(self) -> dict[Who, float]:
        """What each class of agents gains by the other case, the largest change first."""
        return _changes(self.first.money, self.other.money)

    @property
    def total_money(self) -> float:
        """What all agents together gain by it."""
        return sum(self.gains.values())


def outcomes(result: Result) -> list[Outcome]:
    """What came of each case, in their order."""
    return [_outcome(result, case, tree) for case, tree in trees_of(result).items()]


def comparisons(result: Result) -> list[Comparison]:
    """Every other case against the first."""
    found = outcomes(result)
    trees = list(trees_of(result).values())
    all_differences = [differences(trees[0], tree) for tree in trees[1:]]
    return [
        Comparison(found[0], other, changed, _is_single(changed, all_differences))
        for other, changed in zip(found[1:], all_differences, strict=True)
    ]


def _is_single(changed: Sequence[Difference], others: Sequence[Sequence[Difference]]) -> bool:
    """Whether all changes are in one section, or on one grid of several, and no case makes a part of them.

    Sections that are left out altogether, or added, may go along with a field that no longer asks for them.
    """
    own = {_key(each) for each in changed}
    places = {each.path[:2] if each.path[0] == "grids" else each.path[:1] for each in changed}
    whole = {each.path for each in changed if len(each.path) == 1 and None in (each.before, each.after)}
    return len(places - whole or whole) == 1 and not any(
        {_key(each) for each in other} < own for other in others
    )


def _key(each: Difference) -> tuple[str, str]:
    return each.place, str(each.after)


def _changes(first: Mapping[Who, float], other: Mapping[Who, float]) -> dict[Who, float]:
    changed = {who: other.get(who, 0.0) - first.get(who, 0.0) for who in (*first, *other)}
    return dict(sorted(changed.items(), key=lambda item: -abs(item[1])))


def _outcome(result: Result, case: str, tree: Tree) -> Outcome:
    copies = copies_of(tree)
    ledger, payoffs = _rows(result, "ledger", case), _rows(result, "payoffs", case)
    booked = {str(name): float(rows["amount_money"].sum()) for name, rows in _by_account(ledger)}
    money: dict[Who, float] = {}
    unvalued = set()
    for (grid, kind), rows in _by_kind(payoffs):
        agents = [str(name) for name in rows["agent"].unique() if name not in _OUTSIDE_ACCOUNTS]
        if kind == _NO_AGENT or not agents:
            continue
        who = Who(grid, kind, copies[grid])
        accounts = (f"{grid}/{name}" if grid else name for name in agents)
        worth = rows[rows["item"].isin(_WORTH)]
        paid = sum(booked.get(account, 0.0) for account in accounts)
        money[who] = who.copies * (paid + float(worth["amount_money"].sum()))
        if worth.empty and float(rows[rows["item"] == chart.RETAIL]["amount_money"].sum()) < 0.0:
            unvalued.add(who)
    return Outcome(case, _carbon(result, case, copies, float(tree["period_h"])), money, frozenset(unvalued))


def _carbon(result: Result, case: str, copies: Mapping[str, int], period_h: float) -> dict[Who, float]:
    found: dict[Who, float] = {}
    for (grid, kind), rows in _by_kind(_rows(result, "units", case)):
        net = rows["emission_gross_tco2_per_h"] - rows["absorbed_tco2_per_h"].fillna(0.0)
        found[Who(grid, kind, copies[grid])] = copies[grid] * period_h * float(net.sum())
    heads = _rows(result, "heads", case)
    for name, rows in heads.groupby("grid", sort=False) if len(heads) else ():
        if not rows["above"].fillna("").astype(bool).any():
            who = Who(str(name), OUTSIDE, copies[str(name)])
            found[who] = period_h * float(rows["carbon_t_per_h"].sum())
    return found


def _rows(result: Result, table: str, case: str) -> pd.DataFrame:
    rows = result.tables.get(table)
    return pd.DataFrame() if rows is None else rows[rows["case"] == case]


def _by_account(ledger: pd.DataFrame) -> Iterable[tuple[object, pd.DataFrame]]:
    return ledger.groupby("account") if len(ledger) else ()


def _by_kind(rows: pd.DataFrame) -> list[tuple[tuple[str, str], pd.DataFrame]]:
    if rows.empty:
        return []
    named = rows.assign(grid=rows["grid"].fillna("").astype(str), kind=rows["kind"].astype(str))
    return [
        ((str(grid), str(kind)), part) for (grid, kind), part in named.groupby(["grid", "kind"], sort=False)
    ]
