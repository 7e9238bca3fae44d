"""The model of a study, made once in a process."""

from __future__ import annotations

from functools import lru_cache

from gridarium.experiments.sweeps.job_models import FunctionModel, JobModel
from gridarium.experiments.sweeps.study_schema import StudyFile


@lru_cache(maxsize=1)
def model_of(setup: str) -> JobModel:
    """Return the model of a resolved study, given as JSON; made once in a process.

    Raises
    ------
    ScenarioError
        If it cannot be made here, though it could where the study was checked.
    """
    file = StudyFile.model_validate_json(setup)
    if file.function is not None:
        return FunctionModel(file)
    # What a scenario is made of takes a worker that calls a function longer to import than all the rest.
    from gridarium.experiments.sweeps.scenario_model import ScenarioModel

    return ScenarioModel(file)
