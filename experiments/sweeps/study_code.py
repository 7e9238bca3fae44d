"""Code from outside gridarium that the runs of a study name: imported and looked at before the first run."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

from gridarium.environment.errors import Fault, ScenarioError
from gridarium.experiments.checking.named_code import code_faults, named_code
from gridarium.experiments.names.registry import entries, is_shipped, load
from gridarium.experiments.scenario import check_case
from gridarium.experiments.schema.scenario import Scenario
from gridarium.experiments.sweeps.scenario_model import ScenarioModel
from gridarium.experiments.sweeps.study import SweepStudy


class StudyCode:
    """What a study names: its function, or all that its scenario names with each value of its factors.

    - `names`: where it lives, `package.module:Class`, each once
    - `faults`: import it, and find what cannot be imported or is not what its field asks for

    Parameters
    ----------
    study : SweepStudy
    """

    def __init__(self, study: SweepStudy) -> None:
        self._study, self._function = study, study.file.function

    @property
    def names(self) -> list[str]:
        """Dotted paths, in the order in which they are found."""
        if self._function is not None:
            known = entries("functions")
            target = known[self._function].target if self._function in known else self._function
            return [] if is_shipped("functions", self._function) else [target]
        return list(dict.fromkeys(one.target for _, case in self._cases for one in named_code(case)))

    def faults(self) -> Iterator[Fault]:
        """Yield what is wrong, each fault once."""
        if self._function is not None:
            yield from _function_faults(self._function)
            return
        seen: set[Fault] = set()
        for where, case in self._cases:
            for fault in code_faults(case):
                if (known := Fault(fault.place, str(fault.value), fault.allowed)) not in seen:
                    seen.add(known)
                    yield Fault(fault.place, fault.value, f"{fault.allowed} ({where})")

    @cached_property
    def _cases(self) -> list[tuple[str, Scenario]]:
        """The cases of the first point and of one for each value that is no number: these may name code."""
        study, points = self._study, self._study.design.points
        numbers = [0]
        for column in (points[name] for name in study.design.names):
            if column.dtype.kind not in "if":
                numbers += [int(number) for number in column.drop_duplicates().index]
        model, found = ScenarioModel(study.file, study.source), []
        for point in dict.fromkeys(numbers):
            job = study.job(point * study.file.replications)
            for name in model.trees:
                scenario, _ = check_case(model.tree(name, job.values, job.seed))
                if scenario is not None:
                    found.append((f"design point {point}, case {name}", scenario))
        return found


def check_study_code(study: SweepStudy) -> None:
    """Import what a study names before any of its runs.

    Raises
    ------
    ScenarioError
        With everything that cannot be imported, or is not what its field asks for.
    """
    if faults := list(StudyCode(study).faults()):
        raise ScenarioError(study.source, faults)


def _function_faults(name: str) -> Iterator[Fault]:
    try:
        found = load("functions", name)
    except ScenarioError as error:
        yield from (Fault("function", name, fault.allowed) for fault in error.faults)
        return
    if not callable(found):
        yield Fault("function", name, "must be a function")
