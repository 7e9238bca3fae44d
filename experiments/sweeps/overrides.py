"""Overrides of the command line on a study: as on its scenario, and stronger than what the study sets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from gridarium.environment.errors import Fault, ScenarioError
from gridarium.experiments.reading.field_paths import Keys
from gridarium.experiments.reading.overrides import FieldOverride, parse_overrides
from gridarium.experiments.reading.scenario_files import anchored_value
from gridarium.experiments.sweeps.study_schema import StudyFile

_SEED = ("seed",)


def changes_of(file: StudyFile, overrides: Sequence[str]) -> dict[str, Any]:
    """Return the fields of a study file that overrides change beside its base.

    Parameters
    ----------
    file : StudyFile
    overrides : sequence of str
        `path.to.field=value`, as for a scenario; they are laid over the base of the study, too. For a study
        of a function `name=value`, a fixed parameter of it. A seed is that of the first replication.

    Raises
    ------
    ScenarioError
        With every override that is none, or that the study would overrule.
    """
    settings = parse_overrides(overrides)
    faults = [fault for one in settings for fault in _without_effect(file, one)]
    if faults:
        raise ScenarioError("--set", faults)
    changes: dict[str, Any] = {}
    own = dict(file.set)
    for one in settings:
        if one.path == _SEED:
            # A base has it already, and the study takes it from there.
            changes["seed"] = one.value if file.function else None
        elif file.function or _touching(file, one.path):
            path = ".".join(one.path)
            own.pop(path, None)
            own[path] = anchored_value(one.path, one.value, Path.cwd())
    return changes | ({} if own == file.set else {"set": own})


def _without_effect(file: StudyFile, override: FieldOverride) -> Iterator[Fault]:
    """Yield what a factor varies anyway, and what the study sets in all cases over that of one."""
    path, place = override.path, ".".join(override.path)
    own = path[2:] if path[0] == "cases" else path
    for name, factor in file.factors.items():
        varied = [tuple(each.split(".")) for each in factor.paths] if file.base else [(name,)]
        if any(len(each) <= len(own) and _same(each, own) for each in varied):
            yield Fault(place, override.value, f"must be left to the factor {name}, which varies it")
    if own is not path and (touching := _touching(file, own)):
        told = ", ".join(f"set.{each}" for each in touching)
        yield Fault(place, override.value, f"must be left to the study, which sets it in all cases ({told})")


def _touching(file: StudyFile, path: Keys) -> list[str]:
    """Fixed settings of a study that change a field, what is in it, or what it is in."""
    return [each for each in file.set if _same(each.split("."), path)]


def _same(one: Sequence[str], other: Sequence[str]) -> bool:
    """Whether two paths lead the same way as far as both go."""
    return all(a == b or "*" in (a, b) for a, b in zip(one, other, strict=False))
