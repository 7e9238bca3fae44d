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

from gridarium.environment.errors import Fault, ScenarioError
from gridarium.experiments.registry_agents import AGENTS
from gridarium.experiments.registry_entries import Entry, Kind
from gridarium.experiments.registry_rules import RULES

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
        If the name is not registered, or nothing is found at its path.
    """
    known = entries(kind)
    path = known[name].target if name in known else name
    module, _, attribute = path.partition(":")
    try:
        return getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        allowed = f"must be one of {', '.join(known)}, or package.module:Class ({error})"
        raise ScenarioError(kind, [Fault(kind, name, allowed)]) from error


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
