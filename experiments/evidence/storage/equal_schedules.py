"""What is left open where owners of storages are indifferent: outcomes of schedules worth the same."""

from __future__ import annotations

from collections.abc import Iterator
from typing import get_args

import pandas as pd

from gridarium.agents.feeder.dso import Dso
from gridarium.agents.storage.schedules import Ties
from gridarium.agents.storage.storage_owner import StorageOwner
from gridarium.experiments.evidence.grid_evidence import GridEvidence


def equal_schedules_table(known: GridEvidence) -> pd.DataFrame:
    """The last day of each operator, planned anew with every rule by which owners may break ties.

    All of a feeder's owners follow one rule against the final tariff, loads are those that came of it; so the
    rows are points of a range, and not its ends.
    """
    rows = [row for dso in known.of(Dso) if dso.today.owners_mw for row in _outcomes(known, dso)]
    return pd.DataFrame(rows)


def _outcomes(known: GridEvidence, dso: Dso) -> Iterator[dict[str, object]]:
    today, hours = dso.today, dso.horizon.step_h
    owners = {owner.name: owner for owner in known.of(StorageOwner)}
    for rule in get_args(Ties):
        plans = {
            name: owners[name].schedule(today.traded_price_per_mwh, today.baselines[name].e_mwh, rule)
            for name in today.owners_mw
        }
        wanted = {name: plan.net_mw for name, plan in plans.items()}
        planned, moved_mwh = dso.plan_with(wanted)
        supply = planned.situation.supply
        yield {
            "grid": known.grid.name,
            "rule": rule,
            "earnings_money": sum(plan.earnings_money for plan in plans.values()),
            "cost_money": planned.dispatch.cost_money,
            "emission_tco2": float(supply.emission_t_per_h.sum()) * hours,
            "renewable_used_mwh": float(supply.renewable_mw.sum()) * hours,
            "redispatched_mwh": moved_mwh,
        }
