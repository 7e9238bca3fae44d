"""Plain YAML: the safe, small part of the language that scenario files are written in."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import yaml

from gridarium.environment.errors import Fault, ScenarioError

Tree = dict[str, Any]

_MAX_NODES, _MAX_DEPTH = 50_000, 16
_FAST_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_INTEGER = re.compile(r"[-+]?[0-9]+")
_DECIMAL = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_CONSTANTS: dict[str, object] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".inf", ".Inf", "+.inf", "+.Inf"), math.inf),
    **dict.fromkeys(("-.inf", "-.Inf"), -math.inf),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan),
}


class _Node(NamedTuple):
    """A value with the number of values in it, aliases written out, and its depth."""

    value: Any
    size: int = 1
    depth: int = 0


class _Malformed(Exception):  # noqa: N818 - becomes a ScenarioError that names the file
    """What is wrong with a text, and in which line."""

    def __init__(self, line: int, problem: str) -> None:
        self.line = line
        super().__init__(problem)


class _Reader:
    """Builds plain values from YAML 1.2 core: `no`, `12:30` and dates stay text, 1e3 is a number.

    Tags, merge keys, duplicate keys and keys that are no text are refused, and so is
    a file whose aliases unfold to more than a scenario can sensibly hold.
    """

    def __init__(self, text: str) -> None:
        self._events: Iterator[Any] = yaml.parse(text, Loader=_FAST_LOADER)
        self._anchors: dict[str, _Node] = {}

    def document(self) -> object:
        """Return the only document's value, None for an empty text."""
        value = None
        documents = 0
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise _Malformed(_line(event), "only one document is allowed")
            elif isinstance(event, yaml.NodeEvent):
                value = self._node(event, 0).value
        return value

    def _node(self, event: Any, level: int) -> _Node:
        line = _line(event)
        if isinstance(event, yaml.AliasEvent):
            if event.anchor not in self._anchors:
                raise _Malformed(line, f"alias *{event.anchor} has no anchor before it")
            return self._anchors[event.anchor]
        if event.tag is not None:
            raise _Malformed(line, f"tags such as {event.tag} are not understood")
        if level > _MAX_DEPTH:
            raise _Malformed(line, f"over {_MAX_DEPTH} levels deep")
        if isinstance(event, yaml.ScalarEvent):
            node = _Node(_scalar(event.value) if event.implicit[0] else event.value)
        else:
            mapping = isinstance(event, yaml.MappingStartEvent)
            node = self._mapping(level) if mapping else self._sequence(level)
        if node.size > _MAX_NODES or level + node.depth > _MAX_DEPTH:
            raise _Malformed(line, f"aliases unfold to over {_MAX_NODES} values or {_MAX_DEPTH} levels")
        if event.anchor is not None:
            self._anchors[event.anchor] = node
        return node

    def _children(self, level: int) -> Iterator[tuple[Any, _Node]]:
        for event in self._events:
            if isinstance(event, yaml.CollectionEndEvent):
                return
            yield event, self._node(event, level + 1)

    def _sequence(self, level: int) -> _Node:
        children = [node for _, node in self._children(level)]
        return _collection([node.value for node in children], children)

    def _mapping(self, level: int) -> _Node:
        children = self._children(level)
        value: Tree = {}
        nodes: list[_Node] = []
        for event, key in children:
            line = _line(event)
            if not isinstance(key.value, str):
                raise _Malformed(line, f"the key {key.value!r:.80} is no text")
            if key.value in value:
                raise _Malformed(line, f"the key {key.value!r:.80} appears twice")
            _, node = next(children)
            value[key.value] = node.value
            nodes.append(node)
        return _collection(value, nodes)


def _line(event: Any) -> int:
    return int(event.start_mark.line) + 1


def _collection(value: object, children: Sequence[_Node]) -> _Node:
    size = 1 + sum(node.size for node in children)
    return _Node(value, size, 1 + max((node.depth for node in children), default=0))


def _scalar(text: str) -> object:
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if _INTEGER.fullmatch(text) and len(text) <= 20:
        return int(text)
    return float(text) if _DECIMAL.fullmatch(text) else text


class _Dumper(yaml.SafeDumper):
    """Quotes whatever text this module's reader would take for something else."""

    def ignore_aliases(self, data: Any) -> bool:
        """Write every value out."""
        return True


_Dumper.add_implicit_resolver("tag:yaml.org,2002:float", _DECIMAL, list("-+.0123456789"))


def dump_yaml(tree: Tree) -> str:
    """Write a tree so that reading it gives the same tree again."""
    return str(yaml.dump(tree, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100))


def parse_yaml(text: str, source: str) -> object:
    """Read plain YAML.

    Raises
    ------
    ScenarioError
        If the text is malformed, too large, or uses tags, merge keys or keys that are no text.
    """
    try:
        return _Reader(text).document()
    except _Malformed as error:
        line, problem = error.line, str(error)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        problem = str(error.problem or error.context)
    except yaml.YAMLError as error:
        line, problem = 1, str(error).splitlines()[0]
    lines = text.splitlines()
    shown = lines[line - 1].strip() if line <= len(lines) else "the end of the file"
    raise ScenarioError(source, [Fault(f"line {line}", shown, f"must be plain YAML: {problem}")])
