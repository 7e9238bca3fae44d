"""Scenarios, runs, certificates, claims, figures, reports and the command line."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if __name__ != "gridarium.experiments":
    raise ImportError("import gridarium.experiments, not experiments")

if TYPE_CHECKING:
    from gridarium.experiments.running.runner import run
    from gridarium.experiments.scenario import load_scenario
    from gridarium.experiments.sweeps.study import load_study
    from gridarium.experiments.sweeps.sweeper import sweep

__all__ = ["load_scenario", "load_study", "run", "sweep"]

_HOMES = {
    "load_scenario": "gridarium.experiments.scenario",
    "load_study": "gridarium.experiments.sweeps.study",
    "run": "gridarium.experiments.running.runner",
    "sweep": "gridarium.experiments.sweeps.sweeper",
}


def __getattr__(name: str) -> object:
    """Import what is asked for only then: the command line's help needs none of it."""
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
