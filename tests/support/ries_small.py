"""Finished days of the small scenario of model D, in hours, and what is known of them."""

from __future__ import annotations

from functools import cache

from gridarium.experiments.evidence.grid_evidence import GridEvidence, evidence_of
from gridarium.experiments.evidence.tables import collect
from gridarium.experiments.running.case_run import _play
from gridarium.experiments.running.world_build import build
from gridarium.experiments.scenario import load_scenario

NIGHT = ("horizon_h=8", "grids.bulk.ties.own_carbon.quota_tco2=300")
"""The first hours of the day alone, in a fourth of the time; as over a day, more is emitted than is free."""


@cache
def known_of(case: str, *settings: str) -> GridEvidence:
    """What is known of the bulk grid after a day of a case; everybody shares it, so nobody may change it."""
    built = build(load_scenario("ries-small", ["period_h=1.0", *settings]).cases[case])
    built.world.bus.record = True
    _play(built)
    grid = next(one for one in built.world.grids if one.name == "bulk")
    return evidence_of(case, grid, built.sections, collect(case, built.world, built.sections))


def known_of_night(case: str, *settings: str) -> GridEvidence:
    """What is known of the bulk grid after the first hours of a day."""
    return known_of(case, *NIGHT, *settings)
