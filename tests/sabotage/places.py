"""Where code can be broken: arithmetic, bounds and comparisons of functions, found in their source."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
FLOORS = ("environment", "market", "agents")
KINDS = ("sign", "factor", "bound", "comparison", "stale", "lost")
"""A sign turned, a factor of 0.99, a bound moved by 1 %, a comparison turned round, the value of the call
before, and a message that is lost but counted as delivered."""
LIMITERS = {"min", "max", "minimum", "maximum", "clip", "fmin", "fmax", "at_most"}
AnyFunction = ast.FunctionDef | ast.AsyncFunctionDef
_TURNED: Mapping[type[ast.AST], type[ast.AST]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Lt: ast.GtE,
    ast.GtE: ast.Lt,
    ast.Gt: ast.LtE,
    ast.LtE: ast.Gt,
}


class Place(NamedTuple):
    """One node of one function, and what is done to it.

    Parameters
    ----------
    path, function : str
        File from the root of the project, and the qualified name of an outermost function.
    node : int
        Number of the node among all of the function, in the order of `ast.walk`.
    kind : str
        One of `KINDS`.
    line : int
        Of the file, for who reads.
    text : str
        The expression as it stands.
    """

    path: str
    function: str
    node: int
    kind: str
    line: int
    text: str


@cache
def functions_of(path: str) -> dict[str, AnyFunction]:
    """The outermost functions of a file, methods among them, by qualified name."""
    found: dict[str, AnyFunction] = {}

    def visit(body: list[ast.stmt], scope: str) -> None:
        for node in body:
            if isinstance(node, AnyFunction):
                # A property and its setter have one name; the last one counts.
                found[f"{scope}{node.name}"] = node
            elif isinstance(node, ast.ClassDef):
                visit(node.body, f"{scope}{node.name}.")

    visit(ast.parse((ROOT / path).read_text(encoding="utf-8")).body, "")
    return found


def print_of(function: AnyFunction) -> str:
    """A short digest of what a function does, wherever it stands in its file."""
    return hashlib.sha256(ast.dump(function).encode()).hexdigest()[:12]


def places_of(path: str, name: str, function: AnyFunction, lines: frozenset[int]) -> Iterator[Place]:
    """Every place of a function on one of some lines, which count from that of its `def`."""
    nodes = list(ast.walk(function))
    for place in untold_places_of(path, name, function, lines):
        yield place._replace(text=ast.unparse(nodes[place.node]))


def told(place: Place) -> Place:
    """The place with its expression."""
    nodes = list(ast.walk(functions_of(place.path)[place.function]))
    return place._replace(text=ast.unparse(nodes[place.node]))


def untold_places_of(path: str, name: str, function: AnyFunction, lines: frozenset[int]) -> Iterator[Place]:
    """As `places_of`, without the expressions: of thousands of places a few hundred are drawn."""
    left_out = set(_left_out(function))
    for number, node in enumerate(ast.walk(function)):
        line = getattr(node, "lineno", 0)
        if node in left_out or line - function.lineno not in lines:
            continue
        for kind in _kinds(node):
            yield Place(path, name, number, kind, line, "")


def _left_out(function: AnyFunction) -> Iterator[ast.AST]:
    """What is said in errors and texts, types, defaults and decorators."""
    whole: list[ast.AST] = [*function.decorator_list, *function.args.defaults, *function.args.kw_defaults]  # type: ignore[list-item]
    for node in ast.walk(function):
        if isinstance(node, ast.Raise | ast.Assert | ast.JoinedStr):
            whole.append(node)
        elif isinstance(node, ast.AnnAssign | ast.arg) and node.annotation is not None:
            whole.append(node.annotation)
    if function.returns is not None:
        whole.append(function.returns)
    for node in filter(None, whole):
        yield from ast.walk(node)


def _kinds(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub | ast.Mult | ast.Div):
        if any(isinstance(side, _NO_NUMBERS) for side in (node.left, node.right)):
            return
        if isinstance(node.op, ast.Add | ast.Sub):
            yield "sign"
        yield "factor"
        yield "stale"
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        if not isinstance(node.operand, ast.Constant):
            yield "sign"
    elif isinstance(node, ast.Compare) and len(node.ops) == 1 and type(node.ops[0]) in _TURNED:
        yield "bound"
        yield "comparison"
    elif isinstance(node, ast.Call) and node.args and _called(node) in LIMITERS:
        yield "bound"


_NO_NUMBERS = (ast.JoinedStr, ast.List, ast.Tuple, ast.Set, ast.Dict, ast.ListComp, ast.SetComp, ast.DictComp)


def _called(node: ast.Call) -> str:
    function = node.func
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


class _Altering(ast.NodeTransformer):
    """Alters one node, found by identity."""

    def __init__(self, target: ast.AST, kind: str) -> None:
        self._target, self._kind = target, kind

    def visit(self, node: ast.AST) -> ast.AST:
        if node is not self._target:
            return self.generic_visit(node)
        return ast.copy_location(_ALTERED[self._kind](node), node)


def _times(node: ast.expr, factor: float) -> ast.expr:
    return ast.BinOp(ast.Constant(factor), ast.Mult(), node)


def _sign(node: ast.AST) -> ast.AST:
    if isinstance(node, ast.UnaryOp):
        return node.operand
    assert isinstance(node, ast.BinOp)
    return ast.BinOp(node.left, _TURNED[type(node.op)](), node.right)  # type: ignore[arg-type]


def _bound(node: ast.AST) -> ast.AST:
    """The bound is 1 % lower; 0.01 where it is a 0 that stands there."""
    if isinstance(node, ast.Compare):
        (bound,) = node.comparators
        return ast.Compare(node.left, node.ops, [_moved(bound)])
    assert isinstance(node, ast.Call)
    return ast.Call(node.func, [*node.args[:-1], _moved(node.args[-1])], node.keywords)


def _moved(bound: ast.expr) -> ast.expr:
    return ast.Constant(0.01) if isinstance(bound, ast.Constant) and bound.value == 0 else _times(bound, 0.99)


def _comparison(node: ast.AST) -> ast.AST:
    assert isinstance(node, ast.Compare)
    return ast.Compare(node.left, [_TURNED[type(node.ops[0])]()], node.comparators)  # type: ignore[list-item]


def _stale(node: ast.AST) -> ast.AST:
    return ast.Call(ast.Name("__stale__", ast.Load()), [node], [])  # type: ignore[list-item]


_ALTERED = {
    "sign": _sign,
    "factor": lambda node: _times(node, 0.99),
    "bound": _bound,
    "comparison": _comparison,
    "stale": _stale,
}


def altered_source(place: Place) -> ast.Module:
    """The file of a place with its one node altered."""
    tree = ast.parse((ROOT / place.path).read_text(encoding="utf-8"))
    function = _find(tree, place.function)
    target = next(node for number, node in enumerate(ast.walk(function)) if number == place.node)
    altered = _Altering(target, place.kind).visit(tree)
    assert isinstance(altered, ast.Module)
    return ast.fix_missing_locations(altered)


def _find(tree: ast.Module, name: str) -> AnyFunction:
    body: list[ast.stmt] = tree.body
    *scopes, last = name.split(".")
    for scope in scopes:
        body = next(one for one in body if isinstance(one, ast.ClassDef) and one.name == scope).body
    return [one for one in body if isinstance(one, AnyFunction) and one.name == last][-1]
