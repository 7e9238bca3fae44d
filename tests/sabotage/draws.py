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


_ORDER = (
    "the same coalitions are valued in another order, all complements of all; a game that lacks one fails "
    "the certificate of its coalitions"
)
_PATH = (
    "by which step a price goes on from round to round: whether it came to rest is told in its distance "
    "from the tariff, which is reckoned by another formula, and whoever answers it is judged by itself"
)
_WEIGHT = (
    "by how much a supplier's step of exchange rounds weighs what it has heard: any weight above 0 has the "
    "same rest; how far from it rounds ended is reckoned from answers, prices and the penalties told, and "
    "the price is held against the cost of another load"
)
_LIMIT = (
    "a limit that no plan of the run comes near: an interior point ends elsewhere in its tolerance; where it "
    "binds, a plan leaves its limits or is no best one by the reference"
)
_PROVEN = (
    "when a search that proves a bound goes on: what it has proven by then is a bound as well, and how far a "
    "plan may be from it has a certificate"
)
_BOUND = (
    "a bound is found to a ten-thousandth of itself, as it says: with a hundredth less of the little that is "
    "spent it is still a bound, and moves by less than that"
)
_SEARCH = (
    "where the search for the value of a supply begins, or how far it goes at a time: all ways lead to it "
    "within the thousandth of the supply to which shares are found, which their certificate asks for"
)
_NEAR = (
    "derivatives and stops that steer the search of a plan near the one before, which goes only where an "
    "exact replay gains and limits hold: how far what it ends with is from a best response is certified by "
    "dynamic programming over energy and green share"
)
EXCLUDED: Mapping[tuple[str, str], tuple[str, frozenset[str]]] = {
    ("agents/storage/pool_books.py", "PoolBooks.open"): (
        _ORDER,
        frozenset({"membership(len(told)) > 0.0", "len(told) <= MOST_TABULATED"}),
    ),
    ("agents/feeder/acceleration.py", "Acceleration.step"): (
        _PATH,
        frozenset(
            {
                "STEP_CAP * heard.distance_per_mwh",
                "damped - mixed.reshape(damped.shape)",
                "heard.called_for - heard.posted",
                "heard.posted + (step if longest <= most else most / longest * step)",
                "heard.posted + damped",
                "longest <= most",
                "most / longest",
                "most / longest * step",
                "one.called_for - one.posted",
                "posted + self._damping * distances",
                "self._damping * distance",
                "self._damping * distances",
            }
        ),
    ),
    ("agents/feeder/acceleration.py", "Acceleration.__init__"): (
        "how many rounds a step of a price is drawn from: see the step",
        frozenset({"memory + 1"}),
    ),
    ("market/admm_rounds.py", "Posted.supply_penalty_per_mw2h"): (
        _WEIGHT,
        frozenset({"1.0 / self.penalty_per_mw2h", "1.0 / float((1.0 / self.penalty_per_mw2h).sum())"}),
    ),
    ("agents/solving/weighted_part.py", "by_weight"): (
        _WEIGHT,
        frozenset({"factor: at[number][field] - at[0.0][field]"}),
    ),
    ("agents/transmission/divided.py", "divided_grid"): (
        _LIMIT,
        frozenset({"factor: grid.import_limit_mw / parts"}),
    ),
    ("agents/problems/storage.py", "declare_storages"): (
        _LIMIT,
        frozenset({"factor: one.band_mwh[1] - low[name]"}),
    ),
    ("agents/problems/thermal_unit.py", "ramp_limits"): (_LIMIT, frozenset({"sign: lowest - down"})),
    ("agents/vpp/green_near.py", "NearSearch.improved"): (_NEAR, frozenset({"gained <= enough"})),
    ("agents/vpp/green_near.py", "NearSearch._labelled"): (_NEAR, frozenset({"high_left < 0.0"})),
    ("agents/vpp/green_slopes.py", "reward_slopes"): (
        _NEAR,
        frozenset({"1.0 - 2.0 * np.divide(green, room, out=np.ones_like(green), where=room > 0.0)"}),
    ),
    ("agents/vpp/green_slopes.py", "_slopes"): (
        _NEAR,
        frozenset({"of_energy * hours", "of_green * hours / out"}),
    ),
    ("agents/prosumers/supply_sharing.py", "share_by_value"): (
        _SEARCH,
        frozenset(
            {
                "1.0 - c.loss",
                "factor: low - high",
                "factor: min(max(weight, 0.02), 0.98) * (low - high)",
                "bound: min(max(weight, 0.02), 0.98)",
                "max(weight, 0.02)",
                "stale: high + min(max(weight, 0.02), 0.98) * (low - high)",
            }
        ),
    ),
    ("agents/vpp/green_dispatch.py", "dispatch_by_shares"): (
        _PROVEN,
        frozenset({"comparison: bound >= most"}),
    ),
    ("market/matching.py", "pool_welfare"): (_BOUND, frozenset({"factor: pool.cost_per_mwh * sent"})),
    ("market/carbon_price.py", "GameFactor.of"): (
        "where it is not seen: the factor of the round before, in rounds that go on until it has come up",
        frozenset({"round_ - self.turning_round"}),
    ),
}
"""By file and function: why, and which expressions of it may be altered, in any way or in the one that stands
before them, with every stated result right."""


def excluded(one: Mapping[str, Any]) -> str:
    """The reason for which an alteration leaves every stated result right; empty for none."""
    reason, expressions = EXCLUDED.get((one["path"], one["function"]), ("", frozenset()))
    return reason if expressions & {one["text"], f"{one['kind']}: {one['text']}"} else ""
