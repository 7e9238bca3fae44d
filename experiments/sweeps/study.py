"""Studies: a scenario or a function that is run many times, checked as a whole before anything runs."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from gridarium.environment.errors import Fault, ScenarioError
from gridarium.experiments.names.registry import is_known
from gridarium.experiments.reading.plain_yaml import Tree
from gridarium.experiments.reading.scenario_files import (
    ScenarioFile,
    anchored,
    anchored_value,
    read_mapping,
    shipped_names,
    shipped_path,
)
from gridarium.experiments.scenario import check_case, check_scenario, load_scenario
from gridarium.experiments.schema.faults import faults_of
from gridarium.experiments.sweeps.job import Job
from gridarium.experiments.sweeps.metric_checks import metric_faults
from gridarium.experiments.sweeps.overrides import changes_of
from gridarium.experiments.sweeps.scenario_model import ScenarioModel
from gridarium.experiments.sweeps.study_schema import StudyFile

if TYPE_CHECKING:
    from gridarium.experiments.sweeps.design import Design

_MOST_PROBES = 20


@dataclass(frozen=True)
class SweepStudy:
    """A study, checked and resolved.

    Parameters
    ----------
    source : str
        Name of the shipped study, or the path that was read.
    name : str
        Short name, for folders.
    file : StudyFile
        With its base, cases and seed written out.
    """

    source: str
    name: str
    file: StudyFile

    @cached_property
    def design(self) -> Design:
        """The points of the factor space."""
        from gridarium.experiments.sweeps.design import sample

        return sample(self.file.sources(), self.file.design.spec())

    @cached_property
    def columns(self) -> dict[str, list[Any]]:
        """The points by factor: one value for each."""
        return {str(name): column.tolist() for name, column in self.design.points.items()}

    @property
    def n_point(self) -> int:
        """Number of design points."""
        return len(self.design.points)

    @property
    def n_job(self) -> int:
        """Length of the job list."""
        return self.n_point * self.file.replications

    def job(self, number: int) -> Job:
        """Return one job of the list."""
        point, replication = divmod(number, self.file.replications)
        values = {name: column[point] for name, column in self.columns.items()}
        drawn = number if self.file.seeds == "own" else replication
        return Job(number, point, replication, (self.file.seed or 0) + drawn, values)

    def resolved(self) -> Tree:
        """Return the study with every default and its whole base written out; it can be loaded again."""
        return self.file.model_dump(mode="json")

    def inputs(self) -> dict[str, str]:
        """Return the SHA-256 of every file that the scenario reads, by path."""
        files: set[Path] = set()
        if isinstance(self.file.base, dict):
            for case in check_scenario(ScenarioFile(self.source, self.name, self.file.base)).cases.values():
                files |= {*case.files}
        found = sorted(path for path in files if path.is_file())
        return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in found}


def shipped_studies() -> dict[str, str]:
    """Return the title of every shipped study."""
    trees = {name: read_mapping(shipped_path(name)) for name in shipped_names(studies=True)}
    return {name: str(tree.get("study", "")) for name, tree in trees.items()}


def is_study(source: str | Path) -> bool:
    """Tell whether a name or a file is that of a study rather than a scenario; faults are for its reader."""
    if source in shipped_names(studies=True):
        return True
    try:
        return source not in shipped_names() and "study" in read_mapping(Path(source))
    except (OSError, ValueError, ScenarioError):
        return False


def load_study(source: str | Path, overrides: Sequence[str] = ()) -> SweepStudy:
    """Read and check a study.

    Parameters
    ----------
    source : str or Path
        A shipped study's name or the path of a YAML file.
    overrides : sequence of str
        `path.to.field=value` on its scenario, see `load_scenario`; or parameters of its function.

    Returns
    -------
    SweepStudy

    Raises
    ------
    ScenarioError
        With every fault of the study, of its base, and of the outermost points of its design.
    """
    shipped = isinstance(source, str) and source in shipped_names(studies=True)
    path = shipped_path(str(source)) if shipped else Path(os.path.abspath(source))
    shown = path.stem if shipped else str(source)
    file = _checked(_with_own_files(_read(path), path.parent), shown)
    if overrides:
        file = _checked(file.model_dump(mode="json") | changes_of(file, overrides), shown)
    if file.function is not None:
        return SweepStudy(shown, path.stem, _with_function(file, shown))
    base = file.base
    if isinstance(base, dict):
        scenario = check_scenario(ScenarioFile(shown, path.stem, anchored(base, path.parent)), overrides)
    else:
        scenario = load_scenario(base if base in shipped_names() else path.parent / str(base), overrides)
    file = file.model_copy(update={"base": scenario.resolved(sites=False)})
    model = ScenarioModel(file, shown)
    seed = model.seed if file.seed is None else file.seed
    file = file.model_copy(update={"cases": list(model.trees), "seed": seed})
    study = SweepStudy(shown, path.stem, file)
    probes = _outermost(study)
    faults = [*_stop_faults(file), *_outermost_faults(model, probes)]
    trees = {case: [model.tree(case, job.values, job.seed) for job in probes] for case in model.trees}
    faults += metric_faults(file, trees)
    if faults:
        raise ScenarioError(shown, faults)
    return study


def _read(path: Path) -> Tree:
    try:
        return read_mapping(path)
    except (OSError, ValueError) as error:
        known = ", ".join(shipped_names(studies=True))
        allowed = f"must be one of {known}, or the path of a YAML file ({error})"
        raise ScenarioError(str(path), [Fault("file", str(path), allowed)]) from error


def _with_own_files(tree: Tree, folder: Path) -> Tree:
    """Return a study with the files that its settings, values and levels name where they are beside it."""
    fixed = dict(tree)
    if isinstance(tree.get("set"), dict):
        own = tree["set"].items()
        fixed["set"] = {path: anchored_value(path.split("."), value, folder) for path, value in own}
    if isinstance(tree.get("factors"), dict):
        fixed["factors"] = {name: _of_factor(factor, folder) for name, factor in tree["factors"].items()}
    return fixed


def _of_factor(factor: Any, folder: Path) -> Any:
    if not isinstance(factor, dict):
        return factor
    fixed, paths = dict(factor), factor.get("paths")
    if isinstance(factor.get("levels"), dict):
        fixed["levels"] = {
            name: anchored(own, folder) if isinstance(own, dict) else own
            for name, own in factor["levels"].items()
        }
    if isinstance(factor.get("values"), list) and isinstance(paths, list) and paths:
        keys = str(paths[0]).split(".")
        fixed["values"] = [anchored_value(keys, value, folder) for value in factor["values"]]
    return fixed


def _checked(tree: Tree, source: str) -> StudyFile:
    try:
        return StudyFile.model_validate(tree)
    except ValidationError as error:
        faults = faults_of(StudyFile, error)
    # What else is wrong between the sound sections.
    broken = {fault.place.partition(".")[0] for fault in faults}
    try:
        StudyFile.model_validate({"study": "", **{key: tree[key] for key in tree.keys() - broken}})
    except ValidationError as error:
        found = faults_of(StudyFile, error)
        faults += [fault for fault in found if fault.place.partition(".")[0] not in broken]
    raise ScenarioError(source, faults)


def _with_function(file: StudyFile, source: str) -> StudyFile:
    """Return the study of a function with its seed; nothing is imported to check it."""
    if not is_known("functions", file.function or ""):
        allowed = "must be a registered function or a path package.module:function"
        raise ScenarioError(source, [Fault("function", file.function, allowed)])
    return file.model_copy(update={"seed": 1 if file.seed is None else file.seed})


def _stop_faults(file: StudyFile) -> Iterator[Fault]:
    if file.stop is not None and file.stop.case not in (file.cases or ()):
        yield Fault("stop.case", file.stop.case, f"must be one of {', '.join(file.cases or ())}")


def _outermost(study: SweepStudy) -> list[Job]:
    """Return jobs at the points where a factor is smallest or largest, or takes one of its other values."""
    points = study.design.points
    numbers = [0]
    for column in (points[name] for name in study.design.names):
        if column.dtype.kind in "if":
            numbers += [int(column.argmin()), int(column.argmax())]
        else:
            numbers += [int(number) for number in column.drop_duplicates().index]
    chosen = list(dict.fromkeys(numbers))[:_MOST_PROBES]
    return [study.job(point * study.file.replications) for point in chosen]


def _outermost_faults(model: ScenarioModel, probes: Sequence[Job]) -> Iterator[Fault]:
    """Yield what is wrong with scenarios at some points of the design.

    Points between may still turn out impossible; these become failures of the sweep.
    """
    seen: set[tuple[str, str]] = set()
    for job in probes:
        for case in model.trees:
            for fault in check_case(model.tree(case, job.values, job.seed))[1]:
                if (fault.place, fault.allowed) not in seen:
                    seen.add((fault.place, fault.allowed))
                    yield Fault(
                        fault.place, fault.value, f"{fault.allowed} (design point {job.point}, case {case})"
                    )
