"""What a sweep runs again and again: the cases of a scenario with changed fields, or a plain function."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache, partial
from typing import Any, NamedTuple, Protocol, cast

from gridarium.environment.errors import Fault, ScenarioError
from gridarium.experiments.field_paths import Keys, laid_over, places, replaced
from gridarium.experiments.plain_yaml import Tree
from gridarium.experiments.scenario import check_case, check_scenario
from gridarium.experiments.scenario_files import ScenarioFile, merge
from gridarium.experiments.sweeps.study_schema import StudyFile

Values = Mapping[str, Any]
"""A point of the design: one value by factor."""


_FIXED = ("papers", "seed", "currency")
"""Fields of a scenario that no factor may change."""


class UnknownMetricError(ScenarioError):
    """A study that asks for metrics that its function does not measure."""


UNKNOWN = UnknownMetricError.__name__
"""What a row of failures calls it."""


class JobOutcome(NamedTuple):
    """What a case of a job found."""

    metrics: Mapping[str, float]
    certificates_failed: int
    broken: tuple[str, ...] = ()


class JobModel(Protocol):
    """What a job runs.

    Attributes
    ----------
    expected : sequence of str or None
        Metrics that have to be numbers where they are measured at all; None for all of them.
    """

    expected: Sequence[str] | None

    def cases(self, values: Values, seed: int) -> Iterator[tuple[str, Callable[[], JobOutcome]]]:
        """Yield every case of a job and how to run it."""


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
        from gridarium.experiments.case_run import measure_case
        from gridarium.experiments.evidence.guarded import Steps

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


def metrics_named(file: StudyFile) -> list[str]:
    """Return the metrics that a study asks for by name: to keep, to stop by, to rise or fall."""
    stop = [file.stop.metric] if file.stop else []
    return list(dict.fromkeys([*(file.metrics or ()), *stop, *(one.metric for one in file.expected)]))


def unknown_metrics(file: StudyFile, measured: Sequence[str]) -> list[Fault]:
    """Return a fault for each metric that a study asks for and nothing measures."""
    faults = []
    for name in metrics_named(file):
        if name not in measured:
            close = difflib.get_close_matches(name, measured, n=1)
            known = f"did you mean {close[0]}?" if close else f"measured are {', '.join(measured) or 'none'}"
            faults.append(Fault("metrics", name, f"is no metric of the function; {known}"))
    return faults


class FunctionModel:
    """A plain function `(parameters, seed) -> {case: {metric: number}}`.

    Raises
    ------
    ScenarioError
        If it cannot be imported.
    """

    def __init__(self, file: StudyFile) -> None:
        from gridarium.experiments.registry import load

        self._function = cast("Callable[..., Any]", load("functions", file.function or ""))
        self._fixed, self._chosen = file.set, file.cases
        self.expected: Sequence[str] | None = None
        self._file = file

    def cases(self, values: Values, seed: int) -> Iterator[tuple[str, Callable[[], JobOutcome]]]:
        """Yield every case of a job; the function is called once for all of them."""
        found = self._function({**self._fixed, **values}, seed)
        for name in self._chosen or found:
            yield name, partial(JobOutcome, found[name], 0)
        measured = list(dict.fromkeys(metric for metrics in found.values() for metric in metrics))
        if faults := unknown_metrics(self._file, measured):
            raise UnknownMetricError("function", faults)


@lru_cache(maxsize=1)
def model_of(setup: str) -> JobModel:
    """Return the model of a resolved study, given as JSON; made once in a process.

    Raises
    ------
    ScenarioError
        If it cannot be made here, though it could where the study was checked.
    """
    file = StudyFile.model_validate_json(setup)
    return ScenarioModel(file) if file.function is None else FunctionModel(file)
