"""What a sweep of a scenario runs: its cases with changed fields."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

from gridarium.environment.errors import Fault, ScenarioError
from gridarium.experiments.reading.field_paths import Keys, laid_over, places, replaced
from gridarium.experiments.reading.plain_yaml import Tree
from gridarium.experiments.reading.scenario_files import ScenarioFile, merge
from gridarium.experiments.scenario import check_case, check_scenario
from gridarium.experiments.sweeps.job_models import JobOutcome, Values, metrics_named
from gridarium.experiments.sweeps.study_schema import StudyFile

_FIXED = ("papers", "seed", "currency")
"""Fields of a scenario that no factor may change."""


class ScenarioModel:
    """Cases of a scenario with fixed settings, and the fields that the factors change.

    Parameters
    ----------
    file : StudyFile
        A study whose base is a whole scenario.
    source : str
        Named in errors.

    Raises
    ------
    ScenarioError
        With every fault of the base, of its settings, of paths that lead nowhere, and of fields that two
        factors change.
    """

    def __init__(self, file: StudyFile, source: str = "study") -> None:
        if not isinstance(file.base, dict):
            raise TypeError("the base must have been read")
        study = check_scenario(ScenarioFile(source, source, file.base))
        self.expected: Sequence[str] | None = metrics_named(file)
        chosen = file.cases or list(study.cases)
        allowed = f"must be one of {', '.join(study.cases)}"
        faults = [Fault("cases", name, allowed) for name in chosen if name not in study.cases]
        self.source = source
        self.levels = {
            name: section.levels for name, section in file.factors.items() if section.levels is not None
        }
        self.trees: dict[str, Tree] = {}
        self.fields: dict[str, dict[str, list[Keys]]] = {}
        found: set[str] = set()
        for name in [name for name in chosen if name in study.cases]:
            tree, wrong = _settled(study.cases[name].model_dump(mode="json"), file.set, found)
            faults += wrong
            self.trees[name], self.fields[name] = tree, _varied(tree, file, found)
            faults += _varied_twice(self.fields[name])
        faults += _lost_paths(file, found)
        if faults:
            raise ScenarioError(source, list({str(fault): fault for fault in faults}.values()))

    @property
    def seed(self) -> int:
        """The base's own seed."""
        return int(next(iter(self.trees.values()))["seed"])

    def tree(self, case: str, values: Values, seed: int) -> Tree:
        """Return a case with the values of a point in its fields."""
        tree = {**self.trees[case], "seed": seed}
        for factor, value in values.items():
            if factor in self.levels:
                tree = merge(tree, self.levels[factor][value])
                continue
            for keys in self.fields[case][factor]:
                tree = replaced(tree, keys, value)
        return tree

    def cases(self, values: Values, seed: int) -> Iterator[tuple[str, Callable[[], JobOutcome]]]:
        """Yield every case of a job and how to run it."""
        for name in self.trees:
            yield name, partial(self._run, name, self.tree(name, values, seed))

    def _run(self, name: str, tree: Tree) -> JobOutcome:
        from gridarium.experiments.evidence.guarded import Steps
        from gridarium.experiments.running.case_run import measure_case

        scenario, faults = check_case(tree)
        if scenario is None:
            raise ScenarioError(self.source, faults)
        steps = Steps()
        summary, certificates = measure_case(name, scenario, steps)
        failed = sum(each.hard and not each.passed for each in certificates)
        return JobOutcome(summary, failed, tuple(steps.broken))


def _settled(tree: Tree, settings: Tree, found: set[str]) -> tuple[Tree, list[Fault]]:
    """Return a case with the fixed settings of a study, and what is wrong with it."""
    for path, value in settings.items():
        for keys in _fields_of(tree, path, f"set.{path}", found):
            tree = replaced(tree, keys, value)
    scenario, faults = check_case(tree)
    return (tree if scenario is None else scenario.model_dump(mode="json")), faults


def _varied(tree: Tree, file: StudyFile, found: set[str]) -> dict[str, list[Keys]]:
    """Return the fields of a case that each factor changes, by its paths or in any of its levels."""
    fields: dict[str, list[Keys]] = {}
    for factor, section in file.factors.items():
        own = [
            keys
            for number, path in enumerate(section.paths)
            for keys in _fields_of(tree, path, f"factors.{factor}.paths.{number}", found)
        ]
        for settings in (section.levels or {}).values():
            own += laid_over(tree, settings)
        fields[factor] = list(dict.fromkeys(own))
    return fields


def _varied_twice(fields: Mapping[str, list[Keys]]) -> Iterator[Fault]:
    """Yield what a factor changes although one before it does: only the last of them would count."""
    seen: dict[Keys, str] = {}
    for factor, own in fields.items():
        for keys in own:
            for other, first in seen.items():
                shorter = min(len(keys), len(other))
                if first != factor and keys[:shorter] == other[:shorter]:
                    allowed = f"must be left to the factor {first}, which changes {'.'.join(other)} already"
                    yield Fault(f"factors.{factor}.paths", ".".join(keys), allowed)
        seen |= dict.fromkeys(own, factor)


def _fields_of(tree: Tree, path: str, place: str, found: set[str]) -> list[Keys]:
    """Return the fields of a path, and note its place if there are any."""
    fields = [keys for keys in places(tree, path) if keys[0] not in _FIXED]
    if fields:
        found.add(place)
    return fields


def _lost_paths(file: StudyFile, found: set[str]) -> Iterator[Fault]:
    """Yield the paths that name no field in any case."""
    paths = {f"set.{path}": path for path in file.set}
    for factor, section in file.factors.items():
        paths |= {f"factors.{factor}.paths.{number}": path for number, path in enumerate(section.paths)}
    allowed = "must lead to a field of the scenario other than its model, seed and currency"
    for place, path in paths.items():
        if place not in found:
            yield Fault(place, path, allowed)
    for factor, section in file.factors.items():
        for level, settings in (section.levels or {}).items():
            for name in settings.keys() & {*_FIXED}:
                yield Fault(f"factors.{factor}.levels.{level}.{name}", settings[name], allowed)
