"""Which places are drawn, and which of those that change something leave every stated result right."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

from sabotage.executed import places
from sabotage.places import Place, told
from sabotage.worlds import RUNS

LOST_EVERY = 20
"""One draw of so many loses a message."""
MESSAGES = {"bargaining": 700, "ries": 40, "adcef": 60, "net-zero": 1500, "green-vpp": 60, "one-world": 1000}
"""Numbers of messages from which one is drawn, of runs in which there are some more."""


def drawn(count: int, seed: int) -> list[tuple[Place, str]]:
    """Some different places, each with the cheapest run that executes it; all runs are equally likely."""
    random_ = random.Random(seed)
    by_run: dict[str, list[tuple[Place, str]]] = {run: [] for run in RUNS}
    for place, run in sorted(places()):
        by_run[run].append((place, run))
    chosen: dict[tuple[Place, str], None] = {}
    while len(chosen) < count:
        if len(chosen) % LOST_EVERY == LOST_EVERY - 1:
            run = random_.choice(sorted(MESSAGES))
            number = random_.randrange(MESSAGES[run])
            text = f"message {number}"
            chosen[
                Place("environment/message_bus.py", "MessageBus._deliver", number, "lost", 0, text), run
            ] = None
        else:
            place, run = random_.choice(by_run[random_.choice(list(RUNS))])
            chosen[told(place), run] = None
    assert {run for _, run in chosen} <= set(RUNS)
    return list(chosen)


_EXPECTED = (
    "how much an operator expects a pool to trade is its own guess, which the model leaves open and no table "
    "tells; what it plans with that is held against the best plan, and what is traded against meters"
)
_ORDER = (
    "the same coalitions are valued in another order, all complements of all; a game that lacks one fails "
    "the certificate of its coalitions"
)
EXCLUDED: Mapping[tuple[str, str, str], str] = {
    (
        "agents/system/pool_outlook.py",
        "PoolOutlook.learn",
        "1.0 - self._memory",
    ): "weight by which an operator smooths its own expectation of a pool: any in [0, 1] is an expectation",
    ("agents/system/pool_outlook.py", "PoolOutlook.learn", ""): _EXPECTED,
    ("agents/system/pool_outlook.py", "PoolOutlook.volumes_mw", ""): _EXPECTED,
    ("agents/system/pool_outlook.py", "PoolOutlook._outlook", ""): _EXPECTED,
    ("agents/storage/pool_books.py", "PoolBooks.open", "membership(len(told)) > 0.0"): _ORDER,
    ("agents/storage/pool_books.py", "PoolBooks.open", "len(told) <= MOST_TABULATED"): _ORDER,
    ("agents/feeder/acceleration.py", "Acceleration.step", ""): (
        "by which step a price goes on from round to round: whether it came to rest is told in its distance "
        "from the tariff, which is reckoned by another formula, and whoever answers it is judged by itself"
    ),
    ("agents/feeder/acceleration.py", "Acceleration.__init__", ""): "the same",
    (
        "agents/transmission/divided.py",
        "divided_grid",
        "grid.import_limit_mw / parts",
    ): (
        "a limit that no plan of the run comes near: an interior point ends elsewhere in its tolerance; "
        "where it binds, a plan is no best one by the reference"
    ),
    ("agents/problems/storage.py", "declare_storages", "one.band_mwh[1] - low[name]"): (
        "the same of the room of a storage: where it binds, a plan leaves its limits or is no best one"
    ),
    ("environment/network.py", "tree_layout", ""): "where a map draws a bus that has no coordinates",
    (
        "agents/prosumers/supply_sharing.py",
        "share_by_value",
        "1.0 - c.loss",
    ): "upper end at which the search for the value of a supply begins: any above the value leads to it",
    (
        "agents/prosumers/supply_sharing.py",
        "share_by_value",
        "max(weight, 0.02)",
    ): "how far a step of the search for the value of a supply goes at least: all lead to it",
    (
        "market/carbon_price.py",
        "GameFactor.of",
        "round_ - self.turning_round",
    ): "where it is not seen: the factor of the round before, in rounds that go on until it has come up",
}
"""Reasons, by file, function and expression, for which an alteration leaves every stated result right; where
there is no expression, for any of the function."""


def excluded(one: Mapping[str, Any]) -> str:
    """The reason for which an alteration leaves every stated result right; empty for none."""
    place = one["path"], one["function"]
    return EXCLUDED.get((*place, one["text"]), EXCLUDED.get((*place, ""), ""))
