"""Studies: a scenario file checked as a whole, with every fault at once and every default written out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path

from gridarium.environment.errors import Fault, ScenarioError
from gridarium.experiments.checking.grid_tree import StackedScenario
from gridarium.experiments.checking.grid_tree_checks import check_grids, ladder_faults
from gridarium.experiments.checking.named_code import code_faults
from gridarium.experiments.checking.sound_parts import sound_parts
from gridarium.experiments.parts.checks import grid_checks, settles_in_quarters
from gridarium.experiments.parts.distribution_operator import root_faults
from gridarium.experiments.parts.house import grid_schema
from gridarium.experiments.parts.own_network import settled, with_own_sites
from gridarium.experiments.parts.part import GridScenario
from gridarium.experiments.reading.overrides import FieldOverride, of_study, overridden, readable_overrides
from gridarium.experiments.reading.plain_yaml import Tree
from gridarium.experiments.reading.scenario_files import (
    OF_A_STUDY,
    ScenarioFile,
    anchored,
    merge,
    named,
    read_scenario_file,
    shipped_names,
    shipped_path,
    without_cases,
)
from gridarium.experiments.schema.checks import cross_faults
from gridarium.experiments.schema.fields import NAME
from gridarium.experiments.schema.scenario import Scenario

__all__ = ["Scenario", "Study", "check_case", "check_scenario", "load_scenario", "shipped_scenarios"]

_DECIDING = ("profiles", "start", "network.source")
"""Places of faults after which a grid cannot be held against others."""
ONLY_CASE = "base"
"""Name of the case of a scenario that names none."""


@dataclass(frozen=True, slots=True)
class Study:
    """A scenario file, checked and resolved.

    Parameters
    ----------
    source : str
        Name of the shipped scenario, or the path that was read.
    name : str
        Short name, for folders.
    title : str
        One line for reports; a case may have its own.
    cases : mapping of str to Scenario
        Every case with every default filled in, in the order of the file.
    main_cases : tuple of str
        Those that `gridarium run` runs where none is asked for, in the order of the file; all of them unless
        the file says `main_cases`.
    """

    source: str
    name: str
    title: str
    cases: Mapping[str, Scenario]
    main_cases: tuple[str, ...]

    @property
    def currency_code(self) -> str:
        """Code of the currency of all its cases, as people read it."""
        return next(iter(self.cases.values())).currency_code

    def resolved(self, sites: bool = True) -> Tree:
        """Return the study as a tree with every default written out; it can be loaded again.

        What all cases share stands at the top, the rest of each case under `cases`. Files of the package
        go by their names, a user's own by their absolute paths.

        Parameters
        ----------
        sites : bool, optional
            Whether every unit has its bus, also where the scenario leaves that open; studies leave it open,
            as their runs may have other units.
        """
        trees = {
            name: named((with_sites(case) if sites else case).model_dump(mode="json"))
            for name, case in self.cases.items()
        }
        common = {"title": self.title} | _common(list(trees.values()))
        main = {} if self.main_cases == tuple(trees) else {"main_cases": list(self.main_cases)}
        return {**common, **main, "cases": {name: _beyond(common, tree) for name, tree in trees.items()}}


def with_sites(case: Scenario) -> Scenario:
    """A case in which every unit of a feeder has its bus."""
    if isinstance(case, StackedScenario):
        grids = {
            name: replace(entry, scenario=with_own_sites(entry.scenario))
            for name, entry in case.grids.items()
        }
        return case.model_copy(update={"grids": grids})
    return with_own_sites(case) if isinstance(case, GridScenario) else case


def load_scenario(
    source: str | Path,
    overrides: Sequence[str] = (),
    cases: Sequence[str] | None = None,
    *,
    code: bool = False,
) -> Study:
    """Read and check a scenario.

    Parameters
    ----------
    source : str or Path
        A shipped scenario's name or the path of a YAML file.
    overrides : sequence of str
        `path.to.field=value`, laid over every case; a path that starts with `cases.NAME.` over that case. A
        key `*` stands for every name that is there.
    cases : sequence of str, optional
        The cases that count; others are left out of the study if something is wrong with them. None of them
        named are the scenario's main cases. All count by default.
    code : bool
        Whether to import what dotted paths and entry points of other packages name, and check it too.

    Returns
    -------
    Study
        With at least one case.

    Raises
    ------
    ScenarioError
        With every fault of the file, of its profiles and of its network.
    """
    return check_scenario(read_scenario_file(source), overrides, cases, code=code)


def check_scenario(
    file: ScenarioFile,
    overrides: Sequence[str] = (),
    chosen: Sequence[str] | None = None,
    *,
    code: bool = False,
) -> Study:
    """Check a scenario that has been read; see `load_scenario`."""
    faults: list[Fault] = []
    settings = readable_overrides(overrides, faults)
    tree = of_study(file.tree, [one for one in settings if one.path[0] in OF_A_STUDY], faults)
    everywhere = [one for one in settings if one.path[0] not in OF_A_STUDY]
    base, own_trees = without_cases(tree), _own_trees(tree, faults)
    main = _main_cases(tree, list(own_trees), faults)
    counting = own_trees if chosen is None else [*chosen] or [*main]
    allowed = f"must be one of {', '.join(own_trees)}"
    faults += [Fault("--case", name, allowed) for name in counting if name not in own_trees]
    trees = overridden({name: merge(base, own) for name, own in own_trees.items()}, everywhere, faults)
    cases: dict[str, Scenario] = {}
    for name, own in own_trees.items():
        counts = name in counting
        scenario, found = check_case(trees[name], code=code and counts)
        if counts:
            faults += [_placed(fault, name, base, own, everywhere) for fault in found]
        if scenario is not None:
            cases[name] = scenario
    if faults:
        raise ScenarioError(file.source, list({(each.place, each.allowed): each for each in faults}.values()))
    title = str(base.get("title") or next(iter(cases.values())).title)
    return Study(file.source, file.name, title, cases, tuple(name for name in main if name in cases))


@lru_cache(maxsize=1)
def shipped_scenarios() -> dict[str, tuple[str, Path]]:
    """Return title and path of every shipped scenario."""
    return {
        name: (str(read_scenario_file(name).tree.get("title", "")), shipped_path(name))
        for name in shipped_names()
    }


def _own_trees(tree: Tree, faults: list[Fault]) -> dict[str, Tree]:
    """Return what each case lays over the base; what cannot be laid is a fault."""
    cases = tree.get("cases")
    if cases is None:
        return {ONLY_CASE: {}}
    if not isinstance(cases, dict) or not cases:
        faults.append(Fault("cases", cases, "must be a mapping of case names to overrides"))
        return {}
    own_trees = {}
    for name, own in cases.items():
        place = f"cases.{name}"
        if not NAME.fullmatch(name):
            faults.append(Fault(place, name, "must be a name of letters, digits, '_' and '-'"))
        if own is not None and not isinstance(own, dict):
            faults.append(Fault(place, own, "must be a mapping of fields to values"))
            continue
        own = own or {}
        misplaced = [key for key in (*OF_A_STUDY, "extends", "currency") if key in own]
        faults += [Fault(f"{place}.{key}", own[key], "is not allowed inside a case") for key in misplaced]
        own_trees[name] = {key: value for key, value in own.items() if key not in misplaced}
    return own_trees


def _main_cases(tree: Tree, known: Sequence[str], faults: list[Fault]) -> tuple[str, ...]:
    """Return the cases that `run` runs by itself; names of no case are faults."""
    if "main_cases" not in tree:
        return tuple(known)
    named = tree["main_cases"]
    if not isinstance(named, list) or not named or not all(name in known for name in named):
        allowed = f"must be a list of names of cases: {', '.join(known)}"
        faults.append(Fault("main_cases", named, allowed))
        return ()
    return tuple(name for name in known if name in named)


def _placed(fault: Fault, case: str, base: Tree, own: Tree, settings: Sequence[FieldOverride]) -> Fault:
    """Return the fault at the place it comes from: an override's, the case's, or else the base's."""
    keys = tuple(fault.place.split("."))
    if any(one.leads_to(keys) for one in settings):
        return fault
    if (depth := _depth(own, keys)) and depth >= _depth(base, keys):
        return Fault(f"cases.{case}.{fault.place}", fault.value, fault.allowed)
    return fault


def _depth(tree: object, keys: Sequence[str]) -> int:
    """Return how many of the keys lead into the tree."""
    for depth, key in enumerate(keys):
        if not isinstance(tree, dict) or key not in tree:
            return depth
        tree = tree[key]
    return len(keys)


def check_case(tree: Tree, *, code: bool = False) -> tuple[Scenario | None, list[Fault]]:
    """Return the case that a tree without `cases` describes if it has no fault, and every fault there is.

    Sections with a fault of their own are replaced by their defaults, so that the
    checks between the other sections still run.
    """
    tree = anchored(tree, Path.cwd())
    if "grids" in tree:
        return check_grids(tree, partial(_check_grid, code=code))
    scenario, faults = _check_grid(tree, code)
    if scenario is None:
        return None, faults
    faults += settles_in_quarters(scenario, scenario.period_h)
    faults += ladder_faults(scenario)
    faults += root_faults(scenario)
    return (None if faults else scenario), faults


def _check_grid(tree: Tree, code: bool) -> tuple[GridScenario | None, list[Fault]]:
    """Return the scenario of one grid, and every fault there is.

    None where a section, a file or the start is not what was meant: nothing else can be said of it then.
    """
    sound = sound_parts(grid_schema(), tree)
    found = [
        *cross_faults(sound.section, sound.broken, grid_checks()),
        *(code_faults(sound.section) if code else ()),
    ]
    found = [fault for fault in found if not sound.explains(fault)]
    is_whole = not sound.broken and not any(fault.place.startswith(_DECIDING) for fault in found)
    return (settled(sound.section) if is_whole else None), [*sound.faults, *found]


def _common(trees: Sequence[Tree]) -> Tree:
    """Return what all trees share."""
    first, *others = trees
    shared: Tree = {}
    for key, value in first.items():
        values = [other[key] for other in others if key in other]
        if len(values) < len(others):
            continue
        if all(isinstance(each, dict) for each in (value, *values)):
            shared[key] = _common([value, *values])
        elif all(type(each) is type(value) and each == value for each in values):
            shared[key] = value
    return shared


def _beyond(common: Tree, tree: Tree) -> Tree:
    """Return what a tree has beyond what is common."""
    rest: Tree = {}
    for key, value in tree.items():
        if isinstance(value, dict) and key in common:
            if inner := _beyond(common[key], value):
                rest[key] = inner
        elif key not in common or value != common[key]:
            rest[key] = value
    return rest
