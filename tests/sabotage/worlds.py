"""Short runs of each model, alone and stacked, cheapest first; in each of them sabotage is tried."""

from __future__ import annotations

from typing import NamedTuple

from gridarium.experiments.scenario import load_scenario
from gridarium.experiments.schema.scenario import Scenario


class ShortRun(NamedTuple):
    """A case of a shipped scenario, shortened by settings."""

    scenario: str
    case: str
    settings: tuple[str, ...] = ()
    closer: tuple[str, ...] = ()
    """Settings by which its rounds come ten times as near to rest: what that changes, the run leaves open."""
    aside: tuple[str, ...] = ()
    """Settings that each move a limit that nothing comes near: of plans that are equally good another one is
    found, and what that changes, the run leaves open."""

    def load(self, *others: str) -> Scenario:
        """Its scenario, with other settings beside its own."""
        return load_scenario(self.scenario, [*self.settings, *others]).cases[self.case]


RUNS = {
    "bargaining": ShortRun("net-zero-bargaining", "declared-nash-log", ("horizon_h=9",)),
    "ries": ShortRun(
        "ries-small",
        "full",
        ("horizon_h=4", "period_h=1.0"),
        ("grids.bulk.ties.rounds.tolerance=1e-5", "grids.bulk.ties.rounds.round_limit=300"),
    ),
    "adcef": ShortRun("adcef-small", "adcef", ("horizon_h=6",)),
    "net-zero": ShortRun(
        "net-zero",
        "shared-storage",
        ("horizon_h=9",),
        aside=tuple(
            f"real_time_market.import_limit_mw={limit}" for limit in (600, 700, 1000, 2000, 5000, 20000)
        ),
    ),
    "green-vpp": ShortRun("green-vpp-small", "scenario-2", ("horizon_h=6",)),
    "pool": ShortRun("shared-storage-formation", "exact", ("horizon_h=24",)),
    "one-world": ShortRun(
        "one-world-small",
        "all-on",
        ("horizon_h=3",),
        ("grids.bulk.ties.rounds.tolerance=1e-4", "grids.bulk.ties.rounds.round_limit=300"),
    ),
}
"""All five models and the stack."""
