"""Certificate of the pulls that an operator parts among plants in exchange rounds of its supplier."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from gridarium.agents.distribution.distribution_operator import DistributionOperator
from gridarium.agents.distribution.operator_day import OperatorDay
from gridarium.environment.arrays import Array
from gridarium.experiments.evidence.grid_evidence import GridEvidence, rows_of
from gridarium.experiments.parts.vpp_section import plants_of
from gridarium.experiments.results.records import Reading

_SAME_MW = 1e-6
_OF_CHANGES = 3.0
"""How far plans that went on after pulls were told may move a target, in changes of those rounds."""


def pulls(known: GridEvidence) -> Iterator[Reading]:
    """Targets and weights by which plants were pulled last, by the pull of the head and plans at rest."""
    told = known.tables.get("vpp_regions")
    if told is None or "pull_target_mw" not in told:
        return
    found = [
        (_off(known, operator, day, told), _moved_mw(known, day.number))
        for operator in known.of(DistributionOperator)
        for day in operator.days
        if day.terms.pull is not None
    ]
    if found:
        yield Reading(
            "pulls of plants", max(max(0.0, off - _OF_CHANGES * moved) for off, moved in found), _SAME_MW,
            "MW", False,
            "largest difference of the target of a plant in a region, and its plan with an equal part of "
            "what the head's target is away from the flow of all plans, beyond what plans moved last; and of "
            "the weight, and that of the head as often as there are plants and regions",
        )  # fmt: skip


def _off(known: GridEvidence, operator: DistributionOperator, day: OperatorDay, told: pd.DataFrame) -> float:
    """Largest difference of a target, MW, or of a weight, money/(MW^2 h)."""
    pull, over = day.terms.pull, operator.horizon.by_period
    assert pull is not None
    periods = operator.horizon.periods(day.number)
    own = told[told["period"].between(periods.start, periods.stop - 1) & told["pull_target_mw"].notna()]
    movers = len(own[["agent", "region"]].drop_duplicates())
    if not movers:
        return 0.0
    target = over(operator.horizon.fit(np.asarray(pull.target_mw))) / known.grid.replicas
    part = (target - over(operator.head_plan_mw(day.number))) / movers
    net = _values(own, "load_mw") + _values(own, "charge_plan_mw") - _values(own, "discharge_plan_mw")
    due = net + part[own["period"].to_numpy(dtype=int) - periods.start]
    weight = np.abs(_values(own, "pull_per_mw2h") - movers * pull.per_mw2h)
    return max(float(np.abs(_values(own, "pull_target_mw") - due).max()), float(weight.max()))


def _moved_mw(known: GridEvidence, day: int) -> float:
    """What plans moved in the last rounds of a day, in which each plant was asked once more, MW."""
    rounds = rows_of(known.tables, "rounds", "distribution_operator")
    own = rounds[rounds["day"] == day].sort_values("round")
    return float(own["load_change_mw"].tail(len(plants_of(known.scenario)) + 1).sum())


def _values(rows: pd.DataFrame, name: str) -> Array:
    return np.asarray(rows[name].to_numpy(dtype=float))
