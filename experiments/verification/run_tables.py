"""A run's tables and sections by case and grid, and the worst of many differences."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gridarium.environment.arrays import Array
from gridarium.experiments.reading.plain_yaml import Tree
from gridarium.experiments.reading.scenario_files import anchored, merge, without_cases
from gridarium.experiments.results.result import Result
from gridarium.experiments.verification.checks import Check


@dataclass(frozen=True)
class GridTables:
    """One grid of one case.

    Parameters
    ----------
    name : str
        "" for the only grid of a world.
    section : mapping
        What the scenario says of it.
    period_h : float
        Length of a settlement period, h.
    tables : mapping of str to DataFrame
        Rows of this grid; of tables without a column `grid`, those of the case.
    """

    name: str
    section: Mapping[str, Any]
    period_h: float
    tables: Mapping[str, pd.DataFrame]
    money_rate: float = 1.0
    """Money of the world per money that the section states, where it states another currency."""

    def rows(self, table: str, **where: str) -> pd.DataFrame:
        """Return rows in which columns have these values; none where there is no such table."""
        found = self.tables.get(table, pd.DataFrame())
        for column, value in where.items():
            found = found[found[column] == value] if column in found else found.iloc[:0]
        return found

    def series(self, rows: pd.DataFrame, column: str) -> Array:
        """Return the sum of a column in each period, shape (n_period,)."""
        if rows.empty:
            return np.zeros(self.n_period)
        return sums(rows["period"].to_numpy(dtype=int), numbers(rows, column), self.n_period)

    @property
    def n_period(self) -> int:
        """How many periods the grid was stepped."""
        return 1 + int(self.tables["buses"]["period"].max())

    def full(self, agent: str) -> str:
        """Return the name that an agent of this grid has in the world."""
        return f"{self.name}/{agent}" if self.name else agent

    @property
    def place(self) -> str:
        """Return how a place in this grid begins."""
        return f"{self.name}, " if self.name else ""


def grids(run: Result, case: str) -> list[GridTables]:
    """Return each grid of a case that left a table of buses."""
    tree = resolved(run, case)
    of_case = {name: table[table["case"] == case] for name, table in run.tables.items()}
    names: list[str] = list(of_case["buses"]["grid"].unique()) if "buses" in of_case else []
    return [
        GridTables(
            str(name),
            sections(tree, str(name)),
            float(tree["period_h"]),
            {
                key: table[table["grid"] == name] if "grid" in table else table
                for key, table in of_case.items()
            },
            _money_rate(tree, str(name)),
        )
        for name in names
    ]


def _money_rate(tree: Tree, grid: str) -> float:
    own = sections(tree, grid).get("currency")
    return 1.0 if own in (None, tree["currency"]) else float(tree["exchange_rates"][own])


def resolved(run: Result, case: str) -> Tree:
    """Return the scenario of a case, with all that the cases have in common; its files by full paths."""
    tree = anchored(run.scenario, Path.cwd() if run.path is None else run.path.absolute())
    return merge(without_cases(tree), tree.get("cases", {}).get(case, {}))


def sections(tree: Tree, grid: str) -> Mapping[str, Any]:
    """Return what a scenario says of a grid."""
    found: Mapping[str, Any] = tree["grids"][grid] if grid else tree
    return found


def scope_of(account: str) -> str:
    """Return the grid that an account belongs to; "" in a world of one grid."""
    return str(account).rpartition("/")[0]


def numbers(table: pd.DataFrame, column: str) -> Array:
    """Return a column as numbers."""
    return np.asarray(table[column].to_numpy(dtype=float))


def sums(period: np.ndarray[Any, Any], values: Array, n_period: int) -> Array:
    """Return the sum of values by period, shape (n_period,)."""
    return np.bincount(period, weights=values, minlength=n_period).astype(float)


def wide(table: pd.DataFrame, column: str, n_period: int) -> Array:
    """Return a column of a table that lists one item after the other, shape (n_item, n_period)."""
    return numbers(table, column).reshape(-1, n_period)


@dataclass
class Worst:
    """The largest of many differences, and where it is.

    Parameters
    ----------
    tolerance : float
        Up to which there is none.
    unit : str
    """

    tolerance: float
    unit: str
    count: int = field(default=0, init=False)
    value: float = field(default=0.0, init=False)
    place: str = field(default="", init=False)

    def add(self, off: Array, where: Callable[..., str], scale: float = 1.0) -> None:
        """Take differences, relative to a scale; what is no number is as far off as can be."""
        if off.size == 0:
            return
        found = np.where(np.isnan(off), np.inf, np.abs(off)) / scale
        at = np.unravel_index(int(found.argmax()), found.shape)
        self.count += found.size
        if found[at] > self.value:
            self.value, self.place = float(found[at]), where(*(int(index) for index in at))

    def checks(self, case: str, subject: str, what: str) -> Iterator[Check]:
        """Yield the check, if anything was looked at."""
        if not self.count:
            return
        passed = self.value <= self.tolerance
        at = f" at {self.place}" if self.place else ""
        size = f"{self.value:.3g} {self.unit}".strip()
        said = f"{what}: {self.count:,} compared, at most {size} apart{at}"
        yield Check(case, subject, passed, said if passed else f"{said}, allowed {self.tolerance:g}")
