"""The papers' statements, judged by a run; one table of claims for each model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from gridarium.experiments.claim_kinds import Evidence, Summary
from gridarium.experiments.models import MODELS
from gridarium.experiments.records import Certificate, Claim
from gridarium.experiments.scenario import Study


def judge(
    study: Study, summary: Summary, tables: Mapping[str, pd.DataFrame], certificates: Sequence[Certificate]
) -> list[Claim]:
    """Verdicts on every claim of the models that a study runs."""
    evidence = Evidence(study, summary, tables, certificates)
    models = dict.fromkeys(case.model for case in study.cases.values())
    return [claim(evidence) for model in models for claim in MODELS[model].claims]
