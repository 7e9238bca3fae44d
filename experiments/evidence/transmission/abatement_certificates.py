"""Certificates of what responses avoid: values of coalitions by a programme of their own (D17 to D19)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gridarium.agents.transmission.ties import Ties
from gridarium.agents.transmission.ties_day import TiesDay
from gridarium.environment.arrays import Array, Flags
from gridarium.environment.errors import SolveError
from gridarium.experiments.evidence.grid_evidence import GridEvidence, rows_of
from gridarium.experiments.evidence.plans.dispatch_program import DispatchProgram
from gridarium.experiments.evidence.plans.system_reading import day_on_one_bus
from gridarium.experiments.evidence.shares import LEAST_TCO2, share_of
from gridarium.experiments.parts.carbon_policy import CARBON_POLICY
from gridarium.experiments.results.records import Reading

_ROUNDS = 20
"""Of tangents, after which units are as near to the best dispatch as it takes."""
_MOST_FOLLOWERS = 6
"""Whose own values are worked out anew: the first ones, where there are more."""
_APART = 1e-3
"""Of what all responses avoid together: what tangents leave open."""


def abatement(known: GridEvidence) -> Iterator[Reading]:
    """What a TIES says that responses avoid, alone and all together, on each day."""
    if CARBON_POLICY.of(known.scenario).scheme != "full":
        return
    told, worst = rows_of(known.tables, "abatement", "follower"), list[float]()
    for ties in known.of(Ties):
        for day in ties.days:
            rows = told[told["day"] == day.number].set_index("agent")
            alone_told = rows["alone_tco2"].to_dict()
            names = [known.grid.local(name) for name in day.followers]
            own = _values(known, ties, day)
            if own is None or day.forced:
                continue
            together, alone = own
            apart = [abs(float(rows["shapley_tco2"].sum()) - together)]
            for name, value in zip(names, alone, strict=False):
                apart.append(abs(alone_told[name] - value))
            worst.append(share_of(max(apart), max(abs(together), *map(abs, alone)), LEAST_TCO2))
    if worst:
        yield Reading(
            "abatement told", max(worst), _APART, "", False,
            "largest difference of what responses of all followers together, and of one alone, are said to "
            "avoid on a day and emission at base loads less that with them, each by a dispatch on one bus of "
            "its own with the units that run, relative to the largest of them (D17)",
        )  # fmt: skip


def _values(known: GridEvidence, ties: Ties, day: TiesDay) -> tuple[float, list[float]] | None:
    """What all avoid together, and each of the first alone, tCO2; None where units cannot supply a load."""
    n = len(day.base_mw)
    response = np.array([day.planned_mw[name] for name in day.base_mw]) - day.base
    members = [np.zeros(n, dtype=bool), np.ones(n, dtype=bool)]
    members += [np.arange(n) == row for row in range(min(n, _MOST_FOLLOWERS))]
    try:
        base, *others = (_emission_tco2(known, ties, day, response, one) for one in members)
    except SolveError:
        return None
    return base - others[0], [base - other for other in others[1:]]


def _emission_tco2(
    known: GridEvidence, ties: Ties, day: TiesDay, response_mw: Array, members: Flags
) -> float:
    load = day.base.sum(axis=0) + response_mw[members].sum(axis=0)
    factor = day.horizon.fit(day.terms.factor_tco2_per_mwh)
    return DispatchProgram(day_on_one_bus(known, ties, day, load)).least_emission_tco2(factor, _ROUNDS)
