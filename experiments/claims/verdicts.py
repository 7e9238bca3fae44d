"""The papers' statements, judged by a run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import pandas as pd

from gridarium.environment.errors import Fault, ScenarioError
from gridarium.experiments.claims.kinds import Evidence, Summary, unjudged
from gridarium.experiments.claims.paper import Paper
from gridarium.experiments.names.registry import load
from gridarium.experiments.results.records import Certificate, Claim
from gridarium.experiments.scenario import Study


def judge(
    study: Study, summary: Summary, tables: Mapping[str, pd.DataFrame], certificates: Sequence[Certificate]
) -> list[Claim]:
    """Verdicts on every claim of the papers that the cases of a study name."""
    evidence = Evidence(study, summary, tables, certificates)
    named = dict.fromkeys(name for case in study.cases.values() for name in case.papers)
    return [_judged(paper, claim, evidence) for paper in papers(named) for claim in paper.claims]


def _judged(paper: Paper, claim: Callable[[Evidence], Claim], evidence: Evidence) -> Claim:
    """The verdict of a claim; one that fails by itself goes by the name of what judges it."""
    try:
        return claim(evidence)
    # As in `directional`: it costs no other claim.
    except Exception as error:  # noqa: BLE001
        name = getattr(claim, "__name__", "claim").strip("_")
        statement = name.replace("_", " ")
        return Claim(name, paper.title, statement, "direction", "", None, "not comparable", unjudged(error))


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
