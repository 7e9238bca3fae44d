"""The papers' statements, judged by a run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import pandas as pd

from gridarium.environment.errors import Fault, ScenarioError
from gridarium.experiments.claims.kinds import Evidence, Summary
from gridarium.experiments.claims.paper import Paper
from gridarium.experiments.records import Certificate, Claim
from gridarium.experiments.registry import load
from gridarium.experiments.scenario import Study


def judge(
    study: Study, summary: Summary, tables: Mapping[str, pd.DataFrame], certificates: Sequence[Certificate]
) -> list[Claim]:
    """Verdicts on every claim of the papers that the cases of a study name."""
    evidence = Evidence(study, summary, tables, certificates)
    named = dict.fromkeys(name for case in study.cases.values() for name in case.papers)
    return [claim(evidence) for paper in papers(named) for claim in paper.claims]


def papers(names: Iterable[str]) -> list[Paper]:
    """Papers by their names in scenarios.

    Raises
    ------
    ScenarioError
        If one of another package is no paper.
    """
    found = {name: load("papers", name) for name in names}
    others = {name: one for name, one in found.items() if not isinstance(one, Paper)}
    wrong = [
        Fault("papers", name, f"must be a Paper, is a {type(one).__name__}") for name, one in others.items()
    ]
    if wrong:
        raise ScenarioError("papers", wrong)
    return [one for one in found.values() if isinstance(one, Paper)]
