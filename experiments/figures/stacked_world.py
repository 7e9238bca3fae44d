"""What a run left of a world of several grids: its tree, who stands there, what passed the seams."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pandas as pd

from gridarium.experiments.names.formatting import split_unit
from gridarium.experiments.reading.plain_yaml import Tree
from gridarium.experiments.results.outcomes import copies_of, trees_of
from gridarium.experiments.results.result import Result
from gridarium.market.accounts import REAL_TIME_MARKET, UPSTREAM

_NO_AGENTS = frozenset({"counterparty", "follower", "head", "grid_below"})
"""Kinds of rows that are about no agent, or about one under another name."""
_NOISE_TCO2 = 1e-6
OUTSIDE = ""
"""Stands above a grid that hangs on none."""


@dataclass(frozen=True)
class Seam:
    """What passed between a grid and what stands above it, over the whole run and for all replicas there.

    Parameters
    ----------
    import_mwh, export_mwh : float
        Taken from above, and fed back.
    carbon_tco2 : float
        Taken; negative where fed back.
    money : float
        Paid upward, all purposes together; negative where received.
    signals, answers : int
        Messages downward and upward, of one of the replicas.
    """

    import_mwh: float
    export_mwh: float
    carbon_tco2: float
    money: float
    signals: int
    answers: int


@dataclass(frozen=True)
class GridNode:
    """One grid of a world.

    Parameters
    ----------
    name, above : str
        Its name and that of the grid above; `OUTSIDE` where there is none.
    replicas, copies : int
        How many there are behind its place, and in the world.
    kinds : mapping of str to int
        How many agents of which kind stand on it, as a reader knows the kind.
    messages : int
        Among its own agents.
    own_tco2 : float
        Emission of its own units, net of capture, of one of it.
    seam : Seam
    """

    name: str
    above: str
    replicas: int
    copies: int
    kinds: Mapping[str, int]
    messages: int
    own_tco2: float
    seam: Seam


def nodes_of(result: Result, case: str) -> list[GridNode]:
    """The grids of a case, those above first; none for a world of one grid, or without a log of messages."""
    tree = trees_of(result)[case]
    grids, copies = tree.get("grids", {}), copies_of(tree)
    if len(grids) < 2 or "messages" not in result.tables:
        return []
    tables = {name: rows[rows["case"] == case] for name, rows in result.tables.items()}
    period_h = float(tree["period_h"])
    sent = tables["messages"]
    between = Counter(zip(scopes(sent["sender"]), scopes(sent["recipient"]), strict=True))
    kinds = kinds_by_agent(tables)
    found = []
    for name in grids_from_roots(tree):
        above = grids[name].get("under") or OUTSIDE
        replicas = int(grids[name].get("replicas", 1))
        seam = _seam(tables, name, above, replicas, period_h, between)
        own = Counter(kind for (grid, _), kind in kinds.items() if grid == name)
        carbon = _own_tco2(tables, name, period_h)
        found.append(GridNode(name, above, replicas, copies[name], own, between[name, name], carbon, seam))
    return found


def grids_from_roots(tree: Tree) -> list[str]:
    """Names of the grids of a resolved case, those above first; "" is that of a grid alone."""
    grids = tree.get("grids") or {"": {}}
    return sorted(grids, key=lambda one: _depth(grids, one))


def scopes(names: pd.Series[str]) -> list[str]:
    """The grid in the name of each agent, "" for what has none."""
    return [name.rpartition("/")[0] for name in names.astype(str)]


def kinds_by_agent(tables: Mapping[str, pd.DataFrame]) -> dict[tuple[str, str], str]:
    """The kind of everybody who sends or hears messages, by grid and name in it; its name if none is told."""
    messages = tables["messages"]
    names = dict.fromkeys([*messages["sender"].astype(str), *messages["recipient"].astype(str)])
    told: dict[tuple[str, str], str] = {}
    for rows in tables.values():
        if {"grid", "agent", "kind"} <= set(rows.columns):
            for one in rows[["grid", "agent", "kind"]].drop_duplicates().itertuples(index=False):
                if one.kind not in _NO_AGENTS:
                    told.setdefault((str(one.grid), str(one.agent)), str(one.kind))
    return {(grid, own): split_unit(told.get((grid, own), own))[0] for grid, _, own in _parted(names)}


def _parted(names: Mapping[str, None]) -> Iterator[tuple[str, str, str]]:
    yield from (name.rpartition("/") for name in names)


def _depth(grids: Mapping[str, Mapping[str, object]], name: str) -> int:
    above = grids[name].get("under")
    return 0 if above is None else 1 + _depth(grids, str(above))


def _seam(
    tables: Mapping[str, pd.DataFrame],
    name: str,
    above: str,
    replicas: int,
    period_h: float,
    between: Counter[tuple[str, str]],
) -> Seam:
    heads = tables.get("heads", pd.DataFrame(columns=["grid", "p_metered_mw", "carbon_t_per_h"]))
    rows = heads[heads["grid"] == name]
    weight = replicas * period_h
    return Seam(
        weight * float(rows["p_metered_mw"].clip(lower=0.0).sum()),
        weight * float((-rows["p_metered_mw"]).clip(lower=0.0).sum()),
        weight * float(rows["carbon_t_per_h"].sum()),
        _paid_up(tables["ledger"], name, above),
        between[above, name] if above else 0,
        between[name, above] if above else 0,
    )


def _paid_up(ledger: pd.DataFrame, name: str, above: str) -> float:
    """What accounts of a grid, its replicas included, paid to those above, or to the market at its head."""
    if not above:
        markets = [f"{name}/{market}" for market in (UPSTREAM, REAL_TIME_MARKET)]
        return float(ledger.loc[ledger["account"].isin(markets), "amount_money"].sum())
    own = pd.Series(scopes(ledger["account"]), ledger.index) == name
    upward = pd.Series(scopes(ledger["counterparty"]), ledger.index) == above
    return -float(ledger.loc[own & upward, "amount_money"].sum())


def _own_tco2(tables: Mapping[str, pd.DataFrame], name: str, period_h: float) -> float:
    units = tables.get("units")
    if units is None:
        return 0.0
    rows = units[units["grid"] == name]
    net = rows["emission_gross_tco2_per_h"] - rows["absorbed_tco2_per_h"].fillna(0.0)
    emitted = period_h * float(net.sum())
    return emitted if abs(emitted) >= _NOISE_TCO2 else 0.0
