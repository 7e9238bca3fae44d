"""The description of a scenario after the ODD protocol: overview, design concepts, details."""

from __future__ import annotations

from gridarium.environment.errors import Fault, ScenarioError
from gridarium.experiments.description.concepts import concepts
from gridarium.experiments.description.details import initialisation, input_data, submodels
from gridarium.experiments.description.markdown import code, heading
from gridarium.experiments.description.overview import entities, processes, purpose
from gridarium.experiments.description.subject import Subject, subject_of
from gridarium.experiments.results.records import Progress
from gridarium.experiments.scenario import Study


def describe(study: Study, case: str | None = None, progress: Progress | None = None) -> str:
    """Describe a scenario; nothing is run.

    Parameters
    ----------
    study : Study
    case : str, optional
        The case that is described; of others is told how they differ. The first by default.
    progress : callable, optional
        Called with the share done and what is being looked at.

    Returns
    -------
    str
        Markdown.

    Raises
    ------
    InputError
        If there is no such case, or a world cannot be built.

    Notes
    -----
    The order is that of the ODD protocol [1]_.

    References
    ----------
    .. [1] V. Grimm et al., 2020, doi:10.18564/jasss.4259
    """
    chosen = next(iter(study.cases)) if case is None else case
    if chosen not in study.cases:
        known = ", ".join(study.cases)
        raise ScenarioError(study.source, [Fault("--case", chosen, f"must be one of {known}")])
    subject = subject_of(study, chosen, progress)
    sections = (purpose, entities, processes, concepts, initialisation, input_data, submodels)
    return "\n".join([_head(subject), *(section(subject) for section in sections)])


def _head(subject: Subject) -> str:
    said = (
        f"After the ODD protocol (Grimm et al. 2020, doi:10.18564/jasss.4259), generated from the scenario "
        f"{code(subject.study.source)}, case {code(subject.case)}, and from the code that its agents run."
    )
    return f"{heading(subject.study.title, 1)}\n{said}\n"
