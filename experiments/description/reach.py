"""What an agent is made of: the objects that it holds, and what their modules pose, draw and send.

Nothing is run for it: an agent of a world that has been built holds its parts already, and what these make
later on stands in the modules that they import.
"""

from __future__ import annotations

import ast
import importlib
import inspect
from collections.abc import Iterable, Iterator
from functools import cache, partial
from types import FunctionType, MethodType
from typing import Any, NamedTuple, TypeVar

from gridarium.agents.base import GridAgent
from gridarium.experiments.names.message_types import message_types

_HOUSE, _AGENTS = "gridarium", "gridarium.agents"
_RULES, _SURROUNDINGS = "gridarium.market", "gridarium.environment"
_GENERAL = ("gridarium.agents.optimisation", "gridarium.agents.solving")
"""What poses problems for others, none of its own."""
T = TypeVar("T")


class Posed(NamedTuple):
    """A module that poses an optimisation problem.

    Parameters
    ----------
    module : str
    builders : tuple of str
        Its functions that make a Pyomo model.
    families : tuple of str
        Its functions that put something into one: variables, constraints, a cost.
    """

    module: str
    builders: tuple[str, ...]
    families: tuple[str, ...]


class Reach(NamedTuple):
    """What an agent is made of.

    Parameters
    ----------
    classes : tuple of type
        Of the agent, of the parts it holds, and of the rules it goes by.
    own : tuple of str
        Modules in which they are defined.
    modules : tuple of str
        These and all that they import: what the agent may make of itself later on.
    """

    classes: tuple[type, ...]
    own: tuple[str, ...]
    modules: tuple[str, ...]

    @property
    def problems(self) -> tuple[Posed, ...]:
        """Problems that its modules pose."""
        found = (_read(name).posed for name in self.modules if not name.startswith(_GENERAL))
        return tuple(posed for posed in found if posed.builders)

    @property
    def streams(self) -> tuple[str, ...]:
        """What it may draw random numbers for."""
        return _unique(purpose for name in self.modules for purpose in _read(name).streams)

    @property
    def messages(self) -> tuple[str, ...]:
        """Types of messages that it may send."""
        return _unique(kind for name in self.modules for kind in _read(name).messages)


def reach_of(agent: GridAgent) -> Reach:
    """Look at what an agent holds, other agents and its surroundings left out."""
    roots = (_AGENTS, type(agent).__module__)
    things = list(_held(agent))
    kinds = (kind for thing in things for kind in type(thing).__mro__)
    classes = _unique(kind for kind in kinds if kind.__module__.startswith((*roots, _RULES)))
    functions = (thing.__module__ for thing in things if isinstance(thing, FunctionType))
    names = (*(kind.__module__ for kind in classes), *functions)
    own = _unique(name for name in names if name.startswith(roots))
    return Reach(classes, own, _with_imported(own, roots))


def _held(agent: GridAgent) -> Iterator[Any]:
    """Yield everything that an agent holds, itself first."""
    seen: dict[int, Any] = {}
    waiting: list[Any] = [agent]
    while waiting:
        thing = waiting.pop()
        others = isinstance(thing, GridAgent) and thing is not agent
        if id(thing) in seen or others or type(thing).__module__.startswith(_SURROUNDINGS):
            continue
        seen[id(thing)] = thing
        yield thing
        waiting += _inner(thing, type(agent).__module__)


def _inner(thing: Any, own: str) -> Iterator[Any]:
    """Yield what an object holds, where it can hold a part of an agent."""
    match thing:
        case dict():
            yield from thing.values()
        case list() | tuple() | set() | frozenset():
            yield from thing
        case MethodType():
            yield from (thing.__self__, thing.__func__)
        case partial():
            yield from (thing.func, *thing.args, *thing.keywords.values())
        case FunctionType():
            yield from inspect.getclosurevars(thing).nonlocals.values()
    if type(thing).__module__.startswith((_HOUSE, own)):
        yield from getattr(thing, "__dict__", {}).values()
        slots = (name for kind in type(thing).__mro__ for name in vars(kind).get("__slots__", ()))
        yield from (getattr(thing, name) for name in slots if hasattr(thing, name))


def _with_imported(modules: Iterable[str], roots: tuple[str, ...]) -> tuple[str, ...]:
    found = dict.fromkeys(modules)
    waiting = list(found)
    while waiting:
        for name in _read(waiting.pop()).imported:
            if name.startswith(roots) and name not in found:
                found[name] = None
                waiting.append(name)
    return tuple(found)


class _Source(NamedTuple):
    """What the text of a module says."""

    imported: tuple[str, ...]
    posed: Posed
    streams: tuple[str, ...]
    messages: tuple[str, ...]


@cache
def _read(module: str) -> _Source:
    tree = ast.parse(inspect.getsource(importlib.import_module(module)))
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    named = {node.func.id for node in calls if isinstance(node.func, ast.Name)}
    drawn = (node.args[0] for node in calls if _called(node) == "stream" and node.args)
    return _Source(
        _unique(
            node.module for node in tree.body if isinstance(node, ast.ImportFrom) and node.module is not None
        ),
        _posed(module, tree),
        _unique(text for argument in drawn if (text := _purpose(argument))),
        _unique(name for name in message_types() if name in named),
    )


def _posed(module: str, tree: ast.Module) -> Posed:
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    return Posed(
        module,
        tuple(one.name for one in functions if not one.name.startswith("_") and _builds(one)),
        tuple(one.name for one in functions if one.args.args and one.args.args[0].arg == "m"),
    )


def _builds(function: ast.FunctionDef) -> bool:
    """Whether a function makes a Pyomo model: it says so, or calls for an empty one."""
    calls = (node for node in ast.walk(function) if isinstance(node, ast.Call))
    named = function.name.startswith("build_") and function.name.endswith("_model")
    return named or any(_called(node) == "ConcreteModel" for node in calls)


def _called(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else ""


def _purpose(argument: ast.expr) -> str:
    """A name of a stream as far as it is written out."""
    match argument:
        case ast.Constant(value=str() as text):
            return text
        case ast.JoinedStr(values=parts):
            texts = (part.value if isinstance(part, ast.Constant) else "…" for part in parts)
            return "".join(map(str, texts)).removeprefix("…/").strip("…")
    return ""


def _unique(found: Iterable[T]) -> tuple[T, ...]:
    return tuple(dict.fromkeys(found))
