"""What scenarios can name: agents, behaviours, mechanisms, papers; the shipped ones and other packages'."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import re
import sys
from collections.abc import Mapping
from functools import cache
from importlib.metadata import entry_points
from typing import Any

from gridarium.environment.errors import Fault, GridariumError, ScenarioError, UserCodeError
from gridarium.environment.user_code import error_and_line
from gridarium.experiments.names.agents import AGENTS
from gridarium.experiments.names.entries import Entry, Kind
from gridarium.experiments.names.rules import RULES

_DOTTED_PATH = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*", re.ASCII)

_SHIPPED: Mapping[str, Kind] = {
    **AGENTS,
    **RULES,
    "parts": Kind("a field of a grid"),
    "papers": Kind(
        "papers",
        (
            Entry("adcef", "gridarium.experiments.papers.adcef:PAPER", "adjustable carbon emission factor"),
            Entry(
                "green-vpp", "gridarium.experiments.papers.green_vpp:PAPER", "stored cleanness that is paid"
            ),
            Entry(
                "net-zero", "gridarium.experiments.papers.net_zero:PAPER", "captured carbon, shared storage"
            ),
            Entry("ries-carbon", "gridarium.experiments.papers.ries_carbon:PAPER", "a fair carbon price"),
            Entry(
                "shared-storage",
                "gridarium.experiments.papers.shared_storage:PAPER",
                "a coalition of storage owners",
            ),
        ),
    ),
    "functions": Kind(
        "study.function",
        (
            Entry(
                "ishigami",
                "gridarium.experiments.sweeps.toy_models:ishigami",
                "a study's test case with known indices",
            ),
        ),
    ),
}

KINDS = tuple(_SHIPPED)
"""Every kind; other packages add to one by entry points of the group `gridarium.KIND`."""

MECHANISMS = tuple(RULES)
"""Kinds that are rules under which agents meet."""


@cache
def entries(kind: str) -> dict[str, Entry]:
    """Return everything of one kind by name; a shipped name cannot be taken over by another package.

    Parameters
    ----------
    kind : {"agents", "behaviours", "mechanisms", "functions"}
        The kind, and the end of the entry points' group `gridarium.<kind>`.
    """
    found = {
        point.name: Entry(point.name, point.value, f"from {point.dist.name}" if point.dist else "")
        for point in entry_points(group=f"gridarium.{kind}")
    }
    return found | {entry.name: entry for entry in _SHIPPED[kind].shipped}


def field_of(kind: str) -> str:
    """Where a scenario or a study names things of a kind."""
    return _SHIPPED[kind].field


def is_known(kind: str, name: str) -> bool:
    """Tell whether a name is registered, or is a dotted path into an installed package.

    Nothing is imported: a scenario can be checked without running anybody's code.
    """
    if name in entries(kind):
        return True
    if not _DOTTED_PATH.fullmatch(name):
        return False
    package = name.partition(":")[0].partition(".")[0]
    return package in sys.modules or importlib.util.find_spec(package) is not None


def is_shipped(kind: str, name: str) -> bool:
    """Tell whether a name is one of gridarium's own."""
    return any(entry.name == name for entry in _SHIPPED[kind].shipped)


def load(kind: str, name: str) -> object:
    """Import what a registered name or a dotted path stands for.

    Raises
    ------
    ScenarioError
        If the name is not registered, nothing can be imported from its path, whatever the import raises, or
        what is found there is not of the kind.
    """
    known = entries(kind)
    path = known[name].target if name in known else name
    module, _, attribute = path.partition(":")
    try:
        found = getattr(importlib.import_module(module), attribute)
    except (Exception, SystemExit) as error:
        raise ScenarioError(kind, [Fault(kind, name, _why_not(kind, path, error))]) from error
    misfit = None if is_shipped(kind, name) else _misfit(kind, found)
    if misfit is not None:
        raise ScenarioError(kind, [Fault(kind, name, misfit)])
    return found


def _why_not(kind: str, path: str, error: BaseException) -> str:
    """Say why nothing could be imported from a path."""
    module, _, attribute = path.partition(":")
    missing = str(error.name) if isinstance(error, ModuleNotFoundError) else ""
    if not module or (missing and f"{module}.".startswith(f"{missing}.")):
        return f"must be one of {', '.join(entries(kind))}, or package.module:Class ({error})"
    if isinstance(error, AttributeError) and module in sys.modules:
        return f"must be a name in module {module}, which has no {attribute}"
    return f"must be importable; module {module} raised {error_and_line(error, module)}"


def _misfit(kind: str, found: object) -> str | None:
    """Say what something would have to be to be of a kind; None if it is that."""
    if not (path := _SHIPPED[kind].base):
        return None
    module, _, name = path.partition(":")
    base = getattr(importlib.import_module(module), name)
    if not getattr(base, "_is_protocol", False):
        if isinstance(found, type) and issubclass(found, base):
            return None
        return f"must be a subclass of {name} of {module}, is {_shown(found)}"
    methods = [each for each, member in vars(base).items() if inspect.isfunction(member) and each[0] != "_"]
    lacking = [each for each in methods if isinstance(found, type) and not hasattr(found, each)]
    if callable(found) and not lacking:
        return None
    return f"must be a class with {', '.join(methods)}, as {name} of {module}, is {_shown(found)}"


def _shown(found: object) -> str:
    if isinstance(found, type):
        return f"the class {found.__name__}"
    article = "an" if type(found).__name__[0] in "aeiou" else "a"
    return f"{article} {type(found).__name__}"


def make(kind: str, name: str, params: Mapping[str, Any], source: str) -> Any:
    """An instance of what a name stands for.

    Parameters
    ----------
    kind, name : str
    params : mapping
        What its constructor gets, by name.
    source : str
        Whose it is, for errors.

    Raises
    ------
    ScenarioError
        If the name is unknown, or what it stands for does not take the parameters.
    UserCodeError
        If its constructor raises something else.
    """
    constructor: Any = load(kind, name)
    try:
        inspect.signature(constructor).bind(**params)
    except TypeError as error:
        raise ScenarioError(source, [Fault("parameters", dict(params), f"must fit: {error}")]) from error
    try:
        return constructor(**params)
    except ScenarioError as error:
        raise ScenarioError(source, error.faults) from error
    except (Exception, SystemExit) as error:
        if isinstance(error, GridariumError) or is_shipped(kind, name):
            raise
        raised = error_and_line(error, getattr(constructor, "__module__", ""))
        raise UserCodeError(f"{source}: it raised {raised} when it was made") from error


def make_mechanism(kind: str, name: str, fields: Mapping[str, Any], params: Mapping[str, Any]) -> Any:
    """An instance of a rule: with those fields of its section that it declares, and parameters by name.

    Parameters
    ----------
    kind, name : str
    fields : mapping
        Of the section that names the rule; those that the rule does not know belong to others.
    params : mapping
        Given for this rule alone: all of them must be its own.

    Raises
    ------
    ScenarioError
        If the name is unknown, or the rule does not take the parameters.
    """
    constructor: Any = load(kind, name)
    declared = inspect.signature(constructor).parameters
    own = {field: value for field, value in fields.items() if field in declared}
    return make(kind, name, own | dict(params), f"{kind.removesuffix('s')} {name}")
