"""A day of two virtual power plants, played once for all who look at what it leaves."""

from __future__ import annotations

from pathlib import Path

import pytest

from gridarium.experiments.evidence.grid_evidence import GridEvidence, evidence_of
from gridarium.experiments.evidence.tables import collect
from gridarium.experiments.running.world_build import build
from gridarium.experiments.scenario import load_scenario

SCENARIO = Path(__file__).parents[2] / "support" / "two-plants.yaml"


@pytest.fixture(scope="session")
def two_plants() -> GridEvidence:
    """What is known of a grid on which two plants compete, once its day is over."""
    built = build(load_scenario(SCENARIO).cases["base"])
    while built.world.running:
        built.world.step()
    tables = collect("base", built.world, built.sections)
    return evidence_of("base", built.world.grid, built.sections, tables)
