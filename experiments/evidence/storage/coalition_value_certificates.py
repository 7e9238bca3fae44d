"""Certificate of what coalitions of storages are worth, each against two dispatches of another programme."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from gridarium.agents.feeder.dso import Dso
from gridarium.environment.arrays import Flags
from gridarium.experiments.evidence.grid_evidence import GridEvidence, Tables
from gridarium.experiments.evidence.storage.coalition_games import by_pool
from gridarium.experiments.evidence.storage.coalition_reference import CoalitionReference
from gridarium.experiments.results.records import Reading

_LEAST_MONEY = 1e-4
_SOLVED = 1e-7
"""Share of the cost of a day to which dispatches are solved."""
_AGED_MWH = 1e-3
"""Of what members discharge, to which it is known: several dispatches cost the same, and age differently."""
_BURNT_PU = 1e-5
"""Squared current that no powers carry, from which on a cost is a bound alone."""
_MOST_DAYS, _MOST_DRAWN = 2, 8
"""Days, the last among them, and coalitions beside that of all, of the members, and of each alone."""


def values(known: GridEvidence) -> Iterator[Reading]:
    """What coalitions were told to be worth against a reference, on the last day and a drawn one."""
    for dso in known.of(Dso):
        if dso.pooled is None or dso.contract.storage_pool is None:
            continue
        tables = by_pool(known.tables)[known.grid.local(dso.contract.storage_pool.pool)]
        reference, apart, bounds, count = CoalitionReference(known, dso), [0.0], 0, 0
        largest = _LEAST_MONEY
        for number in _days(len(dso.days)):
            told = _told(tables, number, reference.names)
            day = dso.days[number]
            solved = _SOLVED * abs(reference.base_money(day)) + _AGED_MWH * reference.dearest_ageing_per_mwh
            largest = max(largest, solved)
            for key in _chosen(tables, told, number, reference.names):
                worth, burnt = reference.value(day, np.array(key, dtype=np.bool_))
                count += 1
                if burnt > _BURNT_PU:
                    bounds += 1
                else:
                    apart.append(abs(told[key] - worth))
        yield Reading(
            "value of the pool", max(apart), largest, "money", True,
            "largest difference of the value of a coalition and what two dispatches of another programme "
            "give for it, at ratings, loads, prices and what owners outside do (A7)",
            f"{count} coalitions of {len(_days(len(dso.days)))} days; {bounds} of them not compared, as no "
            f"power flow is as cheap as the programme; in {reference.moved} others had to be moved",
        )  # fmt: skip


Key = tuple[bool, ...]


def _days(n_day: int) -> list[int]:
    """Some days by the same draw each time, the last among them."""
    others = np.random.default_rng(n_day).permutation(n_day - 1)[: _MOST_DAYS - 1]
    return [*sorted(others.tolist()), n_day - 1]


def _told(tables: Tables, number: int, names: tuple[str, ...]) -> dict[Key, float]:
    """Values of the game of a day by who is inside."""
    days, rows = tables["pool_days"], tables["coalitions"]
    game = days.loc[days["day"] == number, "game"].iloc[0]
    own = rows[rows["game"] == game]
    return {
        tuple(name in str(members).split("+") for name in names): float(money)
        for members, money in zip(own["coalition"], own["value_money"], strict=True)
    }


def _chosen(tables: Tables, told: dict[Key, float], number: int, names: tuple[str, ...]) -> list[Key]:
    """Everybody, the members, each alone and some drawn, of those of which a value was told."""
    owners: pd.DataFrame = tables["storage_pool"]
    inside = set(owners.loc[(owners["day"] == number) & (owners["member"] > 0.0), "agent"])
    alone: Flags = np.eye(len(names), dtype=np.bool_)
    wanted = [(True,) * len(names), tuple(name in inside for name in names), *map(tuple, alone.tolist())]
    drawn = np.random.default_rng(number).permutation(len(told))[:_MOST_DRAWN]
    keys = list(told)
    wanted += [keys[place] for place in drawn.tolist()]
    return [key for key in dict.fromkeys(wanted) if key in told]
