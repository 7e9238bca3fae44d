"""What is described: one case of a scenario, its world as built, and who lives in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gridarium.experiments.claims.paper import Paper
from gridarium.experiments.claims.verdicts import papers
from gridarium.experiments.description.entities import Kind, kinds_of, with_others
from gridarium.experiments.results.records import Progress
from gridarium.experiments.running.world_build import BuiltWorld, build
from gridarium.experiments.scenario import Study
from gridarium.experiments.schema.scenario import Scenario


@dataclass(frozen=True)
class Subject:
    """What is described.

    Parameters
    ----------
    study : Study
    case : str
        The case that is described; of others is told how they differ.
    built : BuiltWorld
        Its world before the first step.
    kinds : sequence of Kind
        Every kind of agent in any of the cases.
    """

    study: Study
    case: str
    built: BuiltWorld
    kinds: Sequence[Kind]

    @property
    def scenario(self) -> Scenario:
        """The case that is described."""
        return self.study.cases[self.case]

    @property
    def papers(self) -> Mapping[str, Paper]:
        """Papers whose claims any of the cases has judged, by name."""
        names = list(dict.fromkeys(name for case in self.study.cases.values() for name in case.papers))
        return dict(zip(names, papers(names), strict=True))


def subject_of(study: Study, case: str, progress: Progress | None = None) -> Subject:
    """Build the worlds of all cases of a study; none of them makes a step.

    Parameters
    ----------
    study : Study
    case : str
        Its case that is described.
    progress : callable, optional
        Called with the share done and the case that is built.

    Raises
    ------
    InputError
        If a network, profiles or a name turn out unusable.
    """
    built = build(study.cases[case])
    described, others = kinds_of(built.world.agents), {}
    for done, name in enumerate(study.cases):
        if progress:
            progress(done / len(study.cases), name)
        if name != case:
            others[name] = kinds_of(build(study.cases[name]).world.agents)
    return Subject(study, case, built, with_others(described, others))
